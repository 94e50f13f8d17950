"""Influence: which training rows and groups a model of its neighbours would be better off without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._converging import converging
from auditkit.checks.poisoning import _left_out as left
from auditkit.checks.poisoning import _rows as rows_of
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.poisoning.excess import excess
from auditkit.methods.poisoning.knn_shapley import values_by_query
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.dataset import Dataset

_FEWEST = 10  # rows of a class or group on each side, below which nothing is said of it
_MOST_GROUPS = 20


@check(
    code="AK314",
    title="Training rows that do harm",
    question="Which training rows and groups lower the accuracy, and do they do so more often than other rows would?",
    dimension="robustness",
    metrics=["harmful_share", "harmful_share_excess", "group_row_value", left.METRIC],
)
def training_influence(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(40), Doc("Training rows valued at most; drawn at random.")] = 5000,
    neighbours: Annotated[int, Ge(1), Doc("Neighbours of the classifier that rows are valued for.")] = 5,
    examples: rows_of.Examples = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Value training rows by kNN-Shapley, beside test rows that stand in for training rows, and train again without each group.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows and inputs.
    rng : numpy.random.Generator
        Rows and seeds.
    rows : int
        Training rows at most.
    neighbours : int
        Of the classifier.
    examples : int
        Row positions listed at most, the lowest value first.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``harmful_share``: training rows of a value below 0 (Clopper-Pearson); ``harmful_share_excess``: the same less the share among test rows
        that were valued with them (Newcombe, Fisher's exact test), in all, by class and by group; ``group_row_value``: mean value of a row of each class and
        group, the mean row of all being worth the accuracy; ``left_out_accuracy_change`` of the model itself, trained without each group.
    """
    common.needs_classes(subject)
    train, test = rows_of.training_of(subject), subject.test
    y, y_test = rows_of.class_codes(subject, train)
    own, other = rows_of.coded(train, test).units()
    chosen = common.draw(len(train), rows, rng)
    order = rng.permutation(len(test))
    beside, asked = order[: len(test) // 2][:rows], order[len(test) // 2 :][:rows]
    X, labels = np.concatenate([own[chosen], other[beside]]), np.concatenate([y[chosen], y_test[beside]])
    kinds = list(_kinds(subject, train, chosen, beside, labels))
    values, means = _values(X, labels, other[asked], y_test[asked], neighbours, kinds, len(chosen), rng)
    if not np.isfinite(values).all():
        raise NotApplicable("the rows cannot be valued: their inputs hold numbers too large to compare")
    negative = values < 0
    mine = np.arange(len(X)) < len(chosen)
    shares, gaps, worth = [], [], []
    for (label, members), column in zip(kinds, means.T, strict=True):
        shares.append(_share(label, negative[mine & members], level))
        gaps.append(_excess(label, negative[mine & members], negative[~mine & members], level))
        worth.append(_worth(label, column, int((mine & members).sum()), len(X), level))
    with converging() as early:
        refits, tables, why = left.left_out(subject, train, level, rng)
    lowest = np.argsort(values[mine], kind="stable")[: int(negative[mine].sum())]
    return Evidence(
        "AK314",
        (*shares, *gaps, *worth, *refits),
        {
            **_tables(gaps, worth, len(X)),
            **tables,
            **rows_of.positions(
                "Training rows of the lowest value",
                {"training row": chosen[lowest]},
                examples,
                "training rows",
            ),
        },
        says=_says(shares[0], gaps, neighbours),
        does_not_say=(
            f"What a row does to the model under audit: values are those of a classifier by {neighbours} neighbours in the inputs. Nor that rows of a "
            "low value are wrong: rare and hard cases have low values too."
        ),
        notes=(
            f"{len(chosen):,} training rows and {len(beside):,} test rows were valued together, by {len(asked):,} other test rows.",
            *((why,) if why else ()),
            *early,
        ),
        rows=common.rows_used(len(chosen), len(train), "train"),
    )


def _kinds(
    subject: Subject, train: Dataset, chosen: np.ndarray, beside: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[str | None, np.ndarray]]:
    """Yield all rows, each class and each group, and which of the rows valued are of it: training rows first."""
    yield None, np.ones(len(labels), dtype=bool)
    for c, label in enumerate(np.asarray(subject.classes).tolist()):
        yield f"class={label}", labels == c
    for name in train.sensitive_names:
        if name not in subject.test.sensitive_names:
            continue
        (own,) = common.groupings(train, [name], intersections=False, like=subject.test)
        (other,) = common.groupings(subject.test, [name], intersections=False)
        if len(own.labels) > _MOST_GROUPS:
            continue
        place = {label: i for i, label in enumerate(other.labels)}
        for i, label in enumerate(own.labels):
            of_test = other.codes[beside] == place.get(label, -1)
            yield label, np.concatenate([own.codes[chosen] == i, of_test])


def _values(
    X: np.ndarray, labels: np.ndarray, asked: np.ndarray, asked_labels: np.ndarray, k: int,
    kinds: list[tuple[str | None, np.ndarray]], n_train: int, rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the value of each row, and for each query the mean value of the training rows of each kind, times the rows in all."""
    members = np.stack([one for _, one in kinds], axis=1).astype(float)
    members[n_train:] = 0
    members /= np.maximum(members.sum(axis=0), 1)
    # rows at one distance are valued in the order they stand in: a drawn one, or training rows would all come before test rows
    order = rng.permutation(len(X))
    total, means = np.zeros(len(X)), []
    for block in values_by_query(X[order], labels[order], asked, asked_labels, k=k):
        total[order] += block.sum(axis=0)
        means.append(block @ members[order] * len(X))
    # what is 0 but for rounding is no harm
    values = np.round(total / len(asked), 15)
    return values, np.concatenate(means)


def _share(label: str | None, negative: np.ndarray, level: float) -> Measurement:
    n, k = len(negative), int(negative.sum())
    if n < _FEWEST:
        return _few("harmful_share", label, n, f"{n} training rows: at least {_FEWEST} are needed")
    ends = statistics.clopper_pearson(k, n, level)
    return common.measured("harmful_share", k / n, n, ends, level, "clopper-pearson", group=label)


def _excess(label: str | None, own: np.ndarray, other: np.ndarray, level: float) -> Measurement:
    n = len(own) + len(other)
    if min(len(own), len(other)) < _FEWEST:
        reason = f"{len(own)} training and {len(other)} test rows: at least {_FEWEST} of each are needed"
        return _few("harmful_share_excess", label, n, reason)
    found = excess(int(own.sum()), len(own), int(other.sum()), len(other), level)
    return common.measured(
        "harmful_share_excess", found.value, n, (found.low, found.high), level, "newcombe", group=label,
        p_value=found.p_value, p_method="Fisher's exact test, one-sided",
        reason=f"{common.percent(float(own.mean()))} of training rows, {common.percent(float(other.mean()))} of test rows beside them",
    )  # fmt: skip


def _worth(label: str | None, column: np.ndarray, n: int, valued: int, level: float) -> Measurement:
    if n < _FEWEST:
        return _few("group_row_value", label, n, f"{n} training rows: at least {_FEWEST} are needed")
    ends = statistics.mean_interval_of(column, level)
    value = float(column.mean())
    return common.measured(
        "group_row_value", value, len(column), ends, level, "t, over the rows asked", group=label,
        reason=f"a row of 1 adds 1/{valued:,} to the accuracy: were each of the {valued:,} rows valued worth as much, this would be the accuracy",
    )  # fmt: skip


def _few(metric: str, label: str | None, n: int, reason: str) -> Measurement:
    return Measurement(metric, float("nan"), n, group=label, reason=reason)


def _tables(gaps: list[Measurement], worth: list[Measurement], valued: int) -> dict[str, Table]:
    found = {}
    texts = {
        "harm": ("Whose rows do harm", "Excess of harmful rows", "Share of training rows of negative value less that of test rows valued with them."),
        "worth": (
            "What a row is worth",
            f"Mean value of a row (1 adds 1/{valued:,} to the accuracy)",
            f"Mean value of a training row, times the {valued:,} rows valued: were each worth as much, this would be the accuracy of the neighbours.",
        ),
    }  # fmt: skip
    for key, every in (("harm", gaps), ("worth", worth)):
        title, value, summary = texts[key]
        known = [common.in_group(m, m.group or "all rows") for m in every if m.interval]
        words = {"label": "Rows", "value": value, "n": "rows"}
        found[key] = Table(title, common.estimates(known), "estimates", words, summary, reference=0.0)
    return found


def _says(share: Measurement, gaps: list[Measurement], k: int) -> str:
    whole, *parts = gaps
    said = f"{common.share_with_ends(share)} of the training rows have a value below 0: they lower the accuracy of a {k}-nearest-neighbours classifier"
    if whole.interval is None:
        return f"{said}; there are too few test rows to hold that against."
    said += f"; held against test rows valued with them, the excess is {common.share_with_ends(whole)}"
    known = [m for m in parts if m.interval is not None and m.interval.low > 0]
    if not known:
        return said + "."
    top = max(known, key=lambda m: m.value)
    return f"{said}. Of the classes and groups compared it is largest for {top.group}, {common.share_with_ends(top)}."
