"""Uses: what one audit rests on beside auditkit and what is under every audit: model libraries, and code of a team's own."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import (
    PackageNotFoundError,
    distributions,
    entry_points,
    packages_distributions,
    version,
)
from importlib.metadata import distribution as of_name
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.batch.digests import Digests
    from auditkit.runner.templates import Template

__all__ = ["BASE", "OF_CHECKS", "used"]

BASE = {"numpy": "numpy", "scipy": "scipy", "sklearn": "scikit-learn", "pandas": "pandas"}
"""Packages under every audit, by the names they are imported by."""
OF_CHECKS = {
    "auditkit.checks.explainability": ("shap",),
    "auditkit.checks.language": ("markdown_it",),
    "auditkit.checks.mitigation.fairness": ("fairlearn",),
    "auditkit.checks.notebooks": ("detect_secrets", "license_expression"),
    "auditkit.checks.mitigation.privacy": ("opacus", "torch"),
    "auditkit.checks.tables.schema": ("pyarrow",),
    "auditkit.checks.robustness.libraries": ("art", "foolbox"),
    "auditkit.checks.artifact": ("picklescan", "modelaudit_picklescan"),
}
"""What checks of auditkit use whatever the subject is, by the beginning of their modules' names."""
_GROUPS = ("auditkit.checks", "auditkit.predictors", "auditkit.templates")
_OF_ENVIRONMENT = ("notebooks", "stack")
"""Kinds of target that are held against all that is installed."""
_ARROW = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")


def used(template: Template, subject_file: Path, digests: Digests) -> dict[str, dict[str, str]]:
    """Return the releases of the packages that an audit uses besides, and digests of the code that is no release of anybody's.

    They are read off the files and nothing of them is opened or run: the globals a pickle names, the schema of a skops file, the kind of a
    table, and the ``import`` statements of factories, templates, checks of plug-ins, editable packages, and modules that belong to no package.
    What is imported by other means is not seen.

    Returns
    -------
    dict
        ``packages``: release by name of the distribution, empty where it is not installed. ``code``: digest of all files of a module or
        package, by the name it is imported by.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    walk = _Walk(digests, subject_file.parent)
    for check in template.resolved_checks():
        module = check.function.__module__
        if not module.startswith("auditkit."):
            walk.take(module, own=True)
        for begins, names in OF_CHECKS.items():
            if f"{module}.".startswith(f"{begins}."):
                walk.take_all(names)
    if template.origin != "auditkit":
        for source in _code(template):
            walk.take_all(_imports(source))
    _subject(walk, subject_file)
    return {"packages": dict(sorted(walk.packages.items())), "code": dict(sorted(walk.code.items()))}


def _subject(walk: _Walk, subject_file: Path) -> None:
    from auditkit.loading.kinds import read_subject_file
    from auditkit.loading.models import needed_by

    written = read_subject_file(subject_file)
    for key, path in written.files().items():
        if key == "model.path":
            walk.take_all(walk.digests.read_once(path, needed_by))
        elif key != "model.python" and walk.digests.read_once(path, _arrow):
            walk.take("pyarrow")
    for module in written.modules:
        walk.take(module, own=True)
    if written.kind in _OF_ENVIRONMENT:
        walk.packages |= {one.name: one.version for one in distributions()}
    if written.kind == "model" and "model.predictions" not in written.files():
        for entry in entry_points(group="auditkit.predictors"):
            walk.take(entry.module, own=True)


@dataclass
class _Walk:
    """What was found so far, by following imports."""

    digests: Digests
    beside: Path
    packages: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    _followed: set[str] = field(default_factory=set)

    def take_all(self, names: tuple[str, ...] | set[str]) -> None:
        for name in sorted(names):
            self.take(name)

    def take(self, module: str, *, own: bool = False) -> None:
        """Note a package, and follow it where it is a team's own: its release alone does not say what is in it."""
        name = module.partition(".")[0]
        if name in self._followed or name in BASE or name == "auditkit" or name in sys.stdlib_module_names:
            return
        known = _distributions().get(name, [])
        self.packages |= {one: version(one) for one in known}
        if known and not own and not _plug_ins() & set(known) and not any(map(_editable, known)):
            return  # followed all the same where it turns out to be a team's own
        self._followed.add(name)
        files = dict(_files(name, self.beside))
        if not files:
            self.packages |= {} if known else {name: _release(name)}
            return
        listed = "\n".join(f"{short} {self.digests.of(path)}" for short, path in files.items())
        self.code[name] = hashlib.sha256(listed.encode()).hexdigest()
        for path in files.values():
            if path.suffix == ".py":
                self.take_all(self.digests.read_once(path, _imported))


@cache
def _distributions() -> dict[str, list[str]]:
    return {name: sorted(set(known)) for name, known in packages_distributions().items()}


@cache
def _plug_ins() -> set[str]:
    """Return the distributions that bring checks, predictors or templates."""
    return {entry.dist.name for group in _GROUPS for entry in entry_points(group=group) if entry.dist}


@cache
def _editable(distribution: str) -> bool:
    """Whether a distribution was installed so that its code may change under one release (PEP 610)."""
    try:
        said = json.loads(of_name(distribution).read_text("direct_url.json") or "{}")
        return bool(said["dir_info"]["editable"])
    except (PackageNotFoundError, ValueError, KeyError, TypeError):
        return False


def _release(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _files(name: str, beside: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a module, or of a package with all below it, by short names; none where there is none.

    A kernel looks in the working folder too, and whoever loads a factory in that of the subject file.
    """
    try:
        spec = find_spec(name) or PathFinder.find_spec(name, [str(Path.cwd()), str(beside)])
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.has_location and spec.origin:
            yield Path(spec.origin).name, Path(spec.origin)
        return
    for folder in map(Path, spec.submodule_search_locations):
        for path in sorted(folder.rglob("*")):
            short = path.relative_to(folder)
            hidden = any(part == "__pycache__" or part.startswith(".") for part in short.parts)
            if not hidden and path.is_file():
                yield short.as_posix(), path


def _imported(path: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(_imports(path.read_text(encoding="utf-8", errors="replace"))))
    except OSError:
        return ()


def _imports(source: str) -> set[str]:
    """Return the first parts of the absolute names that Python code imports; none of code that cannot be read."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _code(template: Template) -> Iterator[str]:
    """Yield the code of a notebook, without lines that only a notebook understands."""
    for cell in template.notebook["cells"]:
        if cell["cell_type"] == "code":
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            yield "\n".join(map(_plain, source.splitlines()))


def _plain(line: str) -> str:
    """Return a line of a cell as Python: ``%%time`` and its like leave the lines below them what they are."""
    code = line.lstrip()
    return f"{line[: len(line) - len(code)]}pass" if code.startswith(("%", "!", "?")) else line


def _arrow(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            return ("pyarrow",) if file.read(8).startswith(_ARROW) else ()
    except OSError:
        return ()
