"""Faults: how a column of a feed breaks as a whole: a wrong unit, stale rows, a frozen value, two columns swapped, typos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError, did_you_mean
from auditkit.methods.feature_space import FeatureSpace, as_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TYPOS", "Fault", "alike_pairs", "column_faults", "swap_fault", "typo"]

Floats = NDArray[np.float64]
Typo = Literal["case", "space", "letter"]
TYPOS: tuple[Typo, ...] = get_args(Typo)

_MILES, _FAHRENHEIT = 1.609344, 1.8


def _rounded(x: Floats) -> Floats:
    """Return numbers with one significant digit."""
    size = np.abs(np.where(np.isfinite(x) & (x != 0), x, 1.0))
    unit = 10.0 ** np.floor(np.log10(size))
    return np.asarray(np.rint(x / unit) * unit)


_ON_NUMBERS: dict[str, Callable[[Floats], Floats]] = {
    "× 1000": lambda x: x * 1000,
    "÷ 1000": lambda x: x / 1000,
    "× 100": lambda x: x * 100,
    "÷ 100": lambda x: x / 100,
    "× 12": lambda x: x * 12,
    "÷ 12": lambda x: x / 12,
    "km as miles": lambda x: x / _MILES,
    "miles as km": lambda x: x * _MILES,
    "°C as °F": lambda x: x * _FAHRENHEIT + 32,
    "°F as °C": lambda x: (x - 32) / _FAHRENHEIT,
    "sign turned": lambda x: -x,
    "decimals cut": np.trunc,
    "last digit lost": lambda x: np.trunc(x / 10),
    "one digit kept": _rounded,
    "frozen at 0": np.zeros_like,
    "frozen at its median": lambda x: np.full_like(x, _median(x)),
}
_ON_ANY: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "of the row before": lambda x, _: np.roll(x, 1),
    "of rows at random": lambda x, rng: rng.permutation(x),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a feed breaks.

    Attributes
    ----------
    kind : str
        What happened: "× 1000", "swapped".
    columns : tuple of int
        Where.
    words : str
        Both, as a reader is told: "income × 1000".
    change : callable
        Takes rows (n, d) and a `numpy.random.Generator`, gives rows (n, d).
    """

    kind: str
    columns: tuple[int, ...]
    words: str
    change: Callable[[Floats, np.random.Generator], Floats]

    def broken(self, X: ArrayLike, rng: np.random.Generator) -> Floats:
        """Return the rows with the fault, (n, d); the input is not written to."""
        return self.change(np.array(X, dtype=np.float64), rng)


def column_faults(space: FeatureSpace, columns: Sequence[int] | None = None) -> tuple[Fault, ...]:
    """Return the faults of single columns, each of which spoils all rows of one column.

    Numbers: wrong units (factors 1000, 100 and 12, miles, degrees), the sign, digits cut or lost, a value frozen at 0 or the median.
    All columns: values of the row before, or of rows at random; categories also frozen at the most frequent one. The kinds are
    those of data validation at scale (Breck et al. 2019, "Data validation for machine learning") and of the review of dirty data by
    Kim et al. 2003 ("A taxonomy of dirty data").

    Parameters
    ----------
    space : FeatureSpace
        The columns' names and kinds.
    columns : sequence of int, optional
        Which of them; all by default.

    Returns
    -------
    tuple of Fault
        A whole number stays whole, rounded as `unit_slip` does it; missing values stay missing but where rows are exchanged.

    Examples
    --------
    >>> space = FeatureSpace.infer([[1.5], [2.5]], ["continuous"], ["dose"])
    >>> fault = column_faults(space)[0]
    >>> fault.words, fault.broken([[1.5], [2.5]], np.random.default_rng(0)).tolist()
    ('dose × 1000', [[1500.0], [2500.0]])
    """
    found: list[Fault] = []
    for j in range(len(space.names)) if columns is None else columns:
        name, coded = space.names[j], space.kind[j] == "categorical"
        whole = space.kind[j] == "integer"
        if coded:
            found.append(
                Fault("frozen", (j,), f"{name} frozen at its most frequent", _on_numbers(j, _frequent))
            )
        for kind, change in {} if coded else _ON_NUMBERS.items():
            if kind != "decimals cut" or not whole:
                found.append(Fault(kind, (j,), f"{name} {kind}", _on_numbers(j, change, whole=whole)))
        found.extend(
            Fault(kind, (j,), f"{name} {kind}", _on_any(j, change)) for kind, change in _ON_ANY.items()
        )
    return tuple(found)


