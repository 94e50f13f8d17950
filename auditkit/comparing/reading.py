"""Reading: the saved reports of one side of a comparison, and which of them belong together."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.comparing.journaled import current, is_batch
from auditkit.errors import InputError
from auditkit.report import Report
from auditkit.saved import read

if TYPE_CHECKING:
    import os

__all__ = ["Saved", "Side", "pairs_of", "read_side"]

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
        Results of the same name in the folder, of other inputs, which were passed over.
    journaled : bool
        Whether the journal of a batch says that it is the one that holds; without one it is the one that was started last.
    """

    path: Path
    schema: str
    report: Report
    name: str = ""
    others: int = 0
    journaled: bool = False

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


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison.

    Attributes
    ----------
    saved : tuple of Saved
        Its reports.
    lost : dict
        Why an audit of a batch has no report, by its name.
    remarks : tuple of str
        What else is to be said of the folder.
    """

    saved: tuple[Saved, ...]
    lost: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def read_side(where: str | os.PathLike[str]) -> Side:
    """Read a report, or every report of a folder; of a batch those that hold for what its last run was asked for.

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
        return Side((_saved(path),))
    if (path / "report.json").is_file():
        return Side((_saved(path / "report.json"),))
    if is_batch(path):
        return _of_batch(path)
    for pattern in _WHERE:
        if found := sorted(path.glob(pattern)):
            return Side(tuple(map(_saved, found)))
    raise InputError(
        f"no report in {path}: give a report.json, the folder that holds one, or a folder of several as auditkit batch leaves it "
        f"({' or '.join(_WHERE)})"
    )


def pairs_of(base: Side, new: Side) -> tuple[list[tuple[Saved, Saved]], list[str], list[str]]:
    """Return the reports that belong together; in words, audits that have no report now; and those that had none before.

    Two single reports belong together whatever they are called. Of folders, reports of one subject name and one audit name do; a name
    that comes twice on a side cannot be told apart.

    Raises
    ------
    InputError
        If two reports of one side have the same subject and audit.
    """
    if len(base.saved) == len(new.saved) == 1 and not base.lost and not new.lost:
        one, other = base.saved[0], new.saved[0]
        if not (one.journaled and other.journaled) or one.audit == other.audit:
            return [(one, other)], [], []
    before, after = _by_name(base.saved), _by_name(new.saved)
    both = [(before[key], after[key]) for key in before if key in after]
    gone = [_called(one, new.lost) for key, one in before.items() if key not in after]
    come = [_called(one, base.lost) for key, one in after.items() if key not in before]
    had = {one.name for one in before.values() if one.name}
    return both, gone + [f"{name} ({why})" for name, why in new.lost.items() if name not in had], come


def _called(one: Saved, lost: dict[str, str]) -> str:
    """Return what a report is of, and why the other side has none, where that is known."""
    why = lost.get(one.name, "") if one.name else ""
    return f"{one.subject}: {one.audit}" + (f" ({why})" if why else "")


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
        # a batch keeps the results of earlier inputs beside the newest, and this folder has no journal that says which one holds
        newest = max(known, one, key=lambda saved: str(saved.report.provenance.get("started")))
        found[key] = replace(newest, others=known.others + 1)
    return found


def _of_batch(folder: Path) -> Side:
    found = current(folder)
    saved = tuple(
        replace(_saved(path), name=name, others=found.older[name], journaled=True)
        for name, path in found.reports.items()
    )
    return Side(saved, found.lost, tuple(found.remarks))


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
