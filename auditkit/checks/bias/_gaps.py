"""Gaps: how far groups lie apart, as measurements that say which groups they leave out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import special

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.bias import _asked as asked
from auditkit.checks.bias import _near as near
from auditkit.evidence import Measurement
from auditkit.methods.fairness import rate_counts
from auditkit.methods.groups import group_confusion
from auditkit.statistics.gaps import range_critical
from auditkit.statistics.weighted import Moments, effective_counts, group_moments

if TYPE_CHECKING:
    from auditkit.statistics import Gap

LABEL = {
    "selection_rate": "Selection rate",
    "true_positive_rate": "True positive rate",
    "false_positive_rate": "False positive rate",
    "accuracy": "Accuracy",
    "mean_prediction": "Mean prediction",
    "mean_error": "Mean absolute error",
    "true_negative_rate": "True negative rate",
    "false_negative_rate": "False negative rate",
    "false_discovery_rate": "False discovery rate",
    "false_omission_rate": "False omission rate",
    "negative_predictive_value": "Negative predictive value",
    "precision_score": "Precision",
    "accuracy_score": "Accuracy",
    "balanced_accuracy_score": "Balanced accuracy",
    "mean_absolute_error": "Mean absolute error",
    "mean_squared_error": "Mean squared error",
}


class Counts(NamedTuple):
    """Successes and trials of each group, as many as the rows are worth; and the records they come from.

    Attributes
    ----------
    hits, trials : ndarray of shape (groups,)
        Whole numbers, or with weights those of equally weighted rows that would be as uncertain.
    records : ndarray of shape (groups,)
        Rows that count.
    overall : float
        The rate of all rows; ``nan`` where none counts.
    shares : ndarray of shape (groups,)
        Each group's share of all trials, by weight.
    """

    hits: np.ndarray
    trials: np.ndarray
    records: np.ndarray
    overall: float
    shares: np.ndarray


class Cells(NamedTuple):
    """Confusion counts of each group, shape (groups, 4): by weight, by squared weight, and by rows."""

    weights: np.ndarray
    squares: np.ndarray
    rows: np.ndarray

    def counts(self, name: str) -> Counts:
        """Return the counts behind a rate; see `auditkit.methods.fairness.RATE_NAMES`."""
        hits, trials = rate_counts(self.weights, name)
        records = rate_counts(self.rows, name)[1]
        total = trials.sum()
        overall, shares = (
            (float(hits.sum() / total), trials / total) if total else (math.nan, np.zeros(len(trials)))
        )
        if self.squares is not self.weights:
            hits, trials = effective_counts(hits, trials, *rate_counts(self.squares, name), together=True)
        return Counts(hits, trials, records, overall, shares)

    def part(self, places: np.ndarray) -> Cells:
        """Return the cells of some of the groups."""
        if self.squares is self.weights:
            plain = self.weights[places]
            return Cells(plain, plain, plain)
        return Cells(*(one[places] for one in self))


def cells(
    grouping: common.Grouping, truth: np.ndarray, answer: np.ndarray, weights: np.ndarray | None
) -> Cells:
    """Count the confusion of each group, tn, fp, fn, tp, in one pass over the rows for each kind of count."""
    codes, k = grouping.codes, len(grouping.labels)
    if weights is None:
        plain = group_confusion(truth, answer, codes, k)
        return Cells(plain, plain, plain)
    by_weight, by_square, rows = (
        group_confusion(truth, answer, codes, k, part) for part in (weights, weights**2, (weights > 0) * 1.0)
    )
    return Cells(by_weight, by_square, rows)


_OF_PROBABILITIES = ("brier_score", "calibration_in_the_large", "mean_score")
_POWER = 0.8
_NAMED = 3


def rates(metric: str, grouping: common.Grouping, counts: Counts, level: float) -> list[Measurement]:
    """Return the rate of each group (Wilson); undefined, with the reason, where no record counts."""
    hits, sizes, records = counts[:3]
    low, high = statistics.wilson(hits, sizes, level)
    found = []
    for g, label in enumerate(grouping.labels):
        if sizes[g] == 0:
            why = f"{label} has no record that counts for the {LABEL[metric].lower()}"
            found.append(Measurement(metric, math.nan, 0, group=label, reason=why))
            continue
        ends = low[g], high[g]
        found.append(
            common.measured(metric, hits[g] / sizes[g], records[g], ends, level, "wilson", group=label)
        )
    return found


def means(
    metric: str, grouping: common.Grouping, moments: Moments, records: np.ndarray, level: float, least: float
) -> list[Measurement]:
    """Return the mean of each group (Student), held above the least possible value, and below 1 where it is one of probabilities."""
    shift = np.nan_to_num(moments.mean)  # sums of squares of large numbers would lose the spread to rounding
    low, high = statistics.mean_interval(np.zeros(len(shift)), moments.spread, moments.size, level)
    found = []
    for g, label in enumerate(grouping.labels):
        if moments.size[g] == 0:
            why = f"no record of {label} has any weight"
            found.append(Measurement(metric, math.nan, 0, group=label, reason=why))
            continue
        # errors of exactly 0 may have a mean a rounding below it
        most = 1.0 if metric in _OF_PROBABILITIES else math.inf
        value, *ends = (
            min(max(float(end), least), most)
            for end in (moments.mean[g], low[g] + shift[g], high[g] + shift[g])
        )
        found.append(common.measured(metric, value, records[g], (ends[0], ends[1]), level, "t", group=label))
    return found


def measurement(
    metric: str,
    gap: Gap,
    grouping: common.Grouping,
    sizes: np.ndarray,
    *,
    worst: float,
    n_needed: int | None = None,
    fewest: int = 1,
) -> Measurement:
    """Turn a gap over groups into a measurement of the feature.

    Parameters
    ----------
    metric : str
        Its name.
    gap : Gap
        Over the groups that could be measured.
    grouping : Grouping
        All groups.
    sizes : ndarray of shape (groups,)
        Records that count, of each group.
    worst : float
        What a group that could not be measured might make of the gap (1, of a ratio 0, of means infinity). The interval reaches so far
        where one was left out: a limit can be broken by the others, but is never met while a group is unknown.
    n_needed : int, optional
        See `needed`.
    fewest : int
        Records a group must have to be measured.
    """
    n, out, to_all = (
        int(sizes.sum()),
        left_out(grouping, sizes, fewest),
        gap.lowest_index == gap.highest_index,
    )
    if math.isnan(gap.value):
        lone = [label for label, size in zip(grouping.labels, sizes, strict=True) if size >= fewest]
        only = f": only {lone[0]} has any" if len(lone) == 1 else ""
        why = asked.none_at_all(metric, sizes) or gap.note.strip().removesuffix(".") + only
        reason = "; ".join(filter(None, (why, out))) or "undefined on these data"
        return Measurement(metric, math.nan, n, group=grouping.name, reason=reason)
    ends = (min(gap.low, worst), max(gap.high, worst)) if out else (gap.low, gap.high)
    untested = "" if not math.isnan(gap.p_value) else f"p-value {gap.p_method}"
    reason = "; ".join(filter(None, (pair(metric, gap, grouping, sizes), untested, out)))
    return common.measured(
        metric, gap.value, n, ends, gap.level, gap.method, group=grouping.name, p_value=gap.p_value, reason=reason,
        n_needed=n_needed, p_method=gap.p_method, hypothesis=asked.alike(metric, grouping.name, to_all=to_all),
        missing=out.partition(". ")[0] or None,
    )  # fmt: skip


def pair(metric: str, gap: Gap, grouping: common.Grouping, sizes: np.ndarray) -> str:
    """Return which groups lie farthest apart, lowest first; then how large they are, and how small the smallest one is.

    The two groups stand before the first semicolon. Where the near end of the interval is about others, these are named after them.
    """
    farthest = gap.lowest_index, gap.highest_index
    said = [*_two(farthest, grouping, sizes)]
    if gap.surest not in (None, farthest):
        said.append(f"{near.verb(metric)} {', '.join(_two(gap.surest, grouping, sizes))}")
    smallest = int(np.where(sizes > 0, sizes, np.inf).argmin())
    return "; ".join([*said, f"smallest group: {_records(sizes[smallest])}, {_word(grouping, smallest)}"])


def _two(places: tuple[int, int], grouping: common.Grouping, sizes: np.ndarray) -> tuple[str, str]:
    """Return two groups, or one and all records, in words, and their records."""
    first, second = places
    if first == second:
        return f"{_word(grouping, first)} against all records", _records(sizes[first])
    return (
        f"{_word(grouping, first)} against {_word(grouping, second)}",
        f"{_records(sizes[first])} against {_records(sizes[second])}",
    )


def of_both(
    metric: str, found: dict[str, Gap], value: str, sizes: dict[str, np.ndarray], grouping: common.Grouping
) -> list[str]:
    """Return where the gap of one of two rates lies, and what each end of the interval rests on where that is another.

    Parameters
    ----------
    metric : str
        Equalized odds, difference or ratio.
    found : dict of str to Gap
        Of each rate that could be compared.
    value : str
        The rate whose gap is the value.
    sizes : dict of str to ndarray
        Records of each group, by rate.
    grouping : Grouping
        The groups.
    """
    top = found[value]
    said = [f"{LABEL[value].lower()}: {pair(metric, replace(top, surest=None), grouping, sizes[value])}"]
    is_ratio = metric.endswith("_ratio")
    lowest, highest = (pick(found, key=lambda m: getattr(found[m], end)) for pick, end in _ENDS[is_ratio])
    at, far = (highest, lowest) if is_ratio else (lowest, highest)
    one = found[at]
    if one.surest is not None and (at != value or one.surest != (top.lowest_index, top.highest_index)):
        groups = ", ".join(_two(one.surest, grouping, sizes[at]))
        said.append(f"{near.verb(metric)} the {LABEL[at].lower()}: {groups}")
    if far != value:
        said.append(f"{near.far_verb(metric)} the {LABEL[far].lower()}")
    return said


_ENDS = {False: ((max, "low"), (max, "high")), True: ((min, "low"), (min, "high"))}


def _word(grouping: common.Grouping, at: int) -> str:
    return grouping.labels[at].replace(";", ",")


def _records(n: float) -> str:
    return f"{int(n):,} record{'' if int(n) == 1 else 's'}"


def left_out(grouping: common.Grouping, sizes: np.ndarray, fewest: int = 1) -> str:
    """Return which groups could not be measured and what follows; empty if all could."""
    out = [label for label, size in zip(grouping.labels, sizes, strict=True) if size < fewest]
    if not out:
        return ""
    names = "; ".join(out[:_NAMED]) + (f"; and {len(out) - _NAMED} more" if len(out) > _NAMED else "")
    why = "no record that counts" if fewest == 1 else f"fewer than {fewest} records"
    return f"left out, for {why}: {names}. The interval allows for any value of what was left out"


def not_compared(metric: str, grouping: common.Grouping) -> Measurement:
    """Return the measurement of a feature with too many groups: undefined, with the reason."""
    return Measurement(metric, math.nan, len(grouping.codes), group=grouping.name, reason=grouping.too_many)


def needed(counts: tuple[Any, ...], matters: float, level: float) -> int | None:
    """Return the records needed in all, mixed as these are, for the two smallest groups to show a difference.

    The chance to show it is 0.8, by the pooled z test (Fleiss, Levin and Paik 2003) at the critical value of as many groups.
    None where these records suffice, or where a group has none.

    Parameters
    ----------
    counts : Counts, or its first two or three
        Successes and trials, and the records they come from where these are not the trials.
    matters : float
        The difference, from the rate of all towards 1/2 and beyond: the side that takes more records.
    level : float
        Simultaneous confidence level.
    """
    hits, sizes = counts[:2]
    records = counts[2] if len(counts) > 2 else sizes
    if len(sizes) < 2 or sizes.min() == 0:
        return None
    base = hits.sum() / sizes.sum()
    other = min(base + matters, 1.0) if base <= 0.5 else max(base - matters, 0.0)
    small, next_one = np.sort(sizes)[:2]
    z, quantile = range_critical(level, len(sizes)), special.ndtri(_POWER)
    factors = []
    for p, q in ((base, other), (other, base)):
        pooled = (small * p + next_one * q) / (small + next_one)
        null = math.sqrt(pooled * (1 - pooled) * (1 / small + 1 / next_one))
        spread = math.sqrt(p * (1 - p) / small + q * (1 - q) / next_one)
        factors.append(((z * null + quantile * spread) / (q - p)) ** 2)
    return math.ceil(max(factors) * records.sum()) if max(factors) > 1 else None


def odds(
    parts: dict[str, Counts],
    gaps: dict[str, Gap],
    grouping: common.Grouping,
    matters: float,
    level: float,
) -> Measurement:
    """Return the larger of the gaps in true and in false positive rates.

    Each interval is at half the error, so that both hold together (Bonferroni). Where one of the rates cannot be compared
    the value is the gap in the other, and the interval reaches to 1.
    """
    metric, names = "equalized_odds_difference", ("true_positive_rate", "false_positive_rate")
    n = int(sum(parts[name].records.sum() for name in names))
    out = [
        asked.none_at_all(m, parts[m].records) or f"{LABEL[m].lower()}: {why}"
        for m in names
        if (why := left_out(grouping, parts[m].records))
    ]
    known = [name for name in names if not math.isnan(gaps[name].value)]
    if not known:
        reason = "; ".join(out) or gaps[names[0]].note.strip()
        return Measurement(metric, math.nan, n, group=grouping.name, reason=reason)
    halves = {m: statistics.largest_gap(*parts[m][:2], 1 - (1 - level) / 2, tested=gaps[m]) for m in known}
    widest = max(known, key=lambda m: halves[m].value)
    high = 1.0 if out else max(half.high for half in halves.values())
    p_values = [gaps[m].p_value for m in known if not math.isnan(gaps[m].p_value)]
    words = of_both(metric, halves, widest, {m: parts[m].records for m in known}, grouping)
    needs = [
        math.ceil(need * n / parts[m].records.sum())
        for m in known
        if (need := needed(parts[m], matters, 1 - (1 - level) / 2)) is not None
    ]
    ends = max(half.low for half in halves.values()), high
    return common.measured(
        metric, halves[widest].value, n, ends, level, f"{halves[widest].method}, Bonferroni over both rates",
        group=grouping.name, p_value=min(1.0, len(known) * min(p_values)) if p_values else None,
        reason="; ".join([*words, *out]), n_needed=None if out else max(needs, default=None),
        p_method=asked.both_methods([gaps[m] for m in known]), hypothesis=asked.alike(metric, grouping.name),
        missing="; ".join(one.partition(". ")[0] for one in out) or None,
    )  # fmt: skip


def of_means(
    values: np.ndarray, grouping: common.Grouping, level: float, weights: np.ndarray | None = None
) -> tuple[Gap, str]:
    """Return the largest gap of group means (Games-Howell), and what was assumed; empty if nothing.

    A group whose values are all equal shows no spread of its own, which is no proof that it has none: it is
    given the spread within the groups together.
    """
    k = len(grouping.labels)
    # around the mean of all, because sums of squares of large numbers would lose the spread to rounding
    found = group_moments(values - values.mean(), grouping.codes, k, weights)
    moments, flat = with_spread(found, [np.ptp(part) == 0 for part in grouping.parts(values)])
    at = np.nan_to_num(moments.mean)
    sums, squares = at * moments.size, moments.spread + at**2 * moments.size
    gap = statistics.largest_mean_gap(sums, squares, moments.size, level, skewness=moments.skewness)
    names = [label for label, is_alike in zip(grouping.labels, flat, strict=True) if is_alike]
    note = (
        f"no spread within {'; '.join(names[:_NAMED])}: given the spread of the other groups" if names else ""
    )
    return (
        replace(gap, method=f"{gap.method}, pooled spread where a group has none") if names else gap
    ), note


def with_spread(moments: Moments, alike: list[Any]) -> tuple[Moments, np.ndarray]:
    """Give groups whose values are all alike the spread within the others; return also which these were."""
    flat = np.array(alike, dtype=bool)
    given = flat & (moments.size >= 2)
    pooled = float(moments.spread[~flat].sum() / max(np.maximum(moments.size[~flat] - 1, 0).sum(), 1))
    return moments._replace(spread=np.where(given, pooled * (moments.size - 1), moments.spread)), given
