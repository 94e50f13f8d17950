"""Extraction: a copy of a model built from its answers alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError, did_you_mean
from auditkit.methods._threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LEARNERS", "Solved", "copied_labels", "majority_label", "marginal_rows", "solve_equations"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Learner = Literal["logistic regression", "boosted trees"]
LEARNERS: tuple[Learner, ...] = get_args(Learner)

_ROUNDS = 60
_MOST_CATEGORIES = 250
_NEAR_CERTAIN = 1e-6  # beyond it the log-odds lose digits
_TRIES = 6


def copied_labels(
    X: ArrayLike,
    categorical: ArrayLike,
    answers: ArrayLike,
    rows: ArrayLike,
    *,
    learner: str,
    seed: int,
) -> Ints:
    """Train a copy on a model's answers and return what it says of other rows.

    The copy of Tramèr et al. 2016 ("Stealing machine learning models via prediction APIs", arXiv 1609.02943) by learning, measured as
    fidelity in the sense of Jagielski et al. 2020 ("High accuracy and high fidelity extraction of neural networks", arXiv
    1909.01838). From probabilities the learner sees each row once for each class, weighted by its probability: the cross-entropy of
    distillation (Hinton, Vinyals and Dean 2015, arXiv 1503.02531).

    Parameters
    ----------
    X : array_like of float, shape (n, d)
        Rows asked; categories as codes, missing as ``nan``.
    categorical : array_like of bool, shape (d,)
        Which columns hold codes.
    answers : array_like of int, shape (n,), or of float, shape (n, k)
        Labels from 0, or class probabilities.
    rows : array_like of float, shape (m, d)
        Rows the copy answers.
    learner : {"logistic regression", "boosted trees"}
        What is trained; columns are put in order within.
    seed : int
        Of the boosting.

    Returns
    -------
    ndarray of int, shape (m,)
        Labels; where all rows were answered alike, that answer.

    Raises
    ------
    InputError
        If shapes do not fit, there are no rows, or the learner is unknown.
    """
    X, rows, coded = (
        np.asarray(X, dtype=float),
        np.asarray(rows, dtype=float),
        np.asarray(categorical, dtype=bool),
    )
    given = np.asarray(answers)
    if learner not in LEARNERS:
        raise InputError(f"no learner named {learner!r}.{did_you_mean(learner, LEARNERS)}")
    if (
        X.ndim != 2
        or not len(X)
        or len(given) != len(X)
        or coded.shape != X.shape[1:]
        or rows.shape[1:] != X.shape[1:]
    ):
        raise InputError(
            f"expected rows and one answer each, and other rows of the same columns; got {X.shape}, {given.shape}, {rows.shape}"
        )
    if given.ndim == 2:
        row, label = np.nonzero(given > 0)
        X, y, weights = X[row], label, given[row, label].astype(float)
    else:
        y, weights = given.astype(np.int64), np.ones(len(given))
    if len(np.unique(y)) == 1:
        return np.full(len(rows), y[0], dtype=np.int64)
    fit = _logistic if learner == LEARNERS[0] else _boosted
    return np.asarray(fit(X, coded, y, weights, rows, seed), dtype=np.int64)


def majority_label(answers: ArrayLike) -> int:
    """Return the label given most often, from labels (n,) or probabilities (n, k): what can be had without any model.

    The baseline that fidelity is read against, as accuracy is against the largest class (Jagielski et al. 2020).
    """
    given = np.asarray(answers)
    labels = given.argmax(axis=1) if given.ndim == 2 else given.astype(np.int64)
    return int(np.bincount(labels).argmax())


def marginal_rows(X: ArrayLike, n: int, rng: np.random.Generator) -> Floats:
    """Return rows drawn column by column from the values of X, (n, d): what an attacker without records can make up.

    Only the columns' distributions are known, not how they go together (the synthetic queries of Tramèr et al. 2016).
    """
    X = np.asarray(X, dtype=float)
    return np.column_stack([rng.choice(column, size=n) for column in X.T]) if X.shape[1] else np.zeros((n, 0))


@dataclass(frozen=True, eq=False)
class Solved:
    """A model rebuilt as a sum over its columns in log-odds.

    Attributes
    ----------
    intercept : ndarray, shape (k - 1,)
        Of the log-odds of each class against the first.
    weights : ndarray, shape (k - 1, d)
        Of the numbers; ``nan`` for columns of codes and those that could not be asked.
    by_code : dict of int to ndarray, shape (codes, k - 1)
        For a column of codes what each code adds, relative to that of the row it started from; ``nan`` for codes not asked.
    missing : ndarray, shape (k - 1, d)
        What a missing value adds, relative to the row it started from; ``nan`` where not asked.
    start : ndarray, shape (d,)
        That row.
    queries : int
        Rows asked.
    """

    intercept: Floats
    weights: Floats
    by_code: dict[int, Floats]
    missing: Floats
    start: Floats
    queries: int

    def proba(self, X: ArrayLike) -> Floats:
        """Return class probabilities, (n, k); ``nan`` where a row holds what was never asked about."""
        X = np.asarray(X, dtype=float)
        gaps = np.isnan(X)
        filled = np.where(gaps, self.start, X)
        numbers = np.setdiff1d(np.arange(X.shape[1]), list(self.by_code))
        odds = self.intercept + filled[:, numbers] @ self.weights[:, numbers].T
        for j, added in self.by_code.items():
            code = filled[:, j].astype(int)
            known = (code >= 0) & (code < len(added))
            odds = odds + np.where(known[:, None], added[np.where(known, code, 0)], np.nan)
        for empty in np.flatnonzero(gaps.any(axis=0)):
            odds = odds + np.where(gaps[:, [empty]], self.missing[:, empty], 0.0)
        odds = np.column_stack([np.zeros(len(X)), odds])
        odds -= odds.max(axis=1, keepdims=True)
        shares = np.exp(odds)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def solve_equations(
    ask: Callable[[Floats], Floats],
    start: ArrayLike,
    scale: ArrayLike,
    whole: ArrayLike,
    n_categories: ArrayLike,
    gaps: ArrayLike | None = None,
) -> Solved:
    """Rebuild a logistic regression from probabilities, one query a parameter (Tramèr et al. 2016, section 4.1).

    The log-odds of a logistic regression are a sum over columns: one row, and that row with one column moved, give one linear
    equation for each weight; whatever scaling or one-hot encoding stands in front stays a sum. A column is moved less where the answer
    becomes too certain to be read, which costs further queries. Whether the model was such a sum, only other rows can say.

    Parameters
    ----------
    ask : callable
        Takes rows (m, d), gives class probabilities (m, k).
    start : array_like, shape (d,)
        A row without missing values, best one that is answered with doubt.
    scale : array_like, shape (d,)
        By how much a number is moved.
    whole : array_like of bool, shape (d,)
        Which columns hold whole numbers.
    n_categories : array_like of int, shape (d,)
        Codes of a column; 0 for numbers.
    gaps : array_like of bool, shape (d,), optional
        Columns whose missing value is asked about too; none by default.

    Returns
    -------
    Solved
        The parameters, exact for such a model to the digits of its answers.

    Examples
    --------
    >>> def ask(X):
    ...     p = 1 / (1 + np.exp(-(2 * X[:, 0] - 3 * X[:, 1] + 0.5)))
    ...     return np.column_stack([1 - p, p])
    >>> found = solve_equations(ask, [0.0, 0.0], [1.0, 1.0], [False, False], [0, 0])
    >>> found.weights.round(6).tolist(), found.intercept.round(6).tolist(), found.queries
    ([[2.0, -3.0]], [0.5], 3)
    """
    base, size = np.asarray(start, dtype=float), np.asarray(n_categories, dtype=np.int64)
    width = np.asarray(scale, dtype=float)
    width = np.where(np.asarray(whole, dtype=bool), np.maximum(1.0, np.rint(width)), width)
    numbers, coded = np.flatnonzero(size == 0), np.flatnonzero(size > 0)
    codes = [(j, code) for j in coded for code in range(size[j]) if code != base[j]]
    holes = np.flatnonzero(np.zeros(len(base), dtype=bool) if gaps is None else np.asarray(gaps, dtype=bool))
    rows = np.tile(base, (1 + len(numbers) + len(codes) + len(holes), 1))
    rows[1 + np.arange(len(numbers)), numbers] += width[numbers]
    for i, (j, code) in enumerate(codes, start=1 + len(numbers)):
        rows[i, j] = code
    rows[len(rows) - len(holes) + np.arange(len(holes)), holes] = np.nan
    odds, sure = _log_odds(ask(rows))
    queries = len(rows)
    at = 1 + np.arange(len(numbers))
    for _ in range(_TRIES):
        again = np.flatnonzero(sure[at] & ~np.asarray(whole, dtype=bool)[numbers])
        if not len(again):
            break
        width[numbers[again]] /= 8
        closer = np.tile(base, (len(again), 1))
        closer[np.arange(len(again)), numbers[again]] += width[numbers[again]]
        odds[at[again]], sure[at[again]] = _log_odds(ask(closer))
        rows[at[again]] = closer
        queries += len(again)
    weights = np.full((odds.shape[1], len(base)), np.nan)
    moved = rows[at, numbers] - base[numbers]  # as it was represented
    weights[:, numbers] = ((odds[at] - odds[0]) / moved[:, None]).T
    by_code = {int(j): np.full((size[j], odds.shape[1]), np.nan) for j in coded}
    for j in coded:
        by_code[int(j)][int(base[j])] = 0.0
    for i, (j, code) in enumerate(codes, start=1 + len(numbers)):
        by_code[int(j)][code] = odds[i] - odds[0]
    missing = np.full_like(weights, np.nan)
    missing[:, holes] = (odds[len(odds) - len(holes) :] - odds[0]).T
    intercept = odds[0] - weights[:, numbers] @ base[numbers]
    return Solved(intercept, weights, by_code, missing, base, queries)


def _log_odds(proba: Floats) -> tuple[Floats, Bools]:
    """Return the log-odds of each class against the first, and which rows are too certain to be read."""
    p = np.asarray(proba, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(p[:, 1:]) - np.log(p[:, :1])
    sure = (p.min(axis=1) < _NEAR_CERTAIN) | ~np.isfinite(odds).all(axis=1)
    return np.where(np.isfinite(odds), odds, np.nan), sure


def _logistic(X: Floats, coded: Bools, y: Ints, weights: Floats, rows: Floats, _: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    seen = _Columns.of(X, coded)
    model = LogisticRegression(C=100.0, max_iter=3000, tol=1e-3)
    return model.fit(seen.design(X), y, sample_weight=weights).predict(seen.design(rows))


def _boosted(X: Floats, coded: Bools, y: Ints, weights: Floats, rows: Floats, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    held = coded & (np.nan_to_num(X).max(axis=0, initial=0) < _MOST_CATEGORIES)
    held &= np.nan_to_num(rows).max(axis=0, initial=0) < _MOST_CATEGORIES
    fewest = max(1, min(20, len(X) // 20))
    model = HistGradientBoostingClassifier(
        max_iter=_ROUNDS,
        max_leaf_nodes=15,
        min_samples_leaf=fewest,
        categorical_features=held,
        early_stopping=False,
        random_state=seed,
    )
    used = ~np.isnan(X).all(axis=0)
    model.set_params(categorical_features=held[used])
    if not used.any():
        return np.full(len(rows), np.bincount(y, weights=weights).argmax())
    with one_thread():
        return model.fit(X[:, used], y, sample_weight=weights).predict(rows[:, used])


@dataclass(frozen=True, eq=False)
class _Columns:
    """How a table becomes the columns of a linear model: numbers standardised and filled in, codes one-hot."""

    coded: Bools
    centre: Floats
    spread: Floats
    codes: tuple[Floats, ...]

    @classmethod
    def of(cls, X: Floats, coded: Bools) -> _Columns:
        numbers = X[:, ~coded]
        known = ~np.isnan(numbers)
        n = np.maximum(known.sum(axis=0), 1)
        centre = np.where(known, numbers, 0.0).sum(axis=0) / n
        spread = np.sqrt(np.where(known, (numbers - centre) ** 2, 0.0).sum(axis=0) / n)
        codes = tuple(np.unique(column[~np.isnan(column)]) for column in X[:, coded].T)
        return cls(coded, centre, np.where(spread > 0, spread, 1.0), codes)

    def design(self, X: Floats) -> Floats:
        numbers = X[:, ~self.coded]
        scaled = np.where(np.isnan(numbers), 0.0, (numbers - self.centre) / self.spread)
        hot = [column[:, None] == codes for column, codes in zip(X[:, self.coded].T, self.codes, strict=True)]
        return np.column_stack([scaled, *hot]) if hot else scaled
