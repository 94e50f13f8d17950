"""Moves: what became of a measurement, and of a finding, from one audit to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from auditkit.evidence import Evidence, Interval, Measurement, jsonable
from auditkit.finding import Criterion, Finding, Severity, Status
from auditkit.statistics.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["FATES", "Fate", "Move", "Turn", "adjusted", "measured_of", "turned"]

Fate = Literal["new", "fixed", "persisting", "opened", "unsettled", "lost"]
FATES: tuple[Fate, ...] = ("new", "persisting", "opened", "fixed", "unsettled", "lost")
"""In the order of concern."""


@dataclass(frozen=True, slots=True)
class Move:
    """What became of one measurement.

    Attributes
    ----------
    check, metric, group : str
        What was measured, of whom; `group` is None for all records.
    before, after : Measurement or None
        The two values; None where a side has none.
    change : Interval or None
        Of the second value less the first; None where it cannot be told.
    value : float or None
        The second value less the first.
    p_value, p_adjusted : float or None
        Of "no change", raw and after Benjamini-Hochberg over all changes of its family: those that a criterion speaks of, and those
        that none does.
    method : str
        How interval and p-value were made.
    criterion : Criterion or None
        Which limit speaks of it, and so which way is worse.
    status : {"pass", "fail", "inconclusive"} or None
        Whether it became worse beyond noise; None where no criterion says what worse is.
    reason : str
        Why, in a sentence.
    fingerprint : str
        That of the finding it belongs to.
    """

    check: str
    metric: str
    group: str | None
    before: Measurement | None
    after: Measurement | None
    change: Interval | None = None
    value: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    method: str = ""
    criterion: Criterion | None = None
    status: Status | None = None
    reason: str = ""
    fingerprint: str = ""

    @property
    def worse(self) -> bool | None:
        """Whether it moved to the wrong side of where it was; None where nobody says what that is."""
        if self.criterion is None or not self.value or self.before is None:
            return None
        return toward_limit(self.criterion, self.before.value, self.value)

    def finding(self) -> Finding:
        """Return it as the gate reads it."""
        about = self.after or self.before
        severity: Severity | None = self.criterion.severity if self.criterion else None
        status: Status = self.status or "not_applicable"
        return Finding(self.check, status, severity, about, self.criterion, self.reason, self.p_adjusted)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        found: dict[str, Any] = {
            "check": self.check,
            "metric": self.metric,
            "group": self.group,
            "before": None if self.before is None else self.before.to_dict(),
            "after": None if self.after is None else self.after.to_dict(),
            "value": self.value,
            "change": None if self.change is None else {
                "low": self.change.low, "high": self.change.high, "level": self.change.level, "method": self.change.method,
            },
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
            "method": self.method,
            "criterion": None if self.criterion is None else self.criterion.to_dict(),
            "status": self.status,
            "worse": self.worse,
            "reason": self.reason,
            "fingerprint": self.fingerprint,
        }  # fmt: skip
        return jsonable(found)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one finding.

    Attributes
    ----------
    fate : {"new", "fixed", "persisting", "opened", "unsettled", "lost"}
        Not met now and not before; met now and not before; not met both times; met before, and undecided or not measured now; no longer
        shown not to be met, and not shown to be met; no longer measured.
    fingerprint : str
        That of both findings.
    before, after : Finding or None
        The two.
    """

    fate: Fate
    fingerprint: str
    before: Finding | None
    after: Finding | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        sides = {"before": self.before, "after": self.after}
        return {
            "fate": self.fate,
            "fingerprint": self.fingerprint,
            **{name: None if one is None else one.to_dict() for name, one in sides.items()},
        }


def turned(before: Iterable[Finding], after: Iterable[Finding]) -> tuple[Turn, ...]:
    """Return what became of every finding that is not met on either side, or was met and is not shown to be now, by fingerprint.

    The fingerprint is a digest of the check's code, the metric, the group and the limit, and of nothing that was measured. A waiver
    accepts a finding and does not fix it.
    """
    first = {f.fingerprint: f for f in before if f.judged}
    second = {f.fingerprint: f for f in after if f.judged}
    found = []
    for key in dict.fromkeys((*second, *first)):
        fate = _fate(first.get(key), second.get(key))
        if fate is not None:
            found.append(Turn(fate, key, first.get(key), second.get(key)))
    return tuple(found)


def adjusted(moves: Sequence[Move]) -> tuple[Move, ...]:
    """Return moves with their p-values adjusted: those that a criterion speaks of in one family, all others in another.

    A measurement that several criteria speak of was tested once, and counts once.
    """
    done = list(moves)
    for judged in (True, False):
        tests: dict[Any, list[int]] = {}
        for i, one in enumerate(moves):
            if (one.criterion is not None) == judged and one.p_value is not None:
                tests.setdefault((id(one.after), one.check, one.metric, one.group), []).append(i)
        raw = [moves[at[0]].p_value for at in tests.values()]
        for p, at in zip(benjamini_hochberg(raw).tolist(), tests.values(), strict=True):  # type: ignore[arg-type]
            for i in at:
                done[i] = replace(moves[i], p_adjusted=p)
    return tuple(done)


def toward_limit(criterion: Criterion, before: float, moved: float) -> bool:
    """Return whether a change goes to the wrong side: up where there is only an upper limit, away from the middle where there are two."""
    if criterion.at_least is None:
        return moved > 0
    if criterion.at_most is None:
        return moved < 0
    middle = (criterion.at_least + criterion.at_most) / 2
    return abs(before + moved - middle) > abs(before - middle)


def measured_of(evidence: Evidence) -> dict[tuple[str, str | None], Measurement]:
    """Return the measurements of a check by metric and group; of two alike the first."""
    found: dict[tuple[str, str | None], Measurement] = {}
    for m in evidence.measurements:
        found.setdefault((m.metric, m.group), m)
    return found


def _fate(before: Finding | None, after: Finding | None) -> Fate | None:
    was, now = _status(before), _status(after)
    if now == "fail":
        return "persisting" if was == "fail" else "new"
    if was == "pass" and now != "pass":
        return "opened"
    if was != "fail":
        return None
    if now == "pass":
        return "fixed"
    m = after.measurement if after else None
    seen = m is not None and not math.isnan(m.value)
    return "unsettled" if seen else "lost"


def _status(finding: Finding | None) -> Status | None:
    return None if finding is None else (finding.was or finding.status)
