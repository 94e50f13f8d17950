"""Calls: listed names that a model file may hold, and that do more than arithmetic when they are called with what it likes."""

from __future__ import annotations

__all__ = ["NEVER_CALLED", "NEVER_FED", "PLAIN_BASES"]

NEVER_CALLED = frozenset({("numpy", "ndarray")})
"""Names that no model calls: an array over given bytes takes them for pointers, where its type is of objects."""

NEVER_FED = frozenset({("lightgbm.basic", "Booster"), ("xgboost.core", "Booster")})
"""Names that a model calls without arguments alone: with them they open files."""

PLAIN_BASES = frozenset(
    ("builtins", name) for name in ("object", "dict", "list", "tuple", "set", "frozenset", "int", "float", "complex", "str", "bytes")
)  # fmt: skip
"""What `copyreg._reconstructor` may be given to make the object: it calls its `__new__` and `__init__`."""
