"""Noise: what confident learning says of labels, with its error, and what it can not tell from a hard problem."""

from __future__ import annotations

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.evidence import Measurement, Table
from auditkit.methods.poisoning import confident

__all__ = ["FEWEST", "estimated", "joint", "rates", "resampled", "surest"]

FEWEST = 10  # rows of a class or group on each side, below which nothing is said of it

_DRAWS = 200  # labels drawn again, and rows drawn again
_SUREST = 0.1  # of the rows


def rates(
    found: confident.Confident,
    proba: np.ndarray,
    y: np.ndarray,
    words: list[str],
    level: float,
    rng: np.random.Generator,
    what: str = "training rows",
) -> list[Measurement]:
    """Return the estimated noise rate in all and of each given class, with intervals by rows drawn again."""
    drawn = confident.bootstrap_rates(proba, y, _DRAWS, rng)
    values = [found.noise_rate, *found.by_class.tolist()]
    sizes = [len(y), *np.bincount(y, minlength=len(words)).tolist()]
    groups = [None, *(f"class={word}" for word in words)]
    rates = []
    for value, column, n, group in zip(values, drawn.T, sizes, groups, strict=True):
        if n < FEWEST:
            reason = f"{n} {what} are given this class: at least {FEWEST} are needed"
            rates.append(Measurement("label_noise_rate", float("nan"), n, group=group, reason=reason))
            continue
        low, high = np.nanquantile(column, [(1 - level) / 2, (1 + level) / 2])
        ends = min(low, value), max(high, value)
        rates.append(common.measured("label_noise_rate", value, n, ends, level, "bootstrap", group=group))
    return rates


def resampled(
    proba: np.ndarray, truth: np.ndarray, n: int, level: float, rng: np.random.Generator
) -> Measurement:
    drawn = confident.resampled_rates(proba, truth, _DRAWS, rng)
    ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    mean = float(np.clip(drawn.mean(), *ends))
    reason = f"{_DRAWS} draws of labels from calibrated probabilities; the interval is where they lie"
    return common.measured(
        "label_noise_rate_resampled", mean, n, tuple(ends), level, "parametric bootstrap", reason=reason
    )


def surest(truth: np.ndarray, y: np.ndarray, level: float, what: str = "training rows") -> Measurement:
    """Return how often rows of the surest label are given another: labels flipped evenly at random would be among them as elsewhere."""
    n = max(round(_SUREST * len(y)), FEWEST)
    at = np.argsort(-truth.max(axis=1), kind="stable")[:n]
    k = int((truth[at].argmax(axis=1) != y[at]).sum())
    ends = statistics.clopper_pearson(k, n, level)
    return common.measured(
        "surest_disagreement", k / n, n, ends, level, "clopper-pearson", bound="upper",
        reason=f"the {n:,} {what} whose label is told most surely; labels flipped at random, evenly, are no more than that",
    )  # fmt: skip


def estimated(rate: Measurement, drawn: Measurement, what: str = "training labels") -> str:
    """Say confident learning's estimate beside what labels give of which none was flipped."""
    said = f"Confident learning's own estimate is {common.share_with_ends(rate)} of the {what}"
    ends = drawn.interval
    if ends is None:
        return f"{said}."
    what = "which is what" if ends.low <= rate.value <= ends.high else "which is not what"
    unflipped = (
        f"drawn from calibrated probabilities, none of them flipped, give ({common.share_with_ends(drawn)})"
    )
    return f"{said}, {what} labels {unflipped}."


def joint(found: confident.Confident, y: np.ndarray, words: list[str]) -> Table:
    k = len(words)
    sizes = np.bincount(y, minlength=k)
    columns = {
        "row": tuple(words[i] for i in range(k) for _ in range(k)),
        "column": tuple(words) * k,
        "value": tuple(found.joint.ravel().tolist()),
        "n": tuple(int(sizes[i]) for i in range(k) for _ in range(k)),
    }
    labels = {
        "row": "Given label",
        "column": "Likely label",
        "value": "Share of rows",
        "n": "rows of the given label",
    }
    summary = f"Confident learning's estimate of given and true labels; off the diagonal lie {common.percent(found.noise_rate)}."
    return Table("Given and likely labels", columns, "matrix", labels, summary)
