"""Grounds: what speaks for a finding and what speaks against it, read off the finding itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditkit.ranges import is_count
from auditkit.render.text import (
    about,
    count,
    criterion_text,
    ends,
    finite,
    number,
    number_of,
    one_line,
    p_value,
    percent,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["grounds", "sentence"]

SMALL_P = 0.05
NEAR_P = 0.01  # an adjusted p from here to SMALL_P is near enough to say so
WIDE = 0.5  # where there is no limit
FEW = 100
_SMALLEST = re.compile(r"smallest group: ([0-9,]{1,15}) record")


def grounds(finding: Mapping[str, Any], evidence: Mapping[str, Any] | None = None) -> dict[str, list[str]]:
    """Return the sentences for and against a finding.

    Parameters
    ----------
    finding : mapping
        One of ``report["findings"]``.
    evidence : mapping, optional
        The evidence of the same check.

    Returns
    -------
    dict
        ``{"for": [...], "against": [...]}``; both empty when nothing was measured: the reason says it all.
    """
    m = finding.get("measurement")
    if not m or (m.get("value") is None and finding.get("status") == "inconclusive"):
        return {"for": [], "against": []}
    if m.get("by_construction") and finding.get("status") == "pass":
        certain = "It could not have come out otherwise, so it is no result of a test of this model."
        return {"for": [text for text in (_side(finding, m),) if text], "against": [certain]}
    return {"for": _speaks_for(finding, m), "against": _speaks_against(finding, m, evidence or {})}


def _speaks_for(finding: Mapping[str, Any], m: Mapping[str, Any]) -> list[str]:
    said = [text for text in (_side(finding, m),) if text]
    p = finite(finding.get("p_adjusted"))
    if p is not None and p < SMALL_P and finding.get("status") == "fail":
        said.append(
            f"With no true effect so extreme a result would be rare: p {p_value(p)}, corrected over the whole audit."
        )
    if m.get("bound") == "lower" and finding.get("status") == "fail":
        said.append("The value is what an attack achieved, so the true risk is at least that.")
    return said


def _side(finding: Mapping[str, Any], m: Mapping[str, Any]) -> str:
    """Say where the interval lies, in the terms the judgement used."""
    interval, criterion = m.get("interval"), finding.get("criterion")
    if not criterion:
        return "No criterion was set for this metric: it is reported, not judged."
    if not interval:
        value = number_of(m.get("metric"), m.get("value"))
        return f"The {'count' if _exact(m) else 'value'} is {value}; asked was {criterion_text(criterion)}."
    whole = f"{percent(interval.get('level'))} interval {ends(interval['low'], interval['high'])}".strip()
    asked = criterion_text(criterion)
    margin = _margin(finding, interval)
    return {
        "fail": f"The whole {whole} lies outside what was asked ({asked}){margin}.",
        "waived": f"The {whole} was judged against {asked}; the finding was waived.",
        "pass": f"The whole {whole} lies within what was asked ({asked}){margin}.",
        "inconclusive": f"The {whole} {_unsettled(finding, interval)} ({asked}).",
    }.get(str(finding.get("status")), "")


def _margin(finding: Mapping[str, Any], interval: Mapping[str, Any]) -> str:
    limit, low, high = _limit(finding), finite(interval["low"]), finite(interval["high"])
    if limit is None or low is None or high is None:
        return ""
    return f", its nearer end {number(min(abs(low - limit), abs(high - limit)))} from the limit"


def _unsettled(finding: Mapping[str, Any], interval: Mapping[str, Any]) -> str:
    limit, low, high = _limit(finding), finite(interval["low"]), finite(interval["high"])
    both = limit is not None and (low is None or low <= limit) and (high is None or limit <= high)
    return "holds values on both sides of what was asked" if both else "does not settle what was asked"


def _speaks_against(
    finding: Mapping[str, Any], m: Mapping[str, Any], evidence: Mapping[str, Any]
) -> list[str]:
    said = [*_precision(finding, m), *_few(m), *_chance(finding, m), *_bound(finding, m)]
    if m.get("reason") and finite(m.get("value")) is None:
        said.append(sentence(m["reason"]))
    rows = evidence.get("rows") or {}
    used, of = rows.get("used"), rows.get("of")
    if used is not None and of is not None and used < of:
        how = f" ({one_line(rows['how'])})" if rows.get("how") else ""
        said.append(f"{count(used)} of {count(of)} rows were used{how}.")
    return said or [_nothing_else(m)]


def _precision(finding: Mapping[str, Any], m: Mapping[str, Any]) -> list[str]:
    """Say how far the interval leaves the matter open, in the unit of the criterion."""
    interval = m.get("interval")
    if not interval:
        if _exact(m):
            return ["It is a count of what was read: exact, no interval."]
        return ["There is no interval: how far chance could move the value is not known."]
    low, high, limit = finite(interval["low"]), finite(interval["high"]), _limit(finding)
    if low is None or high is None:
        said = ["The data give no bound on one side of the interval."]
    elif limit is None:
        said = [f"The interval is wide: {number(high - low)}."] if high - low > WIDE else []
    elif finding.get("status") not in ("fail", "pass"):
        said = [f"The interval is {number(high - low)} wide; the limit is {number(limit)}."]
    else:
        said = []
    if m.get("n_needed") and finding.get("status") == "inconclusive":
        said.append(
            f"n = {count(m.get('n'))}; about {about(m['n_needed'])} in all, mixed as these, would be needed to "
            "detect the difference that matters."
        )
    return said


def _exact(m: Mapping[str, Any]) -> bool:
    return is_count(str(m.get("metric"))) and finite(m.get("value")) is not None


def _few(m: Mapping[str, Any]) -> list[str]:
    """Say when a comparison of groups rests on few records of one; the checks name the smallest in their reason."""
    found = _SMALLEST.search(one_line(m.get("reason")))
    n = int(found[1].replace(",", "") or 0) if found else FEW
    if n >= FEW:
        return []
    return [f"The smallest group has {count(n)} {'record' if n == 1 else 'records'}."]


def _chance(finding: Mapping[str, Any], m: Mapping[str, Any]) -> list[str]:
    adjusted, raw = finite(finding.get("p_adjusted")), finite(m.get("p_value"))
    if adjusted is None or adjusted < NEAR_P or finding.get("status") == "pass":
        return []
    before = f" (p {p_value(raw)} before it)" if raw is not None else ""
    rest = "chance alone stays possible" if adjusted >= SMALL_P else "small, but not far from 0.05"
    return [f"After correction over the whole audit p {p_value(adjusted)}{before}: {rest}."]


def _bound(finding: Mapping[str, Any], m: Mapping[str, Any]) -> list[str]:
    if finding.get("status") == "fail":
        return []
    said = {
        "lower": "The value is what the attacks tried achieved: a stronger attack may find more.",
        "upper": "The value is what the attacks tried needed: a stronger attack may need less.",
    }
    return [said[bound] for bound in (str(m.get("bound")),) if bound in said]


def _limit(finding: Mapping[str, Any]) -> float | None:
    criterion = finding.get("criterion") or {}
    at_most, at_least = finite(criterion.get("at_most")), finite(criterion.get("at_least"))
    return at_most if at_most is not None else at_least


def _nothing_else(m: Mapping[str, Any]) -> str:
    interval = m.get("interval") or {}
    level = finite(interval.get("level"))
    if level is None:
        return "Nothing measured here speaks the other way."
    return f"Nothing measured here; such intervals miss the true value in up to {percent(round(1 - level, 6))} of audits."


def sentence(text: object) -> str:
    """Return one line as a sentence; a name of the data ("sex=Female") at its start stays as it is."""
    line = one_line(text)
    start = line[:1] if "=" in line.partition(" ")[0] else line[:1].upper()
    return start + line[1:] + ("" if line.endswith((".", "!", "?", ":")) else ".")
