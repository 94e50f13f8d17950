"""Standing: where the controls of an explorer stand, and how they are put back there when they are made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import ipywidgets as w
from traitlets import TraitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Stands", "put_back", "stood"]

Key = tuple[str, str, int]


@runtime_checkable
class Stands(Protocol):
    """A control of several parts, which knows itself where it stands."""

    def stood(self) -> Any:
        """Return where it stands, as `put_back` takes it."""

    def put_back(self, stood: Any) -> list[str]:
        """Put it there; return in words what of it is not possible."""


_PLAIN = (w.Dropdown, w.Checkbox, w.FloatText, w.IntText, w.Text)


def stood(*roots: Any) -> dict[Key, Any]:
    """Return where all controls within widgets stand, by kind, name and number."""
    return {key: _read(one) for key, one in _controls(*roots)}


def put_back(before: Mapping[Key, Any], *roots: Any) -> list[str]:
    """Put controls that were made anew where those before them stood; return in words what is not possible.

    Parameters
    ----------
    before : mapping
        Where they stood, of those that were moved; one that makes others anew, as another record does a form, stands before these.
    *roots : widgets
        Within which the controls are.
    """
    lost: list[str] = []
    for key, value in before.items():
        control = dict(_controls(*roots)).get(key)
        if control is None:
            lost += _gone(key, value)
        elif isinstance(control, Stands):
            lost += control.put_back(value)
        else:
            lost += _set(control, *value)
    return lost


def _controls(*roots: Any) -> Iterator[tuple[Key, Any]]:
    seen: dict[tuple[str, str], int] = {}
    for one in _within(*roots):
        name = (type(one).__name__, str(getattr(one, "name", getattr(one, "description", ""))))
        seen[name] = seen.get(name, -1) + 1
        yield (*name, seen[name]), one


def _within(*roots: Any) -> Iterator[Any]:
    for one in roots:
        if isinstance(one, (Stands, *_PLAIN)):
            yield one
        else:
            yield from _within(*getattr(one, "children", ()))


def _read(one: Any) -> Any:
    """Return where a control stands; of a plain one its value, and that in words."""
    if isinstance(one, Stands):
        return one.stood()
    if isinstance(one, w.Checkbox):
        return one.value, "ticked" if one.value else "not ticked"
    return one.value, str(one.label if isinstance(one, w.Dropdown) else one.value)


def _set(one: Any, value: Any, words: str) -> list[str]:
    try:
        one.value = value
    except TraitError:
        return [f"{one.description} was at {words}, which is not offered now"]
    return []


def _gone(key: Key, value: Any) -> list[str]:
    _, name, _ = key
    words = value[1] if isinstance(value, tuple) else f"{value:.12g}" if isinstance(value, float) else ""
    return [f"{name} was at {words}, and is not here now"] if name and words else []
