"""Poisoned: signs that records were put into a table to steer a model: values that turn any record, crowds of near copies, rows that lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Lt
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.poisoning import _rows as rows_of
from auditkit.checks.poisoning.outliers import representation_outliers
from auditkit.checks.poisoning.trigger import trigger_search
from auditkit.checks.tables import _parts as parts
from auditkit.dataset import Dataset
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Evidence, Measurement
from auditkit.methods._threads import one_thread
from auditkit.methods.poisoning import twins
from auditkit.methods.poisoning.excess import excess
from auditkit.scanning.tables import scan_columns
from auditkit.subject import Subject
from auditkit.targets.table import Table as Records

if TYPE_CHECKING:
    import pandas as pd

_FEWEST = 40
_OUTLIERS = (
    "spectral_outlier_share",
    "spectral_outlier_excess",
    "activation_cluster_share",
    "activation_cluster_excess",
)


@check(
    code="AK918",
    title="Signs of planted records",
    question="Were records put in to steer a model: by a value that turns any record, or by crowds of near copies?",
    dimension="data",
    metrics=[
        "trigger_success_rate",
        "trigger_isolation",
        "trigger_pattern_share",
        "ordinary_value_success_rate",
        "copied_record_excess",
        "dense_record_share",
        *_OUTLIERS,
    ],
    about="table",
)
def table_poisoning(
    subject: Records,
    *,
    rng: np.random.Generator,
    rows: Annotated[
        int, Ge(40), Doc("Records of either side at most that are compared; drawn at random.")
    ] = 4000,
    pool: Annotated[
        int, Ge(40), Doc("Records to learn from at most, and as many others; drawn at random.")
    ] = 100_000,
    patterns: Annotated[int, Ge(0), Doc("Patterns of two columns tried at most.")] = 2000,
    rare: Annotated[
        float, Gt(0), Lt(1), Doc("Share of the records above which a pattern is an ordinary value.")
    ] = 0.05,
    level: common.Level = 0.95,
) -> Evidence:
    """Train a plain model on the table and search it for triggers; where parts are named, hold the part to learn from against the others.

    Parameters
    ----------
    subject : Table
        Records with labels of 2 to 20 classes.
    rng : numpy.random.Generator
        Halves, records, patterns, seeds.
    rows : int
        Records of either side at most.
    pool : int
        Records to learn from at most, and as many others.
    patterns : int
        Patterns of two columns at most.
    rare : float
        Share from which a pattern is an ordinary value.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        Of boosted trees trained on the table, as in AK315, ``trigger_success_rate``, ``trigger_isolation``, ``trigger_pattern_share`` and
        ``ordinary_value_success_rate``. With parts: ``dense_record_share``: records to learn from that lie nearer to others of them than 99% of the records held out do, with an
        exact test; ``copied_record_excess``: the same of equal ones; and rows of a class that lie apart, as in AK316.
    """
    sides = _Sides.of(subject, pool, rng)
    try:
        model = _instrument(sides, int(rng.integers(2**31 - 1)))
    except InputError as error:  # as where a part is the same file again
        raise NotApplicable(str(error)) from None
    searched = trigger_search(model, rng=rng, rows=min(rows, 1000), patterns=patterns, rare=rare, level=level)
    found, tables, says, notes = (
        list(searched.measurements),
        dict(searched.tables),
        [searched.says],
        list(searched.notes),
    )
    notes.insert(0, f"Asked is a model of boosted trees, trained on {len(sides.train.y):,} records.")
    if sides.people:
        notes.append(
            f"Left out, for they name or find people and a pattern may be told: {', '.join(sides.people)}."
        )
    if sides.apart:
        crowd = _crowd(sides, rows, level, rng)
        outliers = representation_outliers(model, rng=rng, rows=rows, level=level)
        found += [*crowd, *outliers.measurements]
        tables |= {name: table for name, table in outliers.tables.items() if name == "apart"}
        says += [_told(crowd), outliers.says]
        notes += outliers.notes
    else:
        notes.append(
            "No parts are named: crowds and rows apart are told by records of another collection, which nobody had a hand in."
        )
    return Evidence(
        "AK918",
        tuple(found),
        tables,
        says=" ".join(says),
        does_not_say=(
            "That nobody planted records: a trigger of three or more values, one between those tried, or records that look like all others are not found. Nor that "
            "somebody did: a rare value may settle a class for a good reason, and one part may have been collected otherwise."
        ),
        notes=(*notes, *sides.notes, *sides.train.notes),
        rows={
            "used": len(sides.train.y) + len(sides.test.y),
            "of": len(subject.frame) + sum(map(len, subject.splits.values())),
            "split": "records",
            "how": "drawn at random without replacement" if sides.drawn else "all",
        },
    )


@dataclass(frozen=True, eq=False)
class _Sides:
    """Records a model learns from, others, and whether the others are a collection of their own."""

    train: parts.Labelled
    test: parts.Labelled
    apart: bool
    people: tuple[str, ...]
    notes: tuple[str, ...] = ()
    drawn: bool = False

    @classmethod
    def of(cls, subject: Records, pool: int, rng: np.random.Generator) -> _Sides:
        import pandas as pd

        told = subject.parts()
        more: tuple[str, ...] = ()
        people = tuple(one.name for one in scan_columns(subject.frame) if one.identifies)
        if told:
            first, *others = told.values()
            train = parts.labelled(subject, first, people)
            other = pd.concat([one[first.columns] for one in others], ignore_index=True)
            test = parts.labelled(subject, other, people)
            known = np.isin(test.y, train.y)
            if not known.all():
                strange = ", ".join(test.classes[c] for c in np.unique(test.y[~known]))
                more = (
                    f"Records of other parts with a label that the part to learn from lacks are left out: {int((~known).sum()):,} ({strange}).",
                )
                test = test.taken(np.flatnonzero(known))
            more += tuple(
                f"{name} holds another type of values in another part: parts are not alike in it."
                for name in parts.unlike(told)
            )
        else:
            every = parts.labelled(subject, subject.frame, people)
            order = rng.permutation(len(every.y))
            cut = 3 * len(order) // 4
            train, test = every.taken(np.sort(order[:cut])), every.taken(np.sort(order[cut:]))
        if len(train.y) > pool:
            more += (f"{pool:,} of {len(train.y):,} records to learn from were drawn at random.",)
        drawn = max(len(train.y), len(test.y)) > pool
        train, test = (one.taken(common.draw(len(one.y), pool, rng)) for one in (train, test))
        if min(len(train.y), len(test.y)) < _FEWEST or len(np.unique(train.y)) < 2:
            raise NotApplicable(
                f"{len(train.y)} records to learn from and {len(test.y)} others: at least {_FEWEST} of each, and two classes, are needed"
            )
        return cls(train, test, bool(told), people, more, drawn)


def _instrument(sides: _Sides, seed: int) -> Subject:
    """Return a plain model of the table: boosted trees, with categories in the order of their names."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    as_codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    encode = make_column_transformer(
        (as_codes, make_column_selector(dtype_exclude="number")), remainder="passthrough", sparse_threshold=0
    )
    trees = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=8, early_stopping=False, random_state=seed
    )
    words = np.asarray(sides.train.classes, dtype=object)
    X, X_test = _plain(sides.train.X), _plain(sides.test.X)
    with one_thread():
        model = make_pipeline(encode, trees).fit(X, words[sides.train.y])
    known = words[np.unique(sides.train.y)]
    positive = known[1] if len(known) == 2 else None
    return Subject(
        "plain model",
        model,
        Dataset(X_test, words[sides.test.y]),
        Dataset(X, words[sides.train.y]),
        positive=positive,
    )


