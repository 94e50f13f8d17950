"""Label-only attacks: what the labels a model gives say of its training data, without any probability.

The baseline is `membership.gap`: right answer, member. The distance to the decision boundary is searched for by
`evasion.decision_search`, for all records at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.corruption import noise
from auditkit.methods.feature_space import FeatureSpace, as_matrix
from auditkit.methods.membership import gap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["noise_robustness", "noisy_copies"]


def noise_robustness(correct: ArrayLike, copies_correct: ArrayLike) -> NDArray[np.float64]:
    """Score a record by how many of its noisy copies keep the right label.

    A model is often surer around records it was trained on, so that noise turns their label less often. How much noise
    is the caller's choice; choose it on a reference model, not by what separates the target's members best.

    Parameters
    ----------
    correct : array_like of bool, shape (n,)
        Whether the label given to the record itself is the true one.
    copies_correct : array_like of bool, shape (r, n)
        The same for `r` noisy copies of each record; the noise drawn independently a copy.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        ``(1 + right copies) / (1 + r)`` where the record itself is answered rightly, else 0: its distance to a wrong
        answer is none. So it refines `membership.gap`. It takes ``r + 2`` values.

    Raises
    ------
    InputError
        If the arrays are not boolean, shapes do not fit, or there are no copies.

    References
    ----------
    Choquette-Choo et al. 2021, "Label-Only Membership Inference Attacks", ICML, section on random noise; Yeom et
    al. 2018, "Privacy Risk in Machine Learning", IEEE CSF, for the gap.

    Examples
    --------
    >>> noise_robustness([True, True, False], [[True, False, True]] * 3).tolist()
    [1.0, 0.25, 0.0]
    """
    right = gap(correct)
    copies = np.asarray(copies_correct)
    if copies.dtype != np.bool_ or copies.ndim != 2 or copies.shape[1] != right.size or not len(copies):
        raise InputError(
            f"copies_correct must be a boolean table of (copies, {right.size}) with at least one copy, "
            f"got {copies.dtype} of shape {copies.shape}"
        )
    return np.asarray(right * (1.0 + copies.sum(axis=0)) / (1.0 + len(copies)))


def noisy_copies(
    X: ArrayLike, space: FeatureSpace, population: ArrayLike, rng: np.random.Generator, strength: float
) -> NDArray[np.float64]:
    """Return one noisy copy of each record: numbers moved, categories drawn anew (Choquette-Choo et al. 2021).

    Parameters
    ----------
    X : array_like of shape (n, d)
        Records; categories as codes, missing as nan.
    space : FeatureSpace
        Kinds, ranges and spreads, best read off the population.
    population : array_like of shape (m, d)
        Records that are not attacked.
    rng : numpy.random.Generator
        Source of the draws, as many at every strength.
    strength : float
        Numbers: the standard deviation of Gaussian noise in spreads of a column; whole numbers move in whole steps and
        ranges are kept, see `corruption.noise`. Categories: the chance that one is drawn anew, as it is in the
        population, at most 1. It may come out as it was.

    Returns
    -------
    numpy.ndarray of float, shape (n, d)
        Strength 0 is the identity. A missing number stays missing.

    Raises
    ------
    InputError
        If shapes do not fit, the population is empty, or the strength is negative.

    References
    ----------
    Choquette-Choo et al. 2021, "Label-Only Membership Inference Attacks", ICML, where binary features are flipped.

    Examples
    --------
    >>> space = FeatureSpace.infer([[0.0, 0], [1.0, 1]], ["continuous", "categorical"], ["a", "b"])
    >>> copy = noisy_copies([[0.5, 0]] * 4, space, [[0.0, 1], [1.0, 1]], np.random.default_rng(0), 1.0)
    >>> copy[:, 1].tolist(), bool((copy[:, 0] >= 0).all() and (copy[:, 0] <= 1).all())
    ([1.0, 1.0, 1.0, 1.0], True)
    """
    known = as_matrix(population, "population", len(space.names))
    if not len(known):
        raise InputError("the population is empty: categories are drawn from records that are not attacked")
    moved = noise(X, space, rng, strength)
    drawn = known[rng.integers(len(known), size=moved.shape), np.arange(moved.shape[1])]
    seen = ~np.isnan(known).all(axis=0)
    anew = space.categorical & seen & (rng.random(moved.shape) < strength)
    return np.where(anew, drawn, moved)
