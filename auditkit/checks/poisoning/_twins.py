"""Twins: rows of one part that another part holds already, beside what chance brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.evidence import Measurement, Table
from auditkit.methods.poisoning import twins
from auditkit.methods.poisoning.excess import excess

if TYPE_CHECKING:
    from auditkit.checks.poisoning import _rows as rows_of

__all__ = ["FEWEST", "Near", "beyond", "fewer", "independent", "near", "repeated", "share", "table"]

FEWEST = 10  # rows with and without a twin, below which they are not compared


def repeated(keys: np.ndarray) -> np.ndarray:
    """Return which rows have the same key as another."""
    _, places, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(counts[places] > 1)


def share(metric: str, k: int, n: int, level: float, reason: str | None = None) -> Measurement:
    ends = statistics.clopper_pearson(k, n, level)
    return common.measured(metric, k / n, n, ends, level, "clopper-pearson", reason=reason)


def fewer(beyond: Measurement) -> str:
    """Say what it means where test rows have a twin less often than training rows set aside, beyond chance."""
    if beyond.interval is None or beyond.interval.high >= 0:
        return ""
    return " Fewer than by chance is no leakage: rows repeat within the training rows, or the two were drawn otherwise."


def independent(coded: rows_of.Coded) -> Measurement:
    """Return the share of test rows with a twin that is expected if columns had nothing to do with each other."""
    value = float(twins.independent_twins(coded.test, coded.train).mean())
    reason = "expected if the columns were independent; a figure to compare with, so that it has no interval"
    return Measurement("independent_duplicate_share", value, len(coded.test), reason=reason)


def beyond(
    own: np.ndarray, asked: np.ndarray, aside: np.ndarray, reference: np.ndarray, level: float
) -> Measurement:
    """Return how much more often test rows have a twin in the reference rows than training rows set aside have."""
    known = own[reference]
    hits, chance = np.isin(asked, known), np.isin(own[aside], known)
    found = excess(int(hits.sum()), len(hits), int(chance.sum()), len(chance), level)
    return common.measured(
        "duplicate_share_excess", found.value, len(hits) + len(chance), (found.low, found.high), level, "newcombe",
        p_value=found.p_value, p_method="Fisher's exact test, one-sided",
        reason=f"both against the same {len(reference):,} training rows; {len(aside):,} others were set aside",
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Near:
    """Near twins: of which test rows, of which that were searched, among how many without an equal one, and within which distance."""

    mask: np.ndarray
    searched: np.ndarray
    n: int
    found: twins.Near | None
    reference: int
    aside: int

    def measurement(self, level: float) -> Measurement:
        if self.found is None:
            reason = "too few rows without an equal one to say what is near"
            return Measurement("near_duplicate_share", float("nan"), self.n, reason=reason)
        k = int(self.mask.sum())
        ends = statistics.clopper_pearson(k, self.n, level)
        return common.measured(
            "near_duplicate_share", k / self.n, self.n, ends, level, "clopper-pearson",
            p_value=self.found.p_value, p_method="order statistics, exact, one-sided",
            reason=f"of rows without an equal one; an independent draw gives {common.percent(self.found.expected)}",
        )  # fmt: skip

    def notes(self) -> tuple[str, ...]:
        if self.found is None:
            return ()
        said = (
            f"Near is within {self.found.radius:.3g} spreads of one of {self.reference:,} training rows: so near lie "
            f"{common.percent(self.found.expected)} of {self.aside:,} other training rows."
        )
        return (said,)


def near(
    coded: rows_of.Coded, keys: np.ndarray, aside: np.ndarray, reference: np.ndarray, rows: int, pool: int,
    rng: np.random.Generator,
) -> Near:  # fmt: skip
    """Return near twins of test rows among reference rows; rows with an equal one are no near twins."""
    n_train = len(coded.train)
    reference = reference[:pool]  # in random order already
    known = keys[reference]
    chosen = common.draw(len(coded.test), rows, rng)
    searched = np.zeros(len(coded.test), dtype=bool)
    searched[chosen] = True
    chosen = chosen[~np.isin(keys[n_train:][chosen], known)]
    other = aside[:rows]
    other = other[~np.isin(keys[other], known)]
    mask = np.zeros(len(coded.test), dtype=bool)
    if min(len(chosen), len(other)) < FEWEST:
        return Near(mask, searched, len(chosen), None, len(reference), len(other))
    own, asked = coded.units()
    found = twins.near_twins(
        twins.nearest_between(asked[chosen], own[reference])[0],
        twins.nearest_between(own[other], own[reference])[0],
    )
    mask[chosen[found.near]] = True
    return Near(mask, searched, len(chosen), found, len(reference), len(other))


def table(found: list[Measurement], chance: int, aside: int, level: float) -> Table:
    labels = {
        "duplicate_share": "test rows equal to a training row",
        "near_duplicate_share": "test rows near a training row",
        "training_duplicate_share": "training rows equal to another",
    }
    shown = [common.in_group(m, labels[m.metric]) for m in found if m.metric in labels and m.interval]
    shown.append(
        common.in_group(
            share("duplicate_share", chance, aside, level),
            "training rows set aside, equal to one of the rest",
        )
    )
    summary = f"Shares of rows with a twin; training rows that were set aside show what chance brings ({common.percent(chance / aside)})."
    words = {"label": "Rows", "value": "Share", "n": "rows"}
    return Table("Rows that are found again", common.estimates(shown), "estimates", words, summary)
