"""Template: a notebook that holds an audit's narrative, and whose parameters come from the checks it names."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tomllib
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.check import Check, Parameter

__all__ = [
    "Catalogue",
    "Template",
    "catalogue",
    "find_template",
    "list_templates",
    "parameters_cell",
    "plan_cell",
    "read_template",
    "refresh",
    "subject_cell",
]

_GROUP = "auditkit.templates"
_ORDER = (
    "full", "explainability", "bias", "mitigation", "membership", "privacy", "privacy_mitigation", "distillation", "robustness",
    "poisoning", "robustness_mitigation", "drift", "incident", "nyc_ll144", "artifact", "notebooks", "llm", "data", "table", "stack", "access",
)  # fmt: skip

_SHARED_CELL = """\
subject_file = "subject.toml"  # the subject file, relative to this notebook
policy_file = None  # criteria in TOML, relative to this notebook; auditkit's default policy when None
seed = 0  # root of all random numbers
jobs = 1  # processes the checks are spread over
out_dir = "."  # folder that gets report.json"""


@dataclass(frozen=True)
class Template:
    """A notebook that can be run on a subject.

    Attributes
    ----------
    name : str
        What people type: "bias".
    title : str
        For readers.
    path : pathlib.Path
        The .ipynb file.
    checks : tuple of str
        Names of the checks it runs; empty for a notebook that does not say.
    origin : {"auditkit", "plug-in", "file"}
        Where it was found.
    """

    name: str
    title: str
    path: Path
    checks: tuple[str, ...]
    origin: str = "file"

    @cached_property
    def notebook(self) -> dict[str, Any]:
        """The notebook as JSON."""
        return _load(self.path)

    @property
    def digest(self) -> str:
        """The sha256 of what the notebook holds, however it is laid out in its file."""
        return hashlib.sha256(json.dumps(self.notebook, sort_keys=True).encode()).hexdigest()

    def resolved_checks(self) -> tuple[Check, ...]:
        """Return the checks it names.

        Raises
        ------
        InputError
            If one does not exist.
        """
        from auditkit.check import find

        return tuple(about for word in self.checks for about in find(word))

    def source_of(self, tag: str) -> str:
        """Return the source of the cell with this tag; empty if there is none."""
        cell = _tagged(self.notebook, tag)
        return "" if cell is None else _text(cell)


@dataclass(frozen=True)
class Catalogue:
    """All templates of this installation.

    Attributes
    ----------
    templates : tuple of Template
        auditkit's own first.
    broken : dict of str to str
        Plug-ins whose templates could not be read, and why.
    """

    templates: tuple[Template, ...]
    broken: dict[str, str]


def catalogue() -> Catalogue:
    """Find the templates of auditkit and of the entry points ``auditkit.templates``.

    An entry point names a path (or a function without arguments that returns one, or a module) of a notebook or
    of a folder of notebooks.
    """
    found = {t.name: t for t in _in_folder(shipped_folder(), "auditkit")}
    broken: dict[str, str] = {}
    for entry in sorted(entry_points(group=_GROUP), key=lambda e: e.name):
        try:
            for template in _in_folder(_place(entry.load()), "plug-in"):
                if template.name in found:
                    raise InputError(f"the name {template.name!r} is taken by {found[template.name].path}")  # noqa: TRY301
                found[template.name] = template
        except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way; that is said where templates are listed
            broken[f"{entry.name} ({entry.value})"] = f"{type(error).__name__}: {error}"
    rank = {name: i for i, name in enumerate(_ORDER)}
    return Catalogue(
        tuple(sorted(found.values(), key=lambda t: (rank.get(t.name, len(rank)), t.name))), broken
    )


def list_templates() -> tuple[Template, ...]:
    """Return the templates of this installation, auditkit's own first."""
    return catalogue().templates


