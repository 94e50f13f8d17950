"""Fair: mitigations of a difference between groups, each to the decisions about new rows that it leads to, at growing strength."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks._numbers import numbers
from auditkit.checks.mitigation._mitigated import Path, Point
from auditkit.methods import mitigation
from auditkit.methods.fairness import demographic_parity_difference, equalized_odds_difference
from auditkit.methods.groups import group_confusion

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditkit.methods.mitigation import Constraint
    from auditkit.predictors.recipe import Recipe
    from auditkit.subject import Subject

__all__ = ["MITIGATIONS", "Bench"]

_FOLDS = 3
_SLACK = 0.01


@dataclass(frozen=True, eq=False)
class Bench:
    """What every mitigation works with.

    Attributes
    ----------
    subject : Subject
        Under audit.
    recipe : Recipe
        Its model, to be trained again.
    Z, Z_new : tables of shape (n, d) and (m, d)
        Training rows drawn and new rows, as the learner gets them.
    y : ndarray of int, shape (n,)
        1 where the label of a training row is positive.
    who, new_who : ndarray of str, shapes (n,) and (m,)
        Group of each row.
    original : ndarray of bool, shape (m,)
        What the model under audit decides about the new rows.
    original_scores : ndarray of shape (m,)
        Its scores of them; 0 and 1 where it gives none.
    constraint : {"demographic_parity", "equalized_odds"}
        The difference to narrow.
    strengths : tuple of float
        Above 0, the last is 1.
    iterations : int
        Of exponentiated gradient.
    scored : bool
        Whether scores of the new rows are wanted too, where a mitigation has any.
    """

    subject: Subject
    recipe: Recipe
    Z: Any
    Z_new: Any
    y: np.ndarray
    who: np.ndarray
    new_who: np.ndarray
    original: np.ndarray
    original_scores: np.ndarray
    constraint: Constraint
    strengths: tuple[float, ...]
    iterations: int
    scored: bool = False

    def trained(self, Z: Any, y: np.ndarray, weights: np.ndarray | None = None) -> Any:
        """Return a learner trained on these rows, with labels of 0 and 1 for those of the data."""
        positive = self.subject.positive
        other = self.recipe.classes[self.recipe.classes != positive][0]
        return self.recipe.train(Z, np.where(y == 1, positive, other), weights)

    def decides(self, learner: Any, Z: Any) -> np.ndarray:
        """Return whether each row is selected."""
        decided: np.ndarray = np.asarray(learner.predict(Z)) == self.subject.positive
        return decided

    def scores(self, learner: Any, Z: Any) -> np.ndarray:
        """Return the score of the positive label; 0 and 1 where there are no probabilities."""
        if not self.subject.model.has_proba or not hasattr(learner, "predict_proba"):
            return self.decides(learner, Z).astype(float)
        at = int(np.flatnonzero(np.asarray(learner.classes_) == self.subject.positive)[0])
        return np.asarray(learner.predict_proba(Z), dtype=float)[:, at]

    def point(self, strength: float, learner: Any, Z: Any) -> Point:
        """Return what a learner says of new rows."""
        return Point(
            strength, self.decides(learner, Z), scores=self.scores(learner, Z) if self.scored else None
        )


def _thresholds(bench: Bench, base: tuple[np.ndarray, np.ndarray], seed: int) -> Path:  # noqa: ARG001
    """Fit on scores of models that did not see the row, apply to the scores of the model under audit."""
    rng = np.random.default_rng(seed)
    groups = np.unique(bench.who, return_inverse=True)[1]
    fold = mitigation.cross_folds(2 * groups + bench.y, _FOLDS, rng)
    scores = np.empty(len(bench.y))
    for one in range(_FOLDS):
        rest, held = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        learner = bench.trained(_rows(bench.Z, rest), bench.y[rest])
        scores[held] = bench.scores(learner, _rows(bench.Z, held))
    new = bench.original_scores
    known = np.isin(bench.new_who, bench.who)
    drawn = mitigation.optimised_thresholds(
        scores, bench.y, bench.who, new[known], bench.new_who[known], constraint=bench.constraint, seed=seed
    )
    decisions = bench.original.copy()
    decisions[known] = drawn.decisions
    last = Point(1.0, decisions, drawn.by_chance * float(known.mean()), new)
    return Path("threshold optimisation", (Point(0.0, bench.original, scores=new), last))


def _gradient(bench: Bench, base: tuple[np.ndarray, np.ndarray], seed: int) -> Path:
    """Allow, at strength s, a share 1 - s of the largest distance from the rate of all that the model has in training."""
    n, m = len(bench.y), len(bench.new_who)

    def train(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        if len(np.unique(labels)) == 1:
            return np.full(n + m, labels[0] == 1)
        learner = bench.trained(bench.Z, labels, weights)
        return np.concatenate([bench.decides(learner, bench.Z), bench.decides(learner, bench.Z_new)])

    names, codes = np.unique(bench.who, return_inverse=True)
    counts = group_confusion(bench.y, base[0], codes, len(names))
    far = (
        demographic_parity_difference
        if bench.constraint == "demographic_parity"
        else equalized_odds_difference
    )(counts, method="to_overall")
    found = [Point(0.0, base[1])]
    for strength in bench.strengths:
        drawn = mitigation.constrained_training(
            train,
            bench.y,
            bench.who,
            m,
            constraint=bench.constraint,
            slack=max(_SLACK, (1 - strength) * float(np.nan_to_num(far))),
            iterations=bench.iterations,
            seed=seed,
        )
        found.append(Point(strength, drawn.decisions, drawn.by_chance))
    return Path("exponentiated gradient", tuple(found))


def _remover(bench: Bench, base: tuple[np.ndarray, np.ndarray], seed: int) -> Path:  # noqa: ARG001
    Z, Z_new = numbers(bench.Z, bench.Z_new)
    found = []
    for strength in (0.0, *bench.strengths):
        changed, new = mitigation.uncorrelated(Z, bench.who, Z_new, bench.new_who, strength)
        found.append(bench.point(strength, bench.trained(changed, bench.y), new))
    return Path("correlation remover", tuple(found))


def _reweighing(bench: Bench, base: tuple[np.ndarray, np.ndarray], seed: int) -> Path:  # noqa: ARG001
    found = [Point(0.0, base[1])]
    for strength in bench.strengths:
        weights = mitigation.reweighing_weights(bench.who, bench.y, strength)
        found.append(bench.point(strength, bench.trained(bench.Z, bench.y, weights), bench.Z_new))
    return Path("reweighing", tuple(found))


MITIGATIONS: dict[str, Callable[[Bench, tuple[np.ndarray, np.ndarray], int], Path]] = {
    "threshold optimisation": _thresholds,
    "exponentiated gradient": _gradient,
    "correlation remover": _remover,
    "reweighing": _reweighing,
}
"""The decisions of the model trained again, on training and test rows, and a seed, to the path."""


def _rows(Z: Any, at: np.ndarray) -> Any:
    from sklearn.utils import _safe_indexing

    return _safe_indexing(Z, at)
