"""Cells: what happens to single values of a table by accident, at a stated strength."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError, did_you_mean
from auditkit.methods.feature_space import FeatureSpace, as_matrix

__all__ = ["NAMES", "SEVERITIES", "applicable", "category_swap", "corrupt", "missing", "noise", "rounding", "sweep",
           "unit_slip"]  # fmt: skip

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Corruption = Callable[..., Floats]
Name = Literal["noise", "missing", "category_swap", "unit_slip", "rounding"]

SEVERITIES: dict[Name, tuple[float, ...]] = {
    "noise": (0.0, 0.05, 0.1, 0.2, 0.5, 1.0),
    "missing": (0.0, 0.01, 0.05, 0.1, 0.2, 0.4),
    "category_swap": (0.0, 0.01, 0.05, 0.1, 0.2, 0.4),
    "unit_slip": (0.0, 0.005, 0.01, 0.02, 0.05, 0.1),
    "rounding": (0.0, 0.1, 0.25, 0.5, 1.0, 2.0),
}
NAMES = tuple(SEVERITIES)


def noise(
    X: ArrayLike,
    space: FeatureSpace,
    rng: np.random.Generator,
    strength: float,
    columns: Sequence[str] | None = None,
    *,
    clip: bool = True,
) -> Floats:
    """Add Gaussian noise to numbers, as in Hendrycks and Dietterich 2019 (arXiv 1903.12261) for images.

    Parameters
    ----------
    X : array (n, d)
        Rows; categories as codes, missing as nan.
    space : FeatureSpace
        The columns' kinds, scales and ranges.
    rng : numpy.random.Generator
        Source of the draws, as many at every strength: generators of equal state give one noise at every strength.
    strength : float
        Standard deviation, in multiples of a column's scale.
    columns : sequence of str, optional
        The columns it happens to, those the space calls mutable by default. Categories are left as they are.
    clip : bool
        Keep values within the space's range, or where they were if they started outside.

    Returns
    -------
    array (n, d)
        Changes in an integer column are whole steps. Strength 0 is the identity.

    Raises
    ------
    InputError
        If the strength is negative or a column unknown.
    """
    X, touched = _prepared(X, space, strength, columns, "noise", most=np.inf)
    change = strength * space.scale * rng.standard_normal(X.shape)
    width = np.where(space.step > 0, space.step, 1.0)
    change = np.where(space.step > 0, width * np.rint(change / width), change)
    moved = X + change
    if clip:
        moved = np.clip(moved, np.fmin(space.low, X), np.fmax(space.high, X))
    return np.where(touched, moved, X)


def missing(
    X: ArrayLike,
    space: FeatureSpace,
    rng: np.random.Generator,
    strength: float,
    columns: Sequence[str] | None = None,
) -> Floats:
    """Set cells to nan, completely at random (Rubin 1976); ``strength`` is the rate, 0 to 1.

    Other parameters, returns and errors are those of `noise`; categories are touched too. With equal draws, what is
    missing at one rate is missing at every higher rate.
    """
    X, touched = _prepared(X, space, strength, columns, "missing", most=1.0)
    return np.where(touched & (rng.random(X.shape) < strength), np.nan, X)


def category_swap(
    X: ArrayLike,
    space: FeatureSpace,
    rng: np.random.Generator,
    strength: float,
    columns: Sequence[str] | None = None,
) -> Floats:
    """Record another category, each other one equally likely; ``strength`` is the rate, 0 to 1.

    Other parameters, returns and errors are those of `noise`. Only present values of categorical columns with two
    categories or more are touched.
    """
    X, touched = _prepared(X, space, strength, columns, "category_swap", most=1.0)
    hit, draw = rng.random(X.shape) < strength, rng.random(X.shape)
    size = np.maximum(space.n_categories, 2)
    known = (X >= 0) & (size > X)
    away = 1 + np.floor(draw * (size - 1))
    other = np.where(known, np.mod(X + away, size), np.floor(draw * size))
    return np.where(touched & hit & ~np.isnan(X), other, X)


def unit_slip(
    X: ArrayLike,
    space: FeatureSpace,
    rng: np.random.Generator,
    strength: float,
    columns: Sequence[str] | None = None,
    *,
    factor: float = 1000.0,
) -> Floats:
    """Record numbers in a wrong unit: times or divided by ``factor``, equally likely; ``strength`` is the rate, 0 to 1.

    Other parameters, returns and errors are those of `noise`. Integers are rounded; nothing is clipped, for slips
    leave the range.
    """
    X, touched = _prepared(X, space, strength, columns, "unit_slip", most=1.0)
    if not factor > 0:
        raise InputError(f"unit_slip: expected a factor above 0, got {factor}")
    hit, larger = rng.random(X.shape) < strength, rng.random(X.shape) < 0.5
    slipped = np.where(larger, X * factor, X / factor)
    return np.where(touched & hit, np.where(_whole(space), np.rint(slipped), slipped), X)


def rounding(
    X: ArrayLike,
    space: FeatureSpace,
    rng: np.random.Generator,
    strength: float,
    columns: Sequence[str] | None = None,
) -> Floats:
    """Round numbers to multiples of ``strength`` times the column's scale; nothing is drawn.

    Other parameters, returns and errors are those of `noise`. A value moves by at most half a multiple, and an
    integer then to the nearest whole number.
    """
    X, touched = _prepared(X, space, strength, columns, "rounding", most=np.inf)
    del rng  # one signature for all corruptions
    if strength == 0:
        return X.copy()
    width = strength * space.scale
    rounded = np.rint(X / width) * width
    return np.where(touched, np.where(_whole(space), np.rint(rounded), rounded), X)


CORRUPTIONS: dict[Name, Corruption] = {
    "noise": noise,
    "missing": missing,
    "category_swap": category_swap,
    "unit_slip": unit_slip,
    "rounding": rounding,
}


def corrupt(
    name: str,
    X: ArrayLike,
    space: FeatureSpace,
    rng: np.random.Generator,
    strength: float,
    *,
    columns: Sequence[str] | None = None,
) -> Floats:
    """Apply the corruption called ``name``, one of `NAMES`; see `noise` for the rest."""
    return CORRUPTIONS[_name(name)](X, space, rng, strength, columns)


def applicable(name: str, space: FeatureSpace, columns: Sequence[str] | None = None) -> Bools:
    """Return which columns the corruption called ``name`` can touch, (d,)."""
    chosen = space.mutable if columns is None else space.columns(columns)
    kinds = {"missing": np.ones(len(space.names), dtype=bool), "category_swap": space.n_categories > 1}
    return np.asarray(chosen & kinds.get(_name(name), ~space.categorical))


def sweep(
    name: str,
    X: ArrayLike,
    space: FeatureSpace,
    rng: np.random.Generator,
    strengths: Sequence[float] | None = None,
    *,
    columns: Sequence[str] | None = None,
) -> Iterator[tuple[float, Floats]]:
    """Yield each strength and the rows corrupted by it, from the same draws at every strength.

    Common random numbers: a cell hit at one rate is hit at every higher rate in the same way, so that a curve over
    strengths shows the strength and not the luck of the draw.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    X, space, rng, columns
        As for `noise`.
    strengths : sequence of float, optional
        `SEVERITIES` of that name by default.

    Yields
    ------
    float, array (n, d)
        The strength, and the corrupted rows.
    """
    grid = SEVERITIES[_name(name)] if strengths is None else strengths
    seed = int(rng.integers(2**63))
    for strength in grid:
        yield strength, corrupt(name, X, space, np.random.default_rng(seed), strength, columns=columns)


def _name(name: str) -> Name:
    if name not in SEVERITIES:
        raise InputError(f"no corruption named {name!r}.{did_you_mean(name, NAMES)}")
    return name


def _whole(space: FeatureSpace) -> Bools:
    return np.array([kind == "integer" for kind in space.kind], dtype=bool)


def _prepared(
    X: ArrayLike,
    space: FeatureSpace,
    strength: float,
    columns: Sequence[str] | None,
    name: Name,
    *,
    most: float,
) -> tuple[Floats, Bools]:
    if not 0 <= strength <= most or not np.isfinite(strength):
        raise InputError(f"{name}: expected a strength from 0 to {most:g}, got {strength}")
    return as_matrix(X, "X", len(space.names)), applicable(name, space, columns)
