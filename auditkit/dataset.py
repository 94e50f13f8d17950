"""Dataset: rows with their labels, and who they are about."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import frames
from auditkit.errors import InputError, did_you_mean
from auditkit.methods.bands import band_edges, banded

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with their labels, and who they are about.

    Parameters
    ----------
    X : table of shape (n, d), or None
        The model's inputs: DataFrame of pandas, polars or Arrow, or a numpy array. None where only
        predictions are known.
    y : array-like of shape (n,)
        The true labels or values.
    sensitive_features : table of shape (n, s), Series, dict of arrays, or list of column names of X
        Attributes along which groups are compared. Missing values are a group.
    control_features : as `sensitive_features`, optional
        Attributes within whose strata groups are compared where a check offers it, such as the job applied for.
    sample_weight : array-like of shape (n,), optional
        How many records of the population a row stands for; at least 0. A check that does not use weights says so.
    bands : dict of name to int or sequence of float, optional
        Numeric sensitive or control features to compare in bands: ``{"age": [25, 40]}`` gives "under 25", "25 to under 40" and "40 or more",
        ``{"age": 4}`` four bands of about equal size. Without bands a number of more than 20 values is compared in four, the same in
        every check. The model's inputs stay as they are.

    Raises
    ------
    InputError
        If lengths differ, there are no rows, labels are missing, a column is not there, or two tables of pandas have
        indexes that say that their rows are not in the same order. Rows correspond by position; nothing is reordered.

    Examples
    --------
    >>> data = Dataset({"age": [30, 50], "sex": ["F", "M"]}, [0, 1], sensitive_features=["sex"])
    >>> len(data), list(data.sensitive_features.columns)
    (2, ['sex'])
    """

    X: Any
    y: Any
    sensitive_features: Any = None
    control_features: Any = field(default=None, kw_only=True)
    sample_weight: Any = field(default=None, kw_only=True)
    bands: Any = field(default=None, kw_only=True)
    native: frames.Native = field(init=False, default="pandas", repr=False)

    def __post_init__(self) -> None:
        import pandas as pd

        if isinstance(self.X, dict):
            object.__setattr__(self, "X", _from_dict("X", self.X))
        y = _labels(self.y, self.X)
        native: frames.Native = "pandas" if self.X is None else frames.native_of(self.X)
        X = pd.DataFrame(index=range(len(y))) if self.X is None else frames.to_pandas(self.X)
        if len(y) == 0 or len(X) == 0:
            raise InputError(f"a data set needs rows; got {len(X)} rows of features and {len(y)} labels")
        if len(X) != len(y):
            raise InputError(f"X has {len(X)} rows and y has {len(y)}: one label a row is needed")
        _check_indexes(
            X=self.X,
            y=self.y,
            sensitive_features=self.sensitive_features,
            control_features=self.control_features,
            sample_weight=self.sample_weight,
        )
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "native", native)
        object.__setattr__(self, "sensitive_features", _columns("sensitive", self.sensitive_features, X))
        object.__setattr__(self, "control_features", _columns("control", self.control_features, X))
        object.__setattr__(self, "sample_weight", _weights(self.sample_weight, len(y)))
        object.__setattr__(self, "bands", self._in_bands(self.bands))

    def _in_bands(self, given: Any) -> dict[str, tuple[float, ...]]:
        """Put features in bands, and return where these begin."""
        if given is not None and not isinstance(given, Mapping):
            raise InputError(f'bands= takes a dict of name to edges, {{"age": [25, 40]}}; got {given!r}')
        parts = {name: getattr(self, name) for name in ("sensitive_features", "control_features")}
        found: dict[str, tuple[float, ...]] = {}
        for name, asked in (given or {}).items():
            holders = [key for key, frame in parts.items() if frame is not None and name in frame.columns]
            if not holders:
                known = [*self.sensitive_names, *self.control_names]
                raise InputError(
                    f"bands: {name!r} is no sensitive or control feature.{did_you_mean(str(name), known)}"
                )
            for key in holders:
                column = parts[key][name]
                found[str(name)] = band_edges(str(name), column, asked)
                parts[key] = parts[key].assign(**{name: banded(str(name), column, found[str(name)])})
                object.__setattr__(self, key, parts[key])
        return found

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        who = "" if self.sensitive_features is None else f", sensitive: {', '.join(self.sensitive_names)}"
        return f"Dataset({len(self):,} rows, {self.X.shape[1]} features{who})"

    @property
    def sensitive_names(self) -> list[str]:
        """Names of the sensitive features; empty if there are none."""
        return [] if self.sensitive_features is None else [str(c) for c in self.sensitive_features.columns]

    @property
    def control_names(self) -> list[str]:
        """Names of the control features; empty if there are none."""
        return [] if self.control_features is None else [str(c) for c in self.control_features.columns]

    @property
    def empty_columns(self) -> dict[Any, int]:
        """Columns of X without a single value, and how many rows they miss it in."""
        return {name: len(self) for name in self.X.columns if self.X[name].isna().all()}

    @cached_property
    def digest(self) -> str:
        """sha256 over features, labels, sensitive and control features, and weights."""
        extra = [part for part in (self.control_features, self.sample_weight) if part is not None]
        return frames.digest(self.X, self.y, self.sensitive_features, *extra)

    def record_ids(self, rows: Iterable[int]) -> list[str]:
        """Return pseudonyms of rows: whoever holds these data can tell which row one is, nobody else what it stands for.

        A keyed hash (HMAC-SHA256, 12 hexadecimal digits) of the row number under the digest of all the data. Who has a report
        and not the data learns a row number at most.

        Parameters
        ----------
        rows : iterable of int
            Row numbers from 0.

        Examples
        --------
        >>> data = Dataset({"a": [1.0, 2.0]}, [0, 1])
        >>> (name,) = data.record_ids([1])
        >>> len(name), data.record_ids(range(len(data))).index(name)  # and back again
        (12, 1)
        """
        key = self.digest.encode()
        return [hmac.new(key, str(int(row)).encode(), "sha256").hexdigest()[:12] for row in rows]

    def take(self, rows: np.ndarray) -> Dataset:
        """Return the data set of these row numbers, in this order."""
        part = Dataset(
            self.X.iloc[rows].reset_index(drop=True),
            self.y[rows],
            _rows(self.sensitive_features, rows),
            control_features=_rows(self.control_features, rows),
            sample_weight=None if self.sample_weight is None else self.sample_weight[rows],
        )
        object.__setattr__(part, "native", self.native)
        object.__setattr__(part, "bands", self.bands)
        return part

    def describe(self) -> dict[str, Any]:
        """Return what the report says of the data."""
        found = {"rows": len(self), "columns": list(map(str, self.X.columns)), "digest": self.digest}
        return found | (
            {"bands": {name: list(edges) for name, edges in self.bands.items()}} if self.bands else {}
        )


