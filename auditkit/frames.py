"""Frames: tables in any dress (pandas, polars, Arrow, numpy) to pandas and back, and to float codes and back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from auditkit.errors import InputError, needs

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

__all__ = ["Codec", "Native", "digest", "from_pandas", "native_of", "to_pandas"]

Native = Literal["pandas", "polars", "pyarrow", "numpy"]
_LARGEST_EXACT = 2**53  # beyond it, floats skip integers
ColumnKind = Literal["continuous", "integer", "categorical"]


def native_of(X: Any) -> Native:
    """Return in which dress a table came."""
    module = type(X).__module__.partition(".")[0]
    if module in ("pandas", "polars", "pyarrow"):
        return module  # type: ignore[return-value]
    return "numpy"


def to_pandas(X: Any) -> pd.DataFrame:
    """Return any table as a pandas DataFrame with a plain row number as index.

    Parameters
    ----------
    X : DataFrame of pandas, polars or Arrow, or array of shape (n, d)
        Columns of an array are named ``x0`` to ``x{d-1}``.

    Raises
    ------
    InputError
        If it is not a table, or two columns share a name.
    """
    import pandas as pd

    _check_table(X)
    if native_of(X) == "numpy":
        values = np.asarray(X)
        if values.ndim != 2:
            raise InputError(
                f"expected a table (n rows, d columns), got {type(X).__name__} of shape {values.shape}"
            )
        frame = pd.DataFrame(values, columns=[f"x{i}" for i in range(values.shape[1])])
        frame = frame.infer_objects()  # numbers beside words in one array are numbers still
    else:
        _check_names(X.column_names if hasattr(X, "column_names") else X.columns)
        if isinstance(X, pd.DataFrame):
            return X.reset_index(drop=True)
        import narwhals as nw

        frame = nw.from_native(X, eager_only=True).to_pandas().reset_index(drop=True)
    return frame


def _check_table(X: Any) -> None:
    """Refuse what holds no rows, or holds them in a form that no model here takes, and say how to get a table."""
    name, module = type(X).__name__, type(X).__module__.partition(".")[0]
    got = f"expected a table (n rows, d columns), got {type(X).__module__}.{name}"
    if isinstance(X, (str, Path)):
        raise InputError(f"got the path {str(X)!r}; read it first: auditkit.loading.read_table({str(X)!r})")
    if name == "LazyFrame":
        raise InputError("a lazy frame holds no rows yet: give X.collect()")
    if module == "scipy":
        raise InputError(f"{got}: give X.toarray(), or pandas.DataFrame.sparse.from_spmatrix(X)")
    if native_of(X) != "numpy" and name not in ("DataFrame", "Table"):
        cure = "; give X.to_frame()" if name == "Series" else ""
        raise InputError(got + cure)


def _check_names(columns: Iterable[Any]) -> None:
    names = [str(c) for c in columns]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InputError(f"columns must have different names; these come twice: {', '.join(twice)}")


def from_pandas(frame: pd.DataFrame, native: Native) -> Any:
    """Return a pandas DataFrame in the dress a model expects."""
    if native == "pandas":
        return frame
    if native == "numpy":
        return frame.to_numpy()
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    if native == "pyarrow":
        return table
    try:
        import polars as pl
    except ImportError:  # pragma: no cover - a polars frame came in, so polars is there
        raise needs("polars", "polars", "a model that takes polars frames") from None
    return pl.from_arrow(table)


def digest(*tables: Any) -> str:
    """Return the sha256 over the values, names and order of tables and arrays; the dtype counts too."""
    import pandas as pd

    sha = hashlib.sha256()
    for table in tables:
        if table is None:
            sha.update(b"none")
            continue
        frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame({"values": np.asarray(table)})
        sha.update(repr([(str(c), str(t)) for c, t in frame.dtypes.items()]).encode())
        if frame.shape[1]:
            sha.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        sha.update(str(frame.shape).encode())
    return sha.hexdigest()


@dataclass(frozen=True)
class Codec:
    """A table as floats and back: categories as integer codes, missing as ``nan``.

    A column of integers beyond 2**53, which floats do not tell apart, is one of categories: such numbers are names.

    Attributes
    ----------
    columns : tuple
        Column names, in order.
    dtypes : tuple
        Their pandas dtypes, given back on the way out.
    kinds : tuple of {"continuous", "integer", "categorical"}
        What a column's numbers mean.
    categories : tuple of tuple
        For a categorical column its values by code; else empty.
    missing : tuple
        What stands for a missing value in a column of objects: the first that was seen there, else ``nan``.
    """

    columns: tuple[Any, ...]
    dtypes: tuple[Any, ...]
    kinds: tuple[ColumnKind, ...]
    categories: tuple[tuple[Any, ...], ...]
    missing: tuple[Any, ...]

    @classmethod
    def of(cls, *frames: pd.DataFrame) -> Self:
        """Learn kinds and categories from tables with the same columns."""
        import pandas as pd

        first = frames[0]
        kinds: list[ColumnKind] = []
        categories: list[tuple[Any, ...]] = []
        dtypes: list[Any] = []
        missing: list[Any] = []
        for name in first.columns:
            parts = [f[name] for f in frames]
            column = pd.concat(parts) if len(frames) > 1 else first[name]
            kind = _kind(column)
            kinds.append(kind)
            known = [part.dtype.categories for part in parts if isinstance(part.dtype, pd.CategoricalDtype)]
            alike = all(part.dtype == parts[0].dtype for part in parts)
            if len(known) == len(parts) and not alike:  # tables that each know categories of their own
                union = (
                    pd.Index(known[0])
                    .append([k.difference(known[0], sort=False) for k in known[1:]])
                    .unique()
                )
                column = column.astype(pd.CategoricalDtype(union))
            categories.append(_categories(column) if kind == "categorical" else ())
            dtypes.append(parts[0].dtype if alike else column.dtype)
            missing.append(next(iter(column[column.isna()].head(1)), np.nan))
        return cls(tuple(first.columns), tuple(dtypes), tuple(kinds), tuple(categories), tuple(missing))

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Return shape (n, d) floats; a value never seen becomes ``nan``."""
        import pandas as pd

        out = np.empty((len(frame), len(self.columns)), dtype=float)
        for j, name in enumerate(self.columns):
            if self.kinds[j] == "categorical":
                index = pd.Index(list(self.categories[j]), dtype=object)
                codes = index.get_indexer(pd.Index(frame[name].astype(object)))
                out[:, j] = np.where(codes < 0, np.nan, codes)
            else:
                out[:, j] = frame[name].to_numpy(dtype=float, na_value=np.nan)
        return out

    def decode(self, matrix: np.ndarray, only: Iterable[int] | None = None) -> pd.DataFrame:
        """Return a DataFrame of the dtypes it came with, of all columns or of those at some places; an integer column with ``nan`` becomes float."""
        import pandas as pd

        places = range(len(self.columns)) if only is None else only
        return pd.DataFrame({self.columns[j]: self._column(j, matrix[:, j]) for j in places})

    def _column(self, j: int, values: np.ndarray) -> Any:
        import pandas as pd

        dtype = self.dtypes[j]
        if self.kinds[j] != "categorical":
            numpy_int = isinstance(dtype, np.dtype) and dtype.kind in "iu"
            if numpy_int and np.isnan(values).any():
                return pd.Series(values)
            rounded = np.rint(values) if getattr(dtype, "kind", "f") in "iu" else values
            return pd.Series(rounded).astype(dtype)
        codes = np.where(np.isnan(values), -1, np.rint(np.nan_to_num(values))).astype(int)
        if j in self._known:
            return pd.Series(self._known[j].take(codes))
        column = pd.Series(self._values(j)[codes], dtype=object)
        if (codes < 0).any() and isinstance(dtype, np.dtype) and dtype.kind in "biu":
            return column if dtype.kind == "b" else column.astype(float)
        return column if dtype == object else column.astype(dtype)

    def _values(self, j: int) -> np.ndarray:
        """Return the values of a categorical column by code, and last what stands for a missing one."""
        known = np.empty(len(self.categories[j]) + 1, dtype=object)
        known[:-1] = self.categories[j]
        known[-1] = self.missing[j] if self.dtypes[j] == object else np.nan
        return known

    @cached_property
    def _known(self) -> dict[int, Any]:
        """The values of each categorical column that has a dtype of pandas' own, made once: an attack decodes a table at each step."""
        import pandas as pd

        return {
            j: pd.Series(self._values(j), dtype=object).astype(dtype).array
            for j, dtype in enumerate(self.dtypes)
            if self.kinds[j] == "categorical" and not isinstance(dtype, np.dtype)
        }


def _kind(column: pd.Series[Any]) -> ColumnKind:
    import pandas as pd

    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return "categorical"
    if pd.api.types.is_integer_dtype(column):
        return "categorical" if _beyond_floats(column) else "integer"
    values = column.to_numpy(dtype=float, na_value=np.nan)
    values = values[np.isfinite(values)]
    return "integer" if len(values) and bool(np.all(values == np.rint(values))) else "continuous"


def _beyond_floats(column: pd.Series[Any]) -> bool:
    known = column.dropna()
    return bool(len(known)) and max(-int(known.min()), int(known.max())) > _LARGEST_EXACT


def _categories(column: pd.Series[Any]) -> tuple[Any, ...]:
    import pandas as pd

    known = (
        column.dtype.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.dropna().unique()
    )
    return tuple(sorted(known, key=lambda v: (str(type(v)), str(v))))
