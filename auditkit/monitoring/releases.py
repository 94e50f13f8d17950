"""Releases: which model was in use when, what its gate said, and who approved it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from auditkit.errors import AuditkitError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditkit.monitoring.plan import MonitorPlan, ReleasePart

__all__ = ["Release", "examined", "in_use"]

_NO_KEY = "whose key the plan does not give (keys = [...]): anyone may have signed"


@dataclass(frozen=True, slots=True)
class Release:
    """A model that was put to use.

    Attributes
    ----------
    name : str
        How it is called.
    since : str
        From when on, with its zone.
    seconds : int
        The same since 1970.
    digest : str
        Of the model, as the report has it; empty where it is not known.
    verdict : str
        Of the gate; empty without a report or a pack.
    approved : tuple of str
        Who approved it: signatures of a pack that were verified, and the word of the plan.
    problems : tuple of str
        What is missing or does not hold.
    restarts : bool
        Whether windows are held against a reference of its own from here on.
    """

    name: str
    since: str
    seconds: int
    digest: str
    verdict: str
    approved: tuple[str, ...]
    problems: tuple[str, ...]
    restarts: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**asdict(self), "approved": list(self.approved), "problems": list(self.problems)}


def examined(plan: MonitorPlan, folder: Path) -> tuple[Release, ...]:
    """Return the releases of a plan, the earliest first, each with its report read or its pack verified.

    Raises
    ------
    InputError
        If a report, pack or key cannot be read; all of them at once.
    """
    found, wrong = [], []
    for i, part in enumerate(plan.release, start=1):
        try:
            found.append(_one(part, plan.log.zone, folder))
        except InputError as error:
            wrong.append(f"release.{i}: {error}")
    if wrong:
        raise InputError("\n".join(wrong))
    return tuple(sorted(found, key=lambda one: one.seconds))


def in_use(releases: Sequence[Release], seconds: int) -> Release | None:
    """Return the release that was in use at a time."""
    return next((one for one in reversed(releases) if one.seconds <= seconds), None)


def moment_of(since: dt.date | dt.datetime, zone: str) -> dt.datetime:
    """Return a time with its zone; a day stands for its beginning."""
    moment = since if isinstance(since, dt.datetime) else dt.datetime.combine(since, dt.time(0))
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _one(part: ReleasePart, zone: str, folder: Path) -> Release:
    moment = moment_of(part.since, zone)
    digest, verdict = "", ""
    approved: list[str] = []
    problems: list[str] = []
    if part.report:
        digest, verdict = _of_report(folder / part.report)
    if part.pack:
        signed, approved, problems = _of_pack(part, folder)
        if verdict and signed != verdict:
            problems.append(
                f"the report says {verdict}, the pack {signed or 'nothing'}: they are not of one audit"
            )
        verdict = signed
    elif not part.report:
        problems.append("no report and no pack says what an audit found")
    if verdict and verdict != "pass":
        problems.append(f"its gate did not pass: {verdict.replace('_', ' ')}")
    if part.approved_by:
        approved.append(f"{part.approved_by} (by the word of the plan)")
    if not approved:
        problems.append("nobody approved it")
    name = part.name or part.report or part.pack or moment.date().isoformat()
    return Release(
        name, moment.isoformat(), int(moment.timestamp()), digest, verdict, tuple(approved), tuple(problems),
        part.reference is not None,
    )  # fmt: skip


def _of_report(path: Path) -> tuple[str, str]:
    from auditkit.report import load_report

    report = load_report(path / "report.json" if path.is_dir() else path)
    return str((report.subject.get("model") or {}).get("digest") or ""), report.verdict


def _of_pack(part: ReleasePart, folder: Path) -> tuple[str, list[str], list[str]]:
    """Return what a pack says of the model, and which of its signatures hold."""
    from auditkit.packing import verify

    try:
        found = verify(
            folder / str(part.pack), keys=[folder / key for key in part.keys], any_key=not part.keys
        )
    except InputError:
        raise
    except (AuditkitError, OSError) as error:
        raise InputError(f"{part.pack}: {error}") from None
    problems = [f"the pack: {one.path}: {one.what}" for one in found.problems[:5]]
    names = []
    for one in found.signers:
        if not one.known:
            problems.append(f"signed as {one.role} by {one.name!r}, {_NO_KEY}")
        elif one.role == "reviewer" and found.ok:
            names.append(f"{one.name} (a reviewer's signature that was verified, dated {one.signed_at})")
    return str(found.verdict or ""), names, problems
