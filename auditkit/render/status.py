"""Status: how findings and verdicts are named and counted, the same in every place that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render.escaping import markdown_escape
from auditkit.render.text import (
    count,
    criterion_text,
    finite,
    gathered,
    measured,
    of_group,
    one_line,
    plain_reason,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ALSO",
    "ASKED",
    "MEANINGS",
    "NOT_JUDGED",
    "POLICY",
    "SEVERITIES",
    "STATUSES",
    "VERDICTS",
    "WITHHELD",
    "chips",
    "kept_back",
    "remarks",
    "repeated",
    "shown_counts",
    "shown_status",
    "standing",
    "summary_lines",
    "unmeasured",
    "valued",
    "verdict_word",
    "verdict_words",
    "waiver_words",
]

NOT_JUDGED = "measured, not judged"  # how the reason of such a finding begins; its status is not_applicable
ALSO = "the policy also speaks of what this audit did not measure"  # how that remark begins; metrics follow
ASKED = "the policy also asks"  # how a remark begins on a metric that was measured, and not of whom the policy asks it
WITHHELD = "withheld from the public form"  # how the reason of such a finding begins; it was measured, and its number is kept back
POLICY = "policy"  # stands for the code of a check in a finding about criteria that nothing measured
# status as shown -> (icon, word on a chip, words in a sentence); the order is the order of concern
STATUSES: dict[str, tuple[str, str, str]] = {
    "fail": ("✕", "not met", "not met"),
    "error": ("!", "error", "ended in an error"),
    "inconclusive": ("?", "undecided", "undecided"),
    "unmeasured": ("∅", "could not be measured", "could not be measured"),
    "waived": ("⚑", "waived", "waived"),
    "not_applicable": ("–", "not applicable", "not applicable"),
    "not_found": ("◌", "not found", "not broken by the attacks"),
    "pass": ("✓", "met", "met"),
    "by_construction": ("≡", "holds by construction", "holding by construction"),
    "not_judged": ("○", "measured, not judged", "measured but not judged"),
}
SEVERITIES = ("critical", "high", "medium", "low")
# words on a chip that do not explain themselves -> what they mean
MEANINGS = {
    "waived": "accepted with a reason although it is not met or undecided",
    "not_found": "within the limit as far as the attacks that were tried can tell",
    "by_construction": "follows from how the value is made, whatever the model, and was not put to the test",
}
_SAID = (
    "The waiver of ",
    f"{ASKED[:1].upper()}{ASKED[1:]} ",
)  # how the remarks begin that a summary says too
_NAMED = 4  # of what could not be measured for one reason
# verdict of the gate -> the plain word over the page
VERDICTS = {"fail": "Not met", "undecided": "Undecided", "pass": "Met", "not_judged": "Nothing judged"}


def shown_status(finding: Mapping[str, Any]) -> str | None:
    """Return a finding's status as it is shown; None for a remark about the policy, which stands beside it.

    What was measured but has no criterion is not the same as what does not apply, and a bound within the limit (what an
    attack achieved) is not the same as a limit that is met; nor is what holds by construction, and could not have failed. Nor is
    a value that is undefined, or that nothing measured, the same as evidence that is not enough.
    """
    status = str(finding.get("status"))
    if status == "not_applicable" and finding.get("check") == POLICY:
        return None
    if status == "not_applicable" and str(finding.get("reason") or "").startswith(NOT_JUDGED):
        return "not_judged"
    if status == "inconclusive" and _has_no_value(finding) and not kept_back(finding):
        return "unmeasured"
    if status == "pass" and (finding.get("measurement") or {}).get("by_construction"):
        return "by_construction"
    if status == "pass" and _only_bounded(finding):
        return "not_found"
    return status if status in STATUSES else "error"


def standing(status: object, severity: object = None) -> tuple[int, int]:
    """Return where a finding stands among others, wherever findings are shown: by its status as shown, then by its severity.

    Examples
    --------
    >>> sorted([("pass", "high"), ("fail", None), ("inconclusive", "critical"), ("fail", "low")], key=lambda f: standing(*f))
    [('fail', 'low'), ('fail', None), ('inconclusive', 'critical'), ('pass', 'high')]
    """
    statuses = list(STATUSES)
    return (
        statuses.index(str(status)) if status in STATUSES else len(statuses),
        SEVERITIES.index(str(severity)) if severity in SEVERITIES else len(SEVERITIES),
    )


def valued(evidence: Mapping[str, Any]) -> list[str]:
    """Return the metrics of which a check gave a value that could have been another, sorted.

    Examples
    --------
    >>> valued({"measurements": [{"metric": "auc", "value": 0.5}, {"metric": "r2", "value": None}]})
    ['auc']
    """
    every = evidence.get("measurements") or []
    told = (m for m in every if finite(m.get("value")) is not None and not m.get("by_construction"))
    return sorted({str(m.get("metric")) for m in told})


def kept_back(finding: Mapping[str, Any]) -> bool:
    """Whether a finding of a public form has its number withheld, and its status alone is shown.

    Examples
    --------
    >>> kept_back({"measurement": {"group": "withheld", "value": None}, "reason": f"{WITHHELD}; the full report holds it"})
    True
    """
    about = finding.get("measurement") or {}
    return about.get("group") == "withheld" and str(finding.get("reason") or "").startswith(WITHHELD)


def _has_no_value(finding: Mapping[str, Any]) -> bool:
    m = finding.get("measurement")
    value = m.get("value") if m else None
    return value is None or value != value  # noqa: PLR0124 - nan


def unmeasured(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what could not be measured and why: what has one reason in one entry.

    Examples
    --------
    >>> gap = {"metric": "train_test_gap", "value": None, "reason": "no training data"}
    >>> unmeasured({"findings": [{"check": "AK001", "status": "inconclusive", "measurement": gap}]})
    [('train-test gap (AK001)', 'no training data')]
    """
    found: dict[str, list[str]] = {}
    for f in report.get("findings") or []:
        if shown_status(f) != "unmeasured":
            continue
        m, criterion = f.get("measurement"), f.get("criterion")
        about = of_group(m.get("metric"), m.get("group")) if m else _asked_of(criterion or {})
        asked = f", asked {criterion_text(criterion)}" if m and criterion else ""
        why = plain_reason((m or {}).get("reason") or f.get("reason")) or "no reason was given"
        found.setdefault(why, []).append(f"{about}{asked} ({one_line(f.get('check'))})")
    return [(_listed(what), why) for why, what in found.items()]


