"""Risky calls: what in the code cells of a notebook runs text as code, reads files that can carry code, or trusts what it should not."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.scanning.notebooks.code import code_of, is_python, source_of
from auditkit.scanning.notebooks.leaves import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from auditkit.scanning.notebooks.code import Script

__all__ = ["RULES", "Call", "Unread", "calls_in"]

RULES: dict[str, tuple[str, str]] = {
    "eval": ("high", "runs text that is made at run time as code"),
    "shell": ("high", "hands text that is made at run time to a shell"),
    "shell_command": ("low", "hands a fixed command to a shell"),
    "pickle": ("high", "loads a format that can carry code (pickle)"),
    "torch_load": ("high", "loads a PyTorch file without weights_only=True"),
    "numpy_pickle": ("high", "loads arrays with allow_pickle=True"),
    "keras_unsafe": ("high", "loads a Keras model with safe_mode=False"),
    "yaml_load": ("high", "loads YAML without a safe loader"),
    "no_tls_check": ("medium", "does not verify the certificate of a server"),
    "remote_code": ("high", "runs code that comes with a downloaded model"),
    "pipe_to_shell": ("high", "downloads a script and runs it unread"),
    "other_index": ("medium", "installs packages from an address, or from an index without TLS"),
    "archive": ("low", "unpacks an archive without a filter for its paths"),
    "open_to_all": ("medium", "serves beyond this machine, or with a debugger"),
}
"""Rules, each with a severity and what it means in words."""

_EVAL = {"eval", "exec", "builtins.eval", "builtins.exec", "compile", "builtins.compile", "code.InteractiveInterpreter.runsource", "get_ipython().run_cell", "get_ipython().ex", "get_ipython().ev"}  # fmt: skip
_SHELL = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "commands.getoutput", "pty.spawn", "asyncio.create_subprocess_shell",
          "get_ipython().system", "get_ipython().getoutput", "get_ipython().system_raw"}  # fmt: skip
_SUBPROCESS = {
    "subprocess.run",
    "subprocess.call",
    "subprocess.Popen",
    "subprocess.check_call",
    "subprocess.check_output",
}
_PICKLE = {f"{module}.{name}" for module in ("pickle", "cPickle", "_pickle", "pickle5", "dill", "cloudpickle", "jsonpickle", "marshal") for name in ("load", "loads", "Unpickler", "decode")} | {
    "joblib.load", "sklearn.externals.joblib.load", "pandas.read_pickle", "shelve.open", "skops.io._legacy.load", "lightgbm.Booster.__setstate__",
}  # fmt: skip
_TLS = {
    "ssl._create_unverified_context",
    "urllib3.disable_warnings",
    "requests.packages.urllib3.disable_warnings",
}
_HTTP = ("requests.", "httpx.", "aiohttp.")
_YAML_SAFE = {"yaml.SafeLoader", "yaml.CSafeLoader", "yaml.BaseLoader", "yaml.CBaseLoader"}
_PIPED = re.compile(
    r"(?:curl|wget|iwr|invoke-webrequest)\b[^|;\n]*\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|(?:curl|wget)\b[^|\n]*\|\s*(?:sudo\s+)?python|"
    r"(?:ba|z)?sh\s+(?:-c\s+)?[\"']?(?:<\(|\$\(|`)\s*(?:curl|wget)|eval\s+[\"']?(?:\$\(|`)\s*(?:curl|wget)|(?:iex|invoke-expression)\b.*(?:iwr|downloadstring)",
    re.IGNORECASE,
)
_INSTALL = re.compile(r"\b(?:pip3?|uv|python3? -m pip)\b.*\binstall\b", re.IGNORECASE)
_OTHER_INDEX = re.compile(
    r"(?:git|hg|svn|bzr)\+|--trusted-host|(?:-i|--index-url|--extra-index-url)[= ]+http://|\binstall\b.*\shttps?://",
    re.IGNORECASE,
)
_NO_TLS = re.compile(
    r"\bcurl\b[^\n]*\s(?:-\w*k\w*|--insecure)(?=\s|$)|\bwget\b[^\n]*--no-check-certificate|GIT_SSL_NO_VERIFY",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Call:
    """A risky call.

    Attributes
    ----------
    rule : str
        One of `RULES`.
    severity : {"low", "medium", "high"}
        Of the rule.
    place : Place
        Where it stands.
    """

    rule: str
    severity: str
    place: Place


@dataclass(frozen=True, slots=True)
class Unread:
    """A code cell that could not be read.

    Attributes
    ----------
    cell : int
        Its number, the first being 1.
    why : str
        In words.
    """

    cell: int
    why: str


def calls_in(notebook: Mapping[str, Any]) -> tuple[tuple[Call, ...], tuple[Unread, ...]]:
    """Return the risky calls in the code cells of a notebook, and the cells that could not be read.

    Parameters
    ----------
    notebook : mapping
        Its JSON, of format 4.

    Returns
    -------
    tuple of Call, tuple of Unread
        In order. Names that one cell imports are known in those below it. A notebook in another language is not read at all.
    """
    calls: list[Call] = []
    unread: list[Unread] = []
    names: dict[str, str] = {}
    python = is_python(notebook)
    for number, text in code_of(notebook, python=False):
        if not python:
            unread.append(Unread(number, "the notebook says that its language is not Python"))
            continue
        source = source_of(text)
        if source.why:
            unread.append(Unread(number, source.why))
        found = [(rule, script.line + line) for script in source.scripts for rule, line in _in_script(script)]
        if source.tree is not None:
            visitor = _Visitor(names)
            try:
                visitor.visit(source.tree)
            except RecursionError:
                unread.append(Unread(number, "it is nested too deep"))
            found += visitor.found
        calls += [
            Call(rule, RULES[rule][0], Place(number, "source", line))
            for rule, line in sorted(set(found), key=lambda one: (one[1], one[0]))
        ]
    return tuple(calls), tuple(unread)


def _in_script(script: Script) -> Iterator[tuple[str, int]]:
    for line, text in enumerate(script.text.split("\n")):
        if _PIPED.search(text):
            yield "pipe_to_shell", line
        if _INSTALL.search(text) and _OTHER_INDEX.search(text):
            yield "other_index", line
        if _NO_TLS.search(text):
            yield "no_tls_check", line


class _Visitor(ast.NodeVisitor):
    """Walks a cell; names that it imports are kept for the cells below."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self.found: list[tuple[str, int]] = []

    def visit_Import(self, node: ast.Import) -> None:
        for one in node.names:
            self.names[one.asname or one.name.partition(".")[0]] = (
                one.name if one.asname else one.name.partition(".")[0]
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for one in node.names:
            self.names[one.asname or one.name] = f"{node.module or ''}.{one.name}"

    def visit_Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        dotted = self._dotted(node.value)
        if isinstance(target, ast.Name) and len(node.targets) == 1:
            self._call(target.id, dotted)  # load = pickle.load
        if isinstance(target, ast.Attribute) and dotted == "ssl._create_unverified_context":
            self.found.append(("no_tls_check", node.lineno))
        self.generic_visit(node)

    def visit_withitem(self, node: ast.withitem) -> None:
        if isinstance(node.optional_vars, ast.Name):
            self._call(node.optional_vars.id, self._dotted(node.context_expr))
        self.generic_visit(node)

    def _call(self, name: str, dotted: str) -> None:
        self.names.pop(name, None)
        if "." in dotted and len(dotted) < 200:
            self.names[name] = dotted

    def visit_Call(self, node: ast.Call) -> None:
        name = self._dotted(node.func)
        for rule, told in _TESTS.items():
            if told(self, name, node):
                self.found.append((rule, node.lineno))
        for text in _commands(name, node):
            self.found += [(rule, node.lineno) for rule, _ in _in_text(text)]
        self.generic_visit(node)

    def _dotted(self, node: ast.AST) -> str:
        """Return the dotted name that an expression stands for, imports followed; empty where it has none."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and (owner := self._dotted(node.value)):
            return f"{owner}.{node.attr}"
        if isinstance(node, ast.Call) and (called := self._dotted(node.func)):
            return f"{called}()"
        return ""

    def keyword(self, node: ast.Call, name: str) -> ast.expr | None:
        """Return the value that a call gives to a keyword."""
        return next((one.value for one in node.keywords if one.arg == name), None)

    def says(self, node: ast.Call, **wanted: object) -> bool:
        """Return whether a call gives this constant to a keyword."""
        ((name, value),) = wanted.items()
        given = self.keyword(node, name)
        return isinstance(given, ast.Constant) and given.value is value


def _in_text(text: str) -> Iterator[tuple[str, int]]:
    from auditkit.scanning.notebooks.code import Script as Command

    return _in_script(Command(text, 1))


def _commands(name: str, node: ast.Call) -> Iterator[str]:
    """Yield the fixed commands that a call hands to a shell."""
    if (name in _SHELL or name in _SUBPROCESS) and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value
        elif isinstance(first, ast.List):
            yield " ".join(
                one.value
                for one in first.elts
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )


def _fixed(node: ast.Call) -> bool:
    return bool(node.args) and isinstance(node.args[0], ast.Constant)


def _shelled(visitor: _Visitor, name: str, node: ast.Call) -> bool:
    return name in _SHELL or (name in _SUBPROCESS and visitor.says(node, shell=True))  # noqa: S604 - looked for, not done


def _yaml(visitor: _Visitor, name: str, node: ast.Call) -> bool:
    if name in ("yaml.unsafe_load", "yaml.unsafe_load_all"):
        return True
    if name not in ("yaml.load", "yaml.load_all"):
        return False
    loader = visitor.keyword(node, "Loader") or (node.args[1] if len(node.args) > 1 else None)
    return loader is None or visitor._dotted(loader) not in _YAML_SAFE  # noqa: SLF001 - of the same module


def _torch(visitor: _Visitor, name: str, node: ast.Call) -> bool:
    return name in ("torch.load", "torch.serialization.load") and not visitor.says(node, weights_only=True)


def _served(visitor: _Visitor, name: str, node: ast.Call) -> bool:
    last = name.rpartition(".")[2]
    host = visitor.keyword(node, "host") or visitor.keyword(node, "server_name")
    everywhere = isinstance(host, ast.Constant) and host.value in ("0.0.0.0", "::")  # noqa: S104 - looked for
    shared = last == "launch" and visitor.says(node, share=True)
    return last in ("run", "launch", "serve", "run_server") and (
        everywhere or shared or (last == "run" and visitor.says(node, debug=True))
    )


_TESTS: dict[str, Callable[[_Visitor, str, ast.Call], bool]] = {
    "eval": lambda _, name, node: name in _EVAL and not _fixed(node),
    "shell": lambda visitor, name, node: _shelled(visitor, name, node) and not _fixed(node),
    "shell_command": lambda visitor, name, node: _shelled(visitor, name, node) and _fixed(node),
    "pickle": lambda _, name, __: name in _PICKLE,
    "torch_load": _torch,
    "numpy_pickle": lambda visitor, name, node: (
        name in ("numpy.load", "np.load") and visitor.says(node, allow_pickle=True)
    ),
    "keras_unsafe": lambda visitor, name, node: (
        name.endswith("load_model") and visitor.says(node, safe_mode=False)
    ),
    "yaml_load": _yaml,
    "no_tls_check": lambda visitor, name, node: (
        name in _TLS or (name.startswith(_HTTP) and visitor.says(node, verify=False))
    ),
    "remote_code": lambda visitor, name, node: (
        visitor.says(node, trust_remote_code=True) or (name == "torch.hub.load" and not _local(node))
    ),
    "archive": lambda visitor, name, node: (
        name.endswith(".extractall")
        and "zip" not in name.lower()
        and "tar" in name.lower()
        and visitor.keyword(node, "filter") is None
    ),
    "open_to_all": _served,
}


def _local(node: ast.Call) -> bool:
    return any(
        one.arg == "source" and isinstance(one.value, ast.Constant) and one.value.value == "local"
        for one in node.keywords
    )
