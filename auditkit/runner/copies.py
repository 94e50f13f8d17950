"""Copies: what is made of files that are whole already, and what is said where that failed."""

from __future__ import annotations

from typing import Any

from auditkit.errors import AuditkitError

__all__ = ["CopyError"]


class CopyError(AuditkitError):
    """A PDF or a copy elsewhere is missing; the audit is whole, and its verdict stands.

    Attributes
    ----------
    result : RunResult or BatchResult
        What the run came to.
    """

    def __init__(self, why: str, result: Any) -> None:
        super().__init__(why)
        self.result = result
