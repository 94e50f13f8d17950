"""Ending: what happens, and what is said, when a command is told to end before it is done."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from auditkit.cli.output import INTERRUPTED, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["TERMINATED", "end_at_once", "saying_how_to_go_on", "saying_what_stays", "terminated"]

TERMINATED = 143

_REPORT = ("report.html", "report.ipynb", "report.json")  # those of a run appear together
_OTHERS = (
    "report.partial.ipynb",
    "report.pdf",
    "report.answers.npz",
    "adult.skops",
    "adult.toml",
    "test.parquet",
    "train.parquet",
)


def terminated(_number: int, _frame: object) -> None:
    """Handle SIGTERM: leave by the way of an error, so that kernels are stopped and unfinished files removed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut the clearing up short
    sys.exit(TERMINATED)


def end_at_once() -> None:
    """Leave without taking down the packages that were loaded, which takes seconds; all that had to be done is done."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(TERMINATED)


@contextmanager
def saying_what_stays(out: str, cache: str | None = None) -> Iterator[None]:
    """Say, when a run is told to end, whether its report was written, and what else of it is in its folder.

    Parameters
    ----------
    out : str
        The folder. What was written is told from its files, so it is so whenever the signal came.
    cache : str, optional
        Where answers of reference models are kept.
    """
    before = _there(out)
    with _saying(lambda: _what_stays(before, out, cache)):
        yield


@contextmanager
def saying_how_to_go_on(out: str, command: str) -> Iterator[None]:
    """Say, when a batch is told to end, that what has an outcome is kept, and by which command it goes on.

    Parameters
    ----------
    out : str
        The folder.
    command : str
        What to type.
    """
    with _saying(lambda: f"what had an outcome by then is kept in {out}. To go on: {command}"):
        yield


@contextmanager
def _saying(told: Callable[[], str]) -> Iterator[None]:
    """Say something when what runs inside the ``with`` block is told to end, made then."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"Interrupted: {told()}")
        raise typer.Exit(INTERRUPTED) from None
    except SystemExit as end:
        if end.code == TERMINATED:
            say(f"Terminated: {told()}")
        raise


def _there(out: str) -> dict[str, tuple[int, ...]]:
    """Return what tells the files of a run from those that replace them."""
    found: dict[str, tuple[int, ...]] = {}
    for name in (*_REPORT, *_OTHERS):
        with suppress(OSError, ValueError):
            seen = Path(out, name).stat()
            found[name] = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
    return found


def _what_stays(before: dict[str, tuple[int, ...]], out: str, cache: str | None) -> str:
    now = _there(out)
    new = [name for name in now if now[name] != before.get(name)]
    if set(_REPORT) <= set(new):
        return f"the report was complete by then, and is in {out}: {', '.join(_REPORT)}."
    answers = f"the answers of reference models in {cache}" if cache else ""
    written = f"in {out} it has written {', '.join(new)}" if new else ""
    if not written:
        kept = f"Nothing of this run is kept{' but ' if answers else ''}{answers}; what was in {out} before stays as it was."
    else:
        kept = f"Of this run stays: {written}{'; and ' if answers else ''}{answers}. What else was in {out} is as it was."
    return f"the kernel is stopped, and no report was written. {kept}"
