"""Published: categories with their rates and ratios, and the list of what a published summary must hold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.bias import _impact as impact
from auditkit.errors import InputError
from auditkit.evidence import Measurement, Table
from auditkit.methods.groups import codes_of
from auditkit.methods.impact_ratios import CategoryRatios, category_ratios
from auditkit.statistics.adverse_impact import ratio_to_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from auditkit.dataset import Dataset

_RULE = "6 RCNY 5-301"


@dataclass(frozen=True, slots=True)
class Division:
    """The records divided into categories by one feature or two.

    Attributes
    ----------
    name : str
        "sex", or "sex × race".
    labels : list of str
        Known categories.
    hits, sizes : ndarray of int, shape (categories,)
        Selected (or above the median) and assessed.
    ratios : CategoryRatios
        See there.
    unknown, records : int
        Records of unknown category, and all.
    exclude_below : float
        Share of the records below which a category has no ratio.
    absent : tuple of str
        Intersections without a record.
    unknown_values : tuple of str
        Values that were taken to mean an unknown category.
    of_both : bool
        Whether the categories are of two features.
    """

    name: str
    labels: list[str]
    hits: np.ndarray
    sizes: np.ndarray
    ratios: CategoryRatios
    unknown: int
    records: int
    exclude_below: float
    absent: tuple[str, ...]
    unknown_values: tuple[str, ...]
    of_both: bool

    def compared(self) -> np.ndarray:
        """Return the ratio of each category to the reference; ``nan`` for the reference, which is compared with nobody."""
        ratio = self.ratios.ratio.copy()
        if self.ratios.reference >= 0:
            ratio[self.ratios.reference] = math.nan
        return ratio

    def why_excluded(self, place: int) -> str:
        """Return why a category has no ratio; empty where it has one."""
        if not self.ratios.excluded[place]:
            return ""
        return (
            f"under {self.exclude_below:.0%} of the records: left out of the impact ratios, as {_RULE} allows"
        )


def divide(
    data: Dataset,
    names: Sequence[str | None],
    selected: np.ndarray,
    is_unknown: Callable[[str], bool],
    exclude_below: float,
) -> Division:
    """Count the categories of one feature, or of the intersection of two.

    Raises
    ------
    InputError
        With more than 100 categories.
    """
    frame = data.sensitive_features
    columns = dict(zip(data.sensitive_names, (frame[c] for c in frame.columns), strict=True))
    codes, values = codes_of({str(name): columns[str(name)] for name in names})
    if len(values) > common.MOST_GROUPS:
        raise InputError(
            f"{' × '.join(map(str, names))} has {len(values):,} categories: name a feature with fewer"
        )
    cells = np.bincount(2 * codes + selected, minlength=2 * len(values)).reshape(-1, 2)
    known = [g for g, one in enumerate(values) if not any(map(is_unknown, one))]
    out = [part for one in values for part in one if is_unknown(part)]
    labels = [", ".join(values[g]) for g in known]
    own = [dict.fromkeys(values[g][j] for g in known) for j in range(len(names))]
    absent = tuple(", ".join(one) for one in product(*own) if ", ".join(one) not in set(labels))
    hits, sizes = cells[known, 1], cells[known].sum(axis=1)
    return Division(
        " × ".join(map(str, names)),
        labels,
        hits,
        sizes,
        category_ratios(hits, sizes, len(data), exclude_below),
        len(data) - int(sizes.sum()),
        len(data),
        exclude_below,
        absent if len(names) > 1 else (),
        tuple(dict.fromkeys(part.strip() or "(empty)" for part in out)),
        len(names) > 1,
    )


def _bounds(division: Division, level: float) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the ends of each ratio's interval, 1 for the reference, ``nan`` where there is none."""
    low, high = np.full(len(division.labels), np.nan), np.full(len(division.labels), np.nan)
    kept = np.flatnonzero(~division.ratios.excluded)
    if len(kept) < 2:
        return low, high, ""
    reference = int(np.flatnonzero(kept == division.ratios.reference)[0])
    _, ends = ratio_to_reference(division.hits[kept], division.sizes[kept], reference, level)
    low[kept], high[kept] = ends
    low[division.ratios.reference] = high[division.ratios.reference] = 1.0  # its own ratio, by definition
    return low, high, impact.interval_method(len(kept))


def measured(division: Division, level: float, *, scored: bool) -> list[Measurement]:
    """Return rate and ratio of each category, and the share of unknowns."""
    ratios, metric = division.ratios, f"ll144_{'scoring' if scored else 'selection'}_rate"
    least, most = statistics.wilson(division.hits, division.sizes, level)
    low, high, method = _bounds(division, level)
    found = []
    for g, label in enumerate(division.labels):
        group, n = f"{division.name}={label}", int(division.sizes[g])
        found.append(
            common.measured(metric, ratios.rate[g], n, (least[g], most[g]), level, "wilson", group=group)
        )
        if g == ratios.reference:
            continue
        if math.isnan(ratios.ratio[g]):
            why = division.why_excluded(g) or "the highest rate is 0: the ratio is 0 / 0"
            found.append(Measurement("ll144_impact_ratio", math.nan, n, group=group, reason=why))
            continue
        found.append(
            common.measured(
                "ll144_impact_ratio",
                ratios.ratio[g],
                n,
                (low[g], high[g]),
                level,
                method,
                group=group,
                reason=f"against {division.labels[ratios.reference]}",
            )
        )
    if not any(m.metric == "ll144_impact_ratio" for m in found):
        why = "an impact ratio needs two known categories"
        found.append(
            Measurement("ll144_impact_ratio", math.nan, division.records, group=division.name, reason=why)
        )
    share = division.unknown / division.records
    reason = f"{division.unknown:,} of {division.records:,} records are of unknown category and in no rate or ratio"
    found.append(
        Measurement("ll144_unknown_share", share, division.records, group=division.name, reason=reason)
    )
    return found


