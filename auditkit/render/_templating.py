"""Templating: jinja2 with escaping that is never off and hidden characters that are never hidden."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from auditkit.render import escaping, status, text

__all__ = ["LONGEST", "asset", "fill"]

LONGEST = 4000
"""Characters of one text on a page; what is longer ends with how much is missing."""

FOLDER = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["statuses"] = status.STATUSES
    environment.filters.update(
        number=text.number,
        count=text.count,
        words=text.words,
        cut=text.cut,
        measured=text.measured,
        criterion=text.criterion_text,
        href=escaping.safe_href,
    )
    return environment


def _shown(value: Any) -> Any:
    """Clean and bound every string on its way out; markup was cleaned where it was made."""
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    said = text.clean(value)
    more = len(said) - LONGEST
    return said if more <= 0 else f"{said[:LONGEST]}… ({more:,} more characters, which the record holds)"


def fill(template: str, **values: Any) -> Markup:
    """Return a template filled with values, each escaped unless it is markup already."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - autoescaped


@cache
def asset(name: str) -> str:
    """Return a file that stands beside the templates: the style sheet or the page's script."""
    return (FOLDER / name).read_text(encoding="utf-8")
