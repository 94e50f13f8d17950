"""Lines: a curve with its band for every series, and the log-log ROC curve."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render.text import amount, count, ends, finite, number, one_line, spanned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SMALLEST_FLOOR = 1e-6
LARGEST_FLOOR = 1e-2


def curve(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return traces, layout and notes of value against x, one line and one band a series.

    Where x was measured too (columns ``x_low`` and ``x_high``) every point has thin bars both ways instead: bands would lie over it.
    """
    columns = table["columns"]
    series, notes = draw.capped(draw.series_of(columns, len(columns["x"])))
    at, ticks = _positions(columns["x"])
    compared = _compared(table, at)
    traces: list[dict[str, Any]] = []
    for place, (name, every) in enumerate(series):
        rows = draw.thinned(
            every
            if _in_words(columns["x"])
            else sorted(every, key=lambda row: (at[row] is None, at[row] or 0.0))
        )
        crossed = "x_low" in columns and "x_high" in columns
        if not crossed:
            traces += band(
                place, [at[r] for r in rows], _pick(columns["low"], rows), _pick(columns["high"], rows)
            )
        called = name or (draw.said(table, "value") if compared else "")
        drawn = line(
            place, called, [at[r] for r in rows], draw.numbers(_pick(columns["value"], rows)), len(rows)
        )
        bars = _bars(place, columns, rows) if crossed else {}
        traces.append({**drawn, **bars, "hovertext": [_curve_hover(table, name, row) for row in rows]})
        if len(rows) < len(every):
            notes.append(f"{len(rows)} of {len(every):,} points drawn; the table has all.")
    own = {
        "xaxis": draw.axis(draw.said(table, "x"), **ticks),
        "yaxis": draw.axis(draw.said(table, "value"), width=38),
        "showlegend": len(series) > 1 or bool(compared),
    }
    return compared + traces, own, notes[:2]


def _compared(table: Mapping[str, Any], at: list[float | None]) -> list[dict[str, Any]]:
    """Return the lines to compare with, named in the legend and not over the curves: where both axes are equal, and the reference."""
    words, columns = table.get("labels") or {}, table["columns"]
    found = []
    known = [v for v in at if v is not None]
    if words.get("diagonal"):
        every = [*known, *(v for v in draw.numbers(columns["value"]) if v is not None)]
        shares = all(0 <= v <= 1 for v in every)
        low, high = (0, 1) if shares else (min(every), max(every))
        found.append(_dashed([low, high], [low, high], draw.label(words["diagonal"], 60)))
    if (value := finite(table.get("reference"))) is not None and known:
        name = draw.label(draw.reference_words(table))
        found.append(_dashed([min(known), max(known)], [value, value], name))
    return found


def _in_words(values: Sequence[Any]) -> bool:
    return not all(v is None or finite(v) is not None for v in values)


def _positions(values: Sequence[Any]) -> tuple[list[float | None], dict[str, Any]]:
    """Return numbers to draw at, and ticks of words where x is not a number."""
    if not _in_words(values):
        return draw.numbers(values), _whole(draw.numbers(values))
    names = list(dict.fromkeys(one_line(v) for v in values))
    place = {name: float(i) for i, name in enumerate(names)}
    shown = draw.thinned(list(range(len(names))), 40)
    ticks = {"tickvals": shown, "ticktext": draw.labels([names[i] for i in shown], 24)}
    return [place[one_line(v)] for v in values], ticks


def _whole(values: list[float | None]) -> dict[str, Any]:
    """Return a tick at each value where these are a few whole numbers: nothing lies between two counts."""
    known = sorted({v for v in values if v is not None})
    apart = min((b - a for a, b in pairwise(known)), default=0.0)
    if not 2 <= len(known) <= 12 or not all(v.is_integer() for v in known):
        return {}
    if apart < (known[-1] - known[0]) / 16:
        return {}
    return {"tickvals": known, "ticktext": [amount(v) for v in known]}


def _pick(values: Sequence[Any], rows: list[int]) -> list[Any]:
    return [values[row] for row in rows]


def line(place: int, name: str, x: list[float | None], y: list[float | None], points: int) -> dict[str, Any]:
    """Return a line in the colour, mark and dash of its place, with marks where there are few points."""
    colour, symbol, dash = draw.style(place)
    return {
        "type": "scatter",
        "mode": "lines+markers" if points <= 40 else "lines",
        "name": draw.labels([name], 34)[0],
        "x": x,
        "y": y,
        "line": {"color": colour, "width": 2, "dash": dash},
        "marker": {"color": colour, "symbol": symbol, "size": 8},
        "connectgaps": False,
        "hoverinfo": "text",
    }


