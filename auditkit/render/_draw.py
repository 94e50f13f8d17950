"""Drawing: what the figures share, colours, marks, axes, and labels that stay data."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

from auditkit.render.text import cut, finite, number, one_line, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_POINTS = 512
MAX_ROWS = 60
TOP_ROWS = 25  # where the largest values are what matters
MAX_SERIES = 8
RULE_LINES = 10  # of a label that joins conditions by "and"
_CONDITION = re.compile(r" (?:is|above|up to|missing)\b| ?[<>=≤≥]")
HOVER_WIDTH = 300

# middle tones: a contrast of 3:1 or more on white and on near-black alike
COLOURS = ("#2f7fc4", "#c4611c", "#2a8c69", "#b1508e", "#8f7012", "#7168cf", "#77808a", "#a8523f")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
MUTED = "#7d8691"
THEMES = {
    "light": {"ink": "#24292f", "grid": "rgba(110,119,129,0.22)"},
    "dark": {"ink": "#e6e9ee", "grid": "rgba(160,170,182,0.25)"},
}
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})


def label(value: object, width: int = HOVER_WIDTH) -> str:
    """Return text that plotly shows as it stands: no tag, entity or TeX of its own, at most `width` characters.

    Examples
    --------
    >>> label("<b>$x$</b>")
    '&lt;b&gt;&#36;x&#36;&lt;/b&gt;'
    """
    return cut(value, width).translate(_ENTITIES)


def labels(names: Sequence[object], width: int, lines: int = 3) -> list[str]:
    """Return names as labels of a few wrapped lines, a rule with a line for each condition; two different names never look alike.

    Examples
    --------
    >>> labels(["Amer-Indian-Eskimo · under 25"], 20)
    ['Amer-Indian-Eskimo ·<br>under 25']
    >>> labels(["a long name one", "a long name two"], 8, lines=1)
    ['a l… one', 'a l… two']
    >>> labels(["age above 30 and job is one of a, b"], 20)
    ['age above 30<br>and job is one of a,<br>b']
    """
    shown: list[str] = []
    for at, name in enumerate(names):
        text = "<br>".join(label(line) for line in _lines(one_line(name), width, lines))
        shown.append(f"{text} ({at + 1})" if text in shown else text)
    return shown


def _lines(text: str, width: int, lines: int) -> list[str]:
    """Return text in at most `lines` lines; what is longer loses its middle, for names differ at their ends."""
    found = textwrap.wrap(text, width, break_on_hyphens=False)
    if len(found) > 1 and lines > 2:
        rule = [
            line for part in _conditions(text) for line in textwrap.wrap(part, width, break_on_hyphens=False)
        ]
        if rule and len(rule) <= RULE_LINES:
            return rule
    if len(found) <= lines:
        return found
    keep = width * lines - 1
    cut_out = f"{text[: keep // 2]}…{text[keep // 2 - keep :]}"
    whole = textwrap.wrap(
        cut_out, width, break_on_hyphens=False
    )  # at spaces, where the lines suffice for that
    return (
        whole if len(whole) <= lines else [cut_out[at : at + width] for at in range(0, len(cut_out), width)]
    )


def _conditions(text: str) -> list[str]:
    """Return the conditions that a rule joins by "and"; nothing for what is no rule."""
    first, *others = text.split(" and ")
    parts = [first, *(f"and {other}" for other in others)]
    return parts if others and all(_CONDITION.search(part) for part in parts) else []


def said(table: Mapping[str, Any], column: str, otherwise: str | None = None) -> str:
    """Return the words for a column."""
    return one_line((table.get("labels") or {}).get(column) or otherwise or words(column))


def hover(*lines: str) -> str:
    """Return the text shown on hover; every line must have been through `label`."""
    return "<br>".join(line for line in lines if line)


def axis(title: str, *, width: int = 60, **own: Any) -> dict[str, Any]:
    """Return an axis that makes room for its labels; its title has lines of at most `width` characters."""
    shown = {"text": labels([title], width)[0], "standoff": 12, "font": {"size": 13}}
    return {"title": shown, "automargin": True, "zeroline": False, **own}


def legend(y: float) -> dict[str, Any]:
    """Return a legend in one line over the plot, at a height in parts of it."""
    return {"orientation": "h", "x": 0, "y": y, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"}


def layout(
    table: Mapping[str, Any],
    own: Mapping[str, Any],
    notes: Sequence[str],
    *,
    theme: str,
    title: bool,
    legend_lines: int = 1,
) -> dict[str, Any]:
    """Return a layout with readable type on a transparent ground; notes, if any, stand under the title, and over the lines of the legend."""
    colours = THEMES[theme]
    base: dict[str, Any] = {
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": colours["ink"]},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 12, "r": 24, "t": 24, "b": 12},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"size": 13}},
        "legend": legend(1.02),
        "height": 380,
        "autosize": True,
        "dragmode": False,
    }
    for key, value in own.items():
        base[key] = (
            {"gridcolor": colours["grid"], "linecolor": colours["grid"], **value} if "axis" in key else value
        )
    heading = _heading(str(table.get("title", "")), notes, title=title)
    if not heading and "legend" not in own:
        # held at the edge of the figure: at a height in parts of the plot it would stand within it on a page that was narrow first
        base["legend"] |= {"y": 1, "yref": "container", "yanchor": "top"}
    if heading:
        base["title"] = heading
        lines = (1.6 if title else 0) + len(notes)
        more = legend_lines if base.get("showlegend") else 0
        base["margin"] = {**base["margin"], "t": 34 + round(20 * lines) + (4 + 20 * more if more else 0)}
        base["height"] += round(20 * lines) + 20 * max(0, more - 1)
    return base


def _heading(title_text: str, notes: Sequence[str], *, title: bool) -> dict[str, Any] | None:
    if not title and not notes:
        return None
    heading: dict[str, Any] = {
        "text": label(title_text, 90) if title else "",
        "x": 0.02,
        "xref": "container",
        "xanchor": "left",
        "yref": "container",
    }
    heading |= {"y": 0.99, "yanchor": "top", "font": {"size": 15}, "automargin": False}
    if notes:
        heading["subtitle"] = {"text": "<br>".join(labels(notes, 90)), "font": {"size": 12}}
    return heading


def legend_lines(names: Sequence[str], width: int = 540) -> int:
    """Return the lines that a legend of these names takes: its columns are as wide as the longest name.

    Examples
    --------
    >>> legend_lines(["a", "b"]), legend_lines(["a long name of a group<br>of people", "b", "c", "d"])
    (1, 3)
    """
    parts = [name.split("<br>") for name in names]
    widest = max((len(part) for of in parts for part in of), default=1)
    columns = max(1, width // (52 + 7 * widest))
    return sum(max(map(len, parts[at : at + columns])) for at in range(0, len(parts), columns))


def series_of(columns: Mapping[str, Sequence[Any]], length: int) -> list[tuple[str, list[int]]]:
    """Return each series' name with its row numbers, in the order they came."""
    found: dict[str, list[int]] = {}
    for row in range(length):
        name = "" if "series" not in columns else one_line(columns["series"][row])
        found.setdefault(name, []).append(row)
    return list(found.items())


