"""Shuffled membership: what an attack's figures are when who is a member is drawn by lot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from auditkit.errors import InputError
from auditkit.statistics.roc import tpr_at_fpr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Shuffled", "shuffled_membership"]

_BLOCK = 2_000_000  # labels held at a time


@dataclass(frozen=True, slots=True)
class Shuffled:
    """A figure beside what it is under shuffled membership.

    Attributes
    ----------
    observed : float
        The figure of the attack; ``nan`` where it cannot be resolved.
    p_value : float
        ``(1 + #{shuffled >= observed}) / (1 + shuffles)``: one-sided, exact at any number of rows, ties included
        (Phipson & Smyth 2010). ``nan`` with the figure.
    mean, low, high : float
        Of the shuffled figures, with their 2.5% and 97.5% quantiles.
    shuffles : int
        How many were drawn.
    reason : str
        Why there is no figure; empty otherwise.
    """

    observed: float
    p_value: float
    mean: float
    low: float
    high: float
    shuffles: int
    reason: str = ""


def shuffled_membership(
    scores: ArrayLike,
    member: ArrayLike,
    rng: np.random.Generator,
    *,
    fpr: tuple[float, ...] = (0.1, 0.01, 0.001),
    shuffles: int = 999,
) -> dict[str, Shuffled]:
    """Shuffle who is a member, keep the scores, and count how often the figures come out as high.

    For the AUC DeLong's interval says nearly the same at a few hundred rows. For the true positive rate at a low false
    positive rate it has no match: the interval of the rate is one at a *given* threshold, while the threshold is a
    random one of few non-members. There the shuffles are the test.

    The test is of the ranks: it holds whatever made the scores, and finds any difference between members and others,
    also that they come from different sources. It does not check that the attack itself was kept from the labels.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Higher says member; infinities are allowed, nan is not.
    member : array_like of bool, shape (n,)
        Who is one; both kinds present.
    rng : numpy.random.Generator
        Where the shuffles are drawn from.
    fpr : tuple of float
        False positive rates asked for, each in (0, 1].
    shuffles : int
        At least 19, the fewest that can reach p = 0.05.

    Returns
    -------
    dict of str to Shuffled
        ``"auc"``, and ``"tpr_at_<rate>_fpr"`` for each rate. Time O(n (log n + shuffles)), memory O(n) and a fixed block.

    Raises
    ------
    InputError
        On nan scores, labels that are not boolean or of one kind only, unequal lengths, or too few shuffles.

    References
    ----------
    Phipson & Smyth 2010, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9.

    Examples
    --------
    >>> found = shuffled_membership(range(40), [False] * 20 + [True] * 20, np.random.default_rng(0), fpr=(0.1,))
    >>> found["auc"].observed, found["auc"].p_value, sorted(found)
    (1.0, 0.001, ['auc', 'tpr_at_0.1_fpr'])
    """
    values, flags = _checked(scores, member, shuffles)
    order = np.argsort(-values, kind="stable")
    values, flags = values[order], flags[order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))  # where a run of ties ends
    ranks = rankdata(values)
    points = {f"tpr_at_{rate:g}_fpr": (rate, tpr_at_fpr(values, flags, rate)) for rate in fpr}
    auc = _auc(flags[None], ranks)[0]
    drawn: dict[str, list[NDArray[np.float64]]] = {"auc": [], **{name: [] for name in points}}
    step = max(_BLOCK // flags.size, 1)
    for start in range(0, shuffles, step):
        some = np.tile(flags, (min(step, shuffles - start), 1))
        rng.permuted(some, axis=1, out=some)
        drawn["auc"].append(_auc(some, ranks))
        found = np.cumsum(some, axis=1, dtype=np.int32)[:, ends]
        for name, (rate, _) in points.items():
            drawn[name].append(_tpr(found, ends, rate, int(flags.sum())))
    result = {"auc": _beside(auc, np.concatenate(drawn["auc"]), "")}
    for name, (_, point) in points.items():
        result[name] = _beside(point.tpr, np.concatenate(drawn[name]), point.reason)
    return result


def _auc(member: NDArray[np.bool_], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = int(member[0].sum())
    rank_sum = member @ ranks
    return np.asarray((rank_sum - inside * (inside + 1) / 2) / (inside * (ranks.size - inside)))


def _tpr(found: NDArray[np.int32], ends: NDArray[np.intp], fpr: float, members: int) -> NDArray[np.float64]:
    """Return the rate of members at the lowest threshold whose false positive rate is at most `fpr`; 0 where none is."""
    others = int(ends[-1]) + 1 - members
    false = ends + 1 - found
    reached = (false <= math.floor(fpr * others + 1e-9)).sum(axis=1)
    rows = np.arange(len(found))
    return np.where(reached > 0, found[rows, np.maximum(reached - 1, 0)], 0) / members


def _beside(observed: float, drawn: NDArray[np.float64], reason: str) -> Shuffled:
    if math.isnan(observed):
        return Shuffled(observed, math.nan, math.nan, math.nan, math.nan, drawn.size, reason)
    # equal counts divide to equal numbers, but the rank sums of ties may differ in the last bit
    as_high = int((drawn >= observed - 1e-12).sum())
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Shuffled(
        float(observed),
        (1 + as_high) / (1 + drawn.size),
        float(drawn.mean()),
        float(low),
        float(high),
        drawn.size,
    )


def _checked(
    scores: ArrayLike, member: ArrayLike, shuffles: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(member)
    if values.ndim != 1 or np.isnan(values).any():
        raise InputError(f"scores must be one number a record, none of them nan; got shape {values.shape}")
    if flags.shape != values.shape or flags.dtype != np.bool_:
        raise InputError(f"member must be {values.size} booleans, got {flags.dtype} of shape {flags.shape}")
    if flags.all() or not flags.any():
        raise InputError("member must hold both members and others")
    if shuffles < 19:
        raise InputError(f"shuffles must be at least 19, the fewest that can reach p = 0.05; got {shuffles}")
    return values, flags
