"""Outputs: one output of a notebook's cell as harmless HTML; what cannot be shown leaves a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from auditkit.errors import InputError
from auditkit.render import sanitize, views
from auditkit.render.page import foreign_figure_html
from auditkit.render.text import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WIDGET = "application/vnd.jupyter.widget-view+json"
LONGEST = 20_000


def joined(text: Any) -> str:
    """Return text that a notebook file may hold as a list of lines."""
    return "".join(map(str, text)) if isinstance(text, (list, tuple)) else "" if text is None else str(text)


def output_html(output: Mapping[str, Any]) -> Markup | None:
    """Return an output as HTML, or None where it is empty.

    The richest form that is safe is shown: a view of auditkit, then plotly's JSON, HTML, Markdown, an image, text.
    """
    kind = output.get("output_type")
    if kind == "stream":
        return _stream(str(output.get("name")), joined(output.get("text")))
    if kind == "error":
        return _error(output)
    data = output.get("data") or {}
    for mime, show in FORMS:
        if mime in data:
            return show(data)
    if "image/svg+xml" in data:
        return _note("An SVG image was left out: such images can carry scripts.")
    known = ", ".join(cut(mime, 60) for mime in list(data)[:4])
    return _note(f"An output could not be shown (its forms: {known}).") if data else None


def _note(text: str) -> Markup:
    return Markup('<p class="ak-note">{}</p>').format(text)


def _block(content: Markup) -> Markup:
    return Markup('<div class="ak-output">{}</div>').format(content)


def _lines(text: str) -> Markup:
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} more characters"
    return Markup('<pre tabindex="0">{}</pre>').format(shown)


def _stream(name: str, text: str) -> Markup | None:
    bare = sanitize.plain(text).strip("\n")
    if not bare.strip():
        return None
    if name == "stderr":
        return _block(
            Markup("<details><summary>Messages and warnings</summary>{}</details>").format(_lines(bare))
        )
    return _block(_lines(bare))


def _error(output: Mapping[str, Any]) -> Markup:
    trace = sanitize.plain("\n".join(map(str, output.get("traceback") or [])))
    what = f"{one_line(output.get('ename'))}: {one_line(sanitize.without_ansi(output.get('evalue') or ''))}"
    details = (
        Markup("<details><summary>Traceback</summary>{}</details>").format(_lines(trace)) if trace else ""
    )
    return Markup('<div class="ak-failed"><p><b>This cell stopped with an error.</b> {}</p>{}</div>').format(
        what, details
    )


def _view(data: Mapping[str, Any]) -> Markup:
    return view_html(data[views.MIME])


def view_html(view: Any, parameters: Mapping[str, Any] | None = None) -> Markup:
    """Return a view of auditkit drawn from its data; a damaged one leaves a note."""
    try:
        return Markup(views.draw(view["view"], view["data"], parameters=parameters))  # noqa: S704 - made by our templates
    except (InputError, KeyError, TypeError, AttributeError, ValueError, IndexError) as problem:
        return _note(f"A view of auditkit could not be drawn: {type(problem).__name__}: {cut(problem, 200)}")


def _plotly(data: Mapping[str, Any]) -> Markup:
    raw = data[views.PLOTLY]
    drawing = sanitize.plotly_json(raw)
    if drawing is None:
        return _note(
            "A figure was left out: maps, 3-D and WebGL need the network or more than this page allows."
        )
    layout = raw.get("layout") if isinstance(raw.get("layout"), dict) else {}
    left = [key for key in ("images", "updatemenus", "sliders") if layout.get(key)]
    return _block(
        foreign_figure_html(drawing, f"Left out of this figure: {', '.join(left)}." if left else "")
    )


def _widget(data: Mapping[str, Any]) -> Markup:
    text = one_line(joined(data.get("text/plain")))
    return _note(f"An interactive widget was left out: a report holds results only. {cut(text, 120)}")


def _html(data: Mapping[str, Any]) -> Markup:
    kept, active = sanitize.html(joined(data["text/html"]))
    note = (
        _note("Scripts, images or other embedded content were removed from this output.")
        if active
        else Markup("")
    )
    return _block(Markup('<div class="ak-scroll" tabindex="0">{}</div>{}').format(kept, note))


def _markdown(data: Mapping[str, Any]) -> Markup:
    return _block(sanitize.markdown(joined(data["text/markdown"])))


def _image(data: Mapping[str, Any]) -> Markup:
    mime = "image/png" if "image/png" in data else "image/jpeg"
    uri = sanitize.image_uri(mime, joined(data[mime]))
    if uri is None:
        return _note(f"An image was left out: it is not {mime}.")
    alternative = (
        cut(joined(data.get("text/plain")), 160) or "Image made by this notebook, without a description"
    )
    return _block(Markup('<img src="{}" alt="{}">').format(uri, alternative))


def _text(data: Mapping[str, Any]) -> Markup:
    kind = "text/plain" if "text/plain" in data else "text/latex"
    return _block(_lines(sanitize.plain(joined(data[kind]))))


FORMS: tuple[tuple[str, Callable[[Mapping[str, Any]], Markup]], ...] = (
    (views.MIME, _view),
    (views.PLOTLY, _plotly),
    (WIDGET, _widget),
    ("text/html", _html),
    ("text/markdown", _markdown),
    ("image/png", _image),
    ("image/jpeg", _image),
    ("text/plain", _text),
    ("text/latex", _text),
)

__all__ = ["joined", "output_html", "view_html"]
