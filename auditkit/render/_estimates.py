"""Estimates: a dot with its interval for every label."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render.text import count, finite, one_line, spanned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 34  # of a label's line, in characters
_ALIKE = 4  # labels from which on a size that all share is said once
_ORDERED = re.compile(r"^(?:[^=]{0,60}=)?\s*(?:under )?[\[(<>≤≥=]*\s*-?\d")


def estimates(table: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    """Return traces, layout and notes of a dot plot, largest value on top, ordered labels in their own order.

    So are those of a table that says under "order" which it is.

    Where the table has words for its largest values, no more than these are drawn.
    """
    columns, top = table["columns"], (table.get("labels") or {}).get("largest")
    series, notes = draw.capped(draw.series_of(columns, len(columns["label"])))
    names = _order(columns, series, by_value=bool(top), given="order" in (table.get("labels") or {}))
    if top and len(names) > draw.TOP_ROWS:
        notes.append(f"The {draw.TOP_ROWS} {one_line(top)} of {len(names):,}; the table has all.")
        names = names[: draw.TOP_ROWS]
    elif len(names) > draw.MAX_ROWS:
        notes.append(
            f"{draw.MAX_ROWS} of {len(names):,} labels drawn, the ends of the order; the table has all."
        )
        names = names[: draw.MAX_ROWS // 2] + names[-draw.MAX_ROWS // 2 :]
    place = {name: -i for i, name in enumerate(names)}
    traces = [_trace(table, name, rows, place, at=i, of=len(series)) for i, (name, rows) in enumerate(series)]
    for trace, words in zip(traces, draw.labels([name for name, _ in series], 40, 2), strict=True):
        trace["name"] = words
    notes += _open_ends(columns, series)
    sizes = _sizes(columns, names)
    common, said = _common_size(sizes)
    notes += said
    own = {
        "xaxis": draw.axis(draw.said(table, "value")),
        "yaxis": (labelled := _label_axis(columns, place, {k: n for k, n in sizes.items() if n != common})),
        "height": 110 + max(26, 14 * len(series) + 12, _tallest(labelled)) * len(names),
        "showlegend": len(series) > 1,
        **draw.reference_line(table),
    }
    if len(series) > 1 and "annotations" in own:  # the words of the line stand between plot and legend
        own["legend"] = draw.legend(1 + 22 / (own["height"] - 110))
    return traces, own, notes


def _order(
    columns: Mapping[str, Sequence[Any]], series: list[tuple[str, list[int]]], *, by_value: bool, given: bool
) -> list[str]:
    """Return the labels in the order to draw them: values of several features feature by feature, bands as given (all, where it is asked for), others by value, undefined last."""
    values: dict[str, float | None] = {}
    for _, rows in series:
        for row in rows:
            values.setdefault(one_line(columns["label"][row]), finite(columns["value"][row]))
    if given:
        return list(values)
    if by_value:
        return _by_value(values)
    feature = {name: name.partition("=")[0] if "=" in name else "" for name in values}
    alone = len(set(feature.values())) == len(values)
    if (
        alone or "" in feature.values() or any(", " in name for name in values)
    ):  # intersections, or no features
        return _in_order(values)
    found: dict[str, dict[str, float | None]] = {}
    for name, value in values.items():
        found.setdefault(feature[name], {})[name] = value
    return [name for of in found.values() for name in _in_order(of)]


def _in_order(values: Mapping[str, float | None]) -> list[str]:
    """Return bands as given, and what has no order by value."""
    known = [name for name in values if not name.endswith("missing")]
    return list(values) if all(_ORDERED.match(name) for name in known) else _by_value(values)


def _by_value(values: Mapping[str, float | None]) -> list[str]:
    return sorted(values, key=lambda name: (values[name] is None, -(values[name] or 0.0)))


def _open_ends(columns: Mapping[str, Sequence[Any]], series: list[tuple[str, list[int]]]) -> list[str]:
    """Return the note on intervals that have an estimate but lack a bound on a side."""
    rows = [row for _, every in series for row in every if finite(columns["value"][row]) is not None]
    bounds = [[finite(columns[key][row]) is None for key in ("low", "high")] for row in rows]
    unbounded = sum(any(of) and not all(of) for of in bounds)  # without both it is a value alone, as drawn
    if not unbounded:
        return []
    return [f"Intervals without a bound on a side, whisker left out there: {unbounded:,}."]


def _sizes(columns: Mapping[str, Sequence[Any]], names: list[str]) -> dict[str, Any]:
    """Return the n of each label drawn; None where its rows have several or none is known."""
    sizes: dict[str, set[Any]] = {name: set() for name in names}
    for name, n in zip(columns["label"], columns["n"], strict=True):
        if one_line(name) in sizes:
            sizes[one_line(name)].add(n)
    alone = {name: next(iter(of)) if len(of) == 1 else None for name, of in sizes.items()}
    return {name: None if finite(n) is None else n for name, n in alone.items()}


def _common_size(sizes: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Return the n that nearly all of many labels have, and the note that says it once; None where each label says its own."""
    known = list(sizes.values())
    one = max(known, key=known.count, default=None)
    if one is None or None in known or len(known) < _ALIKE or known.count(one) < 0.75 * len(known):
        return None, []
    where = "in each row" if known.count(one) == len(known) else "where a row says no other"
    return one, [f"n = {count(one)} {where}."]


