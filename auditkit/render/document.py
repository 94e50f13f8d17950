"""Document: a self-contained page under a strict content-security policy."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from auditkit.render._packing import packed
from auditkit.render._templating import asset, fill
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["content_policy", "document"]

# plotly makes one empty style element and fills it through the object model
EMPTY_STYLE = ""
_FIGURE = re.compile(r'<script type="application/vnd\.plotly\.v1\+json">(.*?)</script>\n?', re.DOTALL)
_STYLE_ID = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


def document(
    body: Markup,
    *,
    title: str,
    nav: Sequence[tuple[str, str]] = (),
    notices: Sequence[str] = (),
    lang: str = "en",
) -> str:
    """Return one HTML page that needs nothing but itself.

    Parameters
    ----------
    body : Markup
        Sections, already escaped.
    title : str
        For the window and for screen readers.
    nav : sequence of (str, str)
        Section ids and their words.
    notices : sequence of str
        What a reader must know before anything else.
    lang : str, default "en"
        Language of the text.

    Notes
    -----
    Nothing is fetched: scripts and styles are allowed by hash, images as data only. plotly.js and the data of all
    figures stand in the page once, compressed, and only if there is something to draw.
    """
    drawn = 'class="ak-plot' in body
    figures = _FIGURE.findall(body)
    scripts = [asset("page.js"), _plotly()[0]] if drawn else []
    return str(
        fill(
            "document.html.j2",
            title=one_line(title),
            body=Markup(_FIGURE.sub("", body)),  # noqa: S704 - as it came, without the data of its figures
            figures=Markup(packed(f"[{','.join(figures)}]")) if figures else "",  # noqa: S704 - letters that are no markup
            nav=list(nav),
            notices=list(notices),
            lang=lang,
            policy=content_policy(scripts, [asset("style.css"), EMPTY_STYLE]),
            css=Markup(asset("style.css")),  # noqa: S704 - a file of this package
            script=Markup(asset("page.js")),  # noqa: S704 - a file of this package
            bundle=Markup(_plotly()[1]) if drawn else "",  # noqa: S704 - letters that are no markup
            taken=_style_ids() if drawn else [],
        )
    )


def content_policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    """Return a content-security policy that allows these scripts and styles, by hash, and nothing else."""
    allowed = " ".join(_hash(script) for script in scripts) or "'none'"
    styled = " ".join(_hash(style) for style in styles)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {styled}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


@cache
def _plotly() -> tuple[str, str]:
    """Return plotly.js as it will run, and packed as it will travel."""
    from plotly.offline import get_plotlyjs

    source = get_plotlyjs()
    return source, packed(source)


@cache
def _style_ids() -> list[str]:
    """Return the ids under which plotly looks for style sheets of its map traces, to find them taken."""
    return sorted(set(_STYLE_ID.findall(_plotly()[0])))
