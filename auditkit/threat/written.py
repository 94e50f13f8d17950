"""Written: a threat model as the ``[threat]`` table of a subject file, with what its reader should know as comments."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.threat.feature import Feature

__all__ = ["written"]


class _Told(Protocol):
    """What is written down of a threat model."""

    @property
    def features(self) -> Sequence[Feature]: ...
    @property
    def rules(self) -> Sequence[Any]: ...
    @property
    def norm(self) -> str: ...
    @property
    def radius(self) -> float: ...
    @property
    def units(self) -> str: ...
    def least_changes(self) -> np.ndarray: ...


def written(threat: _Told) -> str:
    """Return the text of the table; comments say why an input is held or goes one way, and what the radius is too small for.

    Raises
    ------
    InputError
        If a rule is a function: only expressions can be written down.
    """
    for rule in threat.rules:
        if not isinstance(rule, str):
            name = getattr(rule, "__name__", type(rule).__name__)
            raise InputError(f"the rule {name} is a function; write it as an expression to keep it in a file")
    blocks = [list(one.columns) for one in threat.features if one.joint]
    lines = [
        "[threat]",
        f"norm = {_text(threat.norm)}",
        *_too_small(threat),
        f"radius = {float(threat.radius)!r}",
        f"units = {_text(threat.units)}",
        *_held(threat),
        f"together = {_text(blocks)}",
        f"rules = {_text(list(threat.rules))}",
    ]
    orders = [one for one in threat.features if one.kind == "ordinal" and not one.joint]
    if orders:
        lines += ["", "[threat.order]"]
        lines += [f"{_text(one.name)} = {_text([_plain(value) for value in one.values])}" for one in orders]
    for one, least in zip(threat.features, threat.least_changes(), strict=True):
        if one.mutable:
            lines += ["", f"[threat.features.{_text(one.name)}]", *_settings(one)]
            if least > threat.radius:
                lines[-1] += f"  # its least change counts {least:.3g}, more than the radius"
    return "\n".join(lines) + "\n"


def _held(threat: _Told) -> list[str]:
    """Return the lines of `immutable`, one an input where something is to be said of it."""
    held = [one for one in threat.features if not one.mutable]
    if not any(map(_why, held)):
        return [f"immutable = {_text([column for one in held for column in one.columns])}"]
    lines = ["immutable = ["]
    for one in held:
        comment = f"  # {_why(one)}" if _why(one) else ""
        lines += [f"    {_text(column)},{comment}" for column in one.columns]
    return [*lines, "]"]


def _why(one: Feature) -> str:
    if one.because:
        return " ".join(one.because.split())  # a comment is one line, whatever a column is called
    return "has one value only" if one.coded and len(one.values) < 2 else ""


def _too_small(threat: _Told) -> list[str]:
    """Return the comment on a radius within which no category can change."""
    least = threat.least_changes()[[one.coded for one in threat.features]]
    least = least[~np.isnan(least)]
    if not len(least) or least.min() <= threat.radius:
        return []
    return [
        f"# no category can change within this radius: a changed one counts {least.min():.3g} or more; raise the radius, or lower its cost"
    ]


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _settings(one: Feature) -> list[str]:
    why = f"  # {_why(one)}" if one.direction != "both" and _why(one) else ""
    lines = [] if one.kind == "categorical" else [f"direction = {_text(one.direction)}{why}"]
    if not one.coded:
        lines += [
            f"{word} = {getattr(one, word)!r}"
            for word in ("low", "high")
            if math.isfinite(getattr(one, word))
        ]
        lines += [f"step = {one.step!r}", f"unit = {one.unit!r}"]
    return [*lines, f"cost = {one.cost!r}"]
