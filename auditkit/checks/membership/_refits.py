"""Refits: one set of reference models that every attack of an audit shares, each trained on half of a pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from auditkit import spread
from auditkit.checks import _common as common
from auditkit.checks.membership._evidence import FEWEST
from auditkit.errors import NotApplicable, in_words
from auditkit.methods.membership import signal
from auditkit.predictors import Counted

if TYPE_CHECKING:
    from auditkit.predictors import Predictor
    from auditkit.subject import Subject

__all__ = ["Asked", "Plan", "aligned_proba", "class_index", "needs_refits", "share_out", "train_and_ask"]

_KEPT = 32  # models whose every probability is kept: a classifier learns no more from more


def needs_refits(subject: Subject) -> None:
    """Raise `NotApplicable` where reference models cannot be trained or would have nothing to say."""
    common.needs_classes(subject)
    subject.split("train")
    if subject.predictions_only or subject.test.X.shape[1] == 0:
        raise NotApplicable("this attack trains reference models; only recorded predictions were given")
    if not subject.model.can_refit:
        raise NotApplicable(
            f"this attack trains reference models, and this model ({subject.model.kind}) cannot be trained again: "
            "give a scikit-learn estimator, or a predictor with refit(X, y, seed)"
        )
    if not subject.model.has_proba:
        raise NotApplicable(f"this model ({subject.model.kind}) gives no probabilities, only labels")


@dataclass(frozen=True)
class Plan:
    """Who is in the pool, who is attacked, and who serves as population."""

    X: Any
    y: np.ndarray
    truth: np.ndarray
    strata: np.ndarray
    attacked: np.ndarray
    outside: np.ndarray
    others: Any
    others_labels: np.ndarray


@dataclass(frozen=True)
class Asked:
    """What the reference models say.

    Attributes
    ----------
    own : ndarray of shape (k, n)
        Probability of each pool record's own label.
    population : ndarray of shape (k, m)
        The same for the population, which none of them saw.
    logit : ndarray of shape (k, r)
        Logit-scaled confidence in the label of each attacked record.
    proba : ndarray of shape (at most 32, r, c)
        All probabilities of the attacked records, of the first models.
    masks : ndarray of bool, shape (k, n)
        Who of the pool was in whose training rows.
    failures : list of str
        Models that could not be trained or asked, and why.
    """

    own: np.ndarray
    population: np.ndarray
    logit: np.ndarray
    proba: np.ndarray
    masks: np.ndarray
    failures: list[str]


def share_out(subject: Subject, pool: int, rows: int, rng: np.random.Generator) -> Plan:
    """Draw the population, a quarter of the test rows, and the pool: other test rows and as many training rows."""
    import pandas as pd

    train, test = subject.split("train"), subject.test
    order = rng.permutation(len(test))
    z = order[: max(len(test) // 4, 1)][:10_000]
    others = order[max(len(test) // 4, 1) :]
    members = rng.permutation(len(train))
    n_out = min(len(others), pool // 2)
    n_in = min(len(members), pool - n_out)
    members, others = members[:n_in], others[: pool - n_in]
    if min(len(others), len(members)) < FEWEST:
        raise NotApplicable(f"too few rows to attack: {len(members)} members and {len(others)} non-members")
    X = pd.concat([train.X.iloc[members], test.X.iloc[others]], ignore_index=True)
    y = np.concatenate([train.y[members], test.y[others]])
    truth = np.repeat([True, False], [len(members), len(others)])
    attacked = np.concatenate([np.arange(len(members))[:rows], len(members) + np.arange(len(others))[:rows]])
    population = test.X.iloc[z].reset_index(drop=True)
    return Plan(X, y, truth, subject.class_index(y), attacked, others[:rows], population, test.y[z])


def train_and_ask(subject: Subject, plan: Plan, masks: np.ndarray, rng: np.random.Generator) -> Asked:
    """Train the reference models, in the executor of the audit where there is one, and ask each at once.

    A model that fails takes its complement along: every row stays in for half of those that are left.
    """
    seeds = rng.integers(2**31 - 1, size=len(masks))
    jobs = []
    for i, (mask, seed) in enumerate(zip(masks, seeds, strict=True)):
        rows = np.flatnonzero(mask)
        training = plan.X.iloc[rows].reset_index(drop=True), plan.y[rows], int(seed)
        jobs.append((subject.model.inner, subject.classes, plan, training, i))
    parts = spread.each(_reference, jobs, "reference model")
    answers: dict[int, _Answers] = {}
    failures = []
    for i, part in enumerate(parts):
        if part.value is None:
            failures.append(f"Reference model {i + 1} failed: {in_words(part.error)}")  # type: ignore[arg-type]
            continue
        answers[i], cost = part.value
        subject.model.also(cost)
    whole = [i for i in answers if i ^ 1 in answers]
    if len(whole) < 4:
        raise NotApplicable(
            f"only {len(answers)} of {len(masks)} reference models could be trained and asked, and at least two "
            f"complementary pairs are needed. {failures[0]}"
        )
    own, population, logit = (np.stack([answers[i][part] for i in whole]) for part in range(3))
    proba = np.stack([answers[i].proba for i in whole if i < _KEPT])
    return Asked(own, population, logit, proba, masks[whole], failures)


class _Answers(NamedTuple):
    own: np.ndarray
    population: np.ndarray
    logit: np.ndarray
    proba: np.ndarray


def _reference(
    model: Predictor, classes: np.ndarray, plan: Plan, training: tuple[Any, np.ndarray, int], place: int
) -> tuple[_Answers, dict[str, int]]:
    """Train one reference model and return what it says, and what that cost."""
    counted = Counted(model)
    reference = counted.refit(*training)
    pool = aligned_proba(classes, reference, plan.X)
    population = aligned_proba(classes, reference, plan.others)
    index, others = (class_index(classes, y) for y in (plan.y, plan.others_labels))
    attacked, of = pool[plan.attacked], index[plan.attacked]
    answers = _Answers(
        pool[np.arange(len(index)), index],
        population[np.arange(len(others)), others],
        signal(attacked, of, "logit"),
        attacked if place < _KEPT else attacked[:0],
    )
    return answers, counted.cost()


def class_index(classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the column of each label among the classes."""
    column = {label: j for j, label in enumerate(np.asarray(classes).tolist())}
    return np.array([column[label] for label in y.tolist()], dtype=np.intp)


def aligned_proba(classes: np.ndarray, model: Predictor, X: Any) -> np.ndarray:
    """Return class probabilities in the order of `classes`; 0 for a label the model never saw."""
    proba = model.predict_proba(X)
    known = classes if model.classes is None else model.classes
    if np.array_equal(known, classes):
        return proba
    found = np.zeros((len(proba), len(classes)))
    found[:, class_index(classes, np.asarray(known))] = proba
    return found
