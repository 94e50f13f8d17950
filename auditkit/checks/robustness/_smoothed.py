"""Smoothed: what is certified of the vote of the model over noise, which is another model than the one under audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit import progress, statistics
from auditkit.checks import _common as common
from auditkit.evidence import Measurement, Table
from auditkit.methods.smoothing import ABSTAINS, randomised_smoothing

if TYPE_CHECKING:
    from auditkit.checks.robustness._attackers import Case

__all__ = ["METRICS", "Vote", "vote"]

METRICS = ["smoothed_accuracy", "smoothed_certified_accuracy"]
ALPHA = 0.001  # probability that the certificate of a record is false


@dataclass(frozen=True, eq=False)
class Vote:
    """What was certified of the smoothed model.

    Attributes
    ----------
    measurements : tuple of Measurement
        Its accuracy, and that certified at the radius.
    table : Table or None
        The second against the radius; None where nothing was asked.
    notes : tuple of str
        What it is, and what it leaves out.
    certified : int
        Records certified at the radius.
    calls : int
        Calls to the model.
    """

    measurements: tuple[Measurement, ...]
    table: Table | None
    notes: tuple[str, ...]
    certified: int = 0
    calls: int = 0


def vote(case: Case, grid: np.ndarray, *, sigma: float | None, samples: int, level: float) -> Vote:
    """Return what randomised smoothing certifies of the rows.

    Parameters
    ----------
    case : Case
        The rows and the model.
    grid : ndarray of shape (m,)
        Radii, in the norm of the threat model.
    sigma : float, optional
        Of the noise; the radius, as a Euclidean one, when left out.
    samples : int
        Noisy rows for each; 0 leaves it out.
    level : float
        Confidence level.
    """
    space, threat = case.threat.space, case.threat
    noisy = np.array([not one.coded and one.mutable for one in threat.features])
    why = ""
    if not samples:
        why = "samples is 0"
    elif threat.norm == "l0":
        why = "noise certifies a length, and the threat model counts columns"
    elif not noisy.any():
        why = "no number may change, and noise is put on numbers only"
    if why:
        return Vote(tuple(Measurement(m, float("nan"), len(case.X), reason=why) for m in METRICS), None, ())
    # a cube of side r lies in the ball of radius r times the root of the columns, the diamond in that of radius r
    longer = float(np.sqrt(noisy.sum())) if threat.norm == "linf" else 1.0
    width = threat.radius * longer if sigma is None else sigma
    scale = np.where(noisy, space.scale, 0.0)
    classes = 0 if case.subject.classes is None else len(case.subject.classes)
    with progress.part(0.95, 1.0):  # the rest of the way of AK304
        found = randomised_smoothing(
            case.labels, case.X, classes, scale, sigma=width, rng=case.rng, samples=samples, alpha=ALPHA
        )
    right = (found.label == case.y) & (found.label != ABSTAINS)
    reach = np.where(right, found.radius / longer, -1.0)
    n = len(case.X)
    counts = np.array([int((reach > r).sum()) if r else int(right.sum()) for r in grid])
    low, high = statistics.clopper_pearson(counts, n, level)
    at = int(np.flatnonzero(grid == threat.radius)[0])
    about = f"of the vote over noise of {width:g}, {samples:,} samples; not of the model itself"
    measurements = tuple(
        common.measured(
            metric, counts[i] / n, n, (low[i], high[i]), level, "clopper-pearson",
            bound="lower" if metric == METRICS[1] else None, reason=about,
        )
        for metric, i in ((METRICS[0], 0), (METRICS[1], at))
    )  # fmt: skip
    abstained = int((found.label == ABSTAINS).sum())
    return Vote(
        measurements,
        _curve(grid, counts, n, (low, high), width),
        _notes(case, noisy, width, abstained),
        int(counts[at]),
        found.calls,
    )


def _curve(
    grid: np.ndarray, counts: np.ndarray, n: int, ends: tuple[np.ndarray, np.ndarray], width: float
) -> Table:
    columns = {
        "x": tuple(grid),
        "value": tuple(counts / n),
        "low": tuple(ends[0]),
        "high": tuple(ends[1]),
        "n": (n,) * len(grid),
    }
    summary = (
        f"Accuracy certified of the smoothed model, which answers by the vote of the model over noise of {width:g}; at radius 0 its "
        "accuracy. It says nothing of the model without noise."
    )
    words = {"x": "Radius", "value": "Certified accuracy of the smoothed model", "n": "records"}
    return Table("The smoothed model: certified accuracy, by radius", columns, "curve", words, summary)


def _notes(case: Case, noisy: np.ndarray, width: float, abstained: int) -> tuple[str, ...]:
    threat = case.threat
    held = [one.name for one, some in zip(threat.features, noisy, strict=True) if one.mutable and not some]
    words = (
        f"Smoothing certifies another model: the vote of this one over Gaussian noise of {width:g} on {int(noisy.sum())} columns of "
        f"numbers. Each record's certificate is false with probability {ALPHA:g} at most."
    )
    said = [words]
    if held:
        said.append(
            f"Held without noise, so that no change of them is covered by the smoothed certificate: {', '.join(held)}."
        )
    if np.isnan(case.X[:, noisy]).any():
        said.append("Missing values get no noise: filling one in is not covered by the smoothed certificate.")
    if abstained:
        said.append(
            f"The smoothed model abstains on {abstained} of {len(case.X)} records; they count as wrong."
        )
    return tuple(said)
