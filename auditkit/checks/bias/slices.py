"""Slices: which records, of up to three values in common, the model serves worst, confirmed on other records."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from scipy import stats
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _columns
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import slices
from auditkit.naming import NameOf
from auditkit.statistics.multiplicity import holm
from auditkit.statistics.weighted import effective_counts
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEWEST = 20
_WORST_SHARE = 0.1
_WORDS = {"errors": "Error rate", "selection": "Share not selected"}


@dataclass(frozen=True, slots=True)
class _Part:
    """One half of the records: columns as codes, whom the event befell, and weights where these are uneven."""

    codes: np.ndarray
    event: np.ndarray
    weights: np.ndarray | None

    def counts(self, rows: np.ndarray) -> tuple[float, float, int]:
        """Return successes and trials of some of the rows, as many as they are worth, and how many rows count."""
        event = self.event[rows]
        if self.weights is None:
            return float(event.sum()), float(len(event)), len(event)
        w = self.weights[rows]
        hits, n = effective_counts(w[event].sum(), w.sum(), (w[event] ** 2).sum(), (w**2).sum())
        return float(hits), float(n), int((w > 0).sum())


@dataclass(frozen=True, slots=True)
class _Confirmed:
    """Slices in the records that were held out; arrays of shape (slices,).

    Successes and trials are as many as the records are worth; `records` are those where the slices were found, those held out in them, and
    those held out beside them. `overall` is the rate of all records held out.
    """

    names: list[str]
    found_hits: np.ndarray
    found_n: np.ndarray
    hits: np.ndarray
    n: np.ndarray
    rest_hits: np.ndarray
    rest_n: np.ndarray
    p: np.ndarray
    level: float
    overall: float
    records: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def each(self) -> float:
        """Level of one interval, so that all hold together (Bonferroni)."""
        return 1 - (1 - self.level) / len(self.names)


@check(
    code="AK113",
    title="Worst slices",
    question="For which combination of values is the model wrong most often?",
    dimension="bias",
    metrics=["slice_rate", "worst_slice_difference"],
)
def worst_slice(
    subject: Subject,
    *,
    rng: np.random.Generator,
    target: Annotated[
        Literal["errors", "selection"],
        Doc("Look for the highest rate of errors, or for the lowest rate of selection."),
    ] = "errors",
    features: Annotated[
        list[str] | None,
        NameOf(what="column", of=lambda subject: _columns.frames_of(subject.test, beside=True)),
        Doc("Columns that form slices; inputs and sensitive features when left out."),
    ] = None,
    depth: Annotated[int, Ge(1), Le(3), Doc("Features that are combined, at most.")] = 3,
    bins: Annotated[int, Ge(2), Le(20), Doc("Bins of equal size that a number is cut into.")] = 4,
    smallest: Annotated[
        float, Gt(0), Le(0.5), Doc("Smallest slice, as a share of the records; at least 20 in the search.")
    ] = 0.01,
    slices_confirmed: Annotated[
        int, Ge(1), Le(50), Doc("Worst slices that are tested on the held-out half.")
    ] = 5,
    level: common.Level = 0.95,
) -> Evidence:
    """Search one half of the records for the slices that fare worst, and measure these on the other half.

    Parameters
    ----------
    subject : Subject
        Any task; predictions alone suffice, with sensitive features to form slices.
    rng : numpy.random.Generator
        Splits the records.
    target : {"errors", "selection"}
        What counts as faring badly. A regression's errors are the largest tenth of the absolute errors.
    features : list of str, optional
        Columns that form slices.
    depth : int
        Features combined, at most.
    bins : int
        Of a number; at its quantiles. A sensitive feature is in the bands of the other checks.
    smallest : float
        Share of the records a slice must have.
    slices_confirmed : int
        How many slices are tested on the other half.
    level : float
        Simultaneous confidence level of all slices tested.

    Returns
    -------
    Evidence
        ``slice_rate`` of each slice on the held-out half (Wilson, Bonferroni over the slices tested), and
        ``worst_slice_difference``: the largest of the held-out rates less the rate of the other records (Newcombe,
        Bonferroni; Fisher's one-sided test, Holm). The search is that of `auditkit.methods.slices.search`.
    """
    event, word = _event(subject, target)
    half = _half(len(event))
    fewest = max(_FEWEST, math.ceil(smallest * half))
    order = rng.permutation(len(event))
    there, here = np.sort(order[:half]), np.sort(order[half:])
    if subject.task == "regression":
        event = event > np.quantile(event[there], 1 - _WORST_SHARE)
    columns = _chosen(subject, features, bins, fewest)
    codes = np.column_stack([column.codes for column in columns]).astype(np.int32)
    found = slices.search(
        codes[there],
        event[there],
        depth=depth,
        smallest=fewest,
        most=slices_confirmed,
        usable=[len(c.labels) for c in columns],
    )
    whole = common.percent(float(np.average(event, weights=subject.test.sample_weight)))
    notes = (
        *_notes(subject, found, columns, fewest),
        f"{word} of all {len(event):,} test records, both halves together: {whole}.",
    )
    if not found.slices:
        return _nothing(subject, found, half, notes)
    names = [", ".join(columns[j].labels[code] for j, code in one.conditions) for one in found.slices]
    weights = subject.test.sample_weight if _weights.uneven(subject.test) else None
    halves = [_Part(codes[at], event[at], None if weights is None else weights[at]) for at in (there, here)]
    held = _confirm(names, found.slices, (halves[0], halves[1]), level)
    worst, adjusted = _worst(held), holm(held.p)
    confirmed = [name for name, p in zip(names, adjusted, strict=True) if p < 1 - level]
    return Evidence(
        "AK113",
        (*_rates(held, word), worst),
        {"slices": _both(held, word), "comparison": _details(held, adjusted, level, counted=weights is None)},
        says=_says(held, worst, found.searched, confirmed, word),
        does_not_say=(
            "That no other slice fares worse: only the features named were combined, numbers were cut at their "
            "quantiles, and small slices were left out. A slice is a place to look, not a cause."
        ),
        notes=notes,
        rows=common.rows_used(len(event), len(event)),
    )


def _half(n: int) -> int:
    if n // 2 < 2 * _FEWEST:
        raise NotApplicable(f"{n} records are too few to search one half and confirm on the other")
    return n // 2


def _event(subject: Subject, target: str) -> tuple[np.ndarray, str]:
    """Return what befell each record, and its rate in words; a regression's absolute error for its errors."""
    if target == "selection":
        return subject.answers().labels != common.positive_of(subject), _WORDS[target]
    if subject.task == "regression":
        error = np.abs(subject.answers().labels.astype(float) - subject.test.y)
        return error, "Share of the largest tenth of errors"
    return ~common.correct(subject), _WORDS[target]


def _chosen(
    subject: Subject, features: Sequence[str] | None, bins: int, fewest: int
) -> list[_columns.Column]:
    known = _columns.frames_of(subject.test, beside=True)
    names = list(known) if features is None else list(dict.fromkeys(features))
    for name in names:
        if name not in known:
            raise InputError(f"no column {name!r} to form slices.{did_you_mean(name, known)}")
    if subject.test.sensitive_features is not None:  # the groups that other checks compare
        known |= common.in_bands(subject.test.sensitive_names, subject.test.sensitive_features)[0]
    found = [_columns.coded(name, known[name], bins, fewest) for name in names]
    found = [column for column in found if column.labels]
    if not found:
        raise NotApplicable("no column has a value shared by enough records to form a slice")
    return found


def _confirm(
    names: list[str],
    found: Sequence[slices.Slice],
    parts: tuple[_Part, _Part],
    level: float,
) -> _Confirmed:
    """Measure the slices where they were found and in the records held out."""
    first, second = (
        np.array([part.counts(slices.members(part.codes, one.conditions)) for one in found]) for part in parts
    )
    held = parts[1]
    rest = np.array([held.counts(~slices.members(held.codes, one.conditions)) for one in found])
    hits, n, rest_hits, rest_n = *second.T[:2], *rest.T[:2]
    if held.weights is None:
        every, total = len(held.event), int(held.event.sum())
        p = stats.hypergeom.sf(hits - 1, every, total, n)
    else:  # Fisher's test counts records
        z = statistics.two_proportion_z(hits, n, rest_hits, rest_n)
        p = np.where(np.isfinite(z.statistic), stats.norm.sf(z.statistic), 1.0)
    overall = float(np.average(held.event, weights=held.weights))
    return _Confirmed(
        names, first[:, 0], first[:, 1], hits, n, rest_hits, rest_n, np.clip(p, 0, 1), level, overall,
        (first[:, 2].astype(int), second[:, 2].astype(int), rest[:, 2].astype(int)),
    )  # fmt: skip


def _shares(hits: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return hits of n, ``nan`` where records have no weight."""
    return np.where(n > 0, hits / np.maximum(n, 1e-300), np.nan)


def _rates(held: _Confirmed, word: str) -> list[Measurement]:
    """Return the held-out rate of each slice."""
    low, high = statistics.wilson(held.hits, held.n, held.each)
    method = f"wilson, Bonferroni over {len(held.names)} slices"
    rates, was = [], _shares(held.found_hits, held.found_n)
    for i, name in enumerate(held.names):
        then = f"{held.records[0][i]:,} where it was found"
        then = f"{common.percent(was[i])} of {then}" if held.found_n[i] > 0 else f"no weight of {then}"
        if held.n[i] == 0:
            reason = f"no record of the held-out half is in this slice; {then}"
            rates.append(Measurement("slice_rate", math.nan, 0, group=name, reason=reason))
            continue
        ends, rate = (low[i], high[i]), held.hits[i] / held.n[i]
        rates.append(
            common.measured(
                "slice_rate", rate, held.records[1][i], ends, held.level, method, group=name, reason=f"{word.lower()}; {then}"
            )
        )  # fmt: skip
    return rates


def _worst(held: _Confirmed) -> Measurement:
    """Return the largest difference of a slice from all other records, with ends that hold for the largest."""
    low, high = statistics.newcombe(held.hits, held.n, held.rest_hits, held.rest_n, held.each)
    gaps = held.hits / np.maximum(held.n, 1e-300) - held.rest_hits / np.maximum(held.rest_n, 1e-300)
    known = (held.n > 0) & (held.rest_n > 0)
    if not known.any():
        reason = "no held-out record is in a slice that was found"
        return Measurement("worst_slice_difference", math.nan, 0, reason=reason)
    top = int(np.argmax(np.where(known, gaps, -np.inf)))
    ends = low[known].max(), high[known].max()
    return common.measured(
        "worst_slice_difference", gaps[top], int(held.records[1][top] + held.records[2][top]), ends, held.level,
        f"newcombe, Bonferroni over {len(held.names)} slices", p_value=float(holm(held.p).min()),
        reason=f"{held.names[top]}, against all other records of the held-out half",
    )  # fmt: skip


def _both(held: _Confirmed, word: str) -> Table:
    """Return both estimates of each slice, so that the fall from the first to the second is seen."""
    series = {
        "where it was found": (held.found_hits, held.found_n, held.records[0]),
        "held-out half": (held.hits, held.n, held.records[1]),
    }
    columns: dict[str, list[Any]] = {key: [] for key in ("label", "value", "low", "high", "n", "series")}
    for words, (hits, n, records) in series.items():
        low, high = statistics.wilson(hits, n, held.each)
        parts: list[Any] = [held.names, _shares(hits, n), low, high, records, [words] * len(n)]
        for key, values in zip(columns, parts, strict=True):
            columns[key] += list(values)
    then, now = (
        float(_shares(hits.sum(), n.sum()))
        for hits, n in ((held.found_hits, held.found_n), (held.hits, held.n))
    )
    k = len(held.names)
    summary = (
        f"{word} of {f'the {k} slices on average' if k > 1 else 'the one slice'}: {common.percent(then)} where {'they were' if k > 1 else 'it was'} "
        f"found, {common.percent(now)} in the held-out half; {common.percent(held.overall)} of all records of that half."
    )
    return Table(
        f"{word} of the worst slices, found and held out",
        {key: tuple(values) for key, values in columns.items()},
        "estimates",
        {"value": word, "n": "records", "reference": "all records of the held-out half"},
        summary,
        reference=held.overall,
    )


def _details(held: _Confirmed, adjusted: np.ndarray, level: float, *, counted: bool) -> Table:
    rest = _shares(held.rest_hits, held.rest_n)
    test = f"p ({'Fisher' if counted else 'z of effective sizes'}, one-sided)"
    words = ["yes" if p < 1 - level else "no" for p in adjusted]
    columns: dict[str, Any] = {
        "slice": held.names,
        "records": held.records[1],
        "held-out rate": _shares(held.hits, held.n),
        "rate where found": _shares(held.found_hits, held.found_n),
        "rate of other records": rest,
        test: held.p,
        "p (Holm)": adjusted,
        "confirmed": words,
    }
    k, yes = len(held.names), words.count("yes")
    summary = f"{yes} of {k} slice{'s' if k > 1 else ''} {'is' if yes == 1 else 'are'} confirmed."
    return Table(
        "Slices tested on the held-out half", {k: tuple(v) for k, v in columns.items()}, summary=summary
    )


def _says(held: _Confirmed, worst: Measurement, searched: int, confirmed: list[str], word: str) -> str:
    if worst.interval is None:
        return f"Of {searched:,} slices searched none could be measured on the held-out half."
    k, rate = len(held.names), f"{word[0].lower()}{word[1:]}"
    if not confirmed:
        tested, which = (
            ("the worst one was", "there") if k == 1 else (f"the {k} worst were", "in none of them")
        )
        none = "is the" if k > 1 else "the"
        said = (
            f"{which} {none} {rate} {'' if k > 1 else 'is not '}above that of the other records beyond chance"
        )
        return f"Of {searched:,} slice{'s' if searched != 1 else ''} searched, {tested} tested on the held-out half; {said}."
    at = held.names.index(confirmed[0])
    many = (
        "the worst one is"
        if k == 1
        else f"{len(confirmed)} of the {k} worst {'is' if len(confirmed) == 1 else 'are'}"
    )
    return (
        f"Of {searched:,} slice{'s' if searched != 1 else ''} searched, {many} confirmed on the held-out half; "
        f"{confirmed[0]}: {rate} {common.percent(held.hits[at] / held.n[at])} of {held.records[1][at]:,} records, "
        f"other records {common.percent(held.rest_hits[at] / held.rest_n[at])}."
    )


def _notes(
    subject: Subject, found: slices.Search, columns: list[_columns.Column], fewest: int
) -> tuple[str, ...]:
    names = ", ".join(column.name for column in columns[:30]) + (", ..." if len(columns) > 30 else "")
    notes = [f"Columns that form slices: {names}.", f"A slice has at least {fewest:,} records in the search."]
    if found.left_out:
        notes.append(f"{found.left_out:,} sets of features were not combined: there are too many.")
    if _weights.uneven(subject.test):
        notes.append("The search counts records; the rates of the slices found are weighted.")
        notes += _weights.note(subject.test)
    return tuple(notes)


def _nothing(subject: Subject, found: slices.Search, half: int, notes: tuple[str, ...]) -> Evidence:
    reason = f"no slice of enough records fares worse than all records, of {found.searched:,} searched"
    return Evidence(
        "AK113",
        (Measurement("worst_slice_difference", math.nan, half, reason=reason),),
        {},
        says=f"{reason[0].upper()}{reason[1:]}.",
        does_not_say="That no slice fares worse: only slices of the features named and of enough records were searched.",
        notes=notes,
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )
