"""Evidence: what a check observed, before anyone judged it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Self

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = [
    "Evidence",
    "Interval",
    "Measurement",
    "Table",
    "from_json_number",
    "json_number",
    "jsonable",
    "writable",
]

Bound = Literal["lower", "upper"]
Outcome = Literal["observed", "not_applicable", "error"]
Kind = Literal["estimates", "curve", "roc", "matrix", "bracket", "images", "beeswarm", "waterfall", "plain"]

REQUIRED_COLUMNS: dict[str, tuple[str, ...]] = {
    "estimates": ("label", "value", "low", "high", "n"),
    "curve": ("x", "value", "low", "high", "n"),
    "roc": ("fpr", "tpr"),
    "matrix": ("row", "column", "value", "n"),
    "bracket": ("x", "certified", "attacked", "low", "high", "n"),
    "images": ("panel", "row", "column", "value"),
    "beeswarm": ("label", "value", "strength"),
    "waterfall": ("label", "value", "role"),
    "plain": (),
}


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval and how it was made.

    Attributes
    ----------
    low, high : float
        The ends, in the unit of the measurement; infinite where the data give no bound.
    level : float
        Confidence level, between 0 and 1.
    method : str
        Its name in the literature: "wilson", "newcombe", "delong".
    """

    low: float
    high: float
    level: float
    method: str

    def __post_init__(self) -> None:
        for name in ("low", "high", "level"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        if not 0 < self.level < 1:
            raise InputError(f"the level of an interval lies between 0 and 1; got {self.level}")
        if self.low > self.high:
            raise InputError(f"the ends of an interval are in order; got {self.low} above {self.high}")


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number that can be doubted.

    Attributes
    ----------
    metric : str
        The field's name, in snake case: "demographic_parity_difference".
    value : float
        The estimate; ``nan`` when undefined, and then `reason` says why.
    n : int
        Records (or pairs, trials) the number rests on.
    interval : Interval, optional
        What the data are compatible with.
    group : str, optional
        Whom it is about ("sex=Female"), or over which feature groups were compared ("sex").
    bound : {"lower", "upper"}, optional
        "lower" marks what an attack achieved: the true risk is at least that.
    p_value : float, optional
        Of the test of "no difference" or "no effect", before any correction; None where there is none.
    reason : str, optional
        Why the value is undefined, or what must be known to read it.
    n_needed : int, optional
        Records in all, mixed as these, that would show the difference that matters; where there are too few.
    p_method : str, optional
        How the p-value was made, or why there is none.
    p_adjusted : float, optional
        The p-value after Benjamini-Hochberg over all hypotheses of the audit; only in the evidence of a report.
    hypothesis : str, optional
        What the test asks, where several measurements share one test ("selection_rate alike over sex": the difference and the
        ratio); it then counts once among the tests of the audit. None where the measurement has a test of its own.
    missing : str, optional
        Records without which a limit is never met, however many there are of the others; the interval reaches as far as these could
        take it.
    by_construction : bool
        Whether the value follows from how it was made, whatever the model and the data (an explainer that draws nothing at random is
        the same with another seed); `reason` says why. Within a limit it is then no result of a test, and not shown as one.
    """

    metric: str
    value: float
    n: int
    interval: Interval | None = None
    group: str | None = None
    bound: Bound | None = None
    p_value: float | None = None
    reason: str | None = None
    n_needed: int | None = None
    p_method: str | None = None
    p_adjusted: float | None = None
    hypothesis: str | None = None
    missing: str | None = None
    by_construction: bool = False

    def __post_init__(self) -> None:
        p = None if self.p_value is None else _number("p_value", self.p_value)
        if p is not None and not math.isnan(p) and not 0 <= p <= 1:
            raise InputError(f"a p-value lies between 0 and 1; {self.metric} has {p}")
        if self.bound not in (None, "lower", "upper"):
            raise InputError(f"bound is 'lower', 'upper' or left out; {self.metric} has {self.bound!r}")
        if self.interval is not None and not isinstance(self.interval, Interval):
            raise InputError(f"interval= takes an Interval; {self.metric} has {type(self.interval).__name__}")
        if self.by_construction and not self.reason:
            raise InputError(f"what holds by construction says why: {self.metric} has no reason=")
        plain = {
            "metric": str(self.metric),
            "value": _number("value", self.value),
            "n": int(_number("n", self.n)),
            "p_value": None if p is None or math.isnan(p) else p,
            "group": None if self.group is None else str(self.group),
            "n_needed": None if self.n_needed is None else int(_number("n_needed", self.n_needed)),
            "by_construction": bool(self.by_construction),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; infinities and ``nan`` as strings and null."""
        return jsonable(asdict(self))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        raw = dict(data)
        interval = raw.pop("interval", None)
        value = from_json_number(raw.pop("value"))
        if interval is not None:
            interval = Interval(
                from_json_number(interval["low"]),
                from_json_number(interval["high"]),
                interval["level"],
                interval["method"],
            )
        return cls(value=value, interval=interval, **raw)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows behind a statement or a figure.

    Attributes
    ----------
    title : str
        What the table shows, as a reader would ask for it.
    columns : dict of str to tuple
        Column name to values; all of one length.
    kind : {"estimates", "curve", "roc", "matrix", "bracket", "images", "beeswarm", "waterfall", "plain"}
        What the data *are*; whoever shows them decides how. ``estimates``: one row a label, with
        ``value, low, high, n``. ``curve``: ``x`` against ``value, low, high`` (and ``x_low, x_high`` where x was measured too). ``roc``: ``fpr, tpr`` (and
        ``low, high``). ``matrix``: ``row, column, value, n``. A column ``series`` splits the first three.
        ``bracket``: against ``x`` what is at least so, ``certified``, and at most, ``attacked``; ``low`` is the lower end of
        the one and ``high`` the upper end of the other. ``images``: the ``value`` of each pixel of each ``panel``.
        ``beeswarm``: a ``value`` of each record under each ``label``, with its ``strength`` from 0 to 1, or None. ``waterfall``: what
        a sum is made of in order, ``role`` "base", "part" or "output"; with a ``probability`` after each step where values are log odds.
    labels : dict of str to str
        Words for the columns, with units; under "reference" what that value is: "all records"; under "largest" what rows of the
        largest values are, where a figure need show no others: "costliest faults"; under "order" what the rows are ordered by, where
        a figure is to keep their order: "group".
    summary : str
        One sentence of what the table says; it is also the text alternative of the figure.
    reference : float, optional
        A value to compare with: the overall rate, chance.
    """

    title: str
    columns: dict[str, tuple[Any, ...]]
    kind: Kind = "plain"
    labels: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    reference: float | None = None

    def __post_init__(self) -> None:
        missing = [name for name in REQUIRED_COLUMNS[self.kind] if name not in self.columns]
        if missing:
            raise InputError(
                f"a table of kind {self.kind!r} needs the columns {missing}; got {list(self.columns)}"
            )
        lengths = {name: len(values) for name, values in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"the columns of a table must have one length; got {lengths}")
        object.__setattr__(self, "columns", {k: tuple(map(_plain, v)) for k, v in self.columns.items()})

    def __repr__(self) -> str:
        rows, *names = len(next(iter(self.columns.values()), ())), *map(str, self.columns)
        return f"Table({self.title!r}: {rows} {'row' if rows == 1 else 'rows'} of {', '.join(names) or 'no columns'}; .frame() to read them)"

    def frame(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(writable({name: list(values) for name, values in self.columns.items()}))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return jsonable(asdict(self))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; null in a numeric column is ``nan``."""
        raw = dict(data)
        raw["columns"] = {name: _restored(values) for name, values in raw["columns"].items()}
        return cls(**raw)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one check observed, with the data behind every figure.

    Attributes
    ----------
    check : str
        The check's stable code: "AK101".
    measurements : tuple of Measurement
        The numbers.
    tables : dict of str to Table
        The data behind statements and figures.
    params : dict
        Every parameter as resolved.
    says, does_not_say : str
        One sentence each: what was found, and what must not be concluded from it.
    notes : tuple of str
        Anything a reader must know: rows dropped, a fallback taken, a cheaper method used.
    rows : dict
        Rows used and how they were drawn: ``{"used": 500, "of": 16281, "how": "random, without replacement"}``. Its key ``left_out`` says in words
        what the check did not look at; the report tells it among what was not examined.
    cost : dict
        ``{"model_calls": ..., "model_rows": ..., "refits": ...}``.
    seed : str
        Where the random numbers came from: the audit's seed and the check's code.
    outcome : {"observed", "not_applicable", "error"}
        Whether the check could run; if not, `reason` says what is missing or what broke.
    reason : str
        A sentence; empty when observed.
    """

    check: str
    measurements: tuple[Measurement, ...] = ()
    tables: dict[str, Table] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    does_not_say: str = ""
    notes: tuple[str, ...] = ()
    rows: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, int] = field(default_factory=dict)
    seed: str = ""
    outcome: Outcome = "observed"
    reason: str = ""

    def __post_init__(self) -> None:
        if self.outcome not in ("observed", "not_applicable", "error"):
            raise InputError(f"no outcome named {self.outcome!r}: 'observed', 'not_applicable' or 'error'")
        object.__setattr__(self, "measurements", tuple(self.measurements))
        object.__setattr__(self, "notes", tuple(map(str, self.notes)))

    def __repr__(self) -> str:
        if self.outcome != "observed":
            return f"Evidence({self.check}: {self.outcome}: {self.reason})"
        n, names = len(self.measurements), ", ".join(map(repr, self.tables)) or "none"
        held = f"{n} {'measurement' if n == 1 else 'measurements'}; tables: {names}"
        return (
            f"Evidence({self.check}: {held}; .says in words, .frame() for the numbers, .tables[...].frame())"
        )

    def measurement(self, metric: str, group: str | None = None) -> Measurement:
        """Return the one measurement of this metric (and group)."""
        found = [m for m in self.measurements if m.metric == metric and (group is None or m.group == group)]
        if len(found) != 1:
            have = sorted({f"{m.metric} ({m.group})" if m.group else m.metric for m in self.measurements})
            raise InputError(
                f"{len(found)} measurements of {metric!r} for group {group!r}; have: {', '.join(have)}"
            )
        return found[0]

    def frame(self) -> pd.DataFrame:
        """Return the measurements as a pandas DataFrame, one row each."""
        import pandas as pd

        rows = []
        for m in self.measurements:
            row = {k: v for k, v in asdict(m).items() if k != "interval"}
            own = ("low", "high", "level", "method")
            ends = asdict(m.interval) if m.interval else dict(zip(own, (*[math.nan] * 3, ""), strict=True))
            rows.append({**row, **ends})
        names = [f.name for f in fields(Measurement) if f.name != "interval"]
        return pd.DataFrame(writable(rows), columns=[*names, "low", "high", "level", "method"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return jsonable(asdict(self))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        raw = dict(data)
        raw["measurements"] = tuple(Measurement.from_dict(m) for m in raw.get("measurements", ()))
        raw["tables"] = {name: Table.from_dict(t) for name, t in raw.get("tables", {}).items()}
        raw["notes"] = tuple(raw.get("notes", ()))
        return cls(**raw)


def json_number(value: float | None) -> float | str | None:
    """Return a number JSON can hold: ``nan`` as None, infinities as "Infinity" and "-Infinity"."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def from_json_number(value: float | str | None) -> float:
    """Read what `json_number` wrote."""
    return math.nan if value is None else float(value)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be a number; got {value!r}") from None


def _plain(value: Any) -> Any:
    """Turn numpy scalars and dates into what JSON and equality understand."""
    if value is None or (
        isinstance(value, (str, bool, int, float)) and type(value) in (str, bool, int, float)
    ):
        return value
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def jsonable(value: Any) -> Any:
    """Return plain JSON values: mappings, lists, text, numbers; what JSON cannot hold as text."""
    if isinstance(value, float):
        return json_number(value)
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    return _plain(value)


def writable(value: Any) -> Any:
    """Return the same lists, mappings and values; half characters (undecodable names), which pandas refuses, as escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {writable(k): writable(v) for k, v in value.items()}
    return [writable(v) for v in value] if isinstance(value, list) else value


def _restored(values: list[Any]) -> tuple[Any, ...]:
    """Null among numbers was ``nan``; null among words stays None."""
    words = any(isinstance(v, str) and v not in ("Infinity", "-Infinity") for v in values)
    if words or all(isinstance(v, (bool, type(None))) for v in values):
        return tuple(values)
    ints = all(isinstance(v, int) for v in values)
    return tuple(values) if ints else tuple(v if isinstance(v, int) else from_json_number(v) for v in values)
