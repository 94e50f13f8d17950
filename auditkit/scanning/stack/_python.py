"""Python: configuration and starting scripts written in Python, read as a syntax tree and never run."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditkit.scanning.stack._calls import call_faults
from auditkit.scanning.stack._commands import JUPYTER, permissive_pattern
from auditkit.scanning.stack._constants import UNKNOWN, Constants
from auditkit.scanning.stack._faults import Fault, beyond_loopback, fault, unrecognised

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SECTIONS", "jupyter_faults", "python_faults"]

SECTIONS = frozenset(JUPYTER)
_DECIDE = ("ip", "allow_origin", "allow_origin_pat", "disable_check_xsrf", "allow_root")
_UNREAD_ENDINGS = ("Hub", "Authenticator", "Spawner", "Proxy")

Settings = dict[str, tuple[Any, int]]


def python_faults(text: str, file: str) -> tuple[Fault, ...] | None:
    """Return what a Python file leaves open: settings of Jupyter, and calls that start servers; None where it has neither."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is old in somebody's source
            tree = ast.parse(text)
        values = Constants.of(tree)
        read = _Assigned.of(tree, values)
        calls = call_faults(tree, values, file)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (fault(file, 0, "Python", "unread"),)
    if calls is None and not read.found:
        return None
    found = list(calls or ())
    found += [unrecognised(file, line, "Jupyter") for line in read.unread]
    if read.always or read.sometimes:
        # what is set under a condition may hold or not
        found += jupyter_faults(read.always, file)
        found += jupyter_faults(read.always | read.sometimes, file)
    return tuple(found)


@dataclass
class _Assigned:
    """What a file sets: always, under a condition, and the lines that are in no form that is read."""

    values: Constants
    roots: frozenset[str]
    always: Settings = field(default_factory=dict)
    sometimes: Settings = field(default_factory=dict)
    unread: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, tree: ast.Module, values: Constants) -> _Assigned:
        made = cls(values, frozenset({"c"} | {name for name, node in values.assigned if _gets_config(node)}))
        top = {id(one) for one in tree.body}
        for node in sorted((one for one in ast.walk(tree) if isinstance(one, ast.stmt)), key=_place):
            for path, value in made._settings(node):
                made._take(path, value, node.lineno, always=id(node) in top)
            made._elsewhere(node)
        return made

    @property
    def found(self) -> bool:
        return bool(self.always or self.sometimes or self.unread)

    def _settings(self, node: ast.stmt) -> Iterator[tuple[tuple[str, ...], ast.expr]]:
        if isinstance(node, ast.Assign):
            yield from ((self._path(target), node.value) for target in node.targets)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield self._path(node.target), node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            if isinstance(call.func, ast.Attribute) and call.func.attr in {"update", "merge"}:
                path = self._path(call.func.value, root=True)
                yield from ((path, one) for one in call.args)
                for word in call.keywords:
                    yield ((*path, word.arg) if path and word.arg else path), word.value
            elif isinstance(call.func, ast.Name) and call.func.id == "setattr" and len(call.args) == 3:
                name = self.values.of_node(call.args[1])
                path = self._path(call.args[0], root=True)
                yield ((*path, str(name)) if path else ()), call.args[2]

    def _elsewhere(self, node: ast.stmt) -> None:
        """Take down where settings are read from another file, or made under another name."""
        value = node.value if isinstance(node, (ast.Assign, ast.Expr)) else None
        loads = isinstance(value, ast.Call) and self.values.called(value.func).endswith("load_subconfig")
        renamed = isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) for one in node.targets) and self._path(node.value)[1:2]  # fmt: skip
        if loads or (renamed and renamed[0] in SECTIONS):
            self.unread.append(node.lineno)

    def _path(self, node: ast.expr, *, root: bool = False) -> tuple[str, ...]:
        """Return the names behind the root, which comes first as ""; nothing for what is no setting."""
        if (isinstance(node, ast.Name) and node.id in self.roots) or _gets_config(node):
            return ("",) if root else ()
        if isinstance(node, ast.Attribute):
            inner = self._path(node.value, root=True)
            return (*inner, node.attr) if inner else ()
        if isinstance(node, ast.Subscript):
            inner = self._path(node.value, root=True)
            return (*inner, str(self.values.of_node(node.slice))) if inner else ()
        return ()

    def _take(self, path: tuple[str, ...], node: ast.expr, line: int, *, always: bool) -> None:
        if not path:
            return
        value = self.values.of_node(node)
        names = path[1:]
        if len(names) < 2:
            if not isinstance(value, dict):
                self.unread.append(line)
                return
            for key, inner in value.items():
                whole = (*names, str(key))
                if len(whole) == 2:
                    self._set(whole, inner, line, always=always)
                elif isinstance(inner, dict):
                    for last, one in inner.items():
                        self._set((*whole, str(last)), one, line, always=always)
            return
        self._set(names, value, line, always=always)

    def _set(self, names: tuple[str, ...], value: Any, line: int, *, always: bool) -> None:
        if names[0] in SECTIONS:
            (self.always if always else self.sometimes)[".".join(names)] = (value, line)
        elif names[0].endswith(_UNREAD_ENDINGS):
            self.unread.append(line)


def _gets_config(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_config"


def _place(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def jupyter_faults(settings: Settings, file: str) -> tuple[Fault, ...]:
    """Return what settings of a Jupyter server leave open; keys read "ServerApp.ip"."""
    values: Settings = {key.rpartition(".")[2]: one for key, one in settings.items()}

    def at(name: str) -> tuple[Any, int]:
        return values.get(name, (None, 0))

    found: list[tuple[int, str]] = [
        (at(name)[1], "unrecognised") for name in _DECIDE if at(name)[0] is UNKNOWN
    ]
    token, line = at("token")
    empty = token == "" and not (at("password")[0] or at("hashed_password")[0])
    if empty:
        found.append((line, "empty_secret"))
    ip, line = at("ip")
    if isinstance(ip, str) and beyond_loopback(ip):
        found.append((line, "exposed"))
        if empty:
            found.append((line, "no_authentication"))
    origin, line = at("allow_origin")
    if origin == "*":
        found.append((line, "permissive_cors"))
    pattern, line = at("allow_origin_pat")
    if isinstance(pattern, str) and pattern and permissive_pattern(pattern):
        found.append((line, "permissive_cors"))
    for name, rule in (("disable_check_xsrf", "no_xsrf"), ("allow_root", "runs_as_root")):
        if at(name)[0] is True:
            found.append((at(name)[1], rule))
    return tuple(fault(file, line, "Jupyter", rule) for line, rule in found)
