"""Epsilon: what guesses about membership prove about the differential privacy of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

from auditkit import shared, spread, statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.membership._evidence import FEWEST, repeats
from auditkit.checks.membership._refits import aligned_proba, class_index, needs_refits, reference_set
from auditkit.errors import InputError, NotApplicable, in_words
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.lira import lira_offline
from auditkit.methods.membership import signal
from auditkit.predictors import Counted
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.predictors import Predictor
    from auditkit.statistics import EpsilonBound

Attack = Literal["reference", "population"]
_ONE_RUN = "one run, a record exchanged"
_TWO_SAMPLES = "two samples, a mislabelled record added"
_FEWEST_TRAININGS = 16


@check(
    code="AK205",
    title="Lower bound on epsilon",
    question="Which epsilon of differential privacy can this training not have had?",
    dimension="membership",
    metrics=["epsilon_lower_bound"],
    spreads=True,
)
def epsilon_lower_bound(
    subject: Subject,
    *,
    rng: np.random.Generator,
    attack: Annotated[
        Attack | None,
        Doc(
            "Whose scores the guesses rest on: reference models, or the model's confidence alone; "
            "reference models where the model can be trained again when left out."
        ),
    ] = None,
    share: Annotated[
        float, Gt(0), Le(1), Doc("Share of the pairs that are guessed, the clearest first; fixed beforehand.")
    ] = 0.1,
    delta: Annotated[float, Ge(0), Lt(1), Doc("The delta for which the bound is to hold.")] = 0.0,
    trainings: Annotated[
        int,
        Ge(0),
        Le(4096),
        Doc(
            "Trainings with and without one mislabelled record, for the two-sample bound; even, from 16; 0 for none."
        ),
    ] = 0,
    references: Annotated[int, Ge(4), Le(256), Doc("Reference models to train; even. As for AK202.")] = 8,
    pool: Annotated[int, Ge(40), Doc("Rows the reference models share at most. As for AK202.")] = 20_000,
    rows: Annotated[int, Ge(10), Doc("Rows of each side at most.")] = 5_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Bound epsilon from below by the guesses about one training, and by repeated trainings where asked for.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows whose split from the test rows was drawn at random.
    rng : numpy.random.Generator
        Pairs, ties, and the repeated trainings.
    attack : {"reference", "population"}, optional
        LiRA, offline, with the reference models of the audit; or the logit of the confidence.
    share : float
        Of the pairs of a member and another record, those whose scores differ most are guessed.
    delta : float
        At least 0 and below 1.
    trainings : int
        0, or an even number from 16: half of them with one mislabelled record more.
    references, pool, rows : int
        As for `reference_attacks`, with which the reference models are shared.
    level : float
        One-sided confidence level of the bounds.

    Returns
    -------
    Evidence
        ``epsilon_lower_bound`` for each design: a confidence limit, so it has no interval of its own. Steinke, Nasr and
        Jagielski 2023 on pairs of one split; Jagielski et al. 2020 with Clopper-Pearson limits for two samples.

    Raises
    ------
    InputError
        If `trainings` or `references` is odd, or `trainings` is between 0 and 16.
    """
    if references % 2 or trainings % 2 or 0 < trainings < _FEWEST_TRAININGS:
        raise InputError(
            f"references= is even, and trainings= is 0 or an even number from {_FEWEST_TRAININGS}; got {references} and {trainings}"
        )
    common.needs_classes(subject)
    chosen = attack or ("reference" if _can_refit(subject) else "population")
    scores, truth, strata, notes = (
        _by_references(subject, references, pool, rows, rng)
        if chosen == "reference"
        else _alone(subject, rows, rng)
    )
    pairs = sum(
        int(min(truth[strata == one].sum(), (~truth[strata == one]).sum())) for one in np.unique(strata)
    )
    if pairs < FEWEST:
        raise NotApplicable(
            f"only {pairs} pairs of a member and another record of the same class: {FEWEST} are needed"
        )
    guessed = max(int(share * pairs), 1)
    said = statistics.paired_guesses(scores, truth, guesses=guessed, rng=rng, strata=strata)
    bound = statistics.one_run_epsilon(*said, delta=delta, level=level)
    p_value = statistics.one_run_p_value(*said, delta=delta)
    found = [_measured(_ONE_RUN, bound, f"{said.correct:,} of {said.guesses:,} guesses right", p_value)]
    designs = [(_ONE_RUN, bound, said.guesses, said.correct)]
    if trainings:
        needs_refits(subject)
        hits, alarms, failures = _canary(subject, trainings, pool, rng)
        tried = [len(hits), len(alarms)]
        twice = statistics.two_sample_epsilon(
            int(sum(hits)), tried[0], int(sum(alarms)), tried[1], delta=delta, level=level
        )
        seen = (
            f"{sum(hits)} of {tried[0]} trainings with the record named, {sum(alarms)} of {tried[1]} without"
        )
        found.append(_measured(_TWO_SAMPLES, twice, seen, None))
        designs.append((_TWO_SAMPLES, twice, sum(tried), int(sum(hits)) + tried[1] - int(sum(alarms))))
        notes = (*notes, *failures)
    return Evidence(
        "AK205",
        tuple(found),
        {"designs": _designs(designs)},
        says=_says(bound, said.correct, said.guesses, level),
        does_not_say="That the training is private to this epsilon: a stronger attack may prove a larger one, and no attack proves a small "
        "one. Nor anything where training and test rows were not split at random: then guesses can be right without any model.",
        notes=(
            (
                f"{len(truth):,} records make {pairs:,} pairs within classes; the {guessed:,} clearest ({common.percent(share)}, "
                f"fixed beforehand) are guessed. So many right guesses could show {bound.most:.2f} at most."
            ),
            "A pair exchanges one record for another. For adding or removing a record, halve the bound (with delta = 0).",
            *notes,
        ),
        rows={"members": int(truth.sum()), "non_members": int((~truth).sum()), "how": "drawn at random"},
    )


