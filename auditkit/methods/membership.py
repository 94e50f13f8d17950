"""Membership: how much each record looks like one the model was trained on.

Every score is oriented one way: higher means more likely a member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.special import xlog1py, xlogy

from auditkit.errors import InputError, did_you_mean
from auditkit.methods._arrays import TINY, codes, in_unit, same_length, vector
from auditkit.methods.rmia import OfflineChoice, choose_offline_a, rmia_offline

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "OfflineChoice",
    "SignalKind",
    "choose_offline_a",
    "gap",
    "population_threshold",
    "regression_signal",
    "rmia_offline",
    "signal",
    "true_class_probability",
]

SignalKind = Literal["loss", "confidence", "logit", "entropy", "modified_entropy", "margin"]

_SUMS_TO_ONE = 1e-5


def true_class_probability(proba: ArrayLike, y_index: ArrayLike) -> NDArray[np.float64]:
    """Return the probability the model gives to each row's own label.

    Parameters
    ----------
    proba : array_like of shape (n, k)
        Class probabilities, from 0 to 1, with `k` at least 2. Rows may be rounded or truncated.
    y_index : array_like of int, shape (n,)
        Column of each row's true class.

    Returns
    -------
    numpy.ndarray of float, shape (n,)

    Raises
    ------
    InputError
        If a shape, an index or a value is not of that form.

    Examples
    --------
    >>> true_class_probability([[0.9, 0.1], [0.2, 0.8]], [0, 0]).tolist()
    [0.9, 0.2]
    """
    table, index = _checked(proba, y_index)
    return table[np.arange(len(table)), index]


def signal(proba: ArrayLike, y_index: ArrayLike, kind: SignalKind) -> NDArray[np.float64]:
    """Turn class probabilities into a membership signal, higher for members.

    Parameters
    ----------
    proba : array_like of shape (n, k)
        Class probabilities.
    y_index : array_like of int, shape (n,)
        Column of each row's true class.
    kind : {"loss", "confidence", "logit", "entropy", "modified_entropy", "margin"}
        ``loss``: log p_y, the negative cross-entropy (Yeom et al. 2018). ``confidence``: p_y (Salem et al.
        2019). ``logit``: log p_y - log sum of the others (Carlini et al. 2022). ``entropy``: negative entropy
        of the row, which does not look at the label (Salem et al. 2019). ``modified_entropy``: negative
        (1 - p_y)(-log p_y) + sum over the others of -p_i log(1 - p_i) (Song & Mittal 2021). ``margin``:
        p_y - largest other.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Finite: a probability of 0 is taken as the smallest normal number before the logarithm. Natural logs.

    Raises
    ------
    InputError
        If `kind` is not known or the arrays cannot be used.

    Examples
    --------
    >>> signal([[0.75, 0.25]], [0], "logit").round(4).tolist()  # log 3
    [1.0986]
    >>> signal([[0.75, 0.25]], [1], "margin").tolist()
    [-0.5]
    """
    if kind not in get_args(SignalKind):
        raise InputError(f"no membership signal named {kind!r}.{did_you_mean(kind, get_args(SignalKind))}")
    table, index = _checked(proba, y_index)
    rows = np.arange(len(table))
    own = table[rows, index]
    if kind == "confidence":
        return own
    if kind == "loss":
        return _log(own)
    if kind == "entropy":
        return np.asarray(xlogy(table, table).sum(axis=1))
    others = table.copy()
    others[rows, index] = 0.0
    if kind == "margin":
        return np.asarray(own - others.max(axis=1))
    rest = _complement(own, others)
    if kind == "logit":
        return np.asarray(_log(own) - _log(rest))
    # log(1 - p_i) is bounded below as every other logarithm here is
    other_terms = np.maximum(xlog1py(others, -np.minimum(others, 1.0)), others * np.log(TINY))
    return np.asarray(rest * _log(own) + other_terms.sum(axis=1))


def regression_signal(prediction: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Return the negative squared error of each row (Yeom et al. 2018), in squared units of the target.

    Parameters
    ----------
    prediction, y : array_like of shape (n,)
        What the model says, and the true values.

    Returns
    -------
    numpy.ndarray of float, shape (n,)

    Raises
    ------
    InputError
        If the shapes differ or a value is not finite.

    Examples
    --------
    >>> regression_signal([1.0, 4.0], [1.5, 2.0]).tolist()
    [-0.25, -4.0]
    """
    got, wanted = vector("prediction", prediction), vector("y", y)
    same_length("prediction", got, "y", wanted)
    return -np.square(got - wanted)


