"""Clocks: who must tell whom, from which moment, and within how long."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from datetime import date, time
from functools import cache
from importlib.resources import files
from typing import Any

from auditkit.controls import load_catalogue
from auditkit.errors import InputError, did_you_mean
from auditkit.incidents.times import UNITS, Unit

__all__ = ["MOMENTS", "NEEDS", "Clock", "Clocks", "Silent", "clocks"]

MOMENTS = {
    "aware": "somebody responsible became aware of it, or discovered it",
    "processor_aware": "a processor or business associate became aware of it",
    "classified": "it was classified as major",
    "determined": "it was determined to be one that is to be notified",
    "material": "it was determined to be material",
}
"""The moments that clocks run from, in words."""

NEEDS = {"personal_data": "personal data"}
"""What a clock can need, by the question of the record that says whether it is concerned."""

CHECKED = {
    "source": "seen in a stored copy of the text",
    "secondary": "seen in pages about it",
    "memory": "not checked against the text",
}
"""How a clock was checked, in words."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A period that runs after an incident.

    Attributes
    ----------
    id : str
        Its name: "gdpr-authority".
    framework, control : str
        Of the catalogue of controls, where they are in it.
    law, source, edition : str
        Where it stands.
    who, whom : str
        Who must tell whom.
    case : str
        When it is the one that runs.
    start : str
        The moment it runs from, a key of `MOMENTS`; or empty.
    after : str
        Or the clock whose notice it runs from.
    count : int or None
        How many units; None where it is at once.
    unit : str or None
        Of what.
    applies : datetime.date
        The first day.
    checked : {"source", "secondary", "memory"}
        How it was checked.
    note : str
        What else is to be known.
    needs : {"", "personal_data"}
        What must be concerned, so that it can be the case.
    same : str
        The clock whose notice this one asks for too: told once, both are; the earlier end holds.
    unless : str
        A moment; where it comes after the end of this clock, this is not the one.
    disputed : datetime.date or None
        An earlier first day that some read; from then it runs, and says so.
    zone : str
        Where its days are counted; empty for those of the moment.
    closes : datetime.time or None
        When its last day ends there.
    """

    id: str
    framework: str
    law: str
    who: str
    whom: str
    case: str
    source: str
    edition: str
    applies: date
    checked: str
    control: str = ""
    start: str = ""
    after: str = ""
    count: int | None = None
    unit: Unit | None = None
    note: str = ""
    needs: str = ""
    same: str = ""
    unless: str = ""
    disputed: date | None = None
    zone: str = ""
    closes: time | None = None

    def period(self) -> str:
        """Return the period in words: "72 hours"."""
        if self.count is None or self.unit is None:
            return "at once"
        if self.unit == "days_after_year":
            return f"{self.count} days after the end of the year"
        words = self.unit.replace("_", " ")
        return f"{self.count} {words.removesuffix('s') if self.count == 1 else words}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        given = {key: str(v) if isinstance(v, date | time) else v for key, v in asdict(self).items()}
        return {**given, "period": self.period()}


@dataclass(frozen=True, slots=True)
class Silent:
    """A law about which one may ask, and of which no clock is listed; why, in words."""

    framework: str
    law: str
    words: str
    checked: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """All clocks.

    Attributes
    ----------
    edition, disclaimer : str
        Of the list.
    clocks : tuple of Clock
        In the order of the file; one that runs after another comes later.
    silent : tuple of Silent
        Laws without one.
    """

    edition: str
    disclaimer: str
    clocks: tuple[Clock, ...]
    silent: tuple[Silent, ...]

    def of(self, frameworks: tuple[str, ...] = ()) -> tuple[Clock, ...]:
        """Return the clocks of these frameworks, or all.

        Raises
        ------
        InputError
            If none is of a framework.
        """
        known = {one.framework for one in self.clocks} | {one.framework for one in self.silent}
        for name in frameworks:
            if name not in known:
                raise InputError(f"no clock of {name!r}.{did_you_mean(name, known)}")
        return tuple(one for one in self.clocks if not frameworks or one.framework in frameworks)


@cache
def clocks() -> Clocks:
    """Return the clocks that come with auditkit.

    Examples
    --------
    >>> [one.period() for one in clocks().of(("gdpr",))]
    ['72 hours', 'at once', 'at once']
    """
    content = tomllib.loads((files("auditkit.incidents") / "clocks.toml").read_text("utf-8"))
    made: dict[str, Clock] = {}
    for said in content["clock"]:
        one = _clock(said)
        if one.id in made or any(name and name not in made for name in (one.after, one.same)):
            raise InputError(
                f"clocks.toml: {one.id!r} comes twice, or names one that does not come before it"
            )
        made[one.id] = one
    return Clocks(
        content["edition"],
        content["disclaimer"],
        tuple(made.values()),
        tuple(Silent(**one) for one in content["silent"]),
    )


def framework_name(key: str) -> str:
    """Return the name of a framework as the catalogue says it; the key in capitals where it is in none.

    Examples
    --------
    >>> framework_name("gdpr"), framework_name("nis2")
    ('GDPR', 'NIS2')
    """
    named = {one.id: one.name for one in load_catalogue().frameworks}
    return named.get(key) or key.upper().replace("_", " ")


def _clock(said: dict[str, Any]) -> Clock:
    known = {f.name for f in fields(Clock)} - {"start"} | {"from"}
    where = f"clocks.toml, {said.get('id')!r}"
    for key in said:
        if key not in known:
            raise InputError(f"{where}: no key {key!r}.{did_you_mean(key, known)}")
    one = Clock(**{("start" if key == "from" else key): value for key, value in said.items()})
    if (
        (one.start in MOMENTS) == bool(one.after)
        or one.checked not in CHECKED
        or one.needs not in ("", *NEEDS)
        or one.unless not in ("", *MOMENTS)
    ):
        raise InputError(
            f"{where}: expected `from` (one of {', '.join(MOMENTS)}) or `after`, and how it was checked"
        )
    if (
        (one.count is None) != (one.unit is None)
        or one.unit not in (None, *UNITS)
        or type(one.applies) is not date
    ):
        raise InputError(
            f"{where}: expected count and unit together, of {', '.join(UNITS)}, and a day in `applies`"
        )
    return one
