"""Watching: a plan carried out, from the files of a log to a verdict, a record and a page."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from auditkit._version import __version__
from auditkit.errors import InputError, did_you_mean
from auditkit.files import write_whole
from auditkit.monitoring.counting import count_log
from auditkit.monitoring.folder import FILES, Before, held_folder
from auditkit.monitoring.judging import MOST_LOST, judge_windows, moment
from auditkit.monitoring.plan import load_monitor_plan, span
from auditkit.monitoring.releases import examined
from auditkit.monitoring.sentences import DOES_NOT_SAY, alarm_words

if TYPE_CHECKING:
    import os

    import pandas as pd

    from auditkit.monitoring.counting import Counted
    from auditkit.monitoring.judging import Judged
    from auditkit.monitoring.plan import MonitorPlan
    from auditkit.monitoring.releases import Release

__all__ = ["FORM", "Verdict", "Watched", "monitor"]

FORM = "auditkit.trend/1.0"
Verdict: TypeAlias = Literal["in_control", "alarm", "undecided"]
_LOST = (
    "unreadable rows", "without a time that can be read", "from the future", "after their window was closed",
)  # fmt: skip
_COLUMNS = (
    "chart", "family", "window", "state", "alarms", "n", "value", "low", "high", "reference", "limit_low", "limit_high", "p_value",
    "recent_value", "recent_limit_low", "recent_limit_high", "recent_p_value", "reason", "n_needed",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Watched:
    """What a log showed.

    Attributes
    ----------
    record : dict
        All of it as plain JSON, as ``trend.json`` holds it; ``docs/monitoring.md`` describes it.
    out : pathlib.Path or None
        The folder it was written to.
    """

    record: dict[str, Any]
    out: Path | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether an alarm stands that nobody answered for, else whether something could not be decided."""
        found: Verdict = self.record["verdict"]
        return found

    def frame(self) -> pd.DataFrame:
        """Return a row for each chart and window."""
        import pandas as pd

        return pd.DataFrame(rows(self.record), columns=list(_COLUMNS))

    def plot(self, chart: str) -> Any:
        """Return a chart as a plotly figure.

        Parameters
        ----------
        chart : str
            Its id, as in the column ``chart`` of `frame`.

        Raises
        ------
        InputError
            If there is none of that name, or no window of it has a value.
        """
        import plotly.graph_objects as go

        from auditkit.render.trend import trend_figure

        found = {one["id"]: one for one in self.record["charts"]}
        if chart not in found:
            raise InputError(f"no chart {chart!r}.{did_you_mean(chart, found)}")
        drawing = trend_figure(found[chart], self.record)
        if drawing is None:
            raise InputError(f"no window of {chart!r} has a value: see .frame() for why")
        return go.Figure(drawing)

    def html(self) -> str:
        """Return the trend page."""
        from auditkit.render.trend import trend_page

        return trend_page(self.record)

    def __repr__(self) -> str:
        """Return the verdict and what to type next."""
        return f"Watched({self.record['name']}: {self.verdict}, {len(self.record['alarms'])} alarms in {len(self.record['windows'])} windows; .frame() for the table)"


def monitor(
    plan: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    until: dt.date | dt.datetime | None = None,
    now: dt.datetime | None = None,
) -> Watched:
    """Hold the log of a deployed model against a reference, window by window.

    Parameters
    ----------
    plan : path
        A plan in TOML; paths in it are relative to its folder.
    out : path, optional
        A folder for the page, the record, the table and the state from which the next run goes on. Nothing is written without it.
    until : date or datetime, optional
        Time up to which the log is complete, so that a last window without rows after it is judged too. A day stands for its beginning.
    now : datetime, optional
        The time, with its zone; the clock's when left out.

    Returns
    -------
    Watched
        Verdict, record and page.

    Raises
    ------
    InputError
        If the plan or what it names cannot be used; told before any work, all mistakes at once.
    """
    file = Path(plan)
    asked = load_monitor_plan(file)
    at = dt.datetime.now(dt.UTC) if now is None else now
    if out is None:
        return Watched(_watched(file, asked, None, Before({}), until, at))
    place = Path(out)
    with held_folder(place, file) as before:
        found = Watched(_watched(file, asked, place / FILES["state"], before, until, at), place)
        text = json.dumps(found.record, ensure_ascii=False, indent=1, allow_nan=False)
        write_whole(place / FILES["record"], f"{text}\n".encode("utf-8", "backslashreplace"))
        write_whole(place / FILES["table"], _csv(found.record).encode("utf-8", "backslashreplace"))
        write_whole(place / FILES["page"], found.html().encode("utf-8", "backslashreplace"))
    return found


