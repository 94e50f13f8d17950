"""Progress: how far a running check is, said to whoever listens; also where a cancelled check stops."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["listening", "part", "step"]

_listener: ContextVar[Callable[[float | None, str], None] | None] = ContextVar(
    "auditkit_progress", default=None
)


def step(fraction: float | None = None, what: str = "") -> None:
    """Say how far the running check is.

    Parameters
    ----------
    fraction : float, optional
        Done so far, from 0 to 1; None where the check only shows a sign of life.
    what : str
        A few words: "refit 3 of 8".

    Raises
    ------
    Cancelled
        If the listener was asked to stop. A check lets it pass.
    """
    listener = _listener.get()
    if listener is not None:
        listener(fraction, what)


@contextmanager
def listening(listener: Callable[[float | None, str], None]) -> Iterator[None]:
    """Send the steps said inside the ``with`` block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def part(low: float, high: float) -> Iterator[None]:
    """Take the fractions said inside the ``with`` block for parts of the way from `low` to `high`.

    Parameters
    ----------
    low, high : float
        Of the whole check, from 0 to 1.
    """
    listener = _listener.get()
    if listener is None:
        yield
        return

    def within(fraction: float | None, what: str) -> None:
        listener(None if fraction is None else low + (high - low) * min(1.0, fraction), what)

    with listening(within):
        yield
