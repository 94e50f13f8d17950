"""Held: the measurements of two audits side by side, each with its change, and what cannot be held against anything."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from auditkit.comparing.differing import records, unlike
from auditkit.comparing.moves import Move, measured_of
from auditkit.evidence import Interval
from auditkit.finding import Finding
from auditkit.render.text import of_group
from auditkit.statistics.changes import Estimate, change, rate_change, rate_change_of_same_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditkit.comparing.differing import Records
    from auditkit.comparing.pairing import Pairing
    from auditkit.comparing.reading import Saved
    from auditkit.evidence import Evidence, Measurement
    from auditkit.finding import Policy
    from auditkit.statistics.changes import Change

__all__ = ["NO_WIDTH", "STILL_UNDEFINED", "held"]

NO_WIDTH = "it has no interval that could tell a change from noise"
STILL_UNDEFINED = "undefined before and now, for the same reason"
_NAMED = 5
_RATES = ("wilson", "clopper-pearson")
# rates over records that the data name and the model does not: on the same rows, of the same records
_OF_ROWS = (
    "accuracy",
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "true_negative_rate",
    "false_negative_rate",
    "error_rate",
)


def held(
    base: Saved, new: Saved, policy: Policy, pairing: Pairing | None = None
) -> tuple[tuple[Move, ...], tuple[Finding, ...], tuple[str, ...]]:
    """Return every measurement with its change, what keeps the comparison open, and what is only to be said.

    Parameters
    ----------
    base, new : Saved
        The two audits.
    policy : Policy
        Which criteria speak of what.
    pairing : Pairing, optional
        What the answers of single records say of the same rows.
    """
    before = {one.check: one for one in base.report.evidence}
    after = {one.check: one for one in new.report.evidence}
    moves: list[Move] = []
    silent: list[Finding] = []
    remarks: list[str] = []
    unequal: dict[str, None] = {}
    for code in dict.fromkeys((*before, *after)):
        then, now = before.get(code), after.get(code)
        open_one, remark = _silence(code, then, now)
        silent += [open_one] if open_one else []
        remarks += [remark] if remark else []
        if now is not None and now.outcome == "observed":
            known = then if then is not None and then.outcome == "observed" else None
            moves += _moves(code, known, now, policy, _Rows(records(base, new), pairing, unequal))
    silent += [
        Finding(code, "inconclusive", reason="it was planned now, and the record holds nothing of it")
        for code in (str(one["code"]) for one in new.report.provenance.get("plan", ()))
        if code not in after and code not in before
    ]
    remarks += [_unequal(list(unequal))] if unequal else []
    return tuple(moves), tuple(silent), tuple(remarks)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Whether the test rows are the same, what is known of their pairs, and where what they give is not what a report says."""

    are: Records
    pairing: Pairing | None
    unequal: dict[str, None]


def _unequal(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"The kept answers do not give what the reports say of {', '.join(names[:_NAMED])}{more}: the check counts otherwise. These are held "
        "against each other as if nothing had been kept."
    )


def _silence(code: str, then: Evidence | None, now: Evidence | None) -> tuple[Finding | None, str]:
    """Return what keeps the comparison open where a check did not speak, or what is to be said of it."""
    ran = then is not None and then.outcome == "observed"
    if now is None:
        return Finding(
            code, "inconclusive", reason="it was part of the earlier audit and is not part of this one"
        ), ""
    if now.outcome == "error":
        return Finding(code, "error", reason=now.reason), ""
    if now.outcome == "not_applicable":
        if ran:
            return Finding(
                code, "inconclusive", reason=f"it ran before and does not apply now: {now.reason}"
            ), ""
        return None, f"{code} does not apply, and said nothing before: {now.reason}."
    if then is None:
        return None, f"{code} is new: there is nothing before to hold it against."
    if not ran:
        return None, f"{code} ran now and not before ({then.reason}): there is nothing to hold it against."
    if told := unlike(then, now):
        return None, f"{code} was set differently, and its numbers are not held against each other: {told}."
    return None, ""