def gap(correct: ArrayLike) -> NDArray[np.float64]:
    """Score a row 1 where the model is right and 0 where it is wrong: the baseline of Yeom et al. 2018.

    Parameters
    ----------
    correct : array_like of bool, shape (n,)
        Whether the predicted label is the true one.

    Returns
    -------
    numpy.ndarray of float, shape (n,)

    Raises
    ------
    InputError
        If `correct` is not a boolean vector.

    Examples
    --------
    >>> gap([True, False]).tolist()
    [1.0, 0.0]
    """
    flags = np.asarray(correct)
    if flags.ndim != 1 or flags.dtype != np.bool_:
        raise InputError(f"correct must be a boolean vector, got {flags.dtype} of shape {flags.shape}")
    return flags.astype(np.float64)


def population_threshold(
    target_signal: ArrayLike,
    population_signal: ArrayLike,
    *,
    by: ArrayLike | None = None,
    population_by: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Place each target record's signal among records known to be outside the training data (Attack-P).

    Parameters
    ----------
    target_signal : array_like of shape (n,)
        Signals of the records under attack; higher for members.
    population_signal : array_like of shape (m,)
        The same signal, of the same model, on population records. Not the records the attack is scored on.
    by, population_by : array_like of shape (n,) and (m,), optional
        Class or group of each record; each is then compared with its own kind only. One whose kind has no
        population record gets the score 0: nothing speaks for its membership.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        One minus ``(1 + #{population >= target}) / (1 + m)``, a valid p-value of "not a member": at
        most a share `alpha` of non-members score ``1 - alpha`` or more, ties included.

    Raises
    ------
    InputError
        If a shape does not fit, a value is not finite, or one of `by` and `population_by` is missing.

    References
    ----------
    Ye et al. 2022, "Enhanced Membership Inference Attacks against Machine Learning Models", CCS.

    Examples
    --------
    >>> population_threshold([5.0, 0.0], [1.0, 2.0, 3.0]).tolist()
    [0.75, 0.0]
    """
    target, population = (
        vector("target_signal", target_signal),
        vector("population_signal", population_signal),
    )
    if population.size == 0:
        raise InputError(
            "population_signal is empty: the attack compares with records outside the training data"
        )
    kinds, population_kinds = _kinds(by, population_by, target.size, population.size)
    values, ranks = np.unique(np.concatenate([target, population]), return_inverse=True)
    # kind and rank in one whole number: one sort and one search serve all kinds
    keys = np.sort(population_kinds * values.size + ranks[target.size :])
    ends = np.searchsorted(keys, (kinds + 1) * values.size, side="left")
    starts = np.searchsorted(keys, kinds * values.size, side="left")
    at_least = ends - np.searchsorted(keys, kinds * values.size + ranks[: target.size], side="left")
    return np.asarray(1.0 - (1.0 + at_least) / (1.0 + ends - starts))


def _checked(proba: ArrayLike, y_index: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    table, index = np.asarray(proba, dtype=np.float64), np.asarray(y_index)
    if table.ndim != 2 or table.shape[1] < 2:
        raise InputError(f"proba must be (rows, classes) with at least 2 classes, got shape {table.shape}")
    if index.shape != (len(table),) or not np.issubdtype(index.dtype, np.integer):
        raise InputError(
            f"y_index must be the column number of each of the {len(table)} rows' class, "
            f"got {index.dtype} of shape {index.shape}"
        )
    if index.size and not (index.min() >= 0 and index.max() < table.shape[1]):
        raise InputError(
            f"y_index must be from 0 to {table.shape[1] - 1}, got {index.min()} to {index.max()}"
        )
    in_unit("proba", table)
    return table, index.astype(np.intp)


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(values, TINY)))


def _complement(own: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    # the sum of the others keeps the digits that 1 - p loses near 1; it is wrong for truncated output
    rest = others.sum(axis=1)
    return np.where(np.abs(own + rest - 1.0) <= _SUMS_TO_ONE, rest, np.maximum(1.0 - own, 0.0))


def _kinds(
    by: ArrayLike | None, population_by: ArrayLike | None, n: int, m: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if by is None and population_by is None:
        return np.zeros(n, dtype=np.int64), np.zeros(m, dtype=np.int64)
    if by is None or population_by is None:
        raise InputError(
            "by and population_by go together: give the kind of the targets and of the population"
        )
    kinds, population_kinds = np.asarray(by), np.asarray(population_by)
    if kinds.shape != (n,) or population_kinds.shape != (m,):
        raise InputError(
            f"by and population_by must hold one value a record: expected ({n},) and ({m},), "
            f"got {kinds.shape} and {population_kinds.shape}"
        )
    numbers = codes(np.concatenate([kinds, population_kinds]))
    return numbers[:n], numbers[n:]
