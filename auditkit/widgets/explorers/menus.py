"""Menus: what several explorers are asked before they are prepared, or while they are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["compared_by", "groups_of", "menu"]


def menu(name: str, options: Iterable[tuple[str, Any]], tooltip: str, *, wide: str = "") -> Any:
    """Return a menu with a name and a description; what it offers is text.

    Parameters
    ----------
    name, tooltip : str
        What is chosen, and further help.
    options : iterable of (str, object)
        Words, and what they stand for.
    wide : str
        Width of a menu with a long name, as CSS; the usual one when left out.
    """
    wider: dict[str, Any] = (
        {"style": {"description_width": "11rem"}, "layout": w.Layout(width=wide)} if wide else {}
    )
    return w.Dropdown(
        options=[(one_line(words), value) for words, value in options],
        description=name,
        description_allow_html=False,
        tooltip=tooltip,
        **wider,
    )


def groups_of(names: Iterable[str]) -> Any:
    """Return the menu of the sensitive features."""
    return menu("Groups of", ((name, name) for name in names), "Which sensitive feature divides the records")


def compared_by(tooltip: str) -> Any:
    """Return the menu of what of the groups is compared."""
    return menu(
        "Compare", (("Selection rates", "demographic_parity"), ("Error rates", "equalized_odds")), tooltip
    )
