"""View: what an attacker with reference models sees of each record, and what RMIA, offline, makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from auditkit import statistics
from auditkit.checks.membership._refits import aligned_proba, class_index
from auditkit.methods.membership import signal
from auditkit.methods.references import out_mean
from auditkit.methods.rmia import choose_offline_a, likelihood_ratio, rmia_offline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditkit.checks.membership._refits import Asked, Plan
    from auditkit.subject import Subject

__all__ = ["View", "finer", "in_and_out", "means_of", "offline_scores", "view_of"]


@dataclass(frozen=True)
class View:
    """What an attacker sees of the records under attack, r of them, and of the population.

    Attributes
    ----------
    target, z_target : ndarray of shape (r,), (m,)
        The model's probability of each record's own label.
    references, masks : ndarray of shape (k, r)
        The same of the reference models, and who was trained on whom.
    z_mean : ndarray of shape (m,)
        Mean of the reference models.
    logit, logits : ndarray of shape (r,), (k, r)
        Logit-scaled confidence of the model and of the reference models.
    proba, probas : ndarray of shape (r, c), (at most 32, r, c)
        All probabilities.
    index : ndarray of int, shape (r,)
        Column of each record's label.
    a : float
        RMIA's, chosen on a reference model.
    rng : numpy.random.Generator
        For an attack that learns.
    """

    target: np.ndarray
    z_target: np.ndarray
    references: np.ndarray
    masks: np.ndarray
    z_mean: np.ndarray
    logit: np.ndarray
    logits: np.ndarray
    proba: np.ndarray
    probas: np.ndarray
    index: np.ndarray
    a: float
    rng: np.random.Generator


def view_of(subject: Subject, plan: Plan, asked: Asked, rng: np.random.Generator) -> View:
    classes, kept = np.asarray(subject.classes), plan.attacked
    index, z_index = class_index(classes, plan.y[kept]), class_index(classes, plan.others_labels)
    proba = aligned_proba(classes, subject.model, plan.X.iloc[kept].reset_index(drop=True))
    z_proba = aligned_proba(classes, subject.model, plan.others)
    return View(
        target=proba[np.arange(len(index)), index],
        z_target=z_proba[np.arange(len(z_index)), z_index],
        references=asked.own[:, kept],
        masks=asked.masks[:, kept],
        z_mean=asked.population.mean(axis=0),
        logit=signal(proba, index, "logit"),
        logits=asked.logit,
        proba=proba,
        probas=asked.proba,
        index=index,
        a=choose_offline_a(asked.own, asked.masks, asked.population).a,
        rng=rng,
    )


def offline_scores(v: View) -> np.ndarray:
    p_out = out_mean(v.references, v.masks)
    scores = rmia_offline(v.target, p_out, v.z_target, v.z_mean, a=v.a)
    return finer(scores, likelihood_ratio(v.target, p_out, a=v.a), len(v.z_target))


def finer(scores: np.ndarray, ratio: np.ndarray, population: int) -> np.ndarray:
    """Break ties: the score counts population records, and the ratio behind it orders records the same way, finer."""
    return np.asarray(scores + rankdata(ratio) / (2 * len(scores) * population))


def in_and_out(v: View, row: int) -> tuple[tuple[str, np.ndarray], ...]:
    """Return how sure models are of a record's label, in logits: those that saw it, those that did not, and the model under audit."""
    saw = v.masks[:, row]
    return (
        ("reference models trained on it", v.logits[saw, row]),
        ("reference models not trained on it", v.logits[~saw, row]),
        ("the model under audit", v.logit[row : row + 1]),
    )


def means_of(groups: Iterable[tuple[str, np.ndarray]], level: float) -> dict[str, tuple[object, ...]]:
    """Return the mean of each group of models with Student's interval, as columns of estimates; one model has no interval."""
    rows = []
    for label, logits in groups:
        low, high = statistics.mean_interval_of(logits, level) if len(logits) > 1 else (np.nan, np.nan)
        rows.append((label, float(logits.mean()), float(low), float(high), len(logits)))
    return {
        key: tuple(row[at] for row in rows) for at, key in enumerate(("label", "value", "low", "high", "n"))
    }
