"""Tables: parquet, Arrow and CSV files as pandas frames, told apart by content."""

from __future__ import annotations

import csv
import io
import re
import warnings
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean
from auditkit.reading import kind_of_place, name_shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_file", "read_table", "separator_of"]

_HEAD, _ROWS = 65_536, 50  # bytes, and rows of them, that are looked at before a table is read
_SEPARATORS = {",": "commas", ";": ";", "\t": "tabs"}
_TEXT = {".csv": ",", ".txt": ",", ".data": ",", "": ",", ".tsv": "\t"}
_FOR_EXCEL = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=.?"?\r?\n')
_SUPPORTED = "give parquet, Arrow (.arrow, .feather) or CSV (.csv, .tsv; UTF-8)"


def read_table(path: str | Path, *, written: bool = False) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : path
        A parquet, Arrow or Feather file, known by its first bytes whatever its name; else a text in UTF-8, separated by commas, semicolons or
        tabs, as its header and first rows say.
    written : bool
        Whether values stay as they are written: text of a text file (only an empty field is missing), whole numbers beside missing ones.

    Returns
    -------
    DataFrame of shape (n, d)
        With a plain row number as index. Empty fields and the usual words (NA, NaN, null) are missing values.

    Raises
    ------
    InputError
        If there is no such file, or it is empty, broken, or of another kind.
    """
    file = find_file(path, "table")
    head = _head(file)
    if not head:
        raise InputError(f"{file}: the file is empty")
    if head.startswith(b"PAR1"):
        frame = _arrow(file, "parquet", written=written)
    elif head.startswith(b"ARROW1"):
        frame = _arrow(file, "Arrow file", written=written)
    elif head.startswith(b"\xff\xff\xff\xff"):
        frame = _arrow(file, "Arrow stream", written=written)
    else:
        frame = _csv(file, head, written=written)
    if not frame.shape[1]:
        raise InputError(f"{file}: the table has no columns")
    if not len(frame):
        raise InputError(
            f"{file}: the table has columns ({', '.join(map(str, frame.columns[:5]))}) and no rows"
        )
    return frame


def find_file(path: str | Path, what: str) -> Path:
    """Return the path of a file that is there.

    Raises
    ------
    InputError
        If it is not there, or is a folder; with the closest name beside it.
    """
    file = Path(path)
    if file.is_file():
        return file
    if kind := kind_of_place(file):
        raise InputError(f"{name_shown(file)} is {kind}; expected a {what} file")
    beside = (
        [p.name for p in file.parent.iterdir() if p.suffix == file.suffix][:1000]
        if file.parent.is_dir()
        else []
    )
    hint = did_you_mean(file.name, beside)
    raise InputError(f"no {what} file {name_shown(file)}.{hint if hint.startswith(' Did') else ''}")


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None


def _arrow(file: Path, kind: str, *, written: bool) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        table: Any
        if kind == "parquet":
            table = pyarrow.parquet.ParquetFile(file).read()
        else:
            opened = pa.ipc.open_file if kind == "Arrow file" else pa.ipc.open_stream
            with pa.OSFile(str(file)) as source:
                table = opened(source).read_all()
        names = list(table.column_names)
        if len(set(names)) < len(names):
            twice = sorted({n for n in names if names.count(n) > 1})
            raise InputError(
                f"{file}: columns must have different names; these come twice: {', '.join(twice)}"
            )
        frame: pd.DataFrame = table.to_pandas(integer_object_nulls=written)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file}: begins like {kind} and cannot be read: {_first_line(error)}") from None
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(drop=not named)


def _csv(file: Path, head: bytes, *, written: bool) -> pd.DataFrame:
    import pandas as pd

    usual = _TEXT.get(file.suffix.lower())
    if usual is None or b"\0" in head:
        raise InputError(
            f"{file}: not a table auditkit reads ({file.suffix or 'no extension'}); {_SUPPORTED}"
        )
    if _FOR_EXCEL.match(head):
        raise InputError(f"{file}: the first line (sep=...) is meant for Excel and is no header; delete it")
    try:
        separator = _separator(file, head, usual)
        _header(file, separator)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            as_written: dict[str, Any] = (
                {"dtype": object, "keep_default_na": False, "na_values": [""]} if written else {}
            )
            read: pd.DataFrame = pd.read_csv(
                file, sep=separator, encoding="utf-8-sig", index_col=False, low_memory=False, **as_written
            )
            return read
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{file}: the file holds no columns") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
        message = _first_line(error)
        if isinstance(error, pd.errors.ParserWarning):
            message = "rows have more fields than the header has names"
        raise InputError(f"{file}: not a readable CSV: {message}") from None


def separator_of(path: str | Path) -> str | None:
    """Return what separates the fields of a table that is text, as `read_table` reads it; None of a Parquet or an Arrow file.

    Raises
    ------
    InputError
        As `read_table`.
    """
    file = find_file(path, "table")
    usual, head = _TEXT.get(file.suffix.lower()), _head(file)
    binary = head.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"))
    return None if binary or usual is None else _separator(file, head, usual)


def _separator(file: Path, head: bytes, usual: str) -> str:
    """Return what separates the fields: what is usual for the file's name, unless its header and its first rows say otherwise.

    Raises
    ------
    InputError
        If the header would be several fields by a separator that the rows do not agree with, and is one field by the usual one, or fewer where both agree: no
        table is read as one column by mistake.
    """
    seen = {one: _widths(head, one) for one in (usual, *(_SEPARATORS.keys() - {usual}))}
    several = [one for one in _SEPARATORS if len(seen[one][0]) > 1]
    agree = [one for one in several if _agree(*seen[one])]
    if not several or (usual in agree and not any(_rivals(seen[one], seen[usual]) for one in agree)):
        return usual
    if len(agree) == 1:
        return agree[0]
    if not agree and usual in several:
        return usual  # rows of several lengths: the reader tells which are too long
    looks = " or ".join(_SEPARATORS[one] for one in several)
    rows = "the rows are not" if len(several) == 1 else "the rows do not tell by which"
    other = max((one for one in several if one != usual), key=lambda one: len(seen[one][0]))
    raise InputError(
        f"{file}: the header looks separated by {looks}, and {rows}; expected {_SEPARATORS[usual]} ({file.suffix or 'no extension'}). "
        f"Write it anew with one separator (pandas.read_csv(..., sep={other!r}).to_csv(..., index=False)), or quote names that hold one"
    )


def _widths(head: bytes, separator: str) -> tuple[list[str], list[int]]:
    """Return the header, and the fields of the first rows that the beginning of a file holds whole."""
    text = io.StringIO(head.decode("utf-8-sig", "ignore"), newline="")
    try:
        rows = list(islice(csv.reader(text, delimiter=separator), _ROWS + 1))
    except csv.Error:
        return [], []
    if len(head) == _HEAD and len(rows) <= _ROWS:
        rows = rows[: max(1, len(rows) - 1)]
    header, *rest = [row for row in rows if row] or [[]]
    return header, [len(row) for row in rest]


def _agree(header: list[str], rows: list[int]) -> bool:
    return not rows or max(rows) == len(header)


def _rivals(one: tuple[list[str], list[int]], usual: tuple[list[str], list[int]]) -> bool:
    """Return whether a separator that the rows agree with fits better than the usual one, and cuts through no quotes.

    It does where it makes more fields, or as many in every row where the usual one leaves some short.
    """
    header, rows = one
    exact = min(rows, default=0) == len(header) == len(usual[0]) > min(usual[1], default=0)
    better = len(header) > len(usual[0]) or exact
    return bool(rows) and better and not any(name.count('"') % 2 for name in header)


def _header(file: Path, separator: str) -> None:
    """Refuse a header that names a column twice; pandas would rename the second without a word."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        names = next(csv.reader(stream, delimiter=separator), [])
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{file}: columns must have different names; these come twice: {', '.join(twice)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
