"""LiRA: how much likelier a record's signal is under models trained on it than under models that were not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.methods._arrays import vector
from auditkit.methods.references import Moments, aligned, moments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Variance", "lira_offline", "lira_online"]

Variance = Literal["fixed", "per_record"]

_FLOOR = 0.1  # of the pooled spread: models that happen to agree do not make a record infinitely sure
_FEWEST = {"fixed": 1, "per_record": 2}


def lira_online(
    target: ArrayLike,
    references: ArrayLike,
    member_mask: ArrayLike,
    *,
    variance: Variance = "fixed",
) -> Floats:
    """Likelihood-ratio attack, online: each record has models trained on it and models that were not.

    The score is ``log N(t; mean_in, sd_in) - log N(t; mean_out, sd_out)``, natural logarithm.

    Parameters
    ----------
    target : array_like of shape (n,)
        The target model's signal for each record, higher for members; near to normal, as the logit of the
        confidence is: `membership.signal` with ``kind="logit"``.
    references : array_like of shape (k, n)
        The same signal of `k` reference models.
    member_mask : array_like of bool, shape (k, n)
        True where the reference was trained on the record.
    variance : {"fixed", "per_record"}
        ``fixed``: one standard deviation a side, pooled over the differences from each record's own mean; at least one
        model a side. The paper's advice below 64 models. (Its published code takes the spread of all signals
        together, which holds the spread between records too.) ``per_record``: one a record and side, unbiased; at
        least two models a side.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Records with the same numbers tie. No spread is taken below a tenth of the larger pooled spread of the two
        sides; where no model differs from another at all, it is taken as 1.

    Raises
    ------
    InputError
        If shapes do not fit, a value is not finite, or a record has too few models on a side.

    Notes
    -----
    With a handful of models a side and a small leak the two means of a record may stand the wrong way round by chance;
    `lira_offline` of the same models can then be the stronger attack.

    References
    ----------
    Carlini et al. 2022, "Membership Inference Attacks From First Principles", IEEE S&P, algorithm 1.

    Examples
    --------
    >>> signals, mask = [[2.0, 0.0], [4.0, 2.0], [0.0, 2.0], [2.0, 4.0]], [[True, False]] * 2 + [[False, True]] * 2
    >>> lira_online([3.0, 1.0], signals, mask).round(6).tolist()  # (2**2 - 0**2) / (2 * 2), and its negative
    [1.0, -1.0]
    """
    own, table, mask = _checked(target, references, member_mask, variance)
    inside, outside = moments(table, mask), moments(table, ~mask)
    _enough(inside, variance, "trained on it")
    _enough(outside, variance, "not trained on it")
    pooled = (inside.pooled(), outside.pooled())
    return _log_density(own, inside, pooled, variance) - _log_density(own, outside, pooled[::-1], variance)


def lira_offline(
    target: ArrayLike,
    references: ArrayLike,
    member_mask: ArrayLike,
    *,
    variance: Variance = "fixed",
) -> Floats:
    """Likelihood-ratio attack, offline: only models that were not trained on the record.

    The score is ``(t - mean_out) / sd_out``. Its normal distribution function is the paper's one-sided probability,
    which orders records the same way until it rounds to 1.

    Parameters
    ----------
    target, references, member_mask
        As in `lira_online`; values of models trained on the record are not read. A mask all False for population
        records.
    variance : {"fixed", "per_record"}
        As in `lira_online`, of this side only. With ``fixed`` records are ordered as by `difficulty_calibrated` of the
        same signal.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        In standard deviations. No spread is taken below a tenth of the pooled one; where no model differs from another
        at all, it is taken as 1.

    Raises
    ------
    InputError
        If shapes do not fit, a value is not finite, or a record has too few models that did not see it.

    References
    ----------
    Carlini et al. 2022, "Membership Inference Attacks From First Principles", IEEE S&P, section 6 on the offline form.

    Examples
    --------
    >>> lira_offline([3.0, 1.0], [[0.0, 0.0], [2.0, 2.0]], [[False, False], [False, False]]).round(4).tolist()
    [1.4142, 0.0]
    """
    own, table, mask = _checked(target, references, member_mask, variance)
    outside = moments(table, ~mask)
    _enough(outside, variance, "not trained on it")
    pooled = outside.pooled()
    return np.asarray((own - outside.mean) / _spread(outside, (pooled, pooled), variance))


def _log_density(own: Floats, side: Moments, pooled: tuple[float, float], variance: str) -> Floats:
    spread = _spread(side, pooled, variance)
    return np.asarray(-0.5 * np.square((own - side.mean) / spread) - np.log(spread))


def _spread(side: Moments, pooled: tuple[float, float], variance: str) -> Floats:
    """Return each record's standard deviation on a side, given the pooled one of this side and of the other."""
    own = next((value for value in pooled if np.isfinite(value)), 0.0)
    floor = _FLOOR * np.nanmax([*pooled, 0.0]) or 1.0
    if variance == "fixed":
        return np.full(side.mean.size, max(own, floor))
    return np.maximum(np.sqrt(side.scatter / (side.models - 1.0)), floor)


def _checked(
    target: ArrayLike, references: ArrayLike, member_mask: ArrayLike, variance: str
) -> tuple[Floats, NDArray[np.floating], NDArray[np.bool_]]:
    if variance not in get_args(Variance):
        raise InputError(f"no variance named {variance!r}.{did_you_mean(variance, get_args(Variance))}")
    own = vector("target", target)
    table, mask = aligned(references, member_mask)
    if table.shape[1] != own.size:
        raise InputError(
            f"target and references must hold the same rows, got {own.size} and {table.shape[1]}"
        )
    return own, table, mask


def _enough(side: Moments, variance: str, which: str) -> None:
    needed = _FEWEST[variance]
    short = int((side.models < needed).sum())
    if short:
        advice = ' or type variance="fixed", which needs 1' if variance == "per_record" else ""
        raise InputError(
            f"variance={variance!r} needs at least {needed} reference model(s) {which} for every record; {short} of "
            f"{side.models.size} records have fewer (the fewest is {int(side.models.min())}). Add complementary "
            f"reference models{advice}"
        )
