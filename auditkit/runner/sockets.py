"""Sockets: a private folder for the Unix sockets of one kernel, gone when its run ends."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["SocketFolder", "sweep"]

_PREFIX, _LOCK = "auditkit-kernel-", "lock"
_LONGEST = "k-3-pipe"  # the longest name of a socket in it
_A_DAY = 86_400.0


class SocketFolder:
    """A folder that its owner alone may enter. It is locked for as long as the process lives that made it.

    A port is free when it is chosen and may be taken when it is bound; nobody else can bind a name in here. The folder is in that of temporary files,
    and not among the outputs: the system takes about 100 bytes for the path of a socket, and not on every file system.
    """

    def __init__(self, place: Path) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        self._held = -1
        import fcntl

        try:
            # under its name only once it is locked: `sweep` must not come between
            new = self.path / f"{_LOCK}.new"
            self._held = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX)
            new.rename(self.path / _LOCK)
            with socket.socket(socket.AF_UNIX) as tried:
                tried.bind(str(self.path / _LONGEST))
            (self.path / _LONGEST).unlink()
        except OSError:
            self.remove()
            raise

    @classmethod
    def made(cls) -> SocketFolder | None:
        """Return a new one; None where the system has no such sockets, or no folder that takes them."""
        if not _spoken():
            return None
        for place in _places():
            sweep(place)
            with suppress(OSError):
                return cls(place)
        return None

    @property
    def prefix(self) -> str:
        """What the names of the sockets begin with: a kernel adds "-1", "-2" as it would take ports."""
        return str(self.path / "k")

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._held >= 0:
            os.close(self._held)
            self._held = -1


def sweep(*places: Path) -> None:
    """Remove the folders of this user whose processes were killed; those in use are left alone."""
    for place in (places or _places()) if os.name == "posix" else ():
        for folder in place.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                about = folder.lstat()
                own = about.st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink()
                if own and _left(folder, about.st_mtime):
                    shutil.rmtree(folder, ignore_errors=True)


def _left(folder: Path, changed: float) -> bool:
    import fcntl

    try:
        held = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return time.time() - changed > _A_DAY  # it may be just being made
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True


def _places() -> list[Path]:
    places = [Path("/tmp")]  # noqa: S108 - a folder of its own is made in it
    with suppress(OSError):  # on a full disk no place is found usable
        places.insert(0, Path(tempfile.gettempdir()))
    return list(dict.fromkeys(places))


def _spoken() -> bool:
    import zmq

    return os.name == "posix" and bool(zmq.has("ipc"))
