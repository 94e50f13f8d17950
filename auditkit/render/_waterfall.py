"""Waterfall: from a base value to an output, one step a part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render._beeswarm import nought
from auditkit.render.text import finite, number

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PARTS = 24
UP, DOWN = "#d1512c", "#3f82d1"


def waterfall(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return trace, layout and notes of bars from the base (a row of role "base") down to the output, each beginning where the last ended.

    More parts than are drawn are one bar together.
    """
    names, values, roles = _rows(table)
    notes = []
    if sum(role == "part" for role in roles) > MAX_PARTS:
        names, values, roles, left = _together(names, values, roles)
        notes = [f"{left:,} small parts are one bar; the table has all."]
    start, bars, texts, colours = 0.0, [], [], []
    for value, role in zip(values, roles, strict=True):
        whole = role != "part"
        bars.append((0.0, value) if whole else (start, value))
        texts.append(number(value) if whole else f"{'+' if value > 0 else ''}{number(value)}")
        colours.append(draw.MUTED if whole else UP if value > 0 else DOWN)
        start = value if whole else start + value
    place = [-at for at in range(len(names))]
    trace = {
        "type": "bar",
        "orientation": "h",
        "base": [low for low, _ in bars],
        "x": [size for _, size in bars],
        "y": place,
        "width": 0.62,
        "marker": {"color": colours},
        "text": texts,
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "text",
        "hovertext": [draw.hover(draw.label(name), text) for name, text in zip(names, texts, strict=True)],
    }
    ends = [0.0, *(low for low, _ in bars), *(low + size for low, size in bars)]
    room = 0.12 * ((max(ends) - min(ends)) or 1.0)
    own = {
        "xaxis": draw.axis(draw.said(table, "value"), range=[min(ends) - room, max(ends) + room]),
        "yaxis": draw.axis(
            "",
            showgrid=False,
            tickvals=place,
            ticktext=draw.labels(names, 34),
            range=[-len(names) + 0.4, 0.6],
        ),
        "height": 110 + 34 * len(names),
        "showlegend": False,
        "shapes": [nought()],
    }
    return [trace], own, notes


def _rows(table: Mapping[str, Any]) -> tuple[list[Any], list[float], list[str]]:
    columns = table["columns"]
    found = [
        (name, value, role if role in ("base", "output") else "part")
        for name, value, role in zip(
            columns["label"], map(finite, columns["value"]), columns["role"], strict=True
        )
        if value is not None
    ]
    return [f[0] for f in found], [f[1] for f in found], [f[2] for f in found]


def _together(
    names: list[Any], values: list[float], roles: list[str]
) -> tuple[list[Any], list[float], list[str], int]:
    """Return the largest parts and the rest of them as one, after the last of them."""
    parts = [at for at, role in enumerate(roles) if role == "part"]
    large = sorted(parts, key=lambda at: -abs(values[at]))[: MAX_PARTS - 1]
    left = [at for at in parts if at not in set(large)]
    kept = [at for at in range(len(names)) if at not in set(left)]
    last = max(large)
    rows: list[tuple[Any, float, str]] = []
    for at in kept:
        rows.append((names[at], values[at], roles[at]))
        if at == last:
            rows.append((f"{len(left):,} other parts", sum(values[i] for i in left), "part"))
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], len(left)
