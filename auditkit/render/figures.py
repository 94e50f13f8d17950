"""Figures: how each kind of table is drawn, as plotly's JSON and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from auditkit.errors import InputError
from auditkit.render._beeswarm import beeswarm
from auditkit.render._bracket import bracket
from auditkit.render._draw import MAX_POINTS, MAX_ROWS, MAX_SERIES, axis, label, layout, legend_lines
from auditkit.render._estimates import estimates
from auditkit.render._images import images
from auditkit.render._lines import curve, roc
from auditkit.render._matrix import matrix
from auditkit.render._waterfall import waterfall
from auditkit.render.text import finite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MAX_POINTS", "MAX_ROWS", "MAX_SERIES", "axis", "bare", "blank", "figure", "label"]

Drawing = tuple[list[dict[str, Any]], dict[str, Any], list[str]]
DRAWINGS: dict[str, Callable[[Mapping[str, Any]], Drawing]] = {
    "estimates": estimates,
    "curve": curve,
    "roc": roc,
    "matrix": matrix,
    "bracket": bracket,
    "images": images,
    "beeswarm": beeswarm,
    "waterfall": waterfall,
}


def figure(
    table: Mapping[str, Any], *, theme: Literal["light", "dark"] = "light", title: bool = True
) -> dict[str, Any] | None:
    """Return the figure of a table, or None where a table of numbers says it better, or no value is known.

    Parameters
    ----------
    table : mapping
        What ``Table.to_dict()`` returned. Its strings are data: whatever plotly would read as markup, TeX or a
        template is neutralised.
    theme : {"light", "dark"}, default "light"
        Colours of text and grid; marks have colours that read on both, and a shape or a dash besides.
    title : bool, default True
        Whether the figure carries the table's title itself.

    Returns
    -------
    dict or None
        ``{"data": [...], "layout": {...}}``, at most `MAX_ROWS` estimates and `MAX_POINTS` points a line; what was
        left out is said in the figure.

    Raises
    ------
    InputError
        For an unknown kind or theme.

    Examples
    --------
    >>> rows = {"label": ["a"], "value": [0.2], "low": [0.1], "high": [0.3], "n": [10]}
    >>> figure({"title": "Rates", "kind": "estimates", "columns": rows})["data"][0]["x"]
    [0.2]
    >>> figure({"title": "Notes", "kind": "plain", "columns": {}}) is None
    True
    """
    if theme not in ("light", "dark"):
        raise InputError(f"theme must be 'light' or 'dark'; got {theme!r}")
    found = _drawn(table)
    if found is None:
        return None
    traces, own, notes = found
    named = [str(t.get("name", "")) for t in traces if t.get("showlegend") is not False]
    look = layout(table, own, notes, theme=theme, title=title, legend_lines=legend_lines(named))
    return {"data": traces, "layout": look}


def bare(table: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]] | None:
    """Return the figure without words over it, and its notes, for a page that writes both itself."""
    found = _drawn(table)
    if found is None:
        return None
    traces, own, notes = found
    return {"data": traces, "layout": layout(table, own, [], theme="light", title=False)}, notes


def blank(table: Mapping[str, Any]) -> bool:
    """Whether a table that would be drawn from its values has none; one without that column is drawn from others."""
    values = (table.get("columns") or {}).get("value") or ()
    return table.get("kind") in DRAWINGS and len(values) > 0 and all(finite(v) is None for v in values)


def _drawn(table: Mapping[str, Any]) -> Drawing | None:
    kind = table.get("kind", "plain")
    columns = table.get("columns", {})
    if kind == "plain" or not any(columns.values()):
        return None
    if blank(table):
        return None
    if kind not in DRAWINGS:
        raise InputError(f"a table's kind must be one of {[*DRAWINGS, 'plain']}; got {kind!r}")
    return DRAWINGS[kind](table)
