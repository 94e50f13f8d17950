"""Reweighing: the rows at hand in another mix: a column tilted, a category grown, the worst mix within a budget."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from auditkit.errors import InputError, did_you_mean

__all__ = [
    "DIVERGENCES",
    "Divergence",
    "PickedMix",
    "column_cells",
    "density_ratio",
    "normal_scores",
    "picked_mix",
    "tilted_weights",
    "worst_mix",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Divergence = Literal["kl", "chi2"]
DIVERGENCES: tuple[Divergence, ...] = get_args(Divergence)

_STEPS = 200
_PRIOR = 10.0  # rows as good as the average that are added to each cell, so that a small one is not taken for the worst
_LEAST_SHARE = 0.02  # of the rows, below which a probability of belonging elsewhere is not divided by


def normal_scores(column: ArrayLike) -> Floats:
    """Return van der Waerden's normal scores of a column, (n,): about standard normal whatever its unit; 0 where missing.

    Values that are equal share the score of their mean rank (van der Waerden 1952).

    Examples
    --------
    >>> normal_scores([10.0, 1000.0, 20.0]).round(2).tolist()
    [-0.67, 0.67, 0.0]
    """
    x = np.asarray(column, dtype=float)
    known = ~np.isnan(x)
    scores = np.zeros(len(x))
    if known.any():
        scores[known] = special.ndtri(stats.rankdata(x[known]) / (known.sum() + 1))
    return scores


def tilted_weights(column: ArrayLike, tilt: float) -> Floats:
    """Return weights (n,) that move a column up by `tilt` deviations (down where negative): exponential tilting (Esscher 1932).

    The weights grow with exp(tilt × normal score). For a normal column that moves the mean by `tilt` and leaves the spread; mean 1.
    """
    weights = np.exp(tilt * normal_scores(column))
    return np.asarray(weights / weights.mean())


def worst_mix(share: ArrayLike, value: ArrayLike, budget: float, divergence: str = "kl") -> Floats:
    """Return the mix of cells with the least mean value within a divergence of the mix at hand.

    The inner problem of distributionally robust optimisation, in closed form up to one number. Kullback-Leibler: shares are tilted
    by exp(-lambda × value) (Hu and Hong 2013, "Kullback-Leibler divergence constrained distributionally robust optimization"). Chi-square: they are
    lowered in proportion to the value and cut off at 0 (Namkoong and Duchi 2017, "Variance-based regularization with convex
    objectives", arXiv 1610.02581). Lambda spends the budget, unless all weight on the least valued cells costs less.

    Parameters
    ----------
    share : array_like, shape (cells,)
        Above 0; made to sum to 1.
    value : array_like, shape (cells,)
        Accuracy of each cell, or minus its error.
    budget : float
        Above 0: KL(new, old) in nats, or the sum of (new - old)^2 / old.
    divergence : {"kl", "chi2"}
        Which.

    Returns
    -------
    ndarray, shape (cells,)
        New shares, summing to 1.

    Raises
    ------
    InputError
        On shares or values that do not fit, an unknown divergence or a budget of 0 or less.

    Examples
    --------
    >>> new = worst_mix([0.5, 0.5], [0.9, 0.5], 0.1)
    >>> new.round(3).tolist(), round(float(np.sum(new * np.log(new / 0.5))), 6)
    ([0.28, 0.72], 0.1)
    """
    p, v = np.asarray(share, dtype=float), np.asarray(value, dtype=float)
    if p.ndim != 1 or p.shape != v.shape or not len(p) or not (p > 0).all() or not np.isfinite(v).all():
        raise InputError(f"expected shares above 0 and one finite value each, got {p.shape} and {v.shape}")
    if divergence not in DIVERGENCES:
        raise InputError(f"no divergence named {divergence!r}.{did_you_mean(divergence, DIVERGENCES)}")
    if not budget > 0:
        raise InputError(f"budget: expected a number above 0, got {budget}")
    p = p / p.sum()
    spread = float(v.max() - v.min())
    if spread <= 0:
        return np.asarray(p)
    low = (v - v.min()) / spread

    def mix(strength: float) -> Floats:
        kept = np.exp(-strength * low) if divergence == "kl" else np.maximum(1 - strength * low, 0.0)
        q = p * kept
        return np.asarray(q / q.sum())

    def cost(q: Floats) -> float:
        if divergence == "kl":
            return float(special.rel_entr(q, p).sum())
        return float(((q - p) ** 2 / p).sum())

    least = np.where(low <= 0, p, 0.0)
    if cost(least / least.sum()) <= budget:
        return np.asarray(least / least.sum())
    below, above = 0.0, 1.0
    while cost(mix(above)) < budget and above < 1e12:
        below, above = above, 2 * above
    for _ in range(_STEPS):
        middle = (below + above) / 2
        below, above = (middle, above) if cost(mix(middle)) <= budget else (below, middle)
    return mix(below)


class PickedMix(NamedTuple):
    """The worst mix of a column's cells as it looks on some rows: the weight of each cell, and the loss it seems to bring there."""

    weights: Floats
    loss: float


def picked_mix(
    cell: ArrayLike, value: ArrayLike, cells: int, budget: float, divergence: str = "kl"
) -> PickedMix:
    """Return the worst mix of a column's cells, to be measured on other rows than these.

    On the rows it was picked on, the worst mix looks worse than it is. On others its loss is that of a mix within the budget, so no
    larger than that of the true worst mix, and not made larger by the picking (sample splitting; Cox 1975, "A note on data-splitting for the
    evaluation of significance levels"). Small cells are drawn to the mean by ten average rows, which the picking is better for.

    Parameters
    ----------
    cell : array_like of int, shape (n,)
        From 0.
    value : array_like, shape (n,)
        1 where right and 0 where wrong, or minus an error.
    cells : int
        How many there are; those without a row here keep their weight of 1.
    budget, divergence
        As in `worst_mix`.
    """
    at, v = np.asarray(cell, dtype=np.int64), np.asarray(value, dtype=float)
    if at.shape != v.shape or at.ndim != 1 or not len(at):
        raise InputError(f"expected a cell and a value for each of some rows, got {at.shape} and {v.shape}")
    n = np.bincount(at, minlength=cells).astype(float)
    drawn = (np.bincount(at, weights=v, minlength=cells) + _PRIOR * v.mean()) / (n + _PRIOR)
    seen = n > 0
    share = n[seen] / n.sum()
    new = worst_mix(share, drawn[seen], budget, divergence)
    weights = np.ones(cells)
    weights[seen] = new / share
    return PickedMix(weights, float((share - new) @ drawn[seen]))


def column_cells(
    column: ArrayLike, *, coded: bool, bins: int = 5, most: int = 20, least: int = 1
) -> tuple[Ints, list[str]]:
    """Return the cell of each row and what each cell is: bands of about equal size of a number, the codes of a category, "missing".

    Parameters
    ----------
    column : array_like, shape (n,)
        Numbers or codes; missing as nan.
    coded : bool
        Whether they are codes.
    bins : int
        Bands of a number at most.
    most : int
        Codes kept apart at most, the most frequent; the rest are one cell.
    least : int
        Rows of a code that is kept apart at least.

    Returns
    -------
    cells : ndarray of int, shape (n,)
        From 0, none without a row.
    ends : list of str
        "code 3", "<= 12.5", "> 40", "missing", "others".
    """
    x = np.asarray(column, dtype=float)
    known = ~np.isnan(x)
    cells = np.zeros(len(x), dtype=np.int64)
    if coded:
        values, counts = np.unique(x[known], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:most]
        kept = np.sort(values[order[counts[order] >= least]])
        words = [f"code {value:g}" for value in kept] + ["others", "missing"]
        at = np.minimum(np.searchsorted(kept, x), max(len(kept) - 1, 0))
        cells = np.where(known & np.isin(x, kept), at, len(kept))
    else:
        edges = _edges(x[known], bins)
        cells = np.searchsorted(edges, x, side="left")
        ends = [f"{edge:.4g}" for edge in edges]
        words = [f"<= {end}" for end in ends[:1]]
        words += [f"> {one} to {other}" for one, other in pairwise(ends)]
        words += [f"> {ends[-1]}" if ends else "any value", "missing"]
    cells = np.where(known, cells, len(words) - 1)
    used, dense = np.unique(cells, return_inverse=True)
    return dense.reshape(-1).astype(np.int64), [words[i] for i in used]


def _edges(known: Floats, bins: int) -> Floats:
    """Return upper ends of bands of about equal size, below the greatest value; none where all values are one."""
    if not len(known):
        return known
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="lower"))
    return np.asarray(edges[edges < known.max()])


def density_ratio(chance: ArrayLike, share: float) -> Floats:
    """Return how much more often rows like each occur in the target than in the sample, (n,), by a classifier's odds.

    Bickel, Brückner and Scheffer 2009 ("Discriminative learning under covariate shift", Journal of Machine Learning Research 10): the ratio of densities is
    the odds of belonging to the target over the odds of any row; mean 1.

    Parameters
    ----------
    chance : array_like, shape (n,)
        Probability of belonging to the target, from a classifier that has not seen the row.
    share : float
        Share of the target among the rows it was trained on.
    """
    p = np.clip(np.asarray(chance, dtype=float), _LEAST_SHARE, 1 - _LEAST_SHARE)
    ratio = p / (1 - p) * (1 - share) / share
    return np.asarray(ratio / ratio.mean())
