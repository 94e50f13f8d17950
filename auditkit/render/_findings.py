"""Findings as shown: in groups by status, the most pressing first, and in each by severity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditkit.render._controls import beside
from auditkit.render._signed import by_finding
from auditkit.render.grounds import grounds, sentence
from auditkit.render.status import (
    SEVERITIES,
    STATUSES,
    kept_back,
    repeated,
    shown_status,
    standing,
    waiver_words,
)
from auditkit.render.text import (
    about,
    criterion_text,
    cut,
    finite,
    measured,
    method_words,
    one_line,
    p_value,
    percent,
    plain_reason,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN = ("fail", "error", "inconclusive", "unmeasured")
MOST_IN_A_SET, MOST = 100, 500  # shown; the record has all
LONG = 400  # characters of a sentence, and a quarter of it of a name
UNFOLDED = 3  # the gravest; each of the others says its value and its limit in one line
_RECORDS = re.compile(r"\babout ([0-9]{1,3}(?:,[0-9]{3})+) records")


def finding_groups(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the findings by status, and in each by severity and by what was measured.

    Returns
    -------
    list of dict
        ``{"status", "title", "findings", "sets", "left", "unjudged"}``: all findings of the status; those that no criterion speaks
        of, for one list; and the others in sets of one severity, check and metric, ``{"title", "check_title", "severity", "asked", "why",
        "status", "open", "findings", "left"}``; what its findings ask alike stands in the set. A set has no more than `MOST_IN_A_SET`
        findings, and all sets together no more than `MOST`, besides those that somebody wrote about; ``left`` counts the others.
    """
    plan = {p.get("code"): p for p in (report.get("provenance") or {}).get("plan") or []}
    evidence = {e.get("check"): e for e in report.get("evidence") or []}
    groups: dict[str, list[dict[str, Any]]] = {}
    again, noted = repeated(report.get("findings") or []), by_finding(report)
    for finding in report.get("findings") or []:
        status = shown_status(finding)
        if status is None:
            continue
        code = finding.get("check")
        item = _item(
            finding,
            plan.get(code, {}),
            evidence.get(code, {}),
            noted.get(str(finding.get("fingerprint")), []),
        )
        item["controls"] = beside(report, item["code"], status)
        if status == "error" and item["code"] in again:
            item["asked"] = f"as {again[item['code']]} says"
        groups.setdefault(status, []).append(item)
    shown = [_group(status, groups[status]) for status in sorted(groups, key=standing)]
    room = MOST
    for group in shown:
        room = _bounded(group, room)
    firsts = [one["findings"][0] for group in shown for one in group["sets"]]
    for item in [item for item in firsts if item["status"] in OPEN][:UNFOLDED]:
        item["open"] = True
    return shown


