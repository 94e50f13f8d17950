"""Notebook: an executed notebook as a report, its views drawn from their data and the rest made harmless."""

from __future__ import annotations

import ast
import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from auditkit.render import sanitize, views
from auditkit.render._controls import section, shown_beside
from auditkit.render._found import found
from auditkit.render._outputs import joined, output_html, view_html
from auditkit.render._templating import fill
from auditkit.render.document import document
from auditkit.render.pages import about, place, plan_of
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["notebook_html"]

# where a view goes whatever cell it came from; the last of its kind is the one that counts
FIRST = ("verdict", "findings", "notes")
LAST = ("forms", "methods")
MOVED = (*FIRST, *LAST)
# ids of the templates' cells whose chapters stand under a toggle
FOLDED = ("about-settings", "about-subject", "about-plan")
MOST = 12 * 2**20
"""Bytes that the outputs and the text of a notebook take on the page at most; what comes after leaves a note."""

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)


@dataclass
class _Body:
    """Blocks of the page in the making."""

    blocks: list[tuple[str, Markup]] = field(default_factory=list)
    moved: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    dimensions: dict[int, str] = field(default_factory=dict)
    planned: dict[str, str] = field(default_factory=dict)
    chapter: str = ""
    asked: bool = False  # whether the heading over a cell is the question that its check answers
    places: dict[str, tuple[str, str]] = field(default_factory=dict)  # code -> chapter and address
    noted: dict[str, str] = field(
        default_factory=dict
    )  # a note of several sentences -> the check that has it
    folded: set[int] = field(default_factory=set)
    failed: bool = False
    outputs: int = 0
    size: int = 0
    left: int = 0  # outputs and texts for which there was no room

    def add(self, words: str, block: Markup) -> None:
        """Add a block, or a note in its place where the page has no room for it."""
        takes = len(block.encode("utf-8", "replace"))
        if self.size + takes <= MOST:
            self.size += takes
        else:
            self.left += 1
            block = Markup("<h2>{}</h2>").format(words) if words else Markup("")
            block += Markup('<p class="ak-note">{}</p>').format(
                "Left out here: the page would be too large. The notebook, report.ipynb, has it."
            )
        self.blocks.append((words, block))


