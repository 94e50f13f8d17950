"""Robust membership inference (RMIA): which records the target explains better than it does the population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from auditkit.errors import InputError
from auditkit.methods._arrays import TINY, in_unit, rounded, same_length, vector
from auditkit.methods.references import out_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["OfflineChoice", "choose_offline_a", "likelihood_ratio", "rmia_offline", "rmia_online"]


@dataclass(frozen=True, slots=True)
class OfflineChoice:
    """The offline `a` that attacked a reference model best.

    Attributes
    ----------
    a : float
        The choice; the smallest where several do equally well.
    grid, auc : tuple of float
        Each value tried, and the area under the ROC curve it reached on the paired reference model.
    """

    a: float
    grid: tuple[float, ...]
    auc: tuple[float, ...]


def rmia_offline(
    p_target: ArrayLike,
    p_out_mean: ArrayLike,
    z_target: ArrayLike,
    z_out_mean: ArrayLike,
    *,
    a: float,
    gamma: float = 1.0,
    strict: bool = False,
) -> NDArray[np.float64]:
    """Robust membership inference, offline: the share of population records each record dominates.

    ``ratio(x) = p_target(x) / Pr(x)`` with ``Pr(x) = ((1 + a) p_out(x) + (1 - a)) / 2``, and the score is the
    share of population records `z` with ``ratio(x) >= gamma * ratio(z)``. Pairs are counted by one sort
    and one search: O((n + m) log m) time, O(n + m) memory, ties exact.

    Parameters
    ----------
    p_target : array_like of shape (n,)
        The target model's probability of each record's true class.
    p_out_mean : array_like of shape (n,)
        The same, averaged over reference models not trained on the record: see `references.out_mean`.
    z_target, z_out_mean : array_like of shape (m,)
        Both for population records, which the target was not trained on.
    a : float
        From 0 to 1: how the probability under models trained on a record follows from `p_out`, as
        ``p_in = a p_out + 1 - a``. See `choose_offline_a`.
    gamma : float
        How far a record has to dominate; positive.
    strict : bool
        Count ``>`` in place of ``>=``; matters only where ratios tie.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        From 0 to 1.

    Raises
    ------
    InputError
        If a shape does not fit, a probability lies outside 0 to 1, or `a` or `gamma` is out of range.

    References
    ----------
    Zarifzadeh, Liu & Shokri 2024, "Low-Cost High-Power Membership Inference Attacks", ICML, arXiv 2312.03262.

    Examples
    --------
    >>> rmia_offline([0.9, 0.5], [0.5, 0.5], [0.6, 0.4, 0.5], [0.5, 0.5, 0.5], a=1.0).round(3).tolist()
    [1.0, 0.667]
    """
    if not 0.0 <= a <= 1.0:
        raise InputError(f"a must be from 0 to 1, got {a}")
    ratio = _ratio(("p_target", p_target), ("p_out_mean", p_out_mean), a)
    z_ratio = _ratio(("z_target", z_target), ("z_out_mean", z_out_mean), a)
    return _dominated(ratio, z_ratio, gamma, strict=strict)


def rmia_online(
    p_target: ArrayLike,
    p_in_mean: ArrayLike,
    p_out_mean: ArrayLike,
    z_target: ArrayLike,
    z_mean: ArrayLike,
    *,
    gamma: float = 1.0,
    strict: bool = False,
) -> NDArray[np.float64]:
    """Robust membership inference, online: models trained on the record are known beside those that were not.

    As `rmia_offline`, with ``Pr(x) = (p_in(x) + p_out(x)) / 2`` measured and no `a` to choose. Population records are
    in no model's training data, so ``Pr(z)`` is the mean over all of them.

    Parameters
    ----------
    p_target : array_like of shape (n,)
        The target model's probability of each record's true class.
    p_in_mean, p_out_mean : array_like of shape (n,)
        The same, averaged over reference models trained on the record, and over those that were not: see
        `references.in_mean` and `references.out_mean`.
    z_target, z_mean : array_like of shape (m,)
        The target's probability for population records, and its mean over all reference models.
    gamma : float
        How far a record has to dominate; positive.
    strict : bool
        Count ``>`` in place of ``>=``; matters only where ratios tie.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        From 0 to 1; higher for members. The ratio behind it is `likelihood_ratio` of the mean of the two means, with
        ``a=1``.

    Raises
    ------
    InputError
        If a shape does not fit, a probability lies outside 0 to 1, or `gamma` is out of range.

    References
    ----------
    Zarifzadeh, Liu & Shokri 2024, "Low-Cost High-Power Membership Inference Attacks", ICML, arXiv 2312.03262.

    Examples
    --------
    >>> rmia_online([0.9, 0.5], [0.9, 0.9], [0.5, 0.3], [0.6, 0.4], [0.5, 0.5]).tolist()
    [1.0, 0.5]
    """
    p_in, p_out = vector("p_in_mean", p_in_mean), vector("p_out_mean", p_out_mean)
    same_length("p_in_mean", p_in, "p_out_mean", p_out)
    in_unit("p_in_mean", p_in)
    in_unit("p_out_mean", p_out)
    ratio = _ratio(("p_target", p_target), ("p_in_mean", (p_in + p_out) / 2.0), 1.0)
    return _dominated(ratio, _ratio(("z_target", z_target), ("z_mean", z_mean), 1.0), gamma, strict=strict)


def likelihood_ratio(p_target: ArrayLike, p_out_mean: ArrayLike, *, a: float) -> NDArray[np.float64]:
    """Return RMIA's ratio of each record: the target's probability over that of the average model.

    With one population for all records, `rmia_offline` orders records as this ratio does, with ties.

    Parameters
    ----------
    p_target, p_out_mean : array_like of shape (n,)
        As in `rmia_offline`.
    a : float
        From 0 to 1, as in `rmia_offline`.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Kept to 40 bits, so that ratios which differ by rounding only tie.

    Raises
    ------
    InputError
        If a shape does not fit or a probability lies outside 0 to 1.

    References
    ----------
    Zarifzadeh, Liu & Shokri 2024, arXiv 2312.03262, equation 2 and appendix on the offline form.

    Examples
    --------
    >>> likelihood_ratio([0.9], [0.5], a=1.0).round(9).tolist()
    [1.8]
    """
    return _ratio(("p_target", p_target), ("p_out_mean", p_out_mean), a)


def choose_offline_a(
    p_references: ArrayLike,
    member_mask: ArrayLike,
    z_references: ArrayLike,
    *,
    paired: int = 0,
    gamma: float = 1.0,
    strict: bool = False,
    grid: ArrayLike | None = None,
) -> OfflineChoice:
    """Choose RMIA's offline `a` by attacking a reference model, whose own training rows are known.

    The target is not an argument: choosing `a` by how well it separates the target's members would report
    the best of many attacks. Reference `paired` plays the target, the others are its references; its
    exact complement, where there is one, is left out, so that rows inside and outside its training
    half are averaged over equally many models.

    Parameters
    ----------
    p_references : array_like of shape (k, n)
        Each reference model's probability of each record's true class. At least 4 complementary halves.
    member_mask : array_like of bool, shape (k, n)
        True where the reference was trained on the record.
    z_references : array_like of shape (k, m)
        Each reference's probabilities on population records that none of them was trained on.
    paired : int
        Which reference plays the target.
    gamma, strict
        As in `rmia_offline`.
    grid : array_like of float, optional
        Values to try, each from 0 to 1; 0, 0.1, ..., 1 by default.

    Returns
    -------
    OfflineChoice

    Raises
    ------
    InputError
        If shapes do not fit, or the paired reference leaves nothing to compare with.

    References
    ----------
    Zarifzadeh, Liu & Shokri 2024, arXiv 2312.03262, section 3 and appendix on the choice of `a`.
    """
    table, mask = np.asarray(p_references, dtype=np.float64), np.asarray(member_mask)
    z_table = np.asarray(z_references, dtype=np.float64)
    _check_references(table, mask, z_table, paired)
    own = mask[paired]
    others = (np.arange(len(table)) != paired) & ~(mask == ~own).all(axis=1)
    if not others.any() or mask[others].all(axis=0).any():
        raise InputError(
            f"no other reference is left for every record once reference {paired} plays the target; "
            "train at least 4 references on complementary halves"
        )
    p_out = out_mean(table[others], mask[others])
    z_out = z_table[others].mean(axis=0)
    tried = np.linspace(0.0, 1.0, 11) if grid is None else vector("grid", grid)
    aucs = [
        _auc(rmia_offline(table[paired], p_out, z_table[paired], z_out, a=a, gamma=gamma, strict=strict), own)
        for a in tried.tolist()
    ]
    best = min(zip(tried.tolist(), aucs, strict=True), key=lambda pair: (-pair[1], pair[0]))[0]
    return OfflineChoice(best, tuple(tried.tolist()), tuple(aucs))


def _check_references(
    table: NDArray[np.float64], mask: NDArray[np.bool_], z_table: NDArray[np.float64], paired: int
) -> None:
    if table.ndim != 2 or table.shape != mask.shape or mask.dtype != np.bool_:
        raise InputError(
            "p_references and member_mask must both be (references, rows) and the mask boolean, "
            f"got {table.shape} and {mask.dtype} of shape {mask.shape}"
        )
    if z_table.ndim != 2 or len(z_table) != len(table):
        raise InputError(f"z_references must be ({len(table)}, population rows), got {z_table.shape}")
    if not 0 <= paired < len(table):
        raise InputError(f"paired must be a reference from 0 to {len(table) - 1}, got {paired}")
    if mask[paired].all() or not mask[paired].any():
        raise InputError(
            f"reference {paired} needs rows inside and outside its training data to play the target"
        )


def _ratio(target: tuple[str, ArrayLike], out: tuple[str, ArrayLike], a: float) -> NDArray[np.float64]:
    own, mean = vector(*target), vector(*out)
    same_length(target[0], own, out[0], mean)
    in_unit(target[0], own)
    in_unit(out[0], mean)
    expected = ((1.0 + a) * mean + (1.0 - a)) / 2.0
    # with a = 1 a record the references rule out has expected = 0
    return rounded(own / np.maximum(expected, TINY))


def _dominated(
    ratio: NDArray[np.float64], z_ratio: NDArray[np.float64], gamma: float, *, strict: bool
) -> NDArray[np.float64]:
    """Return the share of population ratios that each ratio reaches, `gamma` times over."""
    if not (gamma > 0.0 and np.isfinite(gamma)):
        raise InputError(f"gamma must be a positive number, got {gamma}")
    if z_ratio.size == 0:
        raise InputError("z_target is empty: RMIA compares with population records")
    with np.errstate(over="ignore"):
        bars = np.sort(gamma * z_ratio)
    order = np.argsort(ratio)  # asking in order keeps the search in the cache: several times quicker at 1e6
    dominated = np.empty(ratio.size, dtype=np.float64)
    dominated[order] = np.searchsorted(bars, ratio[order], side="left" if strict else "right")
    return dominated / bars.size


def _auc(scores: NDArray[np.float64], member: NDArray[np.bool_]) -> float:
    inside = int(member.sum())
    rank_sum = float(rankdata(scores)[member].sum())
    return (rank_sum - inside * (inside + 1) / 2) / (inside * (member.size - inside))
