"""Surrogates: copies of a model trained on the labels it gave, to find changes on; and changes of the same size by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import InputError, did_you_mean
from auditkit.methods.evasion._ball import NormBall
from auditkit.methods.evasion.result import reference_labels
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix

if TYPE_CHECKING:
    from auditkit.methods.evasion.scores import AskScores

__all__ = ["SurrogateKind", "random_changes", "surrogate_scores"]

Floats = NDArray[np.float64]
SurrogateKind = Literal["linear", "trees"]

KINDS = ("linear", "trees")
FAR = 10.0  # standardised numbers are cut here: one wild value should not decide a regression
NEVER = -50.0  # score of a class that no row had
DRAWS = 8  # random changes of a row among which the one nearest in size is taken


def surrogate_scores(
    X: ArrayLike, y: ArrayLike, space: FeatureSpace, n_classes: int, kind: SurrogateKind, *, seed: int = 0
) -> AskScores:
    """Train a surrogate on a model's labels (Papernot et al. 2017, arXiv 1602.02697); return the function of its scores.

    Parameters
    ----------
    X : array (n, d)
        Rows; categories as codes, missing as nan.
    y : array of int (n,)
        The model's labels, as columns of the scores; two different ones at least.
    space : FeatureSpace
        What the columns hold.
    n_classes : int
        Columns of the scores.
    kind : {"linear", "trees"}
        Logistic regression, or 60 boosted trees of depth 3.
    seed : int
        For the trees.

    Returns
    -------
    callable
        Takes rows (m, d), gives log-odds like scores (m, n_classes).

    Raises
    ------
    InputError
        If shapes do not fit, there is no such kind, or all labels are the same.
    """
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    if kind not in KINDS:
        raise InputError(f"no surrogate of kind {kind!r}.{did_you_mean(kind, KINDS)}")
    X = as_matrix(X, "X", len(space.names))
    labels = reference_labels(y, len(X)).astype(int)
    if len(np.unique(labels)) < 2:
        raise InputError("a surrogate is trained on rows of two different labels at least")
    design = _Design(X, space)
    model: Any = (
        LogisticRegression(max_iter=2000)
        if kind == "linear"
        else GradientBoostingClassifier(n_estimators=60, max_depth=3, random_state=seed)
    )
    model.fit(design(X), labels)

    def scores(rows: Floats) -> Floats:
        found = np.asarray(model.decision_function(design(rows)), dtype=float)
        if found.ndim == 1:
            found = np.column_stack([-found / 2, found / 2])
        out = np.full((len(rows), n_classes), NEVER)
        out[:, model.classes_] = found
        return out

    return scores


def random_changes(
    X: ArrayLike,
    like: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    rng: np.random.Generator,
    norm: Norm = "l2",
) -> Floats:
    """Return each row changed by chance, about as far as another change of it went and in as many categories, (n, d).

    The baseline of an attack: a flip that chance finds as often shows that the decision hangs on little, not that the attack
    knew something (as random noise beside adversarial noise in Szegedy et al. 2014, arXiv 1312.6199).

    Parameters
    ----------
    X, like : arrays (n, d)
        The rows, and the same rows as the attack changed them.
    space : FeatureSpace
        What may change.
    radius : float
        Of the attack.
    rng : numpy.random.Generator
        Source of every draw.
    norm : {"l1", "l2", "linf", "l0"}
        How a row's costs are added up.
    """
    X, like = as_matrix(X, "X", len(space.names)), as_matrix(like, "like", len(space.names))
    changed, coded = space.changed(X, like), space.categorical
    wanted = space.distance(X, like, norm)
    ball = NormBall(space, np.minimum(wanted * (1 + 1e-6), radius), norm)
    many = {word: (changed & part).sum(axis=1) for word, part in (("codes", coded), ("numbers", ~coded))}
    best, gap = X.copy(), np.where(wanted > 0, np.inf, -1.0)
    for _ in range(DRAWS):
        rank = np.where(space.mutable, rng.random(X.shape), 2.0)
        order = np.where(coded, rank, 3.0).argsort(axis=1).argsort(axis=1)
        codes = (order < many["codes"][:, None]) & coded
        draw = np.floor(rng.random(X.shape) * np.maximum(space.n_categories - 1, 1))
        other = draw + (draw >= X)  # any code but the present one
        direction = rng.standard_normal(X.shape)
        direction = np.where(space.direction == 0, direction, np.abs(direction) * space.direction)
        if norm == "linf":
            direction = np.sign(direction)
        if norm in (
            "l0",
            "l1",
        ):  # as few numbers as the attack moved: a change spread over all is not of its kind
            order = np.where(coded, 3.0, rank).argsort(axis=1).argsort(axis=1)
            direction = np.where((order < many["numbers"][:, None]) & ~coded, direction, 0.0)
        reach = 1.0 if norm == "l0" else 10 * np.maximum(wanted, 1e-12)[:, None]
        moved = X + direction * reach * space.scale
        moved = ball.into(X, np.where(coded, np.where(codes, other, X), moved))
        miss = np.abs(space.distance(X, moved, norm) - wanted)
        nearer = miss < gap
        best[nearer], gap[nearer] = moved[nearer], miss[nearer]
    return best


class _Design:
    """Rows as a regression reads them: numbers standardised, a column for each category, missing as the middle."""

    def __init__(self, X: Floats, space: FeatureSpace) -> None:
        numbers = ~space.categorical
        known = np.where(np.isfinite(X), X, np.nan)[:, numbers]
        empty = np.isnan(known).all(axis=0)
        centre = np.zeros(known.shape[1])
        centre[~empty] = np.nanmedian(known[:, ~empty], axis=0)
        self.numbers, self.centre, self.scale = numbers, centre, space.scale[numbers]
        self.codes = [(int(j), int(space.n_categories[j])) for j in np.flatnonzero(space.categorical)]

    def __call__(self, rows: Floats) -> Floats:
        part = (rows[:, self.numbers] - self.centre) / self.scale
        parts = [np.clip(np.nan_to_num(part), -FAR, FAR)]
        parts += [rows[:, [j]] == np.arange(many)[None] for j, many in self.codes]
        return np.concatenate(parts, axis=1).astype(float)
