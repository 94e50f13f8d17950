"""Refits: one set of reference models that all attacks of an audit share, each trained on half of a pool."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from auditkit import progress, shared, spread
from auditkit.checks import _common as common
from auditkit.checks.membership._evidence import FEWEST
from auditkit.checks.membership._kept import Asked, keep_answers, kept_at, read_answers
from auditkit.errors import NotApplicable, in_words
from auditkit.methods.membership import signal
from auditkit.methods.references import complementary_halves
from auditkit.predictors import Counted

if TYPE_CHECKING:
    from auditkit.predictors import Predictor
    from auditkit.subject import Subject

__all__ = [
    "Asked",
    "Plan",
    "aligned_proba",
    "class_index",
    "needs_refits",
    "reference_set",
    "share_out",
    "train_and_ask",
]

_KEPT = 32  # models whose every probability is kept: a classifier learns no more from more


def needs_refits(subject: Subject, *, asking: bool = True) -> None:
    """Raise `NotApplicable` where reference models cannot be trained or would have nothing to say.

    Not `asking`, a model that must be asked to know whether it gives probabilities is taken to give them.
    """
    common.needs_classes(subject)
    subject.split("train")
    if subject.predictions_only or subject.test.X.shape[1] == 0:
        raise NotApplicable("this attack trains reference models; only recorded predictions were given")
    if not subject.model.can_refit:
        raise NotApplicable(
            f"this attack trains reference models, and this model ({subject.model.kind}) cannot be trained again: "
            "give a scikit-learn estimator, or a predictor with refit(X, y, seed)"
        )
    gives = subject.model.has_proba if asking else subject.model.gives_proba is not False
    if not gives:
        raise NotApplicable(f"this model ({subject.model.kind}) gives no probabilities, only labels")


@dataclass(frozen=True)
class Plan:
    """Who is in the pool, who is attacked, and who serves as population.

    Attributes
    ----------
    X, y : table and ndarray of shape (n,)
        The pool: training rows first, then as many test rows.
    truth : ndarray of bool, shape (n,)
        Whether a row is a training row.
    strata : ndarray of int, shape (n,)
        Its class.
    attacked : ndarray of int, shape (r,)
        Rows of the pool under attack, members first.
    inside, outside : ndarray of int
        The same as rows of the training data and of the test data.
    others, others_labels : table and ndarray of shape (m,)
        The population.
    """

    X: Any
    y: np.ndarray
    truth: np.ndarray
    strata: np.ndarray
    attacked: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    others: Any
    others_labels: np.ndarray


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
    return Plan(
        X, y, truth, subject.class_index(y), attacked, members[:rows], others[:rows], population, test.y[z]
    )


def reference_set(
    subject: Subject, *, references: int, pool: int, rows: int, rng: np.random.Generator
) -> tuple[Plan, Asked]:
    """Return the reference models' answers: trained once for all checks of an audit that ask for the same.

    Halves and seeds follow from the audit's seed, not from the place of a check in its plan. Where the audit keeps a folder, the
    answers are taken up from an earlier audit of the same model, rows, seed and versions. The cost is counted at
    every check that uses them, whoever trained them, so that it does not depend on who came first.

    Raises
    ------
    NotApplicable
        If reference models cannot be trained, or too few of them came out.
    """
    needs_refits(subject)
    seed = shared.seed_of("reference models", rng)

    def make() -> tuple[Plan, Asked, dict[str, int]]:
        own = np.random.default_rng(seed)
        plan = share_out(subject, pool, rows, own)
        masks = complementary_halves(len(plan.truth), references, own, strata=plan.strata)
        place = kept_at(subject, seed, references, pool, rows)
        found = None if place is None else read_answers(place, masks, len(plan.attacked), len(plan.others))
        if found is None:
            found = train_and_ask(subject, plan, masks, own)
            if place is not None:
                keep_answers(place, *found)
        return plan, *found

    key = ("reference models", references, pool, rows, seed)
    plan, asked, cost = shared.once(subject.memory, key, make)
    subject.model.also(cost)
    return plan, asked


def train_and_ask(
    subject: Subject, plan: Plan, masks: np.ndarray, rng: np.random.Generator
) -> tuple[Asked, dict[str, int]]:
    """Train the reference models, in the executor of the audit where there is one, ask each at once, and count the cost.

    A model that fails takes its complement along: every row stays in for half of those that are left.
    """
    seeds = rng.integers(2**31 - 1, size=len(masks))
    jobs = []
    for i, (mask, seed) in enumerate(zip(masks, seeds, strict=True)):
        rows = np.flatnonzero(mask)
        training = plan.X.iloc[rows].reset_index(drop=True), plan.y[rows], int(seed)
        jobs.append((subject.model.inner, subject.classes, plan, training, i))
    progress.step(0.0, f"{len(jobs)} reference models to train, each on {int(masks[0].sum()):,} rows")
    parts = spread.each(_reference, jobs, "reference model")
    answers: dict[int, _Answers] = {}
    failures = []
    total = Counter({"model_calls": 0, "model_rows": 0, "refits": 0})
    for i, part in enumerate(parts):
        if part.value is None:
            failures.append(f"Reference model {i + 1} failed: {in_words(part.error)}")  # type: ignore[arg-type]
            continue
        answers[i], cost = part.value
        total.update(cost)
    whole = [i for i in answers if i ^ 1 in answers]
    if len(whole) < 4:
        raise NotApplicable(
            f"only {len(answers)} of {len(masks)} reference models could be trained and asked, and at least two "
            f"complementary pairs are needed. {failures[0]}"
        )
    own, population, logit = (np.stack([answers[i][part] for i in whole]) for part in range(3))
    proba = np.stack([answers[i].proba for i in whole if i < _KEPT])
    return Asked(own, population, logit, proba, masks[whole], failures), dict(total)


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
