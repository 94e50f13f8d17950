"""Noting: what a person added to the record of an audit, by whom and when."""

from __future__ import annotations

import getpass
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from auditkit.errors import InputError
from auditkit.evidence import Table, jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Note", "logged_in"]


@dataclass(frozen=True, slots=True)
class Note:
    """What a person added to the record.

    Attributes
    ----------
    text : str
        What is concluded, and why.
    author : str
        Who says so.
    time : str
        When, in UTC, ISO 8601.
    about : str
        The fingerprint of the finding it is about; empty for the audit as a whole, or for what was seen.
    seen : dict or None
        What was looked at, as `auditkit.explore.Answer.to_dict` gives it: measured by hand, outside the plan of the audit.
    """

    text: str
    author: str
    time: str
    about: str = ""
    seen: dict[str, Any] | None = None

    @classmethod
    def now(
        cls, text: str, *, author: str = "", about: str = "", seen: Mapping[str, Any] | None = None
    ) -> Self:
        """Return a note of this moment, by whoever is logged in where no author is given.

        Raises
        ------
        InputError
            If it says nothing and shows nothing.
        """
        if seen is None and not (isinstance(text, str) and text.strip()):
            raise InputError(f"a note needs words: what you conclude, and why; got {text!r}")
        time = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(text, author or logged_in(), time, about, None if seen is None else jsonable(dict(seen)))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what it is not about and did not see is left out."""
        return {k: v for k, v in asdict(self).items() if k in ("text", "author", "time") or v}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; a table in it must be one."""
        for table in ((data.get("seen") or {}).get("tables") or {}).values():
            Table.from_dict(table)
        return cls(**data)


def logged_in() -> str:
    """Return the name of whoever is logged in, "unknown" where the machine does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
