"""Attribute inference: guessing what is not known of a record by asking the model, always beside guessing without it.

An attacker knows a record's other features, perhaps its label, and lacks one feature. Most of what such an attacker gets right could
be got right without the model, from how features go together in the population: imputation. Jayaraman & Evans 2022 found that
attacks which look strong were no better than imputing with the same knowledge. So an attack is worth what it adds to an
imputer that was trained on the same rows, and nothing else is reported.

What it adds has two parts. What it adds for records that the model never saw is knowledge about people in general, which the
model is for. What it adds for training records beyond that was given away by training on them (Yeom et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.methods._threads import one_thread
from auditkit.statistics.paired import (
    paired_difference,
    paired_gap,
    paired_gap_p_value,
    paired_p_value,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from auditkit.statistics.intervals import Bounds

    Floats = NDArray[np.float64]

__all__ = [
    "Advantage",
    "advantage",
    "by_confidence",
    "confusion_likelihood",
    "impute",
    "invert",
    "label_likelihood",
    "member_gap",
    "value_likelihood",
]

_LEAST = 1e-6  # no answer of a model makes a value impossible
_MOST_CATEGORIES = 250
_FEWEST, _ENOUGH = 5, 200  # rows of a value that is learnt; rows in all from which some are kept to stop by


@dataclass(frozen=True, slots=True)
class Advantage:
    """What an attack adds to a baseline, or how much more it adds for some records than for others.

    Attributes
    ----------
    value, low, high : float
        A difference of accuracies and its interval.
    p_value : float
        One-sided, of "no more than 0".
    attack, baseline : float
        Accuracies of the two; of a gap ``nan``.
    counts : tuple of (int, int, int)
        Records that only the attack has right, only the baseline, and records in all; of a gap those of the first sample.
    """

    value: float
    low: float
    high: float
    p_value: float
    attack: float
    baseline: float
    counts: tuple[int, int, int]


def label_likelihood(proba: ArrayLike, labels: ArrayLike) -> Floats:
    """Return how probable the model finds the known label of each record under each value of the hidden feature.

    Parameters
    ----------
    proba : array_like of shape (values, n, classes)
        The model's probabilities with the hidden feature set to each value in turn.
    labels : array_like of int, shape (n,)
        The class of each record, as a column of `proba`.

    Returns
    -------
    ndarray of float, shape (n, values)
        Never quite 0.

    References
    ----------
    Fredrikson, Jha & Ristenpart 2015, "Model inversion attacks that exploit confidence information and basic countermeasures".

    Examples
    --------
    >>> label_likelihood([[[0.9, 0.1]], [[0.3, 0.7]]], [1]).tolist()
    [[0.1, 0.7]]
    """
    answers, own = np.asarray(proba, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if answers.ndim != 3 or own.shape != answers.shape[1:2]:
        raise InputError(
            f"expected answers of shape (values, n, classes) and n labels, got {answers.shape} and {own.shape}"
        )
    return np.maximum(answers[:, np.arange(own.size), own].T, _LEAST)


def confusion_likelihood(
    answers: ArrayLike, labels: ArrayLike, known_answers: ArrayLike, known_labels: ArrayLike, classes: int
) -> Floats:
    """Return how probable the known label is under each value, of a model that gives labels alone.

    The chance of a true class given the class answered is counted on rows whose answer is known, with one added to each count.

    Parameters
    ----------
    answers : array_like of int, shape (values, n)
        The class answered with the hidden feature set to each value in turn.
    labels : array_like of int, shape (n,)
        The class of each record.
    known_answers, known_labels : array_like of int, shape (m,)
        The same for rows of the population as they are.
    classes : int
        Number of classes.

    Returns
    -------
    ndarray of float, shape (n, values)

    References
    ----------
    Fredrikson et al. 2015, section 4: the attack that knows the confusion matrix.

    Examples
    --------
    >>> confusion_likelihood([[0], [1]], [1], [0, 0, 1, 1], [0, 0, 1, 1], 2).tolist()
    [[0.25, 0.75]]
    """
    told, own = np.asarray(answers, dtype=np.int64), np.asarray(labels, dtype=np.int64)
    seen, true = np.asarray(known_answers, dtype=np.int64), np.asarray(known_labels, dtype=np.int64)
    counts = np.bincount(seen * classes + true, minlength=classes * classes).reshape(classes, classes) + 1.0
    chance = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(chance[told, own].T)


def value_likelihood(answers: ArrayLike, values: ArrayLike, spread: float) -> Floats:
    """Return how probable the known value of the target is under each value of the hidden feature, for a regression.

    The target is taken as normal about the model's answer, with the spread of the model's errors in the population.

    Parameters
    ----------
    answers : array_like of float, shape (values, n)
        The model's answer with the hidden feature set to each value in turn.
    values : array_like of float, shape (n,)
        The true value of each record.
    spread : float
        Standard deviation of the model's errors.

    Returns
    -------
    ndarray of float, shape (n, values)
        Up to a factor of each record's own.

    References
    ----------
    Fredrikson et al. 2014, "Privacy in pharmacogenetics"; Yeom et al. 2018, "Privacy risk in machine learning", attack 4.

    Examples
    --------
    >>> value_likelihood([[1.0], [2.0]], [1.0], 1.0).round(3).tolist()
    [[1.0, 0.607]]
    """
    told, own = np.asarray(answers, dtype=np.float64), np.asarray(values, dtype=np.float64)
    away = np.square((told - own) / max(float(spread), 1e-12)).T / 2
    return np.asarray(np.maximum(np.exp(away.min(axis=1, keepdims=True) - away), _LEAST))


def impute(
    table: ArrayLike,
    categorical: ArrayLike,
    hidden: ArrayLike,
    *,
    population: ArrayLike,
    seed: int,
) -> Floats:
    """Predict the hidden feature of every record by gradient boosting that was trained on the population.

    Parameters
    ----------
    table : array_like of float, shape (n, d)
        What the attacker knows of each record: numbers, categories as codes, ``nan`` where missing.
    categorical : array_like of bool, shape (d,)
        Which columns hold categories.
    hidden : array_like of int, shape (n,)
        The value of the hidden feature; -1 for one that nobody guesses. Read in the population only.
    population : array_like of bool, shape (n,)
        Rows to learn from; at least one has a value.
    seed : int
        Of the boosting.

    Returns
    -------
    ndarray of float, shape (n, values)
        Probabilities; 0 for values that fewer than 5 population rows have, unless there is no other. Those of the population rows
        are of a model that was trained on them: do not score them. From 200 rows on, a fifth is kept to tell when to stop.

    References
    ----------
    Jayaraman & Evans 2022, "Are attribute inference attacks just imputation?", arXiv 2209.01292.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    X, codes, learn = (
        np.asarray(table, dtype=np.float64),
        np.asarray(hidden),
        np.asarray(population, dtype=bool),
    )
    coded = np.asarray(categorical, dtype=bool)
    if X.ndim != 2 or coded.shape != X.shape[1:] or codes.shape != X.shape[:1] or learn.shape != codes.shape:
        raise InputError(
            f"expected a table with one flag a column and one value a row, got {X.shape}, {coded.shape}, {codes.shape} and {learn.shape}"
        )
    learn = learn & (codes >= 0)
    if not learn.any():
        raise InputError("no row of the population has a value of the hidden feature")
    shares = np.zeros((len(X), int(codes.max()) + 1))
    known, count = np.unique(codes[learn], return_counts=True)
    often = known[count >= _FEWEST]
    if often.size < 2 or not X.shape[1]:
        shares[:, known] = count / count.sum()
        return shares
    learn = learn & np.isin(codes, often)
    X = np.where(np.isnan(X[learn]).all(axis=0), 0.0, X)
    top = np.array([np.nanmax(column[learn]) for column in X.T])
    X = np.where(coded & (top < X), np.nan, X)  # categories the population does not have
    rows = int(learn.sum())
    model = HistGradientBoostingClassifier(
        max_iter=100 if often.size <= 3 else 50,
        max_leaf_nodes=15,
        min_samples_leaf=max(5, min(20, rows // 40)),
        early_stopping=rows
        >= _ENOUGH,  # an imputer that has learnt noise is a baseline that is too easily beaten
        n_iter_no_change=5,
        validation_fraction=0.2,
        categorical_features=coded & (top < _MOST_CATEGORIES),
        random_state=seed,
    )
    with one_thread():
        model.fit(X[learn], codes[learn])
        shares[:, often] = model.predict_proba(X)
    return shares


def invert(prior: ArrayLike, likelihood: ArrayLike) -> NDArray[np.int64]:
    """Guess the value that is most probable after the model's answers: prior times likelihood (Fredrikson et al. 2015).

    Parameters
    ----------
    prior : array_like of float, shape (n, values) or (values,)
        Of each value before the model was asked, from what else is known but for the label: an imputer's, or shares of the
        population.
    likelihood : array_like of float, shape (n, values)
        Of the known label under each value.

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> invert([0.7, 0.3], [[0.2, 0.4], [0.2, 0.6]]).tolist()
    [0, 1]
    """
    return np.asarray((np.asarray(prior) * np.asarray(likelihood)).argmax(axis=1), dtype=np.int64)


def by_confidence(proba: ArrayLike, labels: ArrayLike) -> NDArray[np.int64]:
    """Guess by the model's confidence and no prior: the confidence score based attack (CSMIA).

    Where one value alone gets the known label answered, it is that one; where several do, the one of which the model is
    surest; where none does, the one of which it is least sure.

    Parameters
    ----------
    proba : array_like of shape (values, n, classes)
        The model's probabilities with the hidden feature set to each value in turn.
    labels : array_like of int, shape (n,)
        The class of each record.

    Returns
    -------
    ndarray of int, shape (n,)

    References
    ----------
    Mehnaz et al. 2022, "Are your sensitive attributes private? Novel model inversion attribute inference attacks on
    classification models", USENIX Security.

    Examples
    --------
    >>> by_confidence([[[0.6, 0.4]], [[0.9, 0.1]]], [1]).tolist()
    [0]
    """
    answers, own = np.asarray(proba, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    sure, right = answers.max(axis=2), answers.argmax(axis=2) == own
    return np.asarray(np.where(right, 1 + sure, -sure).argmax(axis=0), dtype=np.int64)


def advantage(attack: ArrayLike, baseline: ArrayLike, truth: ArrayLike, *, level: float = 0.95) -> Advantage:
    """Return how much more often an attack is right than the baseline, on the same records.

    Parameters
    ----------
    attack, baseline, truth : array_like of int, shape (n,)
        Guesses of the two, and the value.
    level : float
        Confidence level of the interval (Bonett and Price 2012). The p-value is that of the exact sign test.

    Raises
    ------
    InputError
        If lengths differ or there are no records.

    References
    ----------
    Yeom et al. 2018, "Privacy risk in machine learning: analyzing the connection to overfitting", definition 5, with an
    imputer in the place of the best guess from the marginal; Jayaraman & Evans 2022.

    Examples
    --------
    >>> found = advantage([0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 1, 0])
    >>> found.value, found.counts
    (0.5, (2, 0, 4))
    """
    told, without, true = (np.asarray(v) for v in (attack, baseline, truth))
    if not told.shape == without.shape == true.shape or true.ndim != 1 or not true.size:
        raise InputError(
            f"expected two guesses and a value of each record, got {told.shape}, {without.shape} and {true.shape}"
        )
    a, b = told == true, without == true
    counts = int((a & ~b).sum()), int((b & ~a).sum()), int(true.size)
    low, high = paired_difference(*counts, level)
    value = (counts[0] - counts[1]) / counts[2]
    return Advantage(
        value, float(low), float(high), paired_p_value(*counts[:2]), float(a.mean()), float(b.mean()), counts
    )


def member_gap(members: Advantage, others: Advantage, *, level: float = 0.95) -> Advantage:
    """Return how much more an attack adds for records the model was trained on than for others: what training gave away.

    Parameters
    ----------
    members, others : Advantage
        Of the same attack and baseline.
    level : float
        Confidence level of the interval: the two samples have no record in common, so the variances add (`paired_gap`).

    References
    ----------
    Yeom et al. 2018, definition 5: the difference between members and others.

    Examples
    --------
    >>> inside = advantage([0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 1, 0])
    >>> outside = advantage([0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 1])
    >>> member_gap(inside, outside).value
    0.5
    """
    ends: Bounds = paired_gap(members.counts, others.counts, level)
    p_value = paired_gap_p_value(members.counts, others.counts)
    return Advantage(
        members.value - others.value,
        float(ends.low),
        float(ends.high),
        p_value,
        float("nan"),
        float("nan"),
        members.counts,
    )
