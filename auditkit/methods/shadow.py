"""Shadow classifier: learn from reference models how answers on training rows differ from answers on other rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.methods._arrays import in_unit, rounded
from auditkit.methods._threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Flags = NDArray[np.bool_]

__all__ = ["ShadowClassifier", "fit_shadow_classifier", "shadow_cross_scores", "shadow_features"]

Learner = Literal["logistic", "boosted"]

_TOP = 10  # sorted probabilities used at most: the rest is all but 0
_LEAST = 1e-12  # smallest probability before the logarithm: a loss of 708 would rule every standard deviation
_CLASSES = 20  # most that are an input of the classifier for all
_FEWEST = 20  # answers of a kind, in and out, below which a class has no classifier of its own


def shadow_features(proba: ArrayLike, y_index: ArrayLike) -> Floats:
    """Return what the classifier looks at: sorted class probabilities, the own-class probability and its loss.

    Parameters
    ----------
    proba : array_like of shape (n, c)
        Class probabilities of one model.
    y_index : array_like of int, shape (n,)
        Column of each row's true class.

    Returns
    -------
    numpy.ndarray of float, shape (n, min(c, 10) + 2)
        The highest probabilities in falling order, that of the true class, and ``-log`` of it, at most 27.6.

    Raises
    ------
    InputError
        If the arrays cannot be used.

    References
    ----------
    Salem et al. 2019, "ML-Leaks", NDSS (sorted probabilities); Yeom et al. 2018, IEEE CSF (loss).

    Examples
    --------
    >>> shadow_features([[0.2, 0.8]], [0]).round(3).tolist()
    [[0.8, 0.2, 0.2, 1.609]]
    """
    table, index = np.asarray(proba, dtype=np.float64), np.asarray(y_index)
    if table.ndim != 2 or table.shape[1] < 2 or index.shape != (len(table),):
        raise InputError(
            f"proba must be (rows, classes) with at least 2 classes and y_index one column a row, "
            f"got {table.shape} and {index.shape}"
        )
    if not np.issubdtype(index.dtype, np.integer) or (
        index.size and not (index.min() >= 0 and index.max() < table.shape[1])
    ):
        raise InputError(f"y_index must be whole numbers from 0 to {table.shape[1] - 1}")
    in_unit("proba", table)
    own = table[np.arange(len(table)), index]
    highest = np.sort(table, axis=1)[:, ::-1][:, :_TOP]
    return np.column_stack([highest, own, -np.log(np.maximum(own, _LEAST))])


@dataclass(frozen=True, slots=True)
class ShadowClassifier:
    """A fitted attack: one classifier for all classes, and one for each class that had answers enough.

    Attributes
    ----------
    overall : object
        Sees the class as an input; serves the classes without one of their own.
    own : dict of int to object
        Classifiers of single classes; empty unless asked for.
    classes : int
        Columns of the probabilities.
    """

    overall: Any
    own: dict[int, Any]
    classes: int

    def scores(self, proba: ArrayLike, y_index: ArrayLike) -> Floats:
        """Return the log odds of membership of each row from a model's answers, (n, c), and true classes, (n,).

        Higher for members; rows with the same answer and class tie.
        """
        features, index = shadow_features(proba, y_index), np.asarray(y_index, dtype=np.intp)
        if np.asarray(proba).shape[1] != self.classes:
            raise InputError(
                f"the references gave {self.classes} classes, the target {np.asarray(proba).shape[1]}"
            )
        if not index.size:
            return np.zeros(0)
        score = self.overall.decision_function(_with_class(features, index, self.classes))
        for label, classifier in self.own.items():
            rows = index == label
            if rows.any():
                score[rows] = classifier.decision_function(features[rows])
        return rounded(np.asarray(score, dtype=np.float64))


def fit_shadow_classifier(
    proba: ArrayLike,
    y_index: ArrayLike,
    member_mask: ArrayLike,
    rng: np.random.Generator,
    *,
    learner: Learner = "logistic",
    per_class: bool = False,
    answers: int = 200_000,
) -> ShadowClassifier:
    """Learn membership from the reference models' answers (Attack-S).

    Parameters
    ----------
    proba : array_like of shape (k, n, c)
        Class probabilities of `k` reference models for `n` rows.
    y_index : array_like of int, shape (n,)
        Column of each row's true class.
    member_mask : array_like of bool, shape (k, n)
        True where the reference was trained on the row. The target is none of the references.
    rng : numpy.random.Generator
        Draws the answers used where there are more than `answers`, and seeds the learner.
    learner : {"logistic", "boosted"}
        Logistic regression on standardised features, or gradient-boosted trees.
    per_class : bool
        One classifier a class (Shokri et al.) in place of one for all (Salem et al.), with the class as an
        input where there are 20 or fewer. A class with fewer than 20 answers in or out is served by the classifier for all.
    answers : int
        Answers, a model and a row each, learnt from at most; at least 40.

    Returns
    -------
    ShadowClassifier
        Its `scores` takes the target's answers.

    Raises
    ------
    InputError
        If shapes do not fit, a value is not a probability, or the references were trained on all or none of the rows.

    References
    ----------
    Shokri et al. 2017, "Membership Inference Attacks Against Machine Learning Models", IEEE S&P; Salem et al. 2019,
    "ML-Leaks", NDSS.

    Examples
    --------
    >>> inside = np.arange(40) % 2 == 0
    >>> sure = np.where(inside, 0.9, 0.6)
    >>> proba = np.stack([np.column_stack([sure, 1 - sure])])
    >>> attack = fit_shadow_classifier(proba, np.zeros(40, dtype=int), inside[None], np.random.default_rng(0))
    >>> said = attack.scores([[0.95, 0.05], [0.55, 0.45]], [0, 0])
    >>> bool(said[0] > 0 > said[1])
    True
    """
    table, index, mask = _checked(proba, y_index, member_mask, learner, answers)
    count = mask.size
    chosen = (
        np.arange(count)
        if count <= answers
        else np.sort(rng.choice(count, size=answers, replace=False, shuffle=False))
    )
    model, row = np.divmod(chosen, mask.shape[1])
    inside, labels = mask[model, row], index[row]
    if inside.all() or not inside.any():
        raise InputError(
            "the classifier learns from rows inside and outside the references' training data; "
            f"of {inside.size} answers all are {'inside' if inside.all() else 'outside'}"
        )
    features = shadow_features(table[model, row], labels)
    seed = int(rng.integers(2**31 - 1))
    overall = _fitted(_with_class(features, labels, table.shape[2]), inside, learner, seed)
    own = {}
    for label in np.unique(labels).tolist() if per_class else []:
        rows = labels == label
        if min(inside[rows].sum(), (~inside[rows]).sum()) >= _FEWEST:
            own[label] = _fitted(features[rows], inside[rows], learner, seed)
    return ShadowClassifier(overall, own, table.shape[2])


def shadow_cross_scores(
    proba: ArrayLike,
    y_index: ArrayLike,
    member_mask: ArrayLike,
    rng: np.random.Generator,
    *,
    learner: Learner = "logistic",
    per_class: bool = False,
    answers: int = 200_000,
) -> Floats:
    """Attack each reference with a classifier that has not seen it: to choose the learner without the target.

    A model's exact complement is left out beside it, as in `choose_offline_a`.

    Parameters
    ----------
    proba, y_index, member_mask, rng, learner, per_class, answers
        As in `fit_shadow_classifier`; at least two models that are not each other's complement.

    Returns
    -------
    numpy.ndarray of float, shape (k, n)
        Log odds; higher for members.

    Raises
    ------
    InputError
        As `fit_shadow_classifier`, and where nothing is left to learn from.

    References
    ----------
    As `fit_shadow_classifier`.
    """
    table, index, mask = _checked(proba, y_index, member_mask, learner, answers)
    scores = np.empty(mask.shape)
    for one in range(len(mask)):
        others = (np.arange(len(mask)) != one) & ~(mask == ~mask[one]).all(axis=1)
        if not others.any():
            raise InputError(
                f"no other reference is left once reference {one} is attacked: train at least 4 complementary halves"
            )
        attack = fit_shadow_classifier(
            table[others], index, mask[others], rng, learner=learner, per_class=per_class, answers=answers
        )
        scores[one] = attack.scores(table[one], index)
    return scores


def _fitted(features: Floats, inside: Flags, learner: str, seed: int) -> Any:
    if learner == "boosted":
        from sklearn.ensemble import HistGradientBoostingClassifier

        options = {"max_iter": 60, "max_leaf_nodes": 15, "early_stopping": False, "random_state": seed}
        with one_thread():
            return HistGradientBoostingClassifier(**options).fit(features, inside)
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features, inside)


def _with_class(features: Floats, labels: Ints, classes: int) -> Floats:
    # of many classes each has few answers, and the indicators would hold more than the answers themselves
    return np.column_stack([features, np.eye(classes)[labels]]) if classes <= _CLASSES else features


def _checked(
    proba: ArrayLike, y_index: ArrayLike, member_mask: ArrayLike, learner: str, answers: int
) -> tuple[Floats, Ints, Flags]:
    if learner not in get_args(Learner):
        raise InputError(f"no learner named {learner!r}.{did_you_mean(learner, get_args(Learner))}")
    if answers < 2 * _FEWEST:
        raise InputError(f"answers must be at least {2 * _FEWEST}, got {answers}")
    table, index, mask = np.asarray(proba), np.asarray(y_index), np.asarray(member_mask)
    if table.ndim != 3 or mask.shape != table.shape[:2] or mask.dtype != np.bool_ or not mask.size:
        raise InputError(
            "proba must be (references, rows, classes) and member_mask boolean of (references, rows), "
            f"got {table.shape} and {mask.dtype} of shape {mask.shape}"
        )
    if index.shape != table.shape[1:2] or not np.issubdtype(index.dtype, np.integer):
        raise InputError(
            f"y_index must be {table.shape[1]} whole numbers, got {index.dtype} of {index.shape}"
        )
    return table, index.astype(np.intp), mask