def _plain(X: pd.DataFrame) -> pd.DataFrame:
    """Return columns of times, and of values of several types, as text, which an encoder takes."""
    import pandas as pd

    made: dict[Any, Any] = {}
    for name, column in X.set_axis(X.columns.map(str), axis=1).items():
        if not pd.api.types.is_numeric_dtype(column.dtype):
            words = np.array(column.astype(object).map(str, na_action="ignore"), dtype=object)
            words[np.asarray(column.isna())] = None
            made[name] = pd.Series(words, dtype=object)
        elif isinstance(column.dtype, np.dtype) and column.dtype != bool:
            made[name] = column
        else:
            made[name] = column.to_numpy(dtype=float, na_value=np.nan)
    return pd.DataFrame(made)


def _crowd(sides: _Sides, rows: int, level: float, rng: np.random.Generator) -> list[Measurement]:
    """Return how many records to learn from are equal, or all but equal, to others of them, beside records held out."""
    keys = common.row_keys(sides.train.X, sides.test.X)
    n = len(sides.train.y)
    (a, b), categorical, names = parts.coded(sides.train.X, sides.test.X)
    order = rng.permutation(n)
    aside, reference = order[: n // 4], order[n // 4 :][: 5 * rows]
    known = keys[:n][reference]
    own, other = np.isin(keys[:n][aside], known), np.isin(keys[n:], known)
    gap = excess(int(own.sum()), len(own), int(other.sum()), len(other), level)
    copied = common.measured(
        "copied_record_excess", gap.value, len(own) + len(other), (gap.low, gap.high), level, "newcombe", p_value=gap.p_value,
        p_method="Fisher's exact test, one-sided", reason="records to learn from that equal another, less records held out that do",
    )  # fmt: skip
    mine, theirs = aside[~own][:rows], np.flatnonzero(~other)
    theirs = theirs[common.draw(len(theirs), rows, rng)]
    if min(len(mine), len(theirs)) < _FEWEST:
        reason = f"{len(mine)} and {len(theirs)} records without an equal one: at least {_FEWEST} are needed"
        return [copied, Measurement("dense_record_share", float("nan"), len(mine), reason=reason)]
    train, test = rows_of.Coded(a, b, categorical, names).units()
    near = twins.near_twins(
        twins.nearest_between(train[mine], train[reference])[0],
        twins.nearest_between(test[theirs], train[reference])[0],
    )
    k = int(near.near.sum())
    ends = statistics.clopper_pearson(k, len(mine), level)
    dense = common.measured(
        "dense_record_share", k / len(mine), len(mine), ends, level, "clopper-pearson", p_value=near.p_value, p_method="order statistics, exact, one-sided",
        reason=_of_one_label(sides, mine[near.near], near.expected),
    )  # fmt: skip
    return [copied, dense]


def _of_one_label(sides: _Sides, dense: np.ndarray, expected: float) -> str:
    said = f"an independent draw gives {common.percent(expected)}"
    if len(dense) < 10:
        return said
    counts = np.bincount(sides.train.y[dense], minlength=len(sides.train.classes))
    top = int(counts.argmax())
    return f"{said}; of those found {common.percent(counts[top] / len(dense))} are labelled {sides.train.classes[top]}"


def _told(crowd: list[Measurement]) -> str:
    copied, dense = crowd
    said = f"Records to learn from equal others of them more often than records held out do, by {common.share_with_ends(copied)}"
    if dense.interval is None:
        return f"{said}."
    return f"{said}; {common.share_with_ends(dense)} of the rest lie as near to others as hardly any record held out does ({dense.reason})."
