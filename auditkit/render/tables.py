"""Tables: rows as accessible HTML, numbers as readers expect them."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from auditkit.render._templating import fill
from auditkit.render.text import cut, finite, number, one_line, p_value, spanned, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markupsafe import Markup

__all__ = ["table_html"]

MOST_ROWS, MOST_COLUMNS = 200, 40
LONGEST = 200  # characters of a cell
_P = re.compile(r"(?:^|_)p(?:$|_value$| \()")  # "p", "fisher_p", "p_value", "p (Fisher, one-sided)"
_NUMBERS = {"value", "low", "high", "n", "fpr", "tpr"}


def table_html(table: Mapping[str, Any], *, most: int = MOST_ROWS) -> Markup:
    """Return a table as escaped HTML with a caption and scoped headers.

    Parameters
    ----------
    table : mapping
        What ``Table.to_dict()`` returned. ``value``, ``low`` and ``high`` share one column.
    most : int, default 200
        Rows shown. Of columns the first 40 are, and of a cell 200 characters; a line below says what is missing.

    Returns
    -------
    Markup

    Examples
    --------
    >>> "&lt;b&gt;" in table_html({"title": "<b>", "columns": {"a": [1]}})
    True
    """
    given = {"images": _pictures, "beeswarm": _swarms}.get(str(table.get("kind")), _as_it_is)(table)
    order = [name for name in table.get("order") or given if name in given] or list(given)
    columns = {str(name): list(given[name]) for name in order}
    length = len(next(iter(columns.values()), []))
    labels = table.get("labels") or {}
    every = list(_heads(columns, labels, most))
    heads = every[:MOST_COLUMNS]
    rows = [[cells[row] for _, _, cells in heads] for row in range(min(length, most))]
    missing = [f"{most:,} of {length:,} rows"] if length > most else []
    missing += [f"{MOST_COLUMNS} of {len(every):,} columns"] if len(every) > MOST_COLUMNS else []
    missing += (
        [f"{LONGEST} characters of a cell"] if any(len(one) > LONGEST for row in rows for one in row) else []
    )
    return fill(
        "table.html.j2",
        title=one_line(table.get("title")),
        heads=[{"text": cut(text, LONGEST), "numeric": numeric} for text, numeric, _ in heads],
        rows=[[cut(one, LONGEST) for one in row] for row in rows],
        note=f"{', '.join(missing)} shown; report.json has all." if missing else "",
    )


def _as_it_is(table: Mapping[str, Any]) -> Mapping[str, list[Any]]:
    return table.get("columns") or {}


def _swarms(table: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return a row a label, with where its dots lie; each dot is for the eye, and for the record."""
    found: dict[str, list[float]] = {}
    columns = table["columns"]
    for label, value in zip(columns["label"], columns["value"], strict=True):
        known = finite(value)
        found.setdefault(one_line(label), []).extend([] if known is None else [known])
    middle = [sorted(values)[len(values) // 2] if values else None for values in found.values()]
    return {
        "label": list(found),
        "dots": [len(values) for values in found.values()],
        "least": [min(values, default=None) for values in found.values()],
        "middle": middle,
        "greatest": [max(values, default=None) for values in found.values()],
    }


def _pictures(table: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return a row a picture; its pixels are for the eye, and for the record."""
    found: dict[str, list[float]] = {}
    columns = table["columns"]
    for panel, value in zip(columns["panel"], columns["value"], strict=True):
        shade = finite(value)
        found.setdefault(one_line(panel), []).extend([] if shade is None else [shade])
    return {
        "picture": list(found),
        "pixels": [len(shades) for shades in found.values()],
        "least": [min(shades, default=None) for shades in found.values()],
        "greatest": [max(shades, default=None) for shades in found.values()],
    }


def _heads(
    columns: dict[str, list[Any]], labels: Mapping[str, str], most: int
) -> Iterator[tuple[str, bool, list[str]]]:
    """Yield each column's words, whether it is numeric, and its first cells; the row's name comes first."""
    together = {"value", "low", "high"} <= columns.keys()
    first = [name for name in ("label", "x", "row") if name in columns]
    for name in [*first, *(name for name in columns if name not in first)]:
        if together and name in ("low", "high"):
            continue
        text = one_line(labels.get(name) or words(name))
        if together and name == "value":
            yield f"{text} [interval]", True, [spanned(*cells) for cells in islice(_rows(columns), most)]
        else:
            yield text, _numeric(name, columns[name]), [_cell(name, value) for value in columns[name][:most]]


def _rows(columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    return zip(*(columns[name] for name in ("value", "low", "high")), strict=True)


def _numeric(name: str, values: Sequence[Any]) -> bool:
    return not any(map(_is_word, values)) and (name in _NUMBERS or any(finite(v) is not None for v in values))


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value not in ("", "Infinity", "-Infinity")


def _cell(name: str, value: Any) -> str:
    if value in (None, ""):
        return "undefined" if value is None and name in _NUMBERS else ""
    if _is_word(value):
        return one_line(value)
    return p_value(value).removeprefix("= ") if _P.search(name) and value == 0 else number(value)
