"""Judging: evidence against criteria, over the whole audit at once, and the gate that decides."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from auditkit.deciding import records_to_decide
from auditkit.errors import did_you_mean
from auditkit.finding import POLICY, STATUSES, UNJUDGED, Criterion, Finding, Policy, Status
from auditkit.ranges import is_count
from auditkit.render.status import ALSO, ASKED
from auditkit.render.text import about as rounded
from auditkit.waiver import Waiver, today, waivers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from auditkit.evidence import Evidence, Measurement

__all__ = ["WAIVABLE", "Verdict", "count", "is_open", "judge", "verdict", "verdict_over", "waive", "with_adjusted"]  # fmt: skip

WAIVABLE = ("fail", "inconclusive")
"""What can be accepted, where a criterion was asked. A check that is not applicable, or ended in an error, has shown nothing to accept."""


Verdict = Literal["pass", "fail", "undecided", "not_judged"]

# how the names of metrics begin that only this sort of task has
_OF_REGRESSION = (
    "standardised_",
    "mean_prediction",
    "mean_error",
    "mean_absolute",
    "mean_squared",
    "error_increase",
    "r2",
)
_OF_CLASSES = (
    "demographic_parity", "equal", "accuracy", "selection", "auc", "brier", "attack_success", "flip", "impact",
    "calibration", "expected_calibration", "base_rate",
)  # fmt: skip

_NAMED = 12  # groups named in a reason
_REMARK = "the waiver of "  # how a remark on a waiver begins


def judge(
    evidence: Sequence[Evidence],
    criteria: Iterable[Criterion],
    *,
    alpha: float = 0.05,
    task: str | None = None,
    waivers: Iterable[Waiver] = (),
    on: date | None = None,
    subject: str | None = None,
) -> tuple[Finding, ...]:
    """Judge all evidence of an audit against all criteria.

    A criterion is not met (``fail``) only when the whole interval lies beyond the limit and, where the
    measurement carries a test, the test holds after Benjamini-Hochberg over the whole audit (`with_adjusted`). It is met
    (``pass``) only when the whole interval lies within. Anything else is ``inconclusive``. What an attack
    achieved is a bound of the risk, not the risk: it can break a limit, it passes only as "not found", and it
    says nothing of a limit on its other side.

    Parameters
    ----------
    evidence : sequence of Evidence
        What was observed, one a check.
    criteria : iterable of Criterion
        The policy.
    alpha : float
        False discovery rate of the whole audit.
    task : str, optional
        The subject's; a policy that may be measured in part is not said to lack what no such task has.
    waivers : iterable of Waiver
        What is accepted, besides the policy's own waivers.
    on : datetime.date, optional
        The day on which waivers must still hold; today in UTC when left out.
    subject : str, optional
        Its name: a waiver that was given for another does not hold.

    Returns
    -------
    tuple of Finding
        In the order of the evidence; every check appears, and so does every criterion: what nothing measured comes last,
        under the name "policy".
    """
    policy = criteria if isinstance(criteria, Policy) else Policy(tuple(criteria))
    rules = policy.criteria
    evidence = with_adjusted(evidence)
    findings: list[Finding] = []
    for one in evidence:
        if one.outcome != "observed":
            findings.append(Finding(one.check, one.outcome, reason=one.reason))
            continue
        found = [
            _judge_one(one.check, m, c, alpha)
            for m in one.measurements
            for c in rules
            if c.speaks_of(one.check, m)
        ]
        if policy.unmeasured == "undecided":
            found += _unmatched(one, rules, evidence)
        findings += found or [Finding(one.check, "not_applicable", reason=UNJUDGED)]
    judged = (*findings, *_unmeasured(policy, findings, evidence, task))
    return waive(judged, (*policy.waivers, *waivers_of(waivers)), on=on, subject=subject)


def waive(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    *,
    on: date | None = None,
    subject: str | None = None,
) -> tuple[Finding, ...]:
    """Apply waivers to findings.

    A finding that breaks its limit, or leaves it undecided, becomes ``waived`` while a waiver that speaks of it holds; of several
    the one that holds longest counts. One that has run out is noted on the finding, whose status stays. Every waiver that
    does nothing is named in a remark of the policy. What waivers did before is undone first.

    Parameters
    ----------
    findings : iterable of Finding
        As `judge` returns them.
    waivers : sequence of Waiver
        What is accepted.
    on : datetime.date, optional
        The day on which they must hold; today in UTC when left out.
    subject : str, optional
        The name of what was audited: a waiver that was given for another does not hold.
    """
    found, when = tuple(map(_before, filter(_no_remark, findings))), on or today()
    done, fitting = [], [w for w in waivers if w.fits(subject)]
    for one in found:
        about = [w for w in fitting if _waivable(one) and _speaks(w, one)]
        last = max(about, key=lambda w: w.until, default=None)
        if last is None:
            done.append(one)
        elif last.holds(when):
            done.append(replace(one, status="waived", waiver=last, was=one.status))
        else:
            done.append(replace(one, waiver=last))
    idle = [_idle(w, found, subject) for w in dict.fromkeys(waivers)]
    return (*done, *(Finding(POLICY, "not_applicable", reason=why) for why in idle if why))


def _no_remark(finding: Finding) -> bool:
    return finding.check != POLICY or not finding.reason.startswith(_REMARK)


def _before(finding: Finding) -> Finding:
    """Return a finding as it was before waivers."""
    return (
        finding
        if finding.waiver is None
        else replace(finding, status=finding.was or finding.status, waiver=None, was=None)
    )


def _waivable(finding: Finding) -> bool:
    return finding.criterion is not None and finding.status in WAIVABLE


def _speaks(waiver: Waiver, finding: Finding) -> bool:
    about = finding.measurement or finding.criterion
    return about is not None and waiver.speaks_of(
        finding.fingerprint, finding.check, about.metric, about.group
    )


def _idle(waiver: Waiver, findings: tuple[Finding, ...], subject: str | None) -> str:
    """Return why a waiver does nothing; empty if it speaks of a finding that can be waived."""
    about = [f for f in findings if _speaks(waiver, f)]
    named = f"{_REMARK}{waiver.words()} (by {waiver.by}, until {waiver.until})"
    if not waiver.fits(subject):
        return f"{named} was given for {waiver.subject!r} and does not cover {subject!r}"
    if any(map(_waivable, about)):
        return ""
    if any(f.status == "waived" for f in about):
        return ""
    if any(f.judged for f in about):
        return f"{named} is not needed; what it speaks of is met"
    silent = [f for f in findings if f.fingerprint == waiver.finding or f.check == waiver.check]
    if any(f.status == "error" or _could_not_run(f) for f in silent):
        return f"{named} covers nothing; the check is not applicable or ended in an error, and that cannot be waived"
    return f"{named} speaks of nothing in this audit"


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings have each status as shown (`Finding.shown`); statuses without any included."""
    counted = Counter(f.shown for f in findings)
    return {
        status: counted.get(status, 0) for status in (*STATUSES, "not_found", "by_construction", "not_judged")
    }