def _watched(
    file: Path,
    plan: MonitorPlan,
    saved: Path | None,
    before: Before,
    until: dt.date | dt.datetime | None,
    at: dt.datetime,
) -> dict[str, Any]:
    releases = examined(plan, file.parent)
    counted = count_log(plan, file.parent, saved, now=at.timestamp(), check=before.check_windows)
    complete = None if until is None else _seconds(until, plan.log.zone)
    judged = judge_windows(plan, counted, releases, until=complete)
    record = _record(file, plan, counted, judged, releases, at)
    record["log"]["remarks"] += before.vanished(record["alarms"])
    return record


def _seconds(at: dt.date | dt.datetime, zone: str) -> int:
    from auditkit.monitoring.releases import moment_of

    return int(moment_of(at, zone).timestamp())


def _record(
    file: Path,
    plan: MonitorPlan,
    counted: Counted,
    judged: Judged,
    releases: tuple[Release, ...],
    at: dt.datetime,
) -> dict[str, Any]:
    zone, state = plan.log.zone, counted.state
    alarms = _alarms(plan, judged)
    undecided = _undecided(plan, counted, judged, at)
    open_ones = [one for one in alarms if one["accepted"] is None]
    verdict = "alarm" if open_ones else "undecided" if undecided else "in_control"
    counts = {key: n for key, n in state.counts.items() if n and key not in ("rows", "placed")}
    record: dict[str, Any] = _plain({
        "form": FORM,
        "name": plan.name or file.stem,
        "verdict": verdict,
        "auditkit": __version__,
        "made": at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "plan": {"file": file.name, "zone": zone, "every": plan.windows.every, "rows": plan.windows.rows,
                 "min_rows": plan.windows.min_rows, "min_group": plan.windows.min_group, "min_labelled": plan.windows.min_labelled,
                 "late": plan.windows.late, "label_delay": plan.windows.label_delay},
        "limits": {"rate_per_window": judged.rate, "tests": judged.tests, "rate_per_test": judged.rate / max(judged.tests, 1),
                   "smoothing": plan.limits.smoothing, "design_effect": plan.limits.design_effect, "rate_under_nine_of_ten_references": judged.given_reference},
        "log": {"files": [{"file": Path(one.path).name, "bytes": one.end, "sha256": one.sha256} for one in state.places],
                "rows": state.counts.get("rows", 0), "not_used": counts, "newest": moment(state.newest, zone), "remarks": [*counted.remarks, *_strangers(judged), *_in_advance(plan, judged)]},
        "reference": {"file": plan.reference.file, "first": plan.reference.first, "rows": judged.reference_rows,
                      "left_out": [one.scheme.left_out for one in state.epochs]},
        "windows": [
            {"window": w.label, "start": moment(w.start, zone), "end": moment(w.end, zone), "state": w.state, "rows": w.tally.rows, "labelled": w.tally.labelled,
             "late": w.late, "reference": w.epoch, "release": None if w.release is None else w.release.name, "problems": list(w.release.problems) if w.release else []}
            for w in judged.windows
        ],
        "charts": [{**asdict(one), "points": judged.points[one.id]} for one in judged.charts],
        "alarms": alarms,
        "undecided": undecided,
        "releases": [one.to_dict() for one in releases],
    })  # fmt: skip
    return record


def _in_advance(plan: MonitorPlan, judged: Judged) -> list[str]:
    """Return which alarms are answered for before anybody could see them: of windows that are not judged yet."""
    ends = [one.end for one in judged.windows if one.state == "judged" and one.end is not None]
    if not ends:
        return []
    last = dt.datetime.fromtimestamp(max(ends) - 1, ZoneInfo(plan.log.zone)).date()
    return [
        f"Alarms {f'of {one.chart}' if one.chart else 'of all charts'} to come are answered for in advance, up to {one.until}, by {one.by}: {one.why}"
        for one in plan.accepted
        if one.until > last
    ]


