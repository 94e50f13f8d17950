"""Sentences: what an alarm says, in words a reader can check, and what it does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render.text import count, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.monitoring.charts import Chart

__all__ = ["DOES_NOT_SAY", "alarm_words", "point_words"]

DOES_NOT_SAY = {
    "inputs": "Whether the model became worse: this looks at the inputs alone. Nor why they moved.",
    "missing": "Whether the model became worse, nor where the values were lost.",
    "scores": "Whether the scores are still right: other people may have come. Labels decide that.",
    "decisions": "Whether the decisions are still right: other people may have come. Labels decide that.",
    "performance": "Why: the model, the people or the way labels are made may have changed. Rows without a label are not in it.",
    "calibration": "For whom: this is over all rows with a label.",
    "fairness": "That the model treats a group worse than it should, nor why: groups may have changed in what they bring.",
    "volume": "Anything of the model: this counts rows.",
}
"""By family of charts."""

_MEANS = {
    "residual": "what came true less what was said, on average",
    "slope": "outcome less score, weighted by the score's logit: below 0 scores are too extreme, above 0 too timid",
}


def point_words(chart: Chart | Mapping[str, Any], point: Mapping[str, Any]) -> str:
    """Return where a window stands, with rows, interval, reference and limits."""
    what, kind = _of(chart, "what"), _of(chart, "kind")
    detail = point.get("detail") or {}
    value = number(point["value"])
    if point.get("low") is not None and kind != "cells":
        value += f" [{number(point['low'])}, {number(point['high'])}]"
    if kind == "cells":
        return (
            f"stability index {value} (n = {count(point['n'])}), limit {number(point['limit_high'])}; most at {detail.get('cell')}: "
            f"{number(detail.get('share_before'))} of the reference, {number(detail.get('share'))} now"
        )
    said = f"{value} (n = {count(point['n'])}), {number(point['reference'])} in the reference, limits {number(point['limit_low'])} to {number(point['limit_high'])}"
    if kind == "gap":
        said = (
            f"{detail['first']} less {detail['second']}: {said}; rates {number(detail['rate_first'])} (n = {count(detail['n_first'])}) and "
            f"{number(detail['rate_second'])} (n = {count(detail['n_second'])})"
        )
    return said + (f"; it is {_MEANS[what]}" if what in _MEANS else "")


def recent_words(chart: Chart | Mapping[str, Any], recent: Mapping[str, Any]) -> str:
    """Return where the recent windows together stand."""
    detail = recent.get("detail") or {}
    pair = f"{detail['first']} less {detail['second']}: " if "first" in detail else ""
    ends = (
        f"limit {number(recent['limit_high'])}"
        if _of(chart, "kind") == "cells"
        else f"limits {number(recent['limit_low'])} to {number(recent['limit_high'])}"
    )
    over = (
        f"{pair}{number(recent['value'])} over {count(recent['windows'])} windows, the newest counting most"
    )
    if _of(chart, "kind") == "cells":
        return f"stability index {over}; {ends}"
    return f"{over}; {number(recent['reference'])} in the reference, {ends}"


def alarm_words(chart: Chart, point: Mapping[str, Any]) -> str:
    """Return what an alarm says."""
    parts = []
    if "sudden" in point["alarms"]:
        parts.append(f"In {point['window']} alone: {point_words(chart, point)}.")
    if "slow" in point["alarms"]:
        parts.append(
            f"Over the recent windows up to {point['window']}: {recent_words(chart, point['recent'])}."
        )
    return f"{chart.title}. " + " ".join(parts)


def _of(chart: Any, key: str) -> Any:
    return chart[key] if isinstance(chart, dict) else getattr(chart, key)
