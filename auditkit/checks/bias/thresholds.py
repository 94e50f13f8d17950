"""Thresholds: what every other threshold on the score would do to each group."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _impact as impact
from auditkit.checks.bias import _scopes as scopes
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.threshold_sweep import threshold_counts, threshold_grid
from auditkit.statistics.weighted import effective_counts
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

_METRICS = ("impact_ratio_sweep_min", "impact_ratio_sweep_max")
_EVERYBODY = "all records"


@dataclass(frozen=True, slots=True)
class _Sweep:
    """Counts of one grouping at every threshold, by weight where records have weights.

    Attributes
    ----------
    grouping : Grouping
        The groups.
    grid : ndarray of shape (thresholds,)
        Ascending.
    selected : ndarray of shape (thresholds, groups, 2)
        Selected, truly negative and truly positive.
    totals : ndarray of shape (groups, 2)
        Records, likewise.
    squares : tuple of ndarray, or None
        Both by squared weight; None where records are counted.
    records : ndarray of int, shape (groups, 2)
        Records that count.
    weightless : tuple of str
        Groups left out, as no record of theirs has any weight.
    """

    grouping: common.Grouping
    grid: np.ndarray
    selected: np.ndarray
    totals: np.ndarray
    squares: tuple[np.ndarray, np.ndarray] | None
    records: np.ndarray
    weightless: tuple[str, ...] = ()

    @property
    def share(self) -> np.ndarray:
        """Share of all records selected at each threshold."""
        return np.asarray(self.selected.sum(axis=(1, 2)) / self.totals.sum())

    def trials(self, kind: str = "selection", *, everybody: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return successes and trials, shape (thresholds, groups), as many as the records are worth.

        Parameters
        ----------
        kind : {"selection", "accuracy", "true positive rate"}
            Of what.
        everybody : bool
            Begin with all groups together.
        """
        plain = _successes(kind, self.selected, self.totals, everybody=everybody)
        if self.squares is None:
            return plain
        return effective_counts(*plain, *_successes(kind, *self.squares, everybody=everybody))

    def worth(self, kind: str = "selection") -> np.ndarray:
        """Return the records behind a rate of each group, shape (groups,)."""
        return np.asarray(self.records[:, 1] if kind == "true positive rate" else self.records.sum(axis=1))


def _successes(
    kind: str, selected: np.ndarray, totals: np.ndarray, *, everybody: bool
) -> tuple[np.ndarray, np.ndarray]:
    if everybody:
        selected = np.concatenate([selected.sum(axis=1, keepdims=True), selected], axis=1)
        totals = np.concatenate([totals.sum(axis=0, keepdims=True), totals])
    size = totals.sum(axis=1)
    hits = selected.sum(axis=2)
    if kind == "accuracy":
        hits = selected[..., 1] + totals[:, 0] - selected[..., 0]
    if kind == "true positive rate":
        hits, size = selected[..., 1], totals[:, 1]
    return hits, np.broadcast_to(size, hits.shape)


def _swept(
    grouping: common.Grouping,
    scores: np.ndarray,
    grid: np.ndarray,
    positive: np.ndarray | None,
    weights: np.ndarray | None,
) -> _Sweep:
    given = scores, grouping.codes, len(grouping.labels), grid, positive
    selected, totals = threshold_counts(*given, sample_weight=weights)
    if weights is None:
        return _Sweep(grouping, grid, selected, totals, None, totals)
    squared, squared_totals = threshold_counts(*given, sample_weight=weights**2)
    records = threshold_counts(*given, sample_weight=(weights > 0) * 1.0)[1].astype(np.int64)
    kept = records.sum(axis=1) > 0
    names = np.array(grouping.labels, dtype=object)
    part = replace(grouping, labels=names[kept].tolist())
    squares = squared[:, kept], squared_totals[kept]
    return _Sweep(part, grid, selected[:, kept], totals[kept], squares, records[kept], tuple(names[~kept]))


