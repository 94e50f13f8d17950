"""What explorers borrow: public names of other modules, and in the views no arithmetic at all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import auditkit

ROOT = Path(auditkit.__file__).parent
MODELS = sorted((ROOT / "explore").glob("*.py"))
VIEWS = [
    path
    for path in sorted((ROOT / "widgets" / "explorers").glob("*.py"))
    if path.name not in ("dial.py", "live.py")
]


def imported(path: Path) -> list[tuple[str, str]]:
    """Return module and name of each import of a file that is there when it runs."""
    found: list[tuple[str, str]] = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]  # imports for types
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found += [(node.module or "", one.name) for one in node.names]
        elif isinstance(node, ast.Import):
            found += [(one.name, "") for one in node.names]
    return found


@pytest.mark.parametrize("path", [*MODELS, *VIEWS], ids=lambda path: path.stem)
def test_no_private_name_of_another_module_is_used(path: Path) -> None:
    private = [
        (module, name)
        for module, name in imported(path)
        if module.startswith("auditkit.")
        and name.startswith("_")
        and not (ROOT.parent / Path(*module.split(".")) / f"{name}.py").exists()
    ]
    assert not private


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.stem)
def test_a_view_computes_no_number(path: Path) -> None:
    modules = {module.partition(".")[0] for module, _ in imported(path) if not module.startswith("auditkit")}
    assert not modules & {"math", "numpy", "scipy", "statistics"}
    assert not [module for module, _ in imported(path) if module.startswith("auditkit.explore._")]
