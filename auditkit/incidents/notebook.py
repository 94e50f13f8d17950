"""Notebook: the parts of an incident, in the notebook that audits its frozen model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditkit.errors import InputError, did_you_mean
from auditkit.incidents.facts import PARTS, facts
from auditkit.incidents.folder import find_incident
from auditkit.render.incident import NONE, incident_html, incident_text

if TYPE_CHECKING:
    import os

    from auditkit.report import Report

__all__ = ["show_incident"]


def show_incident(subject_file: str | os.PathLike[str], part: str, report: Report | None = None) -> None:
    """Display a part of the incident in whose frozen folder a subject file lies: static output.

    Parameters
    ----------
    subject_file : path
        The frozen subject file.
    part : str
        "facts", "clocks", "evidence", "comparison", "decisions", "lessons" or "drafts".
    report : Report, optional
        Of the frozen model, for the comparison.

    Raises
    ------
    InputError
        If there is no such part.
    """
    from IPython.display import display

    if part not in PARTS:
        raise InputError(f"an incident has no part {part!r}.{did_you_mean(part, PARTS)}")
    incident = find_incident(subject_file)
    if incident is None:
        display({"text/plain": NONE}, raw=True)  # type: ignore[no-untyped-call]
        return
    said = facts(incident, report, parts=(part,))
    display({"text/html": incident_html(said, part), "text/plain": incident_text(said, part)}, raw=True)  # type: ignore[no-untyped-call]