def _label_axis(
    columns: Mapping[str, Sequence[Any]], place: Mapping[str, int], sizes: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an axis of positions, so that no label is ever read as a number or a date; n stands by labels that have one in `sizes`."""
    values = zip(columns["label"], columns["value"], strict=True)
    known, names = {one_line(name) for name, value in values if finite(value) is not None}, list(place)
    shown, of_what = _shortened(names)
    ticks = []
    for name, words in zip(names, draw.labels(shown, WIDTH), strict=True):
        n = sizes.get(name)
        said = ["" if n is None else f"n = {count(n)}", "" if name in known else "undefined"]
        told = ", ".join(filter(None, said))
        ticks.append(
            f"{words}{'<br>' if len(words) + len(told) > WIDTH else '  '}({told})" if told else words
        )
    where: dict[str, Any] = {
        "tickvals": [*place.values()],
        "ticktext": ticks,
        "range": [-len(names) + 0.4, 0.6],
    }
    return draw.axis(of_what, showgrid=False, **where)


def _tallest(labelled: Mapping[str, Any]) -> int:
    texts: list[str] = labelled["ticktext"]
    return 17 * max(text.count("<br>") + 1 for text in texts) + 6


def _shortened(names: list[str]) -> tuple[list[str], str]:
    """Return the values of intersections alone, and the features they are of; other labels as they are.

    Examples
    --------
    >>> _shortened(["sex=F, race=A", "sex=M, race=A"])
    (['F · A', 'M · A'], 'sex · race')
    """
    least = min(names, key=lambda name: name.count("="))
    features = [part.partition("=")[0] for part in least.split(", ") if "=" in part]
    found = [_values(name, features) for name in names] if len(features) > 1 else []
    short = [" · ".join(values) for values in found if values]
    if len(set(short)) < len(names):
        return names, ""
    return short, " · ".join(features)


def _values(name: str, features: list[str]) -> list[str]:
    """Return the value of each feature in "sex=F, race=A", or nothing if the name is not of this form."""
    values, rest = [], name
    for feature, after in zip(features, [*features[1:], None], strict=True):
        if not rest.startswith(f"{feature}="):
            return []
        value, found, rest = rest[len(feature) + 1 :].partition("\n" if after is None else f", {after}=")
        rest = f"{after}={rest}" if found else ""
        values.append(value)
    return values


def _trace(
    table: Mapping[str, Any], name: str, rows: list[int], place: Mapping[str, int], *, at: int, of: int
) -> dict[str, Any]:
    columns = table["columns"]
    rows = [row for row in rows if one_line(columns["label"][row]) in place]
    value, low, high = (draw.numbers([columns[key][row] for row in rows]) for key in ("value", "low", "high"))
    shift = 0.0 if of == 1 else 0.5 * (0.5 - at / (of - 1))
    colour, symbol, _ = draw.style(at)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": value,
        "y": [place[one_line(columns["label"][row])] + shift for row in rows],
        "marker": {"color": colour, "symbol": symbol, "size": 10},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [_reach(v, h) for v, h in zip(value, high, strict=True)],
            "arrayminus": [_reach(bottom, v) for bottom, v in zip(low, value, strict=True)],
            "color": colour,
            "thickness": 1.8,
            "width": 5,
        },
        "hoverinfo": "text",
        "hovertext": [_hover(table, name, row) for row in rows],
    }


def _reach(near: float | None, far: float | None) -> float:
    """Return how far a whisker goes; none where an end is open or undefined."""
    return 0.0 if near is None or far is None else max(0.0, far - near)


def _hover(table: Mapping[str, Any], name: str, row: int) -> str:
    columns = table["columns"]
    cells = (columns[key][row] for key in ("value", "low", "high"))
    return draw.hover(
        draw.label(columns["label"][row]),
        draw.label(name),
        f"{draw.label(draw.said(table, 'value'), 90)}: {spanned(*cells)}",
        f"n = {count(columns['n'][row])}",
    )
