"""Parts: escaped pieces of text that every view of the studio is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets as w
from ipywidgets.widgets.widget_string import HTMLStyle
from markupsafe import Markup, escape

from auditkit.render import page, pages
from auditkit.render.text import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from auditkit.check import Check

__all__ = [
    "Keys",
    "button",
    "common",
    "explained",
    "note",
    "paged",
    "problem",
    "row",
    "said",
    "sheet",
    "status",
]

# The front end knows its theme, the kernel does not: the figure's words take the page's colour. Words within cells
# and in hover boxes stand on grounds of their own.
_CSS = """
.ak-studio { --ak-text: var(--jp-content-font-color1, var(--vscode-foreground, currentColor)); padding: .5rem 0; }
.ak-studio .ak { color: var(--ak-text); font-size: 14px; }
.ak-studio .ak p { margin: .25rem 0; }
.ak-studio .ak h1, .ak-studio .ak h2 { font-size: 1.25rem; margin: 1.2rem 0 .4rem; }
.ak-studio .ak h3, .ak-studio .ak h4 { font-size: 1.05rem; margin: .5rem 0 .2rem; }
.ak-studio .ak p.ak-help { color: var(--jp-content-font-color2, inherit); font-size: 12px; margin: 0; max-width: 40rem; line-height: 1.35; }
.ak-studio .widget-inline-hbox > .widget-label { text-align: left; }
.ak-studio .widget-vbox > .jupyter-button { align-self: flex-start; width: auto; }
.ak-studio .widget-hbox { flex-wrap: wrap; }
.ak-studio .widget-hbox > .jupyter-button { flex-shrink: 0; max-width: 100%; }
.ak-studio .ak table td { overflow-wrap: anywhere; }
.ak-studio .widget-dropdown > select { background-image: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E%3Cpath d='M5 7l4 4 4-4' fill='none' stroke='%23808080' stroke-width='2'/%3E%3C/svg%3E"); }
.ak-studio .ak-title .widget-label-basic { font-weight: 600; }
.ak-studio .ak-row { flex-flow: row wrap; align-items: center; column-gap: 1rem; }
.ak-studio .ak-problem { border-left: 4px solid var(--ak-fail); padding: .3rem .6rem; }
.ak-studio .ak-check { border-left: 3px solid var(--jp-border-color2, #bbb); padding-left: .8rem; margin: .4rem 0; }
.ak-studio .ak-heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.ak-studio .ak-code textarea { font-family: var(--jp-code-font-family, monospace); white-space: pre; }
.ak-studio .ak-wrap textarea { white-space: pre-wrap; overflow-wrap: anywhere; }
.ak-studio .ak-steps button { padding: 0 6px; }
.ak-studio .ak-steps .fa { display: inline-block; width: 1.2em; }
.ak-studio .ak-here { text-shadow: .04em 0 currentColor; text-decoration: underline; text-underline-offset: .25em; }
.ak-studio .ak-question { flex-direction: column; align-items: stretch; height: auto; }
.ak-studio .ak-question > .widget-label { white-space: normal; width: auto; max-width: none; height: auto; line-height: 1.35; font-weight: 600; font-style: normal; overflow: visible; }
.ak-studio .ak-asks .ak h4 { font-size: 13px; margin: 0 0 .2rem; }
.ak-studio .ak-question > select, .ak-studio .ak-question > input { flex: 0 0 auto; height: var(--jp-widgets-inline-height, 28px); }
.ak-studio .ak-asks { padding: .35rem 0 .35rem .8rem; border-left: 3px solid var(--jp-border-color2, #bbb); margin: .3rem 0; }
.ak-studio button:focus-visible, .ak-studio input:focus-visible, .ak-studio select:focus-visible, .ak-studio summary:focus-visible {
  outline: 3px solid var(--jp-brand-color1, #1976d2) !important; outline-offset: 1px; }
.ak-studio .js-plotly-plot .main-svg text:not(.heatmap-label *, .hovertext *) { fill: var(--ak-text) !important; }
"""


def sheet() -> Any:
    """Return the style sheet, once for a whole studio."""
    return w.HTML(f"<style>{page.styles()}{_CSS}</style>", layout=w.Layout(display="none"))


class Keys(anywidget.AnyWidget):
    """Nothing to see; keeps the keys that are pressed in a studio from the notebook, where "b" adds a cell and "d d" deletes one.

    Those with Ctrl, Alt or Meta, and Escape, stay the notebook's: it is saved from everywhere.
    """

    # JupyterLab listens at the document, and leaves a key alone where its target says so
    _esm = """
const hold = (pressed) => {
  const at = pressed.target;
  if (!at.closest?.(".ak-studio")) return;
  const theirs = pressed.ctrlKey || pressed.metaKey || pressed.altKey || pressed.key === "Escape";
  if (theirs) at.removeAttribute("data-lm-suppress-shortcuts"); else at.setAttribute("data-lm-suppress-shortcuts", "true");
};
export default { render: () => {
  window.addEventListener("keydown", hold, true);
  return () => window.removeEventListener("keydown", hold, true);
} };
"""

    def __init__(self) -> None:
        super().__init__(layout=w.Layout(display="none"))


def said(text: object, *, tag: str = "p", kind: str = "") -> str:
    """Return text as one escaped element.

    Examples
    --------
    >>> said("<b>")
    '<div class="ak"><p class="">&lt;b&gt;</p></div>'
    """
    return str(Markup('<div class="ak"><{tag} class="{kind}">{text}</{tag}></div>').format(
        tag=tag, kind=kind, text=escape(clean(text))
    ))  # fmt: skip


def note(text: object) -> Any:
    """Return a line of help beneath a control; its layout is that of all others, and is not to be changed."""
    return w.HTML(said(text, kind="ak-help"), layout=common(w.Layout), style=common(HTMLStyle))


def row(parts: Iterable[Any]) -> Any:
    """Return a control and its help beside each other, or beneath where there is no room; its layout is that of all others."""
    made = w.HBox([*parts], layout=common(w.Layout))
    made.add_class("ak-row")
    return made


_shared: dict[type[Any], Any] = {}


def common(kind: type[Any]) -> Any:
    """Return the one of its kind for hundreds of lines: each of its own would double what a notebook keeps of them."""
    known = _shared.get(kind)
    if known is None or known.comm is None:  # closed by `Widget.close_all`
        known = _shared[kind] = kind()
    return known


def problem(text: object) -> str:
    """Return what went wrong, read out by screen readers at once."""
    return str(
        Markup('<div class="ak"><p class="ak-problem" role="alert"><b>Not possible:</b> {}</p></div>').format(
            clean(text)
        )
    )


def status(text: object) -> str:
    """Return what is going on, read out when the reader is free."""
    return str(Markup('<div class="ak"><p role="status" aria-live="polite">{}</p></div>').format(clean(text)))


def button(
    description: str, tooltip: str, do: Callable[[], None], failed: Callable[[str], None], **more: Any
) -> Any:
    """Return a button whose errors are told, not lost in a log."""
    made = w.Button(description=description, tooltip=tooltip, layout=w.Layout(width="auto"), **more)

    def click(_: Any) -> None:
        try:
            do()
        except Exception as error:  # noqa: BLE001 - whatever it is, the person who clicked must see it
            failed(f"{error}" if str(error) else type(error).__name__)

    made.on_click(click)
    return made


def paged(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report without addresses of the checks' pages: a relative link would lead out of the notebook."""
    about = dict(report.get("provenance") or {})
    plan = [{**one, "page": None} for one in about.get("plan", ())]
    return {**report, "provenance": {**about, "plan": plan}}


def explained(checks: Iterable[Check]) -> str:
    """Return the pages of these checks, each under a toggle."""
    from auditkit.runner.pages import check_pages

    chosen = list(checks)
    shown = pages.folded(
        {check.code: one_line(check.title) for check in chosen}, check_pages(chosen), places=False
    )
    words = "How the check works" if len(chosen) == 1 else "How the checks work"
    return str(Markup('<div class="ak"><h3>{}</h3>{}</div>').format(words, shown))