def _listed(names: list[str]) -> str:
    more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more


def _only_bounded(finding: Mapping[str, Any]) -> bool:
    """Whether the true value may lie beyond the limit although the bound that was measured does not."""
    bound = (finding.get("measurement") or {}).get("bound")
    criterion = finding.get("criterion") or {}
    limit = {"lower": "at_most", "upper": "at_least"}.get(str(bound))
    return limit is not None and criterion.get(limit) is not None


def waiver_words(finding: Mapping[str, Any]) -> str:
    """Return what a waiver says of a finding: who accepts it, why, until when, or that it has run out; empty without one.

    Examples
    --------
    >>> waiver = {"by": "maria", "until": "2027-01-31", "reason": "a pilot."}
    >>> waiver_words({"status": "waived", "was": "fail", "waiver": waiver})
    'Waived by maria until 2027-01-31: a pilot. Without the waiver: not met'
    >>> waiver_words({"status": "fail", "was": None, "waiver": waiver})
    'A waiver by maria ran out on 2027-01-31 and no longer counts (a pilot.)'
    """
    waiver = finding.get("waiver")
    if not waiver:
        return ""
    by, until, reason = (one_line(waiver.get(key)) for key in ("by", "until", "reason"))
    if finding.get("status") != "waived":
        return f"A waiver by {by} ran out on {until} and no longer counts ({reason})"
    was = STATUSES.get(str(finding.get("was")), ("", "not known", ""))[1]
    return f"Waived by {by} until {until}: {reason.rstrip('.')}. Without the waiver: {was}"


