"""Shipped policies: the starting points that come with auditkit, by name."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from auditkit.errors import InputError, did_you_mean

__all__ = ["Shipped", "hidden_by_file", "policy_beside", "policy_place", "shipped_name", "shipped_policies"]

_FIRST = "default"


@dataclass(frozen=True)
class Shipped:
    """A policy that comes with auditkit.

    Attributes
    ----------
    name : str
        What people type: "lending".
    path : pathlib.Path
        Its file.
    title, description : str
        As the file says them.
    criteria : int
        How many limits it has.
    """

    name: str
    path: Path
    title: str
    description: str
    criteria: int

    @property
    def text(self) -> str:
        """The file as it is written, with its comments."""
        return self.path.read_text("utf-8")


@cache
def shipped_policies() -> dict[str, Shipped]:
    """Return the policies of this installation by name, the default first.

    Examples
    --------
    >>> list(shipped_policies())
    ['default', 'health', 'hiring', 'lending']
    """
    folder = Path(str(files("auditkit") / "policies"))
    paths = sorted(folder.glob("*.toml"), key=lambda path: (path.stem != _FIRST, path.stem))
    return {path.stem: _described(path) for path in paths}


def policy_place(word: str | os.PathLike[str]) -> Path:
    """Return the file that a policy is asked for by: the path of a file, or the name of a shipped policy.

    Parameters
    ----------
    word : str or path
        "lending", "policy.toml". A file of that name that exists is what is meant; a folder of that name is not.

    Raises
    ------
    InputError
        If it is a bare name, and neither a file nor a policy has it.

    Examples
    --------
    >>> policy_place("lending").name, policy_place("ours.toml").name
    ('lending.toml', 'ours.toml')
    """
    text, path = os.fspath(word), Path(word)
    known = shipped_policies()
    if not _bare(text) or path.is_file() or (path.exists() and text not in known):
        return path
    if text not in known:
        raise InputError(
            f"no policy file at {text}, and no policy of that name.{did_you_mean(text, known)} "
            "`auditkit list policies` says what each is for"
        )
    return known[text].path


def policy_beside(folder: Path, word: str) -> Path:
    """Return the file that a plan in a folder means by a policy: one beside it, or one that comes with auditkit by its name.

    Examples
    --------
    >>> policy_beside(Path("plans"), "lending").name, policy_beside(Path("plans"), "ours.toml").as_posix()
    ('lending.toml', 'plans/ours.toml')
    """
    known = shipped_policies()
    return known[word].path if word in known and not (folder / word).is_file() else folder / word


def shipped_name(path: Path) -> str | None:
    """Return the name of the shipped policy that a path is the file of; None for any other file.

    Examples
    --------
    >>> shipped_name(policy_place("health")), shipped_name(Path("health.toml"))
    ('health', None)
    """
    found = shipped_policies().get(path.stem)
    return found.name if found is not None and path.absolute() == found.path.absolute() else None


def hidden_by_file(word: str, option: str = "--policy ") -> str:
    """Return what is to be said where a file stands before the shipped policy of its name; empty where none does."""
    if not _bare(word) or word not in shipped_policies() or not Path(word).is_file():
        return ""
    return f"{option}{word}: the file {word!r} in this folder is read, not auditkit's policy of that name; rename the file to have that"


def _bare(text: str) -> bool:
    """Whether this can be a name: no folder, no extension."""
    return bool(text.strip()) and not {"/", "\\", ":"} & set(text) and not Path(text).suffix


def _described(path: Path) -> Shipped:
    said = tomllib.loads(path.read_text("utf-8"))
    return Shipped(path.stem, path, said["name"], said["description"], len(said["criterion"]))
