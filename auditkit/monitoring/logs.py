"""Logs: files read in blocks of bounded size, and where the next reading goes on."""

from __future__ import annotations

import glob
import hashlib
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean
from auditkit.loading.tables import separator_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

__all__ = ["Block", "Place", "digest_to", "found_files", "names_of", "read_blocks"]

BLOCK = 4 * 2**20
"""Bytes of text that are read at once."""
ROWS = 50_000
"""Rows of a Parquet file that are read at once."""
LONGEST_LINE = 64 * 2**20
_LOOKED_AT = 1000  # lines that tell the columns of JSON Lines
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that were read together: those columns that were asked for, the line ends passed, and what could not be read."""

    frame: pd.DataFrame
    end: int
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: its bytes up to there, and their digest."""

    path: str
    end: int
    sha256: str


def found_files(patterns: str | Sequence[str], folder: Path) -> list[Path]:
    """Return the files of a log, sorted by name, numbers in names by their size; patterns are relative to the folder of the plan.

    Raises
    ------
    InputError
        If one finds none.
    """
    every: dict[Path, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        whole = pattern if Path(pattern).is_absolute() else str(Path(glob.escape(str(folder))) / pattern)
        found = glob.glob(whole, recursive=True)  # noqa: PTH207 - a pattern may be absolute
        paths = sorted((Path(one) for one in found if Path(one).is_file()), key=_by_name)
        if not paths:
            raise InputError(f"log.files: no file fits {pattern!r} in {str(folder)!r}")
        every |= dict.fromkeys(paths)
    return list(every)


def _by_name(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Return what puts log-9 before log-10, where rows of log-10 would close the windows that those of log-9 belong to."""
    parts = re.split(r"([0-9]+)", str(path))
    return [(0, int(one), "") if one.isdecimal() else (1, 0, one) for one in parts], str(path)


def names_of(file: Path) -> list[str]:
    """Return the columns of a file: of JSON Lines those of the first rows, since a label may come later than the rest.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if is_parquet(file):
        import pyarrow.parquet

        try:
            return list(pyarrow.parquet.ParquetFile(file).schema_arrow.names)
        except (OSError, ValueError) as error:
            raise InputError(f"{file}: not a readable Parquet file: {str(error).splitlines()[0]}") from None
    with file.open("rb") as stream:
        lines = [line for _ in range(_LOOKED_AT) if (line := stream.readline(LONGEST_LINE)).endswith(b"\n")]
    if not lines:
        return []
    if _is_json(file):
        rows = [_row(line) for line in lines]
        if rows[0] is None:
            raise InputError(f"{file}: the first line is no JSON object; expected JSON Lines")
        return list(dict.fromkeys(name for row in rows if row is not None for name in row))
    return _header(file)[1]


def digest_to(file: Path, end: int | None = None) -> str:
    """Return the sha256 of a file's bytes up to a place; of all of them where none is given."""
    found, left = hashlib.sha256(), end
    with file.open("rb") as stream:
        while left is None or left > 0:
            data = stream.read(BLOCK if left is None else min(BLOCK, left))
            if not data:
                break
            found.update(data)
            left = None if left is None else left - len(data)
    return found.hexdigest()


def read_blocks(
    file: Path, wanted: Iterable[str], start: int = 0, *, written: bool = False
) -> Iterator[Block]:
    """Yield the rows of a file from a place on, the columns that are wanted and there.

    A last line without an end is left for the next reading: it may still be being written. Of Parquet `start` is 0, or the
    file's size: then it was read.

    Parameters
    ----------
    file : path
        CSV (commas, semicolons or tabs), JSON Lines or Parquet.
    wanted : iterable of str
        Columns.
    start : int
        Bytes that were read before, up to a line end.
    written : bool
        Of CSV: words such as NA stay words, and only what is empty is missing.
    """
    columns = list(dict.fromkeys(wanted))
    if is_parquet(file):
        if not start:
            yield from _parquet(file, columns)
        return
    if _is_json(file):
        for lines, end in _lines(file, start, quoted=False):
            rows = [_row(line) for line in lines.splitlines() if line.strip()]
            yield Block(_of_rows([row for row in rows if row is not None], columns), end, rows.count(None))
        return
    separator, names, after = _header(file)
    for lines, end in _lines(file, max(start, after), quoted=True):
        frame, unread = _of_text(lines, separator, names, columns, written=written)
        yield Block(frame, end, unread)


def _lines(file: Path, start: int, *, quoted: bool) -> Iterator[tuple[bytes, int]]:
    """Yield whole lines with the place after them; a line end within quotes is none."""
    with file.open("rb") as stream:
        stream.seek(start)
        kept, place = b"", start
        while data := stream.read(BLOCK):
            kept += data
            cut = kept.rfind(b"\n") + 1
            quotes = kept.count(b'"', 0, cut) if quoted else 0
            while cut and quotes % 2:
                before = kept.rfind(b"\n", 0, cut - 1) + 1
                quotes -= kept.count(b'"', before, cut)
                cut = before
            if cut:
                place += cut
                yield kept[:cut], place
                kept = kept[cut:]
            elif len(kept) > LONGEST_LINE:
                raise InputError(f"{file}: no line ends within {LONGEST_LINE:,} bytes after byte {place:,}")


def unfinished(file: Path, end: int) -> bool:
    """Return whether a text goes on after the place it was read to: a last line without an end."""
    return file.stat().st_size > end


def _header(file: Path) -> tuple[str, list[str], int]:
    import csv

    separator = separator_of(file) or ","
    with file.open("rb") as stream:
        line = stream.readline(LONGEST_LINE)
    text = line.decode("utf-8-sig", "replace")
    names = next(csv.reader(io.StringIO(text), delimiter=separator), [])
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{file}: columns must have different names; these come twice: {', '.join(twice)}")
    return separator, names, len(line)


def _of_text(
    lines: bytes, separator: str, names: list[str], columns: list[str], *, written: bool
) -> tuple[pd.DataFrame, int]:
    import pandas as pd

    bad: list[int] = []

    def skipped(_: list[str]) -> None:
        bad.append(1)

    read: Any = pd.read_csv
    frame = read(
        io.BytesIO(lines), sep=separator, header=None, names=names, dtype=str, index_col=False, engine="c",
        usecols=[name for name in names if name in columns], on_bad_lines="skip", encoding="utf-8",
        encoding_errors="replace", keep_default_na=not written, na_values=[""],
    )  # fmt: skip
    return frame, len(bad)


def _of_rows(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: [_plain(row.get(name)) for row in rows] for name in columns}, dtype=object)


def _plain(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return value


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _parquet(file: Path, columns: list[str]) -> Iterator[Block]:
    import pyarrow.parquet

    opened = pyarrow.parquet.ParquetFile(file)
    there = [name for name in columns if name in opened.schema_arrow.names]
    size = file.stat().st_size
    for batch in opened.iter_batches(batch_size=ROWS, columns=there):
        yield Block(batch.to_pandas(), size)


def is_parquet(file: Path) -> bool:
    """Return whether a file is Parquet, by its first bytes."""
    with file.open("rb") as stream:
        return stream.read(4) == _PARQUET


def _is_json(file: Path) -> bool:
    return file.suffix.lower() in (".jsonl", ".ndjson", ".json")


def check_columns(
    files: Iterable[tuple[str, Path]], asked: Iterable[tuple[str, str]], say: Callable[[str], None]
) -> None:
    """Say of each column that is asked for and lacks in a file which name there is closest to it."""
    asked = list(asked)
    for what, file in files:
        names = names_of(file)
        if not names:
            say(f"{what}: {file} has no whole line yet")
            continue
        for key, name in asked:
            if name not in names:
                say(f"{key}: no column {name!r} in {file}.{did_you_mean(name, names)}")
