"""Concerns: what keeps an audit from being met, the first of it in few words, for a page over many audits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditkit.judging import is_open
from auditkit.render.status import STATUSES, shown_status, standing
from auditkit.render.text import criterion_text, cut, measured, of_group, one_line, plain_reason

if TYPE_CHECKING:
    from auditkit.finding import Finding
    from auditkit.report import Report

__all__ = ["MOST", "concerns", "fact_of"]

MOST = 3
"""Findings that are named of one audit."""

_LONG = 160  # characters of each


def concerns(report: Report) -> tuple[str, ...]:
    """Return the first findings that are not met or keep the verdict open, those of most concern first, and how many more there are.

    A check that was planned and has no result is one of them.
    """
    found = [one for one in report.findings if one.status == "fail" or is_open(one)]
    ranked = sorted(found, key=lambda one: standing(shown_status(one.to_dict()), one.severity))
    seen = {one.check for one in report.evidence}
    codes = dict.fromkeys(str(one["code"]) for one in report.provenance.get("plan", ()))
    missing = [f"{code}: it was planned and has no result" for code in codes if code not in seen]
    named: dict[str, str] = {}  # a fact is told once, beside the first finding of its check
    for one in ranked[:MOST]:
        named.setdefault(one.check, one.fingerprint)
    said = [
        cut(_said(one), _LONG)
        + (cut(fact_of(report, one), _LONG) if named[one.check] == one.fingerprint else "")
        for one in ranked[:MOST]
    ]
    said += missing
    more = len(ranked) + len(missing) - MOST
    return (*said[:MOST], f"and {more:,} more") if more > 0 else tuple(said)


def fact_of(report: Report, finding: Finding) -> str:
    """Return what its check says of a finding that is not met and counts facts, as ": ..."; empty where it is an estimate.

    Of an estimate the number and its interval say what was found; a count of facts says how many, and not what.
    """
    m = finding.measurement
    if finding.status != "fail" or m is None or m.interval is not None:
        return ""
    says = next((one.says for one in report.evidence if one.check == finding.check), "")
    return f": {one_line(says)}" if says else ""


def _said(finding: Finding) -> str:
    """Return a finding in few words: of what and of whom, how it stands, and why."""
    told = finding.to_dict()
    m, c, status = told["measurement"], told["criterion"], shown_status(told)
    about = m or c
    name = f"{of_group(about['metric'], about.get('group'))} ({finding.check})" if about else finding.check
    word = STATUSES[str(status)][1]
    if finding.status == "fail" and m:
        return f"{name} {word}: {measured(m)}, asked {criterion_text(c)}"
    return (
        f"{name} {word}: {plain_reason(finding.reason or (m or {}).get('reason')) or 'no reason was given'}"
    )
