"""Reading: the saved reports of one side of a comparison, and which of them belong together."""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    path: Path
    schema: str
    report: Report

    @property
    def subject(self) -> str:
        """The name of what was audited."""
        return str(self.report.subject.get("name"))

    @property
    def audit(self) -> str:
        """The name of the audit: what the record calls it, else the checks of its plan."""
        about = self.report.provenance
        named = about.get("audit") or about.get("template")
        planned = [str(one.get("name") or one.get("code")) for one in about.get("plan", ())]
        return str(named or ", ".join(planned) or ", ".join(one.check for one in self.report.evidence))

    def about(self) -> dict[str, Any]:
        """Return what a page says of it; plain JSON values."""
        report = self.report
        splits = {name: report.subject.get(name) or {} for name in ("test", "train")}
        return {
            "path": str(self.path),
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
        if key in found:
            raise InputError(
                f"{found[key].path} and {one.path} are both of {one.subject!r} and {one.audit!r}, and cannot be told apart: "
                "compare them one by one"
            )
        found[key] = one
    return found


def _saved(path: Path) -> Saved:
    data = read(path)
    try:
        return Saved(path, str(data.get("schema")) if isinstance(data, dict) else "", Report.from_dict(data))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
