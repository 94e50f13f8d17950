"""Templates: what a template owes: a cell of plain parameters, a run without hands, a page without widgets."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import AuditkitError
from auditkit.runner.parameters import SHARED, declared, in_cell, validate
from auditkit.runner.run import RunResult, run_template
from auditkit.runner.templates import Template, find_template, refresh
from auditkit.testing.conformance import Conformance, LeftOut, Outcome, held_to
from auditkit.testing.subjects import write_subject

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["check_template"]

_WIDGET = "application/vnd.jupyter.widget"


@dataclass(frozen=True)
class _Ran:
    """A template that was run, and the notebook as it came out."""

    template: Template
    result: RunResult
    notebook: dict[str, Any]


def check_template(
    path: str | os.PathLike[str],
    subject_file: str | os.PathLike[str] | None = None,
    *,
    run: bool = True,
    raises: bool = True,
) -> Conformance:
    """Hold a template to its contract: as it is written, and as it runs in a kernel of its own.

    Parameters
    ----------
    path : path or str
        An .ipynb file, or a template's name.
    subject_file : path, optional
        The subject of the run; a small credit model when left out.
    run : bool
        Whether it is run.
    raises : bool
        Whether broken rules raise.

    Returns
    -------
    Conformance
        Every rule.

    Raises
    ------
    Broken
        If a rule is broken; the message lists all of them.
    InputError
        If there is no such template, or it is no notebook.
    """
    template = find_template(path)
    outcomes = held_to(WRITTEN, template)
    if run:
        outcomes += _running(template, subject_file)
    found = Conformance(f"template {template.path.name}", outcomes)
    return found.require() if raises else found


# --- as it is written -----------------------------------------------------------------------------------------------


def is_a_valid_notebook(template: Template) -> str:
    """It is a notebook of format 4 by the letter, whose cells have ids of their own."""
    import nbformat

    try:
        nbformat.validate(template.notebook)
    except nbformat.ValidationError as error:
        return f"it is no valid notebook ({str(error).splitlines()[0]}): open it in JupyterLab and save it"
    ids = [cell.get("id") for cell in template.notebook["cells"]]
    if len(set(ids)) != len(ids) or None in ids:
        return "its cells need ids of their own, by which readers link to them: open it in JupyterLab and save it"
    return ""


def says_what_it_asks(template: Template) -> str:
    """It has a title in its metadata, and begins with a heading and the purpose in words."""
    about = template.notebook["metadata"].get("auditkit") or {}
    if not about.get("title"):
        return "give its metadata a title: {'auditkit': {'title': ..., 'checks': [names]}}"
    first: dict[str, Any] = next(iter(template.notebook["cells"]), {})
    lines = [line for line in _source(first).splitlines() if line.strip()]
    if first.get("cell_type") != "markdown" or len(lines) < 2 or not lines[0].startswith("# "):
        return "begin with a Markdown cell: a heading ('# ...'), then what the audit asks and for whom"
    return ""


def tags_its_parameters_once(template: Template) -> str:
    """One code cell is tagged `parameters`."""
    tagged = [
        c for c in template.notebook["cells"] if "parameters" in (c.get("metadata", {}).get("tags") or [])
    ]
    if len(tagged) != 1 or tagged[0]["cell_type"] != "code":
        return f"tag one code cell 'parameters'; {len(tagged)} cells have that tag"
    return ""


def is_set_by_the_runner(template: Template) -> str:
    """Its parameters cell sets what the runner sets: subject file, policy, seed, processes, folder."""
    missing = [
        name for name in SHARED if name not in in_cell(template.source_of("parameters"), template.name)
    ]
    return f"set {', '.join(missing)} in the cell tagged 'parameters', and use them" if missing else ""


def names_its_parameters_plainly(template: Template) -> str:
    """Names are identifiers and no secrets, and each default fits its own type and bounds."""
    known = declared(template)
    validate({name: p.default for name, p in known.items()}, known)
    return ""


def types_its_parameters(template: Template) -> str:
    """Every parameter has a type: that of its default, or written beside its name."""
    bare = [name for name, p in declared(template).items() if p.annotation is Any]
    return f"{', '.join(bare)}: write its type, as in rows: int = 500" if bare else ""


def is_as_generated(template: Template) -> str:
    """Of a template that names its checks: its two generated cells are as the checks' signatures make them."""
    if not template.checks:
        raise LeftOut("its metadata name no checks")
    fresh, given = refresh(template.notebook), template.notebook
    pairs = zip(fresh["cells"], given["cells"], strict=True)
    stale = [str(new.get("id")) for new, old in pairs if _source(new) != _source(old)]
    if stale:
        return f"{', '.join(stale)}: refresh it: python -m auditkit.runner.templates {template.path}"
    return ""


