"""Charts: what is watched, and how each window stands beside its reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from scipy import special

from auditkit.monitoring.tally import BINS
from auditkit.statistics import largest_gap, newcombe, population_stability, wilson
from auditkit.statistics.control_cells import cells_moved
from auditkit.statistics.control_gaps import area_part, binning_error, gap_moved, pair_moved
from auditkit.statistics.control_limits import Moved, Sums, mean_part, part_moved, rate_moved
from auditkit.statistics.control_recent import recent_area, recent_mean, recent_rate
from auditkit.statistics.slow_drift import recent_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from auditkit.monitoring.plan import MonitorPlan
    from auditkit.monitoring.tally import Scheme, Tally
    from auditkit.statistics.control_limits import Part

__all__ = ["Chart", "Measured", "charts_of", "measured", "slow", "sudden"]

Kind: TypeAlias = Literal["cells", "rate", "mean", "area", "gap", "volume"]
LEVEL = 0.95
"""Of the interval beside each value; limits have the plan's rate."""
_BANDS = 10


@dataclass(frozen=True, slots=True)
class Chart:
    """One quantity that is watched.

    Attributes
    ----------
    id : str
        Its name in files.
    family : str
        One of `FAMILIES`.
    title : str
        In words.
    kind : str
        How it is tested.
    what : str
        The column, quantity or feature it is about.
    labels : bool
        Whether it waits for labels.
    """

    id: str
    family: str
    title: str
    kind: Kind
    what: str
    labels: bool = False

    @property
    def tests(self) -> int:
        """How many tests a window makes: of the window itself, and of the recent ones together."""
        return 1 if self.kind == "volume" else 2


class Measured(NamedTuple):
    """What a window says of a quantity, before any limit.

    Attributes
    ----------
    value, low, high : float
        With its interval.
    n : int
        Rows.
    data : object
        What the tests need.
    detail : dict
        More of it, in plain JSON.
    """

    value: float
    low: float
    high: float
    n: int
    data: Any
    detail: dict[str, Any]


_RATES = {
    "missing": ("missing", "rows"),
    "unanswered": ("unanswered", "rows"),
    "selection_rate": ("selected", "decided"),
    "accuracy": ("correct", "answered"),
    "label_rate": ("positive", "labelled"),
}
_PARTS: dict[str, Any] = {"mean": mean_part, "area": area_part}
_RECENT: dict[str, Any] = {"rate": recent_rate, "mean": recent_mean, "area": recent_area}
_GAPS = {
    "selection_rate_gap": ("Selection rate", 0, False),
    "true_positive_rate_gap": ("True-positive rate", 2, True),
    "false_positive_rate_gap": ("False-positive rate", 4, True),
}


def charts_of(plan: MonitorPlan, scheme: Scheme, *, volume: bool) -> list[Chart]:
    """Return the charts of a plan, those of one family together."""
    log, labelled, scored = plan.log, plan.log.label is not None, plan.log.score is not None
    found = [Chart(f"input:{name}", "inputs", f"Input {name}", "cells", name) for name in scheme.columns]
    if log.inputs:
        found.append(Chart("missing", "missing", "Rows with an input missing", "rate", "missing"))
    found.append(Chart("unanswered", "missing", "Rows without an answer of the model", "rate", "unanswered"))
    if scored:
        found.append(Chart("score", "scores", "Scores", "cells", "score"))
    found.append(Chart("selection_rate", "decisions", "Selection rate", "rate", "selection_rate"))
    if labelled:
        found.append(
            Chart("label_rate", "performance", "Share of positive labels", "rate", "label_rate", labels=True)
        )
        found.append(Chart("accuracy", "performance", "Accuracy", "rate", "accuracy", labels=True))
        if scored:
            found.append(Chart("auc", "performance", "Area under the ROC curve", "area", "auc", labels=True))
            found.append(Chart("log_loss", "performance", "Log loss", "mean", "log_loss", labels=True))
            found.append(
                Chart(
                    "calibration", "calibration", "Calibration in the large", "mean", "residual", labels=True
                )
            )
            found.append(Chart("slope", "calibration", "Calibration slope", "mean", "slope", labels=True))
    for feature in scheme.groups:
        for name, (title, _, needs) in _GAPS.items():
            if labelled or not needs:
                found.append(
                    Chart(f"{name}:{feature}", "fairness", f"{title} between groups of {feature}", "gap", f"{name}:{feature}", labels=needs)
                )  # fmt: skip
    if volume:
        found.append(Chart("volume", "volume", "Rows", "volume", "rows"))
    return [one for one in found if one.family in plan.limits.charts]


