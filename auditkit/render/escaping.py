"""Escaping: text that Markdown and SARIF show as it stands, and addresses that a page may lead to."""

from __future__ import annotations

import re

from auditkit.render.text import one_line

__all__ = ["markdown_escape", "safe_href", "sarif_text"]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-!|<>~$&])")
_PLACE = re.compile(r"#page-[a-z0-9-]+")
_DOCS_PATH = re.compile(
    r"(?!/)(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_-]*\.(?:md|html)(?:#[\w-]+)?"
)
_WEB = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?(?:/[\w./~%#?=&+,;:@-]*)?")


def safe_href(page: object) -> str | None:
    """Return a page's address if it is a web address, a docs path or a place on this page, else None.

    Examples
    --------
    >>> safe_href("docs/checks/ak101.md"), safe_href("javascript:alert(1)"), safe_href("../x.md")
    ('docs/checks/ak101.md', None, None)
    """
    text = str(page or "")
    good = _WEB.fullmatch(text) or _DOCS_PATH.fullmatch(text) or _PLACE.fullmatch(text)
    return text if good else None


def markdown_escape(value: object) -> str:
    """Return one line that Markdown shows as it stands."""
    return _MARKDOWN.sub(r"\\\1", one_line(value))


def sarif_text(value: object) -> str:
    """Return text that SARIF shows as it stands: brackets make links there, and braces are places to fill."""
    return re.sub(r"([\\\[\]])", r"\\\1", one_line(value)).replace("{", "{{").replace("}", "}}")
