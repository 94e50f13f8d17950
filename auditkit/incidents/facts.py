"""Facts: what a page says of an incident, as plain values."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.incidents.clocks import clocks
from auditkit.incidents.drafts import drafts
from auditkit.incidents.times import RULES

if TYPE_CHECKING:
    from collections.abc import Collection

    from auditkit.incidents.folder import Incident
    from auditkit.report import Report

__all__ = ["PARTS", "compared", "facts"]

PARTS = ("facts", "clocks", "evidence", "comparison", "decisions", "lessons", "drafts")
"""The parts of a page, in order."""

_LESSONS = {"cause", "close"}


def facts(
    incident: Incident,
    report: Report | None = None,
    now: datetime | None = None,
    parts: Collection[str] = PARTS,
) -> dict[str, Any]:
    """Return what a page says of an incident: plain JSON values, every text as it was typed.

    Parameters
    ----------
    incident : Incident
        As its folder says.
    report : Report, optional
        Of the frozen model, to be held against the last good run.
    now : datetime, optional
        Seen from when.
    parts : collection of str
        What is asked for: evidence is read and a comparison made only for their own parts.
    """
    seen = now or datetime.now(UTC)
    due = incident.due(seen)
    checked = incident.verified() if "evidence" in parts else None
    every = clocks()
    return {
        "name": incident.name,
        "folder": incident.folder.resolve().name,
        "seen": seen.isoformat(timespec="seconds"),
        "form": {key: value for key, value in incident.form.to_dict().items() if key != "envelopes"},
        "state": incident.form.state,
        "open": list(incident.form.open),
        "lessons": sorted(_LESSONS),
        "clocks": [one.to_dict() for one in due],
        "moments": {name: at.isoformat() for name, at in incident.moments.items()},
        "silent": [{"law": one.law, "words": one.words} for one in every.silent],
        "rules": list(RULES),
        "disclaimer": every.disclaimer,
        "edition": every.edition,
        "evidence": incident.manifest,
        "verified": None
        if checked is None
        else {
            "digest": checked.digest,
            "holds": checked.holds,
            "signed": checked.signed,
            "differs": list(checked.differs),
            "remarks": list(checked.remarks),
        },
        "decisions": [one.to_dict() for one in incident.decisions],
        "comparison": compared(incident, report) if "comparison" in parts else None,
        "drafts": [{"title": one.title, "text": one.text, "gaps": one.gaps} for one in drafts(incident, due)],
    }


def compared(incident: Incident, report: Report | None) -> dict[str, Any]:
    """Return the comparison with the last good run in lines; or why there is none.

    Returns
    -------
    dict
        ``{"verdict", "lines"}``, or ``{"why"}``.
    """
    if report is None:
        return {"why": "the frozen model was not audited again"}
    good = (incident.manifest or {}).get("last_good")
    if not good:
        return {"why": "no last good run was frozen: auditkit incident freeze ... --last-good DIR"}
    from auditkit.comparing import compare
    from auditkit.render.comparison import comparison_lines

    with tempfile.TemporaryDirectory(prefix="auditkit-") as folder:
        place = Path(folder) / "report.json"
        report.save(place)
        try:
            found = compare(incident.frozen / good, place)
        except (InputError, OSError) as error:
            return {"why": str(error).replace(folder + os.sep, "")}
    return {"verdict": found.verdict, "lines": comparison_lines(found.to_dict())}
