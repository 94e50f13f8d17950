"""OSV: records of known faults in the format of osv.dev, read as data; what is malformed in them is left out or counted, and nothing raises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import InvalidVersion, Version

from auditkit.errors import InputError
from auditkit.scanning.advisories import Advisories, Advisory, Event, Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["events_of", "of_folder", "of_records"]

_MOST = 32 * 1024 * 1024  # bytes of one record
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{2,63}")
_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_KINDS: tuple[Kind, ...] = get_args(Kind)
_LOWEST = Version("0.dev0")  # what the schema calls "0": before any release
_SAID_OTHERWISE = {"moderate": "medium"}


def of_folder(folder: str | Path, packages: Iterable[str] | None = None) -> Advisories:
    """Return the advisories of a folder of OSV files (``*.json``, also in folders below it), as osv.dev gives them out for PyPI.

    Parameters
    ----------
    folder : path
        With the files.
    packages : iterable of str, optional
        Of interest; all when left out.

    Returns
    -------
    Advisories
        Of the day on which the latest record was modified, as the records say.

    Raises
    ------
    InputError
        If there is no such folder, or nothing in it is about a package of Python.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError(
            f"no folder of OSV files at {place}: unpack the export of PyPI from osv.dev there, and name the folder"
        )
    found = of_records((_json(one) for one in sorted(place.rglob("*.json"))), packages, place.name)
    if not found.records:
        raise InputError(
            f"{place}: no OSV file about a package of PyPI is in it: unpack the export of PyPI from osv.dev there"
        )
    return found


def of_records(records: Iterable[Any], packages: Iterable[str] | None = None, name: str = "") -> Advisories:
    """Return the advisories that some OSV records hold; those withdrawn are left out.

    An end of a range that cannot be read is taken so that more releases are affected, and the range is then not verified.

    Parameters
    ----------
    records : iterable
        Each the JSON of one file (https://ossf.github.io/osv-schema/), or None for a file that is no JSON.
    packages : iterable of str, optional
        Of interest; all when left out.
    name : str, optional
        Of the folder they are from.
    """
    wanted = None if packages is None else {canonicalize_name(one) for one in packages}
    rows: list[Advisory] = []
    read = unread = 0
    latest = ""
    for record in records:
        made = _of_record(record)
        withdrawn = isinstance(record, dict) and bool(record.get("withdrawn"))
        unread += not made and not withdrawn
        read += bool(made)
        if made and isinstance(day := record.get("modified"), str) and _DAY.match(day):
            latest = max(latest, day[:10])
        rows += [one for one in made if wanted is None or one.package in wanted]
    return Advisories(f"OSV files in {name}" if name else "OSV files", latest, tuple(rows), read, unread)


def events_of(said: Any) -> tuple[tuple[Event, ...], bool]:
    """Return the events of a range in the order of their versions, and whether all of them could be read.

    Examples
    --------
    >>> events, whole = events_of([{"introduced": "0"}, {"fixed": "1.2"}])
    >>> [(one.what, str(one.version)) for one in events], whole
    ([('introduced', '0.dev0'), ('fixed', '1.2')], True)
    """
    found: list[Event] = []
    whole = True
    for one in _list(said):
        known = [(what, one[what]) for what in _KINDS if what in one] if isinstance(one, dict) else []
        whole &= bool(known)
        for what, word in known:
            if what == "limit" and word == "*":
                continue
            version = _LOWEST if what == "introduced" and word == "0" else _version(word)
            whole &= version is not None
            if version is not None or what == "introduced":
                found.append(Event(what, version or _LOWEST))
    if found and not any(one.what == "introduced" for one in found):
        found, whole = [Event("introduced", _LOWEST), *found], False
    return tuple(sorted(found, key=lambda one: one.version)), whole


def _of_record(record: Any) -> list[Advisory]:
    if not isinstance(record, dict) or record.get("withdrawn") or not _is_id(record.get("id")):
        return []
    own = record["id"]
    aliases = tuple(dict.fromkeys(one for one in _list(record.get("aliases")) if _is_id(one) and one != own))
    parts: dict[str, list[dict[str, Any]]] = {}
    for part in _list(record.get("affected")):
        if (package := _package(part)) is not None:
            parts.setdefault(package, []).append(part)
    made = []
    for package, said in parts.items():
        versions = frozenset(
            canonicalize_version(word)
            for part in said
            for word in _list(part.get("versions"))
            if isinstance(word, str)
        )
        read = [
            events_of(one.get("events"))
            for part in said
            for one in _list(part.get("ranges"))
            if isinstance(one, dict) and one.get("type") in ("ECOSYSTEM", "SEMVER")
        ]
        ranges = tuple(events for events, _ in read if events)
        if versions or ranges:
            made.append(
                Advisory(
                    package, own, ranges, _severity(record), _summary(record), f"https://osv.dev/vulnerability/{own}",
                    verified=all(whole for _, whole in read), aliases=aliases, versions=versions,
                )
            )  # fmt: skip
    return made


def _package(part: Any) -> str | None:
    said = part.get("package") if isinstance(part, dict) else None
    if not isinstance(said, dict) or said.get("ecosystem") != "PyPI":
        return None
    name = said.get("name")
    return canonicalize_name(name) if isinstance(name, str) and _PACKAGE.fullmatch(name) else None


def _severity(record: dict[str, Any]) -> Severity:
    said = record.get("database_specific")
    word = said.get("severity") if isinstance(said, dict) else None
    plain = word.casefold() if isinstance(word, str) else ""
    plain = _SAID_OTHERWISE.get(plain, plain)
    return next((one for one in get_args(Severity) if one == plain), "unknown")


def _summary(record: dict[str, Any]) -> str:
    words = (one for key in ("summary", "details") if isinstance(one := record.get(key), str))
    lines = next((one.strip().splitlines() for one in words if one.strip()), [""])
    return lines[0][:200]


def _json(path: Path) -> Any:
    try:
        if not path.is_file() or path.stat().st_size > _MOST:
            return None
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError):
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _version(word: Any) -> Version | None:
    try:
        return Version(word) if isinstance(word, str) else None
    except InvalidVersion:
        return None
