"""Pairing: a measurement recomputed from the answers of both audits, and its change told from the pairs.

No change comes from a definition that is not the check's: what the answers give must be what either report says, in value and in records;
else there is none here, and the two measurements are held against each other as if nothing had been kept.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from auditkit.comparing.divided import Divided
from auditkit.methods import fairness
from auditkit.statistics.paired_changes import paired_auc_change, paired_mean_change, paired_rate_change
from auditkit.statistics.paired_gaps import joint_cells, paired_gap_change, paired_mean_gap_change
from auditkit.statistics.roc import auc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditkit.comparing.kept import BothKept
    from auditkit.evidence import Measurement
    from auditkit.statistics.changes import Change

__all__ = ["Paired", "Pairing"]

_CLOSE = 1e-9
_REFERENCE_SHARE = 0.02  # of adverse impact, where its parameters do not say
_RIGHT = {"accuracy": True, "accuracy_score": True, "error_rate": False}
# whose share is it of the records of which true label: a rate with the same trials before and after
_RATES: dict[str, tuple[bool, bool | None]] = {
    "selection_rate": (True, None),
    "true_positive_rate": (True, True),
    "false_positive_rate": (True, False),
    "true_negative_rate": (False, False),
    "false_negative_rate": (False, True),
}
_GAPS = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "precision_score": ("precision",),
    "balanced_accuracy_score": ("balanced",),
    "accuracy_score": ("accuracy",),
    **{name: (name,) for name in fairness.RATE_NAMES if name != "precision"},
}


class Paired(NamedTuple):
    """The change of a measurement told from pairs, None where there is none; and whether that is since the answers give other values."""

    change: Change | None
    unequal: bool = False


class _Told(NamedTuple):
    """A measurement recomputed: its values, its records on either side, and what tells its change."""

    values: tuple[float, float]
    records: tuple[int, int]
    change: Callable[[], Change]


class Pairing:
    """What the answers of both audits say of a measurement.

    Parameters
    ----------
    kept : BothKept
        The answers.
    """

    def __init__(self, kept: BothKept) -> None:
        self._kept, self._divided = kept, Divided(kept.groups)
        self._means = dict(_means_of(kept))

    def change(self, one: Measurement, other: Measurement, params: Mapping[str, Any]) -> Paired:
        """Return the change of a measurement.

        Parameters
        ----------
        one, other : Measurement
            Before and after, of one metric and group, with finite values.
        params : mapping
            Of the check.
        """
        told = self._told(one.metric, one.group, params)
        if told is None:
            return Paired(None)
        for value, n, m in zip(told.values, told.records, (one, other), strict=True):
            if n != m.n or not math.isclose(value, m.value, rel_tol=_CLOSE, abs_tol=_CLOSE):
                return Paired(None, unequal=True)
        found = told.change()
        known = all(map(math.isfinite, found[:4]))
        return Paired(found._replace(value=other.value - one.value) if known else None)

    def _told(self, metric: str, group: str | None, params: Mapping[str, Any]) -> _Told | None:
        if metric == "impact_ratio":
            return self._impact_ratio(group, params)
        if (division := self._divided.codes(group)) is not None:
            return self._mean_gap(metric, division) or self._rate_gap(metric, str(group), division)
        rows = np.ones(len(self._kept.truth), dtype=bool) if group is None else self._divided.rows(group)
        return None if rows is None else self._of_rows(metric, rows)

    def _of_rows(self, metric: str, rows: np.ndarray) -> _Told | None:
        """Return a rate, a mean or an area over some rows."""
        if metric == "auc":
            return self._area(rows)
        if metric in self._means:
            before, after, most = self._means[metric]
            before, after = before[rows], after[rows]
            values, n = (float(before.mean()), float(after.mean())), len(before)
            return _Told(values, (n, n), lambda: paired_mean_change(before, after, most=most))
        found = self._successes(metric)
        if found is None or not (rows & found[2]).any():
            return None
        was, now = (part[rows & found[2]] for part in found[:2])
        return _Told((was.mean(), now.mean()), (len(was), len(was)), lambda: paired_rate_change(was, now))

    def _successes(self, metric: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return which rows are successes before and after, and which are trials."""
        kept = self._kept
        if kept.task == "regression":
            return None
        before, after = kept.decisions
        if metric in _RIGHT:
            is_so = _RIGHT[metric]
            every = np.ones(len(before), dtype=bool)
            return (before == kept.truth) == is_so, (after == kept.truth) == is_so, every
        if metric not in _RATES or kept.positive < 0:
            return None
        says, of = _RATES[metric]
        true = kept.truth == kept.positive
        among = np.ones(len(true), dtype=bool) if of is None else true == of
        return (before == kept.positive) == says, (after == kept.positive) == says, among

    def _area(self, rows: np.ndarray) -> _Told | None:
        kept = self._kept
        if kept.scores is None:
            return None
        before, after = (one[rows] for one in kept.scores)
        true = (kept.truth == kept.positive)[rows]
        if min(true.sum(), (~true).sum()) < 2:
            return None
        values = auc(before, true).value, auc(after, true).value
        return _Told(values, (len(true), len(true)), lambda: paired_auc_change(before, after, true))

    def _joint(self, codes: np.ndarray, groups: int, *, right: bool) -> np.ndarray | None:
        """Return the joint cells of every group; with `right`, answers that are right stand where selected ones do."""
        kept = self._kept
        if kept.task == "regression" or (kept.positive < 0 and not right):
            return None
        if right:
            said = [one == kept.truth for one in kept.decisions]
            return joint_cells(np.zeros(len(codes), dtype=bool), said[0], said[1], codes, groups)
        said = [one == kept.positive for one in kept.decisions]
        return joint_cells(kept.truth == kept.positive, said[0], said[1], codes, groups)

    def _rate_gap(self, metric: str, name: str, division: tuple[np.ndarray, list[str]]) -> _Told | None:
        stem, _, kind = metric.rpartition("_")
        if stem not in _GAPS or kind not in ("difference", "ratio"):
            return None
        rates = _GAPS[stem]
        right = rates == ("accuracy",)
        joint = self._joint(division[0], len(division[1]), right=right)
        if joint is None:
            return None
        statistics = [_STATISTICS["selection_rate" if right else one] for one in rates]
        pick = max if kind == "difference" else min
        values, records = [], []
        for cells in _sides(joint):
            apart = [_apart(statistic(cells), kind) for statistic in statistics]
            known = [one for one in apart if not math.isnan(one)]
            values.append(pick(known) if len(known) == len(apart) else math.nan)
            records.append(_records(cells, rates))
        rng = self._rng(metric, name)
        return _Told(
            (values[0], values[1]), (records[0], records[1]),
            lambda: paired_gap_change(joint, statistics, rng=rng, kind="difference" if kind == "difference" else "ratio"),
        )  # fmt: skip

    def _impact_ratio(self, group: str | None, params: Mapping[str, Any]) -> _Told | None:
        """Return the selection rate of a group over that of the most selected of those that are large enough."""
        at = None if group is None else self._divided.group(group)
        division = None if at is None else self._divided.codes(at[0])
        joint = None if division is None else self._joint(division[0], len(division[1]), right=False)
        if at is None or joint is None:
            return None
        sizes, place = joint.sum(1), at[1]
        large = sizes >= float(params.get("reference_share", _REFERENCE_SHARE)) * sizes.sum()
        large = large if large.any() else np.ones(len(large), dtype=bool)
        rates = [_STATISTICS["selection_rate"](cells) for cells in _sides(joint)]
        tops = [int(np.where(large, rate, -1.0).argmax()) for rate in rates]
        if place in tops or any(rate[top] == 0 for rate, top in zip(rates, tops, strict=True)):
            return None
        values = [float(rate[place] / rate[top]) for rate, top in zip(rates, tops, strict=True)]
        records = [int(sizes[place] + sizes[top]) for top in tops]
        rng, statistics = self._rng("impact_ratio", str(group)), [_STATISTICS["selection_rate"]]
        return _Told(
            (values[0], values[1]), (records[0], records[1]),
            lambda: paired_gap_change(joint, statistics, rng=rng, kind="ratio", of=place, against=large),
        )  # fmt: skip

    def _mean_gap(self, metric: str, division: tuple[np.ndarray, list[str]]) -> _Told | None:
        stem = metric.removesuffix("_difference")
        unit, plain = 1.0, stem.removeprefix("standardised_")
        if stem == metric or plain not in self._means:
            return None
        if plain != stem:
            unit = float(np.std(self._kept.truth)) or 1.0
        (codes, labels), (before, after, _) = division, self._means[plain]
        sizes = np.bincount(codes, minlength=len(labels))
        if (sizes >= 2).sum() < 2:
            return None
        means = [
            np.bincount(codes, part, minlength=len(labels))[sizes >= 2] / sizes[sizes >= 2]
            for part in (before, after)
        ]
        values = [float(np.ptp(one)) / unit for one in means]
        n = int(sizes.sum())
        return _Told(
            (values[0], values[1]), (n, n),
            lambda: paired_mean_gap_change(before, after, codes, len(labels), unit=unit),
        )  # fmt: skip

    def _rng(self, *about: str) -> np.random.Generator:
        """Return the draws of one measurement: the same for the same rows, whatever else is compared."""
        words = "\0".join((self._kept.rows, *about)).encode("utf-8", "backslashreplace")
        return np.random.default_rng(int.from_bytes(hashlib.sha256(words).digest()[:8]))


