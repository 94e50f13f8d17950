"""Rejudge: a saved report under another policy, without the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.check import registry
from auditkit.errors import InputError, did_you_mean
from auditkit.loading.policy import load_policy
from auditkit.report import load_report
from auditkit.waiver import Waiver

if TYPE_CHECKING:
    import os

    from auditkit.report import Report

__all__ = ["rejudge"]


def rejudge(report_path: str | os.PathLike[str], policy_path: str | os.PathLike[str] | None = None) -> Report:
    """Return a saved report judged under another policy.

    Parameters
    ----------
    report_path : path
        A ``report.json``, or the folder that holds it.
    policy_path : path, optional
        Criteria; auditkit's default policy when left out.

    Raises
    ------
    InputError
        If a file cannot be read, or a criterion speaks of a metric that neither the report nor any check has.
    """
    folder = Path(report_path)
    if folder.is_dir() and not (folder / "report.json").is_file():
        raise InputError(
            f"{folder} is a folder without a report.json; expected what `auditkit run --out` wrote"
        )
    report = load_report(folder / "report.json" if folder.is_dir() else folder)
    policy = load_policy(policy_path)
    known = registry().metrics() | {m.metric for one in report.evidence for m in one.measurements}
    for one in (*policy, *policy.waivers):
        if one.metric is not None and one.metric not in known:
            what = "a waiver" if isinstance(one, Waiver) else "a criterion"
            raise InputError(
                f"{policy_path or 'the default policy'}: {what} speaks of {one.metric!r}, which no check gives.{did_you_mean(one.metric, known)}"
            )
    return report.judge(policy)
