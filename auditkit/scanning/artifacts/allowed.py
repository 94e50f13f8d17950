"""Allowed: the exact names that a model file may ask for, kept as data beside this module."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["JOBLIB", "is_listed", "is_weight", "listed_names", "versions"]

JOBLIB = (1, 6)
"""The first version of joblib whose reader asks its own `find_class` for what stands inside arrays of objects."""


@cache
def _list() -> dict[str, Any]:
    text = files("auditkit.scanning.artifacts").joinpath("listed.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return {
        "versions": content["versions"],
        **{
            part: frozenset((m, n) for m, names in content[part].items() for n in names)
            for part in ("models", "weights")
        },
    }


def is_listed(module: str, name: str) -> bool:
    """Return whether a model file may ask for this global: by its exact module and name.

    Examples
    --------
    >>> is_listed("sklearn.linear_model._logistic", "LogisticRegression"), is_listed("os", "system")
    (True, False)
    """
    return (module, name) in _list()["models"]


def is_weight(module: str, name: str) -> bool:
    """Return whether a file of PyTorch weights may ask for this global."""
    return (module, name) in _list()["weights"]


def listed_names() -> frozenset[tuple[str, str]]:
    """Return every (module, name) on the list."""
    names: frozenset[tuple[str, str]] = _list()["models"]
    return names


def versions() -> dict[str, str]:
    """Return the versions of the packages from which the list was built."""
    return dict(_list()["versions"])
