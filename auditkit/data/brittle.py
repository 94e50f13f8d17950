"""Brittle: a model whose every decision can be turned by a small, known change of one feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.data.planted import Planted, Rule, numbers, share, whole
from auditkit.dataset import Dataset
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Headroom", "make_brittle"]

_WIDE = 0.25


@dataclass(eq=False)
class Headroom(Rule):
    """Select where the balance is at least the limit.

    Parameters
    ----------
    scale : float
        Headroom at which the log-odds are 1.
    """

    scale: float

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Return the logistic function of (balance - limit) / scale, shape (n,)."""
        headroom = numbers(X, "balance", missing=0.5) - numbers(X, "limit", missing=0.5)
        score: np.ndarray = 1 / (1 + np.exp(-np.clip(headroom / self.scale, -500, 500)))
        return score


def make_brittle(*, margin: float = 0.01, n: int = 1000, seed: int = 0) -> Planted:
    """Return a subject whose rows all lie near the decision boundary; a margin of 0.25 or more is the clean twin.

    The answer is whether ``balance`` (which a person can change) reaches ``limit`` (uniform on 0..1, which they
    cannot). Each row's balance is off its limit by a distance uniform on ``margin`` to twice ``margin``, up or down
    with equal probability, so the columns spread as widely in both twins. Labels are the answers themselves: accuracy is 1.
    Probabilities have the same distribution whatever the margin, and so give nothing away.

    Parameters
    ----------
    margin : float
        Above 0, at most 1; in units of the balance.
    n : int
        Test rows.
    seed : int
        Of the rows.

    Returns
    -------
    Planted
        ``size``: ``smallest_distance``, ``median_distance`` and ``largest_distance``, of the population, each the
        change of balance alone that turns the answer. With balance alone free to move by r, robust accuracy is 1 for
        r < margin, 2 - r / margin up to twice the margin, and 0 beyond. Where the limit may move too, the Euclidean
        distance is smaller by sqrt(2) and the maximum norm by 2. The sensitive feature ``group`` is a coin flip and no input.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> make_brittle(margin=0.01, n=100).size["largest_distance"]
    0.02
    """
    margin, n = share("margin", margin, 1e-6, 1), whole("n", n, 1)
    rng = np.random.default_rng(whole("seed", seed, 0))
    limit, noise, spread = rng.random((3, n))
    up, group = rng.integers(2, size=(2, n)).astype(bool)
    balance = limit + np.where(up, 1, -1) * margin * (1 + spread)
    data = Dataset(
        {"balance": balance, "limit": limit, "noise": noise},
        up.astype(int),
        {"group": np.where(group, "A", "B").astype(object)},
    )
    size = {"smallest_distance": margin, "median_distance": 1.5 * margin, "largest_distance": 2 * margin}
    fault = "a small change of the balance turns every decision"
    return Planted(
        Subject(f"brittle, margin {margin:g}", Headroom(margin), data), fault, size, clean=margin >= _WIDE
    )
