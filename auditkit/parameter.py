"""Parameter: an option of a check, as its signature declares it."""

from __future__ import annotations

import inspect
import json
import types
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

from auditkit.errors import InputError
from auditkit.naming import NameOf, RowNumbers, type_this

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Parameter", "parameters_of"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One option of a check, read from its signature.

    Attributes
    ----------
    name : str
        Keyword of the check function.
    annotation : type
        Its type, with bounds.
    default : object
        Used when nothing is given.
    description : str
        One sentence for forms, flags and help.
    choices : tuple
        The allowed values, where they are listed.
    low, high : float or None
        Bounds of a number.
    low_open, high_open : bool
        Whether a bound itself is excluded.
    names : NameOf, RowNumbers or None
        What its value names, where that is known before the check runs.
    """

    name: str
    annotation: Any = field(hash=False)
    default: Any = field(hash=False)
    description: str = ""
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    names: NameOf | RowNumbers | None = None

    @property
    def bounds(self) -> str:
        """In words what values it takes; empty where anything of its type will do."""
        if self.choices:
            return "one of " + ", ".join(map(repr, self.choices))
        found = []
        if self.low is not None:
            found.append(f"{'above' if self.low_open else 'from'} {self.low:g}")
        if self.high is not None:
            found.append(f"{'below' if self.high_open else 'to'} {self.high:g}")
        return ", ".join(found)

    def validate(self, value: Any) -> Any:
        """Return the value as the check wants it.

        Raises
        ------
        InputError
            If the type or a bound does not fit.
        """
        from pydantic import ConfigDict, TypeAdapter, ValidationError

        if isinstance(self.names, RowNumbers):
            self.names.whole(self.name, value)
        try:
            adapter = TypeAdapter(self.annotation, config=ConfigDict(allow_inf_nan=False))
            return adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            takes = f"it takes values {self.bounds}, and is" if self.bounds and not self.choices else "it is"
            raise InputError(
                f"{self.name}={value!r}: {first['msg'][0].lower()}{first['msg'][1:]}; {takes} {self.default!r} when left out{type_this(self.name, value, adapter.validate_python)}"
            ) from None

    def parse(self, text: str) -> Any:
        """Return the value written as text on a command line: JSON, else the text itself."""
        if self.annotation is str or getattr(self.annotation, "__origin__", None) is str:
            return self.validate(text)
        try:
            value = json.loads(text)
        except ValueError:
            return self.validate(text)
        try:
            return self.validate(value)
        except InputError:
            with suppress(InputError):  # a word that happens to read as JSON: null, 1, true
                return self.validate(text)
            raise


def parameters_of(function: Callable[..., Any], code: str) -> tuple[Parameter, ...]:
    """Return the options of a check function, read from its signature.

    Raises
    ------
    InputError
        If it is no check function, or an option is not keyword-only, typed and with a default.
    """
    signature = list(inspect.signature(function).parameters.values())
    if len(signature) < 2 or signature[0].name != "subject" or "rng" not in (p.name for p in signature[1:]):
        raise InputError(
            f"{code}: a check is (subject, *, rng, ...) -> Evidence; got {inspect.signature(function)}"
        )
    options = [p for p in signature[1:] if p.name != "rng"]
    for p in options:
        if p.kind is not p.KEYWORD_ONLY or p.default is p.empty or p.annotation is p.empty:
            raise InputError(f"{code}: {p.name} must be keyword-only, typed, and have a default")
    return tuple(_parameter(p.name, _type_of(p.annotation, function, code), p.default) for p in options)


def _type_of(annotation: Any, function: Callable[..., Any], code: str) -> Any:
    """Evaluate the annotation of one option; those of `subject` and `rng` may be known to type checkers only."""
    probe = type("probe", (), {"__annotations__": {"option": annotation}})
    try:
        return get_type_hints(probe, function.__globals__, include_extras=True)["option"]
    except NameError as error:
        raise InputError(
            f"{code}: {error}; import it at the top of the module, not under TYPE_CHECKING"
        ) from None


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    found: dict[str, Any] = {}
    inner: Any = annotation
    notes: tuple[Any, ...] = ()
    if hasattr(annotation, "__metadata__"):
        inner, notes = annotation.__origin__, annotation.__metadata__
    for note in notes:
        if isinstance(note, Doc):
            found["description"] = note.documentation
        if isinstance(note, (NameOf, RowNumbers)):
            found["names"] = note
        for kind, key, is_open in (
            (Ge, "low", False),
            (Gt, "low", True),
            (Le, "high", False),
            (Lt, "high", True),
        ):
            if isinstance(note, kind):
                found[key] = getattr(note, kind.__name__.lower())
                found[f"{key}_open"] = is_open
    if get_origin(inner) in (Union, types.UnionType):  # what may be left out has choices all the same
        inner = next((one for one in get_args(inner) if get_origin(one) is Literal), inner)
    if get_origin(inner) is Literal:
        found["choices"] = get_args(inner)
    return Parameter(name, annotation, default, **found)