def measured(chart: Chart, window: Tally, reference: Tally, plan: MonitorPlan) -> Measured | tuple[str, int]:
    """Return what a window says, or why nothing can be said and how many rows that would need."""
    worth, least = plan.limits.design_effect, plan.windows.min_rows
    if chart.kind == "rate":
        (x, n), (a, m) = (_rate(one, chart.what) for one in (window, reference))
        return _few(n, m, least) or _of_rate(x, n, a, m, worth)
    if chart.kind == "mean":
        now, then = window.moments(chart.what), reference.moments(chart.what)
        return _few(int(now.n), int(then.n), least) or _of_mean(now, then, worth)
    if chart.kind == "area":
        both = (window.score[1], window.score[0]), (reference.score[1], reference.score[0])
        sizes = [int(counts.sum()) for pair in both for counts in pair]
        few = _few(sizes[0] + sizes[1], sizes[2] + sizes[3], least)
        return (
            few
            or _few(min(sizes[:2]), min(sizes[2:]), plan.windows.min_group, "rows of either label")
            or _of_area(*both, worth)
        )
    if chart.kind == "cells":
        now_, then_ = (_cells(chart, one, reference) for one in (window, reference))
        return _few(int(now_.sum()), int(then_.sum()), least) or _of_cells(now_, then_, worth)
    name, feature = chart.what.split(":", 1)
    at = _GAPS[name][1]
    tables = [one.groups[feature][:-2, at : at + 2] for one in (window, reference)]
    return _of_groups(tables[0], tables[1], plan)


def _rate(tally: Tally, what: str) -> tuple[int, int]:
    x, n = _RATES[what]
    return getattr(tally, x), getattr(tally, n)


def _few(n: int, m: int, least: int, what: str = "rows") -> tuple[str, int] | None:
    if n < least:
        return f"{n:,} {what}; at least {least:,} are needed", least
    if m < least:
        return f"the reference has {m:,} {what}; at least {least:,} are needed", least
    return None


def _of_rate(x: int, n: int, a: int, m: int, worth: float) -> Measured:
    size = n / worth
    low, high = (float(end) for end in wilson(x / worth, size, LEVEL))
    counts = [round(one / worth) for one in (x, n, a, m)]
    return Measured(x / n, low, high, n, (counts, (x / worth, size), (a / worth, m / worth)), {})


def _of_mean(now: Sums, then: Sums, worth: float) -> Measured:
    now, then = (Sums(*(one / worth for one in moments)) for moments in (now, then))
    half = float(special.stdtrit(max(now.n - 1, 1), 0.5 + LEVEL / 2)) * math.sqrt(now.central()[0] / now.n)
    return Measured(now.mean, now.mean - half, now.mean + half, round(now.n * worth), (now, then), {})


def _of_area(now: Any, then: Any, worth: float) -> Measured:
    samples: Any = tuple(tuple(np.asarray(one) / worth for one in two) for two in (now, then))
    part = area_part(*samples)
    half = float(special.ndtri(0.5 + LEVEL / 2)) * math.sqrt(part.variance)
    detail = {
        "positives": int(now[0].sum()),
        "negatives": int(now[1].sum()),
        "binning_error": binning_error(*now),
    }
    return Measured(
        part.value, max(part.value - half, 0.0), min(part.value + half, 1.0), sum(int(one.sum()) for one in now), samples, detail
    )  # fmt: skip


def _cells(chart: Chart, tally: Tally, reference: Tally) -> npt.NDArray[np.float64]:
    if chart.what != "score" or chart.id != "score":
        return tally.cells[chart.what].astype(float)
    every = reference.score.sum(axis=0)
    ends = np.searchsorted(np.cumsum(every), np.arange(1, _BANDS) / _BANDS * every.sum(), side="left")
    starts = np.unique(np.concatenate([[0], np.minimum(ends + 1, BINS - 1)]))
    return np.add.reduceat(tally.score.sum(axis=0), starts).astype(float)


def _of_cells(
    now: npt.NDArray[np.float64], then: npt.NDArray[np.float64], worth: float
) -> Measured | tuple[str, int]:
    n = int(now.sum())
    now, then = now / worth, then / worth
    found = cells_moved(now, then, 0.5)
    if math.isnan(found.value):
        return "no two of its values are common enough to compare", 0
    index = population_stability(then, now, LEVEL)
    detail = {"psi": index.plain, "psi_without_noise": index.value, "noise": index.noise}
    largest = int(np.abs(now / now.sum() - then / then.sum()).argmax())
    detail |= {"cell": largest, "share": now[largest] / now.sum(), "share_before": then[largest] / then.sum()}
    return Measured(found.value, index.low, index.high, n, (now, then), detail)


