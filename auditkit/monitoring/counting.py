"""Counting: the log read once, each row into its window, in memory that grows with the windows and not with the rows."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.monitoring.cells import without_words
from auditkit.monitoring.learning import from_file, from_first_rows, from_first_windows, wanted
from auditkit.monitoring.logs import Place, check_columns, digest_to, found_files, read_blocks, unfinished
from auditkit.monitoring.plan import span
from auditkit.monitoring.releases import moment_of
from auditkit.monitoring.state import State, load_state, save_state
from auditkit.monitoring.tally import Tally, rows_of
from auditkit.monitoring.times import UNREAD, Calendar, read_times

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from auditkit.monitoring.logs import Block
    from auditkit.monitoring.plan import MonitorPlan
    from auditkit.monitoring.state import Epoch
    from auditkit.monitoring.tally import Rows, Scheme

__all__ = ["Counted", "count_log"]

_AHEAD = 86_400  # seconds: a clock may be a day off, not a century
_MOST_WINDOWS = 20_000
_NO_SCORE = "without a score from 0 to 1, and so in no chart of scores"


class Counted:
    """A log, counted.

    Attributes
    ----------
    state : State
        Windows and how far was read.
    calendar : Calendar or None
        Of windows by time.
    went_on : bool
        Whether a saved state was gone on from.
    remarks : list of str
        What of the log could not be used.
    """

    def __init__(self, state: State, calendar: Calendar | None, *, went_on: bool, remarks: list[str]) -> None:
        self.state, self.calendar, self.went_on, self.remarks = state, calendar, went_on, remarks


def count_log(
    plan: MonitorPlan,
    folder: Path,
    saved: Path | None,
    *,
    now: float | None = None,
    check: Callable[[MonitorPlan, State, Calendar | None], None] | None = None,
) -> Counted:
    """Read what of the log was not read yet, and count it.

    Parameters
    ----------
    plan : MonitorPlan
        What to count.
    folder : path
        To which its paths are relative.
    saved : path or None
        Where the state is kept; None keeps none.
    now : float, optional
        Seconds since 1970; a row from more than a day later has no time that can be.
    check : callable, optional
        Called before anything is kept; may refuse what was counted.

    Raises
    ------
    InputError
        If files or columns are not there; all mistakes at once.
    """
    files = found_files(plan.log.files, folder)
    _columns_there(plan, folder, files)
    calendar = None if plan.windows.every is None else Calendar(plan.windows.every, plan.log.zone)
    key, now = _key(plan, folder), time.time() if now is None else now
    state, why = load_state(saved, key, files, now + _AHEAD) if saved is not None else (None, "")
    remarks = [f"The log was read from the start: {why}."] if why else []
    went_on = state is not None
    if state is None:
        state = State(key, _epochs(plan, folder, files, calendar, now + _AHEAD))
    _Counting(plan, state, calendar, now).read(files)
    if check is not None:
        check(plan, state, calendar)
    if saved is not None and _whole(state, calendar, plan):
        save_state(saved, state)
    if gone := len(state.places) - len(files):
        remarks.append(f"{gone:,} files that were read before are gone; what they held stays counted.")
    for place, file in zip(state.places[gone:], files, strict=True):
        if unfinished(file, place.end):
            remarks.append(f"{file.name}: the last line has no end and was left for the next reading.")
    return Counted(state, calendar, went_on=went_on, remarks=remarks)


def _whole(state: State, calendar: Calendar | None, plan: MonitorPlan) -> bool:
    """Return whether the first windows that make a reference are over: before, their cells may change."""
    last = state.epochs[0].last
    if last is None:
        return True
    if calendar is None:
        return max(state.windows, default=-1) > last
    return state.newest is not None and state.newest >= calendar.end(last) + span(plan.windows.late)


def _columns_there(plan: MonitorPlan, folder: Path, files: list[Path]) -> None:
    log = plan.log
    wrong: list[str] = []
    named = [("log.score", log.score), ("log.decision", log.decision), ("log.label", log.label)]
    named += [(f"log.sensitive[{i}]", one) for i, one in enumerate(log.sensitive)]
    named += [(f"log.inputs[{i}]", one) for i, one in enumerate(log.inputs)]
    asked = [(key, name) for key, name in named if name is not None]
    with_time = [("log.time", log.time), *asked] if log.time else asked
    check_columns([("log.files", file) for file in files], with_time, wrong.append)
    references = [("reference.file", plan.reference.file)]
    references += [(f"release.{i}.reference", one.reference) for i, one in enumerate(plan.release, start=1)]
    for what, name in references:
        if name is None:
            continue
        if not (folder / name).is_file():
            wrong.append(f"{what}: no file {str(folder / name)!r}")
        else:
            check_columns([(what, folder / name)], asked, wrong.append)
    if wrong:
        raise InputError("\n".join(dict.fromkeys(wrong)))


def _key(plan: MonitorPlan, folder: Path) -> str:
    """Return a digest of all that decides what is counted, and of nothing that only decides how it is judged."""
    log = plan.log.model_dump(mode="json", exclude={"silent_after"})
    windows = plan.windows.model_dump(mode="json", include={"every", "rows", "late"})
    names = [plan.reference.file, *(one.reference for one in plan.release)]
    said = {
        "log": log,
        "windows": windows,
        "reference": plan.reference.model_dump(mode="json"),
        "epochs": [str(one.since) for one in plan.release if one.reference],
        "files": [digest_to(folder / name) for name in names if name],
        "form": 1,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _epochs(
    plan: MonitorPlan, folder: Path, files: list[Path], calendar: Calendar | None, horizon: float
) -> list[Epoch]:
    log, reference, k = plan.log, plan.reference, int(plan.reference.first or 1)
    if reference.file is not None:
        first = from_file(folder / reference.file, log, None)
    elif calendar is None:
        first = from_first_rows(files, log, k, int(plan.windows.rows or 1))
    else:
        first = from_first_windows(files, log, calendar, k, span(plan.windows.late), horizon)
    later = {int(moment_of(one.since, log.zone).timestamp()): one.reference for one in plan.release}
    return [first, *(from_file(folder / name, log, at) for at, name in sorted(later.items()) if name)]


def _values(plan: MonitorPlan, state: State) -> dict[str, frozenset[str]]:
    """Return of each column the values of its references, and of label and decision the one that stands for yes."""
    found: dict[str, frozenset[str]] = {}
    for epoch in state.epochs:
        for name, column in (*epoch.scheme.columns.items(), *epoch.scheme.groups.items()):
            found[name] = found.get(name, frozenset()) | frozenset(column.values or ())
    for answer in (plan.log.label, plan.log.decision):
        if answer is not None:
            found[answer] = found.get(answer, frozenset()) | {str(plan.log.positive)}
    return found


class _Counting:
    """One reading of the files, row by row in their order."""

    def __init__(self, plan: MonitorPlan, state: State, calendar: Calendar | None, now: float) -> None:
        self.plan, self.state, self.calendar, self.now = plan, state, calendar, now
        self.late = span(plan.windows.late)
        self.counts = Counter(state.counts)
        self.ends: dict[int, int] = {}
        self.values = _values(plan, state)

    def read(self, files: list[Path]) -> None:
        """Read on, and note how far."""
        names, done = wanted(self.plan.log), {one.path: one.end for one in self.state.places}
        there = {str(file.resolve()) for file in files}
        places = [one for one in self.state.places if one.path not in there]
        for file in files:
            end = done.get(str(file.resolve()), 0)
            for block in read_blocks(file, names, end, written=True):
                self._block(block, names)
                end = block.end
            places.append(Place(str(file.resolve()), end, digest_to(file, end)))
        self.state.places = places
        self.state.counts = dict(self.counts)

    def _block(self, block: Block, names: list[str]) -> None:
        frame = block.frame
        for name in names:
            if name not in frame:
                raise InputError(
                    f"a part of the log has no column {name!r}; it has {', '.join(map(str, frame.columns))}"
                )
        said = {
            name: without_words(frame[name], self.values.get(name, frozenset()))
            for name in names
            if name != self.plan.log.time
        }
        frame = frame.assign(**said)
        self.counts["rows"] += len(frame) + block.unread
        self.counts["unreadable rows"] += block.unread
        if self.calendar is None:
            self._by_rows(frame)
            return
        seconds = read_times(frame[str(self.plan.log.time)], self.plan.log.zone)
        unread = seconds == UNREAD
        ahead = seconds > self.now + _AHEAD
        self.counts["without a time that can be read"] += int(unread.sum())
        self.counts["from the future"] += int(ahead.sum())
        if ahead.any():
            first = int(seconds[ahead].min())
            self.state.ahead = first if self.state.ahead is None else min(first, self.state.ahead)
        kept = np.flatnonzero(~unread & ~ahead)
        if kept.size:
            self._timed(frame.iloc[kept], seconds[kept])

    def _timed(self, frame: pd.DataFrame, seconds: npt.NDArray[np.int64]) -> None:
        calendar, state = self._calendar(), self.state
        keys = calendar.keys(seconds)
        different, places = np.unique(keys, return_inverse=True)
        ends = np.array([self._end(int(key)) for key in different])[places]
        floor = UNREAD if state.newest is None else state.newest
        reached = np.maximum.accumulate(np.concatenate([[floor], seconds[:-1]]))
        late = ends + self.late <= reached
        state.newest = int(max(floor, seconds.max()))
        for key, n in zip(*np.unique(keys[late], return_counts=True), strict=True):
            state.late[int(key)] = state.late.get(int(key), 0) + int(n)
        self.counts["after their window was closed"] += int(late.sum())
        starts = [calendar.start(int(key)) for key in different]
        epochs = np.array([state.epoch_of(start) for start in starts])[places]
        for epoch in np.unique(epochs[~late]):
            rows = np.flatnonzero(~late & (epochs == epoch))
            scheme = state.epochs[int(epoch)].scheme
            encoded = self._encoded(frame.iloc[rows], scheme)
            for key in np.unique(keys[rows]):
                at = np.flatnonzero(keys[rows] == key)
                self._window(int(key), int(epoch)).add(encoded.of(at), seconds[rows][at])

    def _by_rows(self, frame: pd.DataFrame) -> None:
        size, log = int(self.plan.windows.rows or 1), self.plan.log
        encoded = self._encoded(frame, self.state.epochs[0].scheme)
        seconds = None if log.time is None else read_times(frame[log.time], log.zone)
        if seconds is not None:
            fine = (seconds != UNREAD) & (seconds <= self.now + _AHEAD)
            self.counts["without a time that can be read"] += int((~fine).sum())
            if fine.any():
                self.state.newest = max(int(seconds[fine].max()), self.state.newest or UNREAD)
        before = self.counts["placed"]
        keys = (before + np.arange(len(frame))) // size
        self.counts["placed"] += len(frame)
        for key in np.unique(keys):
            at = np.flatnonzero(keys == key)
            times = None if seconds is None else seconds[at][fine[at]]
            self._window(int(key), 0).add(encoded.of(at), times)

    def _encoded(self, frame: pd.DataFrame, scheme: Scheme) -> Rows:
        found = rows_of(frame, self.plan.log, scheme)
        if self.plan.log.score is not None:
            self.counts[_NO_SCORE] += int(np.isnan(found.score).sum())
        return found

    def _window(self, key: int, epoch: int) -> Tally:
        windows = self.state.windows
        if key not in windows:
            if len(windows) >= _MOST_WINDOWS:
                raise InputError(
                    f"the log has more than {_MOST_WINDOWS:,} windows: make them longer, with windows.every or windows.rows"
                )
            windows[key] = Tally(self.state.epochs[epoch].scheme)
        return windows[key]

    def _calendar(self) -> Calendar:
        if self.calendar is None:
            raise InputError("windows by rows have no calendar")
        return self.calendar

    def _end(self, key: int) -> int:
        if key not in self.ends:
            self.ends[key] = self._calendar().end(key)
        return self.ends[key]