def holds_nothing_of_an_earlier_run(template: Template) -> str:
    """It holds no outputs, no execution counts and no widget state."""
    left = [c for c in template.notebook["cells"] if c.get("outputs") or c.get("execution_count") is not None]
    if left or "widgets" in template.notebook["metadata"]:
        return "clear its outputs and its widget state: Edit, Clear Outputs of All Cells; then save"
    return ""


WRITTEN = (
    is_a_valid_notebook,
    says_what_it_asks,
    tags_its_parameters_once,
    is_set_by_the_runner,
    names_its_parameters_plainly,
    types_its_parameters,
    is_as_generated,
    holds_nothing_of_an_earlier_run,
)


# --- as it runs -----------------------------------------------------------------------------------------------------


def observes_what_it_names(ran: _Ran) -> str:
    """Its report holds each check it names, and none broke."""
    report = ran.result.report
    codes = [e.check for e in report.evidence]
    missing = [c.name for c in ran.template.resolved_checks() if codes.count(c.code) != 1]
    if missing:
        return f"the report must hold {', '.join(missing)} once: name in the metadata what the plan runs"
    broke = [f"{e.check} ({e.reason})" for e in report.evidence if e.outcome == "error"]
    return f"broke: {'; '.join(broke)}" if broke else ""


def shows_no_widgets(ran: _Ran) -> str:
    """What it shows is read without a kernel: no widget views, no widget state."""
    kinds = [kind for output in _outputs(ran.notebook) for kind in output.get("data", {})]
    if any(kind.startswith(_WIDGET) for kind in kinds) or "widgets" in ran.notebook["metadata"]:
        return "it shows a widget, which a page cannot: use show(report, ...) of auditkit.runner.notebook"
    return ""


def renders_its_page(ran: _Ran) -> str:
    """Its page stands by itself and shows what the cells showed."""
    page = ran.result.html_path.read_text(encoding="utf-8")
    shown = [o for o in _outputs(ran.notebook) if o.get("data")]
    if not shown:
        return "it shows nothing: call show(report, 'verdict') and show(report, 'findings')"
    if "</html>" not in page or str(ran.result.report.subject["name"]) not in page:
        return "its page does not name the subject: call show(report, 'verdict')"
    return ""


RUN = (observes_what_it_names, shows_no_widgets, renders_its_page)


def _running(template: Template, subject_file: str | os.PathLike[str] | None) -> tuple[Outcome, ...]:
    """Run it where nothing stays, and hold what came out to the rules."""
    with tempfile.TemporaryDirectory(prefix="auditkit-check-") as place:
        folder = Path(place)
        file = write_subject(folder) if subject_file is None else subject_file
        try:
            result = run_template(template.path, file, folder / "out")
        except AuditkitError as error:
            return (Outcome("runs_without_hands", "broken", str(error).partition(" What there is")[0]),)
        ran = _Ran(template, result, json.loads(result.notebook_path.read_text(encoding="utf-8")))
        return (Outcome("runs_without_hands", "kept"), *held_to(RUN, ran))


def _outputs(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for cell in notebook["cells"]:
        yield from cell.get("outputs", ())


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)
