"""The house itself: lint, types, layers, and that the project keeps its own rules."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("ruff", "check", "."), id="ruff-check"),
        pytest.param(("ruff", "format", "--check", "."), id="ruff-format"),
        pytest.param(("mypy",), id="mypy"),
        pytest.param(("lint-imports",), id="layers"),
    ],
)
def test_tool_is_content(command):
    path = Path(sys.executable).with_name(command[0])
    tool = str(path) if path.exists() else shutil.which(command[0])
    assert tool, f"{command[0]} is part of the extra 'test'"
    result = run(tool, *command[1:])
    assert result.returncode == 0, result.stdout + result.stderr


def python_files():
    return sorted((ROOT / "auditkit").rglob("*.py"))


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_module_is_of_a_readable_size_and_says_what_it_is(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    assert text.startswith('"""')


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of what a function does: its options and its docstring, which are read as a page, aside."""
    said = ast.get_docstring(function, clean=False) is not None
    does = function.body[1:] if said else function.body
    return function.end_lineno - does[0].lineno + 1 if does else 0


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_are_of_a_readable_size(path):
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    assert {f.name: lines for f in functions if (lines := lines_of(f)) > 60} == {}


def test_no_unfinished_work_is_shipped():
    words = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
    found = [str(p.relative_to(ROOT)) for p in python_files() if words.search(p.read_text("utf-8"))]
    assert found == []


def test_no_upper_version_pins():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    every = project["dependencies"] + [
        d for group in project["optional-dependencies"].values() for d in group
    ]
    assert [d for d in every if "<" in d or "==" in d or "~=" in d] == []


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [
        (page, t)
        for page in pages
        for t in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    ]
    inside = [(page, target) for page, target in links if not re.match(r"[a-z]+:", target)]
    assert [
        f"{page.name} -> {target}" for page, target in inside if not (page.parent / target).exists()
    ] == []
