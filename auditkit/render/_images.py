"""Images: small pictures side by side, in the order they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render.text import finite, number, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 24
MOST_SIDE = 64
ACROSS = 6  # two rows of before, after and difference stand side by side
SIDE = 170  # pixels of the page that a picture and its caption take
ALONE = 260  # where one row has no more than three
GREYS = [[0, "#ffffff"], [1, "#1d2126"]]
DIVERGING = [[0, "#a4491a"], [0.5, "#f3f1ee"], [1, "#12507f"]]


def images(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return traces, layout and notes of one heat map a panel; one with values below 0, or called a difference, is white where there is none.

    Pictures without a sign share one scale of grey, and differences one of two colours, which ends at the table's reference where it has one.
    """
    panels, notes = _panels(table["columns"])
    across = min(ACROSS, len(panels)) or 1
    down = -(-len(panels) // across) or 1
    signed = {
        name: name.endswith("difference") or any(v < 0 for v in cells.values()) for name, cells in panels
    }
    plain = [v for name, cells in panels if not signed[name] for v in cells.values()]
    found = max((abs(v) for name, cells in panels if signed[name] for v in cells.values()), default=0.0)
    most = max(finite(table.get("reference")) or 0.0, found) or 1.0
    traces: list[dict[str, Any]] = []
    own: dict[str, Any] = {}
    words: list[dict[str, Any]] = []
    for at, (name, cells) in enumerate(panels):
        if not cells:
            continue
        ends = (-most, most) if signed[name] else (min([0.0, *plain]), max(plain) or 1.0)
        suffix = "" if not traces else str(at + 1)
        left, top = (at % across) / across, 1 - (at // across) / down
        width, tall = 0.9 / across, 0.78 / down
        hidden = {"visible": False, "fixedrange": True}
        own[f"xaxis{suffix}"] = {
            **hidden,
            "domain": [left, left + width],
            "anchor": f"y{suffix}",
            "constrain": "domain",
        }
        own[f"yaxis{suffix}"] = {
            **hidden, "domain": [top - 0.16 / down - tall, top - 0.16 / down], "anchor": f"x{suffix}", "autorange": "reversed",
            "scaleanchor": f"x{suffix}", "constrain": "domain",
        }  # fmt: skip
        words.append({
            "text": "<br>".join(draw.labels([name], 22, 2)), "showarrow": False, "font": {"size": 12}, "xref": "paper", "yref": "paper",
            "x": left + width / 2, "xanchor": "center", "y": top - 0.15 / down, "yanchor": "bottom",
        })  # fmt: skip
        traces.append(_picture(name, cells, ends, suffix, DIVERGING if signed[name] else GREYS))
    return (
        traces,
        {
            **own,
            "annotations": words,
            "height": 30 + (ALONE if len(panels) <= 3 else SIDE * down),
            "showlegend": False,
        },
        notes,
    )


def _panels(columns: Mapping[str, Any]) -> tuple[list[tuple[str, dict[tuple[int, int], float]]], list[str]]:
    """Return each panel's pixels, and the note on those left out."""
    found: dict[str, dict[tuple[int, int], float]] = {}
    for panel, row, column, value in zip(
        *(columns[k] for k in ("panel", "row", "column", "value")), strict=True
    ):
        cells = found.setdefault(one_line(panel), {})
        place, shade = (finite(row), finite(column)), finite(value)
        if shade is not None and all(p is not None and 0 <= p < MOST_SIDE for p in place):
            cells[int(place[0] or 0), int(place[1] or 0)] = shade
    every = list(found.items())
    note = [f"{MOST} of {len(every)} pictures drawn; the table has all."] if len(every) > MOST else []
    return every[:MOST], note


def _picture(
    name: str,
    cells: dict[tuple[int, int], float],
    ends: tuple[float, float],
    suffix: str,
    colours: list[list[Any]],
) -> dict[str, Any]:
    rows, columns = (max(place[side] for place in cells) + 1 for side in (0, 1))
    pixels = [[cells.get((i, j)) for j in range(columns)] for i in range(rows)]
    caption = draw.label(name)
    return {
        "type": "heatmap",
        "z": pixels,
        "zmin": ends[0],
        "zmax": ends[1],
        "colorscale": colours,
        "showscale": False,
        "hoverinfo": "text",
        "hovertext": [
            [
                draw.hover(caption, f"row {i + 1}, column {j + 1}", "" if v is None else number(v))
                for j, v in enumerate(strip)
            ]
            for i, strip in enumerate(pixels)
        ],
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
    }
