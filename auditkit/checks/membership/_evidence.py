"""Evidence: how well attacks told members from others; undefined where an attack points the wrong way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.membership._exposure import by_group, most_exposed, score_shares
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.shuffled import Shuffled, shuffled_membership
from auditkit.statistics.attack_tests import auc_p_value, tpr_p_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.checks.membership._exposure import Records
    from auditkit.statistics.roc import Auc
    from auditkit.subject import Subject

__all__ = ["FEWEST", "METRICS", "RATES", "attack_evidence", "repeats"]

FEWEST = 10  # rows of a side, below which nothing is said

RATES = {"tpr_at_10pct_fpr": 0.1, "tpr_at_1pct_fpr": 0.01, "tpr_at_01pct_fpr": 0.001}
"""The false positive rate that each true positive rate is taken at."""
METRICS = ["attack_auc", "membership_advantage", *RATES]
"""What every attack gives; one that knows who was attacked gives `_exposure.METRICS` too."""

_SHUFFLES = 199
_SURE = 0.999  # an AUC below 0.5 by chance at 95% would leave one clean audit in forty undecided
_TURNED = (
    "members look less like members than others: are train and test swapped, or do they come from different sources? "
    "The attack says nothing"
)
_BELOW = "The AUC lies below 0.5, which is rare by chance: the model is surer of rows it was not trained on. Were train and test swapped?"


def attack_evidence(
    code: str,
    attacks: Mapping[str, np.ndarray],
    truth: np.ndarray,
    level: float,
    *,
    rng: np.random.Generator,
    rows: dict[str, Any],
    budget: str = "",
    notes: tuple[str, ...] = (),
    records: Records | None = None,
    tables: Mapping[str, Table] | None = None,
    thresholds: Mapping[str, tuple[float, str]] | None = None,
) -> Evidence:
    """Return the evidence of one membership attack, or of several on the same records.

    Parameters
    ----------
    code : str
        The check.
    attacks : mapping of str to ndarray of shape (n,)
        By its name what each attack says of each record, higher for members. Of several each is a group of its own.
    truth : ndarray of bool, shape (n,)
        Whether each record is a member.
    level : float
        Confidence level.
    rng : numpy.random.Generator
        Shuffles who is a member, as a control.
    rows : dict
        What the report says of the rows used.
    budget : str
        What the attacks were allowed: "8 reference models".
    notes : tuple of str
        What a reader must know besides.
    records : Records, optional
        Who was attacked, for how exposed classes, groups and single records are to the first attack.
    tables : mapping of str to Table, optional
        Further tables.
    thresholds : mapping of str to (float, str), optional
        For an attack that names members by itself: the score from which it does, and what that is in words. For the
        others the threshold of the advantage is chosen on one half of the records, and measured on the other.
    """
    halves = rng.spawn(1)[0]
    results = {
        name: _result(scores, truth, level, budget, halves, (thresholds or {}).get(name))
        for name, scores in attacks.items()
    }
    if len(results) > 1:
        results = {name: one.grouped(name) for name, one in results.items()}
    seen = float(statistics.detectable_auc(int(truth.sum()), int((~truth).sum()), level))
    below = [name for name, one in results.items() if one.auc.high < 0.5]
    controls = {
        name: shuffled_membership(scores, truth, rng, fpr=(0.01,), shuffles=_SHUFFLES)
        for name, scores in attacks.items()
    }
    exposed, shown = _exposure(attacks, truth, level, records)
    panel = {"attacks": _panel(results, controls)} if len(results) > 1 else {}
    return Evidence(
        code,
        (*(m for one in results.values() for m in one.measurements), *exposed),
        {"roc": _roc(attacks, truth, level), **panel, **shown, **(tables or {})},
        says=_says(results, budget),
        does_not_say="That the model leaks no more than this: a stronger attack may find more. Nor that memory is the "
        "cause: where training and test rows differ in kind, an attack may find that difference.",
        notes=(
            f"With these rows an AUC of {seen:.3f} or more would have been found four times in five.",
            *((_BELOW,) if below and len(results) == 1 else ()),
            *((f"{_BELOW} ({', '.join(below)})",) if below and len(results) > 1 else ()),
            _control(controls),
            *notes,
        ),
        rows=rows,
    )


def _exposure(
    attacks: Mapping[str, np.ndarray], truth: np.ndarray, level: float, records: Records | None
) -> tuple[list[Measurement], dict[str, Table]]:
    """Return how exposed classes, groups and single records are to the first attack, and how its scores lie."""
    name, scores = next(iter(attacks.items()))
    shares = score_shares(scores, truth, level)
    found: list[Measurement] = []
    tables = {} if shares is None else {"scores": shares}
    if records is not None and statistics.auc(scores, truth, level=_SURE).high >= 0.5:
        found, groups = by_group(records, scores, truth, level)
        tables |= {} if groups is None else {"by_group": groups}
        tables["most_exposed"] = most_exposed(records, scores, truth)
    if len(attacks) > 1:
        tables = {key: replace(t, title=f"{t.title} ({name})") for key, t in tables.items()}
    return found, tables


@dataclass(frozen=True)
class _Result:
    auc: Auc
    turned: bool
    measurements: tuple[Measurement, ...]

    def of(self, metric: str) -> Measurement:
        return next(m for m in self.measurements if m.metric == metric)

    def grouped(self, name: str) -> _Result:
        return replace(self, measurements=tuple(replace(m, group=name) for m in self.measurements))


def _result(
    scores: np.ndarray,
    truth: np.ndarray,
    level: float,
    budget: str,
    rng: np.random.Generator,
    fixed: tuple[float, str] | None,
) -> _Result:
    auc = statistics.auc(scores, truth, level=level)
    turned = bool(statistics.auc(scores, truth, level=_SURE).high < 0.5)
    area = _area(auc, len(truth), level, budget, turned=turned)
    if not turned:
        area = replace(area, p_value=auc_p_value(scores, truth))
    gained = _advantage(scores, truth, level, budget, rng, area, fixed)
    rates = [_at(metric, rate, scores, truth, level, budget, turned=turned) for metric, rate in RATES.items()]
    return _Result(auc, turned, (area, gained, *rates))


def _says(results: Mapping[str, _Result], budget: str) -> str:
    name, best = max(results.items(), key=lambda item: item[1].auc.value)
    reached = f"an AUC of {best.auc.value:.3f} [{best.auc.low:.3f}, {best.auc.high:.3f}] (0.5 is guessing)"
    if len(results) > 1:
        return (
            f"Of {len(results)} attacks{f' with {budget}' if budget else ''}, {name} reached the highest AUC, {reached}; "
            f"{_at_1(best.of('tpr_at_1pct_fpr'))} The highest of several lies high by chance too."
        )
    end = f"{_TURNED[0].lower()}{_TURNED[1:]}." if best.turned else _at_1(best.of("tpr_at_1pct_fpr"))
    return f"{name}{f' with {budget}' if budget else ''} reached {reached}; {end}"


def _control(controls: Mapping[str, Mapping[str, Shuffled]]) -> str:
    """Say what the attacks find where who is a member is drawn by lot."""
    areas = [one["auc"] for one in controls.values()]
    highest = [one["tpr_at_0.01_fpr"].high for one in controls.values()]
    known = [rate for rate in highest if not np.isnan(rate)]
    first = next(iter(controls))
    whose, their = (
        (_inside(first), "its") if len(areas) == 1 else (f"each of the {len(areas)} attacks", "their")
    )
    said = (
        f"; {their} true positive rate at 1% false positives reaches up to {common.percent(max(known))}"
        if known
        else ""
    )
    return (
        f"Control: with membership shuffled {_SHUFFLES} times, 95% of the AUC of {whose} lie between "
        f"{min(a.low for a in areas):.3f} and {max(a.high for a in areas):.3f}{said}."
    )


def _inside(name: str) -> str:
    """Return a name as it stands inside a sentence: "the gap", but "RMIA"."""
    return name if name[1:2].isupper() else f"{name[0].lower()}{name[1:]}"


def _panel(results: Mapping[str, _Result], controls: Mapping[str, Mapping[str, Shuffled]]) -> Table:
    by_lot = [controls[name]["auc"] for name in results]
    columns = {
        **common.estimates([one.of("attack_auc") for one in results.values()]),
        "shuffled_low": tuple(one.low for one in by_lot),
        "shuffled_high": tuple(one.high for one in by_lot),
    }
    labels = {
        "label": "Attack",
        "value": "AUC",
        "n": "records",
        "shuffled_low": "Shuffled membership, from",
        "shuffled_high": "to",
    }
    summary = "Area under the ROC curve of each attack; 0.5 is guessing."
    return Table("How much each attack finds", columns, "estimates", labels, summary, reference=0.5)


def _at_1(m: Measurement) -> str:
    if m.interval is None:
        return "its true positive rate at 1% false positives cannot be resolved."
    ends = ", ".join(map(common.percent, (m.interval.low, m.interval.high)))
    return f"its true positive rate at 1% false positives is {common.percent(m.value)} [{ends}]."


def _area(auc: Auc, n: int, level: float, budget: str, *, turned: bool) -> Measurement:
    if turned:
        reason = f"the AUC is {auc.value:.3f}, below guessing (0.5): {_TURNED}"
        return Measurement("attack_auc", float("nan"), n, bound="lower", reason=reason)
    ends = (auc.low, auc.high)
    return common.measured(
        "attack_auc", auc.value, n, ends, level, "delong", bound="lower", reason=budget or None
    )


def _advantage(
    scores: np.ndarray,
    truth: np.ndarray,
    level: float,
    budget: str,
    rng: np.random.Generator,
    area: Measurement,
    fixed: tuple[float, str] | None,
) -> Measurement:
    """Return the advantage of an attack; undefined where its area is and it names no more members than others."""
    threshold, how = (None, "") if fixed is None else fixed
    found = statistics.advantage(scores, truth, level, rng=rng, threshold=threshold)
    if np.isnan(area.value) and not found.low > 0:
        return replace(area, metric="membership_advantage", n=found.n)
    return common.measured(
        "membership_advantage",
        found.value,
        found.n,
        (found.low, found.high),
        level,
        "newcombe",
        bound="lower",
        p_value=found.p_value,
        reason="; ".join(
            filter(None, (budget, how or f"threshold chosen on {found.chosen_on:,} other records"))
        ),
    )


def _at(
    metric: str,
    rate: float,
    scores: np.ndarray,
    truth: np.ndarray,
    level: float,
    budget: str,
    *,
    turned: bool,
) -> Measurement:
    point = statistics.tpr_at_fpr(scores, truth, rate, level)
    if not point.resolvable:
        return Measurement(metric, float("nan"), point.n_pos, bound="lower", reason=point.reason)
    # members named more often than others are found out, whichever way the other records point
    if turned and point.low <= rate:
        reason = f"the AUC of the attack lies below guessing (0.5): {_TURNED}"
        return Measurement(metric, float("nan"), point.n_pos, bound="lower", reason=reason)
    ends = (point.low, point.high)
    reason = "; ".join(
        filter(None, (budget, f"at an achieved false positive rate of {point.achieved_fpr:.4f}"))
    )
    found = common.measured(
        metric, point.tpr, point.n_pos, ends, level, "clopper-pearson", bound="lower", reason=reason
    )
    return replace(found, p_value=tpr_p_value(round(point.tpr * point.n_pos), point.n_pos, point.n_neg, rate))


def _roc(attacks: Mapping[str, np.ndarray], truth: np.ndarray, level: float) -> Table:
    columns: dict[str, tuple[object, ...]] = dict.fromkeys(("series", "fpr", "tpr", "low", "high"), ())
    members = int(truth.sum())
    for name, scores in attacks.items():
        curve = statistics.roc_curve(scores, truth)
        found = np.rint(curve.tpr * members)
        ends = statistics.clopper_pearson(found, np.full(len(found), members), level)
        columns["series"] += (name,) * len(found)
        for key, values in (("fpr", curve.fpr), ("tpr", curve.tpr), ("low", ends.low), ("high", ends.high)):
            columns[key] += tuple(np.asarray(values).tolist())
    labels = {"series": "Attack", "fpr": "False positive rate", "tpr": "True positive rate"}
    summary = (
        "True against false positive rate, on logarithmic axes, with exact intervals of the true positive rate at each "
        "threshold; the diagonal is guessing."
    )
    return Table("How well members are told from others", columns, "roc", labels, summary)


def repeats(subject: Subject, attacked: np.ndarray) -> tuple[str, ...]:
    """Say how many attacked non-members are records that the model was trained on all the same.

    Raises
    ------
    NotApplicable
        If the test rows are training rows for the most part: such an attack finds nothing, whatever the model gives away.
    """
    if reason := common.not_held_out(subject):
        raise NotApplicable(f"no attack tells members from others here: {reason}")
    same = common.seen_rows(subject, attacked)
    if not same:
        return ()
    return (
        (
            f"{same:,} of {len(attacked):,} non-members attacked equal a training row in every input and in the label. "
            "No attack tells these apart, so the figures are lower than on rows that do not repeat."
        ),
    )
