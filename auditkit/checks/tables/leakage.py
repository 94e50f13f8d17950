"""Leakage: records that stand in two parts, columns that hold the answer, and parts that do not follow time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.poisoning import _leaky as leaky
from auditkit.checks.poisoning import _rows as rows_of
from auditkit.checks.poisoning import _twins as again
from auditkit.checks.tables import _parts as parts
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.poisoning import twins
from auditkit.scanning.tables.typed import dates_of
from auditkit.targets.table import Table as Records

if TYPE_CHECKING:
    import pandas as pd

_OWN, _ENOUGH = 0.95, 50  # share of records that differ in an identifier, and records it takes to tell
_SUPPORT = 20  # records of rarer labels that share their value with another, below which a function is chance
_PLACE = "the place in the table"
_NO_PARTS = "no parts are named, and records cannot be looked for across them: [splits] with column or files in the subject file, Table(..., split=...) in Python"


@check(
    code="AK917",
    title="Leaks between parts and into the inputs",
    question="Do parts share records, and does a column hold the answer?",
    dimension="data",
    metrics=[
        "duplicate_share",
        "duplicate_share_excess",
        "independent_duplicate_share",
        "near_duplicate_share",
        "training_duplicate_share",
        "contradiction_share",
        "label_function_columns",
        "identifier_auc",
        "time_overlap_share",
        *leaky.METRICS,
    ],
    about="table",
)
def table_leakage(
    subject: Records,
    *,
    rng: np.random.Generator,
    rows: Annotated[
        int, Ge(20), Doc("Records held out at most that near twins are looked for of; drawn at random.")
    ] = 5000,
    pool: Annotated[
        int,
        Ge(40),
        Doc("Records to learn from at most that near twins are looked for among; drawn at random."),
    ] = 20_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Count records of other parts that the part to learn from holds, beside chance; and search for columns that tell the label alone.

    Parameters
    ----------
    subject : Table
        Records with parts, or with labels, or both. Without parts, columns are chosen on one half of the records and measured on the other.
    rng : numpy.random.Generator
        Records drawn, halves, and folds.
    rows, pool : int
        Records at most for the search of near twins; equal ones are counted among all.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        Of the records held out (test rows) those found among the records to learn from (training rows), as in AK313; of single columns
        ``leaky_feature_auc`` and ``leaky_feature_lead``; ``identifier_auc`` of columns that number records; ``label_function_columns``, whose values settle the label
        without exception; ``time_overlap_share``: test rows that are no later than some training row.
    """
    told = subject.parts()
    if not told and subject.target is None:
        raise NotApplicable(f"{parts.NO_TARGET}; and {_NO_PARTS}")
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    says: list[str] = []
    notes: list[str] = []
    if told:
        across = _Across.of(subject, told, rows, pool, level, rng)
        found, tables, says = across.found, across.tables, across.says
        notes = [
            f"Training rows are the part {subject.learnt!r}; test rows all others: {', '.join(list(told)[1:])}.",
            *across.notes,
        ]
        if odd := parts.unlike(told):
            says.append(
                f"{', '.join(odd)} {'holds' if len(odd) == 1 else 'hold'} other types of values in other parts (numbers, times, text): "
                "no record is found again by them, so write the parts alike first."
            )
        found += _over_time(subject, told)
    else:
        notes.append(f"Nothing is said across parts: {_NO_PARTS}.")
    try:
        own = _Columns.of(subject, told, level, rng)
    except NotApplicable as why:
        if not told:
            raise
        notes.append(f"Columns were not held against labels: {why}.")
    else:
        found, tables, says = [*found, *own.found], tables | own.tables, [*says, *own.says]
        notes += own.notes
    return Evidence(
        "AK917",
        tuple(found),
        tables,
        says=" ".join(says),
        does_not_say=(
            "That equal records are the same people: where columns take few values, different people are equal. Nor that a telling column is a leak: it may be "
            "known before the answer is. Several columns that tell it together are not searched for."
        ),
        notes=tuple(notes),
        rows={"used": len(subject.frame), "of": len(subject.frame), "split": "records", "how": "all"},
    )


