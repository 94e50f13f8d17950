"""Trend chart: one watched quantity by window, with the limits of each window and of the recent ones together."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from auditkit.render import _draw as draw
from auditkit.render._templating import fill
from auditkit.render.page import inert_json
from auditkit.render.tables import table_html
from auditkit.render.text import count, cut, ends, finite, number, one_line, p_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

STATES = {
    "alarm": "alarm",
    "in_control": "in control",
    "not_judged": "not judged",
    "waiting": "waiting",
    "reference": "reference",
}
_ALARM = "#c8372d"  # 3:1 and more on white and on near-black
_MOST_MARKED, _MOST_TICKS = 30, 12


def trend_chart(chart: Mapping[str, Any], record: Mapping[str, Any]) -> Markup:
    """Return a chart as a figure with its text alternative and its table."""
    points = chart["points"]
    drawing = trend_figure(chart, record)
    alarms = [one["window"] for one in points if one["state"] == "alarm"]
    judged = [one for one in points if one["state"] in ("alarm", "in_control")]
    skipped = sum(one["state"] == "not_judged" for one in points)
    summary = f"{count(len(judged))} windows judged, {count(len(alarms))} with an alarm" + (
        f", the newest {alarms[-1]}" if alarms else ""
    )
    summary += f"; {count(skipped)} not judged." if skipped else "."
    return fill(
        "figure.html.j2",
        title=one_line(chart["title"]),
        summary=summary,
        notes=[],
        alternative=f"{one_line(chart['title'])} by window with control limits. {summary}",
        drawing=inert_json(drawing) if drawing else "",
        height=drawing["layout"]["height"] if drawing else "",
        foreign=False,
        table=table_html({"title": one_line(chart["title"]), "columns": _columns(points)}, most=1000),
        folded=True,
    )


def _columns(points: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    recent = [one.get("recent") or {} for one in points]

    def value(one: Mapping[str, Any]) -> str:
        if finite(one.get("value")) is None:
            return ""
        return number(one["value"]) + (
            f" {ends(one['low'], one['high'])}" if finite(one.get("low")) is not None else ""
        )

    def limits(one: Mapping[str, Any]) -> str:
        if finite(one.get("limit_high")) is None:
            return ""
        return f"{number(one['limit_low'])} to {number(one['limit_high'])}"

    return {
        "window": [one["window"] for one in points],
        "stands": [STATES.get(one["state"], one["state"]) for one in points],
        "value [interval]": [value(one) for one in points],
        "n": [one["n"] for one in points],
        "reference": ["" if finite(one.get("reference")) is None else number(one["reference"]) for one in points],
        "limits": [limits(one) for one in points],
        "p": ["" if finite(one.get("p_value")) is None else p_value(one["p_value"]).removeprefix("= ") for one in points],
        "recent windows": ["" if not one else number(one["value"]) for one in recent],
        "their limits": [limits(one) for one in recent],
        "why not": [
            (one["reason"] + (f"; needed: {count(one['n_needed'])}" if one.get("n_needed") else "")) if one["state"] != "reference" else ""
            for one in points
        ],
    }  # fmt: skip


def trend_figure(chart: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a chart as plotly's JSON; None where no window has a value."""
    points = chart["points"]
    if not any(finite(one.get("value")) is not None for one in points):
        return None
    x = list(range(len(points)))

    def of(key: str, part: str = "") -> list[float | None]:
        return [finite((one.get(part) or {} if part else one).get(key)) for one in points]

    colour, recent, muted = draw.COLOURS[0], draw.COLOURS[1], draw.MUTED
    traces = [
        *_limit(x, of("limit_low"), of("limit_high")),
        _line("reference", x, of("reference"), muted, "dot", 1.5),
        _line("recent windows", x, of("value", "recent"), recent, "dash", 2),
        _line("their limits", x, of("limit_low", "recent"), recent, "dot", 1),
        {**_line("their limits", x, of("limit_high", "recent"), recent, "dot", 1), "showlegend": False},
        {**_line("window", x, of("value"), colour, "solid", 2), "mode": "lines+markers", "marker": {"color": colour, "size": 7},
         "hoverinfo": "text", "hovertext": [_hover(one) for one in points]},
    ]  # fmt: skip
    traces += _alarms(points)
    shown = draw.thinned(x, _MOST_TICKS)
    own = {
        "xaxis": draw.axis(
            "window", tickvals=shown, ticktext=[draw.label(points[i]["window"], 20) for i in shown]
        ),
        "yaxis": draw.axis(one_line(chart["title"]), width=34),
        "showlegend": True,
        "height": 340,
        **_marks(record),
    }
    return {
        "data": traces,
        "layout": draw.layout({"title": chart["title"]}, own, [], theme="light", title=False),
    }


