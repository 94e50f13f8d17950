"""What checks share: the wording of common options, drawing rows, and naming groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

from auditkit.errors import NO_POSITIVE, NO_SENSITIVE, InputError, NotApplicable, did_you_mean
from auditkit.evidence import Interval, Measurement
from auditkit.methods.bands import band_edges, banded
from auditkit.methods.groups import codes_of
from auditkit.naming import NameOf, sensitive_of
from auditkit.render import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from auditkit.dataset import Dataset
    from auditkit.subject import Split, Subject

Level = Annotated[float, Gt(0.5), Lt(1), Doc("Confidence level of every interval.")]
Features = Annotated[
    list[str] | None,
    NameOf(what="sensitive feature", of=sensitive_of),
    Doc("Sensitive features to compare groups of; all of the subject's when left out."),
]
Feature = Annotated[
    str | None,
    NameOf(what="sensitive feature", of=sensitive_of),
    Doc("Sensitive feature; the subject's first when left out."),
]
Intersections = Annotated[
    bool,
    Doc("Also compare the groups formed by each pair of sensitive features; see depth for more than two."),
]
Depth = Annotated[
    int, Ge(2), Le(3), Doc("How many sensitive features are crossed at most, where groups are crossed.")
]
Matters = Annotated[
    float,
    Gt(0),
    Lt(1),
    Doc("The smallest difference that matters; a group too small to show it is said to be so."),
]

MOST_GROUPS = 100
"""A feature with more values than this is a number or an identifier; every pair of its groups is compared."""

MOST_VALUES = 20
"""A number of more values than this is compared in bands; see `in_bands`."""

_BANDS = 4


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way of dividing the records into groups.

    Attributes
    ----------
    name : str
        "sex", or "race × sex" for an intersection.
    labels : list of str
        "sex=Female", one a group.
    codes : ndarray of int, shape (n,)
        The group of each record.
    absent : tuple of str
        Categories that were declared and combinations that are possible, but that no record has.
    features : tuple of str
        What divides them, and under `values` its value in each group.
    notes : tuple of str
        What was done to the features before they divided the records.
    """

    name: str
    labels: list[str]
    codes: np.ndarray
    absent: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> np.ndarray:
        """Records of each group, shape (groups,)."""
        return np.bincount(self.codes, minlength=len(self.labels))

    def parts(self, values: np.ndarray) -> list[np.ndarray]:
        """Return the values of each group; the rows are sorted once."""
        order = np.argsort(self.codes, kind="stable")
        return np.split(values[order], np.cumsum(self.sizes)[:-1])

    @property
    def too_many(self) -> str:
        """Why the groups are not compared, where they are too many to be; else empty."""
        if len(self.labels) <= MOST_GROUPS:
            return ""
        return f"{len(self.labels):,} groups are more than the {MOST_GROUPS} that are compared: give bands of {self.name}"


def groupings(
    data: Dataset,
    features: Sequence[str] | None,
    *,
    intersections: bool,
    depth: int = 2,
    like: Dataset | None = None,
) -> list[Grouping]:
    """Return the groups of every sensitive feature, and of their intersections.

    Missing values are a group of their own, never dropped. A number of many values is in bands, the same for every check:
    see `in_bands`.

    Parameters
    ----------
    data : Dataset
        With sensitive features.
    features : sequence of str, optional
        Which of them; all when left out.
    intersections : bool
        Also the groups of several features together.
    depth : int
        How many at most, from 2.
    like : Dataset, optional
        The rows whose bands are taken: those that other checks compare.

    Raises
    ------
    NotApplicable
        If there are no sensitive features.
    InputError
        If a feature named is none of them, or an empty list is named.
    """
    frame = data.sensitive_features
    if frame is None:
        raise NotApplicable(NO_SENSITIVE)
    names = data.sensitive_names if features is None else list(dict.fromkeys(features))
    if not names:
        raise InputError(f"no sensitive feature named: choose from {', '.join(data.sensitive_names)}")
    for name in names:
        if name not in data.sensitive_names:
            raise InputError(f"{name!r} is no sensitive feature.{did_you_mean(name, data.sensitive_names)}")
    most = depth if intersections else 1
    sets = [list(part) for size in range(1, most + 1) for part in combinations(names, size)]
    columns, said = in_bands(data.sensitive_names, frame, None if like is None else like.sensitive_features)
    return [_grouping(parts, columns, tuple(said[n] for n in parts if n in said)) for parts in sets]


