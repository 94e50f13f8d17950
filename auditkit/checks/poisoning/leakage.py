"""Leakage: test rows that the training rows already hold, and features that hold the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.poisoning import _leaky as leaky
from auditkit.checks.poisoning import _rows as rows_of
from auditkit.checks.poisoning import _twins as again
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.poisoning import twins
from auditkit.methods.poisoning.excess import excess
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.dataset import Dataset

_FEWEST = 10  # rows with and without a twin, below which their accuracies are not compared
_REGRESSION = "A regression: contradicting labels, accuracies and single features are not compared."


@check(
    code="AK313",
    title="Test rows that the training rows hold",
    question="Are test rows repeated in the training rows, and does a single feature hold the answer?",
    dimension="robustness",
    metrics=[
        "duplicate_share",
        "duplicate_share_excess",
        "independent_duplicate_share",
        "near_duplicate_share",
        "training_duplicate_share",
        "contradiction_share",
        "accuracy_without_twins",
        "twin_accuracy_difference",
        *leaky.METRICS,
    ],
)
def split_leakage(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[
        int, Ge(20), Doc("Test rows at most that near twins are looked for of; drawn at random.")
    ] = 5000,
    pool: Annotated[
        int, Ge(40), Doc("Training rows at most that near twins are looked for among; drawn at random.")
    ] = 20_000,
    examples: rows_of.Examples = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Count test rows that are found again among the training rows, beside what independent draws would bring.

    Parameters
    ----------
    subject : Subject
        With training rows and inputs.
    rng : numpy.random.Generator
        Rows drawn, and folds.
    rows, pool : int
        Test rows and training rows at most for the search of near twins; equal rows are counted among all.
    examples : int
        Row positions listed at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``duplicate_share`` of the test rows equal a training row in every input (Clopper-Pearson);
        ``independent_duplicate_share`` is expected if columns were independent; ``duplicate_share_excess`` is held against training rows that were set aside, which meet the same rows by chance alone;
        ``near_duplicate_share`` of the others lie nearer than 1% of such rows do. ``accuracy_without_twins`` is what is left of the accuracy, on the rows searched.
        ``leaky_feature_auc`` is that of the most telling single feature.
    """
    train, test = rows_of.training_of(subject), subject.test
    keys = common.row_keys(train.X, test.X)
    own, asked = keys[: len(train)], keys[len(train) :]
    seen = np.isin(asked, own)
    repeated = again.repeated(own)
    order = rng.permutation(len(train))
    aside, reference = order[: len(train) // 4], order[len(train) // 4 :]
    coded = rows_of.coded(train, test)
    near = again.near(coded, keys, aside, reference, rows, pool, rng)
    more, tables, said = _of_classes(
        subject, train, coded, own, asked, seen | near.mask, near.searched, level, rng
    )
    share = again.share("duplicate_share", int(seen.sum()), len(test), level)
    beyond = again.beyond(own, asked, aside, reference, level)
    found = [
        share,
        beyond,
        again.independent(coded),
        near.measurement(level),
        again.share("training_duplicate_share", int(repeated.sum()), len(train), level),
    ]
    chance = int(np.isin(own[aside], own[reference]).sum())
    return Evidence(
        "AK313",
        (*found, *more),
        {
            "twins": again.table(found, chance, len(aside), level),
            **tables,
            **_positions(own, asked, seen, examples),
        },
        says=(
            f"{common.share_with_ends(share)} of {len(test):,} test rows equal a training row in every input. Held against training rows "
            f"that were set aside, the excess is {common.share_with_ends(beyond)}.{again.fewer(beyond)} {said}"
        ).strip(),
        does_not_say=(
            "That these rows are the same records: where inputs take few values, different records are equal. Nor how a twin came about."
        ),
        notes=(
            *near.notes(),
            *((_REGRESSION,) if subject.task == "regression" else ()),
        ),
        rows=common.rows_used(len(test), len(test)),
    )


def _of_classes(
    subject: Subject, train: Dataset, coded: rows_of.Coded, own: np.ndarray, asked: np.ndarray, twin: np.ndarray,
    searched: np.ndarray, level: float, rng: np.random.Generator,
) -> tuple[list[Measurement], dict[str, Table], str]:  # fmt: skip
    """Return what needs classes: contradicting labels, accuracies with and without a twin, and telling features."""
    if subject.task == "regression" or subject.classes is None:
        return [], {}, ""
    y, y_test = rows_of.class_codes(subject, train)
    against = int(twins.contradicting(asked, y_test, own, y).sum())
    within = int(twins.contradicting(own, y, own, y).sum())
    contradictions = [
        again.share("contradiction_share", k, n, level, "rows with an equal training row of another label")
        for k, n in ((against, len(y_test)), (within, len(y)))
    ]
    named = [
        common.in_group(m, group)
        for m, group in zip(contradictions, ("test rows", "training rows"), strict=True)
    ]
    right, twin = common.correct(subject)[searched], twin[searched]
    words = [str(label) for label in subject.classes.tolist()]
    features, tables, said = leaky.leaky_feature(coded, y, y_test, words, level, rng)
    return [*named, *_accuracies(right, twin, level), *features], tables, said


def _accuracies(right: np.ndarray, twin: np.ndarray, level: float) -> list[Measurement]:
    """Return the accuracy on searched rows without a twin, and what lies between it and that on those with one."""
    left, k = int((~twin).sum()), int(right[~twin].sum())
    if left < _FEWEST:
        reason = f"{left} of {len(twin):,} test rows searched have no twin: at least {_FEWEST} are needed"
        return [
            Measurement(m, float("nan"), left, reason=reason)
            for m in ("accuracy_without_twins", "twin_accuracy_difference")
        ]
    alone = common.measured(
        "accuracy_without_twins", k / left, left, statistics.wilson(k, left, level), level, "wilson",
        reason=f"the accuracy on all {len(twin):,} test rows that were searched for twins is {common.percent(float(right.mean()))}",
    )  # fmt: skip
    n = int(twin.sum())
    if n < _FEWEST:
        reason = f"{n} of {len(twin):,} test rows searched have a twin: at least {_FEWEST} are needed"
        return [alone, Measurement("twin_accuracy_difference", float("nan"), n, reason=reason)]
    found = excess(int(right[twin].sum()), n, k, left, level)
    ends = (found.low, found.high)
    return [
        alone,
        common.measured("twin_accuracy_difference", found.value, n + left, ends, level, "newcombe"),
    ]


def _positions(own: np.ndarray, asked: np.ndarray, seen: np.ndarray, examples: int) -> dict[str, Table]:
    first = {key: i for i, key in reversed(list(enumerate(own.tolist())))} if examples else {}
    at = np.flatnonzero(seen)[:examples]
    columns = {"test row": at, "training row": [first[key] for key in asked[at].tolist()]}
    return rows_of.positions(
        "Where twins stand", columns, examples, "test rows and the first training row that equals each"
    )