def _can_refit(subject: Subject) -> bool:
    try:
        needs_refits(subject)
    except NotApplicable:
        return False
    return True


def _by_references(
    subject: Subject, references: int, pool: int, rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return LiRA's score of each record, who is a member, the classes, and notes."""
    plan, asked = reference_set(subject, references=references, pool=pool, rows=rows, rng=rng)
    attacked = plan.X.iloc[plan.attacked].reset_index(drop=True)
    index = class_index(np.asarray(subject.classes), plan.y[plan.attacked])
    logit = signal(aligned_proba(np.asarray(subject.classes), subject.model, attacked), index, "logit")
    scores = lira_offline(logit, asked.logit, asked.masks[:, plan.attacked])
    notes = (
        f"Scores: LiRA, offline, with {len(asked.masks)} reference models.",
        *repeats(subject, plan.outside),
        *asked.failures,
    )
    return scores, plan.truth[plan.attacked], index, notes


def _alone(
    subject: Subject, rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return the same for the confidence of the model alone."""
    scores, kinds, drawn = [], [], []
    splits: tuple[Literal["train", "test"], ...] = ("train", "test")
    for name in splits:
        data = subject.split(name)
        index = subject.class_index(data.y)
        at = common.draw(len(data), rows, rng)
        scores.append(signal(subject.proba(name), index, "logit")[at])
        kinds.append(index[at])
        drawn.append(at)
    truth = np.repeat([True, False], [len(one) for one in drawn])
    notes = ("Scores: the logit of the model's confidence in the label.", *repeats(subject, drawn[1]))
    return np.concatenate(scores), truth, np.concatenate(kinds), notes


def _canary(
    subject: Subject, trainings: int, pool: int, rng: np.random.Generator
) -> tuple[list[bool], list[bool], list[str]]:
    """Train with and without one mislabelled record; return where it is named, with and without it, and failures.

    The record and its label are drawn before anything is trained. The threshold is set on one half of the trainings of
    either kind and used on the other.
    """
    own = np.random.default_rng(shared.seed_of("canary", rng))
    train = subject.split("train")
    drawn = common.draw(len(train), pool, own)
    X, y, classes = train.X.iloc[drawn].reset_index(drop=True), train.y[drawn], np.asarray(subject.classes)
    row = int(own.integers(len(drawn)))
    wrong = classes[classes != y[row]]
    label = wrong[int(own.integers(len(wrong)))]
    seeds = own.integers(2**31 - 1, size=trainings)
    jobs = [
        (subject.model.inner, classes, (X, y), (row, label), bool(i % 2 == 0), int(seed))
        for i, seed in enumerate(seeds)
    ]
    parts = spread.each(_named, jobs, "training")
    failures = [
        f"Training {i + 1} failed: {in_words(one.error)}"
        for i, one in enumerate(parts)
        if one.error is not None
    ]
    logits: dict[bool, list[float]] = {True: [], False: []}
    for i, one in enumerate(parts):
        if one.value is not None:
            logits[i % 2 == 0].append(one.value[0])
            subject.model.also(one.value[1])
    if min(map(len, logits.values())) < _FEWEST_TRAININGS // 4:
        raise NotApplicable(f"too few of {trainings} trainings ended. {failures[0]}")
    halves = {side: np.array_split(np.array(found), 2) for side, found in logits.items()}
    threshold = _threshold(halves[True][0], halves[False][0])
    hits, alarms = ([bool(v >= threshold) for v in halves[side][1]] for side in (True, False))
    return hits, alarms, failures


def _threshold(inside: np.ndarray, outside: np.ndarray) -> float:
    """Return the middle of the widest step at which the two samples differ most."""
    values = np.unique(np.concatenate([inside, outside]))
    if len(values) < 2:
        return float(values[0])
    between = (values[1:] + values[:-1]) / 2
    apart = [(inside >= t).mean() - (outside >= t).mean() for t in between]
    best = np.flatnonzero(np.isclose(apart, max(apart)))
    return float(between[best[int(np.argmax(np.diff(values)[best]))]])


def _named(
    model: Predictor,
    classes: np.ndarray,
    rows: tuple[pd.DataFrame, np.ndarray],
    canary: tuple[int, object],
    with_it: bool,  # noqa: FBT001 - travels as one of a job's arguments
    seed: int,
) -> tuple[float, dict[str, int]]:
    """Train once and return the logit of the confidence in the canary's label, and the cost."""
    import pandas as pd

    (X, y), (row, label) = rows, canary
    kept = np.delete(np.arange(len(y)), row)
    X_in, y_in = X.iloc[kept], y[kept]
    if with_it:
        X_in = pd.concat([X_in, X.iloc[[row]]])
        y_in = np.concatenate([y_in, np.array([label], dtype=y.dtype)])
    counted = Counted(model)
    trained = counted.refit(X_in.reset_index(drop=True), y_in, seed)
    index = class_index(classes, np.array([label], dtype=y.dtype))
    proba = aligned_proba(classes, trained, X.iloc[[row]].reset_index(drop=True))
    return float(signal(proba, index, "logit")[0]), counted.cost()


def _measured(design: str, bound: EpsilonBound, seen: str, p_value: float | None) -> Measurement:
    reason = f"a one-sided {common.percent(bound.level)} confidence limit: {seen}; {bound.most:.2f} could have been shown at most"
    return Measurement(
        "epsilon_lower_bound", bound.low, bound.n, group=design, bound="lower", p_value=p_value, reason=reason
    )


def _says(bound: EpsilonBound, right: int, made: int, level: float) -> str:
    counted = f"{right:,} of {made:,} guesses which of two records was trained on were right"
    if bound.low == 0.0:
        return f"{counted}: guessing could do that, so no epsilon above 0 is shown."
    return (
        f"{counted}: with {common.percent(level)} confidence this training is not differentially private with an epsilon below "
        f"{bound.low:.2f} for exchanging a record (delta = {bound.delta:g})."
    )


def _designs(found: list[tuple[str, EpsilonBound, int, int]]) -> Table:
    columns = {
        "design": tuple(name for name, *_ in found),
        "guesses": tuple(made for _, _, made, _ in found),
        "right": tuple(right for *_, right in found),
        "epsilon_at_least": tuple(bound.low for _, bound, *_ in found),
        "could_show": tuple(bound.most for _, bound, *_ in found),
    }
    labels = {
        "design": "Design",
        "guesses": "Guesses",
        "right": "Right",
        "epsilon_at_least": "Epsilon at least",
    }
    labels["could_show"] = "At most to be shown with so many"
    summary = "Guesses about membership and the epsilon they rule out."
    return Table("What the guesses prove", columns, "plain", labels, summary)
