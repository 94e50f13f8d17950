"""Gathering: which files are the evidence, and where each goes in the frozen folder."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.incidents.copying import files_below
from auditkit.incidents.verifying import MANIFEST, SIGNATURE
from auditkit.loading.shipped import policy_place
from auditkit.reading import name_shown
from auditkit.runner.order import files_are_there, named_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ATTACHED", "LOG", "MOST", "Gathered", "Part", "gathered"]

ATTACHED = "attached"
LOG = "log"
MOST = 20_000
"""Files that are frozen at most."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file to be copied.

    Attributes
    ----------
    source : pathlib.Path
        Where it is.
    path : str
        Where it goes, below the frozen folder, with slashes.
    role : str
        What it is: "subject", a key of the subject file ("model.path"), "policy", "last good run", "report", "log".
    """

    source: Path
    path: str
    role: str


@dataclass
class Gathered:
    """What is to be frozen.

    Attributes
    ----------
    subject, last_good : str
        Where the subject file goes; and the report of the last good run, empty without one.
    parts : list of Part
        Every file, each going to a place of its own.
    left_out : list of str
        What is not copied, and why.
    """

    subject: str = ""
    last_good: str = ""
    parts: list[Part] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    _sources: dict[str, Path] = field(default_factory=dict)

    def add(self, source: Path, path: str, role: str) -> None:
        """Add a file, once.

        Raises
        ------
        InputError
            If another file goes to the same place, or there are too many.
        """
        there = self._sources.get(path)
        if there is not None:
            if there.resolve() == source.resolve():
                return
            raise InputError(
                f"{name_shown(there)} and {name_shown(source)} would both be frozen as {path}: rename one, or give the folder of both"
            )
        if len(self.parts) >= MOST:
            raise InputError(f"more than {MOST:,} files: name those that matter")
        self.parts.append(Part(source, path, role))
        self._sources[path] = source


def gathered(
    subject: str | os.PathLike[str],
    policy: str | os.PathLike[str] | None,
    last_good: str | os.PathLike[str] | None,
    reports: Sequence[str | os.PathLike[str]],
    logs: Sequence[str | os.PathLike[str]],
) -> Gathered:
    """Return what is to be frozen; nothing is opened but the subject file.

    Raises
    ------
    InputError
        If something is missing, or a file of the subject is named by an absolute path or through a link that leads out.
    """
    found = Gathered()
    _of_subject(Path(subject), found)
    if policy is not None:
        place = policy_place(policy)
        _attach(place, f"{ATTACHED}/policy", "policy", found)
    if last_good is not None:
        path = Path(last_good)
        if path.is_dir() and not (path / "report.json").is_file():
            raise InputError(f"{name_shown(path)} holds no report.json: give the folder of the last good run")
        _attach(path, f"{ATTACHED}/last_good", "last good run", found)
        found.last_good = f"{ATTACHED}/last_good/{_named(path)}" + ("/report.json" if path.is_dir() else "")
    for role, given in (("report", reports), (LOG, logs)):
        for one in given:
            _attach(Path(one), f"{ATTACHED}/{role}s", role, found)
    return found


def _of_subject(file: Path, found: Gathered) -> None:
    """Add the subject file and what it names, laid out as they are, so that the copy can be audited."""
    files_are_there(file)
    named = {"subject": file, **named_files(file)}
    every = {role: Path(os.path.normpath(path.absolute())) for role, path in named.items()}
    root = Path(os.path.commonpath([path.parent for path in every.values()]))
    absolute = {Path(os.path.normpath(word)) for word in _words(tomllib.loads(file.read_text("utf-8")))}
    for role, path in every.items():
        if not path.resolve().is_relative_to(root.resolve()):
            raise InputError(
                f"{role}: {name_shown(path)} is a link that leads out of {name_shown(root)}: name the file itself"
            )
        if role != "subject" and path in absolute:
            raise InputError(
                f"{role}: {name_shown(path)} is an absolute path, by which the copy would read the original: name it from the folder of the subject file"
            )
        relative = path.relative_to(root).as_posix()
        if relative.split("/")[0] in (ATTACHED, MANIFEST, SIGNATURE):
            raise InputError(
                f"{role}: {relative} has a name that the frozen folder needs for itself: rename it"
            )
        for source in [path.resolve()] if not path.is_dir() else _below(path, relative, found):
            place = relative if not path.is_dir() else f"{relative}/{source.relative_to(path).as_posix()}"
            found.add(source, place, role)
    found.subject = every["subject"].relative_to(root).as_posix()


def _words(value: Any) -> Iterator[str]:
    """Give every absolute path among the values of a subject file."""
    if isinstance(value, str) and Path(value).is_absolute():
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _words(one)


def _attach(path: Path, under: str, role: str, found: Gathered) -> None:
    if path.is_symlink():
        raise InputError(f"{name_shown(path)} is a link, and links are not followed: name what it leads to")
    if not path.exists():
        raise InputError(f"no {role} at {name_shown(path)}")
    place = f"{under}/{_named(path)}"
    if not path.is_dir():
        found.add(path, place, role)
        return
    for source in _below(path, place, found):
        found.add(source, f"{place}/{source.relative_to(path).as_posix()}", role)


def _named(path: Path) -> str:
    """Return the name of a file or folder, also of one that is given as '.' or '..'."""
    return Path(os.path.normpath(path.absolute())).name or "all"


def _below(folder: Path, place: str, found: Gathered) -> list[Path]:
    files, others = files_below(folder)
    found.left_out += [
        f"{place}/{one.relative_to(folder).as_posix()}: a link, or no regular file" for one in others
    ]
    return files
