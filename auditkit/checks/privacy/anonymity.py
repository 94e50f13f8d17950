"""Anonymity: how many records of the data share what can be known of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le
from typing_extensions import Doc

from auditkit import progress
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights as weights
from auditkit.checks.bias._columns import frames_of
from auditkit.checks.privacy import _withheld as withheld
from auditkit.checks.privacy._bands import band_edges, band_sums, band_words
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import anonymity as methods
from auditkit.methods.equivalence import class_sizes, column_codes, combined, quantile_edges
from auditkit.methods.quasi_identifiers import QuasiIdentifier, Search, search_quasi_identifiers
from auditkit.methods.sample_uniqueness import correct_match_rate
from auditkit.naming import NameOf
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.dataset import Dataset

_FACT = "a fact of these rows, not estimated; it has no interval"
_LABEL = "the label"
_DRAWN = 10  # sets of each size in the table
_ENOUGH, _NAMES = (
    100,
    0.95,
)  # rows, and the share of them that differ, from which whole numbers are taken for names of records


def _named(subject: Subject) -> list[str]:
    return list(frames_of(subject.test if subject.train is None else subject.train, beside=True))


@check(
    code="AK208",
    title="Anonymity of the data",
    question="How many records can be told apart by what others may know of a person?",
    dimension="privacy",
    metrics=[
        "k_anonymity",
        "unique_share",
        "small_class_share",
        "l_diversity",
        "entropy_l_diversity",
        "homogeneous_share",
        "t_closeness",
        "correct_match_rate",
        "searched_unique_share",
    ],
)
def data_anonymity(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - the contract; nothing is drawn
    quasi_identifiers: Annotated[
        list[str] | None,
        NameOf(what="column", of=_named),
        Doc("Columns by which a person might be recognised; the sensitive features when left out."),
    ] = None,
    confidential: Annotated[
        str | None,
        NameOf(what="column", of=_named),
        Doc("Column that nobody should learn of a person; the label when left out."),
    ] = None,
    k: Annotated[int, Ge(2), Doc("Classes of fewer records are counted as small.")] = 5,
    bins: Annotated[
        int,
        Ge(0),
        Le(1000),
        Doc("Equally filled bins that a number of more values is known to; 0 for numbers known exactly."),
    ] = 10,
    most_columns: Annotated[int, Ge(1), Le(3), Doc("Columns in a set that is searched for, at most.")] = 3,
    most_sets: Annotated[int, Ge(1), Doc("Sets of columns that the search looks at, at most.")] = 500,
    sampling_fraction: Annotated[
        float | None,
        Gt(0),
        Le(1),
        Doc("Share of the population that these rows are a random sample of, where known."),
    ] = None,
    level: common.Level = 0.95,
) -> Evidence:
    """Count how many records agree in the columns by which a person might be recognised, and search for columns that tell most apart.

    Parameters
    ----------
    subject : Subject
        With inputs or sensitive features; the training rows are looked at, the test rows where there are none.
    rng : numpy.random.Generator
        Not used.
    quasi_identifiers : list of str, optional
        What others may know.
    confidential : str, optional
        What they should not learn.
    k : int
        Size below which a class is small.
    bins : int
        How exactly numbers are known.
    most_columns, most_sets : int
        How far the search goes.
    sampling_fraction : float, optional
        For what uniqueness here says of the population.
    level : float
        Confidence level of ``correct_match_rate``, the one figure that is estimated.

    Returns
    -------
    Evidence
        Of the quasi-identifiers: ``k_anonymity`` (Sweeney 2002), ``unique_share``, ``small_class_share``, ``l_diversity`` and
        ``entropy_l_diversity`` (Machanavajjhala et al. 2007), ``homogeneous_share``, ``t_closeness`` (Li et al. 2007) and, given a
        sampling fraction, ``correct_match_rate`` (Skinner and Elliot 2002). ``searched_unique_share`` of the set of each size
        that singles out most records. Counts below 10, and those that would give them away, are withheld.
    """
    split = "test" if subject.train is None else "train"
    data = subject.split(split)  # type: ignore[arg-type]
    columns = frames_of(data, beside=True)
    if not columns:
        raise NotApplicable(
            "there is no column to look at: the data set has neither inputs nor sensitive features"
        )
    secret = _secret(subject, data, columns, confidential, bins)
    known = {name: column for name, column in columns.items() if name != secret.name}
    chosen = _chosen(data, known, quasi_identifiers, secret.name)
    codes = column_codes(_binned(known, bins))
    searched = (
        search_quasi_identifiers(codes, most_columns=most_columns, top=_DRAWN, most_sets=most_sets)
        if codes
        else Search((), (), 0, 0)
    )
    notes = []
    if not chosen and searched.found:
        best = max(searched.found, key=lambda one: (one.unique, one.classes))
        chosen = list(best.columns)
        notes.append(
            "No sensitive feature is there to be known by: the set of columns that singles out most records stands in for it. Name what "
            "others may know, quasi_identifiers=[...]."
        )
    if not chosen:
        raise NotApplicable("nothing is left that others might know: name columns, quasi_identifiers=[...]")
    classes = _classes([codes[name] for name in chosen])
    measured = _Measured(" × ".join(chosen), len(data), classes, secret)
    found = [*measured.all(k), *_match_rate(measured, sampling_fraction, level), *_best(searched, len(data))]
    return Evidence(
        "AK208",
        tuple(found),
        {"classes": measured.table(k), **_search_table(searched, len(data))},
        says=_says(found, measured, k, searched),
        does_not_say=(
            "That somebody can be found: a record alone in these rows may have doubles among the people they were drawn from, and "
            "whoever looks must know these columns as they are recorded here. Nor that a record in a large class is safe."
        ),
        notes=(*notes, withheld.NOTE, *_notes(searched, bins, secret, k), *weights.ignored(data)),
        rows=common.rows_used(len(data), len(data), split),
    )


@dataclass(frozen=True, slots=True)
class _Secret:
    """The column nobody should learn: its name (or "the label"), its codes, and whether these have an order."""

    name: str
    codes: np.ndarray
    ordered: bool


@dataclass(frozen=True, slots=True)
class _Measured:
    """The records by the classes of one set of columns."""

    name: str
    n: int
    classes: np.ndarray
    secret: _Secret

    def all(self, k: int) -> Iterator[Measurement]:
        """Return what is counted of the classes and of the confidential column within them."""
        size = methods.k_anonymity(self.classes, threshold=k)
        rich = methods.l_diversity(self.classes, self.secret.codes)
        kind = "ordered" if self.secret.ordered else "categorical"
        near = methods.t_closeness(self.classes, self.secret.codes, kind=kind)  # type: ignore[arg-type]
        yield self._fact("k_anonymity", size.k)
        yield withheld.share("unique_share", size.unique, self.n, self.name)
        yield withheld.share("small_class_share", size.below, self.n, self.name)
        yield self._fact("l_diversity", rich.distinct)
        yield self._fact("entropy_l_diversity", round(rich.entropy, 2))
        yield withheld.share("homogeneous_share", rich.homogeneous, self.n, self.name)
        # exact to two places: a distance of many could be the share of a value that few records have
        yield self._fact("t_closeness", round(near.t, 2))

    def table(self, k: int) -> Table:
        """Return how many records are in classes of which size; small counts and their cover are withheld."""
        sizes = class_sizes(self.classes)
        edges = band_edges(k)
        counts = withheld.shown_counts(band_sums(sizes, sizes, edges))
        nothing = (float("nan"),) * len(edges)
        shares = tuple(counts / self.n)
        columns = {
            "label": band_words(edges),
            "value": shares,
            "low": nothing,
            "high": nothing,
            "n": (self.n,) * len(edges),
        }
        labels = {"label": "Records in the class", "value": "Share of the records", "n": "records in all"}
        summary = f"Share of the records by how many agree with them in {self.name}; undefined where the count is withheld."
        return Table(f"How many agree in {self.name}", columns, "estimates", labels, summary)

    def _fact(self, metric: str, value: float) -> Measurement:
        return Measurement(metric, value, self.n, group=self.name, reason=_FACT)


def _secret(subject: Subject, data: Dataset, columns: dict[str, Any], name: str | None, bins: int) -> _Secret:
    """Return the confidential column as codes; numbers of many values in quantile bins, which have an order."""
    import pandas as pd

    if name is not None and name not in columns:
        raise InputError(f"confidential={name!r} is no column.{did_you_mean(name, columns)}")
    column = pd.Series(data.y) if name is None else columns[name]
    many = max(bins, 10)
    if (name is None and subject.task == "regression") or common.is_number(column, many):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        codes = _in_bins(values, many)
        return _Secret(name or _LABEL, codes, ordered=not np.isnan(values).any())
    return _Secret(name or _LABEL, column_codes({"secret": column})["secret"], ordered=False)


def _chosen(data: Dataset, known: dict[str, Any], named: list[str] | None, secret: str) -> list[str]:
    """Return the columns others are taken to know: those named, else the sensitive features."""
    if named is None:
        return [name for name in data.sensitive_names if name in known]
    names = list(dict.fromkeys(named))
    if not names:
        raise InputError(f"quasi_identifiers names no column: choose from {', '.join(known)}")
    for name in names:
        if name == secret:
            raise InputError(
                f"{name!r} cannot be both known and confidential: leave it out of one of the two"
            )
        if name not in known:
            raise InputError(f"quasi_identifiers: {name!r} is no column.{did_you_mean(name, known)}")
    return names


def _binned(columns: dict[str, Any], bins: int) -> dict[str, Any]:
    """Return columns with numbers and dates of more values than `bins` in equally filled bins; all as they are for 0."""
    from pandas.api.types import is_datetime64_any_dtype

    found: dict[str, Any] = {}
    for i, (name, column) in enumerate(columns.items()):
        progress.step(0.0, f"column {i + 1} of {len(columns)}")
        numbers = column
        if bins and is_datetime64_any_dtype(column):
            numbers = (column - column.min()).dt.total_seconds()
        if bins >= 2 and common.is_number(numbers, bins) and not _names_records(column):
            found[name] = _in_bins(numbers.to_numpy(dtype=float, na_value=np.nan), bins)
        else:
            found[name] = column
    return found


def _names_records(column: Any) -> bool:
    """Return whether whole numbers are nearly all different: the number of a record, which bins would hide."""
    from pandas.api.types import is_integer_dtype

    return bool(
        is_integer_dtype(column) and len(column) >= _ENOUGH and column.nunique() >= _NAMES * len(column)
    )


def _in_bins(values: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each number; missing ones get a bin of their own, the last."""
    missing = np.isnan(values)
    if missing.all():
        return np.zeros(len(values), dtype=np.int64)
    edges = quantile_edges(values, bins)
    codes = np.searchsorted(np.asarray(edges), values, side="right")
    return np.where(missing, len(edges) + 1, codes)


