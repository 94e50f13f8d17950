"""Record inputs: what can be set in a what-if form of one record, under the threat model, and why the rest is held."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.render.text import number, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from auditkit.threat import Feature, ThreatModel

__all__ = ["RecordInput", "changed_frame", "changed_inputs", "ends_of", "inputs_of", "set_codes", "word_of"]

_EXACT = 2.0**53  # beyond it, floats skip whole numbers
_STEPS = 3  # decimal places of a range that a control without a grid moves by


@dataclass(frozen=True, slots=True)
class RecordInput:
    """One input of a record, or inputs that only change together, as a form offers it.

    Attributes
    ----------
    name : str
        The threat model's name of it.
    columns : tuple of str
        The inputs it stands for.
    own : object
        The record's own value; a tuple of inputs that change together; None where it is missing.
    held : str
        Why it cannot change; empty where it can.
    options : tuple of (str, object)
        Word and value of each category; empty for a number.
    low, high, step : float
        Of a number: its ends for this record and how finely it moves; nan for a category.
    """

    name: str
    columns: tuple[str, ...]
    own: Any
    held: str
    options: tuple[tuple[str, Any], ...] = ()
    low: float = math.nan
    high: float = math.nan
    step: float = math.nan

    @property
    def menu(self) -> bool:
        """Whether one of a list is chosen."""
        return bool(self.options)


def ends_of(codes: list[np.ndarray]) -> np.ndarray:
    """Return the least and the greatest known code of each feature; 0 where none is known."""
    every = np.concatenate(codes)
    every = np.where(np.isfinite(every), every, np.nan)
    empty = np.isnan(every).all(axis=0)
    every[:, empty] = 0.0
    return np.stack([np.nanmin(every, axis=0), np.nanmax(every, axis=0)])


def inputs_of(threat: ThreatModel, codes: np.ndarray, ends: np.ndarray) -> tuple[RecordInput, ...]:
    """Return what can be set of one record.

    Parameters
    ----------
    threat : ThreatModel
        What may change.
    codes : ndarray of shape (features,)
        The record as the threat model codes it.
    ends : ndarray of shape (2, features)
        Least and greatest code in the data, for features that are open.
    """
    return tuple(
        _of(one, float(code), ends[:, at])
        for at, (one, code) in enumerate(zip(threat.features, codes, strict=True))
    )


def set_codes(threat: ThreatModel, codes: np.ndarray, changes: Mapping[str, Any]) -> np.ndarray:
    """Return the codes of a record in which some features have other values.

    Parameters
    ----------
    threat : ThreatModel
        Whose features they are.
    codes : ndarray of shape (features,)
        The record.
    changes : mapping of str to value
        By a feature's name; a tuple for inputs that change together.

    Raises
    ------
    InputError
        If there is no such feature, no such category, or a number is none.
    """
    after, names = codes.copy(), [one.name for one in threat.features]
    for name, value in changes.items():
        if name not in names:
            raise InputError(f"no input {name!r} to change.{did_you_mean(name, names)}")
        one = threat.features[names.index(name)]
        after[names.index(name)] = _code(one, value)
    return after


def changed_frame(
    threat: ThreatModel, original: pd.DataFrame, codes: np.ndarray, after: np.ndarray
) -> pd.DataFrame:
    """Return a record with what differs between two rows of codes changed; all else stays as the data have it."""
    differs = threat.space.changed(codes[None], after[None])[0]
    if not differs.any():
        return original
    coding, frame = threat.coding, original.copy()
    places = np.concatenate([coding.at[at] for at in np.flatnonzero(differs)]).tolist()
    for name, column in coding.codec.decode(coding.expand(after[None]), places).items():
        frame[name] = column.set_axis(frame.index)
    return frame


def changed_inputs(original: pd.DataFrame, changed: pd.DataFrame) -> list[tuple[str, Any, Any]]:
    """Return name, value before and value after of the inputs in which a changed record differs."""
    found = []
    for name in original.columns:
        before, after = original[name].iloc[0], changed[name].iloc[0]
        if not _alike(before, after):
            found.append((str(name), before, after))
    return found


def word_of(value: Any) -> str:
    """Return a value as a form writes it."""
    if isinstance(value, tuple):
        return " and ".join(word_of(one) for one in value)
    if _missing(value):
        return "missing"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return one_line(value)
    plain = value.item() if isinstance(value, np.generic) else value
    return number(int(plain) if float(plain).is_integer() and abs(plain) < _EXACT else plain)


def _of(one: Feature, code: float, ends: np.ndarray) -> RecordInput:
    held = "" if one.mutable else one.because or "the threat model holds it"
    if one.coded:
        own = None if math.isnan(code) else one.values[int(code)]
        listed = list(enumerate(one.values))
        if one.direction != "both" and not math.isnan(code):
            listed = [(at, v) for at, v in listed if (at - code) * (1 if one.direction == "up" else -1) >= 0]
        options = tuple((_hot(one, value), value) for _, value in listed)
        if math.isnan(code):
            options = (("missing, as it is", None), *options)
        held = held or ("it has one value only" if len(options) < 2 else "")
        return RecordInput(one.name, one.columns, own, held, options)
    low, high = (
        end if math.isfinite(end) else float(seen)
        for end, seen in zip((one.low, one.high), ends, strict=True)
    )
    own = None if math.isnan(code) else code
    if own is not None:
        low, high = min(low, own), max(high, own)
        low, high = (own if one.direction == "up" else low), (own if one.direction == "down" else high)
    elif one.direction != "both":
        held = held or "its value is missing, and it may move one way only"
    if not low < high:
        held = held or "there is no other value it may have"
        high = low + 1.0
    step = one.step or 10.0 ** (math.floor(math.log10(high - low)) - _STEPS)
    return RecordInput(one.name, one.columns, own, held, (), low, high, step)


def _hot(one: Feature, value: Any) -> str:
    """Return a category in a word; of a one-hot block the name of the input that is 1."""
    if one.joint and set(map(_as_float, value)) == {0.0, 1.0}:
        on = [column for column, bit in zip(one.columns, value, strict=True) if _as_float(bit) == 1.0]
        if len(on) == 1:
            return one_line(on[0])
    return word_of(value)


def _as_float(value: Any) -> float:
    """Return a number or a boolean as a float, anything else as nan."""
    return float(value) if isinstance(value, (bool, int, float, np.number, np.bool_)) else math.nan


def _code(one: Feature, value: Any) -> float:
    if one.coded:
        if value is None:
            return math.nan
        for at, known in enumerate(one.values):
            if known == value:
                return float(at)
        words = [word_of(known) for known in one.values]
        raise InputError(f"{one.name} has no value {value!r}.{did_you_mean(word_of(value), words)}")
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or math.isinf(value):
        raise InputError(f"{one.name} takes a number; got {value!r}")
    return float(value)


def _alike(one: Any, other: Any) -> bool:
    if _missing(one) or _missing(other):
        return _missing(one) and _missing(other)
    return bool(one == other)


def _missing(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, (float, np.floating)) and math.isnan(value))
        or str(value) in ("<NA>", "NaT")
    )