@dataclass(frozen=True, eq=False)
class _Across:
    """What the parts share."""

    found: list[Measurement]
    tables: dict[str, Table]
    says: list[str]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        subject: Records,
        told: dict[str, pd.DataFrame],
        rows: int,
        pool: int,
        level: float,
        rng: np.random.Generator,
    ) -> _Across:
        train, test = _both(subject, told)
        if min(len(train), len(test)) < rows_of.FEWEST:
            raise NotApplicable(
                f"{len(train)} records to learn from and {len(test)} others: at least {rows_of.FEWEST} of each are needed"
            )
        keys = common.row_keys(train, test)
        own, asked = keys[: len(train)], keys[len(train) :]
        (a, b), categorical, names = parts.coded(train, test)
        coded = rows_of.Coded(a, b, categorical, names)
        order = rng.permutation(len(train))
        aside, reference = order[: len(train) // 4], order[len(train) // 4 :]
        near = again.near(coded, keys, aside, reference, rows, pool, rng)
        share = again.share("duplicate_share", int(np.isin(asked, own).sum()), len(test), level)
        beyond = again.beyond(own, asked, aside, reference, level)
        found = [
            share,
            beyond,
            again.independent(coded),
            near.measurement(level),
            again.share("training_duplicate_share", int(again.repeated(own).sum()), len(train), level),
        ]
        chance = int(np.isin(own[aside], own[reference]).sum())
        says = (
            f"{common.share_with_ends(share)} of {len(test):,} test rows equal a training row; held against training rows that were set aside, the excess is "
            f"{common.share_with_ends(beyond)}.{again.fewer(beyond)}"
        )
        if subject.target is not None:
            found += _against(subject, told, own, asked, level)
        return cls(found, {"twins": again.table(found, chance, len(aside), level)}, [says], near.notes())


def _both(subject: Records, told: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the inputs of the part to learn from, and of all others."""
    import pandas as pd

    first, *others = told.values()
    kept = [j for j, name in enumerate(first.columns) if str(name) not in (subject.target, subject.split)]
    if not kept:
        raise NotApplicable("no column is left beside the labels")
    names = first.columns[kept]
    return first[names], pd.concat([one[names] for one in others], ignore_index=True)


def _against(
    subject: Records, told: dict[str, pd.DataFrame], own: np.ndarray, asked: np.ndarray, level: float
) -> list[Measurement]:
    """Return how many records have an equal one of another label among the training rows."""
    import pandas as pd

    first, *others = (parts.named(one, str(subject.target)) for one in told.values())
    labels = pd.factorize(pd.concat([first, *others], ignore_index=True))[0]
    y, y_test = labels[: len(own)], labels[len(own) :]
    known, known_test = y >= 0, y_test >= 0
    pairs = (("test rows", asked, y_test, known_test), ("training rows", own, y, known))
    reason = "rows with an equal training row of another label"
    return [
        common.in_group(
            again.share(
                "contradiction_share",
                int(twins.contradicting(k[ok], labels_[ok], own[known], y[known]).sum()),
                int(ok.sum()),
                level,
                reason,
            ),
            name,
        )
        for name, k, labels_, ok in pairs
        if ok.any()
    ]


def _over_time(subject: Records, told: dict[str, pd.DataFrame]) -> list[Measurement]:
    if subject.time is None:
        return []
    first, *others = (_times(parts.named(one, subject.time)) for one in told.values())
    held = np.concatenate(others)
    held, newest = held[np.isfinite(held)], first[np.isfinite(first)]
    if not len(held) or not len(newest):
        reason = f"{subject.time} has no value that is a time in one of the parts"
        return [Measurement("time_overlap_share", float("nan"), 0, reason=reason)]
    k = int((held <= newest.max()).sum())
    reason = f"test rows that are no later than the newest training row, by {subject.time}; a fact of the parts, it has no interval"
    return [Measurement("time_overlap_share", k / len(held), len(held), reason=reason)]


def _times(column: Any) -> np.ndarray:
    """Return times as numbers, shape (n,); ``nan`` where there is none."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return np.asarray(column.to_numpy(dtype=float, na_value=np.nan))
    stamps = dates_of(column)
    return np.where(
        stamps.isna(), np.nan, (stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    ).astype(float)


@dataclass(frozen=True, eq=False)
class _Columns:
    """What single columns tell of the label."""

    found: list[Measurement]
    tables: dict[str, Table]
    says: list[str]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, subject: Records, told: dict[str, pd.DataFrame], level: float, rng: np.random.Generator
    ) -> _Columns:
        train, test = _sides(subject, told, rng)
        if min(len(train.y), len(test.y)) < rows_of.FEWEST:
            raise NotApplicable(
                f"{len(train.y)} and {len(test.y)} records with a label on either side: at least {rows_of.FEWEST} are needed"
            )
        (a, b), categorical, names = parts.coded(train.X, test.X)
        found, tables, said = leaky.leaky_feature(
            rows_of.Coded(a, b, categorical, names), train.y, test.y, list(train.classes), level, rng
        )
        settled = [
            name
            for j, name in enumerate(names)
            if _settles(np.concatenate([a[:, j], b[:, j]]), np.concatenate([train.y, test.y]))
        ]
        count = Measurement(
            "label_function_columns",
            float(len(settled)),
            len(names),
            reason=f"columns whose values settle the label without exception: {', '.join(settled) or 'none'}",
        )
        numbered = _identifiers(train, test, placed=not told)
        by_name = [
            leaky.leaky_feature(one, train.y, test.y, list(train.classes), level, rng)[0][0]
            for one in numbered
        ]
        known = [m for m in by_name if np.isfinite(m.value)]
        numbers: list[Measurement] = []
        if known:
            best = max(known, key=lambda m: m.value)
            ends = None if best.interval is None else (best.interval.low, best.interval.high)
            reason = f"the best of {len(known)} that number records: {best.reason}"
            numbers = [
                common.measured("identifier_auc", best.value, best.n, ends, level, "delong", reason=reason)
            ]
        notes = () if known else ("No column numbers the records.",)
        says = [said] if said else []
        if settled:
            says.append(f"The label follows from {', '.join(settled)} without exception.")
        return cls([*found, count, *numbers], tables, says, (*notes, *train.notes))


def _sides(
    subject: Records, told: dict[str, pd.DataFrame], rng: np.random.Generator
) -> tuple[parts.Labelled, parts.Labelled]:
    """Return the records columns are chosen on, and those they are measured on: the parts, or halves drawn at random."""
    import pandas as pd

    if told:
        first, *others = told.values()
        return parts.labelled(subject, first), parts.labelled(
            subject, pd.concat([one[first.columns] for one in others], ignore_index=True)
        )
    every = parts.labelled(subject, subject.frame)
    half = np.zeros(len(every.y), dtype=bool)
    half[rng.permutation(len(every.y))[: len(every.y) // 2]] = True
    return every.taken(np.flatnonzero(half)), every.taken(np.flatnonzero(~half))


def _settles(values: np.ndarray, y: np.ndarray) -> bool:
    """Return whether each value of a column has one label alone, and records enough speak for that.

    Records of rarer labels that share their value with another would each have met one of the most common label by chance as often as that is common.
    """
    there = np.isfinite(values)
    if not there.any():
        return False
    codes = np.unique(values[there], return_inverse=True)[1]
    labels = y[there]
    sizes = np.bincount(codes)
    least = np.full(len(sizes), np.iinfo(np.int64).max)
    most = np.full(len(sizes), -1)
    np.minimum.at(least, codes, labels)
    np.maximum.at(most, codes, labels)
    if (least != most).any():
        return False
    rarer = labels != np.bincount(labels).argmax()
    return int((rarer & (sizes[codes] > 1)).sum()) >= _SUPPORT


def _identifiers(train: parts.Labelled, test: parts.Labelled, *, placed: bool) -> list[rows_of.Coded]:
    """Return each column that numbers records, in the order of its values, and the place of records in the table where it is one."""
    import pandas as pd

    found = []
    for j, name in enumerate(train.X.columns):
        both = pd.concat([train.X.iloc[:, j], test.X.iloc[:, j]], ignore_index=True)
        known = both.dropna()
        whole = not pd.api.types.is_float_dtype(both.dtype) or bool((known == np.rint(known)).all())
        if len(known) < _ENOUGH or not whole or known.nunique() < _OWN * len(known):
            continue
        words = both if pd.api.types.is_numeric_dtype(both.dtype) else both.map(str, na_action="ignore")
        ranks = words.rank(method="average").to_numpy(dtype=float)
        found.append(_one(ranks[: len(train.y)], ranks[len(train.y) :], str(name)))
    if placed:
        found.append(_one(train.rows.astype(float), test.rows.astype(float), _PLACE))
    return found


def _one(train: np.ndarray, test: np.ndarray, name: str) -> rows_of.Coded:
    return rows_of.Coded(train[:, None], test[:, None], np.array([False]), (name,))
