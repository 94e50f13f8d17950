"""Representation: whether the groups of a table have the shares of the people it stands for, and whether they are large enough to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.tables._parts import groups_of
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.nouns import counted
from auditkit.scanning.tables.typed import text_of
from auditkit.statistics.fit import fit_to_shares, ratios_to_shares
from auditkit.targets.table import Table as Records
from auditkit.targets.table_parts import Margin, Reference

_NONE = (
    "no figures of a population are given: [reference] with path and count, or shares.FEATURE = {GROUP = SHARE, ...}, in the subject file; "
    "Table(..., reference=Reference(...)) in Python"
)
_MOST_SHOWN = 60
_ROUNDED = 0.015  # by which shares that were rounded may miss 1


@check(
    code="AK915",
    title="Groups beside the population",
    question="Do groups have the shares of the people the table stands for, and are they large enough to be compared?",
    dimension="data",
    metrics=[
        "smallest_representation_ratio",
        "representation_ratio",
        "representation_distance",
        "group_detectable_difference",
        "unmatched_record_share",
    ],
    about="table",
)
def table_representation(
    subject: Records,
    *,
    rng: np.random.Generator,
    depth: Annotated[
        int,
        Ge(1),
        Le(3),
        Doc("How many features are crossed at most; the reference must count them together."),
    ] = 2,
    matters: common.Matters = 0.1,
    level: common.Level = 0.95,
) -> Evidence:
    """Hold the share of each group against that in the population, and say which differences the groups are large enough to show.

    Parameters
    ----------
    subject : Table
        Records with a reference.
    rng : numpy.random.Generator
        Samples drawn, where groups are small.
    depth : int
        Features crossed at most.
    matters : float
        A difference of rates that matters.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each feature and crossing ``representation_distance`` with the test that the table is a draw of the population, and
        ``smallest_representation_ratio``; for each group ``representation_ratio``, its share over that of the population, with intervals that hold for all groups
        at once, and ``group_detectable_difference``: the smallest difference of a rate near a half from the rest that its records would show.
        ``unmatched_record_share``: records of which the reference says nothing.
    """
    if subject.reference is None:
        raise NotApplicable(_NONE)
    compared = [_compared(subject, margin, level, rng) for margin in _margins(subject.reference, depth)]
    known = [one for one in compared if one.n]
    if not known:
        words = ", ".join(one.name for one in compared)
        raise NotApplicable(
            f"no record has a group that the reference names by {words}: the values must be spelt as in the table"
        )
    measured = [m for one in known for m in one.measurements(level)]
    measured += [_unmatched(one, len(subject.frame)) for one in compared]
    sizes = _detectable(subject, known, matters, level)
    tables = {one.name: one.table(level) for one in known}
    if sizes:
        tables["sizes"] = _sizes(sizes, matters)
    return Evidence(
        "AK915",
        (*measured, *sizes),
        tables,
        says=_says(known, sizes, matters, level),
        does_not_say=(
            "Why a group is short, nor whether the reference is the right population: who the model will decide on is a judgement. A group with its share of the "
            "records can still be too small, or hold other people than the group outside."
        ),
        notes=_notes(subject, compared),
        rows={"used": len(subject.frame), "of": len(subject.frame), "split": "records", "how": "all"},
    )


@dataclass(frozen=True, eq=False)
class _Compared:
    """Groups of one margin, in the table and in the population."""

    name: str
    labels: tuple[str, ...]
    counts: np.ndarray
    shares: np.ndarray
    size: int | None
    unmatched: int
    fit: Any
    ratios: np.ndarray
    bounds: Any
    p_values: np.ndarray

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    @property
    def lowest(self) -> int:
        """The group that is shortest of its share, as a place."""
        return int(np.nanargmin(self.ratios))

    def smallest(self, level: float) -> Measurement:
        at = self.lowest
        ends = float(np.nanmin(self.bounds.low)), float(np.nanmin(self.bounds.high))
        ends = (min(ends[0], float(self.ratios[at])), max(ends[1], float(self.ratios[at])))
        return common.measured(
            "smallest_representation_ratio", float(self.ratios[at]), self.n, ends, level, _method(self.size), group=self.name,
            p_value=float(np.nanmin(self.p_values)), p_method=f"{'exact binomial' if self.size is None else 'Fisher, exact'}, Bonferroni over the groups",
            reason=f"{self.labels[at]}: {common.percent(self.counts[at] / self.n)} of the records, {common.percent(float(self.shares[at]))} of the population",
        )  # fmt: skip

    def each(self, level: float) -> list[Measurement]:
        return [
            common.measured(
                "representation_ratio", float(ratio), int(k), (low, high), level, _method(self.size), group=label,
                reason=f"{common.percent(float(k) / self.n)} of {self.n:,} records; {common.percent(float(share))} of the population",
            )
            for ratio, low, high, label, k, share in zip(self.ratios, *self.bounds, self.labels, self.counts, self.shares, strict=True)
            if np.isfinite(ratio)
        ]  # fmt: skip

    def measurements(self, level: float) -> list[Measurement]:
        fit = self.fit
        distance = common.measured(
            "representation_distance", fit.distance, self.n, (fit.low, fit.high), level, "Weissman et al. 2003", group=self.name,
            p_value=fit.p_value, p_method=fit.p_method, reason="share of records that would have to be of another group",
        )  # fmt: skip
        return [distance, self.smallest(level), *self.each(level)]

    def table(self, level: float) -> Table:
        shown = sorted(self.each(level), key=lambda m: m.value)[:_MOST_SHOWN]
        words = {
            "label": "Group",
            "value": "Share of the records over share of the population",
            "n": "records",
        }
        summary = f"{self.labels[self.lowest]} is shortest of its share: {common.number(float(self.ratios[self.lowest]))} times that of the population."
        return Table(
            f"{self.name} beside the population",
            common.estimates(shown),
            "estimates",
            words,
            summary,
            reference=1.0,
        )


def _method(size: int | None) -> str:
    return (
        "clopper-pearson, Bonferroni over the groups"
        if size is None
        else "mover of two clopper-pearson, Bonferroni over the groups"
    )


def _margins(reference: Reference, depth: int) -> list[Margin]:
    """Return every margin that the reference gives, by one feature and by several together."""
    found: dict[frozenset[str], Margin] = {}
    for own in reference.margins:
        for many in range(1, min(depth, len(own.features)) + 1):
            for features in combinations(own.features, many):
                found.setdefault(frozenset(features), _summed(own, features))
    return sorted(found.values(), key=lambda one: len(one.features))


def _summed(own: Margin, features: tuple[str, ...]) -> Margin:
    at = [own.features.index(name) for name in features]
    sums: dict[tuple[str, ...], float] = {}
    for group, weight in zip(own.groups, own.weights, strict=True):
        key = tuple(group[j] for j in at)
        sums[key] = sums.get(key, 0.0) + weight
    return Margin(features, tuple(sums), tuple(sums.values()), own.size)


def _compared(subject: Records, margin: Margin, level: float, rng: np.random.Generator) -> _Compared:
    import pandas as pd

    columns = [subject.column(name) for name in margin.features]
    place = {group: i for i, group in enumerate(margin.groups)}
    keys = pd.MultiIndex.from_arrays(
        [column.map(text_of, na_action="ignore") for column in columns]
    ).value_counts(dropna=True, sort=False)
    counts = np.zeros(len(place), dtype=np.int64)
    for key, n in keys.items():
        at = place.get(key if isinstance(key, tuple) else (key,))
        if at is not None:
            counts[at] += int(n)
    shares = np.asarray(margin.shares)
    name = " × ".join(margin.features)
    labels = tuple(
        ", ".join(f"{f}={v}" for f, v in zip(margin.features, group, strict=True)) for group in margin.groups
    )
    unmatched = len(subject.frame) - int(counts.sum())
    if not counts.sum():
        return _Compared(
            name, labels, counts, shares, margin.size, unmatched, None, np.array([]), None, np.array([])
        )
    fit = fit_to_shares(counts, shares, margin.size, level, rng=rng)
    return _Compared(
        name,
        labels,
        counts,
        shares,
        margin.size,
        unmatched,
        fit,
        *ratios_to_shares(counts, shares, margin.size, level),
    )


def _unmatched(one: _Compared, n: int) -> Measurement:
    reason = "records without a value, or with one that the reference does not name; they are not compared"
    return Measurement("unmatched_record_share", one.unmatched / n, n, group=one.name, reason=reason)


def _detectable(subject: Records, known: list[_Compared], matters: float, level: float) -> list[Measurement]:
    """Return the smallest difference of a rate that each group's records would show against all others."""
    sizes = {label: int(k) for one in known for label, k in zip(one.labels, one.counts, strict=True)}
    for groups in groups_of(subject, subject.frame):
        if not groups.too_many:
            sizes |= dict(zip(groups.labels, groups.sizes.tolist(), strict=True))
    n = len(subject.frame)
    found = []
    for label, k in sizes.items():
        gap = float(statistics.detectable_difference(n - k, k, 0.5, level)) if 0 < k < n else float("nan")
        reason = (
            "no record is in the group"
            if not k
            else "all records are in the group"
            if k == n
            else "from a rate near a half, four times in five"
        )
        if k and not np.isfinite(gap):
            reason = f"{counted(k, 'record')} show no difference of any size four times in five"
        needed = _needed(k, n, matters, level) if 0 < k < n and not gap <= matters else None
        found.append(
            Measurement("group_detectable_difference", gap, k, group=label, reason=reason, n_needed=needed)
        )
    return found


