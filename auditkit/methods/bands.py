"""Bands: a number as a few groups, such as age."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.groups import codes_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["band_edges", "banded"]

_MOST = 20
_DIGITS = 12


def band_edges(name: str, values: Any, given: Any) -> tuple[float, ...]:
    """Return where the bands of a numeric column begin, but for the first.

    Parameters
    ----------
    name : str
        The column, for messages.
    values : Series
        Numbers; missing ones count for nothing.
    given : int or sequence of float
        How many bands of about equal size, from 2 to 20, which begin at numbers as round as they can be without moving more than one
        record of a hundred; or the edges themselves, increasing: ``[25, 40]`` makes three bands.

    Returns
    -------
    tuple of float
        Increasing. Fewer bands than asked for where many records have the same number.

    Raises
    ------
    InputError
        If the column holds no numbers, all are the same, or `given` is neither of the two.

    Examples
    --------
    >>> import pandas as pd
    >>> band_edges("age", pd.Series([20, 30, 40, 50]), 2), band_edges("age", pd.Series([20, 30]), [25])
    ((40.0,), (25.0,))
    """
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise InputError(f"bands: {name!r} holds no numbers; leave it out of bands")
    if isinstance(given, int) and not isinstance(given, bool):
        if not 2 <= given <= _MOST:
            raise InputError(f"bands: {name!r} can have 2 to {_MOST} bands; got {given}")
        numbers = pd.Series(values).astype(float).to_numpy()
        numbers = numbers[np.isfinite(numbers)]
        if numbers.size == 0 or numbers.min() == numbers.max():
            raise InputError(f"bands: {name!r} has no two different numbers to divide")
        edges = np.unique(np.quantile(numbers, np.arange(1, given) / given, method="higher"))
        above = edges[edges > numbers.min()]
        # where most records share the lowest number, what lies above it is the other band
        above = above if above.size else numbers[numbers > numbers.min()].min(keepdims=True)
        return tuple(map(float, _rounded(above, np.sort(numbers))))
    listed = isinstance(given, (list, tuple, np.ndarray)) and len(given) > 0
    if not listed or not all(isinstance(edge, (Real, np.number)) for edge in given):
        raise InputError(
            f"bands: {name!r} takes a number of bands, or the edges: {{{name!r}: 4}} or {{{name!r}: [25, 40, 60]}}; got {given!r}"
        )
    edges = np.asarray(given, dtype=float)
    if not np.isfinite(edges).all() or not (np.diff(edges) > 0).all():
        raise InputError(f"bands: the edges of {name!r} must increase; got {list(given)!r}")
    return tuple(map(float, edges))


def _rounded(edges: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the edges with as few digits as leave all but one record of a hundred in its band; numbers are sorted."""
    exact = np.searchsorted(numbers, edges)
    first = -int(np.floor(np.log10(numbers[-1] - numbers[0])))
    for digits in range(first, first + _DIGITS):
        found = np.array([round(float(edge), digits) for edge in edges])
        at = np.searchsorted(numbers, found)
        if (np.abs(at - exact) <= len(numbers) / 100).all() and (np.diff([0, *at, len(numbers)]) > 0).all():
            return found
    return edges


def banded(name: str, values: Any, edges: tuple[float, ...]) -> pd.Series[Any]:
    """Return a numeric column in bands: "under 25", "25 to under 40", "40 or more"; missing stays missing.

    Examples
    --------
    >>> import pandas as pd
    >>> banded("age", pd.Series([20, 30, None]), (25.0,)).tolist()
    ['under 25', '25 or more', nan]
    """
    import pandas as pd

    codes, labels = codes_of({name: values}, bin_edges={name: list(edges)})
    words = [label[0] for label in labels]
    known = [word for word in words if word != "missing"]
    column = pd.Series(np.array(words, dtype=object)[codes])
    return pd.Series(pd.Categorical(column.where(column != "missing"), categories=known, ordered=True))