def _means_of(kept: BothKept) -> Mapping[str, tuple[np.ndarray, np.ndarray, float]]:
    """Return by metric the value of each row before and after, of which it is the mean, and how far two of them can lie apart."""
    if kept.task == "regression":
        parts = [(said, said - kept.truth) for said in kept.decisions]
        every = [
            {
                "mean_prediction": said,
                "mean_error": abs(off),
                "mean_absolute_error": abs(off),
                "mean_squared_error": off**2,
            }
            for said, off in parts
        ]
        return {name: (one, every[1][name], math.inf) for name, one in every[0].items()}
    if kept.scores is None:
        return {}
    true = (kept.truth == kept.positive).astype(float)
    least = np.finfo(float).eps
    both = [
        {
            "brier_score": (score - true) ** 2,
            "mean_score": score,
            "calibration_in_the_large": true - score,
            "log_loss": -np.log(np.clip(np.where(true == 1, score, 1 - score), least, 1.0)),
        }
        for score in kept.scores
    ]
    return {
        name: (one, both[1][name], math.inf if name == "log_loss" else 1.0) for name, one in both[0].items()
    }


def _sides(joint: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells tn, fp, fn, tp of every group before and after."""
    cube = joint.reshape(-1, 2, 2, 2)
    return cube.sum(3).reshape(-1, 4), cube.sum(2).reshape(-1, 4)


def _share(name: str) -> Callable[[np.ndarray], np.ndarray]:
    def rate(cells: np.ndarray) -> np.ndarray:
        hits, trials = fairness.rate_counts(cells, name)
        return np.asarray(np.divide(hits, trials, out=np.full(hits.shape, np.nan), where=trials > 0))

    return rate


def _balanced(cells: np.ndarray) -> np.ndarray:
    return np.asarray(
        (_STATISTICS["true_positive_rate"](cells) + _STATISTICS["true_negative_rate"](cells)) / 2
    )


_STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    **{name: _share(name) for name in fairness.RATE_NAMES},
    "balanced": _balanced,
}


def _apart(values: np.ndarray, kind: str) -> float:
    """Return the gap of a side as the house defines it; groups without a value are left out."""
    known = values[np.isfinite(values)]
    if len(known) < 2 or (kind == "ratio" and not known.any()):
        return math.nan
    return float(fairness.difference(known) if kind == "difference" else fairness.ratio(known))


def _records(cells: np.ndarray, rates: tuple[str, ...]) -> int:
    if rates == ("balanced",):
        return int(np.minimum(cells[:, :2].sum(1), cells[:, 2:].sum(1)).sum())
    return int(sum(fairness.rate_counts(cells, name)[1].sum() for name in rates))
