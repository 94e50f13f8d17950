"""Templating: jinja2 with escaping that is never off and hidden characters that are never hidden."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from auditkit.render import status, text

__all__ = ["asset", "fill"]

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
        measured=text.measured,
        criterion=text.criterion_text,
        href=text.safe_href,
    )
    return environment


def _shown(value: Any) -> Any:
    """Clean every string on its way out; markup was cleaned where it was made."""
    if value is None:
        return ""
    return text.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def fill(template: str, **values: Any) -> Markup:
    """Return a template filled with values, each escaped unless it is markup already."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - autoescaped


@cache
def asset(name: str) -> str:
    """Return a file that stands beside the templates: the style sheet or the page's script."""
    return (FOLDER / name).read_text(encoding="utf-8")
