"""Distillation: a student taught by the model, and what it keeps, gives up and gives away beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks._converging import converging
from auditkit.checks._sweeps import space_of
from auditkit.checks.membership._evidence import FEWEST
from auditkit.checks.membership._refits import aligned_proba
from auditkit.checks.mitigation import _side_by_side as beside
from auditkit.checks.mitigation._cost import at_what_cost
from auditkit.checks.mitigation._remedies import independent_columns
from auditkit.checks.mitigation._taught import Kind, Lesson, taught
from auditkit.checks.robustness._threats import allowed_words, sized, threat_of
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence
from auditkit.methods._threads import one_thread
from auditkit.predictors import Counted
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from auditkit.evidence import Measurement
    from auditkit.frames import Codec

_EXPLAINED = 100


@check(
    code="AK211",
    title="Distillation",
    question="What does a small student of the model keep, what does it give up, and what does it still give away?",
    dimension="mitigation",
    metrics=beside.METRICS,
)
def distillation(
    subject: Subject,
    *,
    rng: np.random.Generator,
    student: Annotated[Kind, Doc("What is taught.")] = "logistic regression",
    inputs: Annotated[
        Literal["held-out rows", "synthetic rows"],
        Doc(
            "What the student learns from: half of the test rows, or rows whose columns are drawn each by itself from those."
        ),
    ] = "held-out rows",
    temperature: Annotated[
        float, Ge(1), Le(100), Doc("By which the teacher's probabilities are softened; 1 leaves them.")
    ] = 2.0,
    width: Annotated[int, Ge(1), Le(4096), Doc("Units of the student, where it is a small network.")] = 16,
    pool: Annotated[
        int, Ge(20), Doc("Rows the student learns from at most; so many, where they are synthetic.")
    ] = 5_000,
    rows: Annotated[
        int,
        Ge(10),
        Doc("Members and others, and rows under attack, at most; of all of them, 100 are explained."),
    ] = 500,
    max_calls: Annotated[
        int, Ge(20), Doc("Calls to either model by all attackers together; each call asks about all rows.")
    ] = 100,
    speed: Annotated[bool, Doc("Also time both models; the report then differs from run to run.")] = False,
    level: common.Level = 0.95,
) -> Evidence:
    """Train a student on what the model says of rows it was not trained on, and measure both on other rows.

    Parameters
    ----------
    subject : Subject
        A classifier to ask: the teacher.
    rng : numpy.random.Generator
        Rows, training and attacks.
    student : str
        "logistic regression", "decision tree" (depth 6), "small network" (one hidden layer; in PyTorch where the teacher is), or
        "same recipe" as the teacher.
    inputs : str
        Rows of the lesson.
    temperature : float
        Of the lesson; what the student gives is read at temperature 1.
    width : int
        Units of a small network.
    pool : int
        Rows of the lesson at most.
    rows : int
        Rows attacked at most.
    max_calls : int
        Budget of attackers.
    speed : bool
        Also time them.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``distillation_fidelity``: share of held-out rows that the student answers as the teacher does (Wilson).
        ``distillation_compression``: teacher by student, in numbers fitted and bytes stored. ``distillation_accuracy`` of each and
        ``distillation_accuracy_cost``, ``distillation_robust_accuracy`` and its cost, ``distillation_attack_auc`` and
        ``distillation_attack_auc_reduction``: teacher less student, paired. ``distillation_explanation_agreement``: rank
        correlation over inputs of both models' occlusion, mean over rows. ``distillation_times_as_fast``, where asked for.

    References
    ----------
    Hinton, Vinyals and Dean 2015, arXiv 1503.02531. Papernot et al. 2016, "Distillation as a defense to adversarial perturbations",
    IEEE S&P; and Carlini and Wagner 2017, "Towards evaluating the robustness of neural networks", IEEE S&P: it is none.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    order = rng.permutation(len(subject.test))
    aside, kept = np.sort(order[: len(order) // 2][:pool]), np.sort(order[len(order) // 2 :])
    if min(len(aside), len(kept)) < FEWEST:
        raise NotApplicable(
            f"too few test rows: {len(order)}; half of them teach the student, the others measure it"
        )
    codec, _ = space_of(subject)
    source, held = subject.test.take(aside), subject.test.take(kept)
    real = inputs == "held-out rows"
    X = source.X.reset_index(drop=True) if real else independent_columns(source.X, pool, rng)
    seed = int(rng.integers(2**31 - 1))
    with one_thread(), converging() as early:
        lesson = _lesson(subject, X, temperature, seed, width)
        pupil, how = taught(student, subject.model.inner, lesson, codec)
        subject.model.also({"model_calls": 0, "model_rows": 0, "refits": int(student == "same recipe")})
        pair = beside.Pair(subject, subject.model, Counted(pupil), held, source, real, level)
        found, notes = _measured(pair, codec, rows, max_calls, speed=speed, rng=rng)
    subject.model.also(pair.student.cost())
    return Evidence(
        "AK211",
        tuple(found),
        beside.shares(found),
        says=_says(found, pupil.kind, how, len(X), inputs),
        does_not_say=(
            "That distillation protects. A student that is attacked with less success here may fall to an attack that was not tried, and "
            "the rows it learnt from are its own training rows."
        ),
        notes=(
            f"The student, a {pupil.kind}, learnt from {how}, of {len(X):,} {inputs}." if student != "same recipe"
            else f"The student has {pupil.kind} and learnt from {how}, of {len(X):,} {inputs}.",
            *notes, *early, *_weights.ignored(subject.test),
        ),
        rows={
            **common.rows_used(len(held), len(subject.test)),
            "how": "the half that the student did not learn from, drawn at random",
            "lesson": len(X),
        },
    )  # fmt: skip


def _lesson(subject: Subject, X: pd.DataFrame, temperature: float, seed: int, width: int) -> Lesson:
    classes = np.asarray(subject.classes)
    proba = aligned_proba(classes, subject.model, X) if subject.model.has_proba else None
    labels = subject.model.predict(X)
    return Lesson(X, labels, proba, classes, temperature, seed, width)


def _measured(
    pair: beside.Pair, codec: Codec, rows: int, max_calls: int, *, speed: bool, rng: np.random.Generator
) -> tuple[list[Measurement], list[str]]:
    """Return what could be measured, and in words what could not; what fails leaves the others standing."""
    threat = threat_of(pair.subject, immutable=None, radius=None, norm=None)
    background = pair.lesson.X.iloc[common.draw(len(pair.lesson), _EXPLAINED, rng)].reset_index(drop=True)
    parts: dict[str, Callable[[], list[Measurement]]] = {
        "leaks": lambda: beside.leaks(pair, rows, rng),
        "accuracy under attack": lambda: beside.stands(pair, threat, rows, max_calls, rng),
        "reasons": lambda: beside.reasons(pair, codec, min(rows, _EXPLAINED), background, rng),
    }
    found, notes = [*beside.answers(pair), *beside.sizes(pair)], []
    for name, part in parts.items():
        try:
            found += part()
        except NotApplicable as why:
            notes.append(f"Not measured, {name}: {why}.")
    if speed:
        found += beside.speeds(pair)
    notes.append(
        f"Attackers stay within {sized(threat)}, and every row found against one model was tried on the other as well."
    )
    return found, [*notes, *allowed_words(threat)]


def _says(found: list[Measurement], kind: str, how: str, n: int, inputs: str) -> str:
    by = {(m.metric.removeprefix("distillation_"), m.group): m for m in found}
    fidelity, cost = by["fidelity", None], by["accuracy_cost", None]
    said = (
        f"A student ({kind}), taught {how} of {n:,} {inputs}, answers {common.share_with_ends(fidelity)} of {fidelity.n:,} other rows as "
        f"the model does, {at_what_cost(cost)}."
    )
    leak = by.get(("attack_auc_reduction", "loss"))
    if leak is not None:
        said += f" The AUC of the loss attack falls by {common.with_ends(leak)}."
    size = by["compression", "numbers fitted"]
    return said if np.isnan(size.value) else f"{said} The model has {size.value:.3g} times as many numbers."
