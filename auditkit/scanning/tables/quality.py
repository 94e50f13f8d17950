"""Quality: values of a column that are there and are hardly meant: codes for "missing", twins of a category, numbers as text, slips of the unit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binom

from auditkit.scanning.tables.typed import dates_of, numbers_of
from auditkit.scanning.tables.values import are_dates

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["IMPLAUSIBLE", "Implausible", "Profile", "absent", "profile"]

IMPLAUSIBLE: dict[str, str] = {
    "code": "a number at the end of the range that may stand for missing or for a cap",
    "word": "a word that says missing",
    "infinite": "an infinite number",
    "future": "a date in the future",
    "mixed": "another type than most values",
    "number as text": "numbers kept as text",
    "twin": "the same category in another spelling (spaces, capital letters)",
    "unit": "as of another unit: far from the others, and among them when divided",
}
"""Kinds of implausible values, in words."""

_SURE = 1e-4
_FEWEST = 5
_APART = 5.0  # times the widest step between the ten values next to it, from which an end stands alone
_CODE = re.compile(r"-(?:1|9|7|8|99+|77+|88+)|99+|88+|77+")
_COMMA = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[. ]\d{3})+)(?:,\d+)?", re.ASCII)
_WORDS = frozenset(["?", "-", "--", "---", ".", "*", "na", "n/a", "n.a.", "#n/a", "nan", "none", "null", "nil", "unknown", "missing", "not available", "not known",
                    "unbekannt", "keine angabe", "k.a.", "inconnu", "desconocido", "sconosciuto", "onbekend", "tbd", "xxx", ""])  # fmt: skip
_FACTORS = (10.0, 100.0, 1000.0, 2.2046, 2.54, 12.0, 60.0)
_MOST_CATEGORIES = 100_000
_LOOKED_AT = 2000
_SLIPPED = 0.1  # of the records at most, or it is no slip


@dataclass(frozen=True, slots=True)
class Implausible:
    """Values of a column that are hardly meant.

    Attributes
    ----------
    column, kind : str
        Whose, and which of `IMPLAUSIBLE`.
    rows : int
        Records.
    told : str
        What it is in this column; no value of a record but codes, words for missing, and factors.
    """

    column: str
    kind: str
    rows: int
    told: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What a column holds.

    Attributes
    ----------
    name : str
        Of the column.
    rows, missing, different : int
        Records, those without a value or with a word for missing, and different values.
    most_common : int
        Records with the most common value.
    found : tuple of Implausible
        What is hardly meant.
    dated : bool
        Whether it holds dates, which may lie in the future.
    """

    name: str
    rows: int
    missing: int
    different: int
    most_common: int
    found: tuple[Implausible, ...]
    dated: bool = False

    def constant(self, share: float = 1.0) -> bool:
        """Return whether at least a share of the records with a value has the same one."""
        known = self.rows - self.missing
        return known > 0 and self.most_common >= share * known


