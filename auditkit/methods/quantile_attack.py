"""Quantile regression attack: how high a record's signal stands among what non-members like it would have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from auditkit.errors import InputError
from auditkit.methods._arrays import rounded, vector
from auditkit.methods._threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["LEVELS", "quantile_score"]

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_BEYOND = 10  # population records a level needs beyond it, so that a quantile is not one record
_FLOOR = 0.1  # of the usual width of a unit of normal score: the narrowest, where quantiles meet


def quantile_score(
    target_signal: ArrayLike,
    X: ArrayLike,
    population_signal: ArrayLike,
    population_X: ArrayLike,
    *,
    seed: int,
    categorical: ArrayLike | None = None,
    levels: tuple[float, ...] = LEVELS,
    rows: ArrayLike | None = None,
    population_rows: ArrayLike | None = None,
) -> Floats:
    """Learn from non-members alone how the signal's distribution follows from the inputs; place each record in it.

    No reference models are trained: one gradient-boosted regression a level. The paper asks for one level and calls a
    record above its quantile a member; here the quantiles of all levels are joined to one score.

    Parameters
    ----------
    target_signal : array_like of shape (n,)
        The model's signal for the records under attack, higher for members. The paper takes a margin of logits, which
        `membership.signal` with ``kind="logit"`` comes near.
    X : array_like of shape (n, d)
        Their inputs as numbers, ``nan`` where missing; with a column for the label, where the signal depends on it.
    population_signal, population_X : array_like of shape (m,) and (m, d)
        The same of records that the model was not trained on, and that are not attacked. Splitting the non-members in
        two is up to the caller.
    seed : int
        Of the regressions; it matters above 200,000 population records, of which a sample then sets the bins.
    categorical : array_like of bool, shape (d,), optional
        Columns that hold codes from 0 to 254; all are numbers by default.
    levels : tuple of float
        Increasing, between 0 and 1, 0.5 among them. Those with fewer than 10 population records beyond are left out.
    rows, population_rows : array_like of int, optional
        Where the records come from. Given both, a record that stands on both sides is refused.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        A normal score: about standard normal for non-members, 2.33 where the signal lies at the quantile of 0.99.
        Straight between levels and beyond the outermost, where its slope is that from the middle to the outermost;
        no step is narrower than a tenth of what is usual over the records.

    Raises
    ------
    InputError
        If shapes do not fit, a signal is not finite, a record is on both sides, or the population is below 40 records.

    References
    ----------
    Bertran et al. 2023, "Scalable Membership Inference Attacks via Quantile Regression", NeurIPS; Chernozhukov,
    Fernández-Val & Galichon 2010, Econometrica 78, for the sorting of quantiles that cross.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = rng.random((400, 1))
    >>> score = quantile_score([0.5, 5.0], [[0.5], [0.5]], z[:, 0] + rng.normal(size=400), z, seed=0)
    >>> bool(abs(score[0]) < 1 and score[1] > 2.5)
    True
    """
    own, table = _pair("target_signal", target_signal, "X", X)
    population, population_table = _pair("population_signal", population_signal, "population_X", population_X)
    if table.shape[1] != population_table.shape[1]:
        raise InputError(
            f"X and population_X must have the same columns, got {table.shape[1]} and {population_table.shape[1]}"
        )
    _apart(rows, own.size, population_rows, population.size)
    kept = _levels(levels, population.size)
    options = _options(categorical, table.shape[1], population.size, seed)
    quantiles = _quantiles(population_table, population, table, kept, options)
    return rounded(_placed(own, np.sort(quantiles, axis=0), norm.ppf(kept)))


def _placed(own: Floats, quantiles: Floats, at: Floats) -> Floats:
    """Return where each value stands on the polyline through its quantiles, (levels, n), at the normal scores `at`."""
    middle = int(np.argmin(np.abs(at)))
    spread = float(np.median(quantiles[-1] - quantiles[0]) / (at[-1] - at[0])) if at.size > 1 else 0.0
    least = _FLOOR * spread or 1.0
    steps = np.maximum(np.diff(quantiles, axis=0), least * np.diff(at)[:, None])
    # from the middle outwards, so that a widened step pushes the ends and not the median
    up = quantiles[middle] + np.cumsum(steps[middle:], axis=0)
    down = quantiles[middle] - np.cumsum(steps[:middle][::-1], axis=0)[::-1]
    knots = np.concatenate([down, quantiles[middle][None], up])
    score = np.full(own.size, at[middle])
    for low in range(at.size - 1):
        share = np.clip((own - knots[low]) / (knots[low + 1] - knots[low]), 0.0, 1.0)
        side = share if low >= middle else share - 1.0
        score += (at[low + 1] - at[low]) * side
    for outer, sign in ((knots[-1], 1.0), (knots[0], -1.0)):
        wide = np.abs(outer - knots[middle])
        reach = at[-1] - at[middle] if sign > 0 else at[middle] - at[0]
        slope = np.divide(reach, wide, out=np.full(own.size, 1.0 / least), where=wide > 0)
        score += sign * slope * np.maximum(sign * (own - outer), 0.0)
    return score


def _quantiles(
    X: Floats, signal: Floats, asked: Floats, levels: tuple[float, ...], options: dict[str, Any]
) -> Floats:
    from sklearn.ensemble import HistGradientBoostingRegressor

    with one_thread():
        return np.stack(
            [
                HistGradientBoostingRegressor(loss="quantile", quantile=level, **options)
                .fit(X, signal)
                .predict(asked)
                for level in levels
            ]
        )


def _options(categorical: ArrayLike | None, columns: int, population: int, seed: int) -> dict[str, Any]:
    flags = np.zeros(columns, dtype=np.bool_) if categorical is None else np.asarray(categorical)
    if flags.shape != (columns,) or flags.dtype != np.bool_:
        raise InputError(f"categorical must be {columns} booleans, got {flags.dtype} of shape {flags.shape}")
    return {
        "categorical_features": flags,
        "max_iter": 60,
        "max_leaf_nodes": 15,
        # a leaf sets a quantile: it needs rows beyond it, most of all at the outer levels
        "min_samples_leaf": max(20, min(200, population // 20)),
        "early_stopping": False,
        "random_state": seed,
    }


def _levels(levels: tuple[float, ...], population: int) -> tuple[float, ...]:
    given = np.asarray(levels, dtype=np.float64)
    if (
        given.ndim != 1
        or not ((given > 0) & (given < 1)).all()
        or (np.diff(given) <= 0).any()
        or 0.5 not in levels
    ):
        raise InputError(f"levels must increase between 0 and 1 with 0.5 among them, got {levels}")
    if population < 4 * _BEYOND:
        raise InputError(f"the population must hold at least {4 * _BEYOND} records, got {population}")
    return tuple(
        level for level in levels if level == 0.5 or population * min(level, 1 - level) >= _BEYOND - 1e-9
    )


def _pair(name: str, signal: ArrayLike, table_name: str, X: ArrayLike) -> tuple[Floats, Floats]:
    values, table = vector(name, signal), np.asarray(X, dtype=np.float64)
    if table.ndim != 2 or not table.shape[1] or len(table) != values.size:
        raise InputError(
            f"{table_name} must be ({values.size}, columns) as {name} is, got shape {table.shape}"
        )
    return values, table


def _apart(rows: ArrayLike | None, n: int, population_rows: ArrayLike | None, m: int) -> None:
    if rows is None and population_rows is None:
        return
    if rows is None or population_rows is None:
        raise InputError("rows and population_rows go together: say where both sides come from")
    ours, theirs = np.asarray(rows), np.asarray(population_rows)
    if ours.shape != (n,) or theirs.shape != (m,):
        raise InputError(
            f"rows and population_rows must be ({n},) and ({m},), got {ours.shape} and {theirs.shape}"
        )
    both = np.intersect1d(ours, theirs)
    if both.size:
        raise InputError(
            f"{both.size} records are attacked and in the population as well (the first: {both[0]}): the quantiles "
            "would have learnt their signals. Split the non-members in two, and give each record to one side"
        )
