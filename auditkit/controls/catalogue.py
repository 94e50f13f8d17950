"""Catalogue: frameworks, their controls and the topics of these, from the shipped files and from a team's own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from auditkit.controls._written import read
from auditkit.controls.topics import Topic
from auditkit.errors import InputError, did_you_mean
from auditkit.reading import toml_text

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from datetime import date

    from auditkit.controls._written import Entry, File

__all__ = ["Catalogue", "Checked", "Control", "Framework", "Strength", "load_catalogue"]

_T = TypeVar("_T")

Strength: TypeAlias = Literal["direct", "partial", "record"]
Checked: TypeAlias = Literal["source", "secondary", "source and secondary", "memory", "own"]


@dataclass(frozen=True, slots=True)
class Framework:
    """A body of controls, in one edition.

    Attributes
    ----------
    id, name, title : str
        What files call it, what pages call it, and what it is.
    edition : str
        Which edition the ids and titles are of.
    checked : {"source", "secondary", "source and secondary", "memory", "own"}
        How it was checked: in a stored copy of the official text, in a page about it, in both, not against the text; or a team's own.
    applies : tuple of (str, datetime.date)
        What applies, from which day.
    status, note : str
        "contested" where it is; what else a reader must know.
    kinds : tuple of str
        The kinds of target it is about, of `auditkit.targets.KINDS`; every kind where there are none.
    """

    id: str
    name: str
    title: str
    edition: str
    checked: Checked = "own"
    applies: tuple[tuple[str, date], ...] = ()
    status: str = ""
    note: str = ""
    kinds: tuple[str, ...] = ()

    def words(self) -> str:
        """Return edition, days, status and note in one line."""
        days = [f"{what} from {day.isoformat()}" for what, day in self.applies]
        unread = "not checked against the text" if self.checked == "memory" else ""
        return "; ".join(filter(None, [self.edition, *days, self.status, self.note, unread]))


@dataclass(frozen=True, slots=True)
class Control:
    """Something that a framework asks for.

    Attributes
    ----------
    id, framework : str
        Its id in the framework, and the framework's.
    title : str
        What it asks for, in the words of whoever wrote the catalogue.
    topics : tuple of str
        What evidence relevant to it is about.
    strength : {"direct", "partial", "record"}
        Whether evidence on its topics is evidence for it, covers a measurable part of it, or is a form that people fill in.
    evidence : tuple of str
        What would be evidence, in words.
    checked : {"source", "secondary", "source and secondary", "memory", "own"}
        How id and title were checked.
    note : str
        What else a reader must know.
    aliases : tuple of str
        Its ids in other editions.
    """

    id: str
    framework: str
    title: str
    topics: tuple[str, ...] = ()
    strength: Strength = "partial"
    evidence: tuple[str, ...] = ()
    checked: Checked = "own"
    note: str = ""
    aliases: tuple[str, ...] = ()

    def remarks(self) -> str:
        """Return what a reader must know besides, in one line."""
        also = f"also {', '.join(self.aliases)}" if self.aliases else ""
        return "; ".join(
            filter(
                None, [also, self.note, "not checked against the text" if self.checked == "memory" else ""]
            )
        )


@dataclass(frozen=True)
class Catalogue:
    """Frameworks, their controls, and the topics that these name.

    Attributes
    ----------
    version, disclaimer : str
        Of the shipped catalogue; what a map of evidence does not say.
    frameworks, controls, topics : tuple
        In the order of the files.
    """

    version: str
    disclaimer: str
    frameworks: tuple[Framework, ...]
    controls: tuple[Control, ...]
    topics: tuple[Topic, ...]

    def __repr__(self) -> str:
        return f"Catalogue({self.version}: {len(self.controls)} controls of {len(self.frameworks)} frameworks; .of(FRAMEWORK) for one)"

    def framework(self, word: str) -> Framework:
        """Return a framework by its id or its name, in any case.

        Raises
        ------
        InputError
            If there is none.
        """
        wanted = word.casefold()
        for one in self.frameworks:
            if wanted in (one.id.casefold(), one.name.casefold()):
                return one
        raise InputError(f"no framework {word!r}.{did_you_mean(word, [one.id for one in self.frameworks])}")

    def of(self, word: str) -> tuple[Control, ...]:
        """Return the controls of a framework, by its id or its name."""
        wanted = self.framework(word).id
        return tuple(one for one in self.controls if one.framework == wanted)

    @cached_property
    def by_topic(self) -> Mapping[str, Topic]:
        """The topics by id."""
        return {one.id: one for one in self.topics}

    @cached_property
    def named(self) -> frozenset[str]:
        """Codes of the checks that some topic names."""
        return frozenset(code for one in self.topics for code in (*one.checks, *one.also))


def load_catalogue(path: str | os.PathLike[str] | None = None) -> Catalogue:
    """Read the shipped catalogue, and with it a team's own.

    Parameters
    ----------
    path : path, optional
        A TOML file of ``[[framework]]``, ``[[control]]`` and ``[[topic]]`` tables. What it holds is added; what is there already is
        replaced where it says ``replaces = true``.

    Raises
    ------
    InputError
        If the file is missing, is no TOML, has an unknown key or a wrong type, names a framework or topic that is not there, holds an id
        that is there already without saying that it replaces it, or says so of one that is not.

    Examples
    --------
    >>> load_catalogue().framework("gdpr").edition
    'Reg. (EU) 2016/679'
    """
    shipped = _shipped()
    if path is None:
        return shipped
    file = Path(path)
    return _with(shipped, _parsed(toml_text(file, "catalogue"), str(file)), str(file))


@cache
def _shipped() -> Catalogue:
    folder = files("auditkit") / "controls"
    first = Catalogue("", "", (), (), ())
    for name in ("topics.toml", "catalogue.toml"):
        first = _with(first, _parsed((folder / name).read_text("utf-8"), name), name)
    return first


def _parsed(text: str, name: str) -> File:
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name} is not TOML: {error}") from None
    return read(content, name)


def _place(known: dict[str, _T], made: _T, entry: Entry, where: str) -> None:
    """Add a value, or put it in the place of the one that is there, as its file says."""
    if entry.id in known and not entry.replaces:
        raise InputError(f"{where} is there already: choose another id, or say replaces = true")
    if entry.replaces and entry.id not in known:
        raise InputError(
            f"{where} says replaces = true, and there is none of this id.{did_you_mean(entry.id, known)}"
        )
    known[entry.id] = made


def _with(known: Catalogue, file: File, name: str) -> Catalogue:
    """Return a catalogue with what a file adds to it and replaces in it."""
    topics, frameworks = {one.id: one for one in known.topics}, {one.id: one for one in known.frameworks}
    controls: dict[str, dict[str, Control]] = {one: {} for one in frameworks}
    for control in known.controls:
        controls[control.framework][control.id] = control
    for topic in file.topic:
        _place(topics, topic.made(Topic), topic, f"{name}: topic {topic.id!r}")
    for framework in file.framework:
        made = framework.made(Framework, applies=tuple(framework.applies.items()))
        _place(frameworks, made, framework, f"{name}: framework {framework.id!r}")
    for one in file.control:
        where = f"{name}: control {one.id!r}"
        if one.framework not in frameworks:
            raise InputError(
                f"{where}: no framework {one.framework!r}.{did_you_mean(one.framework, frameworks)}"
            )
        for word in one.topics:
            if word not in topics:
                raise InputError(f"{where}: no topic {word!r}.{did_you_mean(word, topics)}")
        how = one.checked or frameworks[one.framework].checked
        _place(controls.setdefault(one.framework, {}), one.made(Control, checked=how), one, where)
    every = tuple(one for own in controls.values() for one in own.values())
    parts = tuple(frameworks.values()), every, tuple(topics.values())
    return Catalogue(file.version or known.version, file.disclaimer or known.disclaimer, *parts)
