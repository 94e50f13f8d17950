"""Beginning: a form's file that was not there before."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.forms.kinds import load_kind
from auditkit.forms.writing import to_toml
from auditkit.reading import toml_text

if TYPE_CHECKING:
    from auditkit.forms.asked import Kind

__all__ = ["begin", "named_from", "subject_named"]


def begin(kind: str | os.PathLike[str], out: str | os.PathLike[str], subject: str = "") -> tuple[Path, Kind]:
    """Write a form without answers; return its path and its kind.

    Parameters
    ----------
    kind : str or path
        See `load_kind`.
    out : path
        The file to write; its folder is made where it is not there.
    subject : str
        What it is about: a name, or the path of a subject file, whose name it takes.

    Raises
    ------
    InputError
        If there is no such kind, something is there already, or the folder cannot be made.
    """
    asked, target = load_kind(kind), Path(out)
    text = to_toml(asked, subject_named(subject), named=named_from(asked, target))
    if os.path.lexists(target):
        raise InputError(f"{target} is there already, and nothing is overwritten: give another name")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {target.parent}: {error.strerror or error}") from None
    return write_whole(target, text.encode()), asked


def named_from(kind: Kind, target: Path) -> str:
    """Return how a form at this place names its kind: a team's own by its path from there."""
    if not kind.file:
        return kind.kind
    try:
        return Path(os.path.relpath(kind.file, target.parent)).as_posix()
    except ValueError:  # another drive
        return Path(kind.file).resolve().as_posix()


def subject_named(given: str) -> str:
    """Return the name that is meant: as it stands, or that of a subject file.

    Raises
    ------
    InputError
        If it ends in ``.toml`` and is no subject file with a name.
    """
    if not given.endswith(".toml"):
        return given
    try:
        name = tomllib.loads(toml_text(given, "subject file")).get("name")
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{given} is not TOML: {error}") from None
    if name is None:
        return Path(given).stem
    if not isinstance(name, str):
        raise InputError(f"{given}: name needs words, got {name!r:.80}")
    return name