def _hover(one: Mapping[str, Any]) -> str:
    lines = [draw.label(one["window"]), draw.label(STATES.get(one["state"], one["state"]))]
    if finite(one.get("value")) is not None:
        lines += [f"value {draw.label(number(one['value']))}, n = {count(one['n'])}"]
    return draw.hover(*lines, draw.label(one["reason"]))


def _line(
    name: str, x: list[int], y: list[float | None], colour: str, dash: str, width: float
) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "connectgaps": False, "hoverinfo": "skip",
        "line": {"color": colour, "dash": dash, "width": width},
    }  # fmt: skip


def _limit(x: list[int], low: list[float | None], high: list[float | None]) -> list[dict[str, Any]]:
    """Return the limits of single windows as a band, a step wide each, so that one window alone has one too."""
    traces: list[dict[str, Any]] = []
    known = [i for i in x if low[i] is not None and high[i] is not None]
    runs = groupby(enumerate(known), key=lambda pair: pair[1] - pair[0])
    for _, run in runs:
        rows = [i for _, i in run]
        across = [at for i in rows for at in (i - 0.5, i + 0.5)]
        top, bottom = ([side[i] for i in rows for _ in (0, 1)] for side in (high, low))
        traces.append(
            {"type": "scatter", "mode": "lines", "name": "limits of a window", "x": across + across[::-1], "y": top + bottom[::-1], "fill": "toself",
             "fillcolor": draw.faded(draw.MUTED, 0.16), "line": {"width": 1, "color": draw.faded(draw.MUTED, 0.6)}, "hoverinfo": "skip", "showlegend": not traces}
        )  # fmt: skip
    return traces


def _marks(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return an upright line where each model was put to use."""
    windows = record["windows"]
    shapes, notes = [], []
    for one in record["releases"][:_MOST_MARKED]:
        at = next((i for i, w in enumerate(windows) if w["release"] == one["name"]), None)
        if at is None:
            continue
        line = {"color": draw.MUTED, "width": 1.5, "dash": "dash"}
        shapes.append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": at - 0.5,
                "x1": at - 0.5,
                "y0": 0,
                "y1": 1,
                "line": line,
            }
        )
        notes.append(
            {"x": at - 0.5, "xref": "x", "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top", "showarrow": False,
             "text": draw.label(cut(one["name"], 24)), "font": {"size": 11}}
        )  # fmt: skip
    return {"shapes": shapes, "annotations": notes} if shapes else {}


def _alarms(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a mark on each window that lies beyond its limits, and another on the recent windows where they do."""
    traces = []
    for how, name, symbol in (
        ("sudden", "alarm of a window", "x-open"),
        ("slow", "alarm of recent windows", "diamond-open"),
    ):
        every = [
            (i, one["recent"] if how == "slow" else one)
            for i, one in enumerate(points)
            if how in one["alarms"]
        ]
        mark = {"color": _ALARM, "size": 12, "symbol": symbol, "line": {"width": 2.5, "color": _ALARM}}
        if every:
            traces.append(
                {"type": "scatter", "mode": "markers", "name": name, "x": [i for i, _ in every], "y": [one["value"] for _, one in every],
                 "marker": mark, "hoverinfo": "skip"}
            )  # fmt: skip
    return traces
