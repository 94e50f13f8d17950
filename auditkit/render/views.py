"""Views: parts of a report as they travel in a notebook, data first and a static page beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup

from auditkit.errors import InputError, did_you_mean
from auditkit.render import page
from auditkit.render._forms import forms, one_form
from auditkit.render._found import marks
from auditkit.render._notes import added, in_order, one_note
from auditkit.render._templating import fill
from auditkit.render.figures import figure
from auditkit.render.status import repeated, summary_lines
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MIME", "PLOTLY", "VIEWS", "bundle", "draw", "view_data"]

MIME = "application/vnd.auditkit.view+json"
PLOTLY = "application/vnd.plotly.v1+json"
VIEWS = ("verdict", "findings", "evidence", "methods", "figure", "notes", "forms")
View = Literal["verdict", "findings", "evidence", "methods", "figure", "notes", "forms"]


def view_data(view: View, report: Mapping[str, Any], code: str | None = None) -> dict[str, Any]:
    """Return the part of a report that a view needs, so that a notebook holds each table once.

    Parameters
    ----------
    view : {"verdict", "findings", "evidence", "methods", "notes", "forms"}
        Which part.
    report : mapping
        What ``Report.to_dict()`` returned.
    code : str, optional
        The check, for "evidence".
    """
    _known(view)
    everything = list(report.get("evidence") or [])
    if view == "evidence":
        about = report.get("provenance") or {}
        again = repeated(report.get("findings") or [])
        return {
            "schema": report.get("schema"),
            "code": code,
            **({"as": again[code]} if code in again else {}),
            "evidence": [e for e in everything if e.get("check") == code],
            "findings": [f for f in report.get("findings") or [] if f.get("check") == code],
            "provenance": {"plan": [p for p in about.get("plan") or [] if p.get("code") == code]},
        }
    if view == "notes":
        return {
            "schema": report.get("schema"),
            "notes": [in_order(note) for note in report.get("notes") or []],
            "findings": [f for f in report.get("findings") or [] if f.get("fingerprint") in _noted(report)],
        }
    if view == "forms":
        return {"schema": report.get("schema"), "forms": list(report.get("forms") or [])}
    bare = [
        {**{k: v for k, v in e.items() if k not in ("tables", "measurements")}, **marks(e)}
        for e in everything
    ]
    notes = [{k: v for k, v in n.items() if k != "seen"} for n in report.get("notes") or [] if n.get("about")]
    kept = {k: v for k, v in report.items() if k not in ("notes", "forms")} | (
        {"notes": notes} if notes else {}
    )
    return {**kept, "evidence": [] if view == "verdict" else bare}


def _noted(report: Mapping[str, Any]) -> set[str]:
    return {str(note["about"]) for note in report.get("notes") or [] if note.get("about")}


def bundle(
    view: View, data: Mapping[str, Any], *, theme: Literal["light", "dark"] = "light"
) -> dict[str, Any]:
    """Return the MIME bundle of a view.

    Parameters
    ----------
    view : {"verdict", "findings", "evidence", "methods", "figure", "notes", "forms"}
        What to show.
    data : mapping
        For "figure" a ``Table.to_dict()``; else a ``Report.to_dict()`` or what `view_data` made of it; for
        "evidence" with a ``code``.
    theme : {"light", "dark"}, default "light"
        Colours of a figure's text and grid.

    Returns
    -------
    dict
        MIME type to data: the view, plain text, and either static HTML or, for what is drawn, plotly's JSON.
    """
    _known(view)
    # a saved notebook sorts the keys of its objects; a list keeps the order of the columns
    kept = {**data, "order": list(data.get("columns") or {})} if view == "figure" else dict(data)
    found = {MIME: {"view": view, "data": kept}, "text/plain": _plain(view, data)}
    drawing = figure(data, theme=theme) if view == "figure" else None
    if drawing is not None:
        return {**found, PLOTLY: drawing}
    body = Markup(draw(view, data, figures=False))  # noqa: S704 - made by our templates
    return {**found, "text/html": str(fill("view.html.j2", css=page.styles(), body=body))}


def draw(
    view: str, data: Mapping[str, Any], *, figures: bool = True, parameters: Mapping[str, Any] | None = None
) -> str:
    """Return a view as HTML, from its data alone.

    Parameters
    ----------
    view : str
        One of `VIEWS`.
    data : mapping
        What travelled with it.
    figures : bool, default True
        Whether the page can draw figures.
    parameters : mapping, optional
        Parameters of the run, shown among the methods.

    Raises
    ------
    InputError
        For an unknown view, or evidence without a code.
    """
    _known(view)
    if view == "verdict":
        return page.verdict(data)
    if view == "findings":
        return page.findings(data)
    if view == "methods":
        return page.methods(data, parameters=parameters)
    if view == "notes":
        return added(data, figures=figures)
    if view == "forms":
        return forms(data)
    if view == "figure":
        return str(page.figure_html(data, draw=figures))
    return page.evidence(data, _code(data), figures=figures)


def _known(view: str) -> None:
    if view not in VIEWS:
        raise InputError(f"no view named {view!r}.{did_you_mean(str(view), VIEWS)}")


def _code(data: Mapping[str, Any]) -> str:
    codes = [str(e.get("check")) for e in data.get("evidence") or []]
    code = data.get("code") or (codes[0] if len(codes) == 1 else None)
    if code is None:
        raise InputError(
            f"the view 'evidence' needs data['code'], one of: {', '.join(codes) or 'none in this report'}"
        )
    return str(code)


def _plain(view: str, data: Mapping[str, Any]) -> str:
    """Return the text alternative."""
    if view == "figure":
        return ". ".join(filter(None, (one_line(data.get("title")), one_line(data.get("summary")))))
    if view == "evidence":
        one: Mapping[str, Any] = next(
            (e for e in data.get("evidence") or [] if e.get("check") == _code(data)), {}
        )
        parts = (_code(data), one.get("says") or one.get("reason"), one.get("does_not_say"))
        return " ".join(one_line(part) for part in parts if part)
    if view == "methods":
        about = data.get("provenance") or {}
        return f"Methods: seed {one_line(about.get('seed'))}, auditkit {one_line(about.get('auditkit'))}"
    if view == "notes":
        return "\n".join(["Added by hand", *map(one_note, data.get("notes") or ())])
    if view == "forms":
        return "\n".join(["Forms", *map(one_form, data.get("forms") or ())])
    return "\n".join(summary_lines(data))