def _needed(k: int, n: int, matters: float, level: float) -> int:
    """Return the records in all, mixed as these, of which the group would show the difference that matters."""
    low, high = 1.0, 2.0
    while (
        statistics.power_for_difference(0.5, 0.5 + matters, high * (n - k), high * k, level) < 0.8
        and high < 1e9
    ):
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        enough = (
            statistics.power_for_difference(0.5, 0.5 + matters, middle * (n - k), middle * k, level) >= 0.8
        )
        low, high = (low, middle) if enough else (middle, high)
    return int(np.ceil(high * n))


def _sizes(sizes: list[Measurement], matters: float) -> Table:
    columns = {
        "group": tuple(m.group for m in sizes),
        "records": tuple(m.n for m in sizes),
        "gap": tuple(m.value for m in sizes),
        "needed": tuple(m.n_needed or 0 for m in sizes),
    }
    few = sum(not m.value <= matters for m in sizes)
    labels = {
        "group": "Group", "records": "Records", "gap": "Smallest difference they show",
        "needed": f"Records in all, mixed as these, to show {matters:g} (0: these suffice)",
    }  # fmt: skip
    summary = f"{few} of {counted(len(sizes), 'group')} {'is' if few == 1 else 'are'} too small to show a difference of {matters:g}."
    return Table("What groups are large enough to show", columns, "plain", labels, summary)


