"""Shown: gaps between groups as tables and as sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from auditkit.checks import _common as common
from auditkit.checks.bias import _near as near
from auditkit.checks.bias._gaps import LABEL
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    from auditkit.checks.bias._gaps import Counts
    from auditkit.statistics import Gap


def rate_table(
    metric: str, grouping: common.Grouping, groups: list[Measurement], counts: Counts, gap: Gap
) -> Table:
    """Return the rates of the groups as a table."""
    word, known = LABEL[metric], [m for m in groups if not math.isnan(m.value)]
    summary = f"{word}: no group has records that count."
    if known:
        least, most = min(known, key=lambda m: m.value), max(known, key=lambda m: m.value)
        summary = (
            f"{word} runs from {common.percent(least.value)} ({least.group}) to {common.percent(most.value)} "
            f"({most.group})"
            + (f" over {len(known)} of {len(groups)} groups" if len(known) < len(groups) else "")
        )
        if not math.isnan(gap.low):
            ends = f"{100 * gap.low:.1f} and {100 * gap.high:.1f} percentage points"
            summary += f"; the data are compatible with a largest gap of between {ends}"
        summary += "."
    return estimates_table(word, grouping, groups, summary, _or_none(counts.overall))


def estimates_table(
    word: str, grouping: common.Grouping, groups: list[Measurement], summary: str, overall: float | None
) -> Table:
    """Return one row a group, with the value of all records to compare with."""
    labels: dict[str, Any] = {"value": word, "n": "records", "reference": "all records"}
    title = f"{word} by {grouping.name}"
    return Table(title, common.estimates(groups), "estimates", labels, summary, reference=overall)


def side_by_side(tables: dict[str, Table], grouping: common.Grouping) -> Table:
    """Return the tables of several rates as one, a series each, so that a reader sees them together.

    The rates rest on different records: each group is named with those of every rate, in the order of the series.
    """
    if len(tables) == 1:
        return next(iter(tables.values()))
    every = list(tables.values())
    columns = {name: sum((one.columns[name] for one in every), ()) for name in every[0].columns}
    counts = zip(*(one.columns["n"] for one in every), strict=True)
    named = tuple(
        f"{label} (n = {', '.join(f'{n:,}' for n in sizes)})"
        for label, sizes in zip(every[0].columns["label"], counts, strict=True)
    )
    columns["label"] = named * len(every)
    columns["series"] = sum(((LABEL[metric],) * len(one.columns["n"]) for metric, one in tables.items()), ())
    order = ", ".join(LABEL[metric].lower() for metric in tables)
    summary = " ".join([*(one.summary for one in every), f"Records of each group in the order {order}."])
    return Table(
        f"Rates by {grouping.name}", columns, "estimates", {"value": "Rate", "n": "records"}, summary
    )


def clearest(found: list[Measurement], metric: str, what: str) -> str:
    """Return the finding in one sentence: the gap whose interval begins highest, and how many could not be compared.

    The gap with the highest value is most often that of the smallest groups, by chance.
    """
    every = [m for m in found if m.metric == metric]
    gaps = [m for m in every if m.interval is not None]
    if not gaps:
        return f"The {what} of the groups could not be compared."
    top = max(gaps, key=lambda m: (m.interval.low, m.value) if m.interval else (0.0, 0.0))
    ends = f" [{top.interval.low:.3f}, {top.interval.high:.3f}]" if top.interval else ""
    open_ones = len(every) - len(gaps)
    some = f"{open_ones} of {len(every)} comparisons" if len(every) > 1 else "One comparison"
    more = f" {some} could not be made." if open_ones else ""
    if top.interval is None or top.interval.low <= 0:
        none = "The one difference has no" if len(gaps) == 1 else f"Of {len(gaps)} differences none has an"
        return f"{what[0].upper()}{what[1:]}: {none[0].lower()}{none[1:]} interval that leaves out 0.{more}"
    return f"The clearest difference in {what}: largest observed {top.value:.3f}{ends}, {first_words(top)}.{more}"


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def first_words(m: Measurement) -> str:
    """Return the two groups a gap lies between, and those its interval begins at (of a ratio, ends at) where these are others."""
    return "; ".join(filter(None, ((m.reason or "").partition(";")[0], near.groups(m))))
