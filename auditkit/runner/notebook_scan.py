"""Notebook scan: notebooks audited from their paths, each finding as a row, SARIF, and redacted copies."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.audit import Audit
from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.loading import load_policy
from auditkit.runner.notebook_rows import Row, rows_of
from auditkit.runner.notebook_sarif import sarif_of
from auditkit.runner.sarif_file import sarif_place, write_sarif
from auditkit.targets.notebooks import read_notebooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.report import Report
    from auditkit.targets.notebooks import Notebooks

__all__ = ["Row", "Scanned", "scan_notebooks"]

CHECKS = {
    "secrets": "notebook_secrets",
    "personal": "notebook_personal_data",
    "packages": "notebook_packages",
    "calls": "notebook_risky_calls",
}


@dataclass(frozen=True, slots=True)
class Scanned:
    """What came of a scan.

    Attributes
    ----------
    report : Report
        The audit.
    rows : list of Row
        Every secret, personal datum and risky call, and every advisory.
    copies : dict of str to str
        Notebooks and their redacted copies.
    skipped : int
        Notebooks in folders of checkpoints that were left out.
    broken : dict of str to str
        Files that could not be read as notebooks, and why. The others were scanned.
    """

    report: Report
    rows: list[Row]
    copies: dict[str, str]
    skipped: int
    broken: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return what is neither in the report nor in the rows."""
        return {"copies": self.copies, "skipped": self.skipped, "broken": self.broken}


def scan_notebooks(
    paths: Sequence[str],
    *,
    only: Sequence[str] = (),
    redact: str | None = None,
    advisories: str | None = None,
    requirements: Sequence[str] | None = None,
    policy: str | None = None,
    sarif: str | None = None,
    checkpoints: bool = False,
    presidio: bool = False,
) -> Scanned:
    """Scan notebooks, judge what is found, and write what is asked for.

    Parameters
    ----------
    paths : sequence of str
        Notebooks and folders.
    only : sequence of str
        Some of "secrets", "personal", "packages", "calls"; all when empty.
    redact : str, optional
        Where redacted copies go: a folder, or a file where there is one notebook.
    advisories, policy, sarif : str, optional
        A folder of OSV files; criteria; where SARIF goes.
    requirements : sequence of str, optional
        Lists of requirements; those beside the notebooks when left out.
    checkpoints, presidio : bool
        See `read_notebooks`.

    Raises
    ------
    InputError
        Before anything is scanned, if something is not there or would be overwritten, or if no file is a notebook.
    """
    place = sarif_place(sarif)
    asked = [CHECKS[one] for one in only or CHECKS]
    plan = Audit(asked, load_policy(policy))
    target = read_notebooks(
        paths,
        requirements=None if requirements is None else map(Path, requirements),
        advisories=None if advisories is None else Path(advisories),
        checkpoints=checkpoints,
        presidio=presidio,
        partly=True,
    )
    if {"notebook_secrets", "notebook_personal_data"} & set(asked) or redact:
        from auditkit.scanning.notebooks.plugins import secret_types

        secret_types()  # tells what to install before anything is read through
    copies = {} if redact is None else _copies(target, Path(redact))
    report = plan.run(target)
    rows = [
        row
        for code, rows in rows_of(target, report).items()
        if report.of(code).outcome == "observed"
        for row in rows
    ]
    if place is not None:
        write_sarif(place, sarif_of(rows, target))
    _redact(target, copies)
    made = {name: path.as_posix() for name, path in copies.items()}
    return Scanned(report, rows, made, target.skipped, dict(target.broken))


def _copies(target: Notebooks, out: Path) -> dict[str, Path]:
    """Return where each redacted copy goes; nothing that is there is overwritten."""
    names = [one.name for one in target.files]
    every = [*names, *(name for name, _ in target.broken)]  # what is broken moves no copy of the others
    if out.suffix == ".ipynb":
        if len(every) > 1:
            raise InputError(f"--redact {out}: {len(every)} notebooks cannot become one; name a folder")
        places = [out]
    else:
        places = [out / one for one in _below(every)[: len(names)]]
    taken: dict[Path, str] = {}
    for name, place in zip(names, places, strict=True):
        if place in taken:
            raise InputError(
                f"{taken[place]} and {name} are one notebook, given twice; --redact makes one copy of each: give it once"
            )
        taken[place] = name
        _refuse_place(place, out if place != out else out.parent)
    return {name: place for place, name in taken.items()}


def _below(names: Sequence[str]) -> list[Path]:
    """Return the paths of notebooks below the folder that all of them lie in, however they were named."""
    whole = [Path(os.path.abspath(name)) for name in names]  # noqa: PTH100 - without following links, which pathlib does
    try:
        common = os.path.commonpath([one.parent for one in whole])
    except ValueError:  # on two drives
        raise InputError("--redact: the notebooks lie in no folder together; scan them one by one") from None
    return [one.relative_to(common) for one in whole]


def _refuse_place(place: Path, out: Path) -> None:
    """Raise InputError for a place that is taken, that cannot be made, or that a link leads out of the folder of copies."""
    if os.path.lexists(place):
        raise InputError(
            f"{place} is there already, and is not overwritten; name another place with --redact"
        )
    above = next(one for one in place.parents if one.exists())
    if not above.is_dir():
        raise InputError(f"{above} is no folder; name another place with --redact")
    if not place.resolve().is_relative_to(out.resolve()):
        raise InputError(
            f"{place} lies outside {out}, to where a link leads; name another place with --redact"
        )


def _redact(target: Notebooks, copies: dict[str, Path]) -> None:
    from auditkit.scanning.notebooks.reading import written
    from auditkit.scanning.notebooks.redacting import redacted

    for one in target.files if copies else ():
        place = copies[one.name]
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, written(redacted(one.content, named=target.named).notebook))
