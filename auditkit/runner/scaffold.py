"""Scaffold: a template of one's own, begun."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditkit.check import find
from auditkit.errors import InputError, did_you_mean
from auditkit.render.text import one_line
from auditkit.runner.paths import output_path, writable_folder
from auditkit.runner.templates import list_templates, parameters_cell, plan_cell, subject_cell, write_notebook
from auditkit.targets import KINDS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from auditkit.check import Check

__all__ = ["new_template"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,60}")

_PURPOSE = """\
# {title}

**Purpose.** What is to be decided with this audit, by whom, and who is affected? Write it here, in place of this line.

**In scope.** {scope}

**Not in scope.** What this audit does not look at. A reader will take silence for a clean bill."""

_SETTINGS = """\
## Settings

Every option has a default and bounds. They stand in the cell after this one, and `auditkit run -p NAME=VALUE` sets them."""

_METHOD = """\
### {question}

**Method.** What is computed, from which rows, after whom. See `{page}`.

**Limits.** What it cannot tell.

**How to read it.** What a high and a low figure mean for this use of the model."""

_AGAIN = """\
## How to reproduce

The subject file, the policy, the settings and the seed determine every number. Methods lists them, with the command of this run."""


def new_template(
    name: str,
    *,
    checks: Iterable[str] = ("model_performance",),
    title: str | None = None,
    folder: str | os.PathLike[str] = ".",
) -> Path:
    """Write a template that runs as it is, with places for the prose; return its path.

    Parameters
    ----------
    name : str
        Letters, digits, ``-`` and ``_``; the file is ``NAME.ipynb``.
    checks : iterable of str
        Names, codes or dimensions.
    title : str, optional
        For readers; made from the name when left out.
    folder : path
        Where to; made if it is not there.

    Raises
    ------
    InputError
        If the name is no plain one or is that of a template of this installation, a check does not exist, or the file is there
        already: nothing is replaced.
    """
    word = name.removesuffix(".ipynb")
    if not _NAME.fullmatch(word):
        raise InputError(f"a template's name is letters, digits, - and _, as in 'lending'; got {name!r}")
    taken = {one.name: one for one in list_templates()}
    if word in taken:
        raise InputError(
            f"the name {word!r} is taken by {taken[word].path}: choose another, as in 'our_{word}'"
        )
    about = _checks(checks)
    place = writable_folder(folder, "--in")
    path = output_path(place, f"{word}.ipynb")
    if path.exists():
        raise InputError(
            f"{path} is there already, and is not replaced: choose another name, or another --in"
        )
    write_notebook(path, _notebook(word, one_line(title or _words(word)), about))
    return path


def _checks(words: Iterable[str]) -> list[Check]:
    """Return the checks meant, each once, in the order asked."""
    given = [word.strip() for word in words if word.strip()]
    if not given:
        raise InputError(
            f"a template needs checks: --check NAME.{did_you_mean('', ['model_performance', 'bias'])}"
        )
    found = {about.code: about for word in given for about in find(word)}
    kinds = list(dict.fromkeys(about.about for about in found.values()))
    if len(kinds) > 1:
        raise InputError(
            f"a template has one subject, and these checks ask about {' and about '.join(KINDS[one] for one in kinds)}: make a template for each"
        )
    return list(found.values())


def _words(name: str) -> str:
    said = re.sub(r"[-_]+", " ", name).strip()
    return f"{said[:1].upper()}{said[1:]} audit"


def _notebook(name: str, title: str, checks: list[Check]) -> dict[str, Any]:
    about = {"template": name, "title": title, "checks": [one.name for one in checks]}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"auditkit": about, "kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": [*_cells(title, checks)], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cells(title: str, checks: list[Check]) -> Iterator[dict[str, Any]]:
    scope = "; ".join(f"{one_line(one.title)} ({one.code})" for one in checks) + "."
    yield _markdown("title", _PURPOSE.format(title=title, scope=scope))
    yield _markdown("about-settings", _SETTINGS)
    yield _code("parameters", parameters_cell(checks), "parameters")
    model = checks[0].about == "model"
    what = (
        "Which model, on whose rows, held out how?"
        if model
        else f"Which {KINDS[checks[0].about].removeprefix('a ')}, whose, from where?"
    )
    yield _markdown("about-subject", f"## Subject\n\n{what} Write it here.")
    yield _code("subject", subject_cell(checks[0].about))
    yield _markdown("about-plan", "## Plan\n\nEach check measures first; a policy judges afterwards.")
    yield _code("plan", plan_cell(checks), "plan")
    yield _code("run", "report = observe(audit, subject, seed=seed, jobs=jobs, out_dir=out_dir)")
    for part in ("verdict", "findings"):
        yield _markdown(f"about-{part}", f"## {part.capitalize()}")
        yield _code(part, f'show(report, "{part}")')
    yield _markdown("about-evidence", "## What was measured")
    for one in checks:
        said = _METHOD.format(question=one_line(one.question or one.title), page=one.page)
        yield _markdown(f"about-{one.code.lower()}", said)
        yield _code(one.code.lower(), f'show(report, "{one.name}")')
    yield _markdown("about-methods", "## Methods")
    yield _code("methods", 'show(report, "methods")')
    yield _markdown("reproduce", _AGAIN)


def _markdown(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(name: str, text: str, tag: str = "") -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {"tags": [tag]} if tag else {},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }
