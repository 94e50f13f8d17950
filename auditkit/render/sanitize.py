"""Sanitize: foreign text and markup, reduced to what may stand in a report."""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from auditkit.render.text import clean, cut, one_line

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = [
    "caption",
    "headings",
    "html",
    "image_uri",
    "markdown",
    "only_headings",
    "plain",
    "plotly_json",
    "without_ansi",
]

_TABLE = {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
_PROSE = {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "code",
          "strong", "b", "em", "i", "s", "del", "sub", "sup", "kbd", "a", "span", "div", "small"}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
}
_SCHEMES = {"http", "https", "mailto"}
_ACTIVE = re.compile(
    r"<\s*(script|img|iframe|svg|object|embed|video|audio|form|input|button|canvas|link|meta)\b",
    re.IGNORECASE,
)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
# trace types of the bundle that need neither eval (WebGL) nor the network (maps)
_TRACES = {"scatter", "bar", "box", "violin", "histogram", "histogram2d", "histogram2dcontour", "heatmap", "contour",
           "pie", "sunburst", "treemap", "icicle", "funnel", "funnelarea", "waterfall", "table", "indicator", "sankey",
           "candlestick", "ohlc", "scatterpolar", "barpolar", "scatterternary", "parcats"}  # fmt: skip
_INERT_TAG = re.compile(r"<(?!(?:/?(?:b|i|em|strong|sub|sup|s|u)|br ?/?)>)", re.IGNORECASE)


def without_ansi(text: object) -> str:
    """Return text without terminal colours; of a line rewritten in place, what was left standing.

    Examples
    --------
    >>> without_ansi(chr(27) + "[31mred" + chr(27) + "[0m")
    'red'
    """
    bare = _ANSI.sub("", str(text)).replace("\r\n", "\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in bare.split("\n"))


def plain(text: object) -> str:
    """Return terminal text as cleaned lines, not yet escaped."""
    return clean(without_ansi(text))


def html(source: str) -> tuple[Markup, bool]:
    """Return foreign HTML with tables and prose kept and everything else gone, and whether active content was there."""
    import nh3

    kept = nh3.clean(
        clean(source),
        tags=_TABLE | _PROSE,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer",
        tag_attribute_values={"th": {"align": {"left", "right", "center"}}},
    )
    return Markup(kept), bool(_ACTIVE.search(source))  # noqa: S704 - nh3 has just cleaned it


def markdown(source: str, *, lower: int = 0) -> Markup:
    """Return Markdown as sanitised HTML: raw HTML is text, images are named and not fetched.

    Headings go down by `lower` levels, and are never of the first level, which is the page's own.
    """
    kept, _ = html(str(_parser().render(clean(source), {"lower": lower})))
    return kept


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image)
    parser.add_render_rule("heading_open", _heading_open)
    parser.add_render_rule("heading_close", _heading_close)
    return parser


def _image(_self: Any, tokens: Any, at: int, _options: Any, _env: Any) -> str:
    return str(escape(f"[image not shown: {tokens[at].content or 'without a description'}]"))


def _heading_open(_self: Any, tokens: Any, at: int, _options: Any, env: Any) -> str:
    return f"<{_lowered(tokens[at].tag, env)}>"


def _heading_close(_self: Any, tokens: Any, at: int, _options: Any, env: Any) -> str:
    return f"</{_lowered(tokens[at].tag, env)}>"


def _lowered(tag: str, env: Any) -> str:
    """Return a second-level heading for a first: the page's own title is the only one of its level."""
    return f"h{min(6, max(2, int(tag[1]) + int(env.get('lower', 0))))}"


def headings(source: str) -> list[str]:
    """Return the words of the top two levels of headings, in order."""
    tokens = _parser().parse(clean(source))
    return [
        one_line("".join(child.content for child in (tokens[i + 1].children or []) if child.type != "image"))
        for i, token in enumerate(tokens)
        if token.type == "heading_open" and token.tag in ("h1", "h2")
    ]


def only_headings(source: str) -> bool:
    """Return whether Markdown holds headings and nothing else."""
    tokens = _parser().parse(source)
    return bool(tokens) and all(t.type in ("heading_open", "inline", "heading_close") for t in tokens)


def image_uri(kind: str, data: str) -> str | None:
    """Return a data URI for base64 that really is a PNG or JPEG, else None."""
    try:
        raw = base64.b64decode("".join(str(data).split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if kind not in _MAGIC or not raw.startswith(_MAGIC[kind]):
        return None
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


def plotly_json(figure: Any) -> dict[str, Any] | None:
    """Return a foreign plotly figure with only drawable traces and inert strings, or None if nothing is left.

    WebGL scatter plots are drawn as vectors; maps and 3-D need the network or ``eval`` and are not drawn.
    """
    if not isinstance(figure, dict) or not isinstance(figure.get("data"), list):
        return None
    traces = [_inert(_as_vector(trace)) for trace in figure["data"] if isinstance(trace, dict)]
    drawable = [trace for trace in traces if trace.get("type", "scatter") in _TRACES]
    if not drawable or len(drawable) < len(figure["data"]):
        return None
    layout = figure.get("layout")
    own = _inert({k: v for k, v in layout.items() if k != "images"}) if isinstance(layout, dict) else {}
    for key in ("updatemenus", "sliders"):
        own.pop(key, None)
    return {"data": drawable, "layout": own}


def _as_vector(trace: dict[str, Any]) -> dict[str, Any]:
    return {**trace, "type": "scatter"} if trace.get("type") == "scattergl" else trace


def _inert(value: Any) -> Any:
    """Keep bold, italics and line breaks of plotly's markup; links, spans and TeX become text."""
    if isinstance(value, str):
        return _INERT_TAG.sub("&lt;", clean(value)).replace("$", "&#36;")
    if isinstance(value, dict):
        return {str(k): _inert(v) for k, v in value.items()}
    return [_inert(v) for v in value] if isinstance(value, list) else value


def caption(figure: dict[str, Any]) -> str:
    """Return the words of a foreign figure's title."""
    title = figure.get("layout", {}).get("title")
    text = title.get("text") if isinstance(title, dict) else title
    bare = re.sub(r"</?[a-z]+ ?/?>", " ", str(text), flags=re.IGNORECASE)
    return cut(unescape(bare), 160) if text else "Figure"
