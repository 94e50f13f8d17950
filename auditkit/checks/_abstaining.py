"""Abstaining: the error rate among answers that are kept when the least sure are left out, as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.evidence import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["risk_coverage_table"]

_POINTS = 50


def risk_coverage_table(answers: Mapping[str, tuple[np.ndarray, np.ndarray]], level: float) -> Table:
    """Return the curve of each series at some coverages, and the error rate that a confidence that tells nothing would give.

    Parameters
    ----------
    answers : mapping of str to (confidence, wrong)
        By series: how sure each answer is, and whether it is wrong.
    level : float
        Of Wilson's interval of each point.
    """
    points: list[tuple[str, float, float, float, float, int]] = []
    for words, (confidence, wrong) in answers.items():
        curve = statistics.risk_coverage(confidence, wrong)
        n = len(curve.risk)
        kept = np.unique(np.ceil(np.linspace(max(0.05, 1 / n), 1, _POINTS) * n).astype(int))
        risk = curve.risk[kept - 1]
        low, high = statistics.wilson(np.clip(risk * kept, 0, kept), kept, level)
        points += [
            (words, float(m / n), float(r), float(a), float(b), int(m))
            for m, r, a, b in zip(kept, risk, low, high, strict=True)
        ]
        rate, nan = float(np.mean(wrong)), float("nan")
        points += [
            (f"{words}, if it told nothing", float(m / n), rate, nan, nan, int(m))
            for m in (kept[0], kept[-1])
        ]
    series, x, value, lows, highs, ns = (tuple(part) for part in zip(*points, strict=True))
    columns = {"x": x, "value": value, "low": lows, "high": highs, "n": ns, "series": series}
    labels = {
        "x": "Share of answers kept, surest first",
        "value": "Error rate among them",
        "n": "records kept",
    }
    summary = (
        "Error rate among the answers that are kept when the least sure are left out. A confidence that told nothing would give the flat "
        "line: the farther the curve lies below it, the better confidence tells right from wrong."
    )
    return Table("What abstaining is worth", columns, "curve", labels, summary)
