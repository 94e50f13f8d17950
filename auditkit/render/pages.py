"""Pages: what each check does, at the end of a report, so that a finding leads to it offline."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from auditkit.render import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["about", "folded", "place", "plan_of"]


def place(code: str, what: str = "page") -> str:
    """Return the id under which the page of a check stands, or something else of it.

    Examples
    --------
    >>> place("AK101")
    'page-ak101'
    """
    return f"{what}-" + (re.sub(r"[^a-z0-9]+", "-", code.lower()).strip("-") or "unnamed")


def plan_of(view: Any) -> dict[str, dict[str, Any]]:
    """Return the checks that a view of a notebook names, by code; empty for anything else."""
    data = view.get("data") if isinstance(view, dict) else None
    about_run = data.get("provenance") if isinstance(data, dict) else None
    plan = about_run.get("plan") if isinstance(about_run, dict) else None
    if not isinstance(plan, list):
        return {}
    return {str(one.get("code")): one for one in plan if isinstance(one, dict)}


def about(planned: Mapping[str, str], pages: Mapping[str, str]) -> list[tuple[str, Markup]]:
    """Return the closing section with the page of each planned check; nothing where there is none."""
    shown = folded(planned, pages)
    words = "How the checks work"
    return [(words, Markup("<h2>{}</h2>{}").format(words, shown))] if shown else []


def folded(planned: Mapping[str, str], pages: Mapping[str, str], *, places: bool = True) -> Markup:
    """Return the page of each planned check under a toggle, by code.

    Parameters
    ----------
    planned : mapping of str to str
        Code of a check to its title.
    pages : mapping of str to str
        Code of a check to its page in Markdown.
    places : bool, default True
        Whether each is a place that links lead to; not where the same page may be shown twice.
    """
    return Markup("").join(
        Markup('<details class="ak-about"><summary>{} · {}</summary><div{}>{}</div></details>').format(
            code,
            title,
            Markup(' id="{}"').format(place(code)) if places else "",
            sanitize.markdown(pages[code], lower=2),
        )
        for code, title in sorted(planned.items())
        if code in pages
    )
