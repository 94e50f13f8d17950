"""Files: written whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_whole"]


def write_whole(target: Path, content: bytes) -> Path:
    """Write beside the target, sync, and rename, so that nobody ever reads half a file.

    A file that is there is replaced and keeps its permissions; after a failure it is as it was.

    Parameters
    ----------
    target : pathlib.Path
        The file; its folder must exist.
    content : bytes
        What it is to hold.

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
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target
