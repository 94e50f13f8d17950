"""Learning: the cells of a reference, from a file or from the first windows of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError
from auditkit.monitoring.cells import Learner
from auditkit.monitoring.logs import read_blocks
from auditkit.monitoring.state import Epoch
from auditkit.monitoring.tally import Scheme, Tally, rows_of
from auditkit.monitoring.times import UNREAD, read_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from auditkit.monitoring.plan import LogPart
    from auditkit.monitoring.times import Calendar

__all__ = ["from_file", "from_first_rows", "from_first_windows", "unusable", "wanted"]


def wanted(log: LogPart) -> list[str]:
    """Return the columns of the log that are read."""
    names = [log.time, log.score, log.decision, log.label, *log.sensitive, *log.inputs]
    return list(dict.fromkeys(name for name in names if name is not None))


class _Learners:
    def __init__(self, log: LogPart) -> None:
        self.log = log
        self.by_name = {name: Learner(name) for name in dict.fromkeys([*log.inputs, *log.sensitive])}

    def see(self, frame: pd.DataFrame) -> None:
        for name, learner in self.by_name.items():
            learner.see(frame[name])

    def scheme(self) -> Scheme:
        found = {name: learner.column() for name, learner in self.by_name.items()}
        left = {name: one for name, one in found.items() if isinstance(one, str)}
        columns, groups = (
            {name: one for name in names if not isinstance(one := found[name], str)}
            for names in (self.log.inputs, self.log.sensitive)
        )
        for name, one in list(groups.items()):
            if one.edges is not None:
                left[name] = "it holds numbers of many values: give groups, such as bands of age"
                del groups[name]
        return Scheme(columns, groups, left)


def from_file(file: Path, log: LogPart, start: int | None) -> Epoch:
    """Return an epoch whose reference is a file, read twice: for its cells, and to count it.

    Raises
    ------
    InputError
        If it has no rows.
    """
    names = [name for name in wanted(log) if name != log.time]
    learners = _Learners(log)
    for block in read_blocks(file, names):
        learners.see(block.frame)
    scheme = learners.scheme()
    tally = Tally(scheme)
    for block in read_blocks(file, names):
        tally.add(rows_of(block.frame, log, scheme))
    if not tally.rows:
        raise InputError(f"{file}: the reference has no rows")
    if wrong := unusable(tally, log):
        raise InputError("\n".join(f"{file}: {one}" for one in wrong))
    return Epoch(start, scheme, tally)


def unusable(tally: Tally, log: LogPart) -> list[str]:
    """Return what a reference holds that no chart here is made for: numbers to be predicted, scores that are none, a positive value that never comes."""
    said = []
    n, scored = tally.rows, int(tally.score.sum())
    if log.score is not None and 2 * scored < n:
        said.append(
            f"log.score: {scored:,} of {n:,} rows of the reference have a number from 0 to 1 in {log.score!r}. A score is the probability of the positive "
            "label: predictions of a number (regression) are not watched, and of several classes one at a time, by its own probability"
        )
    for key, column, rows, positive in (
        ("label", log.label, tally.labelled, tally.positive),
        ("decision", log.decision, tally.decided, tally.selected),
    ):
        if column is not None and rows and not positive:
            said.append(
                f"log.positive: no {key} of the reference is {log.positive!r}: type the value of {column!r} that stands for yes"
            )
    return said


def from_first_windows(
    files: Iterable[Path], log: LogPart, calendar: Calendar, k: int, late: int, horizon: float
) -> Epoch:
    """Return an epoch whose reference is the first k windows of the log, once no row of them is awaited; of what is there, before.

    Rows from after the `horizon` have no time that can be. Two readings: which windows these are, and what their rows hold.
    """
    files = list(files)
    first, newest = None, UNREAD
    for seconds, _ in _timed(files, log, [str(log.time)]):
        read = seconds[(seconds != UNREAD) & (seconds <= horizon)]
        if not read.size:
            continue
        reached = np.maximum.accumulate(np.concatenate([[newest], read]))[1:]
        least = np.minimum.accumulate(calendar.keys(read))
        least = least if first is None else np.minimum(least, first)
        ends = {int(key): calendar.end(int(key) + k - 1) + late for key in np.unique(least)}
        over = np.flatnonzero(reached >= np.array([ends[int(key)] for key in least]))
        at = int(over[0]) if over.size else read.size - 1
        first, newest = int(least[at]), int(reached[at])
        if over.size:
            break
    if first is None:
        raise InputError(f"log: no row of {', '.join(map(str, files))} has a time that can be read")
    low, high = calendar.start(first), calendar.end(first + k - 1)
    learners = _Learners(log)
    for seconds, frame in _timed(files, log, wanted(log)):
        learners.see(frame[(seconds >= low) & (seconds < high)])
        if (seconds[seconds <= horizon] >= high + late).any():
            break
    return Epoch(None, learners.scheme(), None, first, first + k - 1)


def from_first_rows(files: Iterable[Path], log: LogPart, k: int, rows: int) -> Epoch:
    """Return an epoch whose reference is the first k windows of so many rows."""
    learners, left = _Learners(log), k * rows
    for file in files:
        for block in read_blocks(file, wanted(log)):
            learners.see(block.frame.iloc[:left])
            left -= len(block.frame)
            if left <= 0:
                break
        if left <= 0:
            break
    return Epoch(None, learners.scheme(), None, 0, k - 1)


def _timed(
    files: Iterable[Path], log: LogPart, names: list[str]
) -> Iterator[tuple[npt.NDArray[np.int64], pd.DataFrame]]:
    for file in files:
        for block in read_blocks(file, names):
            yield read_times(block.frame[str(log.time)], log.zone), block.frame
