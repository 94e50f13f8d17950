"""Beeswarm: a dot for every record, one line of them a label, coloured by how large the input's value was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render.text import finite, number, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_DOTS = 1500
MAX_LINES = 20
COLUMNS = 60  # in which dots of a line are piled up
HALF = 0.38  # of a line's height that its dots take at most, on each side
PILE = 9  # dots in a full pile; fewer stand as close together
# low to high, told apart in grey and by those who see no red: middle tones of 3:1 or more on white and on near-black
SHADES = [[0, "#3f82d1"], [0.5, "#8f6fa8"], [1, "#d1512c"]]


def beeswarm(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return traces, layout and notes: dots piled up where values are alike; words and other things without an order are grey crosses."""
    columns = table["columns"]
    value, strength = draw.numbers(columns["value"]), draw.numbers(columns["strength"])
    lines: dict[str, list[int]] = {}
    for row, name in enumerate(columns["label"]):
        if value[row] is not None:
            lines.setdefault(one_line(name), []).append(row)
    names = list(lines)[:MAX_LINES]
    notes = (
        [f"{MAX_LINES} of {len(lines):,} labels drawn; the table has all."] if len(lines) > MAX_LINES else []
    )
    each = MAX_DOTS // max(1, len(names))
    if any(len(lines[name]) > each for name in names):
        notes.append(f"At most {each:,} dots a line drawn, spread evenly; the table has all.")
    drawn = {
        name: draw.thinned(sorted(lines[name], key=lambda row: value[row] or 0.0), each) for name in names
    }
    known = [value[row] or 0.0 for rows in drawn.values() for row in rows]
    place = {
        row: -at + off for at, name in enumerate(names) for row, off in _piled(drawn[name], value, known)
    }
    with_order = [row for row in place if strength[row] is not None]
    without = [row for row in place if strength[row] is None]
    traces = []
    if with_order:
        marker = {
            "color": [min(1.0, max(0.0, strength[row] or 0.0)) for row in with_order],
            "colorscale": SHADES, "cmin": 0, "cmax": 1, "size": 6, "symbol": "circle",
            "colorbar": {"title": {"text": draw.label(draw.said(table, "strength", "value of the input"), 30)}, "thickness": 12,
                         "outlinewidth": 0, "tickvals": [0, 1], "ticktext": ["low", "high"]},
        }  # fmt: skip
        traces.append(_dots(table, with_order, value, place, marker))
    if without:
        traces.append(
            _dots(table, without, value, place, {"color": draw.MUTED, "size": 6, "symbol": "cross"})
        )
    ticks: dict[str, Any] = {
        "tickvals": [-at for at in range(len(names))],
        "ticktext": draw.labels(names, 30),
    }
    own = {
        "xaxis": draw.axis(draw.said(table, "value")),
        "yaxis": draw.axis("", showgrid=False, range=[-len(names) + 0.4, 0.6], **ticks),
        "height": 120 + 40 * len(names),
        "showlegend": False,
        "shapes": [nought()],
    }
    return traces, own, notes


def nought() -> dict[str, Any]:
    """Return the line at 0, below the marks."""
    ends = {"x0": 0, "x1": 0, "y0": 0, "y1": 1}
    line = {"color": draw.MUTED, "width": 1.2}
    return {"type": "line", "xref": "x", "yref": "paper", "layer": "below", "line": line, **ends}


def _piled(
    rows: Sequence[int], value: Sequence[float | None], known: Sequence[float]
) -> list[tuple[int, float]]:
    """Return how far from the middle of its line each dot stands: piled up about it where values are alike."""
    low, high = min(known), max(known)
    width = (high - low) / COLUMNS or 1.0
    piles: dict[int, list[int]] = {}
    for row in rows:
        piles.setdefault(int(((value[row] or 0.0) - low) / width), []).append(row)
    tallest = max((len(pile) for pile in piles.values()), default=1)
    apart = 2 * HALF / max(PILE, tallest)
    # 0, 1, -1, 2, -2, ... from the middle, in an order without a pattern
    return [
        (pile[i], apart * ((at + 1) // 2) * (1 if at % 2 else -1))
        for pile in piles.values()
        for at, i in enumerate(sorted(range(len(pile)), key=lambda i: (i * 7919) % 1009))
    ]


def _dots(
    table: Mapping[str, Any],
    rows: list[int],
    value: Sequence[float | None],
    place: Mapping[int, float],
    marker: dict[str, Any],
) -> dict[str, Any]:
    labels, strength = table["columns"]["label"], table["columns"]["strength"]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [value[row] for row in rows],
        "y": [place[row] for row in rows],
        "marker": marker,
        "hoverinfo": "text",
        "hovertext": [
            draw.hover(
                draw.label(labels[row]),
                f"{draw.label(draw.said(table, 'value'), 90)}: {number(value[row])}",
                _rank(strength[row]),
            )
            for row in rows
        ],
    }


def _rank(strength: Any) -> str:
    rank = finite(strength)
    return "" if rank is None else f"its value: above {round(100 * min(1.0, max(0.0, rank)))}% of the records"
