"""Agreement: whether two ways of explaining the same rows name the same inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from auditkit.errors import InputError
from auditkit.methods._arrays import asked, tables
from auditkit.methods.explanation_quality.stability import pair
from auditkit.statistics import mean_interval_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["GlobalAgreement", "global_agreement", "occlusion", "rank_correlation", "top_overlap"]

_DUST = 1e-9  # of a row's largest attribution: what is smaller is 0, or roundings would rank inputs that are never read


@dataclass(frozen=True, slots=True)
class GlobalAgreement:
    """Rank correlation of two importances over inputs.

    Attributes
    ----------
    value, low, high : float
        Kendall's tau-b, and between which ends it can lie; ``nan`` where one importance is the same for all inputs.
    pairs, unsettled : int
        Pairs of inputs, and those whose order the rows leave open in one importance at least.
    """

    value: float
    low: float
    high: float
    pairs: int
    unsettled: int


def rank_correlation(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Return Spearman's rank correlation of two explanations, row by row, over the inputs.

    Parameters
    ----------
    one, other : array_like of shape (n, d)
        Attributions of the same rows, with their signs, or sizes. What is below 1e-9 of a row's largest counts as 0.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        From -1 to 1; equal values share a rank. 0 where one alone has no order (all values equal), ``nan`` where neither has.

    Raises
    ------
    InputError
        If the shapes differ, or a value is not finite.

    References
    ----------
    Krishna et al. 2022, "The Disagreement Problem in Explainable Machine Learning" (rank correlation).

    Examples
    --------
    >>> rank_correlation([[0.1, 0.2, 0.9]], [[-1.0, 0.0, 5.0]]).tolist()
    [1.0]
    """
    a, b = pair("rank_correlation", one, other)
    ranks = [stats.rankdata(_without_dust(part), axis=1) for part in (a, b)]
    away = [r - r.mean(axis=1, keepdims=True) for r in ranks]
    sizes = [np.square(part).sum(axis=1) for part in away]
    found = np.zeros(len(a))
    ordered = (sizes[0] > 0) & (sizes[1] > 0)
    product = (away[0] * away[1]).sum(axis=1)
    found[ordered] = product[ordered] / np.sqrt(sizes[0][ordered] * sizes[1][ordered])
    found[(sizes[0] == 0) & (sizes[1] == 0)] = np.nan
    return np.asarray(np.clip(found, -1.0, 1.0))


def top_overlap(one: ArrayLike, other: ArrayLike, k: int) -> NDArray[np.float64]:
    """Return the share of the `k` largest that two explanations have in common, row by row.

    Where values tie at the end of the `k`, the input that comes first is taken, in both.

    Parameters
    ----------
    one, other : array_like of shape (n, d)
        Sizes of attributions, or one row of global importances.
    k : int
        How many count as the top, from 1 to `d`.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        From 0 to 1; by chance ``k / d``.

    Raises
    ------
    InputError
        If the shapes differ, or `k` does not fit.

    References
    ----------
    Krishna et al. 2022 (feature agreement).

    Examples
    --------
    >>> top_overlap([[3.0, 2.0, 1.0]], [[1.0, 3.0, 2.0]], 2).tolist()
    [0.5]
    """
    a, b = pair("top_overlap", one, other)
    if not 1 <= k <= a.shape[1]:
        raise InputError(f"k must be from 1 to the {a.shape[1]} inputs, got {k}")
    tops = [np.argsort(-_without_dust(part), axis=1, kind="stable")[:, :k] for part in (a, b)]
    return np.asarray((tops[0][:, :, None] == tops[1][:, None, :]).any(axis=2).mean(axis=1))


