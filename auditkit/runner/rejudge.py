"""Rejudge: a saved report under another policy, without the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.check import registry
from auditkit.errors import InputError, did_you_mean
from auditkit.loading.policy import load_policy
from auditkit.report import load_report

if TYPE_CHECKING:
    import os

    from auditkit.report import Report

__all__ = ["rejudge"]


def rejudge(report_path: str | os.PathLike[str], policy_path: str | os.PathLike[str] | None = None) -> Report:
    """Return a saved report judged under another policy.

    Parameters
    ----------
    report_path : path
        A ``report.json``.
    policy_path : path, optional
        Criteria; auditkit's default policy when left out.

    Raises
    ------
    InputError
        If a file cannot be read, or a criterion speaks of a metric that neither the report nor any check has.
    """
    _record(Path(report_path))
    report = load_report(report_path)
    policy = load_policy(policy_path)
    known = registry().metrics() | {m.metric for one in report.evidence for m in one.measurements}
    for criterion in policy:
        if criterion.metric not in known:
            raise InputError(
                f"a criterion speaks of {criterion.metric!r}, which no check gives.{did_you_mean(criterion.metric, known)}"
            )
    return report.judge(policy)


def _record(path: Path) -> None:
    """Refuse the two other files of a run by what they are; they lie beside the one that is meant."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = "an HTML page" if start.startswith(b"<") else "a notebook" if path.suffix == ".ipynb" else ""
    if kind:
        beside = path.with_name("report.json")
        hint = f" The record is beside it: {beside}" if beside.is_file() else ""
        raise InputError(f"give report.json (got {kind}: {path}).{hint}")
