"""Constants: what expressions of a syntax tree say without being run, and what names they were given."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from typing import Any

__all__ = ["UNKNOWN", "Constants"]

UNKNOWN: Any = object()
"""A value that is not known; it equals nothing."""


@dataclass(frozen=True)
class Constants:
    """Names of a file.

    Attributes
    ----------
    assigned : tuple of (str, expr)
        What names were given, in the order of a walk.
    values : dict of str to expr
        Of names that are given a value once.
    imported : dict of str to str
        What a name was imported as: "init" may be "ray.init".
    """

    assigned: tuple[tuple[str, ast.expr], ...]
    values: dict[str, ast.expr]
    imported: dict[str, str]

    @classmethod
    def of(cls, tree: ast.AST) -> Constants:
        """Read a tree."""
        assigned: list[tuple[str, ast.expr]] = []
        imported: dict[str, str] = {}
        stored: Counter[str] = Counter()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                stored[node.id] += 1
            elif isinstance(node, ast.arg):
                stored[node.arg] += 2
            if isinstance(node, ast.Assign):
                assigned += [(one.id, node.value) for one in node.targets if isinstance(one, ast.Name)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                assigned.append((node.target.id, node.value))
            elif isinstance(node, ast.Import):
                imported |= {one.asname: one.name for one in node.names if one.asname}
                imported |= {
                    one.name.split(".")[0]: one.name.split(".")[0] for one in node.names if not one.asname
                }
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        values = {name: value for name, value in assigned if stored[name] == 1}
        return cls(tuple(assigned), values, imported)

    def of_node(self, node: ast.expr) -> Any:
        """Return a constant, a container of them, or what a name was given once; else `UNKNOWN`, also within a dict."""
        if isinstance(node, ast.Name) and node.id in self.values:
            node = self.values[node.id]
        if isinstance(node, ast.Dict):
            made: dict[Any, Any] = {}
            for key, value in zip(node.keys, node.values, strict=True):
                name = UNKNOWN if key is None else _literal(key)
                if not isinstance(name, str):
                    return UNKNOWN
                made[name] = self.of_node(value) if not isinstance(value, ast.Name) else self._once(value)
            return made
        return _literal(node)

    def _once(self, node: ast.Name) -> Any:
        return _literal(self.values[node.id]) if node.id in self.values else UNKNOWN

    def called(self, func: ast.expr) -> str:
        """Return the full name of what is called, "" for what has none."""
        if not isinstance(func, (ast.Name, ast.Attribute)):
            return ""
        first, dot, rest = ast.unparse(func).partition(".")
        return self.imported.get(first, first) + dot + rest


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN
