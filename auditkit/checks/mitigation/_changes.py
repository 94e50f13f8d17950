"""Changes: what turning one rule's decisions into another's did to the difference and to accuracy, with paired intervals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.mitigation._mitigated import RATES, Path, Yardstick
from auditkit.evidence import Measurement
from auditkit.methods import before_after

if TYPE_CHECKING:
    from collections.abc import Callable

REPLICATES = 4000


def measured(path: Path, yard: Yardstick, rng: np.random.Generator, family: int) -> list[Measurement]:
    """Return the gap before and after, and what the mitigation in full changed.

    Parameters
    ----------
    path : Path
        The mitigation.
    yard : Yardstick
        What it is measured against.
    rng : numpy.random.Generator
        Of the bootstrap.
    family : int
        Mitigations compared: the intervals of the changes hold for all of them together (Bonferroni).

    Returns
    -------
    list of Measurement
        ``gap_before``, ``gap_after``, ``gap_reduction``, ``accuracy_cost``, ``balanced_accuracy_cost``.
    """
    group = f"{yard.grouping.name}, {path.name}"
    first, last = path.points[0].decisions, path.points[-1].decisions
    return [
        yard.gap("gap_before", first, group),
        yard.gap("gap_after", last, group),
        reduction(first, last, yard, rng, family, group),
        _accuracy_cost(first, last, yard, family, group),
        _balanced_cost(first, last, yard, family, group),
    ]


def reduction(
    first: np.ndarray,
    last: np.ndarray,
    yard: Yardstick,
    rng: np.random.Generator,
    family: int,
    group: str,
) -> Measurement:
    """Return how much narrower the gap is.

    A gap is never negative, so resampling overstates one that is near 0, and a change from or to such a gap is
    understated. Where the gap after does not stand clear of 0, all of the gap before may therefore be gone; where
    the gap before does not, there may have been none, and no reduction is shown. Resampling draws only changes that
    were seen, so few of them make it too sure: the interval holds that of the paired changes too.
    """
    strict = replace(yard, level=1 - (1 - yard.level) / family)
    was, now = strict.gap("gap", first, group).interval, strict.gap("gap", last, group).interval
    boot = _bootstrap(first, last, strict, rng, lambda counts: before_after.gap(counts, yard.constraint))
    if was is None or now is None or math.isnan(boot.low):
        why = "a rate of some group is undefined, or so nearly that resampling loses it"
        return Measurement("gap_reduction", math.nan, len(first), group=group, reason=why)
    low, high = boot.low, boot.high
    method = "paired bootstrap of counts"
    if (first == last).all():
        far = _unseen_change(strict)
        low, high, method = -far, far, "Clopper-Pearson of changes that no record showed"
    elif (ends := _paired_change(first, last, strict)) is not None:
        low, high = min(low, ends[0]), max(high, ends[1])
        method += ", no shorter than Bonett-Price and MOVER"
    if was.low <= 0:
        low = min(low, -now.high)
    if now.low <= 0:
        high = max(high, was.high)
    return common.measured(
        "gap_reduction", boot.value, len(first), (low, high), yard.level, method + _over(family), group=group
    )


def _unseen_change(yard: Yardstick) -> float:
    """Return how far a gap may change by changes that none of the records showed: exact bounds of the two smallest groups."""
    cells = yard.cells(yard.truth)
    sizes = np.sort(np.concatenate([cells.counts(name).records for name in RATES[yard.constraint]]))[:2]
    return float(min(1.0, statistics.clopper_pearson(0, sizes, yard.level).high.sum()))


def _paired_change(first: np.ndarray, last: np.ndarray, yard: Yardstick) -> tuple[float, float] | None:
    """Return the ends of the change of the gap by the paired changes of the two groups that set it.

    Their distances from the values are added as squares (MOVER, Zou and Donner 2008). None where another rate or another
    pair of groups sets the gap afterwards.
    """
    g = yard.grouping
    joint = before_after.joint_counts(g.codes, len(g.labels), yard.truth, first, last)
    negative, positive = joint[:, :4], joint[:, 4:]
    parts = {
        "selection_rate": negative + positive,
        "true_positive_rate": positive,
        "false_positive_rate": negative,
    }
    # columns: neither rule selects, only the last, only the first, both
    neither, won, lost, both = np.moveaxis(np.stack([parts[name] for name in RATES[yard.constraint]]), -1, 0)
    n = neither + won + lost + both
    with np.errstate(invalid="ignore", divide="ignore"):
        set_by = [_widest((only + both) / n) for only in (lost, won)]
    if set_by[0] is None or set_by[0] != set_by[1]:
        return None
    at = np.ix_([set_by[0][0]], set_by[0][1:])
    change = ((lost - won) / n)[at][0]
    low, high = (end[0] for end in statistics.paired_difference(lost[at], won[at], n[at], yard.level))
    below, above = np.maximum(change - low, 0), np.maximum(high - change, 0)
    value = change[0] - change[1]
    return float(value - np.hypot(below[0], above[1])), float(value + np.hypot(above[0], below[1]))


def _widest(rates: np.ndarray) -> tuple[int, int, int] | None:
    """Return which rate differs most, its highest and its lowest group, of rates of shape (rates, groups)."""
    if np.isnan(rates).any():
        return None
    rate = int(np.ptp(rates, axis=1).argmax())
    return rate, int(rates[rate].argmax()), int(rates[rate].argmin())


def _accuracy_cost(
    first: np.ndarray, last: np.ndarray, yard: Yardstick, family: int, group: str
) -> Measurement:
    was, now = first == yard.truth, last == yard.truth
    lost, won, n = int((was & ~now).sum()), int((~was & now).sum()), len(first)
    ends = statistics.paired_difference(lost, won, n, 1 - (1 - yard.level) / family)
    method = f"paired, Bonett-Price{_over(family)}"
    return common.measured("accuracy_cost", (lost - won) / n, n, ends, yard.level, method, group=group)


def _balanced_cost(
    first: np.ndarray, last: np.ndarray, yard: Yardstick, family: int, group: str
) -> Measurement:
    """Return half of what is lost among the positive labels and half of what is among the negative ones.

    Either is a paired difference; the ends are combined by their distances from the values (MOVER, Zou and Donner 2008).
    A bootstrap would draw only changes that were seen: of rules that differ in a handful of records it is too sure.
    """
    metric, n = "balanced_accuracy_cost", len(first)
    parts = [yard.truth, ~yard.truth]
    sizes = np.array([np.count_nonzero(part) for part in parts])
    if sizes.min() == 0:
        return Measurement(
            metric, math.nan, n, group=group, reason="the test records hold too few of one label"
        )
    was, now = first == yard.truth, last == yard.truth
    lost = np.array([np.count_nonzero(part & was & ~now) for part in parts])
    won = np.array([np.count_nonzero(part & ~was & now) for part in parts])
    costs = (lost - won) / sizes
    low, high = statistics.paired_difference(lost, won, sizes, 1 - (1 - yard.level) / family)
    below, above = np.maximum(costs - low, 0), np.maximum(high - costs, 0)
    value = float(costs.mean())
    ends = value - float(np.hypot(*below)) / 2, value + float(np.hypot(*above)) / 2
    method = f"paired within labels, Bonett-Price and MOVER{_over(family)}"
    return common.measured(metric, value, n, ends, yard.level, method, group=group)


def _bootstrap(
    first: np.ndarray,
    last: np.ndarray,
    yard: Yardstick,
    rng: np.random.Generator,
    statistic: Callable[[np.ndarray], np.ndarray],
) -> statistics.Bootstrapped:
    """Return a statistic before less the same after, both of one draw of the joint counts."""
    g = yard.grouping
    cells = before_after.joint_counts(g.codes, len(g.labels), yard.truth, first, last)
    return statistics.bootstrap_difference(
        cells,
        lambda drawn: statistic(before_after.after(drawn)),
        lambda drawn: statistic(before_after.before(drawn)),
        rng=rng,
        replicates=REPLICATES,
        level=yard.level,
    )


def _over(family: int) -> str:
    return f", Bonferroni over {family} mitigations" if family > 1 else ""
