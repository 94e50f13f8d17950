"""Bracket: between which bounds a number lies that cannot be measured, as it changes along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render._lines import band, line
from auditkit.render.text import count, finite, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Numbers = list[float | None]


def bracket(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return traces, layout and notes of two bounds and what lies between them, nobody having settled it.

    Above the upper bound and below the lower one stands what the sample leaves open.
    """
    columns = table["columns"]
    x = draw.numbers(columns["x"])
    rows = draw.thinned(
        sorted((row for row, at in enumerate(x) if at is not None), key=lambda row: x[row] or 0.0)
    )
    at = [x[row] for row in rows]
    lower, upper, low, high = (
        draw.numbers([columns[name][row] for row in rows])
        for name in ("certified", "attacked", "low", "high")
    )
    floor = [
        0.0 if value is None else value for value in lower
    ]  # where nothing is certified, nothing is excluded
    traces = [
        *_shade(at, floor, upper, draw.faded(draw.MUTED, 0.22), "not settled"),
        *band(0, at, low, lower),
        *band(1, at, upper, high),
    ]
    for place, (name, values, words) in enumerate(
        (("certified", lower, "at least, certified"), ("attacked", upper, "at most, under attack"))
    ):
        if any(value is not None for value in values):
            own = line(place, draw.said(table, name, words), at, values, len(rows))
            traces.append({**own, "hovertext": [_hover(table, row) for row in rows]})
    own_layout = {
        "xaxis": draw.axis(draw.said(table, "x")),
        "yaxis": draw.axis(draw.said(table, "value", "share"), range=[-0.02, 1.02]),
        "showlegend": True,
        "height": 420,
        **draw.reference_line(table),
    }
    if "annotations" in own_layout:  # the words of the line stand between plot and legend
        own_layout["legend"] = draw.legend(1 + 22 / (own_layout["height"] - 110))
    notes = [] if len(rows) == len(x) else [f"{len(rows)} of {len(x):,} points drawn; the table has all."]
    return traces, own_layout, notes


def _shade(x: Numbers, low: Sequence[float], high: Numbers, colour: str, name: str) -> list[dict[str, Any]]:
    """Return one filled shape between two lines, in the legend under a name."""
    points = [
        (a, b, max(b, c)) for a, b, c in zip(x, low, high, strict=True) if a is not None and c is not None
    ]
    if len(points) < 2:
        return []
    shape = {
        "type": "scatter",
        "mode": "lines",
        "x": [p[0] for p in points] + [p[0] for p in reversed(points)],
        "y": [p[1] for p in points] + [p[2] for p in reversed(points)],
        "fill": "toself",
        "fillcolor": colour,
        "line": {"width": 0, "color": colour},
    }
    return [{**shape, "name": name, "hoverinfo": "skip", "showlegend": True}]


def _hover(table: Mapping[str, Any], row: int) -> str:
    columns = table["columns"]
    x, certified, attacked, low, high = (
        columns[name][row] for name in ("x", "certified", "attacked", "low", "high")
    )
    least = "nothing certified" if finite(certified) is None else f"at least {number(certified)}"
    most = "not attacked" if finite(attacked) is None else f"at most {number(attacked)}"
    return draw.hover(
        f"{draw.label(draw.said(table, 'x'), 90)}: {draw.label(x) if finite(x) is None else number(x)}",
        f"{least}, {most}",
        f"with the sample's uncertainty {number(low)} to {number(high)}",
        f"n = {count(columns['n'][row])}",
    )
