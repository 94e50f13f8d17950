"""Mitigation: ways to narrow a difference between groups, each given as the decisions it leads to.

Four places to act: the weights of the training rows, the columns, the training, the decision. All learn from training
rows alone and answer for new ones. None of them removes a difference for good: what it did is measured on held-out
rows, by whoever calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from auditkit.methods._fairlearn import Train

__all__ = [
    "Constraint",
    "Drawn",
    "constrained_training",
    "cross_folds",
    "optimised_thresholds",
    "reweighing_weights",
    "uncorrelated",
]

Constraint = Literal["demographic_parity", "equalized_odds"]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Drawn:
    """Decisions of a randomised rule.

    Attributes
    ----------
    decisions : ndarray of bool, shape (n,)
        One draw: whether each record is selected.
    by_chance : float
        Share of the records that a second draw decides otherwise; 0 for a rule without chance.
    """

    decisions: NDArray[np.bool_]
    by_chance: float


def reweighing_weights(groups: ArrayLike, y: ArrayLike, strength: float = 1.0) -> NDArray[np.float64]:
    """Return weights of training rows under which group and label are independent.

    Parameters
    ----------
    groups : array_like of int, shape (n,)
        Group of each row.
    y : array_like of shape (n,)
        Label of each row.
    strength : float
        From 0, all weights 1, to 1, independence; between them the weights are interpolated.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        ``n_group * n_label / (n * n_group_and_label)`` at full strength. They sum to n, and within each group and
        each label too, where every group has every label.

    Raises
    ------
    InputError
        If lengths differ, there are no rows, or the strength is not from 0 to 1.

    References
    ----------
    Kamiran & Calders 2012, "Data preprocessing techniques for classification without discrimination", Knowledge and
    Information Systems 33.

    Examples
    --------
    >>> reweighing_weights([0, 0, 0, 1], [1, 1, 0, 0]).tolist()
    [0.75, 0.75, 1.5, 0.5]
    """
    who, label = np.asarray(groups), np.asarray(y)
    if who.ndim != 1 or who.shape != label.shape or not who.size:
        raise InputError(f"groups and y must hold one value a row, got shapes {who.shape} and {label.shape}")
    if not 0 <= strength <= 1:
        raise InputError(f"strength must be from 0 to 1, got {strength!r}")
    group = np.unique(who, return_inverse=True)[1]
    kinds, kind = np.unique(label, return_inverse=True)
    cell = group * len(kinds) + kind
    of_cell, of_group, of_kind = np.bincount(cell), np.bincount(group), np.bincount(kind)
    full = of_group[group] * of_kind[kind] / (who.size * of_cell[cell])
    return np.asarray(1 + strength * (full - 1), dtype=np.float64)


def cross_folds(strata: ArrayLike, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a fold for each row, the rows of a stratum shared out evenly.

    Parameters
    ----------
    strata : array_like of int, shape (n,)
        What the folds should have in like shares: group and label, say.
    folds : int
        At least 2, at most n.
    rng : numpy.random.Generator
        Which row goes where.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        From 0 to ``folds - 1``.

    Raises
    ------
    InputError
        If there are fewer rows than folds, or fewer than two folds.

    Examples
    --------
    >>> np.bincount(cross_folds([0, 0, 0, 1, 1, 1], 3, np.random.default_rng(0))).tolist()
    [2, 2, 2]
    """
    kinds = np.asarray(strata)
    if not 2 <= folds <= len(kinds):
        raise InputError(f"folds must be from 2 to the {len(kinds)} rows, got {folds}")
    out = np.empty(len(kinds), dtype=np.int64)
    out[np.lexsort((rng.random(len(kinds)), kinds))] = np.arange(len(kinds)) % folds
    return out


def optimised_thresholds(
    scores: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    new_scores: ArrayLike,
    new_groups: ArrayLike,
    *,
    constraint: Constraint,
    seed: int,
) -> Drawn:
    """Decide by thresholds of each group's own, the most accurate that meet a constraint on the training rows.

    Parameters
    ----------
    scores, y, groups : array_like of shape (n,)
        Of the training rows: score of the positive label, label 0 or 1, group. Scores that the model was not
        trained on the row for: those of rows it has seen are too good, and thresholds made from them do not carry over.
    new_scores, new_groups : array_like of shape (m,)
        Of the rows to decide.
    constraint : {"demographic_parity", "equalized_odds"}
        What is to be equal.
    seed : int
        Thresholds are mixed at random where no single one meets the constraint.

    Returns
    -------
    Drawn
        One draw of the decisions, shape (m,).

    Raises
    ------
    InputError
        If a group to decide has no training row, or has rows of one label only.

    References
    ----------
    Hardt, Price & Srebro 2016, "Equality of Opportunity in Supervised Learning", NeurIPS; as in fairlearn's
    ``ThresholdOptimizer``.
    """
    from fairlearn.postprocessing import ThresholdOptimizer

    from auditkit.methods._fairlearn import Scores

    who, label = np.asarray(groups), np.asarray(y).astype(int)
    for group in np.unique(np.concatenate([who, np.asarray(new_groups)])).tolist():
        seen = np.unique(label[who == group]).tolist()
        if seen != [0, 1]:
            raise InputError(f"thresholds need rows of both labels in every group; group {group} has {seen}")
    optimizer = ThresholdOptimizer(
        estimator=Scores(), constraints=constraint, prefit=True, predict_method="predict"
    )
    optimizer.fit(_column(scores), label, sensitive_features=who)
    new, whose = _column(new_scores), np.asarray(new_groups)
    return _twice(lambda s: optimizer.predict(new, sensitive_features=whose, random_state=s), seed)