def remarks(report: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return what is said of the policy and of no check, and the metrics it names."""
    found = []
    for f in report.get("findings") or []:
        told = one_line(f.get("reason"))
        if shown_status(f) is not None or not told:
            continue
        names = told.removeprefix(f"{ALSO}: ").split(", ") if told.startswith(f"{ALSO}: ") else []
        told = ALSO if names else told
        found.append((f"{told[:1].upper()}{told[1:]}".removesuffix("."), [words(name) for name in names]))
    return found


def shown_counts(report: Mapping[str, Any]) -> dict[str, int]:
    """Return how many of a report's findings are shown with each status."""
    counts = dict.fromkeys(STATUSES, 0)
    if not report.get("findings"):
        return counts | {str(status): int(n) for status, n in (report.get("counts") or {}).items()}
    for status in map(shown_status, report["findings"]):
        if status is not None:
            counts[status] += 1
    return counts


def repeated(findings: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return for each check that broke as an earlier one did the code of that one: one failing model is one error.

    Examples
    --------
    >>> broke = {"status": "error", "reason": "ModelError: no"}
    >>> repeated([{"check": "AK001", **broke}, {"check": "AK101", **broke}])
    {'AK101': 'AK001'}
    """
    first: dict[str, str] = {}
    found: dict[str, str] = {}
    for one in findings:
        if one.get("status") != "error" or not one.get("reason"):
            continue
        code, reason = one_line(one.get("check")), one_line(one["reason"])
        if first.setdefault(reason, code) != code:
            found[code] = first[reason]
    return found


def verdict_word(verdict: str, counts: Mapping[str, int]) -> str:
    """Return the plain word over the page; what is waived is not met, and the word says so.

    Examples
    --------
    >>> verdict_word("pass", {"pass": 3}), verdict_word("pass", {"pass": 3, "waived": 1})
    ('Met', 'Met but for what is waived')
    """
    waived = verdict == "pass" and counts.get("waived")
    return f"{VERDICTS[verdict]} but for what is waived" if waived else VERDICTS[verdict]


def verdict_words(counts: Mapping[str, int]) -> str:
    """Return the outcome in words, of criteria only: a report never calls a model anything.

    Examples
    --------
    >>> verdict_words({"fail": 2, "inconclusive": 3, "pass": 9})
    '2 criteria not met, 3 undecided, 9 met'
    >>> verdict_words({})
    'Nothing was judged'
    """
    parts = [(int(counts.get(status, 0)), phrase) for status, (_, _, phrase) in STATUSES.items()]
    parts = [(n, phrase) for n, phrase in parts if n]
    if not parts:
        return "Nothing was judged"
    n, phrase = parts[0]
    noun = (
        "check"
        if phrase in (STATUSES["error"][2], "not applicable", STATUSES["not_judged"][2])
        else "criterion"
    )
    first = f"{n:,} {noun if n == 1 else {'check': 'checks', 'criterion': 'criteria'}[noun]} {phrase}"
    return ", ".join([first, *(f"{n:,} {phrase}" for n, phrase in parts[1:])])


def chips(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return every status with its icon, word and count, zeros included."""
    return [
        {"status": status, "icon": icon, "word": word, "n": int(counts.get(status, 0))}
        for status, (icon, word, _) in STATUSES.items()
    ]


def summary_lines(report: Mapping[str, Any], *, markdown: bool = False) -> list[str]:
    """Return the report in a few lines, for a terminal or a pull request.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` returned.
    markdown : bool, default False
        Escape for Markdown and write a list.

    Returns
    -------
    list of str
        The verdict, one line for each finding that was not met, ended in an error, is undecided or waived, one for each waiver that
        does nothing and each criterion on a group that was not measured, and one line for each reason why something could not be measured, or was not examined.
    """
    say = markdown_escape if markdown else one_line
    start = "- " if markdown else "  "
    head = f"{report.get('subject', {}).get('name', 'subject')}: {verdict_words(shown_counts(report))}"
    lines = [f"**{say(head)}**" if markdown else say(head)]
    open_ones = [
        f
        for f in report.get("findings", [])
        if f.get("status") in ("fail", "error", "inconclusive", "waived")
    ]
    again = repeated(open_ones)
    open_ones = [f for f in open_ones if shown_status(f) != "unmeasured"]
    ranked = sorted(open_ones, key=lambda f: standing(f["status"], f.get("severity")))
    gaps = report.get("provenance", {}).get("not_examined", [])
    for f in ranked:
        about_waiver = waiver_words(f)
        line = _finding_line(f, again.get(str(f.get("check")), ""))
        lines.append(start + say(f"{line}. {about_waiver}" if about_waiver else line))
    lines.extend(start + say(f"{told}.") for told, _ in remarks(report) if told.startswith(_SAID))
    icon, word, _ = STATUSES["unmeasured"]
    lines.extend(start + say(f"{icon} {word}: {what}: {why}") for what, why in unmeasured(report))
    lines.extend(start + say(f"not examined: {'; '.join(what)} ({why})") for what, why, _ in gathered(gaps))
    return lines


def _finding_line(finding: Mapping[str, Any], like: str) -> str:
    icon, word, _ = STATUSES[finding["status"]]
    m = finding.get("measurement")
    if m is None and like and finding["status"] == "error":
        return f"{icon} {word}: {finding.get('check')} as {like} says"
    if m is None and finding.get("criterion"):
        return f"{icon} {word}: {_asked_of(finding['criterion'])}: {finding.get('reason') or ''} ({finding.get('check')})"
    if m is None:
        return f"{icon} {word}: {finding.get('check')} {finding.get('reason') or ''}"
    asked = f", asked {criterion_text(finding['criterion'])}" if finding.get("criterion") else ""
    about = of_group(m.get("metric"), m.get("group"))
    return f"{icon} {word}: {about} {measured(m)}, n = {count(m.get('n'))}{asked} ({finding.get('check')})"


def _asked_of(criterion: Mapping[str, Any]) -> str:
    """Return what a criterion asks, and of whom.

    Examples
    --------
    >>> _asked_of({"metric": "accuracy", "group": "", "at_least": 0.75})
    'accuracy of all records together, asked at least 0.750'
    >>> _asked_of({"metric": "selection_rate", "group": "sex=*", "at_most": 0.5})
    "selection rate of 'sex=*', asked at most 0.500"
    """
    group = criterion.get("group")
    of = "" if group is None else f" of {one_line(group)!r}" if group else " of all records together"
    return f"{words(criterion.get('metric'))}{of}, asked {criterion_text(criterion)}"
