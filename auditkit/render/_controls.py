"""Controls as shown: a quiet line beside a finding, and the appendix with what is covered, by framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render._templating import fill
from auditkit.render.text import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from markupsafe import Markup

__all__ = ["beside", "section", "shown_beside"]

LONG = 400  # characters of a text on the page, and a quarter of it of a name
CODES = 8  # codes of checks in a cell
WITHOUT = ("error", "not_applicable", "unmeasured")
"""Statuses of findings that rest on no value, and so are no evidence."""

Shown = dict[str, Any]


def shown_beside(
    moved: MutableMapping[str, Mapping[str, Any]],
    controls: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None,
) -> Mapping[str, Any]:
    """Return what a page shows of controls, and put beside the findings of a notebook what is relevant to each.

    What a notebook brings of its own under this name is not taken over. Of a damaged report there is none; its findings leave a note.
    """
    if "findings" not in moved:
        return {}
    data = {key: value for key, value in moved["findings"].items() if key != "controls"}
    mapped: Mapping[str, Any] = {}
    if controls is not None:
        try:
            mapped = controls(data | {"forms": moved.get("forms", {}).get("forms", [])})
        except (KeyError, TypeError, AttributeError, ValueError, IndexError):
            mapped = {}
    moved["findings"] = {**data, "controls": mapped.get("by_check", {})}
    return mapped


def beside(report: Mapping[str, Any], code: str, status: str) -> Shown | None:
    """Return the controls that a finding is evidence relevant to, as texts in sight and folded; None where it is no evidence."""
    found = (report.get("controls") or {}).get(code)
    if not found or status in WITHOUT:
        return None
    return {
        "first": [cut(text, LONG) for text in found["first"]],
        "more": [cut(text, LONG) for text in found["more"]],
        "count": found["count"],
    }


def section(mapped: Mapping[str, Any], places: Mapping[str, tuple[str, str]]) -> list[tuple[str, Markup]]:
    """Return the appendix on controls; nothing where no framework has any evidence.

    Parameters
    ----------
    mapped : mapping
        What `auditkit.controls.shown.on_page` returned.
    places : mapping of str to (str, str)
        Code of a check to its chapter and its address on the page.
    """
    if not mapped.get("frameworks"):
        return []
    frameworks = [
        {
            **{key: cut(one[key], LONG) for key in ("name", "title", "words", "counts")},
            "contested": one_line(one["contested"]),
            "left": one["left"],
            "rows": [_row(row, places) for row in one["rows"]],
        }
        for one in mapped["frameworks"]
    ]
    shown = fill(
        "controls.html.j2",
        frameworks=frameworks,
        others=", ".join(cut(name, LONG // 4) for name in mapped["others"][:50]),
        words=mapped["words"],
        disclaimer=cut(mapped["disclaimer"], LONG),
        version=cut(mapped["version"], LONG // 4),
    )
    return [("Controls", shown)]


def _row(row: Mapping[str, Any], places: Mapping[str, tuple[str, str]]) -> Shown:
    codes = row["checks"]
    return {
        **{key: cut(row[key], LONG) for key in ("title", "remarks", "missing")},
        "id": cut(row["id"], LONG // 4),
        "status": row["status"],
        "word": row["word"],
        "forms": [cut(words, LONG) for words in row.get("forms", ())],
        "checks": [(code, places[code][1] if code in places else "") for code in codes[:CODES]],
        "more": max(len(codes) - CODES, 0),
    }
