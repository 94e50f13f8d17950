"""Generalisation: values made coarser until nobody is alone, and what that takes from them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import InputError
from auditkit.methods.days import days_of
from auditkit.nouns import counted
from auditkit.progress import step

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Axis", "Generalised", "mondrian"]

Ints = NDArray[np.int64]
_MOST_DIGITS = 15  # of a number that a float holds exactly
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?\Z", re.ASCII)


@dataclass(frozen=True, eq=False)
class Axis:
    """A quasi-identifier as ordered codes.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        The place of each record's value among `values`; -1 where it is missing.
    values : ndarray of shape (m,)
        The values, in order: numbers rising, also where they are text; days of dates (`datetime.date.toordinal`), also where they are text that can be
        read in one way; categories in the order they were declared in, else that of their names.
    numeric : bool
        Whether values are numbers, or days.
    dates : bool
        Whether they are days.
    digits : int
        Digits that each value is written with, zeros before among them; 0 where numbers are written as they come.
    """

    codes: Ints
    values: NDArray[Any]
    numeric: bool
    dates: bool = False
    digits: int = 0

    @classmethod
    def of(cls, name: str, column: Any) -> Axis:
        """Read a column: an array, a list or a pandas series.

        Raises
        ------
        InputError
            If its values have no order at all, or are infinite.
        """
        import pandas as pd

        series = pd.Series(column)
        if isinstance(series.dtype, pd.CategoricalDtype):
            known = series.cat.remove_unused_categories()
            names = known.cat.categories.to_numpy(dtype=object)
            return cls(np.asarray(known.cat.codes, dtype=np.int64), names, numeric=False)
        numeric = pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)
        if numeric:
            numbers = series.to_numpy(dtype=float, na_value=np.nan)
            if np.isinf(numbers).any():
                raise InputError(
                    f"column {name!r} holds infinite values, which lie in no range: correct them first"
                )
            values, codes = np.unique(numbers[~np.isnan(numbers)], return_inverse=True)
            out = np.full(len(numbers), -1, dtype=np.int64)
            out[~np.isnan(numbers)] = codes
            return cls(out, values, numeric=True)
        dates = pd.api.types.is_datetime64_any_dtype(series)
        words = series.dt.strftime("%Y-%m-%d") if dates else series.map(str)
        return _of_words(words.where(series.notna()))

    def span(self, low: int, high: int) -> float:
        """Return how far two places are apart: the difference of numbers, the steps between categories."""
        low = max(low, 0)
        if high <= low or not len(self.values):
            return 0.0
        return float(self.values[high] - self.values[low]) if self.numeric else float(high - low)

    @property
    def width(self) -> float:
        """The span of all values."""
        return self.span(0, len(self.values) - 1)


@dataclass(frozen=True, eq=False)
class Generalised:
    """Records in classes of at least `k`, each with ranges instead of values.

    Attributes
    ----------
    k : int
        What was asked for.
    classes : ndarray of int, shape (n,)
        The class of each record.
    axes : dict of str to Axis
        The quasi-identifiers.
    low, high : dict of str to ndarray of int, shape (classes,)
        The places between which each class lies; a low of -1 says that missing values are among them.
    """

    k: int
    classes: Ints
    axes: dict[str, Axis]
    low: dict[str, Ints]
    high: dict[str, Ints]

    @property
    def sizes(self) -> Ints:
        """Records of each class."""
        return np.bincount(self.classes, minlength=0)

    def penalty(self, name: str) -> float:
        """Return the share of a column that was given up, 0 to 1: the mean over records of range by whole range.

        The normalised certainty penalty of Xu et al. 2006, "Utility-based anonymization using local recoding", KDD. Of categories without a
        hierarchy a range counts its steps. Of a class in which missing values stand beside others all is given up: whether there is a value is
        not told any more.
        """
        axis, low, high = self.axes[name], self.low[name], self.high[name]
        if not len(self.classes):
            return 0.0
        lost = np.array([_lost(axis, int(a), int(b)) for a, b in zip(low, high, strict=True)])
        return float(lost[self.classes].mean())

    @property
    def loss(self) -> float:
        """The mean of the penalties of all columns, 0 where nothing changed, 1 where every column says "any"."""
        return float(np.mean([self.penalty(name) for name in self.axes])) if self.axes else 0.0

    @property
    def discernibility(self) -> int:
        """Records that a record is not told from, itself among them, summed over records (Bayardo and Agrawal 2005)."""
        return int(np.square(self.sizes).sum())

    def words(self, name: str) -> NDArray[Any]:
        """Return the column as it may be passed on, shape (n,): text where a class holds several values, else the value.

        Numbers read "23 to 31", those of one length with zeros before "04785 to 05157", dates "1984-02-29 to 1990-12-31". Of categories all between two ends are named, whether or not a record of the class has them. Missing values that
        share a class with others read "... or missing"; a class of missing values alone stays missing.
        """
        axis = self.axes[name]
        told = [_told(axis, int(a), int(b)) for a, b in zip(self.low[name], self.high[name], strict=True)]
        out = np.empty(len(told), dtype=object)
        out[:] = told
        return np.asarray(out[self.classes])


def mondrian(columns: Mapping[str, Any], k: int) -> Generalised:
    """Cut records into classes of at least `k`, each as narrow as halving at medians gets it.

    The greedy strict partitioning of LeFevre, DeWitt and Ramakrishnan 2006, "Mondrian multidimensional k-anonymity", ICDE: a class is cut at the median
    of the column in which it is widest, beside the whole column's width; where a side would have fewer than `k`, the next column is tried. It is
    not optimal: no efficient method is, and another order of cuts may lose less.

    Parameters
    ----------
    columns : mapping of str to column of shape (n,)
        The quasi-identifiers. A missing value lies below all others.
    k : int
        Records a class holds at least, from 2.

    Returns
    -------
    Generalised

    Raises
    ------
    InputError
        If there is no column, lengths differ, or there are fewer than `k` records.

    Examples
    --------
    >>> found = mondrian({"age": [21, 23, 35, 38], "sex": ["f", "f", "m", "m"]}, 2)
    >>> found.words("age").tolist(), found.words("sex").tolist()
    (['21 to 23', '21 to 23', '35 to 38', '35 to 38'], ['f', 'f', 'm', 'm'])
    """
    if k < 2:
        raise InputError(f"k must be at least 2, got {k!r}: a class of one record hides nobody")
    if not columns:
        raise InputError("no quasi-identifier given: name at least one column")
    axes = {name: Axis.of(name, column) for name, column in columns.items()}
    sizes = {name: len(axis.codes) for name, axis in axes.items()}
    n = next(iter(sizes.values()))
    if len(set(sizes.values())) > 1:
        raise InputError(f"the columns must have one length; got {sizes}")
    if n < k:
        raise InputError(
            f"{counted(n, 'record')} cannot make a class of {k}: give more records, or a smaller k"
        )
    table = np.column_stack([axis.codes for axis in axes.values()])
    every = list(axes.values())
    done: list[Ints] = []
    left = [np.arange(n)]
    while left:
        rows = left.pop()
        parts = _cut(table, rows, every, k)
        if parts is None:
            done.append(rows)
            step(sum(map(len, done)) / n, counted(len(done), "class", "classes"))
        else:
            left += reversed(parts)
    classes = np.empty(n, dtype=np.int64)
    for number, rows in enumerate(done):
        classes[rows] = number
    low = {name: np.array([table[rows, j].min() for rows in done]) for j, name in enumerate(axes)}
    high = {name: np.array([table[rows, j].max() for rows in done]) for j, name in enumerate(axes)}
    return Generalised(k, classes, axes, low, high)


def _of_words(words: Any) -> Axis:
    """Return text as an axis: days where every value is a date, numbers where all have as many digits and some zeros before, else in order: of numbers, or of letters."""
    import pandas as pd

    places, known = pd.factorize(words)
    told = list(map(str, known))
    if (days := days_of(told)) is not None:
        values, ranks = np.unique(np.array(days, dtype=np.int64), return_inverse=True)
        return Axis(np.append(ranks, -1)[places].astype(np.int64), values, numeric=True, dates=True)
    if digits := _digits(told):
        values, ranks = np.unique(np.array(told, dtype=np.int64), return_inverse=True)
        return Axis(np.append(ranks, -1)[places].astype(np.int64), values, numeric=True, digits=digits)
    numbers = all(map(_NUMBER.match, told))
    rank = sorted(range(len(told)), key=lambda j: (Decimal(told[j]) if numbers else 0, told[j]))
    place = np.empty(len(told) + 1, dtype=np.int64)
    place[rank] = np.arange(len(told))
    place[-1] = -1  # missing
    names = np.empty(len(told), dtype=object)
    names[:] = [known[j] for j in rank]
    return Axis(place[places], names, numeric=False)


def _digits(told: list[str]) -> int:
    """Return how many digits every value has, where all have as many and zeros stand before some, as in postcodes; else 0."""
    width = len(told[0]) if told else 0
    alike = 1 < width <= _MOST_DIGITS and all(
        len(one) == width and one.isascii() and one.isdigit() for one in told
    )
    return width if alike and any(one[0] == "0" for one in told) else 0


def _cut(table: Ints, rows: Ints, axes: list[Axis], k: int) -> list[Ints] | None:
    """Return two parts of at least `k` records, cut in the widest column that allows it; None where none does."""
    if len(rows) < 2 * k:
        return None
    part = table[rows]
    low, high = part.min(axis=0), part.max(axis=0)
    wide = [_relative(axis, int(a), int(b)) for axis, a, b in zip(axes, low, high, strict=True)]
    for j in np.argsort(-np.array(wide), kind="stable"):
        if low[j] == high[j]:
            continue
        codes = part[:, j]
        middle = int(np.sort(codes)[(len(codes) - 1) // 2])
        # ties at the median stay together: on its left, or where that is too much, on its right
        for bar in (middle, middle - 1):
            left = codes <= bar
            if k <= int(left.sum()) <= len(rows) - k:
                return [rows[left], rows[~left]]
    return None


def _relative(axis: Axis, low: int, high: int) -> float:
    # missing beside known values is the widest there is: no range tells what they have in common
    return (
        1.0 + (low < 0 <= high) if not axis.width else axis.span(low, high) / axis.width + (low < 0 <= high)
    )


def _lost(axis: Axis, low: int, high: int) -> float:
    if low < 0 <= high:
        return 1.0
    return axis.span(low, high) / axis.width if axis.width else 0.0


def _told(axis: Axis, low: int, high: int) -> Any:
    if high < 0:
        return None
    first = max(low, 0)
    values = axis.values[first : high + 1]
    if low == high:
        return _plain(values[0], axis)
    if axis.numeric:
        ends = [f"{_plain(one, axis)}" for one in (values[0], values[-1])]
        said = ends[0] if len(values) == 1 else " to ".join(ends)
    else:
        said = "any" if len(values) == len(axis.values) > 1 else " | ".join(map(str, values))
    return f"{said} or missing" if low < 0 else said


def _plain(value: Any, axis: Axis) -> Any:
    if axis.digits:
        return f"{int(value):0{axis.digits}d}"
    if axis.dates:
        return dt.date.fromordinal(int(value)).isoformat()
    if not axis.numeric:
        return value
    number = float(value)
    return int(number) if number.is_integer() else number
