"""Attack: how well members were told from others, as evidence; undefined where the attack points the wrong way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.evidence import Evidence, Measurement, Table

if TYPE_CHECKING:
    from auditkit.statistics.roc import Auc

__all__ = ["METRICS", "attack_evidence"]

_RATES = {"tpr_at_10pct_fpr": 0.1, "tpr_at_1pct_fpr": 0.01, "tpr_at_01pct_fpr": 0.001}
METRICS = ["attack_auc", *_RATES]

_SURE = 0.999  # an AUC below 0.5 by chance at 95% would leave one clean audit in forty undecided
_TURNED = (
    "members look less like members than others: are train and test swapped, or do they come from different sources? "
    "The attack says nothing"
)
_BELOW = "The AUC lies below 0.5, which is rare by chance: the model is surer of rows it was not trained on. Were train and test swapped?"


def attack_evidence(
    code: str,
    scores: np.ndarray,
    truth: np.ndarray,
    level: float,
    *,
    attack: str,
    rows: dict[str, Any],
    budget: str = "",
    notes: tuple[str, ...] = (),
) -> Evidence:
    """Return the evidence of a membership attack.

    Parameters
    ----------
    code : str
        The check.
    scores, truth : ndarray of shape (n,)
        What the attack says of each record, higher for members; and whether it is one.
    level : float
        Confidence level.
    attack : str
        Its name, as the start of a sentence.
    rows : dict
        What the report says of the rows used.
    budget : str
        What the attack was allowed: "8 reference models".
    notes : tuple of str
        What a reader must know besides.
    """
    auc = statistics.auc(scores, truth, level=level)
    turned = bool(statistics.auc(scores, truth, level=_SURE).high < 0.5)
    found = [_area(auc, len(truth), level, budget, turned=turned)]
    found += [
        _at(metric, rate, scores, truth, level, budget, turned=turned) for metric, rate in _RATES.items()
    ]
    seen = float(statistics.detectable_auc(auc.n_pos, auc.n_neg, level))
    return Evidence(
        code,
        tuple(found),
        {"roc": _roc(scores, truth, attack)},
        says=f"{attack} reached an AUC of {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}] (0.5 is guessing); "
        + (f"{_TURNED[0].lower()}{_TURNED[1:]}." if turned else _at_1(found[2])),
        does_not_say="That the model leaks no more than this: a stronger attack may find more. Nor that memory is the "
        "cause: where training and test rows differ in kind, an attack may find that difference.",
        notes=(
            f"With these rows an AUC of {seen:.3f} or more would have been found four times in five.",
            *((_BELOW,) if auc.high < 0.5 else ()),
            *notes,
        ),
        rows=rows,
    )


def _at_1(m: Measurement) -> str:
    said = "cannot be resolved" if np.isnan(m.value) else common.percent(m.value)
    return f"its true positive rate at 1% false positives: {said}."


def _area(auc: Auc, n: int, level: float, budget: str, *, turned: bool) -> Measurement:
    if turned:
        reason = f"the AUC is {auc.value:.3f}, below guessing (0.5): {_TURNED}"
        return Measurement("attack_auc", float("nan"), n, bound="lower", reason=reason)
    ends = (auc.low, auc.high)
    return common.measured(
        "attack_auc", auc.value, n, ends, level, "delong", bound="lower", reason=budget or None
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
    return common.measured(
        metric, point.tpr, point.n_pos, ends, level, "clopper-pearson", bound="lower", reason=reason
    )


def _roc(scores: np.ndarray, truth: np.ndarray, attack: str) -> Table:
    curve = statistics.roc_curve(scores, truth)
    columns = {"fpr": tuple(curve.fpr), "tpr": tuple(curve.tpr)}
    labels = {"fpr": "False positive rate", "tpr": "True positive rate"}
    summary = f"{attack}: true against false positive rate, on logarithmic axes; the diagonal is guessing."
    return Table("How well members are told from others", columns, "roc", labels, summary)