def _moves(code: str, then: Evidence | None, now: Evidence, policy: Policy, rows: _Rows) -> Iterator[Move]:
    before, after = measured_of(then) if then else {}, measured_of(now)
    set_otherwise = bool(then) and bool(unlike(then, now)) if then else False
    whole = then is not None and all(one.rows.get("how") == "all" for one in (then, now))
    for metric, group in dict.fromkeys((*before, *after)):
        one, other = before.get((metric, group)), after.get((metric, group))
        found, why = None, "the check was set differently"
        if not set_otherwise:
            found, why = _changed(one, other, rows=rows, whole=whole, params=now.params)
        for move in _of_criteria(code, metric, group, one, other, policy):
            yield _with(move, found, why)


def _of_criteria(
    code: str,
    metric: str,
    group: str | None,
    one: Measurement | None,
    other: Measurement | None,
    policy: Policy,
) -> Iterator[Move]:
    about = other or one
    if about is None:
        return
    speaking = {
        Finding(code, "pass", None, about, c).fingerprint: c for c in policy if c.speaks_of(code, about)
    }
    for fingerprint, criterion in speaking.items():
        yield Move(code, metric, group, one, other, criterion=criterion, fingerprint=fingerprint)
    if not speaking:
        alone = Finding(code, "not_applicable", None, about).fingerprint
        yield Move(code, metric, group, one, other, fingerprint=alone)


def _with(move: Move, found: Change | None, why: str) -> Move:
    value = None
    if move.before and move.after and math.isfinite(move.after.value - move.before.value):
        value = move.after.value - move.before.value
    if found is None:
        return replace(move, value=value, reason=why)
    ends = Interval(min(found.low, found.value), max(found.high, found.value), 0.95, found.method)
    return replace(move, value=value, change=ends, p_value=found.p_value, method=found.method)


def _changed(
    one: Measurement | None, other: Measurement | None, *, rows: _Rows, whole: bool, params: Mapping[str, Any]
) -> tuple[Change | None, str]:
    """Return the change, or why it cannot be told."""
    if one is None:
        return None, "it was not measured before"
    if other is None:
        return None, "it was measured before and is not now"
    if math.isnan(one.value) and math.isnan(other.value) and one.reason and one.reason == other.reason:
        return None, f"{STILL_UNDEFINED}: {one.reason}"
    for word, m in (("before", one), ("now", other)):
        if math.isnan(m.value):
            return (
                None,
                f"it was undefined {word}: {m.reason}"
                if word == "before"
                else f"it is undefined now: {m.reason}",
            )
    if (told := _paired(one, other, rows, params) if whole else None) is not None:
        return told, ""
    if one.interval is None or other.interval is None:
        return None, NO_WIDTH
    ends = (one.interval.low, one.interval.high, other.interval.low, other.interval.high)
    if not all(map(math.isfinite, (one.value, other.value, *ends))):
        return None, "the data give no bound for it"
    told = _told(one, other, one.interval, other.interval, rows=rows.are, whole=whole)
    return (None, NO_WIDTH) if math.isnan(told.p_value) else (told, "")


def _paired(one: Measurement, other: Measurement, rows: _Rows, params: Mapping[str, Any]) -> Change | None:
    """Return the change as the pairs of answers tell it; None where they do not."""
    if rows.pairing is None or not (math.isfinite(one.value) and math.isfinite(other.value)):
        return None
    found = rows.pairing.change(one, other, params)
    if found.unequal:
        rows.unequal.setdefault(of_group(one.metric, one.group))
    return found.change


def _told(
    one: Measurement, other: Measurement, its: Interval, others: Interval, *, rows: Records, whole: bool
) -> Change:
    counts = [_count(m) for m in (one, other)]
    if counts[0] is not None and counts[1] is not None:
        if rows == "others":
            return rate_change((counts[0], one.n), (counts[1], other.n))
        if rows == "same" and whole and one.metric in _OF_ROWS and one.n == other.n:
            return rate_change_of_same_records(counts[0], counts[1], one.n)
    first = Estimate(one.value, min(its.low, one.value), max(its.high, one.value), one.n, its.level)
    second = Estimate(
        other.value, min(others.low, other.value), max(others.high, other.value), other.n, others.level
    )
    return change(first, second, same_records=rows != "others")


def _count(m: Measurement) -> int | None:
    """Return the successes of a single rate; None where it is none, or its records are weighted."""
    if m.interval is None or m.interval.method not in _RATES or not 0 <= m.value <= 1 or m.n <= 0:
        return None
    k = m.value * m.n
    return round(k) if abs(k - round(k)) < 1e-6 else None
