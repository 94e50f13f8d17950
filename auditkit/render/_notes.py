"""Notes as shown: what was added by hand, besides the plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from auditkit.render._signed import signed
from auditkit.render._templating import fill
from auditkit.render.page import figure_html
from auditkit.render.text import one_line, words

if TYPE_CHECKING:
    from collections.abc import Mapping


def in_order(note: Mapping[str, Any]) -> dict[str, Any]:
    """Return a note whose tables and settings are lists: a saved notebook sorts the keys of its objects."""
    seen = note.get("seen")
    if not seen:
        return dict(note)
    tables = [{**one, "order": list(one["columns"])} for one in seen["tables"].values()]
    return {**note, "seen": {**seen, "tables": tables, "at": [[k, v] for k, v in seen["at"].items()]}}


def one_note(note: Mapping[str, Any]) -> str:
    """Return a note in one line."""
    who, seen = signed(note), note.get("seen") or {}
    parts = (one_line(seen.get("about")), one_line(seen.get("says")), one_line(who["text"]))
    return f"{'; '.join(filter(None, parts))} ({who['author']}, {who['time']})"


def added(report: Mapping[str, Any], *, figures: bool = False) -> str:
    """Return what people added: what was looked at by hand, and notes that stand beside no finding here.

    Parameters
    ----------
    report : mapping
        The view "notes" of a report.
    figures : bool, default False
        Whether to add the data of each figure, for a page that draws them.
    """
    here = {f.get("fingerprint") for f in report.get("findings") or ()}
    notes = [n for n in report.get("notes") or () if n.get("seen") or n.get("about") not in here]
    return str(fill("notes.html.j2", notes=[_shown(note, figures=figures) for note in notes]))


def _shown(note: Mapping[str, Any], *, figures: bool) -> dict[str, Any]:
    seen = note.get("seen") or {}
    place = (
        "about a finding that is not in this report" if note.get("about") else "about the audit as a whole"
    )
    return {
        **signed(note),
        "about": one_line(seen.get("about")) or place,
        "seen": bool(seen),
        "at": [(words(name), _setting(value)) for name, value in seen.get("at") or ()],
        "says": one_line(seen.get("says")),
        "does_not_say": one_line(seen.get("does_not_say")),
        "figures": [figure_html(table, draw=figures) for table in seen.get("tables") or ()],
    }


def _setting(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return one_line(text)[:500]