def _says(known: list[_Compared], sizes: list[Measurement], matters: float, level: float) -> str:
    short = [one.smallest(level) for one in known]
    sure = [m for m in short if m.interval is not None and m.interval.high < 1]
    few = [m for m in sizes if not m.value <= matters]
    if sure:
        worst = min(sure, key=lambda m: m.value)
        said = f"By {worst.group} a group is short of its share: {worst.reason}, a ratio of {common.with_ends(worst)}"
    else:
        said = f"By {', '.join(one.name for one in known)} no group is surely short of its share of the population"
    if few:
        names = ", ".join(str(m.group) for m in sorted(few, key=lambda m: m.n)[:3])
        return f"{said}; {counted(len(few), 'group')} {'is' if len(few) == 1 else 'are'} too small to show a difference of {matters:g}, the smallest {names}."
    return f"{said}; every group is large enough to show a difference of {matters:g}."


def _notes(subject: Records, compared: list[_Compared]) -> tuple[str, ...]:
    reference = subject.reference
    source = reference.source if reference is not None else ""
    notes = [
        f"The population: {source}."
        if source
        else "Nobody said where the figures of the population are from."
    ]
    for margin in () if reference is None else reference.margins:
        total = sum(margin.weights)
        if max(margin.weights) <= 1 and abs(total - 1) > _ROUNDED:
            notes.append(
                f"The shares by {' × '.join(margin.features)} sum to {total:.3g}: they are taken as parts of that, and records of no group that is named are not compared."
            )
    left = [one for one in compared if one.unmatched]
    if left:
        told = ", ".join(f"{one.name} ({one.unmatched:,})" for one in left)
        notes.append(f"Records without a group that the reference names are not compared: {told}.")
    sampled = {one.size for one in compared if one.size is not None}
    if sampled:
        notes.append(
            f"The figures of the population rest on {', '.join(f'{one:,}' for one in sorted(sampled))} records, as a simple random draw."
        )
    return tuple(notes)