def _group(status: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    sets: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    unjudged = items if status == "not_judged" else []
    for item in sorted(items, key=lambda one: standing(status, one["severity"])):
        if status != "not_judged":
            sets.setdefault((item["severity"], item["code"], item["title"]), []).append(item)
    return {
        "status": status,
        "title": _sentence_case(STATUSES[status][1]),
        "findings": [*(item for found in sets.values() for item in found), *unjudged],
        "sets": [_set(found) for found in sets.values()],
        "unjudged": unjudged,
    }


def _bounded(group: dict[str, Any], room: int) -> int:
    """Leave so many findings in the sets of a group; return for how many there is room after it."""
    kept, left = [], 0
    for one in group["sets"]:
        most = min(MOST_IN_A_SET, room)
        shown = [
            item for at, item in enumerate(one["findings"]) if at < most or item["notes"] or item["waiver"]
        ]
        room = max(room - len(shown), 0)
        missing = len(one["findings"]) - len(shown)
        if shown:
            kept.append({**one, "findings": shown, "left": missing})
        else:
            left += missing
    group |= {"sets": kept, "left": left}
    return room


def _set(items: list[dict[str, Any]]) -> dict[str, Any]:
    first = items[0]
    shared = {key: first[key] for key in ("asked", "why", "who") if len({item[key] for item in items}) == 1}
    return {
        "title": first["title"],
        "check_title": first["check_title"],
        "status": first["status"],
        "severity": first["severity"],
        "asked": "",
        "why": "",
        "who": "",
        "open": first["status"] in OPEN or any(item["open"] for item in items),
        "findings": items,
        **shared,
    }


def _item(
    finding: Mapping[str, Any],
    plan: Mapping[str, Any],
    evidence: Mapping[str, Any],
    notes: list[dict[str, str]],
) -> dict[str, Any]:
    status = shown_status(finding) or "not_applicable"
    m = finding.get("measurement")
    valued = m if status != "unmeasured" else None
    criterion = finding.get("criterion") or {}
    ground, heads = grounds(finding, evidence), _heads(status)
    check_title = one_line(plan.get("title"))
    return {
        "status": status,
        "icon": STATUSES[status][0],
        "word": STATUSES[status][1],
        "severity": finding["severity"] if finding.get("severity") in SEVERITIES else "",
        "open": bool(notes or finding.get("waiver")),  # what somebody wrote is there to be read
        "title": cut(_title(m, criterion) or check_title or one_line(finding.get("check")), LONG // 4),
        "group": cut((m or criterion).get("group"), LONG // 4),
        "measured": bool(valued) and not kept_back(finding),
        "value": _value(finding, valued),
        "n": valued.get("n") if valued else None,
        "asked": cut(_asked(finding, criterion), LONG),
        "context": cut(sentence(m["reason"]), LONG)
        if m and m.get("reason") and finite(m.get("value")) is not None
        else "",
        "why": cut(criterion.get("why"), LONG),
        "who": cut(criterion.get("who"), LONG // 4),
        "reason": cut(sentence(_rounded(finding["reason"])), LONG)
        if valued and status not in ("pass", "by_construction", "not_found", "fail") and finding.get("reason")
        else "",
        "for_what": heads[0],
        "against_what": heads[1],
        "speaks_for": [cut(one, LONG) for one in ground["for"]],
        "speaks_against": [cut(one, LONG) for one in ground["against"]],
        "does_not_say": cut(evidence.get("does_not_say"), LONG),
        "code": one_line(finding.get("check")),
        "check_title": check_title,
        "page": plan.get("page"),
        "method": cut(_how(finding, m or {}), LONG),
        "waiver": sentence(waiver_words(finding)) if finding.get("waiver") else "",
        "notes": notes,
    }


def _heads(status: str) -> tuple[str, str]:
    """Return what stands over the grounds: of which outcome they are, as an undecided criterion has two.

    Examples
    --------
    >>> _heads("fail"), _heads("inconclusive")
    (('Evidence for “not met”', 'Evidence against “not met”'), ('What was seen', 'What leaves it open'))
    """
    if status == "inconclusive":
        return "What was seen", "What leaves it open"
    if status == "by_construction":
        return "What was seen", "What it is worth"
    if status in ("fail", "pass", "not_found"):
        word = STATUSES[status][1]
        return f"Evidence for “{word}”", f"Evidence against “{word}”"
    return "Evidence for", "Evidence against"


def _value(finding: Mapping[str, Any], valued: Mapping[str, Any] | None) -> str:
    if kept_back(finding):
        return "number withheld"
    return measured({**valued, "reason": None}) if valued else ""


def _asked(finding: Mapping[str, Any], criterion: Mapping[str, Any]) -> str:
    """Return what was asked; where nothing was measured, or the value is undefined, why."""
    m = finding.get("measurement")
    why = (m or {}).get("reason") or finding.get("reason")
    if (not m or shown_status(finding) == "unmeasured") and why:
        asked = f" (asked: {criterion_text(criterion)})" if criterion else ""
        return _rounded(why) + asked
    return f"asked: {criterion_text(criterion)}" if criterion else "no criterion set"


def _title(m: Mapping[str, Any] | None, criterion: Mapping[str, Any]) -> str:
    metric = (m or criterion).get("metric")
    return _sentence_case(words(metric)) if metric else ""


def _rounded(reason: object) -> str:
    """Return a reason in which an estimate of records needed has no more digits than it knows."""
    return _RECORDS.sub(
        lambda found: f"about {about(int(found[1].replace(',', '')))} records", plain_reason(reason)
    )


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def _how(finding: Mapping[str, Any], m: Mapping[str, Any]) -> str:
    interval = m.get("interval") or {}
    parts = []
    if interval:
        parts.append(f"{percent(interval.get('level'))} interval by {method_words(interval.get('method'))}")
    if finite(finding.get("p_adjusted")) is not None:
        parts.append(f"p {p_value(finding['p_adjusted'])}, corrected over the whole audit")
    return ", ".join(parts)
