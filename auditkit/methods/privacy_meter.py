"""Privacy Meter: its RMIA as published, defects included, to hold its figures against ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._arrays import in_unit, vector
from auditkit.methods.references import aligned

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["rmia_as_privacy_meter"]

_BLOCK = 1_000_000  # signals held at a time beside those given


def rmia_as_privacy_meter(
    p_target: ArrayLike,
    p_references: ArrayLike,
    member_mask: ArrayLike,
    z_target: ArrayLike,
    z_references: ArrayLike,
    *,
    a: float,
    kept: int | None = None,
) -> Floats:
    """RMIA as Privacy Meter computes it: offline, gamma 1, strict comparison. For comparison only.

    This follows `run_rmia` of Privacy Meter's repository (``modules/mia/attacks/rmia.py``), which is newer than the
    population, reference and shadow metrics of its release 1.0.1. It differs from `rmia_offline` in four ways:

    - A population record counts where ``ratio(x) / ratio(z) > 1``, strictly, and gamma is always 1.
    - Values of models trained on a record are set to 0, and the `kept` highest are averaged, zeros among them where
      fewer than `kept` models did not see the record.
    - For population records, which no model saw, the same rule keeps the *highest* `kept` of all references, so that
      ``Pr(z)`` is too high. Scores are then too high; none changes place, but more of them tie at 1, which costs true
      positives where false ones are to be rare.
    - With ``kept=1`` the values of models trained on the record are not set to 0 but taken back through
      ``p_out = (p_in + a - 1) / a``, and with 0.3 in place of an `a` of 0; all are averaged, also for the population.

    Pairs are counted by one sort and one search in place of the n x m table; the count is the same to the last bit.

    Parameters
    ----------
    p_target : array_like of shape (n,)
        The target model's probability of each record's true class.
    p_references : array_like of shape (k, n)
        The same of `k` reference models. Privacy Meter leaves out the target and the model paired with it before this.
    member_mask : array_like of bool, shape (k, n)
        True where the reference was trained on the record.
    z_target : array_like of shape (m,)
    z_references : array_like of shape (k, m)
        Both for population records.
    a : float
        Its `offline_a`, from 0 to 1.
    kept : int, optional
        Its `num_reference_models`; half of the references when not given, and at least 1.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        From 0 to 1; higher for members. 0 where a ratio is 0 / 0.

    Raises
    ------
    InputError
        If a shape does not fit, a probability lies outside 0 to 1, or `a` or `kept` is out of range.

    References
    ----------
    Zarifzadeh, Liu & Shokri 2024, arXiv 2312.03262; Privacy Meter, github.com/privacytrustlab/ml_privacy_meter.

    Examples
    --------
    >>> mask, z = [[True], [False]], [[0.5, 0.2], [0.5, 0.4]]
    >>> rmia_as_privacy_meter([0.9], [[0.8], [0.5]], mask, [0.45, 0.9], z, a=1.0).tolist()
    [0.5]
    """
    own, z_own = vector("p_target", p_target), vector("z_target", z_target)
    table, mask = aligned(p_references, member_mask)
    z_table = np.asarray(z_references, dtype=np.float64)
    if table.shape[1] != own.size or z_table.shape != (len(table), z_own.size):
        raise InputError(
            f"p_references must be (k, {own.size}) and z_references (k, {z_own.size}), "
            f"got {table.shape} and {z_table.shape}"
        )
    if z_own.size == 0:
        raise InputError("z_target is empty: RMIA compares with population records")
    if not 0.0 <= a <= 1.0:
        raise InputError(f"a must be from 0 to 1, got {a}")
    keep = max(len(table) // 2, 1) if kept is None else kept
    if not 1 <= keep <= len(table):
        raise InputError(f"kept must be from 1 to {len(table)} reference models, got {kept}")
    for name, values in (
        ("p_target", own),
        ("p_references", table),
        ("z_target", z_own),
        ("z_references", z_table),
    ):
        in_unit(name, np.asarray(values, dtype=np.float64))
    ratio = _ratio(own, table, mask, a, keep)
    # no population ratio is negative, so x / z > 1 wherever x > z, also after rounding
    bars = np.sort(_ratio(z_own, z_table, np.zeros(z_table.shape, dtype=np.bool_), a, keep))  # nan goes last
    order = np.argsort(ratio)
    dominated = np.empty(own.size)
    dominated[order] = np.searchsorted(bars, ratio[order], side="left")
    return np.asarray(np.where(np.isnan(ratio), 0.0, dominated) / bars.size)


def _ratio(own: Floats, table: NDArray[np.floating], mask: NDArray[np.bool_], a: float, keep: int) -> Floats:
    mean = np.empty(own.size)
    step = max(_BLOCK // len(table), 1)
    for start in range(0, own.size, step):
        part = slice(start, start + step)
        # rows first, highest first, added along the last axis, as there: then even the last bit agrees
        signals, inside = np.ascontiguousarray(table[:, part].T), np.ascontiguousarray(mask[:, part].T)
        if keep > 1:
            highest = np.sort(np.where(inside, 0.0, signals), axis=1)[:, ::-1]
            used = np.ascontiguousarray(highest[:, :keep])
        else:
            used = np.where(inside, (signals + a - 1) / a if a != 0 else (signals - 0.7) / 0.3, signals)
        mean[part] = np.mean(used, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(own / ((1 + a) / 2 * mean + (1 - a) / 2))
