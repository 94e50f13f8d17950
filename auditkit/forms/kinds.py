"""Kinds: those that auditkit ships, and a team's own, read from their files."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean
from auditkit.forms._written import read
from auditkit.reading import toml_text

if TYPE_CHECKING:
    import os

    from auditkit.forms.asked import Kind

__all__ = ["kind_names", "load_kind"]


@cache
def kind_names() -> tuple[str, ...]:
    """Return the names of auditkit's own kinds.

    Examples
    --------
    >>> kind_names()
    ('intended_use', 'impact_assessment', 'oversight', 'data_protection', 'incident')
    """
    order = ("intended_use", "impact_assessment", "oversight", "data_protection", "incident")
    there = {one.name.removesuffix(".toml") for one in _folder().iterdir() if one.name.endswith(".toml")}
    return (*(one for one in order if one in there), *sorted(there - set(order)))


def load_kind(name: str | os.PathLike[str]) -> Kind:
    """Read a kind: one of auditkit's own by its name, or a team's own by the path of its file.

    Parameters
    ----------
    name : str or path
        ``"intended_use"``, or the path of a TOML file, whose name ends in ``.toml``.

    Raises
    ------
    InputError
        If there is none of this name, or the file is missing, no TOML, or asks what cannot be asked; every mistake is told.

    Examples
    --------
    >>> load_kind("oversight").sections[0].title
    'Where people stand'
    """
    word = str(name)
    if not word.endswith(".toml"):
        if word not in kind_names():
            raise InputError(
                f"no kind of form {word!r}.{did_you_mean(word, kind_names())} A kind of your own is the path of a file that ends in .toml"
            )
        return _shipped(word)
    return _read(toml_text(Path(name), "kind of form"), word, file=word)


@cache
def _shipped(name: str) -> Kind:
    return _read((_folder() / f"{name}.toml").read_text("utf-8"), f"{name}.toml", file="")


def _folder() -> Any:
    return files("auditkit") / "forms" / "kinds"


def _read(text: str, where: str, *, file: str) -> Kind:
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{where} is not TOML: {error}") from None
    return read(content, where, file=file)
