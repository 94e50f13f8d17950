"""Feature: what an attacker can do to one input, or to inputs that only change together."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from auditkit.errors import InputError, did_you_mean

__all__ = ["Direction", "Feature", "FeatureKind"]

FeatureKind = Literal["continuous", "integer", "categorical", "ordinal"]
Direction = Literal["both", "up", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What an attacker can do to one input, or to inputs that only change together.

    Attributes
    ----------
    name : str
        The input's, or those of inputs that change together: "education × education_num".
    columns : tuple of str
        The inputs it stands for.
    kind : {"continuous", "integer", "categorical", "ordinal"}
        What it holds. The values of an ordinal one have an order, and a step from one to the next costs one unit.
    mutable : bool
        Whether it can change at all.
    direction : {"both", "up", "down"}
        Which way. Categories have none; an ordinal feature goes up the order of its values.
    low, high : float
        Least and greatest value after a change, in the input's own unit; infinite where open.
    step : float
        Width of the grid that a changed value lies on, counted from `low`; 0 for none.
    unit : float
        How much of the input's own unit counts as 1: its robust spread, or 1 in a threat model of raw units.
    cost : float
        What one unit costs, or a changed category; 1 unless somebody knows better.
    values : tuple
        The values of a category, in the order of an ordinal one; a tuple each where inputs change together.
    said : tuple of str
        Which of these somebody changed; the others are as drafted from the data, also where somebody repeated them.
    because : str
        Why it is held, or goes one way only, where a draft proposes that.
    """

    name: str
    columns: tuple[str, ...]
    kind: FeatureKind
    mutable: bool = True
    direction: Direction = "both"
    low: float = -math.inf
    high: float = math.inf
    step: float = 0.0
    unit: float = 1.0
    cost: float = 1.0
    values: tuple[Any, ...] = ()
    said: tuple[str, ...] = ()
    because: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(FeatureKind):
            raise self.wrong(f"no kind {self.kind!r}.{did_you_mean(self.kind, get_args(FeatureKind))}")
        if self.direction not in get_args(Direction):
            raise self.wrong(
                f"no direction {self.direction!r}.{did_you_mean(self.direction, get_args(Direction))}"
            )
        if self.kind == "categorical" and self.direction != "both":
            raise self.wrong(
                "its values have no order, so it has no direction; give order=[...] from low to high"
            )
        if not isinstance(self.mutable, bool):
            raise self.wrong(f"mutable is true or false, got {self.mutable!r}")
        for word in ("low", "high", "step", "unit", "cost"):
            value = getattr(self, word)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
                raise self.wrong(f"{word} is a number, got {value!r}")
            object.__setattr__(self, word, float(value))
        if self.low > self.high:
            raise self.wrong(f"low is {self.low:g} and high is {self.high:g}")
        if not (self.step >= 0 and math.isfinite(self.step)):
            raise self.wrong(f"step is a number of at least 0, got {self.step:g}")
        for word in ("unit", "cost"):
            if not (getattr(self, word) > 0 and math.isfinite(getattr(self, word))):
                raise self.wrong(f"{word} is a number above 0, got {getattr(self, word):g}")

    @property
    def joint(self) -> bool:
        """Whether it stands for inputs that only change together."""
        return len(self.columns) > 1

    @property
    def coded(self) -> bool:
        """Whether it holds one of a list of values."""
        return self.kind in ("categorical", "ordinal")

    def wrong(self, why: str) -> InputError:
        """Return the error that says what is wrong with it."""
        return InputError(f"threat model, {self.name!r}: {why}")

    def to_dict(self) -> dict[str, Any]:
        """Return what a report may tell, as plain values: the data's own values and ends are not among them."""
        plain = {one.name: one.default for one in fields(self)}
        told: dict[str, Any] = {"name": self.name, "columns": list(self.columns), "kind": self.kind}
        for word in ("mutable", "direction", "step", "cost", *self.said):
            if word in self.said or getattr(self, word) != plain[word]:
                told[word] = getattr(self, word)
        if self.coded:
            told["values"] = len(self.values)
        return told
