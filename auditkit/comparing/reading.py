"""Reading: the saved reports of one side of a comparison, and which of them belong together."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.report import Report
from auditkit.saved import read

if TYPE_CHECKING:
    import os

__all__ = ["Saved", "pairs_of", "read_side"]

_WHERE = ("results/*/report.json", "*/report.json")


@dataclass(frozen=True, eq=False)
class Saved:
    """A report as it was saved.

    Attributes
    ----------
    path : pathlib.Path
        Its file.
    schema : str
        The schema it names.
    report : Report
        What it holds.
    name : str
        What a batch calls the audit, from the ``result.json`` beside it; empty without one.
    others : int
        Older results of the same name in the folder, of other inputs, which were passed over.
    """

    path: Path
    schema: str
    report: Report
    name: str = ""
    others: int = 0

    @property
    def subject(self) -> str:
        """The name of what was audited."""
        return str(self.report.subject.get("name"))

    @property
    def audit(self) -> str:
        """The name of the audit: what the record calls it, else the checks of its plan."""
        about = self.report.provenance
        if self.name:
            return self.name
        named = about.get("audit") or about.get("template")
        planned = [str(one.get("name") or one.get("code")) for one in about.get("plan", ())]
        return str(named or ", ".join(planned) or ", ".join(one.check for one in self.report.evidence))

    def about(self) -> dict[str, Any]:
        """Return what a page says of it; plain JSON values."""
        report = self.report
        splits = {name: report.subject.get(name) or {} for name in ("test", "train")}
        return {
            "path": "/".join(self.path.parts[-2:]),  # a page does not tell how somebody's disk is laid out
            "schema": self.schema,
            "subject": self.subject,
            "started": report.provenance.get("started"),
            "auditkit": report.provenance.get("auditkit"),
            "seed": report.provenance.get("seed"),
            "policy": (report.provenance.get("policy") or {}).get("name"),
            "verdict": report.verdict,
            "rows": splits["test"].get("rows"),
            "model_digest": (report.subject.get("model") or {}).get("digest"),
            **{f"{name}_digest": split.get("digest") for name, split in splits.items()},
        }


def read_side(where: str | os.PathLike[str]) -> tuple[Saved, ...]:
    """Read a report, or every report of a folder.

    Parameters
    ----------
    where : path
        A ``report.json``; the folder of one; or a folder of several, ``results/*/report.json`` or ``*/report.json``, as a batch leaves
        them.

    Raises
    ------
    InputError
        If there is none, or one cannot be read.
    """
    path = Path(where)
    if path.is_file() or not path.exists():
        return (_saved(path),)
    if (path / "report.json").is_file():
        return (_saved(path / "report.json"),)
    for pattern in _WHERE:
        if found := sorted(path.glob(pattern)):
            return tuple(map(_saved, found))
    raise InputError(
        f"no report in {path}: give a report.json, the folder that holds one, or a folder of several as auditkit batch leaves it "
        f"({' or '.join(_WHERE)})"
    )


def pairs_of(
    base: tuple[Saved, ...], new: tuple[Saved, ...]
) -> tuple[list[tuple[Saved, Saved]], list[Saved], list[Saved]]:
    """Return the reports that belong together, and those of each side that stand alone.

    Two single reports belong together whatever they are called. Of folders, reports of one subject name and one audit name do; a name
    that comes twice on a side cannot be told apart.

    Raises
    ------
    InputError
        If two reports of one side have the same subject and audit.
    """
    if len(base) == len(new) == 1:
        return [(base[0], new[0])], [], []
    before, after = _by_name(base), _by_name(new)
    both = [(before[key], after[key]) for key in before if key in after]
    return (
        both,
        [one for key, one in before.items() if key not in after],
        [one for key, one in after.items() if key not in before],
    )


def _by_name(side: tuple[Saved, ...]) -> dict[tuple[str, str], Saved]:
    found: dict[tuple[str, str], Saved] = {}
    for one in side:
        key = one.subject, one.audit
        known = found.setdefault(key, one)
        if known is one:
            continue
        if not (known.name and one.name):
            raise InputError(
                f"{known.path} and {one.path} are both of {one.subject!r} and {one.audit!r}, and cannot be told apart: "
                "compare them one by one"
            )
        # a batch keeps the results of earlier inputs beside the newest
        newest = max(known, one, key=lambda saved: str(saved.report.provenance.get("started")))
        found[key] = replace(newest, others=known.others + 1)
    return found


def _saved(path: Path) -> Saved:
    data = read(path)
    schema = str(data.get("schema")) if isinstance(data, dict) else ""
    try:
        return Saved(path, schema, Report.from_dict(data), _name_beside(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _name_beside(path: Path) -> str:
    """Return the name a batch gave the audit, from the file it leaves beside the report."""
    file = path.with_name("result.json")
    if not file.is_file():
        return ""
    try:
        name = json.loads(file.read_text("utf-8"))["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{file} is damaged: it should name the audit of the report beside it") from None
    return str(name)
