"""Pictures: attributions as a swarm of dots, along an input, and one record's from base to output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import statistics
from auditkit.checks.explainability._explanation import from_to, named
from auditkit.evidence import Table
from auditkit.frames import Codec
from auditkit.render.text import amount, number, share

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.checks.explainability._explanation import Explanation

__all__ = ["dependence", "one_output", "swarm", "waterfalls"]

DOTS = 1000
LINES = 15
_ALONG = 3  # leading inputs of which the dependence is drawn
_BANDS = 10
_FEWEST = 5  # records behind a point or a category
_STEPS = 10  # parts of a waterfall, the rest together


def one_output(found: Explanation, label: object = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """Return attributions (n, d), base and output (n,) about one output a row, and what that is in words.

    Of several classes it is the one the model holds most likely for the row; of two it is the `label`.
    """
    if found.values.ndim == 2:
        return (
            found.values,
            np.full(len(found.output), float(found.base)),
            found.output,
            named(found.unit, label),
        )
    at = found.output.argmax(axis=1)
    rows = np.arange(len(at))
    word = f"{found.unit} of the class the model chooses"
    return found.values[rows, :, at], np.asarray(found.base)[at], found.output[rows, at], word


def swarm(found: Explanation, X: pd.DataFrame, names: list[str], label: object = None) -> Table:
    """Return the attributions of the leading inputs, each with the rank of the input's value; nothing in it is of one record alone.

    The attributions of a linear model are the input's values in another unit, so a dot stands at the mean of at least 5 neighbours.

    Parameters
    ----------
    found : Explanation
        Of the rows `X`.
    X : DataFrame of shape (n, d)
        The rows.
    names : list of str
        Columns, the leading first.
    label : label, optional
        What a single output is about.
    """
    values, _, _, word = one_output(found, label)
    codec = Codec.of(X)
    codes, places = codec.encode(X), {str(c): j for j, c in enumerate(X.columns)}
    shown = names[:LINES]
    most = DOTS // max(1, len(shown))
    line: list[str] = []
    value: list[float] = []
    strength: list[float | None] = []
    for name in shown:
        j = places[name]
        order = np.argsort(values[:, j], kind="stable")
        place = _shared(values[:, j])
        if len(order) > most:
            order = order[np.linspace(0, len(order) - 1, most).round().astype(int)]
        rank = _ranks(codes[:, j]) if codec.kinds[j] != "categorical" else np.full(len(X), np.nan)
        line += [name] * len(order)
        value += [float(f"{v:.5g}") for v in place[order]]  # as fine as a dot is
        strength += [None if np.isnan(r) else round(float(r), 4) for r in rank[order]]
    each = (
        ""
        if len(X) <= most
        else f", {most:,} of {len(X):,} records a line, evenly from the least to the greatest"
    )
    return Table(
        "How the leading inputs push, record by record",
        {"label": tuple(line), "value": tuple(value), "strength": tuple(strength)},
        "beeswarm",
        {"value": f"{found.noun} ({word})", "strength": "value of the input"},
        f"One dot a record{each}, at the mean of {_FEWEST} neighbours or more so that none gives a record away: right of 0 the input raised the output, "
        "left of 0 it lowered it; the colour is the rank of the input's value among these records, grey where values have no order.",
    )  # fmt: skip


def dependence(
    found: Explanation, X: pd.DataFrame, names: list[str], level: float, label: object = None
) -> dict[str, Table]:
    """Return, for the leading inputs, the mean attribution along bands of the input's values, or by category.

    Points of fewer than 5 records are left out, so that none is one record's.
    """
    values, _, _, word = one_output(found, label)
    codec = Codec.of(X)
    codes = codec.encode(X)
    columns = [str(c) for c in X.columns]
    tables: dict[str, Table] = {}
    for name in names[:_ALONG]:
        j = columns.index(name)
        words = codec.kinds[j] == "categorical"
        groups = (
            _bands(codes[:, j])
            if not words
            else [codes[:, j] == code for code in range(len(codec.categories[j]))]
        )
        lines = []
        for at, group in enumerate(groups):
            n = int(group.sum())
            if n >= _FEWEST:
                low, high = statistics.mean_interval_of(values[group, j], level)
                where = str(codec.categories[j][at]) if words else float(codes[group, j].mean())
                lines.append((where, float(values[group, j].mean()), low, high, n))
        if len(lines) > 1:
            head = ("label" if words else "x", "value", "low", "high", "n")
            cells = {key: tuple(line[at] for line in lines) for at, key in enumerate(head)}
            tables[f"part by {name}"] = Table(
                f"What {name} adds to the output, by its value", cells, "estimates" if words else "curve",
                {"x": name, "value": f"mean {found.noun} ({word})", "n": "records", "reference": "adds nothing"}, _along(name, lines, words=words, whole=codec.kinds[j] == "integer"), reference=0.0,
            )  # fmt: skip
    return tables


def waterfalls(
    found: Explanation, X: pd.DataFrame, names: list[str], label: object = None, classes: Any = None
) -> dict[str, Table]:
    """Return each record's way from base to output; their values are shown. Log odds of one label are said as its probability too.

    Parameters
    ----------
    found : Explanation
        Of the rows `X`.
    X : DataFrame of shape (n, d)
        The records to show.
    names : list of str, length n
        What the records are called: pseudonyms, not their numbers.
    label : label, optional
        What a single output is about.
    classes : ndarray of labels, optional
        What several outputs are about; each record is shown the one the model holds most likely.
    """
    values, base, output, word = one_output(found, label)
    several = found.values.ndim == 3
    from scipy.special import expit

    odds = found.unit == "log odds" and not several
    whose = f" of {str(label)!r}" if label is not None else ""
    tables: dict[str, Table] = {}
    rows = "rows the trees were grown on" if found.along_paths else "background"
    for row, name in enumerate(names):
        leading = np.argsort(-np.abs(values[row]), kind="stable")
        leading, rest = leading[:_STEPS], leading[_STEPS:]
        parts = [
            (f"{X.columns[j]} = {_word(X.iloc[row, j])}", float(values[row, j]), "part") for j in leading
        ]
        if len(rest):
            parts.append((f"{len(rest)} other inputs", float(values[row, rest].sum()), "part"))
        ends = (
            ("base value (mean)", float(base[row]), "base"),
            ("output for this record", float(output[row]), "output"),
        )
        lines = [ends[0], *parts, ends[1]]
        cells = {key: tuple(line[i] for line in lines) for i, key in enumerate(("label", "value", "role"))}
        own, of = label, word
        if several and classes is not None:
            own = classes[int(found.output[row].argmax())]
            of = f"{named(found.unit, own)}, the class the model chooses"
        labels, said = {"value": of}, [number(base[row]), number(output[row])]
        if odds:
            so_far = np.array([base[row], *(base[row] + np.cumsum(cells["value"][1:-1])), output[row]])
            cells["probability"] = tuple(np.round(expit(so_far), 6).tolist())
            labels = {
                "value": f"{word}, with its probability",
                "probability": f"probability{whose} so far",
            }
            said = [
                f"{text} ({share(float(p))})" for text, p in zip(said, expit(so_far[[0, -1]]), strict=True)
            ]
        tables[f"record_{chr(ord('A') + row)}"] = Table(
            f"Record {name}: from the base value to the output",
            cells,
            "waterfall",
            labels,
            f"{from_to(said, rows, named(found.unit, own), about=own)}; the largest parts are "
            + ", ".join(f"{part} ({'+' if value > 0 else ''}{number(value)})" for part, value, _ in parts[:3])
            + ".",
        )
    return tables


def _along(name: str, lines: list[tuple[Any, ...]], *, words: bool, whole: bool) -> str:
    low, high = min(lines, key=lambda line: line[1]), max(lines, key=lambda line: line[1])
    at = [
        str(line[0]) if words else f"about {amount(round(line[0]) if whole else line[0])}"
        for line in (low, high)
    ]
    size = [f"{line[1]:+.2g}".replace("-", "−") for line in (low, high)]
    return f"The part owed to {name} is smallest at {at[0]} ({size[0]} on average) and largest at {at[1]} ({size[1]})."


def _bands(codes: np.ndarray) -> list[np.ndarray]:
    """Return the records of each band of values, of about equal size; few values are a band each."""
    known = codes[np.isfinite(codes)]
    if not len(known):
        return []
    values = np.unique(known)
    if len(values) <= _BANDS:
        return [codes == value for value in values]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BANDS + 1)[1:-1]))
    at = np.searchsorted(edges, codes, side="right")
    return [(at == band) & np.isfinite(codes) for band in range(len(edges) + 1)]


def _shared(values: np.ndarray) -> np.ndarray:
    """Return for each value the mean of its group: neighbours, equal ones together, of at least 5 records (microaggregation, Domingo-Ferrer & Mateo-Sanz 2002)."""
    fine = np.array([float(f"{v:.5g}") for v in values])
    _, same, counts = np.unique(fine, return_inverse=True, return_counts=True)
    group, size, at = np.zeros(len(counts), dtype=np.intp), 0, 0
    for i, count in enumerate(counts):
        if size >= _FEWEST:
            at, size = at + 1, 0
        group[i], size = at, size + int(count)
    if size < _FEWEST and at:  # what is left joins the last group
        group[group == at] = at - 1
    of = group[same]
    return np.asarray((np.bincount(of, values) / np.bincount(of))[of])


def _ranks(codes: np.ndarray) -> np.ndarray:
    """Return ranks from 0 to 1, ties in their middle; ``nan`` where there is no value."""
    from scipy.stats import rankdata

    known = np.isfinite(codes)
    ranks = np.full(len(codes), np.nan)
    if known.sum() > 1 and np.ptp(codes[known]) > 0:
        ranks[known] = (rankdata(codes[known]) - 1) / (known.sum() - 1)
    return ranks


def _word(value: Any) -> str:
    return amount(value) if isinstance(value, (float, np.floating)) else str(value)
