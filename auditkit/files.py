"""Files: written whole or not at all, alone or together."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["held_back", "move_together", "write_whole"]

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


def write_whole(target: Path, content: bytes, *, private: bool = False) -> Path:
    """Write beside the target, sync, and rename, so that nobody ever reads half a file.

    A file that is there is replaced and keeps its permissions; after a failure it is as it was.

    Parameters
    ----------
    target : pathlib.Path
        The file; its folder must exist.
    content : bytes
        What it is to hold.
    private : bool
        Whether only its owner may read and write it (mode 0600 on POSIX), from its first byte on and whatever was there.

    Returns
    -------
    pathlib.Path
        `target`.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb", opener=_private if private else None) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            if not private:
                temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def move_together(moves: Mapping[Path, Path]) -> None:
    """Move finished files to their names, one right after the other; a signal to end waits until all are there.

    Each target is replaced whole, and keeps its permissions. If one cannot be moved, those before it stay moved.

    Parameters
    ----------
    moves : mapping
        A finished file and its name, on the same file system.

    Raises
    ------
    OSError
        If one cannot be moved.
    """
    with held_back():
        for source, target in moves.items():
            with suppress(FileNotFoundError):
                source.chmod(target.stat().st_mode & 0o7777)
            source.replace(target)


@contextmanager
def held_back() -> Iterator[None]:
    """Hold signals to end back until the ``with`` block is left, and let them act then.

    Only the main thread can: elsewhere, and for a signal that is ignored, nothing changes. No process can hold SIGKILL back.
    """
    caught: dict[int, None] = {}
    with ExitStack() as after:
        if threading.current_thread() is threading.main_thread():
            after.callback(_let_act, caught)  # last of all: when every handler is back
            for number in (getattr(signal, name) for name in _ENDING if hasattr(signal, name)):
                before = signal.getsignal(number)
                if before not in (
                    None,
                    signal.SIG_IGN,
                ):  # None: not set from Python, and could not be put back
                    after.callback(signal.signal, number, before)
                    signal.signal(number, lambda number, _frame: caught.setdefault(number))
        yield


def _let_act(caught: Mapping[int, None]) -> None:
    with ExitStack() as all_of_them:  # also where the first raises
        for number in reversed(list(caught)):
            all_of_them.callback(signal.raise_signal, number)