def capped(series: list[tuple[str, list[int]]]) -> tuple[list[tuple[str, list[int]]], list[str]]:
    """Return at most `MAX_SERIES` series and the note that says how many there were."""
    if len(series) <= MAX_SERIES:
        return series, []
    return series[:MAX_SERIES], [f"{MAX_SERIES} of {len(series)} series drawn; the table has all."]


def thinned(rows: list[int], most: int = MAX_POINTS) -> list[int]:
    """Return at most `most` row numbers, evenly spaced, the first and last among them."""
    if len(rows) <= most:
        return rows
    last = len(rows) - 1
    return [rows[round(i * last / (most - 1))] for i in range(most)]


def numbers(values: Sequence[Any]) -> list[float | None]:
    """Return finite floats; everything else is a gap."""
    return [finite(v) for v in values]


def style(place: int) -> tuple[str, str, str]:
    """Return the colour, symbol and dash of the series at this place."""
    return COLOURS[place % len(COLOURS)], SYMBOLS[place % len(SYMBOLS)], DASHES[place % len(DASHES)]


def faded(colour: str, alpha: float) -> str:
    """Return a hexadecimal colour with transparency."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def reference_words(table: Mapping[str, Any]) -> str:
    """Return what the value to compare with is, and the value."""
    what = one_line((table.get("labels") or {}).get("reference") or "reference")
    value = finite(table.get("reference"))
    return what if value is None else f"{what} {_short(value)}"


def reference_line(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shape and the words of an upright line to compare with, the words over the plot; or nothing."""
    value = finite(table.get("reference"))
    if value is None:
        return {}
    where = {"x": value, "xref": "x", "yref": "paper", "y": 1, "xanchor": "left", "yanchor": "bottom"}
    text = {"text": label(reference_words(table)), "showarrow": False, "font": {"size": 12}}
    line = {"color": MUTED, "width": 1.5, "dash": "dash"}
    ends = {"x0": value, "x1": value, "y0": 0, "y1": 1}
    shape = {"type": "line", "xref": "x", "yref": "paper", **ends, "line": line, "layer": "below"}
    return {"shapes": [shape], "annotations": [{**where, **text}]}


def _short(value: float) -> str:
    """Return a number as others are written, whole ones and tenths such as 0.8 without noughts that say nothing."""
    return f"{value:g}" if round(value, 1) == value else number(value)
