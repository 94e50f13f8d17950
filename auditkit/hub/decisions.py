"""Decisions: a file with a line for each right, to be filled with keep or revoke and a reason, and read back."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean
from auditkit.reading import read_bounded
from auditkit.render.text import one_line

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable

    from auditkit.hub.lines import Line
    from auditkit.hub.snapshot import Snapshot

__all__ = ["Decided", "Decisions", "as_file", "fitting", "open_lines", "read_decisions"]

WORDS = ("keep", "revoke")
_COLUMNS = ("kind", "who", "what", "found", "decision", "reason", "line", "snapshot")
_NEEDED = ("decision", "reason", "line", "snapshot")
_BESIDE = ("kind", "who", "what")
_LARGEST = 256 * 1024 * 1024  # bytes
_FORMULA = re.compile(
    r"(^|[;\t,])(?=[=+\-@|%＝＋－＠])"
)  # also after what is a column's end where it is opened


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on one line.

    Attributes
    ----------
    line : str
        The id of the line.
    decision : str
        "keep", "revoke", or empty while it is open.
    reason : str
        Why, in the words of who decided.
    beside : tuple of str
        What the file says beside it, for a person to read: kind, who, what; empty where the columns are gone.
    """

    line: str
    decision: str = ""
    reason: str = ""
    beside: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether a decision or its reason is missing."""
        return not (self.decision and self.reason)


@dataclass(frozen=True)
class Decisions:
    """A file of decisions.

    Attributes
    ----------
    snapshot : str
        The digest of the snapshot that it is about.
    decided : tuple of Decided
        In the order of the file.
    data : bytes
        The file.
    """

    snapshot: str
    decided: tuple[Decided, ...]
    data: bytes

    @property
    def digest(self) -> str:
        """The sha256 of the file."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def revoked(self) -> frozenset[str]:
        """The ids of the lines that are to be revoked."""
        return frozenset(one.line for one in self.decided if one.decision == "revoke")


def as_file(snapshot: Snapshot, lines: Iterable[Line], kind: str, *, again: Collection[str] = ()) -> bytes:
    """Return lines as a file to be filled, every decision open.

    Parameters
    ----------
    snapshot : Snapshot
        That they are about.
    lines : iterable of Line
        Of it.
    kind : str
        "csv", in which what a spreadsheet would take for a formula begins with an apostrophe, or "toml".
    again : collection of str
        Ids that an earlier review revoked.
    """
    rows = [
        {
            **dict(zip(_BESIDE, _beside(one), strict=True)),
            "found": one_line("; ".join(filter(None, (_AGAIN if one.id in again else "", one.found)))),
            "decision": "",
            "reason": "",
            "line": one.id,
            "snapshot": snapshot.digest,
        }
        for one in lines
    ]
    return _csv(rows) if kind == "csv" else _toml(snapshot, rows)


_AGAIN = "was to be revoked before, and is still there"


def _csv(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _no_formula(value) for key, value in row.items()} for row in rows)
    return out.getvalue().encode()


def _no_formula(value: str) -> str:
    return _FORMULA.sub(r"\1'", value)


def _beside(line: Line) -> tuple[str, ...]:
    return line.kind, one_line(line.who), one_line(line.what)


def _toml(snapshot: Snapshot, rows: list[dict[str, str]]) -> bytes:
    head = f"# decision: keep or revoke. reason: why. The other keys say what it is about.\nsnapshot = {_quoted(snapshot.digest)}\n"
    parts = [
        "\n[[decision]]\n"
        + "".join(f"{key} = {_quoted(value)}\n" for key, value in row.items() if key != "snapshot")
        for row in rows
    ]
    return (head + "".join(parts)).encode()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def read_decisions(path: str | os.PathLike[str]) -> Decisions:
    """Read a file of decisions, in CSV or TOML.

    Raises
    ------
    InputError
        Naming the file and the row: another form, a decision that is neither keep nor revoke, or a line that stands there twice.
    """
    file = Path(path)
    data = read_bounded(file, _LARGEST, "file of decisions")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text: save it as CSV UTF-8") from None
    rows = _rows_of_toml(text, file) if file.suffix == ".toml" else _rows_of_csv(text, file)
    decided: dict[str, Decided] = {}
    about: set[str] = set()
    for at, row in rows:
        one = _decided(row, f"{file}, {at}")
        if one.line in decided:
            raise InputError(f"{file}, {at}: the line {one.line} stands there twice")
        decided[one.line] = one
        about.add(row["snapshot"].strip().removeprefix("'"))
    if len(about) != 1:
        raise InputError(
            f"{file}: expected lines of one snapshot, got {len(about)}: auditkit access decide writes the file"
        )
    return Decisions(about.pop(), tuple(decided.values()), data)


