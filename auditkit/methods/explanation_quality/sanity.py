"""Sanity: whether an explanation changes when there is nothing left to explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.explanation_quality.agreement import rank_correlation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["randomisation_similarity", "shuffled_labels"]


def randomisation_similarity(real: ArrayLike, randomised: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return how alike the explanations of a model and of models that learned nothing are, for each such model and row.

    The signs are kept: sizes alone are alike where only the rows' own distances from the middle are.

    Parameters
    ----------
    real : array_like of shape (n, d)
        Attributions of the model under audit.
    randomised : sequence of array_like, each of shape (n, d)
        Attributions of the same rows for models trained on shuffled labels.

    Returns
    -------
    numpy.ndarray of float, shape (r, n)
        Spearman's correlation over inputs. About 0 on average where the explanation follows the model; 1 where it does not
        depend on it.

    Raises
    ------
    InputError
        If there is no randomised model, or the shapes differ.

    References
    ----------
    Adebayo et al. 2018, "Sanity Checks for Saliency Maps", NeurIPS, section 4 (data randomisation), for tables.

    Examples
    --------
    >>> randomisation_similarity([[1.0, 2.0, 3.0]], [[[1.0, 2.0, 3.0]], [[3.0, 2.0, 1.0]]]).tolist()
    [[1.0], [-1.0]]
    """
    if not len(randomised):
        raise InputError("at least one model trained on shuffled labels is needed, got none")
    return np.stack([rank_correlation(real, one) for one in randomised])


def shuffled_labels(y: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Return the labels in a random order: each keeps its number of rows, none its connection to its row.

    Parameters
    ----------
    y : numpy.ndarray of shape (n,)
        Labels or values.
    rng : numpy.random.Generator
        For the order.

    Returns
    -------
    numpy.ndarray of shape (n,)
        The same values.

    References
    ----------
    Adebayo et al. 2018, section 4.

    Examples
    --------
    >>> sorted(shuffled_labels(np.array([0, 1, 1]), np.random.default_rng(0)).tolist())
    [0, 1, 1]
    """
    return np.asarray(y)[rng.permutation(len(y))]
