"""Reporting: the frozen model audited again, and the page of the incident."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.check import find
from auditkit.errors import InputError
from auditkit.incidents.folder import read_incident
from auditkit.runner.kernel import KernelHandle
from auditkit.runner.run import RunResult, run_template
from auditkit.runner.templates import find_template, refresh, write_notebook

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from auditkit.incidents.folder import Incident
    from auditkit.runner.news import News

__all__ = ["TEMPLATE", "report_incident", "with_checks"]

TEMPLATE = "incident"
_SHOWS = "show-"


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
        Where the page goes; ``report`` in that folder when left out.
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
    target = found.folder / "report" if out is None else Path(out)
    asked = _frozen_policy(found) if policy is None else policy
    with tempfile.TemporaryDirectory(prefix="auditkit-") as place:
        template: str | Path = TEMPLATE
        if checks:
            template = Path(place) / f"{TEMPLATE}.ipynb"
            write_notebook(template, with_checks(find_template(TEMPLATE).notebook, checks))
        return run_template(
            template, found.frozen / str(found.manifest["subject"]), target, policy=asked, seed=seed, progress=progress, kernel=kernel
        )  # fmt: skip


def with_checks(notebook: Mapping[str, Any], checks: Sequence[str]) -> dict[str, Any]:
    """Return the template with other checks: its plan, its parameters, and a cell that shows each.

    Raises
    ------
    InputError
        If a check is not known.
    """
    known = list(dict.fromkeys(about.name for word in checks for about in find(word)))
    made = deepcopy(dict(notebook))
    made["metadata"] = {**made["metadata"], "auditkit": {**made["metadata"]["auditkit"], "checks": known}}
    cells = made["cells"]
    at = next(i for i, one in enumerate(cells) if str(one.get("id", "")).startswith(_SHOWS))
    kept = [one for one in cells if not str(one.get("id", "")).startswith(_SHOWS)]
    shown = [_cell(f"{_SHOWS}{name}"[:64], f'show(report, "{name}")') for name in known]
    made["cells"] = [*kept[:at], *shown, *kept[at:]]
    return refresh(made)


def _cell(name: str, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": [source],
    }


def _frozen_policy(found: Incident) -> Path | None:
    files = found.manifest["files"] if found.manifest else ()
    named = [str(one["path"]) for one in files if one["role"] == "policy"]
    return found.frozen / named[0] if named else None
