"""Waiver: a limit that is not met and accepted all the same: by whom, why, and until when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Waiver", "day", "today", "waivers_of"]

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A limit that is not met, or undecided, and accepted all the same.

    It speaks of one finding by its fingerprint, or of a metric, and then of one check or group where these are given. It never
    covers a check that is not applicable or ended in an error: nothing was seen that could be accepted.

    Attributes
    ----------
    reason : str
        Why it is accepted.
    by : str
        Who accepts it.
    until : datetime.date
        The last day on which it holds; a text such as "2027-01-31" is read.
    finding : str
        The fingerprint of a finding: `Finding.fingerprint`, or the last column of `Report.frame`. The fingerprint holds the
        limit: under another limit the waiver matches nothing.
    metric, group, check : str, optional
        As in a `Criterion`, for a waiver that names no finding; wildcards in the group ("sex=*").
    subject : str, optional
        The name of the subject it is for; of whichever is audited when left out. A fingerprint holds no subject, so a waiver that was
        given on what one model showed names it, and does not cover another.

    Examples
    --------
    >>> Waiver(metric="accuracy", group="", reason="a pilot of 60 days", by="model board", until="2027-01-31").words()
    'accuracy of all records together'
    """

    reason: str
    by: str
    until: date
    finding: str = ""
    metric: str | None = None
    group: str | None = None
    check: str | None = None
    subject: str | None = None

    def __post_init__(self) -> None:
        told = {"reason": "reason='accepted by the board because ...'", "by": "by='maria, model risk'"}
        for name, example in told.items():
            given = getattr(self, name)
            if not isinstance(given, str) or not given.strip():
                what = "a reason" if name == "reason" else "a name: who accepts it"
                raise InputError(f"a waiver needs {what}, as {example}; got {given!r}")
        object.__setattr__(self, "until", day(self.until))
        named = [name for name in ("metric", "group", "check") if getattr(self, name) is not None]
        if self.finding and named:
            raise InputError(
                f"a waiver names a finding, or a metric with its group and check; got finding and {', '.join(named)}"
            )
        if not self.finding and not self.metric:
            raise InputError(
                "a waiver says what it is about: finding= the fingerprint of a finding, or metric= with group= and check=; got neither"
            )
        if self.finding and not _FINGERPRINT.fullmatch(self.finding):
            raise InputError(
                f"finding= takes a fingerprint, 16 digits of 0-9 and a-f, as report.frame() lists them; got {self.finding!r}"
            )

    def holds(self, on: date | None = None) -> bool:
        """Whether it still holds on a day, today in UTC when left out; the last day counts."""
        return (today() if on is None else on) <= self.until

    def speaks_of(self, fingerprint: str, check: str, metric: str, group: str | None) -> bool:
        """Whether it is about the finding with this fingerprint, on this measurement of this check."""
        if self.finding:
            return self.finding == fingerprint
        if metric != self.metric or self.check not in (None, check):
            return False
        return self.group is None or fnmatchcase(group or "", self.group)

    def fits(self, subject: str | None) -> bool:
        """Whether it is for a subject of this name; one that names a subject fits none whose name is not known."""
        return self.subject is None or self.subject == subject

    def words(self) -> str:
        """Return in words what it is about."""
        if self.finding:
            return f"finding {self.finding}"
        metric = str(self.metric).replace("_", " ")
        of = "" if self.group is None else f" of {self.group}" if self.group else " of all records together"
        return f"{metric}{of}{'' if self.check is None else f' ({self.check})'}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what it does not name is left out."""
        about = {name: getattr(self, name) for name in ("subject", "finding", "metric", "group", "check")}
        given = {
            name: value for name, value in about.items() if value is not None and (name != "finding" or value)
        }
        return {**given, "reason": self.reason, "by": self.by, "until": self.until.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**data)


def day(given: date | str) -> date:
    """Return a day that is given as a date or as text.

    Raises
    ------
    InputError
        If it is none; a time of day is none either.
    """
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    # date.fromisoformat reads more than a person would write: "20270131", "2027-W04-7"
    if isinstance(given, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        try:
            return date.fromisoformat(given)
        except ValueError:
            pass
    raise InputError(f"a waiver needs the day it ends, as until='2027-01-31'; got {given!r}")


def today() -> date:
    """Return the day it is, in UTC: a waiver ends at one moment everywhere."""
    return datetime.now(UTC).date()


def waivers_of(given: Waiver | Iterable[Waiver]) -> tuple[Waiver, ...]:
    """Return waivers as a tuple.

    Raises
    ------
    InputError
        If something else is among them.
    """
    found = (given,) if isinstance(given, Waiver) else tuple(given)
    for one in found:
        if not isinstance(one, Waiver):
            raise InputError(f"waivers= takes Waiver(metric=..., reason=..., by=..., until=...); got {one!r}")
    return found
