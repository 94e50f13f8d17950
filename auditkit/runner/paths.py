"""Paths: where a run may write, and names that cannot lead out of there."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONGEST", "local_path", "output_folder", "output_path", "plain_characters", "writable_folder"]

LONGEST = 200

_INSTEAD = {
    "--out": ". To have a copy of the outputs sent to an address too, give --out a folder and the address to --remote",
    "--subject": ". Copy it and the files it names to this machine first",
}

# one letter before a colon is a drive; two and more are a scheme, which papermill would send to a remote writer
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
# Windows opens these as devices, whatever folder and extension they come with
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def local_path(text: str | os.PathLike[str], what: str = "path") -> Path:
    """Return a path on this machine, given by the person who runs the audit.

    Parameters
    ----------
    text : path
        Absolute or relative to the working folder.
    what : str
        How an error names it: "--out".

    Raises
    ------
    InputError
        If it is empty, has a scheme ("s3://..."), or holds control or direction-changing characters.
    """
    name = os.fspath(text)
    if not name.strip():
        raise InputError(f"{what} is empty: give a path")
    plain_characters(name, what)
    if _SCHEME.match(name):
        raise InputError(f"{what} must be a path on this machine, got {name!r}{_INSTEAD.get(what, '')}")
    return Path(name)


def output_path(root: str | os.PathLike[str], name: str) -> Path:
    """Return the path of an output inside `root`.

    Parameters
    ----------
    root : path
        The folder of the run.
    name : str
        A relative name: "report.html", "figures/rates.csv".

    Raises
    ------
    InputError
        If the name is absolute, has a scheme, climbs (".."), is longer than 200 characters, holds control or
        direction-changing characters, or leads out of `root` through a symbolic link.

    Examples
    --------
    >>> output_path("reports", "bias/report.html").as_posix()
    'reports/bias/report.html'
    >>> output_path("reports", "../elsewhere.html")
    Traceback (most recent call last):
    ...
    auditkit.errors.InputError: an output name must stay inside its folder, got '../elsewhere.html'
    """
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"an output name must be text such as 'report.html', got {name!r}")
    plain_characters(name, "an output name")
    if len(name) > LONGEST:
        raise InputError(
            f"an output name may have {LONGEST} characters at most, got {len(name)}: {name[:40]!r}..."
        )
    if _SCHEME.match(name):
        raise InputError(f"an output name is a name, not an address; got {name!r}")
    windows = PureWindowsPath(name)
    parts = windows.parts
    if PurePosixPath(name).is_absolute() or windows.drive or windows.root or name.startswith("~"):
        raise InputError(f"an output name must be relative, got {name!r}")
    if ".." in parts or not parts:
        raise InputError(f"an output name must stay inside its folder, got {name!r}")
    if any(_DEVICES.fullmatch(part) or part != part.rstrip(" .") or ":" in part for part in parts):
        raise InputError(f"an output name must be a plain file name on every system, got {name!r}")
    target = Path(root, *parts)
    if not target.resolve().is_relative_to(Path(root).resolve()):
        raise InputError(f"{name!r} leads out of {os.fspath(root)!r} through a symbolic link")
    return target


def writable_folder(text: str | os.PathLike[str], what: str = "--out") -> Path:
    """Return a folder that can be written to; it is made if it is not there.

    Raises
    ------
    InputError
        If it is no local path, is a file, or cannot be written to.
    """
    folder = local_path(text, what)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".auditkit-", suffix=".tmp"):
            pass
    except FileExistsError:
        raise InputError(f"{what} must be a folder; {str(folder)!r} is a file") from None
    except OSError as error:
        raise InputError(f"{what}: cannot write to {str(folder)!r}: {error.strerror or error}") from None
    return folder.resolve()


@contextmanager
def output_folder(text: str | os.PathLike[str], what: str = "--out") -> Iterator[Path]:
    """Give a folder that can be written to; if the work in it fails, what was made and stayed empty is removed.

    Raises
    ------
    InputError
        As `writable_folder`.
    """
    folder = local_path(text, what)
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield writable_folder(folder, what)
    except BaseException:
        with suppress(OSError):  # not empty: something of the run, or of somebody else, is worth keeping
            for place in new:
                place.rmdir()
        raise


def plain_characters(text: str, what: str) -> None:
    """Refuse what is not seen, or what makes the rest look like something else.

    Raises
    ------
    InputError
        If there is a control or direction-changing character.
    """
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            raise InputError(f"{what} holds the hidden character U+{ord(char):04X}: {text!a}")
