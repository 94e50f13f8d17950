"""State: what a reading left behind, so that the next one goes on from there, or begins anew where the files are others."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from auditkit.errors import AuditkitError
from auditkit.files import write_whole
from auditkit.monitoring.logs import Place, digest_to, is_parquet
from auditkit.monitoring.tally import Scheme, Tally

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORM", "Epoch", "State", "load_state", "save_state"]

FORM = "auditkit.monitor_state/2"


@dataclass
class Epoch:
    """Windows that are held against one reference.

    Attributes
    ----------
    start : int or None
        Second of its first window; None where it has no beginning.
    scheme : Scheme
        How its rows are counted.
    reference : Tally or None
        Counts of the reference; None where it is made of the first windows.
    first, last : int or None
        The first and the last window that make it, where it is.
    """

    start: int | None
    scheme: Scheme
    reference: Tally | None
    first: int | None = None
    last: int | None = None


@dataclass
class State:
    """Where a reading stands.

    Attributes
    ----------
    key : str
        Digest of all of the plan that decides what is counted, and of its reference.
    epochs : list of Epoch
        The earliest first.
    windows : dict of int to Tally
        By number.
    late : dict of int to int
        Rows that came after their window was closed.
    places : list of Place
        How far each file was read.
    counts : dict of str to int
        Rows read, and those that could not be used, by reason.
    newest : int or None
        Second of the newest row.
    ahead : int or None
        Second of the earliest row that was not counted for it lay in the future.
    """

    key: str
    epochs: list[Epoch]
    windows: dict[int, Tally] = field(default_factory=dict)
    late: dict[int, int] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    newest: int | None = None
    ahead: int | None = None

    def epoch_of(self, start: int | None) -> int:
        """Return the place of the epoch in which a window begins."""
        found = 0
        for i, one in enumerate(self.epochs):
            if one.start is not None and start is not None and start >= one.start:
                found = i
        return found


def save_state(path: Path, state: State) -> None:
    """Write a state, with its own digest."""
    body = {
        "form": FORM,
        "key": state.key,
        "epochs": [
            {
                "start": one.start, "first": one.first, "last": one.last, "scheme": one.scheme.to_dict(),
                "reference": None if one.reference is None else one.reference.to_dict(),
            }
            for one in state.epochs
        ],
        "windows": {str(key): one.to_dict() for key, one in sorted(state.windows.items())},
        "epoch_of": {str(key): one for key, one in sorted(_epochs(state).items())},
        "late": {str(key): n for key, n in sorted(state.late.items())},
        "places": [asdict(one) for one in state.places],
        "counts": state.counts,
        "newest": state.newest,
        "ahead": state.ahead,
    }  # fmt: skip
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    write_whole(path, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n".encode())


def _epochs(state: State) -> dict[int, int]:
    """Return under which reference each window was counted: that whose columns it has."""
    return {
        key: next(i for i, one in enumerate(state.epochs) if one.scheme is tally.scheme)
        for key, tally in state.windows.items()
    }


def load_state(path: Path, key: str, files: list[Path], horizon: float) -> tuple[State | None, str]:
    """Return the state from which a reading may go on; or None and in words why it begins anew.

    It goes on only where the plan counts the same, every file still begins as it did, and only the last of those that were read has grown.
    Files that were read first may be gone, as those are that are kept for some time only. Rows from after the `horizon` have no time that can be.
    """
    if not path.is_file():
        return None, ""
    digest, _, text = path.read_text("utf-8", "replace").partition("\n")
    text = text.removesuffix("\n")
    if hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() != digest:
        return None, "the saved state is damaged or was changed"
    data = json.loads(text)
    if data.get("form") != FORM:
        return None, "the saved state is of another version"
    if data["key"] != key:
        return None, "the plan counts otherwise than before, or its reference is another"
    places = [Place(**one) for one in data["places"]]
    if data["ahead"] is not None and data["ahead"] <= horizon:
        return None, "rows that were dated ahead of the clock no longer are"
    if why := _others(places, files):
        return None, why
    try:
        return _of(data, places), ""
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise AuditkitError(
            f"{path}: the saved state cannot be read: {error}; delete it to begin anew"
        ) from None


def _others(places: list[Place], files: list[Path]) -> str:
    """Return in words why files are not those that were read; empty where they are."""
    paths = [str(one.resolve()) for one in files]
    gone = list(itertools.takewhile(lambda one: one.path not in paths, places))
    left = places[len(gone) :]
    if not left or [one.path for one in left] != paths[: len(left)]:
        return "files of the log are gone, or others stand before them"
    if any(_begins_as(file, gone) for file in files[len(left) :]):
        return "a file that was read before has another name"
    for i, (place, file) in enumerate(zip(left, files, strict=False)):
        size = file.stat().st_size
        if size < place.end or (i + 1 < len(left) and size > place.end):
            return f"{file.name} is another than when it was read"
        if digest_to(file, place.end) != place.sha256:
            return f"{file.name} was changed before the place it was read to"
        if size > place.end and is_parquet(file):
            return f"{file.name} was written anew"
    return ""


def _begins_as(file: Path, gone: list[Place]) -> bool:
    size = file.stat().st_size
    return any(size >= one.end and digest_to(file, one.end) == one.sha256 for one in gone)


def _of(data: dict[str, Any], places: list[Place]) -> State:
    epochs = []
    for one in data["epochs"]:
        scheme = Scheme.from_dict(one["scheme"])
        tally = None if one["reference"] is None else Tally.from_dict(one["reference"], scheme)
        epochs.append(Epoch(one["start"], scheme, tally, one["first"], one["last"]))
    windows = {
        int(key): Tally.from_dict(one, epochs[data["epoch_of"][key]].scheme)
        for key, one in data["windows"].items()
    }
    late = {int(key): n for key, n in data["late"].items()}
    return State(data["key"], epochs, windows, late, places, data["counts"], data["newest"], data["ahead"])
