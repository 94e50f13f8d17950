"""Review: a snapshot where a review keeps it, its lines, and the file in which they are decided."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.evidence import jsonable
from auditkit.files import write_whole
from auditkit.hub.decisions import as_file, fitting, open_lines, read_decisions
from auditkit.hub.lines import lines_of
from auditkit.loading.kinds.access import snapshot_at
from auditkit.packing.manifest import canonical, sha256
from auditkit.report import load_report

if TYPE_CHECKING:
    from auditkit.hub.decisions import Decided, Decisions
    from auditkit.hub.found import Ages
    from auditkit.hub.lines import Line
    from auditkit.hub.snapshot import Snapshot

__all__ = [
    "SNAPSHOT",
    "SUBJECT",
    "decide",
    "decided",
    "new_file",
    "refuse_there",
    "report_digest",
    "snapshot_of",
    "write_review",
]

REPORT = "report.json"
SNAPSHOT = "snapshot.json"
SUBJECT = "access.toml"


def snapshot_of(review: str | os.PathLike[str]) -> Snapshot:
    """Return the snapshot of a review: of the folder that `auditkit access review` wrote, or in a file.

    Raises
    ------
    InputError
        If there is none.
    """
    place = Path(review)
    return snapshot_at(place / SNAPSHOT if place.is_dir() else place)


def report_digest(review: str | os.PathLike[str], snapshot: Snapshot) -> str:
    """Return the sha256 of what the report of a review says, however its file is laid out; empty where there is none.

    Raises
    ------
    InputError
        If the report cannot be read, or is of another snapshot.
    """
    file = Path(review) / REPORT
    if not os.path.lexists(file):
        return ""
    report = load_report(file)
    if report.subject.get("parts", {}).get("snapshot") != snapshot.digest:
        raise InputError(f"{file} is a report on something else than the snapshot beside it")
    return sha256(canonical(jsonable(report.to_dict())))


def new_file(path: str | os.PathLike[str], content: bytes, *, private: bool = True) -> Path:
    """Write a file, never over another; one that holds names of people for its owner alone.

    Raises
    ------
    InputError
        If something is there already, or its folder is not there.
    """
    place = refuse_there(path)
    if not place.parent.is_dir():
        raise InputError(f"no folder {place.parent}: make it first")
    return write_whole(place, content, private=private)


def refuse_there(path: str | os.PathLike[str]) -> Path:
    """Return a path where nothing is yet.

    Raises
    ------
    InputError
        If something is there.
    """
    place = Path(path)
    if os.path.lexists(place):
        raise InputError(f"{place} is there already, and is not replaced: choose another name")
    return place


def write_review(
    out: str | os.PathLike[str],
    snapshot: Snapshot,
    *,
    name: str,
    before: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a snapshot and the subject file that names it into a folder for their owner alone.

    Returns
    -------
    pathlib.Path
        The subject file.

    Raises
    ------
    InputError
        If the folder holds a review already, or anybody may look into it.
    """
    folder = Path(out)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    if os.name == "posix" and folder.stat().st_mode & 0o007:
        raise InputError(
            f"anybody may look into {folder}, and a review names people: chmod o= {folder}, or give a new folder"
        )
    new_file(folder / SNAPSHOT, snapshot.text().encode())
    said = ['kind = "access"', f"name = {_quoted(name)}", f'snapshot = "{SNAPSHOT}"']
    if before is not None:
        said += [f"before = {_quoted(os.path.relpath(before, folder))}"]
    return new_file(folder / SUBJECT, ("\n".join(said) + "\n").encode())


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def decide(
    review: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    before: str | os.PathLike[str] | None = None,
    ages: Ages | None = None,
) -> tuple[Path, int, int]:
    """Write a file with a line for each right, every decision open.

    Parameters
    ----------
    review : path
        A review's folder, or a snapshot.
    out : path
        A new file that ends in .csv or .toml.
    before : path, optional
        Decisions of an earlier review: what they revoked is marked.
    ages : Ages, optional
        After which something is marked.

    Returns
    -------
    tuple
        The file, how many lines it has, and how many of them were revoked before.

    Raises
    ------
    InputError
        If a file cannot be read, or `out` is there already or of another kind.
    """
    kind = Path(out).suffix.removeprefix(".")
    if kind not in ("csv", "toml"):
        raise InputError(f"{out}: expected a name that ends in .csv or .toml")
    snapshot = snapshot_of(review)
    lines = lines_of(snapshot, ages)
    again = frozenset[str]() if before is None else read_decisions(before).revoked
    place = new_file(out, as_file(snapshot, lines, kind, again=again))
    return place, len(lines), sum(one.id in again for one in lines)


def decided(
    file: str | os.PathLike[str], review: str | os.PathLike[str], *, complete: bool = True
) -> tuple[Decisions, Snapshot, list[tuple[Line, Decided]]]:
    """Return decisions that fit a review, each with its line as the snapshot says it.

    Parameters
    ----------
    file, review : path
        The decisions, and the review or snapshot they are about.
    complete : bool
        Whether to refuse lines that are still open.

    Raises
    ------
    InputError
        If they do not fit, or are open.
    """
    decisions, snapshot = read_decisions(file), snapshot_of(review)
    lines = lines_of(snapshot)
    found = fitting(decisions, snapshot, lines)
    if complete and (left := open_lines(found)):
        words = {one.id: f"{one.kind} {one.who}" for one in lines}
        first = ", ".join(words[one] for one in left[:5])
        raise InputError(
            f"{len(left):,} of {len(lines):,} lines lack a decision or its reason ({first}{', ...' if len(left) > 5 else ''}): fill in keep or revoke, and why"
        )
    return decisions, snapshot, [(one, found[one.id]) for one in lines]