def _classes(codes: list[np.ndarray]) -> np.ndarray:
    classes = codes[0]
    for other in codes[1:]:
        classes = combined(classes, other)
    return classes


def _match_rate(one: _Measured, fraction: float | None, level: float) -> Iterator[Measurement]:
    if fraction is None:
        return
    rate = correct_match_rate(one.classes, fraction, level=level)
    metric, group = "correct_match_rate", one.name
    if not rate.unique:
        yield Measurement(
            metric, float("nan"), 0, group=group, reason="no record of these rows is alone in its class"
        )
    elif rate.unique < withheld.FEWEST:
        why = f"fewer than {withheld.FEWEST} records are alone in their class: too few to say, and withheld"
        yield Measurement(metric, float("nan"), one.n, group=group, reason=why)
    else:
        ends = rate.low, rate.high
        yield common.measured(
            metric,
            round(rate.value, 2),
            one.n,
            (round(ends[0], 2), round(ends[1], 2)),
            level,
            "data intrusion simulation",
            group=group,
        )


def _best(searched: Search, n: int) -> Iterator[Measurement]:
    """Return of each size the set that singles out most records."""
    seen: set[int] = set()
    for one in searched.found:
        if len(one.columns) not in seen:
            seen.add(len(one.columns))
            yield withheld.share("searched_unique_share", one.unique, n, " × ".join(one.columns))