def table(division: Division, level: float, *, scored: bool) -> Table:
    """Return one row a category, excluded and unknown ones too."""
    ratios = division.ratios
    low, high, _ = _bounds(division, level)
    word = "Scoring rate" if scored else "Selection rate"
    nan = math.nan
    mark = "highest scoring" if scored else "most selected"
    labels = [f"{one} ({mark})" if g == ratios.reference else one for g, one in enumerate(division.labels)]
    columns = {
        "label": (*labels, "unknown"),
        "value": (*ratios.ratio, nan),
        "low": (*low, nan),
        "high": (*high, nan),
        "n": (*division.sizes, division.unknown),
        "selected": (*division.hits, None),
        "rate": (*ratios.rate, nan),
        "share": (*(division.sizes / division.records), division.unknown / division.records),
        "remark": (*map(division.why_excluded, range(len(labels))), "in no rate or ratio"),
    }
    words = {
        "value": "Impact ratio",
        "n": "assessed",
        "selected": "above the median" if scored else "selected",
        "rate": word.lower(),
        "share": "share of the records",
        "remark": "remark",
        "reference": "four-fifths rule",
    }
    title = f"{word} and impact ratio by {division.name}"
    return Table(title, columns, "estimates", words, _sentence(division, level), reference=impact.FOUR_FIFTHS)


def _sentence(division: Division, level: float) -> str:
    """Return the lowest ratio with its interval, the excluded and the unknown, in a sentence."""
    ratios, out = division.ratios, int(division.ratios.excluded.sum())
    rest = f"{out} {'category is' if out == 1 else 'categories are'} too small for a ratio, {division.unknown:,} record{' is' if division.unknown == 1 else 's are'} of unknown category."
    compared = division.compared()
    if np.isnan(compared).all():
        return f"By {division.name} no impact ratio is defined; {rest}"
    least = int(np.nanargmin(compared))
    low, high, _ = _bounds(division, level)
    two = [least, ratios.reference]
    sizes = " and ".join(f"{division.sizes[g]:,}" for g in two)
    return (
        f"By {division.name} the lowest impact ratio is {ratios.ratio[least]:.3f} [{low[least]:.3f}, {high[least]:.3f}], "
        f"{division.labels[least]} against {division.labels[ratios.reference]} ({sizes} records); {rest}"
    )


def summary(
    divisions: Sequence[Division],
    names: Mapping[str, str | None],
    given: Mapping[str, str | None],
    *,
    scored: bool,
) -> Table:
    """Return what a published summary must hold, and whether it is known."""
    both = names["sex"] is not None and names["race"] is not None
    word = "scoring" if scored else "selection"
    told = "; ".join(f"{d.name}: {d.unknown:,}" for d in divisions) if both else ""
    ratios = [d for d in divisions if not np.isnan(d.compared()).all()]
    excluded = [
        f"{d.name}: {one}"
        for d in divisions
        for one, out in zip(d.labels, d.ratios.excluded, strict=True)
        if out
    ]
    shown = "in the tables" if both else ""
    items = [
        ("Date of the most recent bias audit", "6 RCNY 5-303", given["audit_date"]),
        ("Source and explanation of the data", "6 RCNY 5-303", given["data_source"]),
        ("Number of individuals of unknown category", "6 RCNY 5-303", told),
        ("Number of applicants or candidates in each category", "6 RCNY 5-303", shown),
        (f"{word.capitalize()} rates by sex", _RULE, "in the table" if names["sex"] else ""),
        (f"{word.capitalize()} rates by race or ethnicity", _RULE, "in the table" if names["race"] else ""),
        (f"{word.capitalize()} rates by sex and race or ethnicity together", _RULE, shown),
        ("Impact ratios for all categories", "6 RCNY 5-303", shown if len(ratios) == 3 else ""),
        ("Distribution date of the tool", "6 RCNY 5-303", given["distribution_date"]),
    ]
    if excluded:
        items.append(("Justification for excluded categories", _RULE, given["exclusion_reason"]))
    columns = {
        "item": tuple(item for item, _, _ in items),
        "rule": tuple(rule for _, rule, _ in items),
        "status": tuple("present" if value else "missing" for _, _, value in items),
        "value": tuple(value or "" for _, _, value in items),
    }
    lacking = [item for item, _, value in items if not value]
    text = f"{len(items) - len(lacking)} of {len(items)} items of a published summary are present."
    text += f" Missing: {'; '.join(lacking)}." if lacking else ""
    text += f" Excluded: {'; '.join(excluded)}." if excluded else ""
    return Table("What a published summary must hold", columns, "plain", {"value": "given"}, text)


def says(divisions: Sequence[Division], published: Table, level: float) -> str:
    """Return the lowest impact ratio over all divisions, and how complete the summary would be."""
    status = published.columns["status"]
    complete = f"{status.count('present')} of {len(status)} items of a published summary are present."
    known = [d for d in divisions if not np.isnan(d.compared()).all()]
    if not known:
        return f"No impact ratio by sex or race could be computed. {complete}"
    lowest = min(known, key=lambda d: float(np.nanmin(d.compared())))
    return f"{_sentence(lowest, level)} {complete}"
