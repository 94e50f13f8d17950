"""Pages of the checks: found beside the package, or in the source tree."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.check import registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditkit.check import Check

__all__ = ["check_pages"]

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "_pages", _PACKAGE.parent / "docs" / "checks")


def check_pages(checks: Iterable[Check] | None = None) -> dict[str, str]:
    """Return the pages of checks in Markdown, by code; a check's docstring where it brings no page.

    Parameters
    ----------
    checks : iterable of Check, optional
        Which; every installed one when left out.
    """
    chosen = registry().checks if checks is None else checks
    return {check.code: _page(check.code) or _docstring(check.function) for check in chosen}


def _page(code: str) -> str:
    for folder in _FOLDERS:
        file = folder / f"{code.lower()}.md"
        if file.is_file():
            return file.read_text("utf-8")
    return ""


def _docstring(function: object) -> str:
    words = inspect.getdoc(function) or "This check brings no description."
    summary, _, details = words.partition("\n")
    return f"{summary}\n\n```\n{details.strip()}\n```\n" if details.strip() else summary
