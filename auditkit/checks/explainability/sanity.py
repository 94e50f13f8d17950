"""Sanity: whether the explanation changes when the model has learned nothing."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._converging import converging
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.explainability._explainers import Background, Permutations
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import explanation_quality as science
from auditkit.subject import Subject

_DRAWS = 3_000  # draws of their own: the luck of the sampler is not to be what is alike


@check(
    code="AK412",
    title="Explanation of a model that learned nothing",
    question="Does the explanation depend on what the model has learned?",
    dimension="explainability",
    metrics=["randomisation_similarity"],
)
def explanation_sanity(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: quality.Rows = 100,
    background: Background = 100,
    permutations: Permutations = 64,
    repeats: Annotated[int, Ge(2), Le(100), Doc("Models trained on shuffled labels.")] = 10,
    level: common.Level = 0.95,
) -> Evidence:
    """Train the model again on shuffled labels, explain the same rows, and compare (Adebayo et al. 2018).

    Parameters
    ----------
    subject : Subject
        With training rows, and a model that can be trained again.
    rng : numpy.random.Generator
        Rows, and shuffles.
    rows : int
        Test rows explained at most.
    background : int
        Rows that stand for "unknown".
    permutations : int
        Orders drawn for each row where the model has to be asked.
    repeats : int
        Models trained on shuffled labels.
    level : float
        Confidence level, over models and rows.

    Returns
    -------
    Evidence
        ``randomisation_similarity``: mean rank correlation over inputs of a row's attributions with those for a model trained
        on shuffled labels. 1: the explanation does not depend on the model.
    """
    common.needs_model(subject)
    quality.needs_refits(subject)
    base = quality.shown(subject, rows=rows, background=background, permutations=permutations, rng=rng)
    train, found = subject.split("train"), []
    with converging() as early:
        for i in range(repeats):
            labels, seed = science.shuffled_labels(train.y, rng), int(rng.integers(2**31 - 1))
            fresh = quality.refitted(subject, train.X, labels, seed)
            values = base.again(fresh, draw=_DRAWS + i).values
            if values.shape != base.found.values.shape:
                raise NotApplicable("a model trained on shuffled labels gives another number of outputs")
            found.append(quality.flat(values))
    similar = science.randomisation_similarity(quality.flat(base.found.values), found)
    m = _mean(similar, level)
    says = (
        "The output does not move with any input, of the real model or of those trained on shuffled labels."
        if np.isnan(m.value)
        else f"Models trained on shuffled labels are explained as alike as {common.with_ends(m)} to the real one "
        "(1: the explanation does not depend on what was learned; 0: unrelated)."
    )
    return Evidence(
        "AK412",
        (m,),
        {"models": _each(similar, m)},
        says=says,
        does_not_say="That the explanation is right: one drawn at random depends on nothing, and is unlike itself too.",
        notes=(
            *base.notes(subject),
            f"{repeats} models with the same recipe, trained on the same {len(train):,} rows with their labels shuffled.",
            *early,
        ),
        rows=common.rows_used(len(base.X), len(subject.test)),
    )


def _mean(similar: np.ndarray, level: float) -> Measurement:
    metric, found = "randomisation_similarity", science.crossed_mean(similar, level)
    if np.isnan(found.value):
        reason = "no row is explained by any order of inputs: there is nothing to compare"
        return Measurement(metric, float("nan"), similar.shape[1], reason=reason)
    ends = np.clip([found.low, found.high], -1.0, 1.0)
    return common.measured(
        metric, found.value, found.rows, (ends[0], ends[1]), level, "t over models and rows"
    )


def _each(similar: np.ndarray, m: Measurement) -> Table:
    """Return the distribution over rows for each model: mean, and between which ends the middle half of rows lies."""
    known = similar[:, np.isfinite(similar).all(axis=0)]
    nothing = known.shape[1] == 0
    ends = np.full((2, len(similar)), np.nan) if nothing else np.quantile(known, [0.25, 0.75], axis=1)
    means = np.full(len(similar), np.nan) if nothing else known.mean(axis=1)
    columns = {
        "label": tuple(f"shuffled labels {i + 1}" for i in range(len(similar))),
        "value": tuple(means.tolist()),
        "low": tuple(np.minimum(ends[0], means).tolist()),
        "high": tuple(np.maximum(ends[1], means).tolist()),
        "n": (known.shape[1],) * len(similar),
    }
    summary = "" if nothing else f"On average {common.with_ends(m)}; 1 would be the same explanation."
    return Table(
        "How alike the explanation is for models that learned nothing",
        columns,
        "estimates",
        {
            "value": "Rank correlation with the real explanation (ends: middle half of rows)",
            "n": "records",
            "reference": "unrelated",
        },
        summary,
        reference=0.0,
    )
