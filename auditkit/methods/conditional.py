"""Conditional difference: how far the labels of a group differ from those of others that look alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Conditional", "residual_difference"]


class Conditional(NamedTuple):
    """A difference given the other features, its standard error, and how much of the group they leave open.

    Attributes
    ----------
    value, se : float
        ``nan`` where nothing is left to compare.
    overlap : float
        Share of the group's variance that the features do not account for: 1 where they say nothing of the
        group, 0 where they settle it.
    se_expected : float
        The standard error if labels of 0 and 1 varied as their expectations say and there were no difference; ``nan``
        for other labels. Where few members have one of the labels `se` is far too small: members without a single
        positive label show no spread.
    """

    value: float
    se: float
    overlap: float
    se_expected: float


def residual_difference(
    labels: ArrayLike, member: ArrayLike, expected_labels: ArrayLike, expected_member: ArrayLike
) -> Conditional:
    """Regress what is left of the labels on what is left of the membership (Robinson 1988).

    With expectations made out of fold this is the partially linear estimate of Chernozhukov et al. 2018
    ("Double/debiased machine learning", The Econometrics Journal 21): errors of the two expectations enter by their product only.
    It is the mean difference between members and others with the same features, weighted to where both are found; nothing is
    divided by a small probability. The standard error is robust to unequal variances.

    Parameters
    ----------
    labels : array_like of float, shape (n,)
        0 and 1, or any number.
    member : array_like of float, shape (n,)
        0 and 1.
    expected_labels, expected_member : array_like of float, shape (n,)
        What the other features say of either, from models that have not seen the row.

    Returns
    -------
    Conditional
        Members less others.

    Raises
    ------
    InputError
        If shapes differ or a value is not finite.

    Examples
    --------
    >>> residual_difference([1, 0, 1, 0], [1, 0, 1, 0], [0.5] * 4, [0.5] * 4).value
    1.0
    """
    parts = [np.asarray(part, dtype=float) for part in (labels, member, expected_labels, expected_member)]
    y, g, y_hat, g_hat = parts
    if y.ndim != 1 or any(part.shape != y.shape or not np.isfinite(part).all() for part in parts):
        raise InputError("labels, member and both expectations must be finite, one a row and equally long")
    left, gap = g - g_hat, y - y_hat
    open_part, spread = float(left @ left), float(np.sum((g - g.mean()) ** 2)) if g.size else 0.0
    if open_part <= 0.0 or spread == 0.0:
        return Conditional(math.nan, math.nan, 0.0, math.nan)
    value = float(left @ gap) / open_part
    influence = left * (gap - value * left)
    se = math.sqrt(float(influence @ influence)) / open_part
    expected = math.nan
    if np.isin(y, (0.0, 1.0)).all():
        chance = np.clip(y_hat, 0.0, 1.0)
        expected = math.sqrt(float(left**2 @ (chance * (1 - chance)))) / open_part
    return Conditional(value, se, min(open_part / spread, 1.0), expected)
