"""Files of `scan model`: which of a folder are read, and which are left out, and why."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.reading import name_shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.targets.artifact import ModelFile

__all__ = ["Chosen", "chosen"]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be scanned, and what is not.

    Attributes
    ----------
    files : tuple of ModelFile
        Each is called by its path.
    skipped : tuple of str
        Paths of files in folders that are no models.
    left_out : int
        How many files, and links to folders, in folders the patterns left out.
    """

    files: tuple[ModelFile, ...]
    skipped: tuple[str, ...]
    left_out: int


def chosen(given: Sequence[str], include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Chosen:
    """Read the files that are named, and those of folders that may be models.

    Parameters
    ----------
    given : sequence of str
        Files, which are always read, and folders.
    include, exclude : sequence of str
        Patterns such as ``"*.bin"``, held against the path in a folder and against the name alone. What is included by name is read whatever it is.

    Raises
    ------
    InputError
        If an address is given, a file cannot be read, a folder holds a link to a folder, or nothing is left to read.
    """
    from auditkit.scanning.artifacts.bystanders import is_bystander
    from auditkit.targets.artifact import ModelFile

    files: list[ModelFile] = []
    skipped: list[str] = []
    left_out = 0
    for name in given:
        if _ADDRESS.match(name) and not Path(name).exists():
            raise InputError(
                f"{name_shown(name)} is an address: auditkit reads files, and fetches nothing. Download it without opening it, and name the file"
            )
        folder = Path(name)
        if not folder.is_dir():
            files.append(ModelFile.from_path(folder, name=name))
            continue
        inside = _inside(folder)
        if not inside:
            raise InputError(f"{name_shown(folder)} is a folder without files")
        wanted = [one for one in inside if _wanted(one.relative_to(folder), include, exclude)]
        left_out += len(inside) - len(wanted)
        for one in wanted:
            if one.is_dir():
                raise InputError(
                    f"{name_shown(one)} is a link to a folder, which is not followed: name it too, or leave it out with --exclude"
                )
            file = ModelFile.from_path(one, name=str(one))
            if not include and is_bystander(one.name, file.data):
                skipped.append(str(one))
            else:
                files.append(file)
    if not files:
        raise InputError(_nothing(skipped, left_out))
    return Chosen(tuple(files), tuple(skipped), left_out)


def _inside(folder: Path) -> list[Path]:
    """Return the files of a folder and of those in it, and links to folders; a folder that cannot be listed is an error."""

    def refused(error: OSError) -> None:
        raise InputError(f"{name_shown(str(error.filename))}: {error.strerror}: nothing in it was looked at")

    found: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=refused):
        here = Path(place)
        found += [here / name for name in files if (here / name).is_file()]
        found += [here / name for name in folders if (here / name).is_symlink()]
    return sorted(found)


def _wanted(path: Path, include: Sequence[str], exclude: Sequence[str]) -> bool:
    def held(patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(text, one) for one in patterns for text in (path.as_posix(), path.name))

    return (not include or held(include)) and not held(exclude)


def _nothing(skipped: Sequence[str], left_out: int) -> str:
    why = []
    if skipped:
        why.append(f"{len(skipped)} by name and content no model: name one to have it read all the same")
    if left_out:
        why.append(f"{left_out} left out by --include or --exclude")
    return f"no file is left to scan ({'; '.join(why)})"