def _labels(y: Any, X: Any) -> np.ndarray:
    import pandas as pd

    if y is None:
        raise InputError("y is None: an audit needs the true labels or values, Dataset(X, y)")
    if isinstance(y, str):
        raise InputError(_name_for_labels(y, X))
    array = np.asarray(y) if not hasattr(y, "to_numpy") else np.asarray(y.to_numpy())
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"labels must be one a row; got {type(y).__name__} of shape {array.shape}")
    series = pd.Series(array)
    missing = int(series.isna().sum())
    if missing:
        raise InputError(
            f"{missing} of {len(series)} labels are missing: drop these rows, or say what they are"
        )
    values = series.to_numpy()
    if series.dtype.kind in "mM":
        raise InputError(
            "labels must be classes or numbers; y holds dates: for days as a regression give "
            "(y - y.min()) / pandas.Timedelta(days=1)"
        )
    if series.dtype.kind not in "OTU":
        return values
    kinds = sorted({type(v).__name__ for v in series.unique()})
    if kinds == ["str"]:
        return values.astype(str)
    if len(kinds) > 1:
        raise InputError(f"labels must be of one type; these mix {' and '.join(kinds)}")
    return np.array(values.tolist())


def _name_for_labels(name: str, X: Any) -> str:
    columns = [str(c) for c in getattr(X, "columns", ())]
    if name in columns:
        return f"y={name!r} is the name of a column of X: give its values and take it out of X, y=X.pop({name!r})"
    return f"y={name!r} is a word: give the labels themselves, one a row.{did_you_mean(name, columns)}"


