"""Calls: what a Python file calls to start servers, by constants it gives them."""

from __future__ import annotations

import ast
import shlex
from typing import TYPE_CHECKING, Any

from auditkit.scanning.stack._commands import commands_in, faults_of
from auditkit.scanning.stack._constants import UNKNOWN, Constants
from auditkit.scanning.stack._faults import Fault, beyond_loopback, fault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["call_faults"]

_OF_LAUNCH = {"server_name", "share", "auth", "server_port", "allowed_paths"}
_SHELLS = {"system", "run", "Popen", "call", "check_call", "check_output", "popen", "execvp", "getoutput"}


def call_faults(tree: ast.AST, values: Constants, file: str) -> tuple[Fault, ...] | None:
    """Return what calls leave open; None where no call starts a server."""
    environment = dict(_environment(tree, values))
    read = [
        _of_call(node, values, environment, file) for node in ast.walk(tree) if isinstance(node, ast.Call)
    ]
    known = [one for one in read if one is not None]
    return tuple(one for some in known for one in some) if known else None


def _environment(tree: ast.AST, values: Constants) -> Iterator[tuple[str, Any]]:
    """Yield variables that the file itself sets by ``os.environ[...] = ...``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Subscript) and values.called(target.value) == "os.environ":
                yield str(values.of_node(target.slice)), values.of_node(node.value)


def _of_call(
    call: ast.Call, values: Constants, environment: dict[str, Any], file: str
) -> tuple[Fault, ...] | None:
    name = values.called(call.func)
    if not name and isinstance(call.func, ast.Attribute):
        name = f"?.{call.func.attr}"
    given, last = _given(call, values), name.rpartition(".")[2]
    rules: list[str] | None = None
    server = "a web server"
    if last == "launch" and ("gradio" in {one.split(".")[0] for one in values.imported.values()} or (_OF_LAUNCH | {"**"}) & set(given)):  # fmt: skip
        server, rules = "Gradio", list(_gradio(given, environment))
    elif name == "ray.init":
        server, rules = "Ray", _bound(given, "dashboard_host", ["exposed", "open_dashboard"])
    elif name == "h2o.init":
        local = given.get("bind_to_localhost")
        server, rules = "H2O", []
        if local is False:
            rules = ["exposed", *([] if {"username", "auth"} & set(given) else ["no_authentication"])]
        elif local is UNKNOWN or "**" in given:
            rules = ["unrecognised"]
    elif last == "CORSMiddleware" or any(isinstance(one, ast.Name) and one.id == "CORSMiddleware" for one in call.args):  # fmt: skip
        origins = given.get("allow_origins")
        rules = ["permissive_cors"] if isinstance(origins, (list, tuple)) and "*" in origins else []
        rules += ["unrecognised"] if origins is UNKNOWN or "**" in given else []
    elif last in {"run", "serve"} and name.split(".")[0] in {"uvicorn", "waitress"}:
        rules = _bound(given, "host", ["exposed"])
    elif last in _SHELLS and name.split(".")[0] in {"os", "subprocess"}:
        return _of_shell(call, values, environment, file)
    return None if rules is None else tuple(fault(file, call.lineno, server, rule) for rule in rules)


def _given(call: ast.Call, values: Constants) -> dict[str, Any]:
    """Return what is given by keyword; "**" stands for what is not known."""
    given: dict[str, Any] = {}
    for word in call.keywords:
        said = values.of_node(word.value)
        if word.arg:
            given[word.arg] = said
        elif isinstance(said, dict):
            given |= {str(key): one for key, one in said.items()}
        else:
            given["**"] = UNKNOWN
    return given


def _bound(given: dict[str, Any], name: str, rules: list[str]) -> list[str]:
    address = given.get(name)
    if address is UNKNOWN or (name not in given and "**" in given):
        return ["unrecognised"]
    return rules if _open(address) else []


def _gradio(given: dict[str, Any], environment: dict[str, Any]) -> Iterator[str]:
    address = given.get("server_name", environment.get("GRADIO_SERVER_NAME"))
    share = given.get("share", str(environment.get("GRADIO_SHARE", "")).casefold() == "true")
    if share is UNKNOWN or address is UNKNOWN or "**" in given:
        yield "unrecognised"
    if share is True:
        yield "public_tunnel"
    if _open(address):
        yield "exposed"
    if (share is True or _open(address)) and given.get("auth") is None:
        yield "no_authentication"


def _of_shell(
    call: ast.Call, values: Constants, environment: dict[str, Any], file: str
) -> tuple[Fault, ...] | None:
    said = values.of_node(call.args[0]) if call.args else UNKNOWN
    line = shlex.join(map(str, said)) if isinstance(said, (list, tuple)) else said
    if not isinstance(line, str):
        return None
    variables = {key: one for key, one in environment.items() if isinstance(one, str)}
    commands = list(commands_in(line, file, call.lineno, variables))
    return tuple(one for each in commands for one in faults_of(each)) if commands else None


def _open(address: Any) -> bool:
    return isinstance(address, str) and beyond_loopback(address)
