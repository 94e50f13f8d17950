"""Fairness: rates by group, and how far apart the groups are, computed from counts read once.

Everything after `group_confusion` works on the last axis of an array of counts, so that bootstrap replicates
of shape ``(replicates, groups, 4)`` go through the same functions as the counts of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.methods.groups import codes_of, group_confusion, group_sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "RATE_NAMES",
    "codes_of",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "difference",
    "equal_opportunity_difference",
    "equal_opportunity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "group_confusion",
    "group_sums",
    "rate_counts",
    "rates",
    "ratio",
    "undefined_groups",
]

Method = Literal["between_groups", "to_overall"]
Agg = Literal["worst_case", "mean"]

_TN, _FP, _FN, _TP = range(4)
# which cells are successes, and which are trials
_CELLS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "selection_rate": ((_FP, _TP), (_TN, _FP, _FN, _TP)),
    "true_positive_rate": ((_TP,), (_FN, _TP)),
    "false_positive_rate": ((_FP,), (_TN, _FP)),
    "true_negative_rate": ((_TN,), (_TN, _FP)),
    "false_negative_rate": ((_FN,), (_FN, _TP)),
    "precision": ((_TP,), (_FP, _TP)),
    "false_discovery_rate": ((_FP,), (_FP, _TP)),
    "false_omission_rate": ((_FN,), (_TN, _FN)),
    "negative_predictive_value": ((_TN,), (_TN, _FN)),
    "accuracy": ((_TN, _TP), (_TN, _FP, _FN, _TP)),
}
RATE_NAMES: tuple[str, ...] = tuple(_CELLS)


def rate_counts(counts: ArrayLike, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the successes and the trials behind a rate, for its interval.

    Parameters
    ----------
    counts : array_like of shape (..., 4)
        Cells tn, fp, fn, tp.
    name : str
        One of `RATE_NAMES`. ``precision`` is the positive predictive value.

    Returns
    -------
    successes, trials : numpy.ndarray of float, shape (...)
        Sums of weights where the counts are weighted; a binomial interval does not hold for those.

    Raises
    ------
    InputError
        If the name is not known or the last axis does not hold four cells.

    Examples
    --------
    >>> [part.tolist() for part in rate_counts([[3, 1, 2, 4]], "true_positive_rate")]
    [[4.0], [6.0]]
    """
    if name not in _CELLS:
        raise InputError(f"no rate named {name!r}.{did_you_mean(name, _CELLS)}")
    cells = np.asarray(counts, dtype=np.float64)
    if cells.ndim == 0 or cells.shape[-1] != 4:
        raise InputError(f"counts must end in the four cells tn, fp, fn, tp; got shape {cells.shape}")
    hits, among = _CELLS[name]
    return cells[..., hits].sum(axis=-1), cells[..., among].sum(axis=-1)


