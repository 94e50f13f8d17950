"""Tables: rows as accessible HTML, numbers as readers expect them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render._templating import fill
from auditkit.render.text import ends, finite, number, one_line, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markupsafe import Markup

__all__ = ["table_html"]

MOST_ROWS = 200
_NUMBERS = {"value", "low", "high", "n", "fpr", "tpr"}


def table_html(table: Mapping[str, Any], *, most: int = MOST_ROWS) -> Markup:
    """Return a table as escaped HTML with a caption and scoped headers.

    Parameters
    ----------
    table : mapping
        What ``Table.to_dict()`` returned. ``value``, ``low`` and ``high`` share one column.
    most : int, default 200
        Rows shown; a line below says how many there are.

    Returns
    -------
    Markup

    Examples
    --------
    >>> "&lt;b&gt;" in table_html({"title": "<b>", "columns": {"a": [1]}})
    True
    """
    given = table.get("columns") or {}
    order = [name for name in table.get("order") or given if name in given]
    columns = {str(name): list(given[name]) for name in order}
    length = len(next(iter(columns.values()), []))
    labels = table.get("labels") or {}
    heads = list(_heads(columns, labels))
    return fill(
        "table.html.j2",
        title=one_line(table.get("title")),
        heads=[{"text": text, "numeric": numeric} for text, numeric, _ in heads],
        rows=[[cells[row] for _, _, cells in heads] for row in range(min(length, most))],
        note=f"{most:,} of {length:,} rows shown; report.json has all." if length > most else "",
    )


def _heads(columns: dict[str, list[Any]], labels: Mapping[str, str]) -> Iterator[tuple[str, bool, list[str]]]:
    """Yield each column's words, whether it is numeric, and its cells; the row's name comes first."""
    spanned = {"value", "low", "high"} <= columns.keys()
    first = [name for name in ("label", "x", "row") if name in columns]
    for name in [*first, *(name for name in columns if name not in first)]:
        if spanned and name in ("low", "high"):
            continue
        text = one_line(labels.get(name) or words(name))
        if spanned and name == "value":
            yield f"{text} [interval]", True, [_spanned(columns, row) for row in range(len(columns["value"]))]
        else:
            yield text, _numeric(name, columns[name]), [_cell(name, value) for value in columns[name]]


def _spanned(columns: Mapping[str, Sequence[Any]], row: int) -> str:
    value = number(columns["value"][row])
    return value if value == "undefined" else f"{value} {ends(columns['low'][row], columns['high'][row])}"


def _numeric(name: str, values: Sequence[Any]) -> bool:
    return not any(map(_is_word, values)) and (name in _NUMBERS or any(finite(v) is not None for v in values))


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value not in ("", "Infinity", "-Infinity")


def _cell(name: str, value: Any) -> str:
    if value in (None, ""):
        return "undefined" if value is None and name in _NUMBERS else ""
    return one_line(value) if _is_word(value) else number(value)
