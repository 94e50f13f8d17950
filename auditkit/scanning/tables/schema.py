"""Schema: what people say a table holds, column by column, and where the table holds something else."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.scanning.tables.typed import comparable, dates_of, numbers_of, text_of, texts_of
from auditkit.scanning.tables.values import are_dates

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["TYPES", "Broken", "ColumnRule", "Schema", "draft_schema", "rules_broken"]

ColumnType = Literal["integer", "number", "text", "category", "date", "boolean"]
TYPES: dict[str, str] = {
    "integer": "whole numbers",
    "number": "numbers",
    "text": "text",
    "category": "one of some categories",
    "date": "dates",
    "boolean": "true or false",
}
_FEW = 30  # different values that a draft takes for categories
_TRUTHS = frozenset(["true", "false", "yes", "no", "0", "1", "0.0", "1.0", "t", "f", "y", "n"])


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What is said of one column.

    Attributes
    ----------
    type : str, optional
        One of `TYPES`.
    minimum, maximum : float, optional
        Ends of the range; of dates as ISO 8601.
    categories : tuple of str, optional
        Every value there may be, as text.
    pattern : str, optional
        Regular expression (RE2) that a whole value matches.
    missing : bool
        Whether a value may be missing.
    unique : bool
        Whether no value comes twice.
    optional : bool
        Whether the column may be left out of the table.
    """

    type: ColumnType | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    categories: tuple[str, ...] | None = None
    pattern: str | None = None
    missing: bool = True
    unique: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """What is said of a table.

    Attributes
    ----------
    columns : dict of str to ColumnRule
        By the name of the column.
    keys : tuple of tuple of str
        Columns that are unique together.
    closed : bool
        Whether the table has no other columns.
    digest : str
        sha256 of the file it came from; empty where it came from none.

    Raises
    ------
    InputError
        If a range is empty, an end does not fit the type, a pattern is none, or a key names a column that is not described.
    """

    columns: dict[str, ColumnRule]
    keys: tuple[tuple[str, ...], ...] = ()
    closed: bool = False
    digest: str = ""

    def __post_init__(self) -> None:
        if not self.columns:
            raise InputError("a schema describes at least one column: [columns.NAME], with type = ...")
        for name, rule in self.columns.items():
            _consistent(name, rule)
        for key in self.keys:
            if not key:
                raise InputError(
                    'keys: expected names of columns, as [["clinic", "number"]]; got an empty one'
                )
            for word in key:
                if word not in self.columns:
                    raise InputError(
                        f"keys: the schema describes no column {word!r}.{did_you_mean(word, self.columns)}"
                    )


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a table does not hold.

    Attributes
    ----------
    column : str
        Whose rule it is; of a key all its columns.
    rule : str
        "present", "type", "range", "categories", "pattern", "missing", "unique", "key" or "closed".
    said : str
        What the schema says, in words.
    rows : int
        Records that do not hold it; all for a column that is not there.
    """

    column: str
    rule: str
    said: str
    rows: int


def _consistent(name: str, rule: ColumnRule) -> None:
    if rule.type is not None and rule.type not in TYPES:
        raise InputError(f"columns.{name}.type: {rule.type!r} is none.{did_you_mean(str(rule.type), TYPES)}")
    ranged = rule.minimum is not None or rule.maximum is not None
    if ranged and rule.type not in ("integer", "number", "date"):
        raise InputError(
            f"columns.{name}: a range is for integers, numbers and dates; type is {rule.type or 'not said'}"
        )
    ends = [_end(name, rule, one) for one in (rule.minimum, rule.maximum)]
    if ranged and ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise InputError(f"columns.{name}: minimum {rule.minimum} lies above maximum {rule.maximum}")
    if rule.pattern is not None:
        _matches(name, ["x"], rule.pattern)


def _end(name: str, rule: ColumnRule, end: float | str | None) -> Any:
    if end is None:
        return None
    if rule.type == "date":
        import pandas as pd

        found = pd.to_datetime(str(end), errors="coerce", utc=True, format="ISO8601")
        if pd.isna(found):
            raise InputError(f"columns.{name}: expected a date as 2024-01-31; got {str(end)[:40]!r}")
        return found
    if isinstance(end, str) or not abs(end) <= sys.float_info.max:
        raise InputError(f"columns.{name}: expected a number as an end of the range; got {str(end)[:40]!r}")
    return float(end)


def _matches(name: str, words: list[str], pattern: str) -> np.ndarray:
    """Return which words match in whole. RE2 takes time that grows with the words alone, whatever the pattern."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(
            pa.array(["x"]), pattern
        )  # alone: a pattern that closes our bracket would match beginnings
        found = pc.match_substring_regex(pa.array(words, pa.string()), f"^(?s:(?:{pattern}))$")
    except pa.ArrowInvalid as error:
        why = str(error).strip().splitlines()[0][:200]
        raise InputError(f"columns.{name}.pattern: no pattern that RE2 reads: {why}") from None
    return np.asarray(found.to_pylist(), dtype=bool)


def rules_broken(frame: pd.DataFrame, schema: Schema) -> tuple[Broken, ...]:
    """Return the rules of a schema that a table does not hold, in the order of the schema.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Any table.
    schema : Schema
        What it should hold.

    Returns
    -------
    tuple of Broken
        Missing values break no rule but that of missing ones.

    Examples
    --------
    >>> import pandas as pd
    >>> schema = Schema({"age": ColumnRule("integer", 0, 120, missing=False)})
    >>> [(one.rule, one.rows) for one in rules_broken(pd.DataFrame({"age": [30, 999, None]}), schema)]
    [('range', 1), ('missing', 1)]
    """
    frame = comparable(frame)
    by_name = {str(name): frame.iloc[:, j] for j, name in enumerate(frame.columns)}
    found: list[Broken] = []
    for name, rule in schema.columns.items():
        if name in by_name:
            found += _of_column(name, by_name[name], rule)
        elif not rule.optional:
            found.append(Broken(name, "present", "the column is there", len(frame)))
    for key in schema.keys:
        if set(key) <= set(by_name):
            whole = frame.iloc[:, [list(by_name).index(one) for one in key]].dropna()
            again = whole.duplicated()
            if again.any():
                found.append(Broken(" × ".join(key), "key", "no two records agree", int(again.sum())))
    if schema.closed:
        more = [name for name in by_name if name not in schema.columns]
        found += [Broken(name, "closed", "there are no other columns", len(frame)) for name in more]
    return tuple(found)


