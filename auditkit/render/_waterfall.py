"""Waterfall: from a base value to an output, one step a part."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render._beeswarm import nought
from auditkit.render.text import amount, finite, number

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PARTS = 24
UP, DOWN = "#d1512c", "#3f82d1"


def waterfall(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return traces, layout and notes of bars from the base (a row of role "base") down to the output, each beginning where the last ended.

    A column "probability" says that values are log odds, and the axis then says both. More parts than are drawn are one bar together.
    """
    names, values, roles = _rows(table)
    notes = []
    if sum(role == "part" for role in roles) > MAX_PARTS:
        names, values, roles, left = _together(names, values, roles)
        notes = [f"{left:,} small parts are one bar; the table has all."]
    place = [-at for at in range(len(names))]
    start, traces, texts, right = 0.0, _empty(), [], []
    chance = "probability" in table["columns"]
    for name, value, role, at in zip(names, values, roles, place, strict=True):
        whole = role != "part"
        low, size = (0.0, value) if whole else (start, value)
        start = value if whole else start + value
        said = number(value) if whole else f"{'+' if value > 0 else ''}{number(value)}"
        texts.append(f"{said}<br>{probable(value)}" if whole and chance else said)
        right.append(max(low, low + size))
        bars = traces[0 if whole else 1 if value > 0 else 2]
        bars["base"].append(low)
        bars["x"].append(size)
        bars["y"].append(at)
        so_far = f"probability so far: {probable(start)}" if chance else ""
        bars["hovertext"].append(draw.hover(draw.label(name), said, so_far))
    drawn = [bars for bars in traces if bars["x"]]
    ends = [0.0, *(v for bars in drawn for v in bars["base"]), *right]
    ends += [low + size for bars in drawn for low, size in zip(bars["base"], bars["x"], strict=True)]
    span = (max(ends) - min(ends)) or 1.0
    own = {
        "xaxis": draw.axis(
            draw.said(table, "value"),
            range=[min(ends) - 0.04 * span, max(ends) + 0.3 * span],
            **(_both(min(ends), max(ends)) if chance else {}),
        ),
        "yaxis": draw.axis(
            "",
            showgrid=False,
            tickvals=place,
            ticktext=draw.labels(names, 34),
            range=[-len(names) + 0.4, 0.6],
        ),
        "height": 110 + 34 * len(names) + (14 if chance else 0),
        "barmode": "overlay",
        "showlegend": True,
        "shapes": [nought()],
    }
    return [*drawn, _said(right, place, texts)], own, notes


def _empty() -> list[dict[str, Any]]:
    """Return the bars of where it starts and ends, of what raises and of what lowers; each is named, and parts have a sign besides."""
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "base": [],
            "x": [],
            "y": [],
            "width": 0.62,
            "marker": {"color": colour},
            "hoverinfo": "text",
            "hovertext": [],
        }
        for name, colour in (("start and end", draw.MUTED), ("+ raises it", UP), ("\u2212 lowers it", DOWN))
    ]


def _said(x: list[float], y: list[int], texts: list[str]) -> dict[str, Any]:
    """Return the numbers, right of their bars, where they never lie over the labels."""
    return {
        "type": "scatter",
        "mode": "text",
        "x": x,
        "y": y,
        "text": ["<br>".join(f"\u00a0{line}" for line in text.split("<br>")) for text in texts],
        "textposition": "middle right",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _both(low: float, high: float) -> dict[str, Any]:
    """Return ticks that say each log odds as a probability too."""
    rough = max(high - low, 1e-6) / 5
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(ten * size for size in (1, 2, 5, 10) if ten * size >= rough)
    ticks = [step * at for at in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return {"tickvals": ticks, "ticktext": [f"{amount(round(t, 9))}<br>{probable(t)}" for t in ticks]}


def probable(log_odds: float) -> str:
    """Return log odds as a probability in percent, with the digits that tell it from 0 and 1.

    Examples
    --------
    >>> probable(0.0), probable(-5.0), probable(12.0), probable(-800.0)
    ('50%', '0.7%', 'over 99.99%', 'under 0.01%')
    """
    p = 1 / (1 + math.exp(-min(max(log_odds, -700.0), 700.0)))
    near = 1 / (1 + math.exp(min(abs(log_odds), 700.0)))
    if near < 1e-4:
        return "under 0.01%" if log_odds < 0 else "over 99.99%"
    return f"{100 * p:.{0 if near >= 0.01 else 1 if near >= 0.001 else 2}f}%"


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
