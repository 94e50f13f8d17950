"""Tables: parquet, Arrow and CSV files as pandas frames, told apart by content."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_file", "read_table"]

_TEXT = {".csv": ",", ".txt": ",", ".data": ",", "": ",", ".tsv": "\t"}
_SUPPORTED = "give parquet, Arrow (.arrow, .feather) or CSV (.csv, .tsv; UTF-8)"


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : path
        A parquet, Arrow or Feather file, known by its first bytes whatever its name; else a CSV or TSV text in UTF-8.

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
        frame = _arrow(file, "parquet")
    elif head.startswith(b"ARROW1"):
        frame = _arrow(file, "Arrow file")
    elif head.startswith(b"\xff\xff\xff\xff"):
        frame = _arrow(file, "Arrow stream")
    else:
        frame = _csv(file, head)
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
    if file.is_dir():
        raise InputError(f"{file} is a folder; expected a {what} file")
    beside = (
        [p.name for p in file.parent.iterdir() if p.suffix == file.suffix][:1000]
        if file.parent.is_dir()
        else []
    )
    hint = did_you_mean(file.name, beside)
    raise InputError(f"no {what} file {file}.{hint if hint.startswith(' Did') else ''}")


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(65536)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None


def _arrow(file: Path, kind: str) -> pd.DataFrame:
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
        frame: pd.DataFrame = table.to_pandas()
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file}: begins like {kind} and cannot be read: {_first_line(error)}") from None
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(drop=not named)


def _csv(file: Path, head: bytes) -> pd.DataFrame:
    import pandas as pd

    separator = _TEXT.get(file.suffix.lower())
    if separator is None or b"\0" in head:
        raise InputError(
            f"{file}: not a table auditkit reads ({file.suffix or 'no extension'}); {_SUPPORTED}"
        )
    try:
        _header(file, separator)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(file, sep=separator, encoding="utf-8-sig", index_col=False, low_memory=False)
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{file}: the file holds no columns") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
        message = _first_line(error)
        if isinstance(error, pd.errors.ParserWarning):
            message = "rows have more fields than the header has names"
        raise InputError(f"{file}: not a readable CSV: {message}") from None


def _header(file: Path, separator: str) -> None:
    """Refuse a header that names a column twice; pandas would rename the second without a word."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        names = next(csv.reader(stream, delimiter=separator), [])
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{file}: columns must have different names; these come twice: {', '.join(twice)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