def swap_fault(space: FeatureSpace, first: int, second: int) -> Fault:
    """Return the fault that two columns of numbers stand in each other's place; whole numbers are rounded where they must be.

    Raises
    ------
    InputError
        If a column is categorical: its codes mean nothing in another column.
    """
    if "categorical" in (space.kind[first], space.kind[second]):
        raise InputError(
            "swap_fault: expected two columns of numbers; exchange categories in the table itself"
        )

    def change(X: Floats, _: np.random.Generator) -> Floats:
        X[:, [first, second]] = X[:, [second, first]]
        for j in (first, second):
            if space.kind[j] == "integer":
                X[:, j] = np.rint(X[:, j])
        return X

    return Fault(
        "swapped", (first, second), f"{space.names[first]} and {space.names[second]} swapped", change
    )


def alike_pairs(
    X: ArrayLike, space: FeatureSpace, columns: Sequence[int] | None = None, *, most: int = 30
) -> list[tuple[int, int]]:
    """Return pairs of numeric columns that could pass for each other, the most alike first.

    Each one's median lies within the range of the other: what would catch the swap at a glance does not.

    Parameters
    ----------
    X : array (n, d)
        Rows; missing as nan.
    space : FeatureSpace
        The columns.
    columns : sequence of int, optional
        Which of them; all by default.
    most : int
        Pairs at most.

    Returns
    -------
    list of (int, int)
        Ordered by the distance of the medians in pooled spreads.
    """
    X = as_matrix(X, "X", len(space.names))
    chosen = [
        j
        for j in (range(len(space.names)) if columns is None else columns)
        if space.kind[j] != "categorical" and np.isfinite(X[:, j]).any()
    ]
    middle = {j: float(np.nanmedian(X[:, j])) for j in chosen}
    ends = {j: (float(np.nanmin(X[:, j])), float(np.nanmax(X[:, j]))) for j in chosen}
    found = []
    for at, i in enumerate(chosen):
        for j in chosen[at + 1 :]:
            if ends[j][0] <= middle[i] <= ends[j][1] and ends[i][0] <= middle[j] <= ends[i][1]:
                spread = float(np.hypot(space.scale[i], space.scale[j]))
                found.append((abs(middle[i] - middle[j]) / spread, i, j))
    return [(i, j) for _, i, j in sorted(found)[:most]]


def typo(word: str, kind: Typo, known: Sequence[str] = ()) -> str:
    """Return a word mistyped: in another case, with a space behind it, or with its last letter changed.

    Parameters
    ----------
    word : str
        The category.
    kind : {"case", "space", "letter"}
        What happened.
    known : sequence of str
        Categories that exist; a typo that gives one of them is no typo, and the word comes back unchanged.

    Raises
    ------
    InputError
        On an unknown kind.

    Examples
    --------
    >>> [typo("male", kind) for kind in TYPOS]
    ['MALE', 'male ', 'malf']
    """
    if kind not in TYPOS:
        raise InputError(f"no typo named {kind!r}.{did_you_mean(kind, TYPOS)}")
    if kind == "case":
        wrong = word.lower() if word == word.upper() else word.upper()
    elif kind == "space":
        wrong = word + " "
    else:
        last = word[-1:]
        wrong = (
            word[:-1] + (chr(ord(last) - 1) if last in {"z", "Z", "9"} else chr(ord(last) + 1))
            if last
            else "x"
        )
    return word if wrong in known else wrong


def _on_numbers(
    j: int, change: Callable[[Floats], Floats], *, whole: bool = False
) -> Callable[[Floats, np.random.Generator], Floats]:
    def apply(X: Floats, _: np.random.Generator) -> Floats:
        wrong = change(X[:, j])
        X[:, j] = np.where(np.isnan(X[:, j]), np.nan, np.rint(wrong) if whole else wrong)
        return X

    return apply


def _on_any(
    j: int, change: Callable[[Floats, np.random.Generator], Floats]
) -> Callable[[Floats, np.random.Generator], Floats]:
    def apply(X: Floats, rng: np.random.Generator) -> Floats:
        X[:, j] = change(X[:, j], rng)
        return X

    return apply


def _median(x: Floats) -> float:
    """Return the lower median, a value that occurs; nan where there is none."""
    seen = np.sort(x[~np.isnan(x)])
    return float(seen[(len(seen) - 1) // 2]) if len(seen) else float("nan")


def _frequent(x: Floats) -> Floats:
    values, counts = np.unique(x[~np.isnan(x)], return_counts=True)
    return np.full_like(x, values[counts.argmax()] if len(values) else np.nan)
