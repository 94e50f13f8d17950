"""Matrix: a heat map whose cells carry their numbers in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render.text import count, finite, number, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_SIDE = 30
WORDS_UP_TO = 14
_ALIKE = 5  # cells from which on an n that all have is said once
# dark grounds carry white text and light grounds black; plotly picks by the cell
SEQUENTIAL = [[0, "#eef4fa"], [0.5, "#7fb0d8"], [1, "#12507f"]]
DIVERGING = [[0, "#a4491a"], [0.5, "#f3f1ee"], [1, "#12507f"]]


def matrix(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return trace, layout and notes of a heat map, rows downward in the order they came."""
    columns = table["columns"]
    rows, row_note = _sides(columns["row"], "rows")
    across, column_note = _sides(columns["column"], "columns")
    if set(across) == set(rows):
        across = rows  # of things with themselves: a blank diagonal runs from corner to corner
    cells = {
        (one_line(r), one_line(c)): i
        for i, (r, c) in enumerate(zip(columns["row"], columns["column"], strict=True))
    }
    values = [[_value(columns, cells.get((r, c))) for c in across] for r in rows]
    known = [v for line in values for v in line if v is not None]
    signed = any(v < 0 for v in known)
    reach = max((abs(v) for v in known), default=1.0) or 1.0
    alike, size_note = _common_size(columns, cells.values())
    trace = {
        "type": "heatmap",
        "z": values,
        "x": list(range(len(across))),
        "y": list(range(len(rows))),
        "zmin": -reach if signed else min([0.0, *known]),
        "zmax": reach,
        "colorscale": DIVERGING if signed else SEQUENTIAL,
        "text": [[_words(columns, cells.get((r, c)), sized=not alike) for c in across] for r in rows],
        "hoverinfo": "text",
        "hovertext": [[_hover(table, r, c, cells.get((r, c))) for c in across] for r in rows],
        "xgap": 2,
        "ygap": 2,
        "colorbar": {
            "title": {"text": draw.label(draw.said(table, "value"), 26)},
            "thickness": 12,
            "outlinewidth": 0,
        },
    }
    if len(across) <= WORDS_UP_TO:
        trace["texttemplate"] = "%{text}"
    own = {
        "xaxis": _side_axis(draw.said(table, "column"), across, side="bottom"),
        "yaxis": _side_axis(draw.said(table, "row"), rows, autorange="reversed"),
        "height": 150 + 46 * len(rows),
    }
    return [trace], own, [*row_note, *column_note, *size_note]


def _sides(values: Sequence[Any], what: str) -> tuple[list[str], list[str]]:
    names = list(dict.fromkeys(one_line(v) for v in values))
    if len(names) <= MAX_SIDE:
        return names, []
    return names[:MAX_SIDE], [f"{MAX_SIDE} of {len(names):,} {what} drawn; the table has all."]


def _side_axis(title: str, names: list[str], **own: Any) -> dict[str, Any]:
    ticks: dict[str, Any] = {"tickvals": list(range(len(names))), "ticktext": draw.labels(names, 24)}
    return draw.axis(title, showgrid=False, **ticks, **own)


def _value(columns: Mapping[str, Sequence[Any]], cell: int | None) -> float | None:
    return None if cell is None else finite(columns["value"][cell])


def _common_size(columns: Mapping[str, Sequence[Any]], cells: Iterable[int]) -> tuple[bool, list[str]]:
    """Return whether all cells rest on as many records, and the note that says so once."""
    sizes = {columns["n"][cell] for cell in cells}
    one = next(iter(sizes)) if len(sizes) == 1 else None
    if one is None or finite(one) is None or len(columns["n"]) < _ALIKE:
        return False, []
    return True, [f"n = {count(one)} in each cell."]


def _words(columns: Mapping[str, Sequence[Any]], cell: int | None, *, sized: bool) -> str:
    if cell is None:
        return ""
    n = columns["n"][cell]
    told = sized and finite(n) is not None
    return number(columns["value"][cell]) + (f"<br>n = {count(n)}" if told else "")


def _hover(table: Mapping[str, Any], row: str, column: str, cell: int | None) -> str:
    columns = table["columns"]
    value = (
        "no records" if cell is None else f"{number(columns['value'][cell])}, n = {count(columns['n'][cell])}"
    )
    return draw.hover(
        f"{draw.label(draw.said(table, 'row'), 60)}: {draw.label(row)}",
        f"{draw.label(draw.said(table, 'column'), 60)}: {draw.label(column)}",
        value,
    )
