"""Parameters: what a template lets its reader set, and what may be written into a notebook."""

from __future__ import annotations

import ast
import builtins
import json
import keyword
import re
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from auditkit.check import Check, Parameter, registry
from auditkit.errors import InputError, did_you_mean
from auditkit.naming import RowNumbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


__all__ = [
    "SEPARATOR",
    "SHARED",
    "assignment",
    "bounds",
    "declared",
    "in_cell",
    "of_checks",
    "parse_assignments",
    "validate",
]

SEPARATOR = "__"

# set by the runner, for every template alike
SHARED: dict[str, str] = {
    "subject_file": "--subject",
    "policy_file": "--policy",
    "seed": "--seed",
    "jobs": "--jobs",
    "out_dir": "--out",
}

_LONGEST = 10_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:token|tokens|password|passwd|passphrase|pwd|secret|secrets|key|keys|apikey|credential|credentials)(?:_|$)",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bglpat-[\w-]{16,}|\bhf_[A-Za-z0-9]{20,}|\bsk-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\."  # a JSON web token
    r"|://[^/\s:@]+:[^/\s@]+@"  # a password inside an address
)
_TYPES: dict[str, Any] = {"bool": bool, "int": int, "float": float, "str": str, "list": list, "dict": dict}


def of_checks(checks: Iterable[Check]) -> dict[str, Parameter]:
    """Return the parameters of checks under the names they have in a notebook: ``CHECK__PARAM``.

    Examples
    --------
    >>> from auditkit.check import find
    >>> sorted(of_checks(find("model_performance")))
    ['model_performance__level']
    """
    return {
        name: replace(p, name=name)
        for about in checks
        for p in about.parameters
        for name in (f"{about.name}{SEPARATOR}{p.name}",)
    }


def bounds(parameter: Parameter) -> str:
    """Return in words what values a parameter takes; empty where anything of its type will do.

    Examples
    --------
    >>> bounds(Parameter("level", float, 0.95, low=0.5, high=1, low_open=True, high_open=True))
    'above 0.5, below 1'
    """
    return parameter.bounds


class Declaring(Protocol):
    """A template, as far as its parameters are concerned."""

    @property
    def name(self) -> str:
        """What people type."""

    @property
    def path(self) -> Path:
        """The .ipynb file."""

    def resolved_checks(self) -> tuple[Check, ...]:
        """Return the checks it names."""

    def source_of(self, tag: str) -> str:
        """Return the source of the cell with this tag."""


def declared(template: Declaring) -> dict[str, Parameter]:
    """Return every parameter that may be set in a template, by name.

    Those of the checks named in the notebook's metadata come from the checks' signatures; any other comes
    from the cell tagged ``parameters``, with the type of its default.

    Raises
    ------
    InputError
        If a named check does not exist, or the cell is not a list of assignments of plain values.
    """
    known = of_checks(template.resolved_checks())
    own = in_cell(template.source_of("parameters"), template.name)
    checks = {about.name for about in template.resolved_checks()}
    stale = [n for n in own if n not in known and n.partition(SEPARATOR)[0] in checks and SEPARATOR in n]
    if stale:
        raise InputError(
            f"{template.name}: its cell sets {stale[0]!r}, which the check does not have."
            f"{did_you_mean(stale[0], known)} Refresh the template: python -m auditkit.runner.templates {template.path}"
        )
    return {name: p for name, p in (own | known).items() if name not in SHARED}


def in_cell(source: str, where: str = "the parameters cell") -> dict[str, Parameter]:
    """Return the parameters that a cell of assignments declares; the cell is read, never run.

    Examples
    --------
    >>> in_cell("rows: int = 10")["rows"].validate("12")
    12
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{where}: its parameters cell is not plain Python: {error}") from None
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        name, annotation, value = _assignment(node, where)
        _name_is_plain(name)
        found[name] = Parameter(name, _type(annotation, value), value)
    return found


def parse_assignments(assignments: Iterable[str], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the values of ``NAME=VALUE`` words, each checked against its declaration.

    Parameters
    ----------
    assignments : iterable of str
        As typed after ``-p``; a value is JSON, or plain text.
    known : mapping of str to Parameter
        What the template declares.

    Raises
    ------
    InputError
        For a word without ``=``, an unknown or repeated name, a name that is code, a value that does not fit,
        or one that looks like a secret. Nothing has run by then.
    """
    given: dict[str, Any] = {}
    for word in assignments:
        name, equals, text = word.partition("=")
        name = name.strip()
        if not equals:
            raise InputError(f"-p takes NAME=VALUE, got {name!r}")
        if name in given:
            raise InputError(f"{name} is set twice")
        parameter = _known(name, known)
        _no_secret(name, text)
        if len(text) > _LONGEST:
            raise InputError(f"{name}: a value may have {_LONGEST:,} characters at most, got {len(text):,}")
        try:
            given[name] = _json(name, parameter.parse(text))
        except InputError as error:
            said = str(error).partition(f"; type {name}=")[0]  # what to type in Python, and here is told next
            raise InputError(f"{said}: -p {assignment(parameter, _meant(parameter, text))}") from None
        except RecursionError:
            raise InputError(f"{name}: the value is nested too deeply") from None
    return given