def in_bands(
    names: Sequence[str], frame: pd.DataFrame, like: pd.DataFrame | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns of a table by name, numbers of many values in bands of about equal size, and what was done.

    This is the one place where a feature is divided that nobody divided: the same name means the same groups in every check.
    """
    columns, said = {}, {}
    for name, (key, column) in zip(names, frame.items(), strict=True):
        columns[name] = column
        source = like[key] if like is not None and key in like.columns else column
        if not is_number(source, MOST_VALUES) or not is_number(column, 1):
            continue
        try:
            edges = band_edges(name, source, _BANDS)
        except InputError:  # infinite but for one number
            continue
        columns[name] = banded(name, column, edges)
        said[name] = (
            f"{name} has {column.nunique():,} values: compared in {len(edges) + 1} bands of about equal size; "
            f"other bands: Dataset(..., bands={{{name!r}: [...]}})."
        )
    return columns, said


def is_number(column: Any, more_than: int) -> bool:
    """Return whether a column holds numbers, and more than so many different ones."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(column) and not is_bool_dtype(column) and column.nunique() > more_than)


def reaches(data: Dataset, *, intersections: bool, depth: int) -> str:
    """Return which intersections were not compared, in a sentence; empty where all were."""
    most = depth if intersections else 1
    if len(data.sensitive_names) <= most:
        return ""
    what = {1: "two", 2: "three"}.get(most, "four")
    return f"Groups formed by {what} or more features are not compared."


def _grouping(names: list[str], columns: dict[str, Any], notes: tuple[str, ...]) -> Grouping:
    codes, values = codes_of({name: columns[name] for name in names})
    labels = [_words(names, found) for found in values]
    absent: tuple[str, ...] = ()
    if len(names) > 1 and len(values) <= MOST_GROUPS:
        own = [dict.fromkeys(found[j] for found in values) for j in range(len(names))]
        absent = tuple(_words(names, one) for one in product(*own) if one not in set(values))
    elif len(names) == 1 and hasattr(columns[names[0]].dtype, "categories"):
        declared = codes_of({names[0]: list(columns[names[0]].dtype.categories)})[1]
        absent = tuple(_words(names, one) for one in declared if one not in set(values))
    return Grouping(" × ".join(names), labels, codes, absent, tuple(names), tuple(map(tuple, values)), notes)


def _words(names: Sequence[str], values: Sequence[str]) -> str:
    return ", ".join(f"{n}={v}" for n, v in zip(names, values, strict=True))


def notes_on(found: Iterable[Grouping]) -> tuple[str, ...]:
    """Return what was done to the features, and a sentence for each grouping about groups without a record."""
    every = list(found)
    done = dict.fromkeys(note for g in every for note in g.notes)
    absent = (
        f"{g.name}: no record has {'; '.join(g.absent[:5])}"
        + (f"; nor {len(g.absent) - 5} more" if len(g.absent) > 5 else "")
        for g in every
        if g.absent
    )
    return (*done, *absent)


def draw(n: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return sorted row numbers: all of them, or `most` drawn without replacement."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, size=most, replace=False))


def rows_used(used: int, of: int, split: str = "test") -> dict[str, Any]:
    """Return what a report says of the rows used."""
    how = "all" if used == of else "drawn at random without replacement"
    return {"used": int(used), "of": int(of), "split": split, "how": how}


def correct(subject: Subject, split: str = "test") -> np.ndarray:
    """Return whether each prediction is right, shape (n,)."""
    return np.asarray(subject.answers(split).labels == subject.split(split).y)  # type: ignore[arg-type]


def one_class(subject: Subject, split: Split = "test") -> tuple[str, ...]:
    """Return a note where every row has the same label: most of what compares answers with labels is undefined."""
    labels = np.unique(subject.split(split).y)
    if subject.task == "regression" or len(labels) > 1:
        return ()
    word = labels[0].item() if isinstance(labels[0], np.generic) else labels[0]
    said = (
        f"All {split} labels are {word!r}: rates and ranks that need another label are undefined, and accuracy counts how often "
        "the model says this one. Was one class filtered out?"
    )
    return (said,)


def empty_columns(subject: Subject) -> tuple[str, ...]:
    """Return a note for columns without a single value in the test rows."""
    return tuple(
        f"The column {str(name)!r} has no value in any of {n:,} test rows."
        for name, n in subject.test.empty_columns.items()
    )


def seen_rows(subject: Subject, rows: np.ndarray | None = None) -> int:
    """Return how many test rows (of those given) equal a training row in every input and in the label; 0 without any."""
    test, train = subject.test, subject.train
    if train is None or test.X.shape[1] == 0:
        return 0
    keys = _row_keys(train, test if rows is None else test.take(rows))
    return int(np.isin(keys[len(train) :], keys[: len(train)]).sum())


def not_held_out(subject: Subject) -> str:
    """Return why the test rows do not count as held out: most of them are training rows; empty where they count.

    Where inputs take few values, rows that were held out equal training rows too. So does then a training row most others,
    and nothing is held against the rows.
    """
    test, train = subject.test, subject.train
    same = seen_rows(subject)
    if train is None or 2 * same <= len(test):
        return ""
    counts = np.unique(_row_keys(train), return_counts=True)[1]
    if 2 * counts[counts > 1].sum() > len(train):
        return ""
    return (
        f"{same:,} of {len(test):,} test rows equal a training row in every input and in the label: the model has seen them. "
        "Give rows that it was not trained on"
    )


def row_keys(*tables: pd.DataFrame) -> np.ndarray:
    """Return a hash of each row, of all tables after each other; equal rows have the same one, missing values are equal."""
    import pandas as pd

    return pd.util.hash_pandas_object(pd.concat(tables, ignore_index=True), index=False).to_numpy()


def _row_keys(*parts: Dataset) -> np.ndarray:
    """Return a hash of inputs and label of each row, of all parts after each other."""
    return row_keys(*(part.X.assign(**{"\0label": part.y}) for part in parts))


def needs_classes(subject: Subject) -> None:
    """Raise `NotApplicable` for a regression."""
    if subject.task == "regression":
        raise NotApplicable("this check compares classes; the subject is a regression")


def needs_model(subject: Subject) -> None:
    """Raise `NotApplicable` where only predictions are known."""
    if subject.predictions_only:
        raise NotApplicable(
            "this check asks the model about changed rows; only recorded predictions were given"
        )
    if subject.test.X.shape[1] == 0:
        raise NotApplicable("this check needs the model's inputs; the data set has no features")


def positive_of(subject: Subject) -> Any:
    """Return the label that counts as selected.

    Raises
    ------
    NotApplicable
        If the task has none.
    """
    needs_classes(subject)
    if subject.positive is None:
        raise NotApplicable(NO_POSITIVE)
    return subject.positive


def measured(
    metric: str, value: float, n: float, ends: tuple[Any, Any] | None, level: float, method: str, **more: Any
) -> Measurement:
    """Build a measurement from numpy scalars."""
    interval = None if ends is None else Interval(float(ends[0]), float(ends[1]), float(level), method)
    return Measurement(metric, float(value), int(n), interval, **more)


def in_group(m: Measurement, group: str) -> Measurement:
    """Return the same measurement, of a group."""
    return replace(m, group=group)


def estimates(measurements: Iterable[Measurement], *, prefix: str = "") -> dict[str, tuple[Any, ...]]:
    """Return the columns of an estimates table, one row a measurement."""
    found = list(measurements)
    nan = float("nan")
    return {
        "label": tuple((m.group or m.metric).removeprefix(prefix) for m in found),
        "value": tuple(m.value for m in found),
        "low": tuple(m.interval.low if m.interval else nan for m in found),
        "high": tuple(m.interval.high if m.interval else nan for m in found),
        "n": tuple(m.n for m in found),
    }


def percent(value: float) -> str:
    """Return a share in words: "18.2%", with the digits a table gives it."""
    return text.share(value)


def number(value: float) -> str:
    """Return a number in words, with the digits a table gives it."""
    return text.number(value)


def amount(value: float) -> str:
    """Return a value of an input in words, whole ones without decimals."""
    return text.amount(value)


def p_value(value: float) -> str:
    """Return a p-value in words, with its sign: "= 0.021"."""
    return text.p_value(value)


def with_ends(m: Measurement) -> str:
    """Return a measurement as sentences quote it, as the findings do: "0.182 [0.165, 0.199]"."""
    return text.measured(m.to_dict())


def share_with_ends(m: Measurement) -> str:
    """Return a share with its interval in percent: "18.2% [16.5%, 19.9%]"."""
    if m.interval is None:
        return text.share(m.value)
    return f"{text.share(m.value)} [{text.share(m.interval.low)}, {text.share(m.interval.high)}]"


def undecided(n: int) -> tuple[str, ...]:
    """Return the notes on rows that were left out because the model did not repeat its answer; none for none."""
    if not n:
        return ()
    were = "1 row was" if n == 1 else f"{n} rows were"
    return (
        f"{were} left out: the model answers {'it' if n == 1 else 'them'} differently each time.",
        "Answers that a model does not repeat lead searches astray: far more of its decisions may be flipped than were found.",
    )