def _strangers(judged: Judged) -> list[str]:
    """Return of how many rows the group is missing, or is none of the reference's: they are in no comparison."""
    found: dict[str, list[int]] = {}
    for window in judged.windows:
        for feature, table in window.tally.groups.items():
            others, missing = (int(table[at, 0]) for at in (-2, -1))
            counts = found.setdefault(feature, [0, 0])
            counts[0], counts[1] = counts[0] + others, counts[1] + missing
    return [
        f"{n:,} rows {what} {feature}: they are in no comparison of groups."
        for feature, counts in found.items()
        for n, what in zip(
            counts, ("are of a group that the reference does not name of", "have no value of"), strict=True
        )
        if n
    ]


def _alarms(plan: MonitorPlan, judged: Judged) -> list[dict[str, Any]]:
    """Return the alarms, the newest first, each with who answered for it."""
    found = []
    for chart in judged.charts:
        for window, point in zip(judged.windows, judged.points[chart.id], strict=True):
            if point["state"] != "alarm":
                continue
            at = window.start if window.start is not None else window.tally.last
            day = None if at is None else dt.datetime.fromtimestamp(at, ZoneInfo(plan.log.zone)).date()
            accepted = next(
                (
                    {"by": one.by, "why": one.why, "until": one.until.isoformat()}
                    for one in plan.accepted
                    if day is not None and day <= one.until and one.chart in (None, chart.id)
                ),
                None,
            )
            found.append(
                {"chart": chart.id, "title": chart.title, "window": window.label, "how": point["alarms"], "says": alarm_words(chart, point),
                 "does_not_say": DOES_NOT_SAY[chart.family], "accepted": accepted, "place": window.key}
            )  # fmt: skip
    found.sort(key=lambda one: (-one["place"], one["chart"]))
    return [{key: value for key, value in one.items() if key != "place"} for one in found]


def _undecided(plan: MonitorPlan, counted: Counted, judged: Judged, at: dt.datetime) -> list[dict[str, str]]:
    """Return the charts whose newest window that is due was not judged, and why."""
    found = []
    newest = counted.state.newest
    if plan.log.silent_after and (newest is None or at.timestamp() - newest > span(plan.log.silent_after)):
        last = moment(newest, plan.log.zone) or "never"
        found.append(
            {
                "chart": "",
                "window": "",
                "reason": f"the log is silent: its newest row is of {last}, more than {plan.log.silent_after} ago",
            }
        )
    counts = counted.state.counts
    lost = {
        what: counts[what] for what in _LOST if counts.get(what) and (plan.windows.every or what == _LOST[0])
    }
    if sum(lost.values()) > MOST_LOST * counts.get("rows", 0):
        said = ", ".join(f"{n:,} {what}" for what, n in lost.items())
        found.append(
            {
                "chart": "",
                "window": "",
                "reason": f"of {counts.get('rows', 0):,} rows of the log too many are in no window: {said}",
            }
        )
    for chart in judged.charts:
        points = [one for one in judged.points[chart.id] if one["state"] not in ("waiting", "reference")]
        if not points:
            waits = [one for one in judged.points[chart.id] if one["state"] == "waiting"]
            found.append(
                {
                    "chart": chart.id,
                    "window": "",
                    "reason": waits[-1]["reason"] if waits else "no window was judged yet",
                }
            )
        elif points[-1]["state"] == "not_judged":
            found.append({"chart": chart.id, "window": points[-1]["window"], "reason": points[-1]["reason"]})
    if not judged.charts:
        found.append({"chart": "", "window": "", "reason": "no chart can be drawn of what the plan names"})
    return found


def rows(record: dict[str, Any]) -> list[list[Any]]:
    """Return the points of a record, a row each."""
    found = []
    for chart in record["charts"]:
        for point in chart["points"]:
            recent = point.get("recent") or {}
            flat = {
                **point,
                "chart": chart["id"],
                "family": chart["family"],
                "alarms": " ".join(point["alarms"]),
            }
            flat |= {f"recent_{key}": value for key, value in recent.items()}
            found.append([flat.get(name) for name in _COLUMNS])
    return found


def _csv(record: dict[str, Any]) -> str:
    """Return the table as text; what a spreadsheet would take for a formula begins with a quote."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([[_cell(value) for value in row] for row in rows(record)])
    return text.getvalue()


def _cell(value: Any) -> Any:
    from auditkit.render.text import one_line

    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _plain(value: Any) -> Any:
    """Return plain JSON: numbers of numpy as numbers, and what is not finite as null."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
