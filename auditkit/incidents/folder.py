"""Folder: the place of an incident: its record, its decisions, its frozen evidence."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.forms import load_form, load_kind, to_toml
from auditkit.forms.beginning import subject_named
from auditkit.incidents.clocks import NEEDS, clocks
from auditkit.incidents.decisions import LOG, Decision, decide, decisions
from auditkit.incidents.due import Due, due_times
from auditkit.incidents.freezing import FREEZE, RECORD
from auditkit.incidents.settings import SETTINGS, Settings, read_settings, settings_text
from auditkit.incidents.times import moment, zone_of
from auditkit.incidents.verifying import MANIFEST, Verified, read_manifest, verify
from auditkit.reading import name_shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.forms import Form

__all__ = ["RECORD", "Incident", "find_incident", "open_incident", "read_incident", "verify_incident"]

_SHORTEST = 8  # characters of a digest


@dataclass(frozen=True)
class Incident:
    """An incident, as its folder says.

    Attributes
    ----------
    folder : pathlib.Path
        Where it is.
    form : Form
        The record: answers to the form of kind ``incident``.
    decisions : tuple of Decision
        In order.
    manifest : dict or None
        What was frozen; None where nothing was yet.
    settings : Settings
        Which clocks are shown.
    """

    folder: Path
    form: Form
    decisions: tuple[Decision, ...]
    manifest: dict[str, Any] | None
    settings: Settings = field(default_factory=Settings)

    def __repr__(self) -> str:
        frozen = f"{len(self.manifest['files'])} files frozen" if self.manifest else "nothing frozen"
        return f"Incident({self.name}: {len(self.decisions)} decisions, {frozen})"

    @property
    def name(self) -> str:
        """What it is called; the name of its folder where nobody said."""
        return str(self.form.answers.get("name") or self.folder.resolve().name)

    @property
    def frozen(self) -> Path:
        """The folder of the evidence."""
        return self.folder / FREEZE

    @property
    def moments(self) -> dict[str, datetime]:
        """The moments from which clocks run: awareness by the record, the others by decisions. The first decision on one counts."""
        found: dict[str, datetime] = {}
        if said := self.form.answers.get("aware"):
            found["aware"] = moment(str(said), what="aware")
        for one in self.decisions:
            if one.moment:
                found.setdefault(one.moment, moment(one.time, what=f"decision {one.seq}"))
        zone = zone_of(self.settings.zone) if self.settings.zone else None
        return {what: at if zone is None else at.astimezone(zone) for what, at in found.items()}

    @property
    def told(self) -> dict[str, datetime]:
        """When notices were given, by the clock that a row of the record names as its rule: its id, or its law as it is shown."""
        known = {word.casefold(): one.id for one in clocks().clocks for word in (one.law, one.id)}
        found: dict[str, datetime] = {}
        for row in self.form.answers.get("duties") or ():
            name = known.get(" ".join(str(row.get("rule", "")).split()).casefold())
            if name is not None and row.get("done"):
                at = moment(str(row["done"]), what="done")
                found[name] = min(at, found.get(name, at))
        return found

    @property
    def lacking(self) -> tuple[str, ...]:
        """What is not concerned, by the record."""
        return tuple(name for name in NEEDS if self.form.answers.get(name) is False)

    def due(self, now: datetime | None = None, frameworks: tuple[str, ...] = ()) -> tuple[Due, ...]:
        """Return how the clocks of these frameworks, else of its settings, stand now, or at another moment."""
        return due_times(
            self.moments,
            now=now or datetime.now(UTC),
            frameworks=frameworks or self.settings.frameworks,
            told=self.told,
            holidays=self.settings.holidays,
            lacking=self.lacking,
        )

    def verified(self) -> Verified | None:
        """Return whether the evidence is as it was frozen; None where nothing was."""
        return verify(self.frozen) if self.manifest is not None else None


def open_incident(
    out: str | os.PathLike[str],
    subject: str | os.PathLike[str],
    *,
    aware: str | datetime | None = None,
    name: str = "",
    by: str = "",
    settings: Settings | None = None,
    now: datetime | None = None,
) -> Incident:
    """Begin the folder of an incident: its record, without answers but those that are given, and the first entry of its log.

    Parameters
    ----------
    out : path
        A folder that is not there yet, or is empty.
    subject : path
        The subject file of the model that it is about.
    aware : str or datetime, optional
        Since when somebody responsible knows; ISO 8601, with an offset where the settings name no zone.
    name, by : str
        What it is called, and who opens it.
    settings : Settings, optional
        Which clocks are shown; all when left out.
    now : datetime, optional
        When it is opened; now when left out.

    Raises
    ------
    InputError
        If the folder holds something, the subject file cannot be read, or the moment is none.
    """
    folder, file = Path(out), Path(subject)
    if not file.is_file():
        raise InputError(f"no subject file at {name_shown(file)}")
    about = subject_named(file.as_posix() if file.suffix == ".toml" else str(file))
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{name_shown(folder)} is there already, and nothing is overwritten: give another --out"
        )
    zone = zone_of(settings.zone) if settings and settings.zone else None
    given = {
        "name": name.strip() or folder.name,
        **({"noticed_by": by.strip()} if by.strip() else {}),
        **({"aware": moment(aware, zone, "--aware").isoformat()} if aware is not None else {}),
    }
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)  # people, and whatever data the frozen model holds
    except OSError as error:
        raise InputError(f"cannot make the folder {name_shown(folder)}: {error.strerror or error}") from None
    write_whole(folder / SETTINGS, settings_text(settings or Settings()).encode())
    write_whole(folder / RECORD, to_toml(load_kind("incident"), about, given).encode())
    opened = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    decide(
        folder,
        who=by.strip() or "not said",
        decision=f"opened, about {about or file.stem}",
        why="an incident was noticed",
        at=opened,
    )
    return read_incident(folder)


def read_incident(folder: str | os.PathLike[str]) -> Incident:
    """Read the folder of an incident.

    Raises
    ------
    InputError
        If it is none, its record has mistakes, its log was changed, or the manifest of what was frozen is gone.
    """
    place = Path(folder)
    if not (place / RECORD).is_file():
        raise InputError(
            f"{name_shown(place)} is no folder of an incident: it has no {RECORD}. Begin with: auditkit incident open --subject FILE --out DIR"
        )
    form = load_form(place / RECORD)
    if form.kind != "incident":
        raise InputError(f"{name_shown(place / RECORD)} is a form of kind {form.kind!r}; expected 'incident'")
    manifest = read_manifest(place / FREEZE)[0] if os.path.lexists(place / FREEZE) else None
    return Incident(place, form, decisions(place), manifest, read_settings(place))


def verify_incident(
    folder: str | os.PathLike[str], keys: Sequence[str | os.PathLike[str]] = (), decision: str = ""
) -> tuple[Verified, tuple[Decision, ...]]:
    """Hold the evidence of an incident against its manifest, and follow its log, whatever became of either.

    Parameters
    ----------
    folder : path
        The folder of the incident.
    keys : sequence of path
        Public keys, one of which must have signed the manifest.
    decision : str
        Digest of a decision, or its first characters (at least 8), which must be in the log.

    Raises
    ------
    InputError
        If it is no incident, nothing was frozen, or a key or the digest is none.
    """
    place, given = Path(folder), decision.strip().lower().rstrip(".")
    if given and (len(given) < _SHORTEST or not set(given) <= set("0123456789abcdef")):
        raise InputError(
            f"--decision: expected a digest, or its first {_SHORTEST} characters; got {decision!r}"
        )
    if not (place / RECORD).is_file():
        read_incident(place)
    wrong: list[str] = []
    log: tuple[Decision, ...] = ()
    try:
        log = decisions(place)
        if not log:
            wrong.append(f"{LOG}: missing, or empty; the first entry is that of the opening")
    except InputError as error:
        wrong.append(str(error))
    if given and not any(one.digest.startswith(given) for one in log):
        wrong.append(f"{LOG}: no decision with the digest {given}: the log was cut, or is another")
    if not (place / FREEZE / MANIFEST).is_file():
        raise InputError(
            f"nothing is frozen in {name_shown(place)}, or its manifest is gone: auditkit incident freeze {name_shown(place)} --subject FILE"
        )
    done = verify(place / FREEZE, keys)
    return replace(done, differs=(*done.differs, *wrong)), log


def find_incident(subject: str | os.PathLike[str]) -> Incident | None:
    """Return the incident in whose frozen folder a subject file lies; None where it lies in none."""
    file = Path(subject).resolve()
    for place in file.parents:
        if place.name == FREEZE and (place.parent / RECORD).is_file():
            return read_incident(place.parent)
    return None
