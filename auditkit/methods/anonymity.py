"""Anonymity: how many records share what can be known of a person, and what those who share it give away together.

A record unique in the data is not therefore unique in the population the data were drawn from: where one record in a hundred was
sampled, most sample uniques have doubles outside. Figures of this module describe the data as they are, so they carry no
interval; `sample_uniqueness` speaks about the population.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit.errors import InputError
from auditkit.methods.equivalence import class_numbers, class_sizes, column_codes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Closeness",
    "Diversity",
    "KAnonymity",
    "k_anonymity",
    "l_diversity",
    "t_closeness",
]


@dataclass(frozen=True, slots=True)
class KAnonymity:
    """Sizes of the equivalence classes.

    Attributes
    ----------
    n, classes : int
        Records and equivalence classes.
    k : int
        Records in the smallest class; 0 where there are no records.
    unique : int
        Records alone in their class.
    below : int
        Records in classes of fewer than `threshold`.
    threshold : int
        The size asked about.
    unique_share, below_share : float
        The same as shares of the records; ``nan`` without records.
    """

    n: int
    classes: int
    k: int
    unique: int
    below: int
    threshold: int
    unique_share: float
    below_share: float


@dataclass(frozen=True, slots=True)
class Diversity:
    """How many sensitive values the equivalence classes hold.

    Attributes
    ----------
    distinct : int
        Distinct l-diversity: the fewest different values in any class.
    entropy : float
        Entropy l-diversity: exp of the smallest entropy of any class; l where l values are equally frequent, and never
        above `distinct`.
    homogeneous : int
        Records in classes with a single value: whoever recognises the class knows it, whatever k is.
    homogeneous_share : float
        The same as a share; ``nan`` without records.
    """

    distinct: int
    entropy: float
    homogeneous: int
    homogeneous_share: float


@dataclass(frozen=True, slots=True)
class Closeness:
    """How far the sensitive values within the equivalence classes are from those of all records.

    Attributes
    ----------
    t : float
        The largest distance of any class, from 0 to 1; ``nan`` without records.
    mean : float
        The mean over records of the distance of their class.
    distance : {"total variation", "ordered"}
        Which distance.
    """

    t: float
    mean: float
    distance: str


def k_anonymity(classes: ArrayLike, *, threshold: int = 5) -> KAnonymity:
    """Return the size of the smallest equivalence class and how many records are alone or in small company.

    Parameters
    ----------
    classes : array_like of int, shape (n,)
        From `equivalence.equivalence_classes`.
    threshold : int
        Records in classes smaller than this are counted in `below`.

    Raises
    ------
    InputError
        Unless classes are whole numbers from 0.

    References
    ----------
    Sweeney 2002, "k-anonymity: a model for protecting privacy".

    Examples
    --------
    >>> found = k_anonymity([0, 0, 0, 1, 1, 2], threshold=3)
    >>> found.k, found.unique, found.below
    (1, 1, 3)
    """
    sizes = class_sizes(class_numbers(classes))
    n = int(sizes.sum())
    unique, below = int((sizes == 1).sum()), int(sizes[sizes < threshold].sum())
    k = int(sizes.min()) if n else 0
    return KAnonymity(n, sizes.size, k, unique, below, threshold, _share(unique, n), _share(below, n))


def l_diversity(classes: ArrayLike, sensitive: Any) -> Diversity:
    """Return how varied a sensitive column is within the equivalence classes.

    Parameters
    ----------
    classes : array_like of int, shape (n,)
        From `equivalence.equivalence_classes`.
    sensitive : array_like of shape (n,)
        The column nobody should learn; a missing value is a value. Bin numbers first: see `equivalence.quantile_edges`.

    Raises
    ------
    InputError
        If lengths differ.

    References
    ----------
    Machanavajjhala, Kifer, Gehrke & Venkitasubramaniam 2007, "l-diversity: privacy beyond k-anonymity".

    Examples
    --------
    >>> found = l_diversity([0, 0, 1, 1], ["flu", "flu", "flu", "ulcer"])
    >>> found.distinct, found.homogeneous
    (1, 2)
    """
    rows = class_numbers(classes)
    values = _sensitive(sensitive, rows)
    if not rows.size:
        return Diversity(0, float("nan"), 0, float("nan"))
    group, _, count = _cells(rows, values)
    size = np.bincount(group, weights=count)
    distinct = np.bincount(group)
    share = count / size[group]
    # 0 less the sum: a lone value has entropy 0, not -0
    entropy = 0.0 - np.bincount(group, weights=share * np.log(share))
    alone = int(size[distinct == 1].sum())
    smallest = min(float(np.exp(entropy.min())), float(distinct.min()))
    return Diversity(int(distinct.min()), smallest, alone, _share(alone, rows.size))


def t_closeness(
    classes: ArrayLike, sensitive: Any, *, kind: Literal["categorical", "ordered"] = "categorical"
) -> Closeness:
    """Return how far the classes' distributions of a sensitive column lie from that of all records.

    Parameters
    ----------
    classes : array_like of int, shape (n,)
        From `equivalence.equivalence_classes`.
    sensitive : array_like of shape (n,)
        The column nobody should learn.
    kind : {"categorical", "ordered"}
        ``"categorical"``: all values equally far apart, which makes the earth mover's distance the total variation;
        a missing value is a value. ``"ordered"``: numbers; values are as far apart as their ranks among the distinct
        values, the outermost 1.

    Raises
    ------
    InputError
        If lengths differ, or an ordered column holds missing values or text.

    References
    ----------
    Li, Li & Venkatasubramanian 2007, "t-closeness: privacy beyond k-anonymity and l-diversity".

    Examples
    --------
    >>> salaries = [3, 4, 5, 6, 8, 11, 7, 9, 10]  # the paper's table 3, in thousands
    >>> round(t_closeness([0, 0, 0, 1, 1, 1, 2, 2, 2], salaries, kind="ordered").t, 3)
    0.375
    """
    rows = class_numbers(classes)
    if kind not in ("categorical", "ordered"):
        raise InputError(f"kind must be 'categorical' or 'ordered', got {kind!r}")
    ordered = kind == "ordered"
    values = _ranks(sensitive, rows) if ordered else _sensitive(sensitive, rows)
    name = "ordered" if ordered else "total variation"
    if not rows.size:
        return Closeness(float("nan"), float("nan"), name)
    group, value, count = _cells(rows, values)
    size = np.bincount(group, weights=count)
    overall = np.bincount(values) / values.size
    distance = (_ordered if ordered else _total_variation)(group, value, count / size[group], overall)
    return Closeness(float(distance.max()), float((distance * size).sum() / rows.size), name)


def _share(part: int, n: int) -> float:
    return part / n if n else float("nan")


def _sensitive(values: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    codes = column_codes({"sensitive": values})["sensitive"]
    if codes.size != rows.size:
        raise InputError(f"the sensitive column has {codes.size} rows, classes has {rows.size}")
    return codes


def _ranks(values: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    import pandas as pd

    try:
        numbers = pd.to_numeric(pd.Series(values)).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"an ordered sensitive column must hold numbers: {error}") from error
    if numbers.size != rows.size:
        raise InputError(f"the sensitive column has {numbers.size} rows, classes has {rows.size}")
    missing = int(np.isnan(numbers).sum())
    if missing:
        raise InputError(
            f"{missing} sensitive values are missing and have no place in an order: leave those records out, "
            "or bin the numbers and type kind='categorical'"
        )
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _cells(
    rows: NDArray[np.int64], values: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the filled cells of the table classes by values, in that order: class (renumbered), value, records."""
    width = int(values.max()) + 1
    cell, count = np.unique(rows * width + values, return_counts=True)
    _, group = np.unique(cell // width, return_inverse=True)
    return group, cell % width, count


def _total_variation(
    group: NDArray[np.int64],
    value: NDArray[np.int64],
    share: NDArray[np.float64],
    overall: NDArray[np.float64],
) -> NDArray[np.float64]:
    # half of all differences; values a class lacks differ by their overall share, and those add up to 1 less the rest
    here = overall[value]
    return np.asarray((np.bincount(group, weights=np.abs(share - here) - here) + 1.0) / 2)


def _ordered(
    group: NDArray[np.int64],
    value: NDArray[np.int64],
    share: NDArray[np.float64],
    overall: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the sum over values of |F_class - F|, over the number of values less one; memory linear in the filled cells."""
    last = overall.size - 1
    if last == 0:
        return np.zeros(int(group.max()) + 1)
    rising = np.cumsum(overall)[:last]
    area = np.concatenate([[0.0], np.cumsum(rising)])
    first = np.concatenate([[True], group[1:] != group[:-1]])
    total = np.cumsum(share)
    level = total - (total - share)[first][group]
    # from its value to the next of its class the class's F is level, while the overall F rises through it at `turn`
    start = np.minimum(value, last)
    stop = np.minimum(np.where(np.append(first[1:], True), last, np.append(value[1:], last)), last)
    turn = np.clip(np.searchsorted(rising, level), start, stop)
    over = level * (turn - start) - (area[turn] - area[start])
    under = area[stop] - area[turn] - level * (stop - turn)
    ahead = np.where(first, area[start], 0.0)
    return np.asarray(np.bincount(group, weights=over + under + ahead) / last)
