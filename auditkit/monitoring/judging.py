"""Judging: every closed window under the limits of every chart, and what of that is an alarm."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from auditkit.errors import InputError
from auditkit.monitoring.charts import Measured, charts_of, measured, slow, sudden, volume_moved
from auditkit.monitoring.folder import window_label
from auditkit.monitoring.learning import unusable
from auditkit.monitoring.plan import span
from auditkit.monitoring.releases import in_use
from auditkit.monitoring.tally import Tally
from auditkit.statistics.slow_drift import rate_given_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.monitoring.charts import Chart
    from auditkit.monitoring.counting import Counted
    from auditkit.monitoring.plan import MonitorPlan
    from auditkit.monitoring.releases import Release
    from auditkit.monitoring.state import Epoch
    from auditkit.statistics.control_limits import Moved

__all__ = ["MOST_LOST", "Judged", "Window", "judge_windows"]

_FEWEST_FOR_VOLUME = 5
"""Windows of a reference from which a spread of their rows is told."""
MOST_LOST = 0.05
"""Share of the rows of a window, and of the log, beyond which what is left of them decides nothing."""


@dataclass(frozen=True)
class Window:
    """One point in time of all charts.

    Attributes
    ----------
    key : int
        Its number.
    label : str
        How it is called.
    start, end : int or None
        Seconds; of a window by rows those of its rows.
    epoch : int
        Under which reference it stands.
    state : {"reference", "judged", "open", "two models", "empty"}
        What becomes of it.
    labels : {"due", "waiting"}
        Whether the time that labels take has passed.
    tally : Tally
        Its counts.
    release : Release or None
        In use when it began.
    late : int
        Rows that came after it was closed.
    """

    key: int
    label: str
    start: int | None
    end: int | None
    epoch: int
    state: str
    labels: str
    tally: Tally
    release: Release | None
    late: int


@dataclass
class Judged:
    """Everything that was judged.

    Attributes
    ----------
    charts : list of Chart
        What was watched.
    windows : list of Window
        In order.
    points : dict of str to list of dict
        Of each chart, a point a window.
    tests : int
        Tests a window makes, over all charts.
    rate : float
        Rate of false alarms a window, over all of them.
    given_reference : float or None
        That rate under nine of ten references of this size, of one chart of a mean, times the tests.
    """

    charts: list[Chart]
    windows: list[Window]
    points: dict[str, list[dict[str, Any]]]
    tests: int
    rate: float
    given_reference: float | None = None
    reference_rows: list[int] = field(default_factory=list)


def judge_windows(
    plan: MonitorPlan, counted: Counted, releases: Sequence[Release], *, until: int | None = None
) -> Judged:
    """Judge every closed window.

    Parameters
    ----------
    plan : MonitorPlan
        Limits, least rows and delays.
    counted : Counted
        The log.
    releases : sequence of Release
        The earliest first.
    until : int, optional
        Second up to which the log is known to be complete; without it, up to its newest row less what may come late.
    """
    windows = _windows(plan, counted, releases, until)
    state = counted.state
    made = [one.tally for one in windows if one.state == "reference"]
    first = state.epochs[0]
    references = [one.reference for one in state.epochs]
    if first.reference is None:
        whole = Tally(first.scheme)
        for tally in made:
            whole.plus(tally)
        references[0] = whole
        if made and (wrong := unusable(whole, plan.log)):
            raise InputError("\n".join(wrong))
    by_volume = len(made) >= _FEWEST_FOR_VOLUME and plan.windows.every is not None
    charts = _every_chart(plan, counted, volume=by_volume)
    tests = sum(chart.tests for chart in charts)
    rate = plan.limits.rate(plan.windows.every)
    judge = _Judge(plan, windows, references, rate / max(tests, 1), [one.rows for one in made])
    points = {chart.id: judge.points(chart) for chart in charts}
    sizes = [one.tally.rows for one in windows if one.state == "judged"]
    rows = [0 if one is None else one.rows for one in references]
    given = None
    if sizes and tests and rows[0]:
        usual = sorted(sizes)[len(sizes) // 2]
        given = min(1.0, tests * rate_given_reference(rate / tests, usual, rows[0]))
    return Judged(charts, windows, points, tests, rate, given, rows)


def _every_chart(plan: MonitorPlan, counted: Counted, *, volume: bool) -> list[Chart]:
    """Return the charts of all references: a column that one of them leaves out may be in another."""
    found: dict[str, Chart] = {}
    for epoch in counted.state.epochs:
        found |= {chart.id: chart for chart in charts_of(plan, epoch.scheme, volume=volume)}
    return list(found.values())


def _windows(
    plan: MonitorPlan, counted: Counted, releases: Sequence[Release], until: int | None
) -> list[Window]:
    state, calendar = counted.state, counted.calendar
    late, delay = span(plan.windows.late), span(plan.windows.label_delay)
    newest = state.newest
    reached = None if newest is None else newest - late
    if until is not None:
        reached = until if reached is None else max(reached, until)
    found = []
    keys = range(min(state.windows), max(state.windows) + 1) if state.windows else range(0)
    for key in keys:
        start = None if calendar is None else calendar.start(key)
        epoch = state.epoch_of(start)
        tally = state.windows.get(key) or Tally(state.epochs[epoch].scheme)
        if calendar is None:
            start, end = tally.first, tally.last
            closed = tally.rows == plan.windows.rows
            due = not delay or (
                end is not None and newest is not None and end + delay <= max(newest, until or 0)
            )
        else:
            end = calendar.end(key)
            closed = reached is not None and end <= reached
            due = closed and end + delay <= (reached or 0)
        label = window_label(key, plan, calendar)
        release = None if start is None else in_use(releases, start)
        what = _state_of(state.epochs[0], key, tally, releases, (start, end), closed=closed)
        found.append(
            Window(key, label, start, end, epoch, what, "due" if due else "waiting", tally, release, state.late.get(key, 0))
        )  # fmt: skip
    return found


def _state_of(
    first: Epoch,
    key: int,
    tally: Tally,
    releases: Sequence[Release],
    ends: tuple[int | None, int | None],
    *,
    closed: bool,
) -> str:
    start, end = ends
    if first.first is not None and first.last is not None and first.first <= key <= first.last:
        return "reference" if closed else "open"
    if not closed:
        return "open"
    if not tally.rows:
        return "empty"
    changed = (
        start is not None
        and end is not None
        and any(one.restarts and start < one.seconds < end for one in releases)
    )
    return "two models" if changed else "judged"


class _Judge:
    def __init__(
        self,
        plan: MonitorPlan,
        windows: Sequence[Window],
        references: Sequence[Tally | None],
        alpha: float,
        volumes: list[int],
    ) -> None:
        self.plan, self.windows, self.references = plan, windows, references
        self.alpha, self.volumes = alpha, volumes

    def points(self, chart: Chart) -> list[dict[str, Any]]:
        """Return a point a window; of each epoch the recent windows begin anew."""
        found: list[dict[str, Any]] = []
        recent: list[Measured] = []
        epoch = 0
        for window in self.windows:
            if window.epoch != epoch:
                recent, epoch = [], window.epoch
            one = self._point(chart, window, recent)
            found.append(one)
        return found

    def _point(self, chart: Chart, window: Window, recent: list[Measured]) -> dict[str, Any]:
        base = {
            "window": window.label,
            "n": 0,
            "state": "not_judged",
            "alarms": [],
            "reason": "",
            "n_needed": None,
        }
        if window.state == "judged" and window.late > MOST_LOST * (window.tally.rows + window.late):
            return {**base, "reason": _lost(window)}
        if chart.kind == "volume":
            return {**base, **self._volume(window)}
        reference = self.references[window.epoch]
        if window.state == "open":
            return {
                **base,
                "state": "waiting",
                "reason": "the window is not over, or rows may still come late",
            }
        if window.state == "empty":
            return {**base, "reason": "no rows", "n_needed": self.plan.windows.min_rows}
        if window.state == "two models":
            return {
                **base,
                "reason": "the model was replaced within this window, and charts begin anew with the new one",
            }
        if chart.labels and window.labels == "waiting":
            return {**base, "state": "waiting", "reason": "the time that labels take has not passed"}
        if chart.labels and window.tally.labelled < self.plan.windows.min_labelled * window.tally.rows:
            return {**base, "n": window.tally.labelled, "reason": _unlabelled(window, self.plan)}
        if reference is None or not _has(chart, window):
            return {**base, "reason": "it is not counted under this reference"}
        one = measured(chart, window.tally, reference, self.plan)
        if not isinstance(one, Measured):
            reason, needed = one
            return {**base, "reason": reason, "n_needed": needed or None}
        return {**base, **self._judged(chart, window, one, recent)}

    def _judged(self, chart: Chart, window: Window, one: Measured, recent: list[Measured]) -> dict[str, Any]:
        moved, shown = sudden(chart, one, self.alpha)
        point = {
            "n": shown.n, "value": shown.value, "low": shown.low, "high": shown.high, "reference": moved.reference,
            "limit_low": moved.low, "limit_high": moved.high, "p_value": moved.p_value, "detail": _named(chart, window, shown.detail),
        }  # fmt: skip
        if window.state == "reference":
            return {
                **point,
                "state": "reference",
                "reason": "it is part of the reference",
                "limit_low": None,
                "limit_high": None,
                "p_value": None,
            }
        recent.append(one)
        alarms = ["sudden"] if _beyond(moved, self.alpha) else []
        together = slow(chart, recent, self.plan.limits.smoothing, self.alpha)
        if together is not None:
            mean, detail = together
            point["recent"] = {
                "value": mean.value, "reference": mean.reference, "limit_low": mean.low, "limit_high": mean.high,
                "p_value": mean.p_value, "windows": len(recent), "detail": _named(chart, window, detail),
            }  # fmt: skip
            alarms += ["slow"] if _beyond(mean, self.alpha) else []
        return {**point, "state": "alarm" if alarms else "in_control", "alarms": alarms}

    def _volume(self, window: Window) -> dict[str, Any]:
        rows = window.tally.rows
        if window.state in ("open", "reference"):
            state = "waiting" if window.state == "open" else "reference"
            reason = "the window is not over" if window.state == "open" else "it is part of the reference"
            return {"n": rows, "value": rows, "state": state, "reason": reason}
        if window.epoch:
            return {
                "n": rows,
                "value": rows,
                "reason": "the reference of this release is a file, which has no windows",
            }
        moved = volume_moved(rows, self.volumes, self.alpha)
        alarm = _beyond(moved, self.alpha)
        return {
            "n": rows, "value": rows, "low": None, "high": None, "reference": moved.reference, "limit_low": moved.low,
            "limit_high": moved.high, "p_value": moved.p_value, "state": "alarm" if alarm else "in_control",
            "alarms": ["sudden"] if alarm else [], "detail": {},
        }  # fmt: skip


def _unlabelled(window: Window, plan: MonitorPlan) -> str:
    return (
        f"{window.tally.labelled:,} of {window.tally.rows:,} rows have a label, and those that come first may differ from the rest: "
        f"windows.label_delay waits for more, and windows.min_labelled (now {plan.windows.min_labelled:g}) says what share is enough"
    )


def _lost(window: Window) -> str:
    every = window.tally.rows + window.late
    return f"{window.late:,} of its {every:,} rows came after it was closed and are not counted: windows.late gives them time"


def _beyond(moved: Moved, alpha: float) -> bool:
    return not math.isnan(moved.p_value) and moved.p_value <= alpha


def _has(chart: Chart, window: Window) -> bool:
    if chart.kind == "cells" and chart.id != "score":
        return chart.what in window.tally.cells
    return chart.kind != "gap" or chart.what.split(":", 1)[1] in window.tally.groups


def _named(chart: Chart, window: Window, detail: dict[str, Any]) -> dict[str, Any]:
    """Return details with the names of cells and groups in place of their numbers."""
    scheme, said = window.tally.scheme, dict(detail)
    if chart.kind == "cells" and "cell" in said:
        labels = scheme.columns[chart.what].labels() if chart.id != "score" else None
        said["cell"] = f"band {said['cell'] + 1} from below" if labels is None else labels[said["cell"]]
    if chart.kind == "gap":
        labels = scheme.groups[chart.what.split(":", 1)[1]].labels()
        said |= {key: labels[said[key]] for key in ("first", "second") if key in said}
    return said


def moment(seconds: int | None, zone: str) -> str:
    """Return a time with its zone; empty where there is none."""
    return "" if seconds is None else dt.datetime.fromtimestamp(seconds, ZoneInfo(zone)).isoformat()