def rates(counts: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Return every rate of `RATE_NAMES` for every group.

    Parameters
    ----------
    counts : array_like of shape (..., 4)
        Cells tn, fp, fn, tp.

    Returns
    -------
    dict of str to numpy.ndarray of float, shape (...)
        ``nan`` where a rate is undefined: nobody to be selected, no positives, nobody predicted positive.

    Raises
    ------
    InputError
        If the last axis does not hold four cells.

    Examples
    --------
    >>> rates([[3, 1, 2, 4]])["selection_rate"].tolist()
    [0.5]
    """
    return {name: _share(*rate_counts(counts, name)) for name in _CELLS}


def undefined_groups(values: ArrayLike) -> tuple[int, ...]:
    """Return the codes of the groups whose value is undefined, to be named beside a ``nan`` result.

    Examples
    --------
    >>> undefined_groups([0.2, float("nan"), 0.3])
    (1,)
    """
    missing = np.isnan(np.asarray(values, dtype=np.float64))
    return tuple(np.flatnonzero(missing.reshape(-1, missing.shape[-1]).any(axis=0)).tolist())


def difference(
    values: ArrayLike, method: Method = "between_groups", overall: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the largest difference between groups, or from a group to everybody.

    Parameters
    ----------
    values : array_like of shape (..., groups)
        A rate or a mean of at least two groups.
    method : {"between_groups", "to_overall"}
        Largest minus smallest, or the largest absolute distance to `overall`.
    overall : array_like of shape (...), optional
        The value over all rows; needed by ``to_overall``.

    Returns
    -------
    numpy.ndarray of float, shape (...)
        ``nan`` as soon as one group is undefined: see `undefined_groups`. fairlearn leaves such a group out,
        or counts an undefined true or false positive rate as 0; otherwise the definitions are fairlearn's
        (``MetricFrame.difference``). As an estimate of the
        largest true gap it is biased upward, the more so the smaller and the more numerous the groups.

    Raises
    ------
    InputError
        If there are fewer than two groups, the method is not known, or `overall` is missing.

    Examples
    --------
    >>> float(difference([0.25, 0.5, 0.75]))
    0.5
    >>> float(difference([0.25, 0.5], "to_overall", overall=0.375))
    0.125
    """
    groups, whole = _compared(values, method, overall)
    if method == "to_overall":
        return np.asarray(np.abs(groups - whole).max(axis=-1))
    return np.asarray(groups.max(axis=-1) - groups.min(axis=-1))


def ratio(
    values: ArrayLike, method: Method = "between_groups", overall: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the smallest ratio between groups, or of a group and everybody; at most 1.

    Parameters
    ----------
    values : array_like of shape (..., groups)
        A rate or a mean of at least two groups; at least 0.
    method : {"between_groups", "to_overall"}
        Smallest over largest, or the smallest of group over `overall` (or the inverse where that is above 1).
    overall : array_like of shape (...), optional
        The value over all rows; needed by ``to_overall``.

    Returns
    -------
    numpy.ndarray of float, shape (...)
        ``nan`` where a group is undefined or 0 stands over 0. Otherwise fairlearn's ``MetricFrame.ratio``.

    Raises
    ------
    InputError
        If there are fewer than two groups, a value is negative, the method is not known, or `overall` is missing.

    Examples
    --------
    >>> float(ratio([0.25, 0.5]))
    0.5
    >>> float(ratio([0.0, 0.0]))
    nan
    """
    groups, whole = _compared(values, method, overall)
    if (groups < 0).any():
        raise InputError("a ratio of group values needs values of at least 0; use a difference instead")
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "between_groups":
            return np.asarray(groups.min(axis=-1) / groups.max(axis=-1))
        shares = groups / whole
        return np.asarray(np.where(shares > 1, 1 / shares, shares).min(axis=-1))


def demographic_parity_difference(
    counts: ArrayLike, *, method: Method = "between_groups"
) -> NDArray[np.float64]:
    """Return the `difference` in selection rate of counts of shape (..., groups, 4).

    References
    ----------
    Agarwal et al. 2018, "A Reductions Approach to Fair Classification", ICML.

    Examples
    --------
    >>> float(demographic_parity_difference([[2, 1, 0, 1], [1, 1, 0, 2]]))
    0.25
    """
    return difference(*_rate_for("selection_rate", counts, method))


def demographic_parity_ratio(counts: ArrayLike, *, method: Method = "between_groups") -> NDArray[np.float64]:
    """Return the `ratio` of selection rates of counts of shape (..., groups, 4): the four-fifths rule's figure."""
    return ratio(*_rate_for("selection_rate", counts, method))


def equal_opportunity_difference(
    counts: ArrayLike, *, method: Method = "between_groups"
) -> NDArray[np.float64]:
    """Return the `difference` in true positive rate of counts of shape (..., groups, 4).

    References
    ----------
    Hardt, Price & Srebro 2016, "Equality of Opportunity in Supervised Learning", NeurIPS.
    """
    return difference(*_rate_for("true_positive_rate", counts, method))


def equal_opportunity_ratio(counts: ArrayLike, *, method: Method = "between_groups") -> NDArray[np.float64]:
    """Return the `ratio` of true positive rates of counts of shape (..., groups, 4)."""
    return ratio(*_rate_for("true_positive_rate", counts, method))


def equalized_odds_difference(
    counts: ArrayLike, *, method: Method = "between_groups", agg: Agg = "worst_case"
) -> NDArray[np.float64]:
    """Return the larger (or the mean) of the differences in true and in false positive rate.

    Parameters
    ----------
    counts : array_like of shape (..., groups, 4)
        Cells tn, fp, fn, tp.
    method : {"between_groups", "to_overall"}
        As in `difference`.
    agg : {"worst_case", "mean"}
        Larger of the two, or their mean.

    Returns
    -------
    numpy.ndarray of float, shape (...)
        ``nan`` if either rate is undefined for a group.

    References
    ----------
    Hardt, Price & Srebro 2016, "Equality of Opportunity in Supervised Learning", NeurIPS.

    Examples
    --------
    >>> float(equalized_odds_difference([[2, 2, 1, 3], [3, 1, 2, 2]]))
    0.25
    """
    parts = [difference(*_rate_for(name, counts, method)) for name in _ODDS]
    return np.asarray(np.maximum(*parts) if _known_agg(agg) == "worst_case" else (parts[0] + parts[1]) / 2)


def equalized_odds_ratio(
    counts: ArrayLike, *, method: Method = "between_groups", agg: Agg = "worst_case"
) -> NDArray[np.float64]:
    """Return the smaller (or the mean) of the ratios of true and of false positive rates.

    Parameters and result are those of `equalized_odds_difference`, with `ratio` in place of `difference`.
    """
    parts = [ratio(*_rate_for(name, counts, method)) for name in _ODDS]
    return np.asarray(np.minimum(*parts) if _known_agg(agg) == "worst_case" else (parts[0] + parts[1]) / 2)


_ODDS = ("true_positive_rate", "false_positive_rate")


def _known_agg(agg: Agg) -> Agg:
    if agg not in ("worst_case", "mean"):
        raise InputError(f"agg must be 'worst_case' or 'mean', got {agg!r}")
    return agg


def _rate_for(
    name: str, counts: ArrayLike, method: Method
) -> tuple[NDArray[np.float64], Method, NDArray[np.float64]]:
    cells = np.asarray(counts, dtype=np.float64)
    if cells.ndim < 2:
        raise InputError(f"counts must be (..., groups, 4), got shape {cells.shape}")
    by_group, whole = rate_counts(cells, name), rate_counts(cells.sum(axis=-2), name)
    return _share(*by_group), method, _share(*whole)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    undefined = np.full(np.shape(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=undefined, where=np.asarray(whole > 0)))


def _compared(
    values: ArrayLike, method: Method, overall: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    groups = np.asarray(values, dtype=np.float64)
    if groups.ndim == 0 or groups.shape[-1] < 2:
        raise InputError(f"groups can be compared from two on, got values of shape {groups.shape}")
    if method not in ("between_groups", "to_overall"):
        raise InputError(f"method must be 'between_groups' or 'to_overall', got {method!r}")
    if method == "to_overall" and overall is None:
        raise InputError("method 'to_overall' needs overall=, the value over all rows")
    return groups, np.asarray(0.0 if overall is None else overall, dtype=np.float64)[..., np.newaxis]
