"""Labels: whether labels of training rows look wrong more often than those of test rows, and whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._converging import converging
from auditkit.checks.poisoning import _noise as noise
from auditkit.checks.poisoning import _rows as rows_of
from auditkit.checks.poisoning._folds import folded
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.poisoning import confident
from auditkit.methods.poisoning.excess import excess
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.dataset import Dataset

_FEWEST = noise.FEWEST
_MOST_GROUPS = 20


@check(
    code="AK312",
    title="Training labels that look wrong",
    question="Are labels of the training rows wrong more often than those of the test rows, and whose?",
    dimension="robustness",
    metrics=["label_noise_rate", "label_noise_rate_resampled", "label_noise_excess", "surest_disagreement"],
    spreads=True,
)
def label_noise(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(40), Doc("Training rows, and test rows, at most; drawn at random.")] = 10_000,
    folds: Annotated[int, Ge(2), Doc("Parts of the training rows; a model is trained without each.")] = 5,
    examples: rows_of.Examples = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Search training labels by confident learning, and hold what is found against the same search on test rows.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows and inputs. Its labels of test rows are what the others are held against.
    rng : numpy.random.Generator
        Rows, folds, seeds, and labels drawn.
    rows : int
        Rows of each split at most.
    folds : int
        Models trained.
    examples : int
        Row positions listed at most, the surest first.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``label_noise_rate``: confident learning's estimate, of which a hard problem makes up an unknown part;
        ``label_noise_rate_resampled``: the same of labels drawn from calibrated probabilities;
        ``label_noise_excess``: suspect labels among training rows less those among test rows, as seen by models that saw neither, in
        all, by given class and by group; ``surest_disagreement``: an upper bound of what was flipped at random, evenly.
    """
    common.needs_classes(subject)
    train, test = rows_of.training_of(subject), subject.test
    chosen = common.draw(len(train), rows, rng)
    train, test = train.take(chosen), test.take(common.draw(len(test), rows, rng))
    y, y_test = subject.class_index(train.y), subject.class_index(test.y)
    with converging() as early:
        asked = folded(subject, train, test, y, folds, rng)
    found = confident.confident_learning(asked.train, y)
    # thresholds of both together: neither split has more part in them than its rows
    both = confident.confident_learning(
        np.concatenate([asked.train, asked.test]), np.concatenate([y, y_test])
    )
    suspect, other = both.suspect[: len(y)], both.suspect[len(y) :]
    truth = confident.calibrated(asked.train, y)
    words = [str(label) for label in np.asarray(subject.classes).tolist()]
    rates = noise.rates(found, asked.train, y, words, level, rng)
    drawn = noise.resampled(asked.train, truth, len(y), level, rng)
    gaps = [_excess(None, suspect, other, level)]
    gaps += [_excess(g, suspect[a], other[b], level) for g, a, b in _parts(train, test, y, y_test, words)]
    surest = noise.surest(truth, y, level)
    return Evidence(
        "AK312",
        (*rates, drawn, *gaps, surest),
        {
            "by_group": _table(gaps),
            "joint": noise.joint(found, y, words),
            **_positions(asked.train, found, y, chosen, examples),
        },
        says=f"{_held(gaps)} {noise.estimated(rates[0], drawn)}",
        does_not_say=(
            "Which labels are wrong, nor how many are where test labels are wrong as often: nothing that rests on inputs and labels alone tells "
            "labels flipped at random from a problem that is hard."
        ),
        notes=(f"Models trained without each of {folds} folds: {asked.learner}.", *early),
        rows=common.rows_used(len(train), len(subject.split("train")), "train"),
    )


def _excess(group: str | None, suspect: np.ndarray, other: np.ndarray, level: float) -> Measurement:
    n = len(suspect) + len(other)
    if min(len(suspect), len(other)) < _FEWEST:
        reason = f"{len(suspect)} training and {len(other)} test rows: at least {_FEWEST} of each are needed"
        return Measurement("label_noise_excess", float("nan"), n, group=group, reason=reason)
    found = excess(int(suspect.sum()), len(suspect), int(other.sum()), len(other), level)
    return common.measured(
        "label_noise_excess", found.value, n, (found.low, found.high), level, "newcombe", group=group,
        p_value=found.p_value, p_method="Fisher's exact test, one-sided",
        reason=f"{common.percent(float(suspect.mean()))} of training rows, {common.percent(float(other.mean()))} of test rows",
    )  # fmt: skip


def _parts(
    train: Dataset, test: Dataset, y: np.ndarray, y_test: np.ndarray, words: list[str]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each given class and each group, and which training and test rows are of it."""
    for c, word in enumerate(words):
        yield f"class={word}", y == c, y_test == c
    for name in train.sensitive_names:
        if name not in test.sensitive_names:
            continue
        (own,) = common.groupings(train, [name], intersections=False, like=test)
        (other,) = common.groupings(test, [name], intersections=False)
        if len(own.labels) > _MOST_GROUPS:
            continue
        place = {label: i for i, label in enumerate(other.labels)}
        for i, label in enumerate(own.labels):
            yield label, own.codes == i, other.codes == place.get(label, -1)


def _held(gaps: list[Measurement]) -> str:
    """Say how often labels are suspect among training rows and among test rows, and where the excess is largest."""
    whole, *parts = gaps
    if whole.interval is None:
        return "There are too few test rows to hold suspect labels against."
    said = (
        f"Labels are suspect for {whole.reason}, judged alike by models that saw neither: the excess is "
        f"{common.share_with_ends(whole)}"
    )
    known = [m for m in parts if m.p_value is not None and m.interval is not None and m.interval.low > 0]
    if not known:
        return said + "."
    top = max(known, key=lambda m: m.value)
    return (
        said
        + f"; of the classes and groups compared it is largest for {top.group}, {common.share_with_ends(top)}."
    )


def _table(gaps: list[Measurement]) -> Table:
    shown = [common.in_group(m, m.group or "all rows") for m in gaps if m.interval]
    summary = "Share of suspect labels among training rows less that among test rows, both asked of models that saw neither."
    words = {"label": "Rows", "value": "Excess", "n": "rows"}
    return Table(
        "Whose labels look wrong", common.estimates(shown), "estimates", words, summary, reference=0.0
    )


def _positions(
    proba: np.ndarray, found: confident.Confident, y: np.ndarray, chosen: np.ndarray, examples: int
) -> dict[str, Table]:
    at = np.flatnonzero(found.suspect)
    at = at[np.argsort(proba[at, y[at]] - proba[at].max(axis=1), kind="stable")]
    return rows_of.positions(
        "Where suspect labels stand", {"training row": chosen[at]}, examples, "training rows"
    )
