"""Auditing: checks of a target run at once, told and judged as any audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditkit.report import Report
    from auditkit.targets import Target

__all__ = ["audited"]


def audited(
    target: Target,
    checks: dict[str, dict[str, Any]],
    policy: str | None,
    out: str | None,
    *,
    as_json: bool,
    found: Callable[[Report], list[Any]] | None = None,
) -> None:
    """Run checks on a target, tell how it ended, and leave with the exit code of the gate.

    Parameters
    ----------
    target : Target
        Under audit.
    checks : dict
        Names of checks, with their options.
    policy : str, optional
        A policy file; auditkit's default when left out.
    out : str, optional
        Where to save the report.
    as_json : bool
        Whether a machine reads.
    found : callable, optional
        Returns the rows that are told one by one: each has words, and a `to_dict`.

    Raises
    ------
    InputError
        If the policy cannot be read, or `out` is there already.
    """
    from pathlib import Path

    from auditkit.audit import Audit
    from auditkit.cli.output import EXIT, object_, outcome, print_, summary
    from auditkit.errors import InputError
    from auditkit.loading import load_policy

    place = None if out is None else Path(out)
    if place is not None and place.exists():
        raise InputError(f"{place} is there already, and is not replaced: choose another name")
    report = Audit(checks, load_policy(policy)).run(target)
    if place is not None:
        report.save(place)
    rows = [] if found is None else found(report)
    if as_json:
        said: dict[str, Any] = {"says": {one.check: one.says or one.reason for one in report.evidence}}
        if found is not None:
            said |= {"found": [row.to_dict() for row in rows]}
            said |= {"notes": [note for one in report.evidence for note in one.notes]}
        object_({**outcome(report), **said, "report": None if place is None else str(place)})
    else:
        for row in rows:
            print_(str(row))
        summary(report)
        print_("\n".join(one.says for one in report.evidence if one.says))
        if found is not None:
            notes = dict.fromkeys(note for one in report.evidence for note in one.notes)
            print_("\n".join(f"  {note}" for note in notes))
    raise typer.Exit(EXIT[report.verdict])
