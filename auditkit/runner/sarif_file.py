"""SARIF file: where the SARIF of a scan goes, refused before anything is looked at, and how it is written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.reading import name_shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["sarif_place", "write_sarif"]


def sarif_place(asked: str | None) -> Path | None:
    """Return where SARIF goes; None where none is asked for. A file that is there is replaced.

    Raises
    ------
    InputError
        If its folder is not there or cannot be written to, or a folder stands in its place.
    """
    if asked is None:
        return None
    place, shown = Path(asked), name_shown(asked)
    if not place.parent.is_dir():
        raise InputError(f"no folder {name_shown(place.parent)} for {shown}")
    if place.is_dir():
        raise InputError(f"{shown} is a folder; name a file for SARIF")
    if not os.access(place.parent, os.W_OK):
        raise InputError(f"cannot write {shown}: its folder may not be written to")
    return place


def write_sarif(place: Path, log: Mapping[str, Any]) -> None:
    """Write SARIF whole; what is no text in UTF-8 is written as escapes."""
    text = json.dumps(log, indent=1, ensure_ascii=False) + "\n"
    write_whole(place, text.encode("utf-8", "backslashreplace"))
