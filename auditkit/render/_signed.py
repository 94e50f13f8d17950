"""Signed: a note with its author and time, as shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHEN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2})(?::[0-9.]+)?(?:\+00:00|Z)")


def signed(note: Mapping[str, Any]) -> dict[str, str]:
    """Return what a note says, who says it and when."""
    time = one_line(note.get("time"))
    when = _WHEN.fullmatch(time)
    return {
        "text": str(note.get("text") or ""),
        "author": one_line(note.get("author")) or "unknown",
        "time": f"{when[1]} {when[2]} UTC" if when else time,
    }


def by_finding(report: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Return the notes on each finding, by its fingerprint."""
    found: dict[str, list[dict[str, str]]] = {}
    for note in report.get("notes") or ():
        if note.get("about"):
            found.setdefault(str(note["about"]), []).append(signed(note))
    return found
