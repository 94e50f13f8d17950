"""Source: a saved report as the makers of exports read it, with the digest of its file."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from auditkit.errors import InputError
from auditkit.evidence import jsonable
from auditkit.render.text import one_line
from auditkit.report import load_report
from auditkit.targets.base import KINDS

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    from auditkit.report import Report

__all__ = ["SPACE", "Source"]

SPACE = uuid.UUID("5f1f8f2e-6c0b-5a53-9d0a-6b6f0f9b1a7e")
"""Of the ids that are made here: the same report has the same ones."""


@dataclass(frozen=True, slots=True)
class Source:
    """A report, and what tells its file.

    Attributes
    ----------
    report : Report
        As it was read.
    data : dict
        What ``Report.to_dict()`` returned.
    digest : str
        SHA-256 of its file; of the file that ``Report.save`` would write where it comes from none.
    """

    report: Report
    data: dict[str, Any]
    digest: str

    @classmethod
    def of(cls, report: Report | Source) -> Self | Source:
        """Return a report as a source; one that is a source already as it is."""
        if isinstance(report, Source):
            return report
        data = report.to_dict()
        text = json.dumps(jsonable(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        return cls(report, data, hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a saved report.

        Raises
        ------
        InputError
            If there is none, in the folder or at the path.
        """
        file = Path(path)
        file = file / "report.json" if file.is_dir() else file
        report = load_report(file)
        return cls(report, report.to_dict(), hashlib.sha256(file.read_bytes()).hexdigest())

    @property
    def kind(self) -> str:
        """The kind of what was audited, one of `auditkit.targets.KINDS`."""
        return str(self.data["subject"].get("kind", "model"))

    @property
    def name(self) -> str:
        """The name of what was audited, in one line."""
        return one_line(self.data["subject"].get("name")) or "unnamed subject"

    @property
    def started(self) -> datetime:
        """When the audit began, in UTC; the first second of 1970 where the report does not say."""
        try:
            read = datetime.fromisoformat(str(self.data["provenance"].get("started", "")))
        except ValueError:
            return datetime.fromtimestamp(0, UTC)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)

    @property
    def day(self) -> str:
        """The day on which the audit began."""
        return self.started.date().isoformat() if self.started.year > 1970 else "a day that is not told"

    def dated(self, what: str) -> datetime:
        """Return when the audit began, for an export that has to say it.

        Parameters
        ----------
        what : str
            The export, in words: "a model card".

        Raises
        ------
        InputError
            If the report does not say it: no day is made up.
        """
        if self.started.year <= 1970:
            raise InputError(f"the report does not say when the audit was made: {what} has to say it")
        return self.started

    @property
    def public(self) -> bool:
        """Whether this is the public form of a report."""
        return "public" in self.data["provenance"]

    def forms(self, kind: str) -> list[dict[str, Any]]:
        """Return the forms of a kind that the report holds, in order."""
        every = self.data.get("forms") or []
        return [dict(one) for one in every if isinstance(one, dict) and one.get("kind") == kind]

    def hold(self, kinds: Collection[str], what: str) -> None:
        """Refuse a report about something that an export cannot speak of.

        Parameters
        ----------
        kinds : collection of str
            Of `auditkit.targets.KINDS`: what it can speak of.
        what : str
            The export, in words: "a model card".

        Raises
        ------
        InputError
            If the report is about something else.
        """
        if self.kind not in kinds:
            about = KINDS.get(self.kind, one_line(self.kind))
            wanted = " or ".join(KINDS[one] for one in kinds)
            raise InputError(
                f"the report is about {about}: {what} is made of a report about {wanted}; give the report.json of such an audit"
            )

    def id_of(self, *parts: str) -> str:
        """Return an id that is the same each time for the same file and parts."""
        return str(uuid.uuid5(SPACE, json.dumps([self.digest, *parts])))