def find_template(word: str | os.PathLike[str]) -> Template:
    """Return a template by name, or by the path of a notebook.

    Raises
    ------
    InputError
        If there is none; the message names the closest.
    """
    text = os.fspath(word)
    if text.endswith(".ipynb"):
        path = Path(text)
        if not path.is_file():
            raise InputError(f"no template at {text!r}: give the path of an .ipynb file")
        return read_template(path)
    every = catalogue()
    known = {t.name: t for t in every.templates}
    if text not in known:
        _refuse_toml(Path(text))
        lost = "".join(f" The plug-in {name} could not be read: {why}." for name, why in every.broken.items())
        told = (
            _of_checks(text, every.templates)
            or f"no template named {text!r}.{did_you_mean(text, known)} A path to an .ipynb file works too."
        )
        raise InputError(f"{told}{lost}")
    return known[text]


def _refuse_toml(path: Path) -> None:
    """Say what to type for a plan, a policy or a subject file that is given as a template."""
    if path.suffix != ".toml" or not path.is_file():
        return
    from auditkit.loading.told_apart import form_of, type_for

    found = None
    with suppress(OSError, ValueError, RecursionError):  # no TOML: it is told as no template
        found = form_of(tomllib.loads(path.read_text("utf-8-sig")))
    if found is not None:
        raise InputError(f"{path}: expected a template, and this is a {found}; {type_for(found, path)}")


def _of_checks(word: str, templates: Iterable[Template]) -> str:
    """Return what to type for a word that means checks and no template; empty where it means none.

    The smallest template that runs all of these checks is named, where there is one.
    """
    from auditkit.check import registry

    meant = [about for about in registry().checks if word in (about.name, about.code, about.dimension)]
    if not meant:
        return ""
    what = "dimension" if any(about.dimension == word for about in meant) else "check"
    holding = [one for one in templates if all({about.name, about.code} & set(one.checks) for about in meant)]
    has = "it" if what == "check" else f"all {len(meant)} of its checks" if len(meant) > 1 else "its check"
    smallest = sorted(holding, key=lambda one: len(one.checks))[:1]
    run = [f"run `auditkit run {one.name}`, which has {has} among others" for one in smallest]
    ways = ", or ".join([*run, f"write a template with `auditkit template new mine --check {word}`"])
    return f"{word!r} is a {what}, not a template: {ways}; in Python ak.Audit([{word!r}])."


def read_template(path: Path, origin: str = "file") -> Template:
    """Read a template from a notebook file.

    Raises
    ------
    InputError
        If it is no notebook of format 4, or its metadata are damaged.
    """
    about = _load(path)["metadata"].get("auditkit") or {}
    checks = about.get("checks", []) if isinstance(about, dict) else None
    if not isinstance(checks, list) or not all(isinstance(c, str) for c in checks):
        raise InputError(
            f"{path.name}: its metadata must be {{'auditkit': {{'title': ..., 'checks': [names]}}}}"
        )
    name = str(about.get("template") or path.stem)
    return Template(name, str(about.get("title") or name), path.resolve(), tuple(checks), origin)


