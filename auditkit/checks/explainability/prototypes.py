"""Prototypes: whether similar training records get the answer that the model gives."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability import _similar as similar
from auditkit.checks.explainability._shown import enough
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.subject import Subject


@check(
    code="AK408",
    title="Similar cases and prototypes",
    question="Do similar training records get the same answer, and do a few of them tell what the model says?",
    dimension="explainability",
    metrics=[similar.AGREEMENT, similar.CHANCE, similar.FIDELITY, similar.ADVANTAGE],
)
def prototypes(
    subject: Subject,
    *,
    rng: np.random.Generator,
    neighbours: Annotated[int, Ge(1), Doc("Nearest training rows each test row is compared with.")] = 5,
    prototypes: Annotated[int, Ge(1), Doc("Prototypes of each answer.")] = 5,
    criticisms: Annotated[
        int, Ge(0), Doc("Rows of each answer named as those its prototypes stand for badly.")
    ] = 3,
    rows: Annotated[int, Ge(10), Doc("Test rows at most; drawn at random where there are more.")] = 1000,
    pool: Annotated[
        int, Ge(10), Doc("Training rows looked among at most; drawn at random where there are more.")
    ] = 2000,
    examples: Annotated[
        int,
        Ge(0),
        Doc(
            "Prototypes and criticisms of each answer shown, none by default: real records, show only data you may share."
        ),
    ] = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare the model's answers with those about the nearest training rows, and about the nearest of a few prototypes.

    Parameters
    ----------
    subject : Subject
        A classifier to ask, with training rows.
    rng : numpy.random.Generator
        Rows drawn.
    neighbours : int
        Training rows beside each test row.
    prototypes : int
        Of each answer.
    criticisms : int
        Of each answer.
    rows, pool : int
        Test and training rows at most.
    examples : int
        Rows of each kind shown at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``neighbour_agreement``: share of the nearest training rows that the model answers as the test row, also by answer;
        ``neighbour_agreement_chance`` is the same for training rows at random. ``prototype_fidelity``: share of test rows whose nearest
        prototype has the model's answer (Wilson), and ``prototype_advantage``, what that is above always giving the most
        frequent answer (Bonett-Price).
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    enough(len(subject.test), "to compare with their nearest training rows")
    looked = similar.rows_of(subject, rows, pool, rng)
    k = min(neighbours, len(looked.train))
    agreed = similar.agreements(looked, k, level)
    chosen = similar.choose(looked, prototypes, criticisms)
    told, curve = similar.fidelity(looked, chosen, level)
    seen = common.not_held_out(subject)
    many = sum(len(one.prototypes) for one in chosen)
    return Evidence(
        "AK408",
        (*agreed, *told),
        {
            "by_answer": _by_answer(agreed),
            "by_prototypes": curve,
            "prototypes": similar.chosen_table(chosen),
            **similar.groups_table(subject, looked, chosen),
            **similar.shown(subject, looked, chosen, examples),
        },
        says=_says(agreed[0], agreed[1], told, k, many),
        does_not_say=(
            "That the records are alike in what matters, or that the answers are right: the distance weighs a standard deviation of any "
            "input as much as another category, and a model that gives everybody one answer agrees with itself."
        ),
        notes=(
            *((f"{seen}.",) if seen else ()),
            f"Each of {len(looked.test):,} test rows is compared with its {k} nearest of {len(looked.train):,} training rows.",
            f"Prototypes: {many} training rows, up to {prototypes} of each answer, by maximum mean discrepancy.",
            *_weights.ignored(subject.test),
        ),
        rows=common.rows_used(len(looked.test), len(subject.test)),
    )


def _says(agreed: Measurement, chance: Measurement, told: list[Measurement], k: int, many: int) -> str:
    near = (
        "the training row most like a test row gets"
        if k == 1
        else f"of the {k} training rows most like a test row"
    )
    first = (
        f"{near[0].upper()}{near[1:]} the same answer in {common.share_with_ends(agreed)} of cases"
        if k == 1
        else f"{near[0].upper()}{near[1:]}, {common.share_with_ends(agreed)} get the same answer"
    )
    gain = told[1]
    side, points = "above" if gain.value >= 0 else "below", common.percent(abs(gain.value)).removesuffix("%")
    return (
        f"{first}; of rows at random {common.percent(chance.value)} would. The nearest of {many} prototypes tells the model's answer for "
        f"{common.share_with_ends(told[0])} of test rows, {points} percentage points {side} always giving the most frequent answer."
    )


def _by_answer(agreed: list[Measurement]) -> Table:
    shown = [m for m in agreed if m.metric == similar.AGREEMENT and m.group]
    words = {
        "value": "Nearest training rows with the same answer",
        "n": "records",
        "reference": "all test rows",
    }
    summary = "Share of the nearest training rows that get the answer of the test row, by that answer; the line is all test rows."
    title = "Do similar records get the same answer?"
    return Table(title, common.estimates(shown), "estimates", words, summary, agreed[0].value)
