"""Code: the source of a code cell as Python, with what IPython adds to the language told apart."""

from __future__ import annotations

import ast
import contextlib
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PYTHON_MAGICS", "Script", "Source", "code_of", "is_python", "source_of"]

PYTHON_MAGICS = {"time", "timeit", "capture", "prun", "python", "python3", "pypy", "debug", "memit", "mprun", "lprun", "heat", "scalene", "memray_flamegraph", "px", "py"}  # fmt: skip
_SHELL_MAGICS = {"bash", "sh", "zsh", "script", "cmd", "powershell", "!", "sx", "system"}
_ASSIGNED = re.compile(r"^(\s*)((?!\s)[\w.,\s\[\]'\"]*?=)\s*([!%].*)$")
_INSTALLS = {"pip", "conda", "mamba", "uv"}


@dataclass(frozen=True, slots=True)
class Script:
    """A command for a shell.

    Attributes
    ----------
    text : str
        The command.
    line : int
        Its line in the cell, the first being 1.
    """

    text: str = field(repr=False)
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """A code cell, read.

    Attributes
    ----------
    tree : ast.Module, optional
        Its Python, lines numbered as in the cell; None where it holds none, or could not be read.
    scripts : tuple of Script
        What it hands to a shell, and to pip and conda.
    why : str
        Why it could not be read; empty where it could.
    """

    tree: ast.Module | None
    scripts: tuple[Script, ...]
    why: str = ""


def source_of(text: str) -> Source:
    r"""Read the source of a code cell; nothing of it is run.

    Lines of magics and of the shell are taken out before the rest is parsed, so that the lines keep their numbers. A cell magic that takes
    Python has its body read; one that takes another language is said.

    Examples
    --------
    >>> read = source_of("!ls\nx = 1")
    >>> [one.text for one in read.scripts], read.tree is not None
    (['ls'], True)
    >>> source_of("%%html\n<b>").why
    'it is in the language of the cell magic %%html'
    """
    lines = text.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    scripts: list[Script] = []
    while lines[first].startswith("%%"):
        name, _, rest = lines[first][2:].strip().partition(" ")
        if name in _SHELL_MAGICS:
            return Source(None, (Script("\n".join(lines[first + 1 :]), first + 2),))
        if name == "writefile" and rest.strip().endswith(".py"):
            name = "python"
        if name not in PYTHON_MAGICS:
            return Source(None, (), f"it is in the language of the cell magic {_shown(name)}")
        lines[first] = "pass" if not rest or name != "timeit" else ""
        first += 1
        if first >= len(lines):
            return Source(ast.Module([], []), ())
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return Source(_parsed(lines), ())  # a percent sign may begin a line of Python, too
    plain = _without_magics(lines, scripts)
    try:
        return Source(_parsed(plain), tuple(scripts))
    except SyntaxError as error:
        return Source(None, tuple(scripts), f"it is no Python from line {error.lineno or 1} on")
    except (ValueError, RecursionError, MemoryError):
        return Source(None, tuple(scripts), "it is no Python, or nested too deep")


def _parsed(lines: list[str]) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in strings of the cell
        return ast.parse("\n".join(lines))


_KNOWN_MAGICS = {"html", "HTML", "javascript", "js", "latex", "markdown", "svg", "sql", "R", "julia", "ruby", "perl", "cython", "writefile", "file", "bigquery"}  # fmt: skip


def _shown(name: str) -> str:
    """Return the name of a magic that may be shown: another one is text of the notebook."""
    return f"%%{name}" if name in _KNOWN_MAGICS else "that it begins with"


def _without_magics(lines: list[str], scripts: list[Script]) -> list[str]:
    plain: list[str] = []
    at = 0
    inside = _strings_over_lines(lines)
    while at < len(lines):
        line = lines[at]
        bare = line.lstrip()
        indent = line[: len(line) - len(bare)]
        assigned = _ASSIGNED.match(line)
        if at in inside or not (bare[:1] in ("%", "!", "?") or bare.rstrip().endswith("?") or assigned):
            plain.append(line)
            at += 1
            continue
        if bare.rstrip().endswith("?") and bare[:1] not in ("%", "!") and "#" in bare:
            plain.append(line)  # a question in a comment
            at += 1
            continue
        command, taken = assigned[3] if assigned else bare, 1
        while command.endswith("\\") and at + taken < len(lines):
            command = command[:-1] + " " + lines[at + taken].strip()
            taken += 1
        if script := _script(command):
            scripts.append(Script(script, at + 1))
        python = _python_of(command)
        plain.append(indent + (f"{assigned[2]} None" if assigned else python))
        plain.extend([""] * (taken - 1))
        at += taken
    return plain


def _strings_over_lines(lines: list[str]) -> set[int]:
    """Return the lines that go on with a string or a line before them: a percent sign there is no magic."""
    inside: set[int] = set()
    quote = ""
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        if quote or (before.endswith("\\") and before.lstrip()[:1] not in ("%", "!")):
            inside.add(number)
        for found in re.finditer(r"\\.|'''|\"\"\"|#.*|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", line):
            if quote and found[0] == quote:
                quote = ""
            elif not quote and found[0] in ("'''", '"""'):
                quote = found[0]
    return inside


def _script(command: str) -> str:
    if command.startswith("!"):
        return command.lstrip("!").strip()
    name, _, rest = command.lstrip("%").partition(" ")
    if name in _INSTALLS:
        return f"{name} {rest}".strip()
    return rest.strip() if name in ("sx", "system", "sc") else ""


def _python_of(command: str) -> str:
    """Return the Python that a line magic takes; `pass` for any other."""
    name, _, rest = command.lstrip("%").partition(" ")
    if command.startswith("%") and name in ("time", "timeit", "prun") and rest.strip():
        body = re.sub(r"^(?:-\w+\s*\d*\s+)*", "", rest.strip())
        try:
            ast.parse(body)
        except (SyntaxError, ValueError):
            return "pass"
        return body
    return "pass"


def code_of(notebook: Mapping[str, Any], *, python: bool = True) -> Iterator[tuple[int, str]]:
    """Yield the number and the source of the code cells of a notebook; with `python` none of one in another language."""
    if python and not is_python(notebook):
        return
    for number, cell in enumerate(notebook.get("cells", ()), 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            if isinstance(source, list):
                source = "".join(one for one in source if isinstance(one, str))
            if isinstance(source, str) and source.strip():
                yield number, source


def is_python(notebook: Mapping[str, Any]) -> bool:
    """Return whether a notebook is in Python, as far as it says; where it does not say, it is."""
    metadata = notebook.get("metadata")
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        info = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(info, dict) and isinstance(info.get(name), str):
            return info[name].lower() in ("python", "ipython", "python3")
    return True