def _of_groups(now: Any, then: Any, plan: MonitorPlan) -> Measured | tuple[str, int]:
    least, worth = plan.windows.min_group, plan.limits.design_effect
    enough = (now[:, 0] >= least) & (then[:, 0] >= least)
    kept = np.flatnonzero(enough)
    small = int(((now[:, 0] > 0) & ~enough).sum())
    if kept.size < 2:
        sizes = ", ".join(f"{n:,}" for n in now[:, 0])
        return (
            f"fewer than two groups have the {least:,} rows that are needed, now and in the reference (now: {sizes or 'none'})",
            least,
        )
    x, n, a, m = (np.rint(table[kept, at] / worth).astype(np.int64) for table in (now, then) for at in (1, 0))
    widest = largest_gap(x, n, LEVEL, rng=np.random.default_rng(0), replicates=999)
    parts = {
        group: tuple(map(float, counts)) for group, *counts in zip(kept.tolist(), x, n, a, m, strict=True)
    }
    detail = {
        "largest_gap": widest.value,
        "largest_gap_low": widest.low,
        "largest_gap_high": widest.high,
        "groups": int(kept.size),
        "groups_too_small": small,
    }
    return Measured(math.nan, math.nan, math.nan, int(now[kept, 0].sum()), (kept, x, n, a, m, parts), detail)


def sudden(chart: Chart, one: Measured, alpha: float) -> tuple[Moved, Measured]:
    """Return where a window by itself stands, and what was measured, of a gap that of the pair that moved most."""
    if chart.kind == "rate":
        x, n, a, m = one.data[0]
        return rate_moved(min(x, n), n, min(a, m), m, alpha), one
    if chart.kind == "cells":
        return cells_moved(one.data[0], one.data[1], alpha), one
    if chart.kind != "gap":
        return part_moved(_PARTS[chart.kind](*one.data), alpha), one
    kept, x, n, a, m, _ = one.data
    found = gap_moved(x, n, a, m, alpha)
    i, j = found.first, found.second
    low, high = (float(end) for end in newcombe(x[i], n[i], x[j], n[j], LEVEL))
    detail = {**one.detail, "first": int(kept[i]), "second": int(kept[j]), "pairs": found.pairs}
    detail |= {
        "rate_first": float(x[i] / n[i]),
        "rate_second": float(x[j] / n[j]),
        "n_first": int(n[i]),
        "n_second": int(n[j]),
    }
    # judged at its part of the rate: its p-value is that of all pairs together
    return found.moved, one._replace(value=found.moved.value, low=low, high=high, detail=detail)


def slow(
    chart: Chart, windows: Sequence[Measured], smoothing: float, alpha: float
) -> tuple[Moved, dict[str, Any]] | None:
    """Return where the recent windows together stand; None of the first one, which is judged by itself."""
    if len(windows) < 2 or chart.kind == "volume":
        return None
    if chart.kind == "cells":
        counts = np.array([one.data[0] for one in windows])
        sizes = counts.sum(axis=1)
        c = recent_weights(sizes.tolist(), smoothing)
        worth = 1 / float((c**2 / sizes).sum())
        return cells_moved((c / sizes) @ counts * worth, windows[-1].data[1], alpha), {}
    if chart.kind != "gap":
        seen = [one.data[-2] for one in windows]
        return part_moved(_RECENT[chart.kind](seen, windows[-1].data[-1], smoothing), alpha), {}
    recent: dict[int, Part] = {
        group: recent_rate(
            [one.data[-1][group][:2] for one in windows if group in one.data[-1]], now[2:], smoothing
        )
        for group, now in windows[-1].data[-1].items()
    }
    pairs = list(combinations(recent, 2))
    found = [pair_moved(recent[i], recent[j], alpha / len(pairs)) for i, j in pairs]
    at = int(np.argmin([one.p_value for one in found]))
    return found[at]._replace(p_value=min(1.0, found[at].p_value * len(pairs))), {
        "first": pairs[at][0], "second": pairs[at][1],
    }  # fmt: skip


def volume_moved(rows: int, reference: Sequence[int], alpha: float) -> Moved:
    """Return where the rows of a window stand beside those of earlier windows, by Student's prediction interval of their logarithms.

    Their spread is no less than that of independent arrivals. Counts that follow the day of the week need windows of weeks.
    """
    logs = np.log(np.maximum(np.asarray(reference, dtype=float), 0.5))
    k, centre = logs.size, float(logs.mean())
    spread = max(float(logs.std(ddof=1)), math.sqrt(1 / max(math.exp(centre), 1.0))) * math.sqrt(1 + 1 / k)
    t = (math.log(max(rows, 0.5)) - centre) / spread
    p = float(2 * special.stdtr(k - 1, -abs(t)))
    reach = float(special.stdtrit(k - 1, 1 - alpha / 2)) * spread
    top = math.exp(min(centre + reach, 700.0))
    return Moved(rows, math.exp(centre), math.exp(centre - reach), top, p)
