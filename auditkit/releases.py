"""Releases: on what an audit ran, as its report tells."""

from __future__ import annotations

import platform
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

__all__ = ["host", "versions"]

_PACKAGES = (
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "shap",
    "fairlearn",
    "lightgbm",
    "xgboost",
    "onnxruntime",
    "torch",
    "skops",
)


def host() -> dict[str, str]:
    """Return the kind of Python and of machine; nothing that names one."""
    return {
        "python": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }


def versions() -> dict[str, str]:
    """Return the releases of Python and of the packages that numbers rest on, of those that are installed."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
