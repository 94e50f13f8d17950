"""Permutation: how much worse the model becomes when an input is shuffled."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.explainability._shown import importances, listed, ranking
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence
from auditkit.frames import Codec
from auditkit.methods import attributions
from auditkit.subject import Subject


@check(
    code="AK402",
    title="Importance of the inputs (permutation)",
    question="Which inputs does the model need to be right?",
    dimension="explainability",
    metrics=["permutation_importance"],
)
def permutation_importance(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(10), Doc("Rows shuffled at most; drawn at random where there are more.")] = 2000,
    repeats: Annotated[int, Ge(1), Le(100), Doc("Shuffles of each input, averaged.")] = 5,
    level: common.Level = 0.95,
) -> Evidence:
    """Shuffle one input at a time and measure how much worse the model becomes (Breiman 2001).

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows and shuffles.
    rows : int
        Test rows at most.
    repeats : int
        Shuffles of each input.
    level : float
        Confidence level, over rows.

    Returns
    -------
    Evidence
        ``permutation_importance`` of each input: rise of the error rate, or for a regression of the absolute
        error in spreads of the target.
    """
    common.needs_model(subject)
    data = subject.test
    if len(data) < 2:
        raise NotApplicable("one row cannot be shuffled: the test split needs at least two")
    chosen = common.draw(len(data), rows, rng)
    part, y = data.X.iloc[chosen].reset_index(drop=True), data.y[chosen]
    codec = Codec.of(part)
    unit = (float(np.std(data.y)) or 1.0) if subject.task == "regression" else 1.0

    def loss(matrix: np.ndarray, at: np.ndarray) -> np.ndarray:
        answer = subject.model.predict(codec.decode(matrix))
        if subject.task == "regression":
            return np.asarray(np.abs(answer.astype(float) - y[at]) / unit)
        return np.asarray(answer != y[at], dtype=float)

    rises = attributions.permutation_importance(loss, codec.encode(part), repeats=repeats, rng=rng)
    word = (
        "Rise of the error rate"
        if subject.task != "regression"
        else "Rise of the error (spreads of the target)"
    )
    importance = importances("permutation_importance", [str(c) for c in data.X.columns], rises.T, level)
    top = sorted(importance, key=lambda m: -m.value)
    return Evidence(
        "AK402",
        tuple(importance),
        {"importance": ranking(top, word, "Which inputs the model needs to be right")},
        says=f"Shuffling hurts most for {listed(top)}.",
        does_not_say="What an input is worth where others carry the same information: each then looks unimportant.",
        rows=common.rows_used(len(chosen), len(data)),
    )
