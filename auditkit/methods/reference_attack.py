"""Reference attack: how high the target's signal stands among models that were not trained on the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, logsumexp

from auditkit.errors import InputError
from auditkit.methods._arrays import vector
from auditkit.methods.references import aligned, moments, out_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["difficulty_calibrated", "reference_percentile", "smooth_reference_score"]

_BLOCK = 1_000_000  # signals held at a time beside those given
_SILVERMAN = 1.06  # times the spread and count**(-1/5): best for normal signals (Silverman 1986)
_PRIOR = 4.0  # how many models' worth the pooled spread counts beside a record's own


def reference_percentile(target: ArrayLike, references: ArrayLike, member_mask: ArrayLike) -> Floats:
    """Place the target's signal among those of the models not trained on the same record (Attack-R).

    Parameters
    ----------
    target : array_like of shape (n,)
        The target model's signal for each record, higher for members.
    references : array_like of shape (k, n)
        The same signal of `k` reference models; values of models trained on the record are not read.
    member_mask : array_like of bool, shape (k, n)
        True where the reference was trained on the record.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        One minus ``(1 + #{out >= target}) / (1 + #out)``: at most a share `alpha` of non-members score ``1 - alpha`` or
        more, ties included, where the target is one more model of the same kind. It takes ``#out + 1`` values only,
        so with few models low false positive rates are out of reach: see `smooth_reference_score`.

    Raises
    ------
    InputError
        If shapes do not fit, a value is not finite, or a record was in the training data of every model.

    References
    ----------
    Ye et al. 2022, "Enhanced Membership Inference Attacks against Machine Learning Models", CCS, attack R.

    Examples
    --------
    >>> reference_percentile([5.0, 0.0], [[1.0, 1.0], [2.0, 2.0], [9.0, 3.0]], [[False, False]] * 3).tolist()
    [0.5, 0.0]
    """
    own, table, out = _checked(target, references, member_mask)
    at_least = np.empty(own.size)
    for part in _blocks(table):
        at_least[part] = ((table[:, part] >= own[part]) & out[:, part]).sum(axis=0)
    return np.asarray(1.0 - (1.0 + at_least) / (1.0 + out.sum(axis=0)))


def smooth_reference_score(target: ArrayLike, references: ArrayLike, member_mask: ArrayLike) -> Floats:
    """Attack-R for few models: the percentile under a smooth density through each record's signals, as log odds.

    Every signal of a model not trained on the record is widened to a normal density of bandwidth
    ``1.06 sd count**(-1/5)`` (Silverman 1986). `sd` is the record's own spread, drawn towards the one pooled over
    records as if four more models had shown that. The log odds order records as the percentile does, and
    tell them apart where it rounds to 0 or 1.

    Parameters
    ----------
    target, references, member_mask
        As in `reference_percentile`.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Natural log odds; 0 in the middle of the record's signals. Where no model differs from another at all, the
        spread is taken as 1.

    Raises
    ------
    InputError
        As `reference_percentile`.

    References
    ----------
    Ye et al. 2022, CCS, attack R and its smoothing of the percentile; the kernel is ours.

    Examples
    --------
    >>> smooth_reference_score([1.0, 9.0], [[0.0, 0.0], [2.0, 2.0]], [[False, False]] * 2).round(3).tolist()[0]
    0.0
    """
    own, table, out = _checked(target, references, member_mask)
    side = moments(table, out)
    pooled = side.pooled()
    if not pooled > 0.0:  # no row has two models, or none of them differ
        pooled = 1.0
    spread = np.sqrt((side.scatter + _PRIOR * pooled**2) / (side.models - 1.0 + _PRIOR))
    width = _SILVERMAN * spread * side.models**-0.2
    score = np.empty(own.size)
    for part in _blocks(table):
        # sorted, so that rows with the same signals from different models add up to the same last bit
        signals = np.sort(np.where(out[:, part], table[:, part], np.inf), axis=0)
        weight = np.isfinite(signals).astype(np.float64)
        apart = (own[part] - np.where(weight > 0, signals, 0.0)) / width[part]
        below, above = (logsumexp(log_ndtr(side_of * apart), axis=0, b=weight) for side_of in (1.0, -1.0))
        score[part] = below - above
    return score


def difficulty_calibrated(target: ArrayLike, references: ArrayLike, member_mask: ArrayLike) -> Floats:
    """Subtract from the target's signal what models not trained on the record say of it on average.

    Parameters
    ----------
    target, references, member_mask
        As in `reference_percentile`.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Signal minus mean signal, in the units of the signal.

    Raises
    ------
    InputError
        As `reference_percentile`.

    References
    ----------
    Watson et al. 2022, "On the Importance of Difficulty Calibration in Membership Inference Attacks", ICLR.

    Examples
    --------
    >>> difficulty_calibrated([5.0, 0.0], [[1.0, 1.0], [3.0, 2.0]], [[False, False], [False, True]]).tolist()
    [3.0, -1.0]
    """
    own, table, out = _checked(target, references, member_mask)
    return np.asarray(own - moments(table, out).mean)


def _checked(
    target: ArrayLike, references: ArrayLike, member_mask: ArrayLike
) -> tuple[Floats, NDArray[np.floating], NDArray[np.bool_]]:
    """Return the signals, and True where a model was not trained on the record."""
    own = vector("target", target)
    table, mask = aligned(references, member_mask)
    if table.shape[1] != own.size:
        raise InputError(
            f"target and references must hold the same rows, got {own.size} and {table.shape[1]}"
        )
    out_mean(table, mask)  # refuses a record without such a model, and values that are not finite
    return own, table, ~mask


def _blocks(table: NDArray[np.floating]) -> Iterator[slice]:
    """Yield stretches of rows, so that what is computed on the way stays small."""
    step = max(_BLOCK // max(len(table), 1), 1)
    for start in range(0, table.shape[1], step):
        yield slice(start, start + step)