def band(place: int, x: list[float | None], low: Sequence[Any], high: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the interval as one filled shape for each unbroken run of bounded ends."""
    runs: list[list[tuple[float, float, float]]] = [[]]
    for at, bottom, top in zip(x, draw.numbers(low), draw.numbers(high), strict=True):
        if at is None or bottom is None or top is None:
            runs.append([])
        else:
            runs[-1].append((at, bottom, top))
    colour = draw.faded(draw.style(place)[0], 0.18)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [p[0] for p in run] + [p[0] for p in reversed(run)],
            "y": [p[1] for p in run] + [p[2] for p in reversed(run)],
            "fill": "toself",
            "fillcolor": colour,
            "line": {"width": 0, "color": colour},
            "hoverinfo": "skip",
            "showlegend": False,
        }
        for run in runs
        if len(run) > 1
    ]


def _bars(place: int, columns: Mapping[str, Any], rows: list[int]) -> dict[str, Any]:
    """Return the intervals of points as faded bars without caps; none where an end is not known."""
    made = {}
    for key, value, low, high in (
        ("error_x", "x", "x_low", "x_high"),
        ("error_y", "value", "low", "high"),
    ):
        middle, bottom, top = (draw.numbers(_pick(columns[name], rows)) for name in (value, low, high))
        made[key] = {
            "type": "data",
            "symmetric": False,
            "array": [_apart(m, t) for m, t in zip(middle, top, strict=True)],
            "arrayminus": [_apart(b, m) for m, b in zip(middle, bottom, strict=True)],
            "color": draw.faded(draw.style(place)[0], 0.35),
            "thickness": 1,
            "width": 0,
        }
    return made


def _apart(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else max(high - low, 0.0)


def _curve_hover(table: Mapping[str, Any], name: str, row: int) -> str:
    columns = table["columns"]
    cells = (columns[key][row] for key in ("value", "low", "high"))
    return draw.hover(
        draw.label(name),
        f"{draw.label(draw.said(table, 'x'), 90)}: {_said_x(columns, row)}",
        f"{draw.label(draw.said(table, 'value'), 90)}: {spanned(*cells)}",
        f"n = {count(columns['n'][row])}",
    )


def _said_x(columns: Mapping[str, Any], row: int) -> str:
    x = columns["x"][row]
    if finite(x) is None:
        return draw.label(x)
    if "x_low" in columns and "x_high" in columns:
        return spanned(x, columns["x_low"][row], columns["x_high"][row])
    return amount(x)


def roc(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return traces, layout and notes of a ROC curve on two logarithmic axes, where low error rates can be read."""
    columns = table["columns"]
    series, notes = draw.capped(draw.series_of(columns, len(columns["fpr"])))
    floor = _floor(columns["fpr"])
    traces: list[dict[str, Any]] = [_dashed([floor, 1], [floor, 1], "chance")]
    for place, (name, every) in enumerate(series):
        rows = _log_thinned(columns, every, floor)
        fpr = [_at_least(columns["fpr"][row], floor) for row in rows]
        if "low" in columns and "high" in columns:
            low, high = ([_at_least(columns[key][row], floor) for row in rows] for key in ("low", "high"))
            traces += band(place, *_stepped(fpr, low, high))
        points = 1 if len(rows) == 1 else MAX_LINES  # a point alone has a mark: no line would show it
        drawn = line(
            place, name or "attack", fpr, [_at_least(columns["tpr"][row], floor) for row in rows], points
        )
        drawn["line"]["shape"] = "hv"
        traces.append({**drawn, "hovertext": [_roc_hover(columns, name, row) for row in rows]})
    reach = [math.log10(floor), 0.02]
    own = {
        "xaxis": draw.axis(
            draw.said(table, "fpr", "false-positive rate"),
            type="log",
            range=reach,
            dtick=1,
            tickformat=".4~%",
        ),
        "yaxis": draw.axis(
            draw.said(table, "tpr", "true-positive rate"), type="log", range=reach, dtick=1, tickformat=".4~%"
        ),
        "showlegend": True,
        "height": 440,
    }
    return traces, own, notes


MAX_LINES = draw.MAX_POINTS


def _stepped(x: list[float | None], *ends_of: list[float | None]) -> list[list[float | None]]:
    """Return points that hold each value until the next x, as the line does."""
    across = [at for pair in zip(x, [*x[1:], None], strict=True) for at in pair][:-1]
    return [across, *([value for value in values for _ in range(2)][:-1] for values in ends_of)]


def _floor(rates: Sequence[Any]) -> float:
    """Return the power of ten the axes begin at: the smallest rate that was resolved."""
    known = [rate for rate in draw.numbers(rates) if rate is not None and rate > 0]
    smallest = min(known, default=LARGEST_FLOOR)
    return min(LARGEST_FLOOR, max(SMALLEST_FLOOR, 10.0 ** math.floor(math.log10(smallest))))


def _at_least(rate: Any, floor: float) -> float | None:
    value = finite(rate)
    return None if value is None else max(value, floor)


def _log_thinned(columns: Mapping[str, Sequence[Any]], rows: list[int], floor: float) -> list[int]:
    """Return rows spaced evenly along the logarithm of the false-positive rate, the best of each step."""
    known = [(f, t, row) for row in rows if (f := finite(columns["fpr"][row])) is not None
             and (t := finite(columns["tpr"][row])) is not None]  # fmt: skip
    known.sort()
    best: dict[int, int] = {}
    steps = draw.MAX_POINTS - 2
    for rate, _, row in known:
        best[round(steps * (1 - math.log10(max(rate, floor)) / math.log10(floor)))] = row
    return [best[step] for step in sorted(best)]


def _dashed(x: list[float], y: list[float], name: str) -> dict[str, Any]:
    """Return a line to compare with; no series, so it has no row and no place among them."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": draw.MUTED, "width": 1.5, "dash": "dash"},
        "hoverinfo": "skip",
    }


def _roc_hover(columns: Mapping[str, Sequence[Any]], name: str, row: int) -> str:
    span = (
        f" {ends(columns['low'][row], columns['high'][row])}"
        if "low" in columns and "high" in columns
        else ""
    )
    return draw.hover(
        draw.label(name),
        f"false-positive rate: {number(columns['fpr'][row])}",
        f"true-positive rate: {number(columns['tpr'][row])}{span}",
    )