def verdict(findings: Iterable[Finding]) -> Verdict:
    """Decide: the one gate behind Python, command line and notebook.

    ``fail`` if a criterion was not met; else ``undecided`` if anything was inconclusive, broke, or could not
    run; else ``pass``, or ``not_judged`` if no criterion speaks of what was measured. What is waived stands in nobody's way while
    the waiver holds; once it has run out, the finding is again what it was.
    """
    found = tuple(findings)
    if any(f.status == "fail" for f in found):
        return "fail"
    if any(map(is_open, found)) or not found:
        return "undecided"
    return "pass" if any(f.judged for f in found) else "not_judged"


def is_open(finding: Finding) -> bool:
    """Return whether a finding keeps the verdict of its audit open: it was inconclusive, broke, or could not run.

    Examples
    --------
    >>> is_open(Finding("AK112", "not_applicable", reason="it needs the model"))
    True
    >>> is_open(Finding("AK112", "not_applicable", reason=UNJUDGED))
    False
    """
    return finding.status in ("inconclusive", "error") or _could_not_run(finding)


def verdict_over(verdicts: Iterable[Verdict]) -> Verdict:
    """Decide over several audits: what `verdict` says of all their findings together, from what it said of each.

    Examples
    --------
    >>> verdict_over(["pass", "undecided", "not_judged"])
    'undecided'
    """
    found = set(verdicts)
    order: tuple[Verdict, ...] = ("fail", "undecided", "pass", "not_judged")
    return next((one for one in order if one in found), "undecided")