def constrained_training(
    train: Train,
    y: ArrayLike,
    groups: ArrayLike,
    n_new: int,
    *,
    constraint: Constraint,
    slack: float,
    iterations: int,
    seed: int,
) -> Drawn:
    """Train under a constraint, by exponentiated gradient: a mixture of models, each trained on other weights.

    Parameters
    ----------
    train : callable
        Takes labels of 0 and 1 and weights of the n training rows, trains, and returns the decisions for the training
        rows and then for the m new ones, shape (n + m,). Called about five times an iteration.
    y, groups : array_like of shape (n,)
        Labels of 0 and 1, and groups, of the training rows.
    n_new : int
        How many rows are to be decided: m.
    constraint : {"demographic_parity", "equalized_odds"}
        What is to be equal.
    slack : float
        How far a group's rate may lie from that of all, in training.
    iterations : int
        At most.
    seed : int
        Every record is decided by a model drawn from the mixture.

    Returns
    -------
    Drawn
        One draw of the decisions for the new rows, shape (m,).

    References
    ----------
    Agarwal, Beygelzimer, Dudik, Langford & Wallach 2018, "A Reductions Approach to Fair Classification", ICML; as in
    fairlearn's ``ExponentiatedGradient``, where ``slack`` is the constraint's ``difference_bound``.
    """
    from fairlearn.reductions import DemographicParity, EqualizedOdds, ExponentiatedGradient

    from auditkit.methods._fairlearn import Learner

    label = np.asarray(y).astype(int)
    kind = DemographicParity if constraint == "demographic_parity" else EqualizedOdds
    mitigator = ExponentiatedGradient(Learner(train), kind(difference_bound=slack), max_iter=iterations)
    # row numbers: sparse tables, words and missing values are for the learner alone
    mitigator.fit(np.arange(len(label)).reshape(-1, 1), label, sensitive_features=np.asarray(groups))
    new = np.arange(len(label), len(label) + n_new).reshape(-1, 1)
    return _twice(lambda s: mitigator.predict(new, random_state=s), seed)


def uncorrelated(
    X: ArrayLike, groups: ArrayLike, new_X: ArrayLike, new_groups: ArrayLike, alpha: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the columns less what is linear in the group, learnt on training rows.

    Parameters
    ----------
    X, groups : array_like of shape (n, d) and (n,)
        Training rows: finite numbers, and groups.
    new_X, new_groups : array_like of shape (m, d) and (m,)
        Rows to change in the same way. The group must be known of them too.
    alpha : float
        From 0, as they were, to 1, no correlation on the training rows.

    Returns
    -------
    tuple of two numpy.ndarray of float
        Shapes (n, d) and (m, d). Curved relations and relations of several columns together stay: a linear
        model loses the group, a tree may still read it, for a shifted column of flags has values of each group's own.

    Raises
    ------
    InputError
        If alpha is not from 0 to 1.

    References
    ----------
    As in fairlearn's ``CorrelationRemover``.
    """
    from fairlearn.preprocessing import CorrelationRemover

    if not 0 <= alpha <= 1:
        raise InputError(f"alpha must be from 0 to 1, got {alpha!r}")
    names = np.unique(np.asarray(groups))[1:]
    flags, new_flags = ((np.asarray(g)[:, None] == names).astype(np.float64) for g in (groups, new_groups))
    given, new = np.asarray(X, dtype=np.float64), np.asarray(new_X, dtype=np.float64)
    if not len(names):
        return given, new
    ids = list(range(given.shape[1], given.shape[1] + len(names)))
    remover = CorrelationRemover(sensitive_feature_ids=ids, alpha=alpha).fit(np.hstack([given, flags]))
    changed = np.asarray(remover.transform(np.hstack([given, flags])))
    new_changed = np.asarray(remover.transform(np.hstack([new, new_flags])))
    if alpha == 1:
        # what is left of the group's own column is rounding, and a tree would read the group from that
        spread = given.std(axis=0)
        empty = changed.std(axis=0) <= _ROUNDING * np.where(spread > 0, spread, 1.0)
        changed[:, empty] = new_changed[:, empty] = given[:, empty].mean(axis=0)
    return changed, new_changed


def _column(scores: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(scores, dtype=np.float64).reshape(-1, 1)


def _twice(decide: Callable[[int], Any], seed: int) -> Drawn:
    first, second = (np.asarray(decide(s)) == 1 for s in (seed, seed + 1))
    return Drawn(first, float((first != second).mean()) if first.size else 0.0)
