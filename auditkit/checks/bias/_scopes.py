"""Scopes: the groups that are compared with each other, in all records or within a stratum, and what the strata come to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit.checks import _common as common
from auditkit.checks.bias import _asked as asked
from auditkit.checks.bias import _near as near
from auditkit.evidence import Measurement, Table
from auditkit.methods.groups import codes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditkit.dataset import Dataset

_GAPS = ("_difference", "_ratio")
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """Groups compared with each other: those of a feature, within a stratum where there are strata.

    Attributes
    ----------
    grouping : Grouping
        Groups that have records here; its codes are not used.
    places : ndarray of int
        Where these groups stand in the counts of all strata.
    """

    grouping: common.Grouping
    places: np.ndarray

    def named(self, suffix: str) -> common.Grouping:
        """Return the grouping with a word after every name, such as the class."""
        return named(self.grouping, suffix)


def named(grouping: common.Grouping, suffix: str) -> common.Grouping:
    """Return a grouping with a word after every name; itself where the word is empty."""
    if not suffix:
        return grouping
    labels = [f"{label} | {suffix}" for label in grouping.labels]
    return replace(grouping, name=f"{grouping.name} | {suffix}", labels=labels)


@dataclass(frozen=True, slots=True)
class Strata:
    """The stratum of each record, formed by all control features together.

    Attributes
    ----------
    name : str
        "department", or "department × year"; empty where there are none.
    codes : ndarray of int, shape (n,)
        Stratum of each record.
    labels : list of str
        "department=A", one a stratum; one without a name where there are no control features.
    notes : tuple of str
        What was done to the control features.
    """

    name: str
    codes: np.ndarray
    labels: list[str]
    notes: tuple[str, ...] = ()


def strata_of(data: Dataset) -> Strata:
    """Return the strata; a control feature that is a number of many values is in bands, as a sensitive one is."""
    if data.control_features is None:
        return Strata("", np.zeros(len(data), dtype=np.int64), [""])
    columns, said = common.in_bands(data.control_names, data.control_features)
    codes, labels = codes_of(columns)
    words = [", ".join(f"{n}={v}" for n, v in zip(data.control_names, one, strict=True)) for one in labels]
    return Strata(" × ".join(data.control_names), codes, words, tuple(said.values()))


def within(strata: Strata) -> tuple[str, ...]:
    """Return what is said of a comparison within strata; empty where there are no control features."""
    k = len(strata.labels)
    if k < 2:
        return (f"The control features form one stratum: {strata.labels[0]}.",) if strata.name else ()
    said = f"Groups are compared within {k} strata of the control features; each interval is at the error divided by {k}, so that all hold together."
    return (*strata.notes, said)


def unused(data: Dataset) -> tuple[str, ...]:
    """Return that control features did not enter; empty where there are none."""
    if data.control_features is None:
        return ()
    return (
        f"Control features ({', '.join(data.control_names)}) are not used here: all records are compared together.",
    )


def scopes_of(grouping: common.Grouping, strata: Strata) -> tuple[common.Grouping, list[Scope]]:
    """Return the grouping by group and stratum, to be counted in one pass, and what is compared with what."""
    k, names = len(grouping.labels), strata.labels
    codes = strata.codes * k + grouping.codes
    every = replace(grouping, codes=codes, labels=grouping.labels * len(names))
    here = np.bincount(codes, minlength=k * len(names)).reshape(len(names), k)
    scopes = []
    for s, stratum in enumerate(names):
        found = np.flatnonzero(here[s])
        labels = [grouping.labels[g] for g in found]
        one = replace(grouping, labels=labels)
        scopes.append(Scope(Scope(one, found).named(stratum), s * k + found))
    return every, scopes


def worst_of(kind: str, *, means: bool) -> float:
    """Return what a gap that could not be measured may be: a difference of means has no bound."""
    if kind == "ratio":
        return 0.0
    return math.inf if means else 1.0


def is_gap(m: Measurement) -> bool:
    """Return whether a measurement is of a feature, and not of one group."""
    return m.metric.endswith(_GAPS)


def over_strata(found: list[Measurement], feature: str, level: float, worst: float) -> list[Measurement]:
    """Return the worst and the mean over strata of one metric.

    Parameters
    ----------
    found : list of Measurement
        Of each stratum, with intervals at the error divided by the number of strata, so that all hold together.
    feature : str
        What the two are called after: "sex".
    level : float
        Confidence level of all strata.
    worst : float
        What the metric may be in a stratum where it is undefined; see `worst_of`. The intervals reach so far.
    """
    metric = found[0].metric
    is_ratio = metric.endswith("_ratio")
    pick, none = (min, 1.0) if is_ratio else (max, 0.0)  # no difference at all
    known = [m for m in found if m.interval is not None]
    n = sum(m.n for m in found)
    names = [f"{feature} | worst of strata", f"{feature} | mean of strata"]
    if not known:
        return [Measurement(metric, math.nan, n, group=g, reason="undefined in every stratum") for g in names]
    open_ones = len(found) - len(known)
    lows = [m.interval.low for m in known if m.interval] + [min(worst, none)] * open_ones
    highs = [m.interval.high for m in known if m.interval] + [max(worst, none)] * open_ones
    said = f"; undefined in {open_ones} of {len(found)} strata, where it may be anything" if open_ones else ""
    top = pick(known, key=lambda m: m.value)
    p_values = [m.p_value for m in known if m.p_value is not None]
    p = min(1.0, len(p_values) * min(p_values)) if p_values else None
    label = f"{top.interval.method if top.interval else ''}, Bonferroni over {len(found)} strata"
    mean = float(np.mean([m.value for m in known]))
    over = f"mean over {len(known)} strat{'a' if len(known) > 1 else 'um'}{said}"
    if open_ones:
        over += f"; {near.verb(metric)} no difference there"
    missing = "; ".join(filter(None, (said.removeprefix("; ").partition(",")[0], *_missing(known)))) or None
    to_all = (top.hypothesis or "").endswith(" and all records")
    asks = asked.alike(metric, f"{feature} within strata", to_all=to_all)
    return [
        common.measured(
            metric, top.value, n, (pick(lows), pick(highs)), level, label, group=names[0], p_value=p,
            reason=_where(top, known) + said, hypothesis=None if p is None else asks, missing=missing,
        ),
        common.measured(
            metric, mean, n, (np.mean(lows), np.mean(highs)), level, label, group=names[1], reason=over, missing=missing,
        ),
    ]  # fmt: skip


def _missing(known: list[Measurement]) -> list[str]:
    """Return what is missing in the strata that were measured, each once."""
    return list(dict.fromkeys(f"{m.group}: {m.missing}" for m in known if m.missing))[:_NAMED]


def _where(top: Measurement, known: list[Measurement]) -> str:
    """Return where the worst of strata was observed, and where its interval begins (of a ratio, ends) if elsewhere."""
    ratio = top.metric.endswith("_ratio")
    ends = {id(m): (m.interval.high if ratio else -m.interval.low) for m in known if m.interval}
    nearest = min(known, key=lambda m: ends[id(m)])
    if ends[id(nearest)] in (0.0, 1.0):  # it reaches "no gap"
        return f"{top.group}: {near.without(top)}"
    if ends[id(nearest)] == ends[id(top)]:
        return f"{top.group}: {top.reason}"
    at = (
        near.of(nearest).removeprefix(f"{near.verb(top.metric)} ")
        or (nearest.reason or "").partition("; ")[0]
    )
    first, *rest = near.without(top).split("; ")
    return "; ".join([f"{top.group}: {first}", f"{near.verb(top.metric)} {nearest.group}: {at}", *rest])


def summed_up(
    apart: list[tuple[str, Measurement]], feature: str, level: float, *, means: bool
) -> list[Measurement]:
    """Return the worst and the mean over strata of every gap of a feature.

    Parameters
    ----------
    apart : list of (str, Measurement)
        Each with the class it is about, empty where it is about none.
    feature, level
        See `over_strata`.
    means : bool
        Whether the gaps are of means, which have no bound.
    """
    by: dict[tuple[str, str], list[Measurement]] = {}
    for word, m in apart:
        by.setdefault((m.metric, word), []).append(m)
    return [
        one
        for (metric, word), found in by.items()
        for one in over_strata(
            found,
            f"{feature} | {word}" if word else feature,
            level,
            worst_of(metric.rsplit("_", 1)[-1], means=means),
        )
    ]


def by_stratum(
    grouping: common.Grouping,
    strata: Strata,
    level: float,
    measure: Callable[[common.Grouping], Callable[[Scope, float], list[Measurement]]],
    *,
    means: bool = False,
) -> tuple[list[Measurement], list[Measurement], dict[str, Table]]:
    """Compare the groups within each stratum; nothing is returned where there is one stratum.

    Parameters
    ----------
    grouping : Grouping
        Groups of all records.
    strata : Strata
        See `strata_of`.
    level : float
        Confidence level of all strata together.
    measure : callable
        Counts the groups of all strata in one pass, and returns what measures those of one of them at a level.
    means : bool
        Whether gaps are of means, which have no bound.

    Returns
    -------
    within : list of Measurement
        Of each stratum.
    over : list of Measurement
        The worst and the mean over strata of each gap.
    tables : dict of str to Table
        The differences of each stratum.
    """
    if len(strata.labels) < 2:
        return [], [], {}
    every, parts = scopes_of(grouping, strata)
    inner = 1 - (1 - level) / len(parts)
    of = measure(every)
    here = [m for scope in parts for m in of(scope, inner)]
    over = summed_up([("", m) for m in here if is_gap(m)], grouping.name, level, means=means)
    name = f"{grouping.name} within {strata.name}"
    return here, over, {name: _forest([*here, *over], grouping.name, strata)}


def worst_ones(over: list[Measurement]) -> list[Measurement]:
    """Return the worst over strata of each gap, without the means that `summed_up` puts beside them."""
    return over[::2]


def _forest(found: list[Measurement], feature: str, strata: Strata) -> Table:
    """Return the differences of each stratum, their worst and their mean, around no difference."""
    shown = [m for m in found if m.metric.endswith("_difference")]
    columns = common.estimates(shown, prefix=f"{feature} | ")
    if len({m.metric for m in shown}) > 1:
        columns["series"] = tuple(m.metric.removesuffix("_difference").replace("_", " ") for m in shown)
    clear = sum(m.interval is not None and m.interval.low > 0 for m in shown)
    summary = f"Differences over {feature} within {len(strata.labels)} strata of {strata.name}: {clear} of {len(shown)} intervals leave out 0."
    labels = {"value": "Difference", "n": "records", "reference": "none"}
    title = f"Differences over {feature} within strata of {strata.name}"
    return Table(title, columns, "estimates", labels, summary, reference=0.0)