def _columns(role: str, given: Any, X: pd.DataFrame) -> pd.DataFrame | None:
    import pandas as pd

    if given is None or (isinstance(given, (list, tuple, dict)) and not given):
        return None
    if isinstance(given, str):
        given = [given]
    if isinstance(given, (list, tuple)):
        frame = _named(role, list(given), X)
    elif isinstance(given, dict):
        frame = _from_dict(f"{role}_features", {k: np.asarray(v) for k, v in given.items()})
    elif isinstance(given, np.ndarray) and given.ndim == 1:
        frame = pd.DataFrame({role: given})
    elif isinstance(given, pd.Series):
        frame = given.to_frame(given.name or role)
    else:
        frame = frames.to_pandas(given)
    if len(frame) != len(X):
        raise InputError(f"{role}_features has {len(frame)} rows and X has {len(X)}")
    return frame.reset_index(drop=True)


def _named(role: str, given: list[Any], X: pd.DataFrame) -> pd.DataFrame:
    """Return columns of X by name; tell who gave values instead."""
    words = all(isinstance(g, str) for g in given)
    values = len(given) == len(X) and not any(g in X.columns for g in given if isinstance(g, str))
    if not words or (values and len(X) > 1):
        what = "values" if len(given) == len(X) else "a list of other things than column names"
        raise InputError(
            f'{role}_features holds {what}: give columns of X by name, ["sex"], or values under their names, '
            '{"sex": sex, "age": age}'
        )
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise InputError(f"{role}_features names {', '.join(map(repr, twice))} twice: name each column once")
    for name in given:
        if name not in X.columns:
            raise InputError(
                f"no column {name!r} to be a {role} feature.{did_you_mean(name, map(str, X.columns))}"
            )
    return X[given]


def _from_dict(role: str, given: dict[Any, Any]) -> pd.DataFrame:
    import pandas as pd

    sizes = {str(k): len(v) for k, v in given.items() if hasattr(v, "__len__") and not isinstance(v, str)}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name!r} has {n}" for name, n in sizes.items())
        raise InputError(f"the columns of {role} must be of one length: {told}")
    try:
        return pd.DataFrame(given)
    except ValueError as error:
        raise InputError(
            f"{role} must be a dict of columns, each an array of one value a row: {error}"
        ) from None


def _check_indexes(**given: Any) -> None:
    """Refuse tables of pandas whose indexes say that their rows are not in the same order."""
    import pandas as pd

    indexes: dict[str, pd.Index[Any]] = {}
    for name, value in given.items():
        parts = value if isinstance(value, dict) else {"": value}
        for key, part in parts.items():
            if isinstance(part, (pd.Series, pd.DataFrame)):
                indexes[f"{name}[{key!r}]" if isinstance(value, dict) else name] = part.index
    names = list(indexes)
    for j, other in enumerate(names):
        for one in names[:j]:
            _check_pair(one, indexes[one], other, indexes[other])


def _check_pair(one: str, a: pd.Index[Any], other: str, b: pd.Index[Any]) -> None:
    if len(a) != len(b) or a.equals(b):
        return  # lengths are told where the part is read
    plain = _is_row_numbers(a) or _is_row_numbers(b)
    same = a.is_unique and b.is_unique and not len(a.difference(b, sort=False))
    if plain and not same:
        return  # one of them was numbered anew, so that only the position is left to go by
    how = "the same labels in another order" if same else "other labels"
    raise InputError(
        f"the indexes of {one} and {other} differ ({how}): align with {other}.loc[{one}.index], or, if the rows "
        f"correspond by position, {other}.reset_index(drop=True) and {one}.reset_index(drop=True)"
    )


def _is_row_numbers(index: pd.Index[Any]) -> bool:
    import pandas as pd

    return index.equals(pd.RangeIndex(len(index)))


def _rows(frame: pd.DataFrame | None, rows: np.ndarray) -> pd.DataFrame | None:
    return None if frame is None else frame.iloc[rows].reset_index(drop=True)


def _weights(given: Any, n: int) -> np.ndarray | None:
    if given is None:
        return None
    weights = np.asarray(given, dtype=float)
    if weights.shape != (n,):
        raise InputError(f"sample_weight must be one number a row, {n} in all; got shape {weights.shape}")
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise InputError("sample_weight must be finite numbers of at least 0, not all of them 0")
    return weights