def notebook_html(
    notebook: Mapping[str, Any],
    *,
    include_code: bool = False,
    title: str = "",
    pages: Mapping[str, str] | None = None,
    controls: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> str:
    """Return an executed notebook as one self-contained HTML page.

    Parameters
    ----------
    notebook : mapping
        A notebook of format 4, as JSON or as nbformat's node.
    include_code : bool, default False
        Whether to show source code, folded.
    title : str, optional
        Used where the notebook holds no verdict and no heading.
    pages : mapping of str to str, optional
        Code of a check to its page in Markdown. Pages of the checks shown close the report, and findings lead there.
    controls : callable, optional
        Takes what travels with the view of the findings, gives what the page shows of controls (`auditkit.controls.shown.on_page`).

    Returns
    -------
    str
        Verdict first, then what was found in a sentence a check, what was audited, findings, then the notebook in its own order, methods last. Markup from outputs is
        sanitised; widgets, SVG and what needs a network are left out with a note in their place.
    """
    body = _read(_pointing(notebook, pages or {}), include_code=include_code)
    mapped = shown_beside(body.moved, controls)
    signed = [("", fill("signatures.html.j2"))] if "verdict" in body.moved else []
    sections = [
        *_ordered(body, _parameters(notebook)),
        *signed,
        *section(mapped, body.places),
        *about(body.planned, pages or {}),
    ]
    nav = [(f"s{i}", words) for i, (words, _) in enumerate(sections) if words]
    html = Markup("").join(
        Markup('<section id="s{}">{}</section>').format(i, block) if words else block
        for i, (words, block) in enumerate(sections)
    )
    return document(html, title=_title(body, notebook, title), nav=nav[:16], notices=_notices(body, notebook))


def _pointing(notebook: Mapping[str, Any], pages: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the notebook with each check's page address led to its place on this page."""
    if not pages:
        return notebook
    notebook = deepcopy(dict(notebook))
    for cell in notebook.get("cells", []):
        for output in cell.get("outputs") or []:
            for code, one in plan_of((output.get("data") or {}).get(views.MIME)).items():
                if code in pages:
                    one["page"] = f"#{place(code)}"
    return notebook


def _read(notebook: Mapping[str, Any], *, include_code: bool) -> _Body:
    body = _Body()
    held: list[Mapping[str, Any]] = []
    for cell in notebook.get("cells", []):
        source = joined(cell.get("source"))
        if cell.get("cell_type") == "markdown":
            held.append(cell)
        elif cell.get("cell_type") == "code":
            _follow(held, body)
            shown = [part for output in cell.get("outputs", []) if (part := _output(output, body))]
            only_moved = bool(cell.get("outputs")) and not shown
            _write(held, body, but_headings=only_moved)
            if include_code and source.strip():
                shown.insert(0, _code(source))
            if shown and (dimension := _dimension(cell)):
                body.dimensions[len(body.blocks)] = dimension
            for part in shown:
                body.add("", part)
    _write(held, body, but_headings=False)
    title = next((words[0] for c in notebook.get("cells", []) if (words := _headings(c))), "")
    if "verdict" in body.moved and title:
        body.moved["verdict"] = {**body.moved["verdict"], "kicker": title}
    if "methods" in body.moved:
        body.moved["methods"] = _with_template(body.moved["methods"], notebook)
    return body


def _follow(held: list[Mapping[str, Any]], body: _Body) -> None:
    """Keep the chapter a cell stands in, and whether the heading over it asks a question."""
    body.asked = False
    for cell in held:
        source = joined(cell.get("source"))
        body.chapter = next(reversed(sanitize.headings(source)), body.chapter)
        lines = _HEADING.findall(source)
        body.asked = lines[-1].endswith("?") if lines else body.asked


def _with_template(data: Mapping[str, Any], notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the methods with the command that was run, or at least the template, so that it can be run again."""
    about_file = _inner(notebook.get("metadata") or {}, "auditkit")
    known = {key: about_file.get(key) for key in ("template", "command")}
    return {**data, "provenance": {**_inner(data, "provenance"), **known}}


def _dimension(cell: Mapping[str, Any]) -> str:
    """Return the dimension of the first view of evidence in a cell's outputs."""
    for output in cell.get("outputs", []):
        view = (output.get("data") or {}).get(views.MIME)
        if isinstance(view, dict) and view.get("view") == "evidence" and isinstance(view.get("data"), dict):
            plan = _inner(view["data"], "provenance").get("plan")
            words = one_line(plan[0].get("dimension")) if plan and isinstance(plan[0], dict) else ""
            return words[:1].upper() + words[1:]
    return ""


def _write(held: list[Mapping[str, Any]], body: _Body, *, but_headings: bool) -> None:
    """Write the Markdown cells that waited; a bare heading of a view that moves away goes with it."""
    if but_headings and held and sanitize.only_headings(joined(held[-1].get("source"))):
        held.pop()
    for cell in held:
        source = joined(cell.get("source"))
        if cell.get("id") in FOLDED:
            body.folded.add(len(body.blocks))
        words = sanitize.headings(source)
        body.add(words[0] if words else "", sanitize.markdown(source))
    held.clear()


def _output(output: Mapping[str, Any], body: _Body) -> Markup | None:
    """Return an output as HTML, or None when it stands elsewhere on the page."""
    body.outputs += 1
    body.failed = body.failed or output.get("output_type") == "error"
    view = (output.get("data") or {}).get(views.MIME)
    body.planned |= {code: one_line(one.get("title")) for code, one in plan_of(view).items()}
    if isinstance(view, dict) and view.get("view") in MOVED and isinstance(view.get("data"), dict):
        body.moved[view["view"]] = view["data"]
        return None
    code = _evidence_code(view)
    if view is None or not code:
        return output_html(output)
    shown = view_html({"view": "evidence", "data": _in_place(view["data"], code, body)})
    if code in body.places:
        return shown
    address = place(code, "check")
    body.places[code] = (body.chapter, f"#{address}")
    return Markup('<div id="{}">{}</div>').format(address, shown)


def _evidence_code(view: Any) -> str:
    """Return the check that a view of evidence shows; empty for any other output, and for a damaged one."""
    if not isinstance(view, dict) or view.get("view") != "evidence" or not isinstance(view.get("data"), dict):
        return ""
    code = view["data"].get("code")
    every = view["data"].get("evidence")
    whole = isinstance(every, list) and all(isinstance(one, dict) for one in every)
    return code if whole and isinstance(code, str) else ""


def _in_place(data: Mapping[str, Any], code: str, body: _Body) -> dict[str, Any]:
    """Return the data of a view without what the page has said: the question, and a note of another check word for word."""
    every = []
    for one in data["evidence"]:
        given = one.get("notes")
        notes = []
        for note in given if isinstance(given, list) else []:
            start, _, rest = str(note).partition(". ")
            first = body.noted.setdefault(str(note), code) if rest else code
            notes.append(note if first == code else f"{start}; see {first}.")
        every.append({**one, "notes": notes} if notes else one)
    return {**data, "evidence": every, "asked": body.asked}


def _ordered(body: _Body, parameters: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    words = {
        "verdict": "Verdict",
        "findings": "Findings",
        "notes": "Added by hand",
        "forms": "Forms",
        "methods": "Methods",
    }

    def drawn(names: tuple[str, ...]) -> list[tuple[str, Markup]]:
        return [
            (words[name], view_html({"view": name, "data": body.moved[name]}, parameters))
            for name in names
            if name in body.moved
        ]

    last = drawn(LAST)
    if "methods" not in body.moved and parameters:
        from auditkit.render._methods import parameter_table

        last.append(("Parameters", parameter_table(parameters)))
    shown = _found(body)
    first = drawn(FIRST[:1])
    if shown and first:
        head, facts = (
            view_html({"view": "verdict", "data": {**body.moved["verdict"], "part": part}})
            for part in ("head", "facts")
        )
        first, shown = [(words["verdict"], head)], [*shown, ("", facts)]
    return [*first, *shown, *drawn(FIRST[1:]), *_folded(_titled(body), body.folded), *last]


def _found(body: _Body) -> list[tuple[str, Markup]]:
    """Return the box with what was found, where the page holds findings and checks to lead to."""
    chapters = [(chapter, code, address) for code, (chapter, address) in body.places.items()]
    try:
        shown = found(body.moved.get("findings", {}), chapters)
    except (KeyError, TypeError, AttributeError, ValueError):  # damaged: the findings below leave a note
        return []
    return [("What was found", shown)] if shown else []


def _folded(blocks: list[tuple[str, Markup]], folded: set[int]) -> list[tuple[str, Markup]]:
    """Put each folded chapter, up to the next heading, under a toggle; open where something in it stopped with an error."""
    done: list[tuple[str, Markup]] = []
    at = 0
    while at < len(blocks):
        end = at + 1
        while at in folded and end < len(blocks) and not blocks[end][0]:
            end += 1
        if at in folded:
            inner = Markup("").join(block for _, block in blocks[at:end])
            heading, _, rest = inner.partition("</h2>")
            shown = Markup('<details class="ak-fold"{}><summary>{}</h2></summary>{}</details>')
            stopped = Markup(" open") if "ak-failed" in inner else ""
            done.append(("", shown.format(stopped, Markup(heading), Markup(rest))))  # noqa: S704 - as it came
        else:
            done += blocks[at:end]
        at = end
    return done


def _titled(body: _Body) -> list[tuple[str, Markup]]:
    """Return the blocks; where no Markdown gives headings, each dimension gets one."""
    if any(words for words, _ in body.blocks):
        return body.blocks
    seen: set[str] = set()
    blocks = []
    for at, (_, block) in enumerate(body.blocks):
        dimension = body.dimensions.get(at, "")
        words = "" if dimension in seen else dimension
        seen.add(dimension)
        blocks.append((words, Markup("<h2>{}</h2>{}").format(words, block) if words else block))
    return blocks


def _parameters(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the injected parameters: from papermill's own record, else read (never run) from the injected cell."""
    recorded = ((notebook.get("metadata") or {}).get("papermill") or {}).get("parameters")
    if isinstance(recorded, dict) and recorded:
        return dict(recorded)
    found: dict[str, Any] = {}
    for cell in notebook.get("cells", []):
        if "injected-parameters" in ((cell.get("metadata") or {}).get("tags") or []):
            found |= _assignments(joined(cell.get("source")))
    return found


def _assignments(source: str) -> dict[str, Any]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"(parameters cell)": "could not be read"}
    return {
        node.targets[0].id: ast.get_source_segment(source, node.value) or ""
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _code(source: str) -> Markup:
    return Markup("<details><summary>Code</summary><pre>{}</pre></details>").format(
        escape(sanitize.plain(source))
    )


def _inner(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a mapping inside another, or an empty one: what travelled in a notebook may be damaged."""
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _title(body: _Body, notebook: Mapping[str, Any], otherwise: str) -> str:
    for data in body.moved.values():
        name = one_line(_inner(data, "subject").get("name"))
        if name:
            return f"Audit of {name}"
    for cell in notebook.get("cells", []):
        if words := _headings(cell):
            return words[0]
    return one_line(otherwise) or "Audit report"


def _headings(cell: Mapping[str, Any]) -> list[str]:
    return sanitize.headings(joined(cell.get("source"))) if cell.get("cell_type") == "markdown" else []


def _notices(body: _Body, notebook: Mapping[str, Any]) -> list[str]:
    notices = []
    if body.left:
        notices.append(
            f"{body.left:,} parts of the notebook were left out of this page, each in its place: it would be larger than {MOST / 2**20:.0f} MiB. "
            "report.ipynb has them."
        )
    if body.failed:
        notices.append("A cell of this notebook stopped with an error: what stands below is incomplete.")
    code = [
        c
        for c in notebook.get("cells", [])
        if c.get("cell_type") == "code" and joined(c.get("source")).strip()
    ]
    waiting = sum(1 for c in code if c.get("execution_count") is None and not c.get("outputs"))
    if code and waiting == len(code):
        notices.append("No cell of this notebook was run: it holds no results.")
    elif waiting:
        were = "1 cell was" if waiting == 1 else f"{waiting} cells were"
        notices.append(f"{were} not run: what stands below may be incomplete.")
    if code and body.outputs and "verdict" not in body.moved:
        notices.append(
            "This notebook holds no verdict: nothing in it was judged, or the audit did not finish."
        )
    return notices