def _could_not_run(finding: Finding) -> bool:
    return finding.status == "not_applicable" and finding.reason != UNJUDGED and finding.check != POLICY


def with_adjusted(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the evidence of an audit with every p-value adjusted at once (Benjamini and Hochberg 1995).

    Measurements that name one `hypothesis` share one test and count as one: it stands with the largest of their p-values, and each has its
    adjusted value. Counting a test again would loosen the bar for all others.
    """
    raw: dict[Any, float] = {}
    for i, one in enumerate(evidence):
        for j, m in enumerate(one.measurements):
            if m.p_value is not None:
                key = m.hypothesis or (i, j)
                raw[key] = max(raw.get(key, 0.0), m.p_value)
    if not raw:
        return tuple(evidence)
    from scipy.stats import false_discovery_control

    adjusted = dict(zip(raw, map(float, false_discovery_control(list(raw.values()))), strict=True))

    def of(one: Evidence, i: int) -> Evidence:
        found = tuple(
            m if p == m.p_adjusted else replace(m, p_adjusted=p)
            for j, m in enumerate(one.measurements)
            for p in (adjusted[m.hypothesis or (i, j)] if m.p_value is not None else None,)
        )
        same = all(a is b for a, b in zip(found, one.measurements, strict=True))
        return one if same else replace(one, measurements=found)

    done = tuple(of(one, i) for i, one in enumerate(evidence))
    same = isinstance(evidence, tuple) and all(a is b for a, b in zip(done, evidence, strict=True))
    return evidence if same else done  # type: ignore[return-value]


def _judge_one(check: str, m: Measurement, c: Criterion, alpha: float) -> Finding:
    status, reason = _compare(m, c)
    p_adjusted = m.p_adjusted
    if status == "fail" and p_adjusted is not None and p_adjusted > alpha:
        status = "inconclusive"
        reason = (
            f"beyond the limit alone, but not after correction for all tests of this audit "
            f"(adjusted p = {p_adjusted:.3g}, above {alpha:g})"
        )
    return Finding(check, status, c.severity, m, c, reason, p_adjusted)


def _compare(m: Measurement, c: Criterion) -> tuple[Status, str]:
    if math.isnan(m.value):
        return "inconclusive", m.reason or "the value is undefined on these data"
    low, high = (m.value, m.value) if m.interval is None else (m.interval.low, m.interval.high)
    if math.isnan(low) or math.isnan(high):
        return "inconclusive", m.reason or "the value has no interval on these data"
    exact = "the count lies" if is_count(m.metric) else "the value has no interval and lies"
    what = "the whole interval lies" if m.interval else exact
    over = c.at_most is not None and low > c.at_most
    under = c.at_least is not None and high < c.at_least
    if (over and m.bound == "upper") or (under and m.bound == "lower"):
        side, beyond = ("an upper", "above") if over else ("a lower", "below")
        return (
            "inconclusive",
            f"{what} {beyond} the limit, but {side} bound cannot show that the true value does",
        )
    if over or under:
        return "fail", f"{what} {'above' if over else 'below'} the limit"
    if (c.at_most is None or high <= c.at_most) and (c.at_least is None or low >= c.at_least):
        return "pass", f"{what} within the limit{_not_found(m, c)}"
    return (
        "inconclusive",
        f"the interval reaches across the limit: {m.n:,} records cannot decide it{_need(m, c)}",
    )


def _need(m: Measurement, c: Criterion) -> str:
    """Return what it would take to decide, as the rest of a sentence; empty where nothing is known of it."""
    n = records_to_decide(m, c)
    if n is None:
        return f"; {m.missing}: more of the others would not decide it" if m.missing else ""
    if math.isinf(n):
        return "; the value lies at the limit, and if it stayed there no number of records would decide it"
    return f"; about {rounded(n)} such records in all, mixed as these, would decide it if the value stayed"


def _not_found(m: Measurement, c: Criterion) -> str:
    if m.bound == "lower" and c.at_most is not None:
        return "; a lower bound, so a stronger attack may still find more"
    if m.bound == "upper" and c.at_least is not None:
        return "; an upper bound, so a stronger attack may still need less"
    return ""


def _unmatched(one: Evidence, rules: tuple[Criterion, ...], evidence: Sequence[Evidence]) -> list[Finding]:
    """Name the criteria that speak of this very check, or of a group of its metrics, and found nothing to judge."""
    findings = []
    for c in rules:
        if any(c.speaks_of(e.check, m) for e in evidence for m in e.measurements):
            continue
        groups = sorted({m.group for m in one.measurements if m.metric == c.metric and m.group})
        if c.check == one.check:
            reason = "the check gave no such measurement on this subject"
        elif c.check is None and c.group is not None and any(m.metric == c.metric for m in one.measurements):
            reason = _no_group(c.group, groups) + ("" if c.group else _instead(c.metric, groups))
        else:
            continue
        findings.append(Finding(one.check, "inconclusive", c.severity, None, c, reason))
    return findings


def _no_group(asked: str, groups: list[str]) -> str:
    """Return why a criterion on a group found nothing; names of groups may hold commas."""
    named = "; ".join(groups[:_NAMED]) + (
        f"; and {len(groups) - _NAMED} more" if len(groups) > _NAMED else ""
    )
    if not asked:
        return f"it was not measured of all records together, only of {named}"
    close = did_you_mean(asked, groups)
    hint = f".{close} Measured:" if close.startswith(" Did") else "; measured:"
    return f"no group {asked!r} was measured{hint} {named or 'all records together'}"


def _instead(metric: str, groups: list[str]) -> str:
    """Return what to type where a criterion asks of all records what was measured of groups alone."""
    first = groups[0] if groups else ""
    group = f"{first.split('=', 1)[0]}=*" if "=" in first and ", " not in first else "?*"
    return (
        f': write group = "{group}" to ask it of these, run a check that gives {metric} of all records (`auditkit list metrics` names them), '
        'or write unmeasured = "ignored" at the top of the policy'
    )


def _unmeasured(
    policy: Policy, findings: Sequence[Finding], evidence: Sequence[Evidence], task: str | None
) -> list[Finding]:
    """Name the criteria that no finding is about: nothing in this audit measured what they ask."""
    met = {id(f.criterion) for f in findings if f.criterion is not None}
    left = [c for c in policy if id(c) not in met]
    if policy.unmeasured == "undecided":
        reason = "nothing in this audit measured it: run the check that does, on data that allow it"
        return [Finding(POLICY, "inconclusive", c.severity, None, c, reason) for c in left]
    other = {"regression": _OF_CLASSES, None: ()}.get(task, _OF_REGRESSION)
    told, names = [], []
    for c in left:
        groups = {m.group or "" for e in evidence for m in e.measurements if m.metric == c.metric}
        if c.group is not None and c.check is None and groups:
            told.append(f"{ASKED} {c.metric}: {_no_group(c.group, sorted(groups - {''}))}")
        elif not c.metric.startswith(other):
            names.append(c.metric)
    told += [f"{ALSO}: {', '.join(dict.fromkeys(names))}"] if names else []
    return [Finding(POLICY, "not_applicable", reason=one) for one in dict.fromkeys(told)]
