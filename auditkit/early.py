"""Early: trainings that say they ended before they had converged, counted wherever the parts of a check run."""

from __future__ import annotations

import os
import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Count", "add", "counted", "counting", "heeded"]

T = TypeVar("T")


@dataclass(slots=True)
class Count:
    """How many trainings said so."""

    n: int = 0


_count: ContextVar[Count | None] = ContextVar("auditkit_early", default=None)


class _Ears:
    """The one ear of the process. Warnings have no thread of their own: who comes first puts it up, who leaves last takes it down."""

    def __init__(self) -> None:
        self.lock, self.listeners, self.before = threading.Lock(), 0, warnings.catch_warnings()

    def open(self) -> None:
        from sklearn.exceptions import ConvergenceWarning

        with self.lock:
            self.listeners += 1
            if self.listeners == 1:
                self.before = warnings.catch_warnings()
                self.before.__enter__()
                warnings.simplefilter("always", ConvergenceWarning)
                warnings.showwarning = partial(_heard, ConvergenceWarning, warnings.showwarning)

    def close(self) -> None:
        with self.lock:
            self.listeners -= 1
            if not self.listeners:
                self.before.__exit__(None, None, None)

    def anew(self) -> None:
        self.lock = threading.Lock()  # a forked process must not wait for a thread that it does not have


_ears = _Ears()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ears.anew)


@contextmanager
def counting() -> Iterator[Count]:
    """Count what is said inside the ``with`` block, in this thread and in the parts that it spreads; other warnings go on."""
    token = _count.set(found := Count())
    _ears.open()
    try:
        yield found
    finally:
        _ears.close()
        _count.reset(token)


def heeded() -> bool:
    """Whether somebody counts here."""
    return _count.get() is not None


def add(n: int) -> None:
    """Add what was counted elsewhere, where somebody counts here."""
    found = _count.get()
    if found is not None:
        found.n += n


def counted(function: Callable[..., T], *job: Any) -> tuple[T, int]:
    """Call a function, and return with its value how many trainings said so; in another process as well as here."""
    with counting() as found:
        value = function(*job)
    return value, found.n


def _heard(
    kind: type[Warning], show: Callable[..., Any], message: Warning | str, category: type[Warning],
    *where: Any, **more: Any,
) -> None:  # fmt: skip
    if issubclass(category, kind) and heeded():
        add(1)
    else:
        show(message, category, *where, **more)
