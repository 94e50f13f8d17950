"""ThreatModel: what an attacker may do to a row, as a value that is drafted from data, read, edited and kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.methods.feature_space import FeatureSpace, Norm, norm_of
from auditkit.methods.rules import Expression
from auditkit.threat.draft import drafted
from auditkit.threat.written import written

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from auditkit.threat.coding import Coding
    from auditkit.threat.feature import Feature

__all__ = ["FrameRule", "ThreatModel", "Units"]

Units = Literal["standardised", "raw"]
FrameRule = Callable[["pd.DataFrame", "pd.DataFrame"], "NDArray[np.bool_]"]
_EDITABLE = ("mutable", "direction", "low", "high", "step", "unit", "cost")
_WAYS = {"both": 0, "up": 1, "down": -1}


@dataclass(frozen=True, eq=False)
class ThreatModel:
    """What an attacker may do to a row.

    Draft it from data, read it (`frame`), and change what the draft cannot know: `edit`, `hold`, `rule`. Every method returns a
    new threat model.

    Attributes
    ----------
    features : tuple of Feature
        What can be done to each input, or to inputs that only change together.
    coding : Coding
        Inputs to features and back.
    rules : tuple of str or callable
        What must hold between inputs after a change: an expression (`auditkit.methods.rules.Expression`), or a function that takes
        the rows before and after as DataFrames and gives a boolean for each.
    norm : {"l1", "l2", "linf", "l0"}
        How changes of several features add up.
    radius : float
        The largest sum that counts as small.
    units : {"standardised", "raw"}
        Whether a feature's change is counted in its robust spread or in its own unit.
    space : FeatureSpace
        The same in arrays, for the attacks.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"age": [20, 35, 50], "job": ["a", "b", "a"]})
    >>> threat = ThreatModel.draft(rows).edit("age", direction="up", high=90).rule('age >= 30 or job == "a"')
    >>> threat.violations(rows, rows.assign(age=[21, 30, 95])).to_numpy().any(axis=1).tolist()
    [False, True, True]
    """

    features: tuple[Feature, ...]
    coding: Coding
    rules: tuple[str | FrameRule, ...] = ()
    norm: Norm = "l2"
    radius: float = 0.5
    units: Units = "standardised"
    space: FeatureSpace = field(init=False, repr=False)

    def __post_init__(self) -> None:
        norm_of(np.zeros((1, 1)), self.norm)
        if self.units not in get_args(Units):
            raise InputError(
                f"threat model: no units {self.units!r}.{did_you_mean(self.units, get_args(Units))}"
            )
        if isinstance(self.radius, bool) or not isinstance(self.radius, (int, float)) or not self.radius > 0:
            raise InputError(f"threat model: radius is a number above 0, got {self.radius!r}")
        object.__setattr__(self, "space", _space(self.features, self.coding, self.rules))

    @classmethod
    def draft(
        cls,
        *data: Any,
        immutable: Sequence[str] = (),
        together: Sequence[Sequence[str]] = (),
        order: Mapping[str, Sequence[Any]] | None = None,
        features: Mapping[str, Mapping[str, Any]] | None = None,
        rules: Sequence[str | FrameRule] = (),
        norm: Norm = "l2",
        radius: float = 0.5,
        units: Units = "standardised",
    ) -> ThreatModel:
        """Draft a threat model from data: observed ranges, robust spreads, whole numbers, categories and one-hot blocks.

        Parameters
        ----------
        *data : Dataset or table
            Ranges are read from the first, best the training rows; values and combinations from all.
        immutable : sequence of str
            Inputs that cannot change.
        together : sequence of sequences of str
            Inputs that only change together, to a combination that is found in the data: ``[["education", "education_num"]]``.
            One-hot blocks (0/1 inputs of one prefix of which exactly one is 1 in every row) are found by themselves.
        order : mapping of str to sequence, optional
            Categories that have an order: ``{"size": ["S", "M", "L"]}``. Ordered categories of pandas have theirs.
        features : mapping of str to mapping, optional
            What `edit` takes, by feature.
        rules, norm, radius, units
            As the attributes.

        Raises
        ------
        InputError
            If a name, a value or a combination of options does not fit.
        """
        if not data:
            raise InputError("ThreatModel.draft: give the rows to draft from, best the training rows")
        tables = [getattr(one, "X", one) for one in data]
        found, coding = drafted(tables, together=together, order=order or {}, raw=units == "raw")
        model = cls(found, coding, (), norm, radius, units).hold(*immutable)
        for name, changes in (features or {}).items():
            model = model.edit(name, **changes)
        return replace(model, rules=_as_rules(rules))

    def edit(self, name: str, **changes: Any) -> ThreatModel:
        """Return the threat model with one feature changed: mutable, direction, low, high, step, unit, cost.

        Raises
        ------
        InputError
            If there is no such feature, or no such setting, or it does not fit.
        """
        at = self._place(name)
        for word in changes:
            if word not in _EDITABLE:
                raise InputError(
                    f"threat model, {name!r}: no setting {word!r}.{did_you_mean(word, _EDITABLE)}"
                )
        one = self.features[at]
        if one.coded and (odd := [word for word in changes if word in ("low", "high", "step", "unit")]):
            raise one.wrong(f"it holds one of {len(one.values)} values and has no {odd[0]}")
        new = [word for word in changes if changes[word] != getattr(one, word)]
        edited = replace(one, **changes, said=tuple(dict.fromkeys([*one.said, *new])))
        return replace(self, features=(*self.features[:at], edited, *self.features[at + 1 :]))

    def hold(self, *names: str, because: str = "") -> ThreatModel:
        """Return the threat model with these features, or the features of these inputs, held as they are; `because` tells why."""
        model = self
        for name in names:
            model = model.edit(name, mutable=False)
            at = self._place(name)
            if because and not model.features[at].because:
                held = replace(model.features[at], because=because)
                model = replace(model, features=(*model.features[:at], held, *model.features[at + 1 :]))
        return model

    def rule(self, *rules: str | FrameRule) -> ThreatModel:
        """Return the threat model with more cross-feature rules."""
        return replace(self, rules=(*self.rules, *_as_rules(rules)))

    def within(self, radius: float, norm: Norm | None = None) -> ThreatModel:
        """Return the threat model with another radius, and norm."""
        return replace(self, radius=radius, norm=norm or self.norm)

    def encode(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return rows as the attacks see them, (n, features)."""
        return self.coding.encode(rows)

    def decode(self, matrix: NDArray[np.float64]) -> pd.DataFrame:
        """Return such rows as the model under attack reads them."""
        return self.coding.decode(matrix)

    def violations(self, original: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
        """Return for each row and feature whether it was changed in a way that is not allowed.

        A row that breaks a rule has all its changed features marked. Values that were never seen, and combinations that do not
        come together, are violations.
        """
        import pandas as pd

        before, after = (
            self.coding.collapse(self.coding.codec.encode(one), strict=False) for one in (original, changed)
        )
        unknown = _lost(self.coding, changed, after) & ~_lost(self.coding, original, before)
        bad = self.space.violations(before, after) | unknown
        return pd.DataFrame(bad, columns=list(self.space.names))

    def distance(self, original: pd.DataFrame, changed: pd.DataFrame) -> NDArray[np.float64]:
        """Return how far each row was changed, in the norm and the units of the threat model, (n,)."""
        return self.space.distance(self.encode(original), self.encode(changed), self.norm)

    def least_changes(self) -> NDArray[np.float64]:
        """Return what the least change of each feature counts, (features,); nan for one that cannot change, 0 for one without a grid."""
        space = self.space
        movable = space.mutable & np.where(space.categorical, space.n_categories > 1, space.high > space.low)
        least = np.where(space.categorical, space.category_cost, space.step / space.scale)
        return np.where(movable, 1.0 if self.norm == "l0" else least, np.nan)

    def frame(self) -> pd.DataFrame:
        """Return the features as a table to read."""
        import pandas as pd

        rows = [
            {
                "feature": one.name,
                "kind": one.kind if not one.joint else f"{one.kind}, together",
                "changes": one.direction if one.mutable else "no",
                "low": math.nan if one.coded else one.low,
                "high": math.nan if one.coded else one.high,
                "step": math.nan if one.coded else one.step,
                "unit": math.nan if one.coded else one.unit,
                "cost": one.cost,
                "values": len(one.values) or math.nan,
            }
            for one in self.features
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the threat model in plain values, for a report; a function among the rules is named only."""
        return {
            "norm": self.norm,
            "radius": self.radius,
            "units": self.units,
            "rules": [_text(rule) for rule in self.rules],
            "features": [one.to_dict() for one in self.features],
        }

    def to_toml(self) -> str:
        """Return the threat model as the ``[threat]`` table of a subject file, with comments, to edit there.

        Raises
        ------
        InputError
            If a rule is a function: only expressions can be written down.
        """
        return written(self)

    def _place(self, name: str) -> int:
        """Return the place of a feature, by its name or that of one of its inputs."""
        for at, one in enumerate(self.features):
            if name == one.name or name in one.columns:
                return at
        names = [column for one in self.features for column in one.columns]
        raise InputError(f"threat model: no input named {name!r}.{did_you_mean(str(name), names)}")


@dataclass(frozen=True)
class _OnInputs:
    """Rules about inputs, asked about features: all of them at once, so that rows are written as inputs once."""

    rules: tuple[Expression, ...]
    coding: Coding

    def __call__(self, original: NDArray[np.float64], changed: NDArray[np.float64]) -> NDArray[np.bool_]:
        before, after = self.coding.expand(original), self.coding.expand(changed)
        kept: NDArray[np.bool_] = np.logical_and.reduce([rule(before, after) for rule in self.rules])
        return kept


@dataclass(frozen=True)
class _OnFrames:
    """A function of DataFrames, asked about features."""

    rule: FrameRule
    coding: Coding

    def __call__(self, original: NDArray[np.float64], changed: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(self.rule(self.coding.decode(original), self.coding.decode(changed)))


def _as_rules(rules: Sequence[str | FrameRule]) -> tuple[str | FrameRule, ...]:
    if isinstance(rules, str):
        raise InputError(f"threat model: rules is a list, got the text {rules!r}; type [{rules!r}]")
    return tuple(rules)


def _space(features: tuple[Feature, ...], coding: Coding, rules: tuple[str | FrameRule, ...]) -> FeatureSpace:
    names = tuple(str(column) for column in coding.codec.columns)
    known = {
        name: values
        for name, values, kind in zip(names, coding.codec.categories, coding.codec.kinds, strict=True)
        if kind == "categorical"
    }
    expressions = tuple(Expression(rule, names, known) for rule in rules if isinstance(rule, str))
    made: list[_OnInputs | _OnFrames] = [_OnInputs(expressions, coding)] if expressions else []
    made += [_OnFrames(rule, coding) for rule in rules if not isinstance(rule, str)]
    ranked = [one.kind == "ordinal" for one in features]
    ends = [_ends(one, coding.codec.dtypes[names.index(one.columns[0])]) for one in features]
    plain = {"continuous", "integer", "categorical"}
    return FeatureSpace(
        names=tuple(one.name for one in features),
        kind=tuple(one.kind if one.kind in plain else "integer" for one in features),  # type: ignore[misc]
        low=np.array([low for low, _ in ends]),
        high=np.array([high for _, high in ends]),
        step=np.array([1.0 if order else one.step for one, order in zip(features, ranked, strict=True)]),
        n_categories=np.array([len(one.values) if one.kind == "categorical" else 0 for one in features]),
        mutable=np.array([one.mutable for one in features]),
        direction=np.array([_WAYS[one.direction] for one in features]),
        scale=np.array([1.0 if one.kind == "categorical" else one.unit / one.cost for one in features]),
        category_cost=np.array([one.cost for one in features]),
        rules=tuple(made),
    )


def _ends(one: Feature, dtype: Any) -> tuple[float, float]:
    """Return the ends of a feature, those of a column of short floats rounded inwards, unless it holds no value between them."""
    if one.coded:
        return 0.0, max(len(one.values) - 1.0, 0.0)
    kind = getattr(dtype, "numpy_dtype", dtype)  # of an extension type
    if not isinstance(kind, np.dtype) or kind.kind != "f" or kind.itemsize >= 8:
        return one.low, one.high
    with np.errstate(over="ignore"):  # an end beyond the largest short float
        low, high = kind.type(one.low), kind.type(one.high)
    low = np.nextafter(low, kind.type(np.inf)) if float(low) < one.low else low
    high = np.nextafter(high, kind.type(-np.inf)) if float(high) > one.high else high
    return (float(low), float(high)) if low <= high else (one.low, one.high)


def _lost(coding: Coding, frame: pd.DataFrame, codes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where a value is there that the coding does not know, (n, features)."""
    there = frame[list(coding.codec.columns)].notna().to_numpy()
    some = np.column_stack([there[:, places].any(axis=1) for places in coding.at])
    return np.isnan(codes) & some


def _text(rule: str | FrameRule) -> str:
    return rule if isinstance(rule, str) else str(getattr(rule, "__name__", type(rule).__name__))
