"""Accepting: what was waived beyond what a plan or a policy said before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from auditkit.packing.manifest import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.finding import Finding
    from auditkit.report import Report
    from auditkit.waiver import Waiver

__all__ = ["added", "waivers_digest"]


def waivers_digest(waivers: Sequence[Waiver]) -> str:
    """Return one digest over waivers, in whatever order they stand."""
    return hashlib.sha256(canonical(sorted((one.to_dict() for one in waivers), key=canonical))).hexdigest()


def added(planned: Sequence[Waiver], report: Report, *, public: bool = False) -> list[str]:
    """Return in words what a report waives and a plan did not: the metric, the check, and until when, and no group.

    Parameters
    ----------
    planned : sequence of Waiver
        What was to be accepted.
    report : Report
        The report.
    public : bool, default False
        Whether it is a public form: its waivers have no words, and may be those that a plan has for the metric and the day, or for the
        fingerprint and the day where nothing of the finding is withheld.
    """
    covering = {one.waiver for one in report.findings if one.waiver is not None}
    found = [
        _words(one)
        for one in report.findings
        if one.waiver is not None and not any(_may_be(w, one) if public else w == one.waiver for w in planned)
    ]
    if not public:
        idle = [one for one in report.waivers if one not in covering and one not in planned]
        found += [f"{one.metric or 'a finding that is not there'}, until {one.until}" for one in idle]
    return list(dict.fromkeys(found))


def _words(one: Finding) -> str:
    return f"{_metric(one)} ({one.check}), until {one.waiver.until if one.waiver else 'now'}"


def _metric(one: Finding) -> str:
    if one.measurement is not None:
        return one.measurement.metric
    return one.criterion.metric if one.criterion is not None else "a check"


def _may_be(planned: Waiver, one: Finding) -> bool:
    if one.waiver is None or planned.until != one.waiver.until:
        return False
    if planned.finding:
        # what is withheld of a finding changes its fingerprint, which then tells nothing
        return planned.finding == one.fingerprint or _withheld(one)
    return planned.metric == _metric(one) and planned.check in (None, one.check)


def _withheld(one: Finding) -> bool:
    about = [one.measurement and one.measurement.group, one.criterion and one.criterion.group]
    return "withheld" in (*about, _metric(one))
