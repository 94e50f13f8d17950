"""Smoothing: the answer that noise around a row votes for, and the radius within which that vote cannot turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress, statistics
from auditkit.errors import InputError

__all__ = ["Smoothed", "randomised_smoothing"]

Floats = NDArray[np.float64]
AskLabels = Callable[[Floats], NDArray[Any]]
ABSTAINS = -1


@dataclass(frozen=True, eq=False)
class Smoothed:
    """The votes around each row. They are about the smoothed model, which answers by vote; not about the model that is asked.

    Attributes
    ----------
    label : array of int (n,)
        The class that is certified; `ABSTAINS` (-1) where none is.
    radius : array (n,)
        No change of the noisy columns up to this length, in units of `scale`, turns the vote; 0 where it abstains.
    share : array (n,)
        Lower end of the share of the vote for the class, at level ``1 - alpha``.
    calls : int
        Calls to the model.
    """

    label: NDArray[np.int64]
    radius: Floats
    share: Floats
    calls: int


def randomised_smoothing(
    ask_labels: AskLabels,
    X: ArrayLike,
    classes: int,
    scale: ArrayLike,
    *,
    sigma: float,
    rng: np.random.Generator,
    samples: int = 1000,
    selection: int = 100,
    alpha: float = 0.001,
    batch: int = 50_000,
) -> Smoothed:
    """Certify the vote of a model over Gaussian noise around each row, in the Euclidean norm.

    Cohen, Rosenfeld and Kolter 2019 (arXiv 1902.02918): one sample picks the class, another bounds its share p of the vote from below
    (Clopper and Pearson 1934, one-sided); where that is above 1/2 the vote cannot turn within sigma times the normal quantile of p. It
    holds for each row with probability 1 - alpha over the noise, whatever the model is.

    Parameters
    ----------
    ask_labels : callable
        The model: takes rows (m, d), gives classes 0 to ``classes - 1`` (m,).
    X : array (n, d)
        Rows.
    classes : int
        How many there are.
    scale : array (d,)
        One unit of each column, in its own unit; 0 for columns that get no noise: they are held as they are, and nothing is certified
        about changes of them. Missing values stay missing.
    sigma : float
        Standard deviation of the noise, in those units.
    rng : numpy.random.Generator
        Source of the noise.
    samples, selection : int
        Noisy rows by which the share is bounded, and by which the class is picked, for each row.
    alpha : float
        Probability that the certificate of a row is false.
    batch : int
        Noisy rows in one call to the model, about; memory is bounded by it.

    Returns
    -------
    Smoothed
        Radii end at sigma times the quantile of ``alpha ** (1 / samples)``.

    Raises
    ------
    InputError
        If shapes or options do not fit, or the model names a class that is not there.

    Examples
    --------
    >>> found = randomised_smoothing(lambda rows: (rows[:, 0] > 0).astype(int), [[3.0], [0.0]], 2, [1.0], sigma=1.0,
    ...                              rng=np.random.default_rng(0))
    >>> found.label.tolist(), bool(2 < found.radius[0] <= 3)
    ([1, -1], True)
    """
    rows, unit = np.asarray(X, dtype=float), np.asarray(scale, dtype=float)
    if rows.ndim != 2 or unit.shape != rows.shape[1:] or not (np.isfinite(unit) & (unit >= 0)).all():
        raise InputError(
            f"expected rows (n, d) and a scale of at least 0 for each column, got {rows.shape} and {unit.shape}"
        )
    if not sigma > 0 or min(samples, selection, batch) < 1 or not 0 < alpha < 0.5 or classes < 2:
        raise InputError(
            "expected sigma > 0, samples, selection and batch of at least 1, 0 < alpha < 0.5 and two classes or more, "
            f"got {sigma}, {samples}, {selection}, {batch}, {alpha} and {classes}"
        )
    noise = _Noise(ask_labels, unit * sigma, classes, batch, rng)
    picked = noise.votes(rows, selection, (0.0, selection / (samples + selection))).argmax(axis=1)
    votes = noise.votes(rows, samples, (selection / (samples + selection), 1.0))
    won = votes[np.arange(len(rows)), picked]
    low, _ = statistics.clopper_pearson(won, samples, 1 - 2 * alpha)
    share = np.asarray(low, dtype=float).reshape(len(rows))
    from scipy.stats import norm

    sure = share > 0.5
    radius = np.where(sure, sigma * norm.ppf(np.where(sure, share, 0.5)), 0.0)
    return Smoothed(np.where(sure, picked, ABSTAINS), radius, share, noise.calls)


@dataclass
class _Noise:
    """The model asked about noisy rows, and how often it was."""

    ask: AskLabels
    spread: Floats
    classes: int
    batch: int
    rng: np.random.Generator
    calls: int = 0

    def votes(self, X: Floats, samples: int, place: tuple[float, float]) -> NDArray[np.int64]:
        """Return how often each class is answered around each row, (n, classes)."""
        n, d = X.shape
        counts = np.zeros((n, self.classes), dtype=np.int64)
        if not n:
            return counts
        some = max(1, min(n, self.batch))
        for start in range(0, n, some):
            rows, left = np.arange(start, min(start + some, n)), samples
            each = max(1, self.batch // len(rows))
            while left:
                now = min(each, left)
                done = (start + len(rows) * (1 - left / samples)) / n
                progress.step(place[0] + (place[1] - place[0]) * done, f"smoothing: {n} rows")
                noise = self.rng.standard_normal((now, len(rows), d)) * self.spread
                labels = np.asarray(self.ask((X[rows] + noise).reshape(-1, d)))
                self.calls += 1
                if labels.shape != (now * len(rows),) or not ((labels >= 0) & (labels < self.classes)).all():
                    raise InputError(
                        f"the model was asked about {now * len(rows)} rows: expected as many classes from 0 to "
                        f"{self.classes - 1}, got shape {labels.shape}"
                    )
                codes = np.tile(rows, now) * self.classes + labels.astype(np.int64)
                counts += np.bincount(codes, minlength=counts.size).reshape(counts.shape)
                left -= now
        return counts
