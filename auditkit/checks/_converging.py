"""Converging: trainings that end before they have converged, told in the notes of a check and not in the terminal."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["converging"]


@contextmanager
def converging() -> Iterator[list[str]]:
    """Gather what models that are trained inside say of not having converged.

    The list that is yielded holds one note afterwards, or none. It is for models that a check trains; every other warning goes where
    it would have gone.
    """
    from sklearn.exceptions import ConvergenceWarning

    notes: list[str] = []
    early = 0
    with warnings.catch_warnings():
        warnings.simplefilter("always", ConvergenceWarning)
        show = warnings.showwarning

        def heard(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            nonlocal early
            if issubclass(category, ConvergenceWarning):
                early += 1
            else:
                show(message, category, *where, **more)

        warnings.showwarning = heard
        yield notes
    if early:
        times = "once" if early == 1 else f"{early} times"
        notes.append(
            f"Models trained for this check say {times} that their training ended before it had converged: with more iterations "
            "(max_iter), or inputs scaled first, they and the figures that rest on them may come out otherwise."
        )
