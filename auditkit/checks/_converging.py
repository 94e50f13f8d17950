"""Converging: trainings that end before they have converged, told in the notes of a check and not in the terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from auditkit import early

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["converging"]


@contextmanager
def converging() -> Iterator[list[str]]:
    """Gather what models that are trained inside say of not having converged.

    The list that is yielded holds one note afterwards, or none. It is for models that a check trains, wherever the audit runs its parts;
    every other warning goes where it would have gone.
    """
    notes: list[str] = []
    with early.counting() as found:
        yield notes
    if found.n:
        times = "once" if found.n == 1 else f"{found.n} times"
        notes.append(
            f"Models trained for this check say {times} that their training ended before it had converged: with more iterations "
            "(max_iter), or inputs scaled first, they and the figures that rest on them may come out otherwise."
        )