def refresh(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notebook with its ``parameters`` and ``plan`` cells made anew from the checks' signatures.

    Parameters
    ----------
    notebook : mapping
        A notebook as JSON, whose metadata name its checks.

    Raises
    ------
    InputError
        If it names no checks, or a tagged cell is missing. Everything else is left alone.
    """
    from auditkit.check import find

    fresh = deepcopy(dict(notebook))
    words = (fresh.get("metadata", {}).get("auditkit") or {}).get("checks") or []
    if not words:
        raise InputError("the notebook names no checks: set metadata.auditkit.checks to a list of names")
    checks = [about for word in words for about in find(word)]
    for tag, source in (("parameters", parameters_cell(checks)), ("plan", plan_cell(checks))):
        cell = _tagged(fresh, tag)
        if cell is None:
            raise InputError(f"the notebook has no cell tagged {tag!r}: add a code cell with that tag")
        cell["source"] = source.splitlines(keepends=True)
    return fresh


def shipped_folder() -> Path:
    """Return the folder of auditkit's own templates: inside the wheel, or at the root of a source tree."""
    package = Path(__file__).parents[1]
    packed = package / "_templates"
    return packed if packed.is_dir() else package.parent / "templates"


def write_notebook(path: Path, notebook: Mapping[str, Any]) -> None:
    """Write a notebook as Jupyter does: one blank of indent, a newline at the end."""
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(paths: Iterable[str] = ()) -> None:
    """Refresh the given templates, or all of auditkit's own."""
    for path in [Path(p) for p in paths] or sorted(shipped_folder().glob("*.ipynb")):
        write_notebook(path, refresh(_load(path)))


def subject_cell(kind: str) -> str:
    """Return the source of the cell that loads what is audited: a model with its rows, or a target of another kind."""
    load, name = (
        ("", "ak.load_subject")
        if kind == "model"
        else ("from auditkit.loading import load_target\n", "load_target")
    )
    return f"import auditkit as ak\n{load}from auditkit.runner.notebook import observe, show\n\nsubject = {name}(subject_file)"


def parameters_cell(checks: Iterable[Check], values: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Return the source of the cell that sets every parameter of these checks.

    Parameters
    ----------
    checks : iterable of Check
        What is set.
    values : mapping of str to mapping, optional
        Values by the code of the check; its defaults where left out.
    """
    from auditkit.runner.parameters import SEPARATOR

    blocks, given = [_SHARED_CELL], values or {}
    for about in checks:
        own = given.get(about.code, {})
        lines = [
            f"{about.name}{SEPARATOR}{p.name} = {own.get(p.name, p.default)!r}{_comment(p)}"
            for p in about.parameters
        ]
        blocks += ["\n".join([f"# {about.code} {one_line(about.title)}", *lines])] if lines else []
    return "\n\n".join(blocks)


def _comment(parameter: Parameter) -> str:
    """Return the description and the bounds as papermill reads help: one line, no equals sign."""
    from auditkit.runner.parameters import bounds

    words = "; ".join(filter(None, [parameter.description.rstrip("."), bounds(parameter)])).replace("=", " ")
    return f"  # {' '.join(words.split())}" if words else ""


def plan_cell(
    checks: Iterable[Check],
    keys: Mapping[str, str] | None = None,
    further: Iterable[str] = ("criteria=ak.load_policy(policy_file),",),
) -> str:
    """Return the source of the cell that makes the plan from the parameters.

    Parameters
    ----------
    checks : iterable of Check
        What is planned.
    keys : mapping of str to str, optional
        What stands for a check in the code, by its code; its name in quotes where left out.
    further : iterable of str
        Lines of the other arguments.
    """
    from auditkit.runner.parameters import SEPARATOR

    lines, known = ["audit = ak.Audit(", "    {"], keys or {}
    for about in checks:
        lines.append(f"        {known.get(about.code, json.dumps(about.name))}: {{")
        lines += [f'            "{p.name}": {about.name}{SEPARATOR}{p.name},' for p in about.parameters]
        lines.append("        },")
    return "\n".join([*lines, "    },", *(f"    {line}" for line in further), ")"])


def _in_folder(place: Path, origin: str) -> list[Template]:
    paths = [place] if place.suffix == ".ipynb" else sorted(place.glob("*.ipynb"))
    return [read_template(path, origin) for path in paths]


def _place(loaded: Any) -> Path:
    """Return the path an entry point stands for."""
    if hasattr(loaded, "__path__"):
        return Path(next(iter(loaded.__path__)))
    if getattr(loaded, "__file__", None):
        return Path(loaded.__file__).parent
    return Path(loaded() if callable(loaded) else loaded)


def _load(path: Path) -> dict[str, Any]:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the template {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a Jupyter notebook: {error}") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if (
        not isinstance(cells, list)
        or notebook.get("nbformat") != 4
        or not isinstance(notebook.get("metadata"), dict)
    ):
        raise InputError(f"{path} is not a Jupyter notebook of format 4")
    return notebook  # type: ignore[no-any-return]


def _tagged(notebook: Mapping[str, Any], tag: str) -> dict[str, Any] | None:
    for cell in notebook.get("cells", []):
        if tag in (cell.get("metadata", {}).get("tags") or []):
            return cell  # type: ignore[no-any-return]
    return None


def _text(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


if __name__ == "__main__":
    main(sys.argv[1:])
