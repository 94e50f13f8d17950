"""Reporting: the frozen model audited again, and the page of the incident."""

from __future__ import annotations

import os
import re
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.check import find, registry
from auditkit.errors import InputError
from auditkit.incidents.folder import read_incident
from auditkit.loading.kinds import read_subject_file
from auditkit.runner.kernel import KernelHandle
from auditkit.runner.run import RunResult, run_template
from auditkit.runner.templates import find_template, refresh, subject_cell, write_notebook
from auditkit.targets import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from auditkit.check import Check
    from auditkit.incidents.folder import Incident
    from auditkit.runner.news import News

__all__ = ["TEMPLATE", "next_place", "report_incident", "with_checks"]

TEMPLATE = "incident"
_PAGES = 1_000
_SHOWS, _ASKS = "show-", "asks-"
_BEFORE = "about-comparison"  # the cell that follows what was measured
_RUNS = re.compile(r"This audit runs .*? Each\s", re.DOTALL)


def report_incident(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    checks: Sequence[str] = (),
    policy: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    progress: Callable[[News], None] | None = None,
    kernel: Callable[[Mapping[str, str], Path], KernelHandle] = KernelHandle,
) -> RunResult:
    """Run the template ``incident`` on the frozen subject.

    Parameters
    ----------
    folder : path
        The folder of the incident.
    out : path, optional
        Where the page goes; when left out, ``report`` in that folder, or ``report-2`` and so on where earlier pages are: what was known then stays.
    checks : sequence of str
        Checks, by name or code, or dimensions, to run instead of those of the template.
    policy : path or str, optional
        Criteria; the frozen policy when left out, and auditkit's default where none was frozen.
    seed : int, optional
        Root of all random numbers.
    progress, kernel : callable, optional
        As for `auditkit.runner.run.run_template`.

    Raises
    ------
    InputError
        If nothing was frozen, the evidence differs from what was frozen, or a check is not known.
    """
    found = read_incident(folder)
    checked = found.verified()
    if checked is None or found.manifest is None:
        raise InputError(
            f"nothing is frozen in {found.folder}: auditkit incident freeze {found.folder} --subject FILE"
        )
    if not checked.holds:
        raise InputError(
            f"the evidence differs from what was frozen, and is not audited: {'; '.join(checked.differs[:3])}; `auditkit incident verify` names all"
        )
    subject = found.frozen / str(found.manifest["subject"])
    if not checks and (kind := read_subject_file(subject).kind) != "model":
        raise InputError(
            f"{subject} is {KINDS[kind]}, and the checks of the template ask about a model with its rows: name others with --check; "
            f"known: {', '.join(one.name for one in registry().checks if one.about == kind)}"
        )
    target = next_place(found.folder) if out is None else Path(out)
    asked = _frozen_policy(found) if policy is None else policy
    with tempfile.TemporaryDirectory(prefix="auditkit-") as place:
        template: str | Path = TEMPLATE
        if checks:
            template = Path(place) / f"{TEMPLATE}.ipynb"
            write_notebook(template, with_checks(find_template(TEMPLATE).notebook, checks))
        return run_template(
            template, subject, target, policy=asked, seed=seed, progress=progress, kernel=kernel
        )  # fmt: skip


def next_place(folder: Path) -> Path:
    """Return where the next page of an incident goes, so that no earlier one is replaced."""
    names = ("report", *(f"report-{n}" for n in range(2, _PAGES)))
    free = (folder / name for name in names if not _holds_something(folder / name))
    if (found := next(free, None)) is None:
        raise InputError(f"{folder} holds {_PAGES - 1:,} reports: give --out")
    return found


def _holds_something(place: Path) -> bool:
    return os.path.lexists(place) and (not place.is_dir() or any(place.iterdir()))


def with_checks(notebook: Mapping[str, Any], checks: Sequence[str]) -> dict[str, Any]:
    """Return the template with other checks: its plan, its parameters, and a cell that shows each.

    Raises
    ------
    InputError
        If a check is not known.
    """
    known = {about.code: about for word in checks for about in find(word)}
    names = [about.name for about in known.values()]
    made = deepcopy(dict(notebook))
    made["metadata"] = {**made["metadata"], "auditkit": {**made["metadata"]["auditkit"], "checks": names}}
    said = "; ".join(f"{about.title} ({about.code})" for about in known.values())
    cells = []
    for one in made["cells"]:
        if str(one["id"]).startswith((_SHOWS, _ASKS)):
            continue
        if one["id"] == "about-plan":
            runs = f"This audit runs {len(names)} check{'s' * (len(names) > 1)}: {said}. Each "
            one["source"] = _RUNS.sub(lambda _: runs, "".join(one["source"])).splitlines(keepends=True)  # noqa: B023 - used at once
        if one["id"] == "subject":
            given = "".join(one["source"]).splitlines(keepends=True)
            kind = next(iter(known.values())).about
            one["source"] = [
                *(line for line in given if "show_incident" in line),
                *subject_cell(kind).splitlines(keepends=True),
            ]
        if one["id"] == _BEFORE:
            cells += [cell for about in known.values() for cell in _shown(about)]
        cells.append(one)
    made["cells"] = cells
    return refresh(made)


def _shown(about: Check) -> list[dict[str, Any]]:
    asks = f"### {about.question or about.title}"
    return [
        {"cell_type": "markdown", "id": f"{_ASKS}{about.code.lower()}", "metadata": {}, "source": [asks]},
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"{_SHOWS}{about.code.lower()}",
            "metadata": {},
            "outputs": [],
            "source": [f'show(report, "{about.name}")'],
        },
    ]


def _frozen_policy(found: Incident) -> Path | None:
    files = found.manifest["files"] if found.manifest else ()
    named = [str(one["path"]) for one in files if one["role"] == "policy"]
    return found.frozen / named[0] if named else None
