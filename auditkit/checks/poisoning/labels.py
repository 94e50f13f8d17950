"""Labels: whether labels of training rows look wrong more often than those of test rows, and whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._converging import converging
from auditkit.checks.poisoning import _rows as rows_of
from auditkit.checks.poisoning._folds import folded
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.poisoning import confident
from auditkit.methods.poisoning.excess import excess
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.dataset import Dataset

_DRAWS = 200  # labels drawn again, and rows drawn again
_SUREST = 0.1  # of the rows
_FEWEST = 10  # rows of a class or group on each side, below which nothing is said of it
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
    rates = _rates(found, asked.train, y, words, level, rng)
    drawn = _resampled(asked.train, truth, len(y), level, rng)
    gaps = [_excess(None, suspect, other, level)]
    gaps += [_excess(g, suspect[a], other[b], level) for g, a, b in _parts(train, test, y, y_test, words)]
    surest = _surest(truth, y, level)
    return Evidence(
        "AK312",
        (*rates, drawn, *gaps, surest),
        {
            "by_group": _table(gaps),
            "joint": _joint(found, y, words),
            **_positions(asked.train, found, y, chosen, examples),
        },
        says=f"{_held(gaps)} {_estimated(rates[0], drawn)}",
        does_not_say=(
            "Which labels are wrong, nor how many are where test labels are wrong as often: nothing that rests on inputs and labels alone tells "
            "labels flipped at random from a problem that is hard."
        ),
        notes=(f"Models trained without each of {folds} folds: {asked.learner}.", *early),
        rows=common.rows_used(len(train), len(subject.split("train")), "train"),
    )


def _rates(
    found: confident.Confident,
    proba: np.ndarray,
    y: np.ndarray,
    words: list[str],
    level: float,
    rng: np.random.Generator,
) -> list[Measurement]:
    """Return the estimated noise rate in all and of each given class, with intervals by rows drawn again."""
    drawn = confident.bootstrap_rates(proba, y, _DRAWS, rng)
    values = [found.noise_rate, *found.by_class.tolist()]
    sizes = [len(y), *np.bincount(y, minlength=len(words)).tolist()]
    groups = [None, *(f"class={word}" for word in words)]
    rates = []
    for value, column, n, group in zip(values, drawn.T, sizes, groups, strict=True):
        if n < _FEWEST:
            reason = f"{n} training rows are given this class: at least {_FEWEST} are needed"
            rates.append(Measurement("label_noise_rate", float("nan"), n, group=group, reason=reason))
            continue
        low, high = np.nanquantile(column, [(1 - level) / 2, (1 + level) / 2])
        ends = min(low, value), max(high, value)
        rates.append(common.measured("label_noise_rate", value, n, ends, level, "bootstrap", group=group))
    return rates


def _resampled(
    proba: np.ndarray, truth: np.ndarray, n: int, level: float, rng: np.random.Generator
) -> Measurement:
    drawn = confident.resampled_rates(proba, truth, _DRAWS, rng)
    ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    mean = float(np.clip(drawn.mean(), *ends))
    reason = f"{_DRAWS} draws of labels from calibrated probabilities; the interval is where they lie"
    return common.measured(
        "label_noise_rate_resampled", mean, n, tuple(ends), level, "parametric bootstrap", reason=reason
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


def _surest(truth: np.ndarray, y: np.ndarray, level: float) -> Measurement:
    """Return how often rows of the surest label are given another: labels flipped evenly at random would be among them as elsewhere."""
    n = max(round(_SUREST * len(y)), _FEWEST)
    at = np.argsort(-truth.max(axis=1), kind="stable")[:n]
    k = int((truth[at].argmax(axis=1) != y[at]).sum())
    ends = statistics.clopper_pearson(k, n, level)
    return common.measured(
        "surest_disagreement", k / n, n, ends, level, "clopper-pearson", bound="upper",
        reason=f"the {n:,} training rows whose label is told most surely; labels flipped at random, evenly, are no more than that",
    )  # fmt: skip


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


def _estimated(rate: Measurement, drawn: Measurement) -> str:
    """Say confident learning's estimate beside what labels give of which none was flipped."""
    said = f"Confident learning's own estimate is {common.share_with_ends(rate)} of the training labels"
    ends = drawn.interval
    if ends is None:
        return f"{said}."
    what = "which is what" if ends.low <= rate.value <= ends.high else "which is not what"
    unflipped = (
        f"drawn from calibrated probabilities, none of them flipped, give ({common.share_with_ends(drawn)})"
    )
    return f"{said}, {what} labels {unflipped}."


def _table(gaps: list[Measurement]) -> Table:
    shown = [common.in_group(m, m.group or "all rows") for m in gaps if m.interval]
    summary = "Share of suspect labels among training rows less that among test rows, both asked of models that saw neither."
    words = {"label": "Rows", "value": "Excess", "n": "rows"}
    return Table(
        "Whose labels look wrong", common.estimates(shown), "estimates", words, summary, reference=0.0
    )


def _joint(found: confident.Confident, y: np.ndarray, words: list[str]) -> Table:
    k = len(words)
    sizes = np.bincount(y, minlength=k)
    columns = {
        "row": tuple(words[i] for i in range(k) for _ in range(k)),
        "column": tuple(words) * k,
        "value": tuple(found.joint.ravel().tolist()),
        "n": tuple(int(sizes[i]) for i in range(k) for _ in range(k)),
    }
    labels = {
        "row": "Given label",
        "column": "Likely label",
        "value": "Share of rows",
        "n": "rows of the given label",
    }
    summary = f"Confident learning's estimate of given and true labels; off the diagonal lie {common.percent(found.noise_rate)}."
    return Table("Given and likely labels", columns, "matrix", labels, summary)


def _positions(
    proba: np.ndarray, found: confident.Confident, y: np.ndarray, chosen: np.ndarray, examples: int
) -> dict[str, Table]:
    at = np.flatnonzero(found.suspect)
    at = at[np.argsort(proba[at, y[at]] - proba[at].max(axis=1), kind="stable")]
    return rows_of.positions(
        "Where suspect labels stand", {"training row": chosen[at]}, examples, "training rows"
    )
