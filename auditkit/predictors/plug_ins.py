"""Plug-ins: predictors of model types that other packages know, through the entry points ``auditkit.predictors``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, NotApplicable, in_words
from auditkit.predictors.base import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Adapters", "adapters", "recognised"]

_GROUP = "auditkit.predictors"


@dataclass(frozen=True)
class Adapters:
    """All predictor plug-ins of this installation.

    Attributes
    ----------
    known : dict of str to (str, callable)
        Name to where it is, and a function of a model that gives a Predictor, or None for a type it does not know.
    broken : dict of str to str
        Those that failed to load, and why. Each becomes an ``error`` finding: the model may have been meant for it.
    """

    known: dict[str, tuple[str, Callable[[Any], Any]]]
    broken: dict[str, str]


@cache
def adapters() -> Adapters:
    """Return what installed packages offer through the entry points ``auditkit.predictors``."""
    known: dict[str, tuple[str, Callable[[Any], Any]]] = {}
    broken: dict[str, str] = {}
    for entry in sorted(entry_points(group=_GROUP), key=lambda e: (e.name, e.value)):
        try:
            loaded = entry.load()
            if not callable(loaded):
                raise InputError(f"it must be a function of a model, got {type(loaded).__name__}")  # noqa: TRY301
            if entry.name in known:
                raise InputError(f"the name {entry.name!r} is taken by {known[entry.name][0]}")  # noqa: TRY301
            known[entry.name] = (entry.value, loaded)
        except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way; that becomes a finding
            broken[f"{entry.name} ({entry.value})"] = in_words(error)
            warnings.warn(f"the plug-in {entry.name!r} did not load: {error}", RuntimeWarning, stacklevel=4)
    return Adapters(known, broken)


def recognised(model: Any) -> Predictor | None:
    """Return the predictor that a plug-in makes of a model; None where none knows it.

    Raises
    ------
    InputError
        If a plug-in fails on it, gives something else, or two know it: which one asks would be chance.
    """
    found = {}
    for name, (where, adapt) in adapters().known.items():
        try:
            predictor = adapt(model)
        except (InputError, NotApplicable):
            raise
        except Exception as error:
            raise InputError(
                f"the plug-in {name!r} ({where}) failed on {type(model).__name__}: {in_words(error)}. Give it a Predictor "
                "yourself, or update or remove the package"
            ) from error
        if predictor is None:
            continue
        if not isinstance(predictor, Predictor):
            raise InputError(
                f"the plug-in {name!r} must give a Predictor or None; it gave {type(predictor).__name__}"
            )
        found[name] = predictor
    if len(found) > 1:
        raise InputError(
            f"{' and '.join(map(repr, found))} both know {type(model).__name__}: remove one of the packages, or give the "
            "Predictor of one yourself"
        )
    return next(iter(found.values()), None)