def _search_table(searched: Search, n: int) -> dict[str, Table]:
    if not searched.found:
        return {}
    order: list[QuasiIdentifier] = sorted(searched.found, key=lambda one: (-one.unique, len(one.columns)))
    shown = [withheld.Shown.of(one.unique, n) for one in order]
    columns: dict[str, tuple[Any, ...]] = {
        "columns": tuple(" × ".join(one.columns) for one in order),
        "size": tuple(len(one.columns) for one in order),
        "alone": tuple(s.words for s in shown),
        "share": tuple(s.count / n for s in shown),
    }
    labels = {
        "columns": "Columns",
        "size": "How many",
        "alone": "Records alone in their class",
        "share": "Share of the records",
    }
    summary = (
        f"The sets of up to {max(len(one.columns) for one in order)} columns that single out most records, of "
        f"{searched.examined:,} looked at."
    )
    return {"search": Table("Which columns tell most records apart", columns, labels=labels, summary=summary)}


def _says(found: list[Measurement], one: _Measured, k: int, searched: Search) -> str:
    by = {m.metric: m for m in found if m.group == one.name}
    small, smallest = withheld.told(by["small_class_share"]), int(by["k_anonymity"].value)
    said = (
        f"By {one.name}, classes of fewer than {k} hold {small}; the smallest class has "
        f"{smallest:,} record{'s' * (smallest > 1)}."
    )
    if not searched.found:
        return said
    best = max((m for m in found if m.metric == "searched_unique_share"), key=lambda m: m.value)
    if not best.value:
        return f"{said} No set of columns that was searched singles out a record."
    return f"{said} Of the sets searched, {best.group} tells most apart: {withheld.told(best)} stand alone."


def _notes(searched: Search, bins: int, secret: _Secret, k: int) -> Iterator[str]:
    exact = f"to one of {bins} equally filled bins" if bins >= 2 else "exactly"
    yield f"Numbers of many values are taken to be known {exact}. What must not be learnt is {secret.name}."
    if searched.reason:
        yield f"The search did not look at every set: {searched.reason}."
    if searched.identifiers:
        names = ", ".join(searched.identifiers)
        yield f"Nearly enough to name a record alone, if known exactly, and not put in larger sets: {names}."
    yield (
        f"k is the size of the smallest class, which is not named; classes of fewer than {k} are counted together. The search takes the sets "
        "that come out worst, so its figures are what somebody reaches who happens to know just those columns."
    )
