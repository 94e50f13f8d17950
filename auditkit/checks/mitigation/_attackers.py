"""Attackers: what attacks that know of a remedy say of the same records, whatever remedy the model has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks.membership._refits import Plan, aligned_proba, train_and_ask
from auditkit.checks.mitigation._remedies import Remedied
from auditkit.methods.membership import gap, signal, true_class_probability
from auditkit.methods.references import in_mean, out_mean
from auditkit.methods.rmia import likelihood_ratio
from auditkit.predictors import Counted
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.checks.mitigation._remedies import Remedy
    from auditkit.predictors import Predictor

__all__ = ["ATTACKS", "Answered", "Bench", "References", "Yard", "answered", "reference_models"]

ATTACKS = ("loss", "RMIA", "label alone")
"""How sure the model is; how sure beside reference models; whether its label is right."""


@dataclass(frozen=True, eq=False)
class Yard:
    """The records that every model is measured on, none of them among the rows a student learns from.

    Attributes
    ----------
    plan : Plan
        The pool of the reference models, and who of it is attacked.
    masks : ndarray of bool, shape (references, pool)
        Who of the pool is in whose training rows.
    truth : ndarray of bool, shape (r,)
        Whether each attacked record is a member.
    index : ndarray of int, shape (r,)
        Its class.
    held : ndarray of int, shape (m,)
        Class of each held-out row that the cost is measured on.
    """

    plan: Plan
    masks: np.ndarray
    truth: np.ndarray
    index: np.ndarray
    held: np.ndarray


@dataclass(frozen=True, eq=False)
class Bench:
    """What every remedy works with.

    Attributes
    ----------
    audited : Subject
        Under audit; what is asked and trained counts there.
    subject : Subject
        The same with those test rows alone that figures rest on.
    yard : Yard
        Its records.
    transfer : DataFrame of shape (t, d)
        The other test rows, for students.
    seeds : tuple of int
        For the training of models, and of reference models: the same for every remedy, so that only it differs.
    synthetic : DataFrame of shape (s, d)
        Rows made from `transfer`, each column by itself.
    """

    audited: Subject
    subject: Subject
    yard: Yard
    transfer: Any
    seeds: tuple[int, int]
    synthetic: Any


@dataclass(frozen=True, eq=False)
class References:
    """What reference models say of the attacked records.

    Attributes
    ----------
    proba : ndarray of shape (k, r, c)
        Class probabilities.
    masks : ndarray of bool, shape (k, r)
        Who was trained on whom.
    failures : tuple of str
        Models that could not be trained.
    """

    proba: np.ndarray
    masks: np.ndarray
    failures: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Answered:
    """One model at one strength, on the records of the yard.

    Attributes
    ----------
    strength : float
        0 without a remedy.
    scores : dict of str to ndarray of shape (r,)
        By attack, higher for members.
    right : ndarray of bool, shape (m,)
        Whether each held-out row gets its own label.
    brier : ndarray of shape (m,)
        Squared distance of what is given out from the truth, summed over classes.
    setting : str
        What was set.
    model : Predictor
        As trained.
    """

    strength: float
    scores: dict[str, np.ndarray]
    right: np.ndarray
    brier: np.ndarray
    setting: str
    model: Predictor


def reference_models(bench: Bench, remedy: Remedy) -> References:
    """Train reference models with the remedy, as an attacker who knows of it does, and ask them."""
    whole = bench.subject
    subject = Subject(
        whole.name,
        Remedied(whole.model.inner, remedy),
        whole.test,
        whole.train,
        task=whole.task,
        positive=whole.positive,
    )
    plan = bench.yard.plan
    asked, cost = train_and_ask(subject, plan, bench.yard.masks, np.random.default_rng(bench.seeds[1]))
    bench.audited.model.also(cost)
    return References(asked.proba, asked.masks[: len(asked.proba), plan.attacked], tuple(asked.failures))


def answered(
    bench: Bench, model: Predictor, references: References, remedy: Remedy, setting: str = ""
) -> Answered:
    """Ask a model about the records, and attack what it gives out with reference models that give out the same."""
    subject, yard = bench.subject, bench.yard
    classes = np.asarray(subject.classes)
    counted = Counted(model)
    attacked = yard.plan.X.iloc[yard.plan.attacked].reset_index(drop=True)
    whole = aligned_proba(classes, counted, attacked)
    labels = counted.predict(attacked)
    said = remedy.published(whole)
    tables = remedy.published(references.proba)
    own = true_class_probability(said, yard.index)
    others = np.stack([true_class_probability(table, yard.index) for table in tables])
    middle = (in_mean(others, references.masks) + out_mean(others, references.masks)) / 2
    scores = {
        "loss": signal(said, yard.index, "loss"),
        "RMIA": likelihood_ratio(own, middle, a=1.0),
        "label alone": gap(labels == classes[yard.index]),
    }
    out = remedy.published(aligned_proba(classes, counted, subject.test.X))
    right = counted.predict(subject.test.X) == subject.test.y
    brier = np.square(out - np.eye(len(classes))[yard.held]).sum(axis=1)
    bench.audited.model.also(counted.cost())
    return Answered(remedy.strength, scores, np.asarray(right), brier, setting, model)
