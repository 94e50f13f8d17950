"""Advisories: what is known of releases of Python packages, and which releases it is about. Nothing here reads a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["SEVERITIES", "Advisories", "Advisory", "Event", "Kind", "Match", "Severity", "matches"]

Severity = Literal["critical", "high", "medium", "low", "unknown"]
Kind = Literal["introduced", "fixed", "last_affected", "limit"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "unknown")  # the gravest first


@dataclass(frozen=True, slots=True)
class Event:
    """Where a range begins or ends.

    Attributes
    ----------
    what : {"introduced", "fixed", "last_affected", "limit"}
        As the OSV schema names it: the first release with the fault, the first without, the last with it, the first that is not spoken of.
    version : packaging.version.Version
        Which.
    """

    what: Kind
    version: Version


@dataclass(frozen=True, slots=True)
class Advisory:
    """What one record says of one package.

    Attributes
    ----------
    package, id : str
        The package, as its index compares names (PEP 503); the name of the record.
    ranges : tuple of tuple of Event
        Each range by its events, in the order of their versions.
    severity : {"critical", "high", "medium", "low", "unknown"}
        As the source rates it.
    says, source : str
        In a few words, and where it is told in full.
    verified : bool
        Whether the range was read in a source, each end of it.
    aliases : tuple of str
        Other names of the record.
    versions : frozenset of str
        Releases that are named one by one, as ``packaging.utils.canonicalize_version`` writes them.
    """

    package: str
    id: str
    ranges: tuple[tuple[Event, ...], ...]
    severity: Severity = "unknown"
    says: str = ""
    source: str = ""
    verified: bool = True
    aliases: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its CVE where it has one, else the name of the record."""
        return next((one for one in (self.id, *self.aliases) if one.startswith("CVE-")), self.id)

    def affects(self, version: str) -> bool | None:
        """Return whether a release has the fault; None where versions cannot be compared.

        A local label (``2.9.0+cpu``) is a build of its release and has what that has.

        Examples
        --------
        >>> fixed = (Event("introduced", Version("0.dev0")), Event("fixed", Version("2.6.0")))
        >>> row = Advisory("torch", "CVE-2025-32434", (fixed,))
        >>> row.affects("2.5.1+cpu"), row.affects("2.6"), row.affects("trunk")
        (True, False, None)
        """
        if canonicalize_version(version) in self.versions:
            return True
        try:
            asked = Version(version)
        except InvalidVersion:
            return None
        return self._holds(Version(asked.public))

    def fixed(self, version: str) -> str:
        """Return the first later release that is named as without the fault; empty where none is known."""
        try:
            asked = Version(version)
        except InvalidVersion:
            return ""
        ends = sorted(one.version for events in self.ranges for one in events if one.what == "fixed")
        return next((str(end) for end in ends if end > asked and not self._holds(end)), "")

    def _holds(self, asked: Version) -> bool:
        return canonicalize_version(asked) in self.versions or any(
            _within(asked, events) for events in self.ranges
        )


@dataclass(frozen=True, slots=True)
class Match:
    """A package of which an advisory speaks, or may.

    Attributes
    ----------
    package, version : str
        As asked.
    advisory : Advisory
        Which.
    fixed : str
        The first release without the fault; empty where none is known.
    comparable : bool
        Whether its version could be compared with the range.
    """

    package: str
    version: str
    advisory: Advisory
    fixed: str
    comparable: bool = True


@dataclass(frozen=True)
class Advisories:
    """A table of advisories.

    Attributes
    ----------
    name, date : str
        What it is, and the day it is of; empty where none is said.
    rows : tuple of Advisory
        In any order.
    records, unread : int
        Of a folder of records: how many were read, and how many are not as the schema asks or speak of no package of the index.
    """

    name: str
    date: str
    rows: tuple[Advisory, ...]
    records: int = 0
    unread: int = 0

    @cached_property
    def by_package(self) -> dict[str, tuple[Advisory, ...]]:
        """The rows of each package, in the order of their names."""
        found: dict[str, list[Advisory]] = {}
        for one in sorted(self.rows, key=lambda one: one.id):
            found.setdefault(one.package, []).append(one)
        return {name: tuple(rows) for name, rows in found.items()}

    def knows(self, packages: Iterable[str]) -> int:
        """Return of how many of some packages it speaks."""
        return len(self.by_package.keys() & {canonicalize_name(one) for one in packages})

    def about(self, package: str, version: str) -> tuple[Match, ...]:
        """Return what is known of a release, and what may be where versions cannot be compared.

        Records of one CVE are one fault: of them the one of a verified range is told, and of several the graver.
        """
        found: dict[str, Match] = {}
        for row in self.by_package.get(canonicalize_name(package), ()):
            affected = row.affects(version)
            if affected is False:
                continue
            one = Match(package, version, row, row.fixed(version) if affected else "", affected is not None)
            found[row.name] = max(found.get(row.name, one), one, key=_weight)
        return tuple(found[name] for name in sorted(found))


def matches(installed: Mapping[str, str], table: Advisories) -> tuple[Match, ...]:
    """Return what a table knows of some packages, by package and advisory.

    Parameters
    ----------
    installed : mapping of str to str
        Package to version.
    table : Advisories
        What is known.
    """
    found = [one for name, version in installed.items() for one in table.about(name, version)]
    return tuple(sorted(found, key=lambda one: (one.package.casefold(), one.advisory.name)))


def _within(asked: Version, events: tuple[Event, ...]) -> bool:
    """Return whether a release lies in a range, as the OSV schema evaluates one."""
    limits = [one.version for one in events if one.what == "limit"]
    if limits and not any(asked < limit for limit in limits):
        return False
    affected = False
    for one in events:
        if one.what == "introduced" and asked >= one.version:
            affected = True
        elif (one.what == "fixed" and asked >= one.version) or (
            one.what == "last_affected" and asked > one.version
        ):
            affected = False
    return affected


def _weight(one: Match) -> tuple[bool, bool, int]:
    return one.comparable, one.advisory.verified, -SEVERITIES.index(one.advisory.severity)