def global_agreement(one: ArrayLike, other: ArrayLike, *, level: float = 0.95) -> GlobalAgreement:
    """Return the rank correlation of two importances over the inputs, with an interval over rows.

    The importances are means over rows, and the inputs are those there are: what varies is the rows, not the inputs as Fisher's
    transformation would take it. A resample of the rows mixes the order of inputs that matter alike, and puts the correlation
    too low; so each pair of inputs is asked instead whether the rows settle which of them is larger (Student's paired interval,
    Bonferroni over all pairs of both importances), and what is open counts from full disagreement to full agreement.

    Parameters
    ----------
    one, other : array_like of shape (n, d) and (m, d)
        What each row adds to the importance of each input.
    level : float
        Two-sided confidence level, for all pairs together.

    Returns
    -------
    GlobalAgreement
        From -1 to 1. Inputs of exactly the same part in every row are tied.

    Raises
    ------
    InputError
        If the inputs differ, there are fewer than two, or a value is not finite.

    References
    ----------
    Kendall 1945, "The treatment of ties in ranking problems", Biometrika; Mogstad et al. 2024, "Inference for Ranks", Review of
    Economic Studies, for orders known by pairs.

    Examples
    --------
    >>> parts = np.random.default_rng(0).random((50, 4)) + [9.0, 6.0, 3.0, 0.0]
    >>> found = global_agreement(parts, 2 * parts)
    >>> found.value, found.low, found.unsettled
    (1.0, 1.0, 0)
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    fits = a.ndim == b.ndim == 2 and a.shape[1:] == b.shape[1:] and min(len(a), len(b)) > 0
    if not fits or a.shape[1] < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(
            f"two finite tables of the same inputs, at least two, are needed; got shapes {a.shape} and {b.shape}"
        )
    pairs = a.shape[1] * (a.shape[1] - 1) // 2
    each = 1 - (1 - level) / (2 * pairs)
    (signs_a, known_a), (signs_b, known_b) = (_order_of_pairs(part, each) for part in (a, b))
    scale = float(np.sqrt(np.count_nonzero(signs_a) * np.count_nonzero(signs_b)))
    if scale == 0:
        return GlobalAgreement(float("nan"), float("nan"), float("nan"), pairs, pairs)
    untied = (signs_a != 0) & (signs_b != 0)
    settled = known_a & known_b
    product = signs_a * signs_b
    sure, still_open = float(product[untied & settled].sum()), int((untied & ~settled).sum())
    return GlobalAgreement(
        float(np.clip(product.sum() / scale, -1.0, 1.0)),
        max(-1.0, (sure - still_open) / scale),
        min(1.0, (sure + still_open) / scale),
        pairs,
        still_open,
    )


def occlusion(
    ask: Callable[[NDArray[Any]], ArrayLike],
    X: NDArray[Any],
    background: NDArray[Any],
    *,
    batch_rows: int = 65_536,
) -> NDArray[np.float64]:
    """Return how far the output falls when one input alone is replaced by those of the background rows.

    Parameters
    ----------
    ask : callable
        Maps (rows, d) to one output a row, or `k`.
    X : numpy.ndarray of shape (n, d)
        The rows to explain.
    background : numpy.ndarray of shape (m, d)
        Rows whose values stand for "not known"; averaged over.
    batch_rows : int
        Rows of one call, at most.

    Returns
    -------
    numpy.ndarray of float, shape (n, d) or (n, d, k)
        Output less the mean output without the input. Equal to the Shapley value where inputs act one by one; where they act
        together it counts what they share for each of them.

    Raises
    ------
    InputError
        If the tables do not fit, or an output is not finite.

    References
    ----------
    Robnik-Šikonja & Kononenko 2008, "Explaining Classifications for Individual Instances", IEEE TKDE; Zeiler & Fergus 2014, for
    the name.

    Examples
    --------
    >>> occlusion(lambda Z: Z[:, 0] - Z[:, 1], np.array([[3.0, 1.0]]), np.array([[0.0, 0.0], [2.0, 2.0]])).tolist()
    [[2.0, 0.0]]
    """
    rows, others = tables(X, background)
    usual = asked(ask, rows, batch_rows)
    found = np.zeros((len(rows), rows.shape[1], *usual.shape[1:]))
    step = max(1, batch_rows // len(others))
    for j in range(rows.shape[1]):
        for start in range(0, len(rows), step):
            some = slice(start, start + step)
            changed = np.repeat(rows[some], len(others), axis=0)
            changed[:, j] = np.tile(others[:, j], len(rows[some]))
            answers = asked(ask, changed, batch_rows)
            means = answers.reshape(-1, len(others), *usual.shape[1:]).mean(axis=1)
            found[some, j] = usual[some] - means
    return found


def _without_dust(values: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(values).max(axis=1, keepdims=True)
    return np.where(np.abs(values) <= _DUST * largest, 0.0, values)


def _order_of_pairs(
    parts: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return which of each pair of inputs is larger on average, 0 for a tie, and whether the rows settle it."""
    first, second = np.triu_indices(parts.shape[1], 1)
    away = parts[:, first] - parts[:, second]
    dust = _DUST * float(np.abs(parts).max())
    tied = (np.abs(away) <= dust).all(axis=0)
    means = np.where(tied, 0.0, away.mean(axis=0))
    low, high = mean_interval_of(away.T, level)
    return np.sign(means), tied | (low > 0) | (high < 0)