def assignment(parameter: Parameter, value: Any) -> str:
    """Return the words after ``-p`` that give a parameter this value.

    Parameters
    ----------
    parameter : Parameter
        As declared, under its name in the notebook.
    value : object
        Plain JSON, as `validate` returns it.

    Examples
    --------
    >>> assignment(Parameter("shap_importance__rows", int, 500), 50)
    'shap_importance__rows=50'
    >>> assignment(Parameter("label", str | int, 1), "1")
    'label="1"'
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and not _says(parameter, text, value):
        text = json.dumps(value, ensure_ascii=False)
    return f"{parameter.name}={text}"


def _meant(parameter: Parameter, text: str) -> Any:
    """Return the list that words without brackets may have meant, where the parameter takes it; else the default."""
    with suppress(InputError):
        return parameter.validate([word.strip().strip("'\"") for word in text.strip("[]() ").split(",")])
    return [0] if isinstance(parameter.names, RowNumbers) else parameter.default


def _says(parameter: Parameter, text: str, value: Any) -> bool:
    try:
        found = parameter.parse(text)
    except InputError:
        return False
    return type(found) is type(value) and bool(found == value)


def validate(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return values given from Python, each checked against its declaration, as plain JSON.

    Raises
    ------
    InputError
        As `parse_assignments`.
    """
    checked = {}
    for name, value in given.items():
        parameter = _known(name, known)
        checked[name] = _json(name, parameter.validate(_json(name, value)))
        _no_secret(name, json.dumps(checked[name], ensure_ascii=False))
    return checked


def _known(name: str, known: Mapping[str, Parameter]) -> Parameter:
    _name_is_plain(name)
    if name in SHARED:
        raise InputError(f"{name} is set by {SHARED[name]}, not by -p")
    if name not in known:
        of = [one for one in known if one.endswith(f"{SEPARATOR}{name}")]
        told = f" Say of which check: {', '.join(of)}." if of else _closest(name, known)
        raise InputError(f"this template has no parameter {name!r}.{told}")
    return known[name]


def _closest(name: str, known: Mapping[str, Parameter]) -> str:
    """Return what may have been meant; of a check said by code or name, one of its own options."""
    check, _, option = name.partition(SEPARATOR)
    meant = next(
        (one.name for one in registry().checks if check.upper() == one.code or check == one.name), ""
    )
    own = [one.removeprefix(f"{meant}{SEPARATOR}") for one in known if one.startswith(f"{meant}{SEPARATOR}")]
    if meant and not own:
        return f" It does not run {check}."
    if not own:
        return did_you_mean(name, known)
    close = get_close_matches(option, own, n=1)
    return f" Did you mean {f'{meant}{SEPARATOR}{close[0]}'!r}?" if close else (
        f" Known of {check}: {', '.join(f'{meant}{SEPARATOR}{one}' for one in own)}."
    )  # fmt: skip


def _name_is_plain(name: Any) -> None:
    """Refuse what is no plain name: papermill writes it into the notebook as code."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 100:
        raise InputError(f"a parameter's name is letters, digits and underscores, got {str(name)[:60]!a}")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        raise InputError(f"{name!r} is a word of Python itself, not a parameter")
    if _SECRET_NAME.search(name):
        raise InputError(
            f"{name!r} looks like a secret: secrets never travel as parameters, they would stay in the report"
        )


def _no_secret(name: str, text: str) -> None:
    if _SECRET_VALUE.search(text):
        raise InputError(
            f"the value of {name} looks like a secret: secrets never travel as parameters, they would stay in the report"
        )


def _json(name: str, value: Any) -> Any:
    """Return the value as JSON holds it; a tuple as a list, since papermill would write it as text."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{name}: a parameter must be plain JSON: {error}") from None


def _assignment(node: ast.stmt, where: str) -> tuple[str, ast.expr | None, Any]:
    target = (
        node.targets[0]
        if isinstance(node, ast.Assign) and len(node.targets) == 1
        else getattr(node, "target", None)
    )
    value = getattr(node, "value", None)
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or not isinstance(target, ast.Name) or value is None:
        raise InputError(f"{where}: line {node.lineno} of its parameters cell must be NAME = VALUE")
    try:
        return target.id, getattr(node, "annotation", None), ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise InputError(f"{where}: the default of {target.id!r} must be a plain value, not code") from None


def _type(annotation: ast.expr | None, default: Any) -> Any:
    if isinstance(annotation, ast.Name) and annotation.id in _TYPES:
        return _TYPES[annotation.id]
    return Any if annotation is not None else _TYPES.get(type(default).__name__, Any)
