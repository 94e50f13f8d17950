"""Ways: changed records with the wanted answer as measurements, by group, and as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.bias._gaps import of_means
from auditkit.checks.explainability._records import called, which_row
from auditkit.checks.robustness._threats import sized
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.dataset import Dataset
    from auditkit.methods.counterfactuals import Counterfactuals
    from auditkit.threat import Feature, ThreatModel

__all__ = [
    "Said",
    "Ways",
    "by_group",
    "changed_inputs",
    "cost_words",
    "examples_of",
    "longest",
    "overall",
    "unlimited",
    "usual_change",
]

RATE, COST, INPUTS = "recourse_rate", "recourse_cost", "recourse_inputs_changed"
RATE_GAP, COST_GAP = "recourse_rate_difference", "recourse_cost_difference"

FEWEST = 10  # records of a group, below which nothing is said of it
_MOST_GROUPS = 20
_LEAST = {COST: 0.0, INPUTS: 1.0}  # below which no mean can be


@dataclass(frozen=True, eq=False)
class Ways:
    """What was found for each record; `cost` and `inputs` are nan where nothing was.

    Attributes
    ----------
    cost : ndarray of shape (n,)
        Of the cheapest way.
    inputs : ndarray of shape (n,)
        Changed on the way that changes fewest.
    """

    cost: np.ndarray
    inputs: np.ndarray

    @classmethod
    def of(cls, found: Counterfactuals, n: int) -> Ways:
        """Return the least of each record."""
        cost, inputs = np.full(n, np.inf), np.full(n, np.inf)
        np.minimum.at(cost, found.of, found.cost)
        np.minimum.at(inputs, found.of, found.inputs)
        there = np.isfinite(cost)
        return cls(np.where(there, cost, np.nan), np.where(there, inputs, np.nan))

    @property
    def there(self) -> np.ndarray:
        """Whether a way was found, (n,)."""
        return np.asarray(np.isfinite(self.cost))


@dataclass(frozen=True, eq=False)
class Said:
    """What is said of the records shown, besides their ways.

    Attributes
    ----------
    n : int
        Test rows there are.
    rows : ndarray of int or None
        Numbers of the rows shown, where they were asked for by number.
    drafted : bool
        Whether what may change was drafted from the data.
    """

    n: int
    rows: np.ndarray | None
    drafted: bool


def overall(ways: Ways, level: float, budget: str) -> list[Measurement]:
    """Return the share of records with a way, and what it takes where there is one."""
    return [
        _rate(ways.there, level, None, budget),
        _mean(COST, ways.cost[ways.there], level, None),
        _mean(INPUTS, ways.inputs[ways.there], level, None),
    ]


def by_group(
    data: Dataset, rows: np.ndarray, ways: Ways, level: float, rng: np.random.Generator
) -> tuple[list[Measurement], dict[str, Table], tuple[str, ...]]:
    """Return rate and cost of the groups of every sensitive feature, and how far they lie apart.

    Parameters
    ----------
    data : Dataset
        The test rows.
    rows : ndarray of int, shape (n,)
        Those a way was looked for.
    ways : Ways
        What was found.
    level : float
        Confidence level.
    rng : numpy.random.Generator
        For the test of small tables.
    """
    found: list[Measurement] = []
    known = common.groupings(data, None, intersections=False) if data.sensitive_names else []
    compared = [group for group in known if len(np.unique(group.codes)) <= _MOST_GROUPS]
    for group in compared:
        codes = group.codes[rows]
        found += _of_groups(group.labels, codes, ways, level)
        found += [_rate_gap(group, codes, ways, level, rng), _cost_gap(group, codes, ways, level)]
    tables = {}
    for metric, name, title, word in (
        (RATE, "by_group", "Records for which a way was found, by group", "Share with a way"),
        (COST, "cost_by_group", "What the cheapest way costs, by group", "Mean cost"),
    ):
        shown = [m for m in found if m.metric == metric and not np.isnan(m.value)]
        if shown:
            tables[name] = Table(title, common.estimates(shown), "estimates", {"value": word, "n": "records"},
                                 f"{title}; unfavourable decisions only.")  # fmt: skip
    left = [group.name for group in known if group not in compared]
    told = (f"Not compared, because of more than {_MOST_GROUPS} groups: {', '.join(left)}.",) if left else ()
    return found, tables, (*common.notes_on(compared), *told)


def longest(found: list[Measurement]) -> str:
    """Return in a sentence whose way is longer, where the data show it; else that it was not seen."""
    gaps = [m for m in found if m.metric == COST_GAP and not np.isnan(m.value)]
    sure = [m for m in gaps if m.interval is not None and m.interval.low > 0]
    if not gaps:
        return ""
    if not sure:
        return f" A difference of cost between groups of {', '.join(str(m.group) for m in gaps)} was not detected."
    parts = [f"by {common.with_ends(m)} between groups of {m.group} ({m.reason})" for m in sure]
    return f" What the cheapest way costs differs {'; '.join(parts)}."


def cost_words(threat: ThreatModel) -> str:
    """Return what a change costs, for readers who have seen no threat model."""
    unit = sized(threat.within(2.0)).removeprefix("2 ")
    if not unit.startswith("robust standard deviations"):
        return f"in {unit}"
    kinds = {one.kind for one in threat.features if one.mutable}
    parts = [
        *(["one change of category costs 1"] if "categorical" in kinds else []),
        *(["a step of an ordered category costs 1"] if "ordinal" in kinds else []),
        *(["a number costs its change in robust standard deviations"] if kinds & {"continuous", "integer"} else []),
        *([f"changes of several inputs add up as {threat.norm}"] if threat.norm != "l1" else []),
    ]  # fmt: skip
    return "; ".join(parts)


def unlimited(threat: ThreatModel) -> list[str]:
    """Return the categories that may become any other, where no rule limits what goes together."""
    free = [one.name for one in threat.features if one.mutable and one.kind == "categorical"]
    return [] if threat.rules else free


def changed_inputs(found: Counterfactuals, threat: ThreatModel, X: np.ndarray, level: float) -> Table:
    """Return how often each input is changed on the way that changes fewest, and by how much; no record is shown."""
    _, first = np.unique(found.of, return_index=True)
    before, after = X[found.of[first]], found.rows[first]
    changed = threat.space.changed(before, after)
    n, hits = len(first), changed.sum(axis=0)
    order = [int(j) for j in np.argsort(-hits, kind="stable") if hits[j]]
    low, high = statistics.wilson(hits, np.full(len(hits), n), level)
    size = {
        j: usual_change(threat.features[j], before[changed[:, j], j], after[changed[:, j], j]) for j in order
    }
    columns: dict[str, tuple[Any, ...]] = {
        "label": tuple(threat.space.names[j] for j in order),
        "value": tuple(float(hits[j] / n) for j in order),
        "low": tuple(float(low[j]) for j in order),
        "high": tuple(float(high[j]) for j in order),
        "n": (n,) * len(order),
        "change": tuple(size[j] or "too few records to tell" for j in order),
    }
    lead = ", ".join(
        f"{threat.space.names[j]} ({size[j]})" if size[j] else threat.space.names[j] for j in order[:3]
    )
    return Table(
        "Inputs changed on the way with the fewest changes", columns, "estimates",
        {"value": "Share of the records with a way", "n": "records", "change": "median change, or the new value that is most frequent"},
        f"Changed most often: {lead}. A change is the median over the records whose input was changed, in the input's own unit; "
        f"none is told of fewer than {FEWEST}.",
    )  # fmt: skip


def usual_change(one: Feature, before: np.ndarray, after: np.ndarray) -> str:
    """Return in words by how much an input was changed: "+3,100", or "to 'rent'" for a category; empty for few records.

    Parameters
    ----------
    one : Feature
        The input.
    before, after : ndarray of shape (k,)
        Its values in the records where it was changed, as the threat model codes them.
    """
    if len(after) < FEWEST:
        return ""
    if not one.coded:
        sizes = (after - before)[~np.isnan(after - before)]
        return _signed(float(np.median(sizes))) if len(sizes) else ""
    codes, counts = np.unique(after[~np.isnan(after)].astype(int), return_counts=True)
    if counts.max(initial=0) < FEWEST:
        return ""
    value = one.values[codes[counts.argmax()]]
    if one.joint:  # of a one-hot block the name of the input that is 1
        hot = all(sorted(map(str, known)) == sorted(map(str, one.values[0])) for known in one.values) and set(
            value
        ) == {0.0, 1.0}
        value = one.columns[value.index(1.0)] if hot else " and ".join(map(_word, value))
    return f"to {_word(value)}"


def examples_of(
    found: Counterfactuals,
    threat: ThreatModel,
    original: pd.DataFrame,
    shown: np.ndarray,
    names: list[str],
    said: Said,
) -> dict[str, Table]:
    """Return the ways of some records, before and after, the cheapest first; nothing where none were asked for.

    Parameters
    ----------
    found : Counterfactuals
        Ways of the rows `original`.
    threat : ThreatModel
        Whose coding they are in.
    original : DataFrame of shape (n, inputs)
        The records.
    shown : ndarray of int, shape (k,)
        Those to show, in this order.
    names : list of str, length k
        Their pseudonyms.
    said : Said
        What is said of them besides.
    """
    if not len(shown):
        return {}
    after = threat.decode(found.rows) if len(found.of) else original.iloc[:0]
    lines: list[tuple[Any, ...]] = []
    by_number = said.rows is not None
    rows = np.full(len(shown), -1) if said.rows is None else said.rows
    for at, name, row in zip(shown.tolist(), names, rows.tolist(), strict=True):
        own = np.flatnonzero(found.of == at)
        for way, place in enumerate(own[np.argsort(found.cost[own], kind="stable")].tolist(), 1):
            for column in original.columns:
                old, new = _word(original[column].iloc[at]), _word(after[column].iloc[place])
                if old != new:
                    lines.append((name, row, way, str(column), old, new, float(found.cost[place])))
    header = ("record", "row", "way", "input", "before", "after", "cost of the way")
    columns = {
        word: tuple(line[at] for line in lines)
        for at, word in enumerate(header)
        if word != "row" or by_number
    }
    both = called(names, rows, asked=by_number)
    without = [name for at, name in zip(shown.tolist(), both, strict=True) if at not in found.of]
    told = len(shown) - len(without)
    rules = "drafted rules, which nobody has checked, allow" if said.drafted else "threat model allows"
    summary = (
        f"Ways of {told} {'record' if told == 1 else 'records'}, the cheapest first: changes that the {rules}, and no advice to anybody. "
        + ("" if by_number else which_row("test", said.n, names))
        + (f" No way was found for {', '.join(without)}." if without else "")
    ).strip()
    labels = {"record": "Record (pseudonym)", "row": "Test row"}
    return {"shown": Table("Ways before and after", columns, labels=labels, summary=summary)}


def _rate(there: np.ndarray, level: float, group: str | None, reason: str | None = None) -> Measurement:
    k, n = int(there.sum()), len(there)
    ends = statistics.clopper_pearson(k, n, level)
    return common.measured(
        RATE, k / n, n, ends, level, "clopper-pearson", group=group, bound="lower", reason=reason
    )


def _mean(metric: str, values: np.ndarray, level: float, group: str | None) -> Measurement:
    """Return a mean over the records with a way; what was found is at least the least there is."""
    n = len(values)
    if n < 2:
        reason = f"a way was found for {n} records: at least 2 are needed"
        return Measurement(metric, float("nan"), n, group=group, bound="upper", reason=reason)
    low, high = statistics.mean_interval_of(values, level)
    ends = (max(float(low), _LEAST[metric]), high)
    alike = "the same for every record: no spread was seen" if np.ptp(values) == 0 else None
    return common.measured(
        metric, values.mean(), n, ends, level, "t over records", group=group, bound="upper", reason=alike
    )


def _of_groups(labels: list[str], codes: np.ndarray, ways: Ways, level: float) -> list[Measurement]:
    found = []
    for code in np.unique(codes).tolist():
        own, label = codes == code, labels[code]
        n, cost = int(own.sum()), ways.cost[own & ways.there]
        for metric, many in ((RATE, n), (COST, len(cost))):
            if many < FEWEST:
                reason = f"{many} of the {FEWEST} records that are needed"
                found.append(Measurement(metric, float("nan"), many, group=label, reason=reason))
            elif metric == RATE:
                found.append(_rate(ways.there[own], level, label))
            else:
                found.append(_mean(COST, cost, level, label))
    return found


def _rate_gap(
    group: common.Grouping, codes: np.ndarray, ways: Ways, level: float, rng: np.random.Generator
) -> Measurement:
    sizes = np.bincount(codes, minlength=len(group.labels))
    hits = np.bincount(codes, ways.there, minlength=len(group.labels)).astype(int)
    kept = np.flatnonzero(sizes >= FEWEST)
    if len(kept) < 2:
        return _too_few(RATE_GAP, group.name, len(codes))
    gap = statistics.largest_gap(hits[kept], sizes[kept], level, rng=rng)
    return _gap(RATE_GAP, gap, [group.labels[at] for at in kept], group.name, int(sizes[kept].sum()))


def _cost_gap(group: common.Grouping, codes: np.ndarray, ways: Ways, level: float) -> Measurement:
    own, cost = codes[ways.there], ways.cost[ways.there]
    sizes = np.bincount(own, minlength=len(group.labels))
    kept = np.flatnonzero(sizes >= FEWEST)
    if len(kept) < 2:
        return _too_few(COST_GAP, group.name, int(ways.there.sum()))
    inside = np.isin(own, kept)
    labels = [group.labels[at] for at in kept]
    part = common.Grouping(group.name, labels, np.searchsorted(kept, own[inside]))
    gap, note = of_means(cost[inside], part, level)
    return _gap(COST_GAP, gap, labels, group.name, int(inside.sum()), note)


def _gap(
    metric: str, gap: statistics.Gap, labels: list[str], name: str, n: int, note: str = ""
) -> Measurement:
    p = None if np.isnan(gap.p_value) else gap.p_value
    ends = (gap.low, gap.high)
    words = f"highest for {labels[gap.highest_index]}, lowest for {labels[gap.lowest_index]}"
    words = "; ".join(one for one in (words if gap.value > 0 else "all alike", note) if one)
    return common.measured(
        metric,
        gap.value,
        n,
        ends,
        gap.level,
        gap.method,
        group=name,
        p_value=p,
        p_method=gap.p_method,
        reason=words,
    )


def _too_few(metric: str, name: str, n: int) -> Measurement:
    reason = f"fewer than two groups of {name} have {FEWEST} such records"
    return Measurement(metric, float("nan"), n, group=name, reason=reason)


def _word(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return "missing" if np.isnan(value) else f"{value:.6g}"
    return "missing" if value is None or str(value) in ("<NA>", "NaT") else str(value)


def _signed(size: float) -> str:
    """Return a difference with its sign, whole numbers without decimals."""
    sign = "+" if size > 0 else "−" if size < 0 else ""
    return sign + (f"{int(abs(size)):,}" if size == int(size) else common.number(abs(size)))
