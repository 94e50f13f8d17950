"""Threats: the threat model a check holds attacks against, and what the report says of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt
from typing_extensions import Doc

from auditkit import progress, shared
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.evidence import Table
from auditkit.methods.feature_space import Norm
from auditkit.naming import NameOf, inputs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from auditkit.methods.evasion import AttackResult
    from auditkit.subject import Subject
    from auditkit.threat import Feature, ThreatModel

__all__ = [
    "AttackedRows",
    "Immutable",
    "NormOfChange",
    "Radius",
    "allowed_only",
    "allowed_table",
    "allowed_words",
    "attacked_rows",
    "sized",
    "threat_of",
    "too_coarse",
]

Radius = Annotated[
    float | None,
    Gt(0),
    Doc(
        "Changes up to this count, in spreads of a column; a category counts 1. The threat model's when left out."
    ),
]
NormOfChange = Annotated[
    Norm | None, Doc("How changes of several columns add up; the threat model's when left out.")
]
Immutable = Annotated[
    list[str] | None,
    NameOf(what="input of the model", of=inputs_of),
    Doc(
        "Columns nobody can change, besides those of a threat model that was given; without one, the sensitive features and "
        "inputs that settle one when left out."
    ),
]
AttackedRows = Annotated[int, Ge(10), Doc("Rows attacked at most; drawn at random where there are more.")]

_BROKEN = "the threat model does not allow what was found"


def threat_of(
    subject: Subject, *, immutable: Sequence[str] | None, radius: float | None, norm: Norm | None
) -> ThreatModel:
    """Return the subject's threat model with what a check was told; a draft holds what tells who a record is about.

    Raises
    ------
    InputError
        If `immutable` names no input.
    """
    columns = [str(c) for c in subject.test.X.columns]
    for name in immutable or []:
        if name not in columns:
            raise InputError(f"no column {name!r} to hold fixed.{did_you_mean(name, columns)}")
    with progress.part(0.0, 0.02):  # a draft looks at every input; what follows takes longer
        threat = subject.threat_model(immutable=immutable)
    return threat.within(radius or threat.radius, norm)


def attacked_rows(n: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return sorted row numbers: the first `most` of an order that every attack of an audit shares, so that figures compare."""
    if n <= most:
        return np.arange(n)
    order = np.random.default_rng(shared.seed_of("attacked rows", rng)).permutation(n)
    return np.sort(order[:most])


def allowed_only(found: AttackResult, threat: ThreatModel, original: pd.DataFrame) -> AttackResult:
    """Hold what an attack found against the threat model, in the inputs that the model reads; what breaks it is no success."""
    bad = threat.violations(original, threat.decode(found.adversarial)).to_numpy().any(axis=1)
    if not bad.any():
        return found
    return replace(
        found,
        success=found.success & ~bad,
        distance=np.where(bad & ~np.isnan(found.distance), np.inf, found.distance),
        reason=np.where(bad, _BROKEN, found.reason),
    )


def allowed_words(threat: ThreatModel) -> tuple[str, ...]:
    """Return which changes were allowed, in words."""
    fixed = [column for one in threat.features if not one.mutable for column in one.columns]
    held = f"not changed: {', '.join(fixed)}" if fixed else "no column was held fixed"
    why = [f"{one.name} ({one.because})" for one in threat.features if one.because and not one.mutable]
    rules = [
        str(rule) if isinstance(rule, str) else getattr(rule, "__name__", "a function")
        for rule in threat.rules
    ]
    joint = [" and ".join(one.columns) for one in threat.features if one.joint and one.mutable]
    one_way = [
        f"{one.name} {_ways(one)}{f' ({one.because})' if one.because else ''}"
        for one in threat.features
        if one.mutable and one.direction != "both"
    ]
    return (
        (
            "Allowed: values within the range of the data or of the threat model, whole numbers stay whole, categories stay known; "
            f"{held}."
        ),
        *((f"Held, as drafted: {'; '.join(why)}.",) if why else ()),
        *(
            (f"Changed together, to combinations that are found in the data: {'; '.join(joint)}.",)
            if joint
            else ()
        ),
        *((f"One way: {'; '.join(one_way)}.",) if one_way else ()),
        *((f"Rules held: {'; '.join(rules)}.",) if rules else ()),
    )


def too_coarse(threat: ThreatModel) -> tuple[str, ...]:
    """Name the features whose least change is larger than the radius.

    Raises
    ------
    NotApplicable
        If that is every feature: a rate of 0 would say nothing.
    """
    space, radius, least = threat.space, threat.radius, threat.least_changes()
    movable = ~np.isnan(least)
    if not (least <= radius).any():
        why = (
            f"the least change of any column counts {least[movable].min():.3g}: pass radius={_upwards(least[movable].min())} "
            "or more"
            if movable.any()
            else "no column may change"
        )
        raise NotApplicable(f"no allowed change is as small as {sized(threat)}; {why}")
    names = [name for name, far in zip(space.names, least > radius, strict=True) if far]
    return (f"Too coarse to change within {sized(threat)}: {', '.join(names)}.",) if names else ()


def _ways(one: Feature) -> str:
    """Return in words which way a feature may change."""
    if not one.mutable:
        return "no"
    if one.kind == "categorical":
        return "to any other"
    return {"both": "up and down", "up": "up only", "down": "down only"}[one.direction]


def sized(threat: ThreatModel, radius: float | None = None) -> str:
    """Return its radius, or another, in words, with its unit and the norm: "0.5 robust standard deviations (l2)"."""
    radius = threat.radius if radius is None else radius
    size, one = f"{radius:g}", radius == 1
    free = [feature for feature in threat.features if feature.mutable]
    if threat.norm == "l0":
        return f"{size} column{'s' * (not one)} (l0)"
    if any(feature.cost != 1 for feature in free):
        words = "unit of cost" if one else "units of cost"
    elif any("unit" in feature.said for feature in free):
        words = "unit of the threat model" if one else "units of the threat model"
    elif threat.units == "raw":
        words = "in the columns' own units"
    else:
        words = "robust standard deviation" if one else "robust standard deviations"
    return f"{size} {words} ({threat.norm})"


def _upwards(size: float) -> str:
    """Return a size in two digits that is not below it.

    Examples
    --------
    >>> [_upwards(size) for size in (0.0005, 0.12345, 1.0, 16.0)]
    ['0.0005', '0.13', '1', '16']
    """
    digit = 10.0 ** (math.floor(math.log10(size)) - 1)
    return f"{math.ceil(size / digit * (1 - 1e-12)) * digit:g}"


def allowed_table(threat: ThreatModel) -> Table:
    """Return what the threat model allows, feature by feature; ends are told where somebody said them."""
    columns: dict[str, list[object]] = {
        "column": [], "changes": [], "from": [], "to": [], "step": [], "one unit is": [], "cost": []
    }  # fmt: skip
    for one in threat.features:
        row = (
            one.name,
            _ways(one),
            one.low if "low" in one.said else np.nan,
            one.high if "high" in one.said else np.nan,
            np.nan if one.coded or not one.step else one.step,
            np.nan if one.kind == "categorical" else one.unit,
            one.cost,
        )
        for words, value in zip(columns.values(), row, strict=True):
            words.append(value)
    free = sum(one.mutable for one in threat.features)
    summary = f"The threat model: {free} of {len(threat.features)} features may change. Ends that are empty are those of the data."
    return Table(
        "What was allowed", {name: tuple(values) for name, values in columns.items()}, summary=summary
    )