@check(
    code="AK107",
    title="Threshold sweep",
    question="Would another threshold on the score treat the groups more alike, and at what cost?",
    dimension="bias",
    metrics=_METRICS,
)
def threshold_sweep(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - every check is called alike
    features: common.Features = None,
    intersections: common.Intersections = False,
    depth: common.Depth = 2,
    points: Annotated[int, Ge(5), Le(200), Doc("Thresholds tried at most.")] = 50,
    least_share: Annotated[
        float,
        Gt(0),
        Lt(0.5),
        Doc(
            "Thresholds that select less than this share of all records, or leave less than this share out, are drawn and not counted."
        ),
    ] = 0.05,
    level: common.Level = 0.95,
) -> Evidence:
    """Count who would be selected at every threshold: rates, impact ratio, accuracy and true positive rate by group.

    Parameters
    ----------
    subject : Subject
        Binary with probabilities, or a regression; predictions alone suffice.
    rng : numpy.random.Generator
        Not used.
    features, intersections, depth, level
        As in `demographic_parity`; features are crossed only when asked for.
    points : int
        Thresholds, at evenly spaced shares of the records selected; a probability of 1/2 is added.
    least_share : float
        Where nearly nobody, or nearly everybody, is selected, the ratio says little; such thresholds do not count
        for the two measurements.

    Returns
    -------
    Evidence
        ``impact_ratio_sweep_min`` and ``impact_ratio_sweep_max`` of each feature: the smallest and largest impact ratio
        (lowest over highest selection rate of the groups) over the thresholds, with intervals that hold for all pairs of groups and
        all thresholds at once. Curves with pointwise intervals, and the counts behind them, are in the tables.
    """
    scores = impact.scores_of(subject)
    if scores is None:
        raise NotApplicable(
            "no scores: a sweep needs a model with predict_proba for two classes, recorded scores, or a regression"
        )
    binary = subject.task == "binary"
    positive = subject.test.y == subject.positive if binary else None
    weights = subject.test.sample_weight if _weights.uneven(subject.test) else None
    grid = threshold_grid(scores, points, (0.5,) if binary else ())
    groupings = common.groupings(subject.test, features, intersections=intersections, depth=depth)
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    notes: list[str] = []
    for grouping in groupings:
        if grouping.too_many:
            found += [gaps.not_compared(metric, grouping) for metric in _METRICS]
            continue
        sweep = _swept(grouping, scores, grid, positive, weights)
        found += _ends(sweep, least_share, level)
        name = grouping.name
        tables[f"{name}: impact ratio"] = _ratio_curve(sweep, level)
        tables[f"{name}: selection rate"] = _group_curve(sweep, "selection", least_share, level)
        for kind in ("accuracy", "true positive rate") if binary else ():
            tables[f"{name}: {kind}"] = _group_curve(sweep, kind, least_share, level)
        tables[f"{name}: counts"] = _counts(sweep, labelled=binary)
        if out := _left_out(sweep):
            notes.append(f"{name}: {out}.")
    return Evidence(
        "AK107",
        tuple(found),
        tables,
        says=_says(found, least_share),
        does_not_say=(
            "Which threshold is right. One picked here because it looks best must be measured again on other rows; and a threshold for each "
            "group treats records of equal score unequally, which may not be allowed."
        ),
        notes=(
            *common.notes_on(groupings),
            *notes,
            *scopes.unused(subject.test),
            *(() if weights is None else _weights.note(subject.test)),
        ),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _ends(sweep: _Sweep, least_share: float, level: float) -> list[Measurement]:
    """Return the smallest and the largest impact ratio over the thresholds that count."""
    grouping, n = sweep.grouping, int(sweep.records.sum())
    counted = np.flatnonzero((sweep.share >= least_share) & (sweep.share <= 1 - least_share))
    if len(grouping.labels) < 2 or not len(counted):
        why = (
            "a ratio needs at least two groups with records, got 1"
            if len(counted)
            else f"no threshold selects between {least_share:.0%} and {1 - least_share:.0%} of the records: the scores are tied"
        )
        return [Measurement(metric, math.nan, n, group=grouping.name, reason=why) for metric in _METRICS]
    hits, sizes = (part[counted] for part in sweep.trials())
    out = _left_out(sweep)
    # every threshold is held to its share of the error, so that the one picked holds too
    each = 1 - (1 - level) / len(counted)
    value, low, high = statistics.ratio_bounds(hits, sizes, each)
    method = f"mover-r, all pairs of {len(grouping.labels)} groups, Bonferroni over {len(counted)} thresholds"
    found = []
    for metric, pick, end in zip(_METRICS, (np.argmin, np.argmax), (np.min, np.max), strict=True):
        place = int(pick(value))
        found.append(
            common.measured(
                metric,
                value[place],
                n,
                (0.0 if out else end(low), end(high)),  # a group that is not known may be selected never
                level,
                method,
                group=grouping.name,
                reason="; ".join(filter(None, (_where(sweep, int(counted[place])), out))),
                missing=out.partition(". ")[0] or None,
            )
        )
    return found


def _left_out(sweep: _Sweep) -> str:
    """Return which groups were left out and what follows; empty if none was."""
    if not sweep.weightless:
        return ""
    names = "; ".join(sweep.weightless)
    return f"left out, for no record of any weight: {names}. The interval allows for any rate of theirs"


def _where(sweep: _Sweep, at: int) -> str:
    """Return the threshold and the two groups farthest apart there."""
    hits, sizes = sweep.trials()
    rate, labels = hits[at] / sizes[at], sweep.grouping.labels
    return (
        f"at a threshold of {sweep.grid[at]:.3g}, which selects {common.percent(sweep.share[at])} of all records: "
        f"{labels[int(rate.argmin())]} against {labels[int(rate.argmax())]}"
    )


def _ratio_curve(sweep: _Sweep, level: float) -> Table:
    """Return the impact ratio against the threshold, with the groups it lies between."""
    title, labels = f"Impact ratio by {sweep.grouping.name} at every threshold", sweep.grouping.labels
    hits, sizes = sweep.trials()
    k = len(labels)
    rate = np.divide(hits, sizes, out=np.zeros(hits.shape), where=sizes > 0)
    if k < 2 or not sizes.all():
        blank = (math.nan,) * len(sweep.grid)
        value, low, high = (np.array(blank) for _ in range(3))
    else:
        value, low, high = statistics.ratio_bounds(hits, sizes, level)
    columns = {
        "x": tuple(sweep.grid),
        "value": tuple(value),
        "low": tuple(low),
        "high": tuple(high),
        "n": (int(sweep.records.sum()),) * len(sweep.grid),
        "share_selected": tuple(sweep.share),
        "lowest": tuple(labels[g] for g in rate.argmin(axis=1)),
        "highest": tuple(labels[g] for g in rate.argmax(axis=1)),
    }
    below = int((value < impact.FOUR_FIFTHS).sum())
    summary = (
        f"The impact ratio by {sweep.grouping.name} lies below four fifths at {below} of {len(sweep.grid)} thresholds. Intervals hold for "
        "all pairs of groups at one threshold."
    )
    words = {
        "x": "Threshold on the score",
        "value": "Impact ratio",
        "n": "records",
        "reference": "four-fifths rule",
    }
    return Table(title, columns, "curve", words, summary, reference=impact.FOUR_FIFTHS)


def _group_curve(sweep: _Sweep, kind: str, least_share: float, level: float) -> Table:
    """Return a rate against the threshold, a series for all records and for each group."""
    word, names = (
        f"{kind} rate".capitalize() if kind == "selection" else kind.capitalize(),
        [_EVERYBODY, *sweep.grouping.labels],
    )
    hits, trials = sweep.trials(kind, everybody=True)
    records = sweep.worth(kind)
    records = np.concatenate([[records.sum()], records])
    low, high = statistics.wilson(hits, trials, level)
    with np.errstate(invalid="ignore"):
        rate = hits / trials
    columns = {
        "x": tuple(np.tile(sweep.grid, len(names))),
        "value": tuple(rate.T.ravel()),
        "low": tuple(low.T.ravel()),
        "high": tuple(high.T.ravel()),
        "n": tuple(np.repeat(records, len(sweep.grid))),
        "series": tuple(np.repeat(names, len(sweep.grid))),
    }
    # where all or nobody is selected the rates are what the labels are, and say nothing of the model
    inner = (sweep.share >= least_share) & (sweep.share <= 1 - least_share)
    apart = np.where(inner, np.ptp(rate[:, 1:], axis=1), math.nan)
    summary = f"{word} could not be compared: a group has no record that counts, or the scores are tied."
    if np.isfinite(apart).any():
        at = int(np.nanargmax(apart))
        summary = (
            f"{word} of the groups of {sweep.grouping.name} lies up to {100 * apart[at]:.1f} percentage points apart, at a threshold of "
            f"{sweep.grid[at]:.3g}, of those that select {least_share:.0%} to {1 - least_share:.0%} of all records. "
            "Intervals hold for one point of a curve (Wilson)."
        )
    words = {"x": "Threshold on the score", "value": word, "n": "records"}
    return Table(f"{word} by {sweep.grouping.name} at every threshold", columns, "curve", words, summary)


def _counts(sweep: _Sweep, *, labelled: bool) -> Table:
    """Return the counts behind the curves: with them thresholds can be moved, one a group, without the records."""
    labels, steps = sweep.grouping.labels, len(sweep.grid)
    columns = {
        "group": tuple(np.repeat(labels, steps)),
        "threshold": tuple(np.tile(sweep.grid, len(labels))),
        "selected": tuple(sweep.selected.sum(axis=2).T.ravel()),
        "records": tuple(np.repeat(sweep.totals.sum(axis=1), steps)),
    }
    if labelled:
        columns |= {
            "selected_positive": tuple(sweep.selected[:, :, 1].T.ravel()),
            "positive": tuple(np.repeat(sweep.totals[:, 1], steps)),
        }
    what = "Records" if sweep.squares is None else "Sums of weights of records"
    summary = f"{what} at or above each of {steps} thresholds, for {len(labels)} groups."
    return Table(f"Counts by {sweep.grouping.name} at every threshold", columns, "plain", {}, summary)


def _says(found: Sequence[Measurement], least_share: float) -> str:
    """Return the range of the ratio for the feature where it falls lowest for sure."""
    lowest = [m for m in found if m.metric == _METRICS[0] and m.interval]
    if not lowest:
        return "No impact ratio could be computed at any threshold."
    least = min(lowest, key=lambda m: (m.interval.high, m.value) if m.interval else (math.inf, 0.0))
    most = next(m for m in found if m.metric == _METRICS[1] and m.group == least.group)
    return (
        f"At thresholds that let {least_share:.0%} to {1 - least_share:.0%} of the {least.n:,} records through, the lowest impact ratio by "
        f"{least.group} is {least.value:.3f}{_interval(least)}, {least.reason}; the highest is {most.value:.3f}{_interval(most)}."
    )


def _interval(m: Measurement) -> str:
    return f" [{m.interval.low:.3f}, {m.interval.high:.3f}]" if m.interval else ""