def profile(name: str, column: pd.Series[Any], as_of: Any) -> Profile:
    """Return what a column holds, and what of it is hardly meant.

    Parameters
    ----------
    name : str
        Of the column.
    column : Series of shape (n,)
        Its values.
    as_of : Timestamp, aware
        The last day that is no future.

    Returns
    -------
    Profile

    Notes
    -----
    A number counts as a code only at an end of the column, as -1, or as one digit repeated (99, 999), with 10 other values or more, in 5 records or more, and where it
    stands alone (five times the widest step between the ten values next to it) or is more frequent than the three next to it (binomial against the most
    frequent of them, 1 in 10,000): the tail of a distribution thins out. A unit
    counts only where at most a tenth of the records lies beyond an empty stretch as wide as the middle half and, divided by the factor, within the others.

    Examples
    --------
    >>> import pandas as pd
    >>> column = pd.Series([*range(20, 60)] * 5 + [999] * 30)
    >>> [(one.kind, one.rows, one.told) for one in profile("age", column, pd.Timestamp("2026-01-01", tz="UTC")).found]
    [('code', 30, '999')]
    """
    import pandas as pd

    codes, values = pd.factorize(column)
    values = _in_numpy(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    words = _say_missing(values)
    stamps = _dates(column.dtype, values, words)
    found = (
        tuple(_implausible(name, column.dtype, values, counts, words, stamps, as_of)) if len(values) else ()
    )
    known = int(counts[~words].sum())
    most = int(counts[~words].max()) if known else 0
    return Profile(
        name, len(column), len(column) - known, int((~words).sum()), most, found, stamps is not None
    )


def absent(column: pd.Series[Any]) -> np.ndarray:
    """Return which records have no value, or a word that says so, shape (n,).

    Examples
    --------
    >>> import pandas as pd
    >>> absent(pd.Series(["a", None, " ? ", "Unknown"])).tolist()
    [False, True, True, True]
    """
    import pandas as pd

    if isinstance(column.dtype, np.dtype) and column.dtype != object:
        return np.asarray(column.isna())
    codes, values = pd.factorize(column)
    return np.append(_say_missing(_in_numpy(values)), True)[codes]


def _in_numpy(values: Any) -> Any:
    """Return different values in an array of Python objects where they stand in one that is slow to walk through."""
    return (
        values
        if hasattr(values, "tz") or isinstance(values, np.ndarray)
        else np.asarray(values, dtype=object)
    )


def _say_missing(values: Any) -> np.ndarray:
    if isinstance(getattr(values, "dtype", None), np.dtype) and values.dtype.kind in "biufcmM":
        return np.zeros(len(values), dtype=bool)
    return np.array([isinstance(one, str) and one.strip().casefold() in _WORDS for one in values], dtype=bool)


def _dates(dtype: Any, values: Any, words: np.ndarray) -> Any:
    """Return different values as times in UTC; None where they are no dates."""
    import pandas as pd

    kinds = pd.api.types
    if not kinds.is_datetime64_any_dtype(dtype):
        if kinds.is_bool_dtype(dtype) or kinds.is_complex_dtype(dtype) or kinds.is_numeric_dtype(dtype):
            return None
        texts = [str(one) for one in values[:_LOOKED_AT]]
        if not are_dates(one for one, is_word in zip(texts, words, strict=False) if not is_word):
            return None
    return dates_of(pd.Series(values))


def _implausible(
    name: str, dtype: Any, values: Any, counts: np.ndarray, words: np.ndarray, stamps: Any, as_of: Any
) -> Iterator[Implausible]:
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_bool_dtype(dtype) or kinds.is_complex_dtype(dtype):
        return
    if kinds.is_datetime64_any_dtype(dtype):
        yield from _future(name, stamps, counts, as_of)
        return
    if kinds.is_numeric_dtype(dtype):
        yield from _of_numbers(name, numbers_of(pd.Series(values)), counts)
        return
    plain = [str(one) for one in values]
    if words.any():
        which = sorted({one.strip() for one, is_word in zip(plain, words, strict=True) if is_word})
        yield Implausible(
            name, "word", int(counts[words].sum()), ", ".join(one or "blank" for one in which[:5])
        )
    numbers = numbers_of(pd.Series(values, dtype=object))
    telling = ~words
    numeric = telling & np.isfinite(numbers)
    yield from _mixed(name, plain, values, counts, telling, numeric)
    if _share(counts, numeric, telling) > 0.9:
        yield from _of_numbers(name, numbers[numeric], counts[numeric])
        return
    if stamps is not None:
        yield from _future(name, stamps, counts, as_of)
        return
    if len(plain) <= _MOST_CATEGORIES:
        yield from _twins(name, plain, counts, telling)


def _share(counts: np.ndarray, part: np.ndarray, of: np.ndarray) -> float:
    whole = int(counts[of].sum())
    return float(counts[part].sum()) / whole if whole else 0.0


def _mixed(
    name: str, plain: list[str], values: Any, counts: np.ndarray, telling: np.ndarray, numeric: np.ndarray
) -> Iterator[Implausible]:
    """Yield numbers kept as text, and the fewer of numbers and words where a column holds both."""
    share = _share(counts, numeric, telling)
    if share == 1.0:
        as_text = np.array([isinstance(one, str) for one in values]) & numeric
        zeros = any(
            re.fullmatch(r"0\d+", one.strip()) for one, is_n in zip(plain, numeric, strict=True) if is_n
        )
        if as_text.any() and not zeros:  # zeros before a number make it a name, as a postcode is
            yield Implausible(name, "number as text", int(counts[as_text].sum()), "all values are numbers")
        return
    if (
        share < 0.9
        and all(_COMMA.fullmatch(one.strip()) for one, tells in zip(plain, telling, strict=True) if tells)
        and any("," in one for one in plain)
    ):
        yield Implausible(
            name, "number as text", int(counts[telling].sum()), "all values are numbers, some with a comma"
        )
        return
    if share > 0.9:
        yield Implausible(name, "mixed", int(counts[telling & ~numeric].sum()), "text among numbers")
    elif 0 < share < 0.1 and len({type(one) for one in values}) > 1:
        yield Implausible(name, "mixed", int(counts[numeric].sum()), "numbers among text")


def _future(name: str, stamps: Any, counts: np.ndarray, as_of: Any) -> Iterator[Implausible]:
    late = (stamps >= as_of.normalize() + timedelta(days=1)).to_numpy()
    if late.any():
        yield Implausible(name, "future", int(counts[late].sum()), f"after {as_of.date().isoformat()}")


def _twins(name: str, plain: list[str], counts: np.ndarray, telling: np.ndarray) -> Iterator[Implausible]:
    """Yield records of spellings that differ from a more frequent one in spaces and capital letters alone."""
    largest: dict[str, int] = {}
    total: dict[str, int] = {}
    for one, n, tells in zip(plain, counts.tolist(), telling, strict=True):
        if tells:
            key = " ".join(one.casefold().split())
            largest[key] = max(largest.get(key, 0), n)
            total[key] = total.get(key, 0) + n
    rare = sum(total.values()) - sum(largest.values())
    if rare:
        many = sum(total[key] > largest[key] for key in total)
        yield Implausible(name, "twin", rare, f"of {many} {'category' if many == 1 else 'categories'}")


def _of_numbers(name: str, values: np.ndarray, counts: np.ndarray) -> Iterator[Implausible]:
    infinite = np.isinf(values)
    if infinite.any():
        yield Implausible(name, "infinite", int(counts[infinite].sum()), "infinite")
    order = np.argsort(values, kind="stable")
    order = order[np.isfinite(values[order])]
    v, c = values[order], counts[order]
    ends: list[float] = []
    while len(v) > 10:
        at = next((i for i in (len(v) - 1, 0) if _is_code(v, c, i)), None)
        if at is None:
            break
        ends.append(float(v[at]))
        yield Implausible(name, "code", int(c[at]), f"{v[at]:.0f}")
        v, c = np.delete(v, at), np.delete(c, at)
    yield from _slip(name, v, c)


def _is_code(v: np.ndarray, c: np.ndarray, at: int) -> bool:
    """Return whether the value at an end is written like a code and is more frequent than those next to it."""
    value, n = float(v[at]), int(c[at])
    if n < _FEWEST or abs(value) > 1e12 or not value.is_integer() or not _CODE.fullmatch(f"{value:.0f}"):
        return False
    near = int((c[-4:-1] if at else c[1:4]).max())
    own = np.diff(v[-11:] if at else v[:11])
    gap, others = (own[-1], own[:-1]) if at else (own[0], own[1:])
    return bool(gap > _APART * others.max()) or float(binom.sf(n - 1, n + near, 0.5)) < _SURE


def _slip(name: str, v: np.ndarray, c: np.ndarray) -> Iterator[Implausible]:
    """Yield records far beyond the others that lie among them when divided by a usual factor."""
    if len(v) < 20 or v[0] <= 0:
        return
    logs, n = np.log(v), int(c.sum())
    below = np.cumsum(c)
    half = np.interp([0.25 * n, 0.75 * n], below, logs)
    gaps = np.diff(logs)
    cut = int(np.argmax(gaps)) + 1
    beyond = n - int(below[cut - 1])
    at = np.arange(len(v)) >= cut
    side = at if 2 * beyond <= n else ~at
    few = int(c[side].sum())
    if few < _FEWEST or few > _SLIPPED * n or gaps[cut - 1] <= max(half[1] - half[0], 0.2):
        return
    mine, width = _moments(logs[side], c[side])
    middle, spread = _moments(logs[~side], c[~side])
    best = min(_FACTORS, key=lambda f: abs(abs(mine - middle) - math.log(f)))
    if abs(abs(mine - middle) - math.log(best)) <= spread and width <= 2 * spread:
        yield Implausible(
            name,
            "unit",
            few,
            f"about {best:g} times the others" if mine > middle else f"about 1/{best:g} of the others",
        )


def _moments(values: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of values that come several times."""
    mean = float(np.average(values, weights=counts))
    return mean, max(float(np.sqrt(np.average((values - mean) ** 2, weights=counts))), 1e-9)
