"""Confident: which labels a model that has not seen them is sure are others, and what that says of labels as uncertain as these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Confident", "bootstrap_rates", "calibrated", "confident_learning", "resampled_rates"]

_SLACK = 1e-6  # a probability at its threshold counts as above it, whatever the last digit
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Confident:
    """What confident learning says of labels.

    Attributes
    ----------
    joint : ndarray of float, shape (k, k)
        Estimated joint distribution of given label (row) and true label (column).
    thresholds : ndarray of float, shape (k,)
        Mean probability of each class among rows that are given it.
    guess : ndarray of int, shape (n,)
        Class that a row confidently belongs to; -1 where none.
    suspect : ndarray of bool, shape (n,)
        Rows that confidently belong to another class than given, and whose most probable class is not the given one.
    """

    joint: Floats
    thresholds: Floats
    guess: NDArray[np.intp]
    suspect: NDArray[np.bool_]

    @property
    def noise_rate(self) -> float:
        """Estimated share of labels that are not the true ones."""
        return float(1.0 - np.trace(self.joint))

    @property
    def by_class(self) -> Floats:
        """The same among rows that are given each class, shape (k,); ``nan`` where there is none."""
        given = self.joint.sum(axis=1)
        with np.errstate(invalid="ignore"):
            return np.asarray(1.0 - np.diagonal(self.joint) / np.where(given > 0, given, np.nan))


def confident_learning(proba: ArrayLike, labels: ArrayLike) -> Confident:
    """Estimate how given and true labels go together, from probabilities of models that have not seen the rows.

    A row confidently belongs to a class where its probability is at least the mean among rows given that class; of several, to the most
    probable. The counts of given against confident class are scaled to the classes as given.

    Parameters
    ----------
    proba : array_like of float, shape (n, k)
        Out of fold.
    labels : array_like of int, shape (n,)
        Given labels, as columns of `proba`.

    Returns
    -------
    Confident
        A class that nobody is given has threshold infinity: no row belongs to it.

    Raises
    ------
    InputError
        If shapes do not fit.

    References
    ----------
    Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels", arXiv 1911.00068.

    Examples
    --------
    >>> found = confident_learning([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]], [0, 0, 1, 1, 1])
    >>> found.suspect.tolist(), round(found.noise_rate, 2)
    ([False, False, False, False, True], 0.2)
    """
    p, y = _checked(proba, labels)
    n, k = p.shape
    sizes = np.bincount(y, minlength=k)
    sums = np.bincount(y, weights=p[np.arange(n), y], minlength=k)
    thresholds = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)
    above = p >= thresholds - _SLACK
    many = above.sum(axis=1)
    guess = np.where(many > 1, p.argmax(axis=1), above.argmax(axis=1))
    guess[many == 0] = -1
    known = guess >= 0
    counts = np.bincount(y[known] * k + guess[known], minlength=k * k).reshape(k, k).astype(float)
    np.fill_diagonal(counts, np.maximum(np.diagonal(counts), 1.0))
    counts *= (sizes / counts.sum(axis=1))[:, None]
    suspect = known & (guess != y) & (p.argmax(axis=1) != y)
    return Confident(counts / max(float(counts.sum()), 1.0), thresholds, guess, suspect)


def calibrated(proba: ArrayLike, labels: ArrayLike) -> Floats:
    """Return probabilities put right by the labels: a multinomial regression on their logarithms.

    Parameters
    ----------
    proba : array_like of float, shape (n, k)
        Out of fold.
    labels : array_like of int, shape (n,)
        Columns of `proba`.

    Returns
    -------
    ndarray of float, shape (n, k)
        0 for a class that nobody is given.

    References
    ----------
    Kull et al. 2019, "Beyond temperature scaling: Dirichlet calibration", arXiv 1910.12656.

    Examples
    --------
    >>> p = np.repeat([[0.99, 0.01], [0.01, 0.99]], 50, axis=0)
    >>> y = np.repeat([0, 1, 1, 0], [40, 10, 40, 10])
    >>> calibrated(p, y)[[0, -1]].round(1).tolist()
    [[0.8, 0.2], [0.2, 0.8]]
    """
    from sklearn.linear_model import LogisticRegression

    p, y = _checked(proba, labels)
    found = np.zeros_like(p)
    present = np.unique(y)
    if len(present) < 2:
        found[:, present] = 1.0
        return found
    logs = np.log(np.clip(p, 1e-6, 1.0))
    found[:, present] = LogisticRegression(C=1e3, max_iter=5_000).fit(logs, y).predict_proba(logs)
    return found


def resampled_rates(proba: ArrayLike, truth: ArrayLike, draws: int, rng: np.random.Generator) -> Floats:
    """Return what confident learning says of labels drawn from probabilities: labels as uncertain as these, none of them flipped.

    For two classes the estimate rests on the probabilities and labels alone, so that labels which were flipped at random, and whose
    calibrated probabilities show it, give the same rates: the two cannot be told apart this way.

    Parameters
    ----------
    proba : array_like of float, shape (n, k)
        What confident learning is given.
    truth : array_like of float, shape (n, k)
        What labels are drawn from, see `calibrated`.
    draws : int
        How often.
    rng : numpy.random.Generator
        Of the labels.

    Returns
    -------
    ndarray of float, shape (draws,)

    References
    ----------
    The parametric bootstrap: Efron and Tibshirani 1993, chapter 6; confident learning as in `confident_learning`.

    Examples
    --------
    >>> p = np.tile([0.9, 0.1], (50, 1))
    >>> resampled_rates(p, p, 3, np.random.default_rng(0)).shape
    (3,)
    """
    p, q = np.asarray(proba, dtype=float), np.asarray(truth, dtype=float)
    if p.shape != q.shape or p.ndim != 2:
        raise InputError(f"expected two tables of one shape, got {p.shape} and {q.shape}")
    ends = np.cumsum(q, axis=1)
    ends /= np.maximum(ends[:, -1:], _LEAST)
    found = np.empty(draws)
    for i in range(draws):
        y = (rng.random(len(p))[:, None] >= ends).sum(axis=1)
        found[i] = confident_learning(p, np.minimum(y, p.shape[1] - 1)).noise_rate
    return found


def bootstrap_rates(proba: ArrayLike, labels: ArrayLike, draws: int, rng: np.random.Generator) -> Floats:
    """Return the noise rate, and that of each class, of rows drawn again with replacement.

    Parameters
    ----------
    proba, labels : array_like
        As in `confident_learning`.
    draws : int
        How often.
    rng : numpy.random.Generator
        Of the rows.

    Returns
    -------
    ndarray of float, shape (draws, 1 + k)
        The whole, then each class; the probabilities are taken as given.

    References
    ----------
    Efron and Tibshirani 1993, "An introduction to the bootstrap".

    Examples
    --------
    >>> bootstrap_rates([[0.9, 0.1], [0.2, 0.8]], [0, 1], 4, np.random.default_rng(0)).shape
    (4, 3)
    """
    p, y = _checked(proba, labels)
    found = np.empty((draws, 1 + p.shape[1]))
    for i in range(draws):
        at = rng.integers(len(y), size=len(y))
        one = confident_learning(p[at], y[at])
        found[i] = one.noise_rate, *one.by_class
    return found


def _checked(proba: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.intp]]:
    p, y = np.asarray(proba, dtype=float), np.asarray(labels, dtype=np.intp)
    if p.ndim != 2 or y.shape != p.shape[:1] or not len(p):
        raise InputError(f"expected probabilities of shape (n, k) and n labels, got {p.shape} and {y.shape}")
    if y.min() < 0 or y.max() >= p.shape[1]:
        raise InputError(f"labels must be columns from 0 to {p.shape[1] - 1}, got {y.min()} to {y.max()}")
    return p, y