def _decided(row: Mapping[str, str], where: str) -> Decided:
    word = row["decision"].strip().lower()
    if word and word not in WORDS:
        raise InputError(
            f"{where}: decision is keep or revoke; got {one_line(word)[:40]!r}.{did_you_mean(word[:40], WORDS)}"
        )
    line = row["line"].strip().removeprefix("'")
    if not line:
        raise InputError(f"{where}: the line has lost its id: begin again with auditkit access decide")
    return Decided(
        line, word, row["reason"].strip(), tuple(row[key] for key in _BESIDE) if "kind" in row else ()
    )


def _rows_of_csv(text: str, file: Path) -> list[tuple[str, dict[str, str]]]:
    first = text.partition("\n")[0]
    between = max(",;\t", key=first.count)  # spreadsheets write what their country writes
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=between)
    try:
        names = list(reader.fieldnames or ())
        missing = [one for one in _NEEDED if one not in names]
        twice = [one for one in _COLUMNS if names.count(one) > 1]
        rows = [] if missing or twice else [(reader.line_num, row) for row in reader if any(row.values())]
    except csv.Error as error:
        raise InputError(f"{file}, row {reader.line_num}: not CSV ({error})") from None
    if missing:
        raise InputError(f"{file}: no column {missing[0]!r}: auditkit access decide writes the file")
    if twice:
        raise InputError(
            f"{file}: the column {twice[0]!r} stands there twice, and one would be lost: take one out"
        )
    read = _NEEDED + (_BESIDE if set(_BESIDE) <= set(names) else ())
    return [(f"row {at}", {key: row[key] or "" for key in read}) for at, row in rows]


def _rows_of_toml(text: str, file: Path) -> list[tuple[str, dict[str, str]]]:
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file} is not TOML: {str(error)[:200]}") from None
    listed, about = content.get("decision"), content.get("snapshot")
    if not isinstance(listed, list) or not isinstance(about, str):
        raise InputError(
            f"{file}: expected snapshot and [[decision]]: auditkit access decide writes the file"
        )
    found = []
    for i, one in enumerate(listed, 1):
        row = (
            {
                key: one.get(key, "")
                for key in _NEEDED + (_BESIDE if set(_BESIDE) <= set(one) else ())
                if key != "snapshot"
            }
            if isinstance(one, Mapping)
            else {}
        )
        if not row or not all(isinstance(value, str) for value in row.values()):
            raise InputError(f"{file}, decision {i}: expected text under each key")
        found.append((f"decision {i}", {**row, "snapshot": about}))
    return found


def fitting(decisions: Decisions, snapshot: Snapshot, lines: Iterable[Line]) -> dict[str, Decided]:
    """Return decisions by the id of their line, where they are those of a snapshot: all of its lines, and no others.

    Raises
    ------
    InputError
        If they are of another snapshot, a line is missing or is none of it, or stands beside the words of another line. What a spreadsheet made of a
        name (007 is 7 then) is no other line's, and is let pass.
    """
    if decisions.snapshot != snapshot.digest:
        raise InputError(
            f"the decisions are about the snapshot {decisions.snapshot[:12]}, and this is {snapshot.digest[:12]}: decide on this one anew"
        )
    found = {one.line: one for one in decisions.decided}
    said = {one.id: _told(_beside(one)) for one in lines}
    ids = list(said)
    missing, foreign = set(ids) - set(found), set(found) - set(ids)
    if missing or foreign:
        raise InputError(
            f"the decisions do not fit the snapshot: {len(missing):,} of its {len(ids):,} lines are missing, {len(foreign):,} are none of it"
        )
    known = {part for told in said.values() for part in (told, told[:2])}
    for one in decisions.decided:
        told, right = _told(one.beside), said[one.line]
        if (told in known and told != right) or (told[:2] in known and told[:2] != right[:2]):
            raise InputError(
                f"the decisions are beside other lines than theirs: {one.line} is {' '.join(right[:2])[:80]!r}, and the file says {' '.join(told[:2])[:80]!r} "
                "beside it. Some columns were sorted without the others: begin again with auditkit access decide"
            )
    return found


def _told(beside: tuple[str, ...]) -> tuple[str, ...]:
    """Return words without what spreadsheets and their guards add to them."""
    return tuple(one_line(part).replace("'", "") for part in beside)


def open_lines(found: Mapping[str, Decided]) -> list[str]:
    """Return the ids of lines that lack a decision or a reason."""
    return [one.line for one in found.values() if one.open]
