"""Tables: what a leaf adds to the Shapley value of each of its features, for every pattern of conditions fulfilled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["leaf_tables", "product_law"]

_AT_ONCE = 1 << 20  # numbers


def leaf_tables(law: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Shapley values of leaves of value 1, for every pattern of a row.

    A leaf with `d` conditions, one a feature, is reached by a row that takes the features in `S` from the explained row
    and the rest from elsewhere if each condition is fulfilled by whichever gives the feature. Bit `j` of a pattern says
    whether condition `j` is.

    Parameters
    ----------
    law : array (leaves, 2 ** d)
        How likely each pattern is where the features come from elsewhere.

    Returns
    -------
    array (leaves, d, 2 ** d)
        The value of each feature, for each pattern of the explained row.

    Notes
    -----
    With every other feature taken from the row independently with probability `t`, averaged over `t` from 0 to 1, what a
    feature adds is its Shapley value (Owen 1972). The mean over patterns is a product of one small matrix a condition; over
    `t` it is a polynomial of degree `d - 1`, which so many Gauss points integrate exactly. Any law is allowed: the product
    of the training shares gives path-dependent values, the patterns of background rows give interventional ones.

    References
    ----------
    Owen 1972, "Multilinear Extensions of Games", Management Science; Lundberg et al. 2020, "From Local Explanations to
    Global Understanding with Explainable AI for Trees", Nature Machine Intelligence, for the two games; Yang 2021, "Fast
    TreeSHAP", for tables by pattern; Yu et al. 2022, "Linear TreeShap", NeurIPS, for the polynomial.

    Examples
    --------
    A leaf that wants two conditions; elsewhere neither is ever fulfilled, and a row fulfils both:

    >>> leaf_tables(np.array([[1.0, 0.0, 0.0, 0.0]]))[0, :, 3].round(12).tolist()
    [0.5, 0.5]
    """
    leaves, size = law.shape
    d = size.bit_length() - 1
    points, weights = _gauss((d + 1) // 2)
    out = np.empty((leaves, d, size))
    step = max(1, _AT_ONCE // (size * max(1, len(points))))
    for begin in range(0, leaves, step):
        some = slice(begin, begin + step)
        mean = _mixed(law[some], points)
        stays = np.tensordot(weights / (1 - points), mean, axes=1)
        comes = np.tensordot(weights / points, mean, axes=1)
        _apart(stays, comes, out[some])
    return out


def product_law(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely each pattern is if the conditions are fulfilled independently, each with its share.

    Parameters
    ----------
    share : array (leaves, d)
        Of each condition.

    Returns
    -------
    array (leaves, 2 ** d)
        Path-dependent values rest on this law (Lundberg et al. 2020).

    Examples
    --------
    >>> product_law(np.array([[0.25, 0.5]])).tolist()
    [[0.375, 0.125, 0.375, 0.125]]
    """
    law = np.ones((len(share), 1))
    for one in share.T[:, :, np.newaxis]:
        law = np.concatenate([law * (1 - one), law * one], axis=1)
    return law


def _gauss(points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not points:
        return np.empty(0), np.empty(0)
    at, weight = np.polynomial.legendre.leggauss(points)
    return (at + 1) / 2, weight / 2


def _mixed(law: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely a leaf is to be reached if each feature is the row's own with probability t, (points, leaves, patterns)."""
    leaves, size = law.shape
    mean = np.repeat(law[np.newaxis], len(points), axis=0)
    t = points[:, np.newaxis, np.newaxis, np.newaxis]
    step = 1
    while step < size:
        halves = mean.reshape(len(points), leaves, size // (2 * step), 2, step)
        without, fulfilled = halves[..., 0, :], halves[..., 1, :].copy()
        # the row fulfils it: reached by either if elsewhere does too, else by the row's own alone
        halves[..., 1, :] += t * without
        halves[..., 0, :] = (1 - t) * fulfilled
        step *= 2
    return mean


def _apart(stays: NDArray[np.float64], comes: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Write each feature's value: the matrix of its condition is undone, and that of "the row's own less elsewhere" put in its place."""
    leaves, size = stays.shape
    for j in range(out.shape[1]):
        shape = (leaves, size >> (j + 1), 2, 1 << j)
        a, b, to = stays.reshape(shape), comes.reshape(shape), out[:, j].reshape(shape)
        to[:, :, 0] = -a[:, :, 0]
        to[:, :, 1] = b[:, :, 1] - a[:, :, 0] - b[:, :, 0]
