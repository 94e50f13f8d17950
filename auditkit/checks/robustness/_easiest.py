"""Easiest: which classes and groups an attack flips most often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks._kinds import FEWEST, kinds
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    from auditkit.subject import Subject

__all__ = ["METRICS", "by_group"]

METRICS = ["group_attack_success_rate", "attack_success_difference"]


def by_group(
    subject: Subject, rows: np.ndarray, flipped: np.ndarray, level: float, rng: np.random.Generator
) -> tuple[list[Measurement], Table | None]:
    """Return how often the decisions about records of each class and group were flipped, and how far groups lie apart.

    Parameters
    ----------
    subject : Subject
        Whose records they are.
    rows : ndarray of int, shape (n,)
        Test rows that were attacked.
    flipped : ndarray of bool, shape (n,)
        Whether a flip was found within the radius.
    level : float
        Confidence level.
    rng : numpy.random.Generator
        For the test of small tables.

    Returns
    -------
    tuple
        Rates (Clopper-Pearson) and, for the class and each sensitive feature, their largest difference with an interval that
        holds for a pair that was picked; and the rates as a table, None where nothing was measured.
    """
    found: list[Measurement] = []
    for name, labels, codes in kinds((subject.test, rows)):
        n, hits = np.bincount(codes), np.bincount(codes, weights=flipped).astype(int)
        found += [
            _rate(label, k, m, level) for label, k, m in zip(labels, hits.tolist(), n.tolist(), strict=True)
        ]
        found.append(_gap(name, hits[n >= FEWEST], n[n >= FEWEST], len(rows), level, rng))
    rates = [m for m in found if m.metric == METRICS[0] and not np.isnan(m.value)]
    if not rates:
        return found, None
    words = {"label": "Records of", "value": "Share flipped", "n": "records", "reference": "all records"}
    summary = "Share of the decisions flipped within the radius, by true class and by group; the line is all records attacked."
    return found, Table(
        "For whom a flip is easiest",
        common.estimates(rates),
        "estimates",
        words,
        summary,
        reference=float(flipped.mean()),
    )


def _rate(label: str, k: int, n: int, level: float) -> Measurement:
    if n < FEWEST:
        reason = f"{n} records were attacked: at least {FEWEST} are needed"
        return Measurement(METRICS[0], float("nan"), n, group=label, bound="lower", reason=reason)
    ends = statistics.clopper_pearson(k, n, level)
    return common.measured(METRICS[0], k / n, n, ends, level, "clopper-pearson", group=label, bound="lower")


def _gap(
    name: str, hits: np.ndarray, sizes: np.ndarray, n: int, level: float, rng: np.random.Generator
) -> Measurement:
    if len(sizes) < 2:
        reason = f"fewer than two values of {name} have {FEWEST} attacked records"
        return Measurement(METRICS[1], float("nan"), n, group=name, reason=reason)
    gap = statistics.largest_gap(hits, sizes, level, rng=rng)
    p = None if np.isnan(gap.p_value) else gap.p_value
    ends = (gap.low, gap.high)
    return common.measured(METRICS[1], gap.value, n, ends, level, gap.method, group=name, p_value=p)