def _of_column(name: str, column: pd.Series[Any], rule: ColumnRule) -> Iterator[Broken]:
    lacking = column.isna().to_numpy()
    if rule.type is not None:
        wrong, outside = _typed(name, column, rule)
        if wrong.any():
            yield Broken(name, "type", TYPES[rule.type], int(wrong.sum()))
        if outside.any():
            yield Broken(name, "range", _range(rule), int(outside.sum()))
    if rule.categories is not None or rule.pattern is not None:
        codes, texts = texts_of(column)
        counts = np.bincount(codes[codes >= 0], minlength=len(texts))
        if rule.categories is not None:
            allowed = frozenset(rule.categories)
            n = int(counts[[one not in allowed for one in texts]].sum()) if texts else 0
            if n:
                yield Broken(name, "categories", f"one of {len(allowed)} categories", n)
        if rule.pattern is not None and texts:
            n = int(counts[~_matches(name, texts, rule.pattern)].sum())
            if n:
                yield Broken(name, "pattern", f"matches {rule.pattern}", n)
    if not rule.missing and lacking.any():
        yield Broken(name, "missing", "no value is missing", int(lacking.sum()))
    if rule.unique:
        again = int(column[~lacking].duplicated().sum())
        if again:
            yield Broken(name, "unique", "no value comes twice", again)


def _typed(name: str, column: pd.Series[Any], rule: ColumnRule) -> tuple[np.ndarray, np.ndarray]:
    """Return which values are of another type, and which of the others lie outside the range."""
    import pandas as pd

    there = column.notna().to_numpy()
    outside = np.zeros(len(column), dtype=bool)
    values: Any
    if rule.type in ("integer", "number"):
        values = numbers_of(column)
        if pd.api.types.is_bool_dtype(column.dtype):
            values = np.full(len(column), np.nan)
        wrong = there & ~np.isfinite(values)
        if rule.type == "integer":
            wrong |= there & np.isfinite(values) & (values != np.rint(values))
    elif rule.type == "date":
        values = dates_of(column)
        wrong = there & values.isna().to_numpy()
    elif rule.type == "boolean" and not pd.api.types.is_bool_dtype(column.dtype):
        codes, texts = texts_of(column)
        fits = np.array([one.strip().casefold() in _TRUTHS for one in texts] + [True])
        return ~fits[codes], outside
    elif rule.type == "text":
        codes, values_ = pd.factorize(column)
        fits = np.array([isinstance(one, str) for one in values_] + [True])
        return ~fits[codes], outside
    else:
        return np.zeros(len(column), dtype=bool), outside
    for end, beyond in ((_end(name, rule, rule.minimum), "lt"), (_end(name, rule, rule.maximum), "gt")):
        if end is not None:
            outside |= np.asarray(getattr(pd.Series(values), beyond)(end), dtype=bool)
    return wrong, outside & ~wrong


def _range(rule: ColumnRule) -> str:
    low, high = ("" if end is None else text_of(end) for end in (rule.minimum, rule.maximum))
    return " ".join([*([f"from {low}"] if low else []), *([f"to {high}"] if high else [])])


def draft_schema(frame: pd.DataFrame) -> Schema:
    """Return a schema that the table holds: types, ranges, few categories, and where nothing is missing.

    It repeats what is there, mistakes among it: to be read and put right by somebody who knows the data. Ranges are of numbers alone, and texts of more
    than 30 different values get none, so that it seldom names a person: read it before it goes anywhere.

    Examples
    --------
    >>> import pandas as pd
    >>> draft_schema(pd.DataFrame({"age": [30, 41], "sex": ["f", "m"]})).columns["age"]
    ColumnRule(type='integer', minimum=30.0, maximum=41.0, categories=None, pattern=None, missing=False, unique=False, optional=False)
    """
    frame = comparable(frame)
    return Schema({str(name): _drafted(frame.iloc[:, j]) for j, name in enumerate(frame.columns)})


def _drafted(column: pd.Series[Any]) -> ColumnRule:
    import pandas as pd

    known = column.dropna()
    whole = not column.isna().any()
    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return ColumnRule("boolean", missing=not whole)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return ColumnRule("date", missing=not whole)
    if pd.api.types.is_numeric_dtype(dtype):
        values = numbers_of(known)
        values = values[np.isfinite(values)]
        if not values.size:
            return ColumnRule("number", missing=not whole)
        integer = bool(np.all(values == np.rint(values)))
        low, high = float(values.min()), float(values.max())
        return ColumnRule("integer" if integer else "number", low, high, missing=not whole)
    texts = sorted({text_of(one) for one in known.unique()})
    if texts and are_dates(texts) and not dates_of(pd.Series(texts)).isna().any():
        return ColumnRule("date", missing=not whole)
    if 0 < len(texts) <= _FEW and 2 * len(texts) <= len(known):
        return ColumnRule("category", categories=tuple(texts), missing=not whole)
    return ColumnRule(
        "text" if known.map(lambda one: isinstance(one, str)).all() else None, missing=not whole
    )
