"""Scan stack: what is known of installed packages, and what configuration files leave open, judged by a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import Json, plain_errors
from auditkit.cli.policies import told

if TYPE_CHECKING:
    from auditkit.report import Report
    from auditkit.runner.stack_scan import Row

__all__ = ["add_to"]


def add_to(scan: typer.Typer) -> None:
    """Add the command."""
    scan.command("stack")(stack)


def stack(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Files that configure or start servers; without any the packages alone are looked at.",
        ),
    ] = None,
    requirements: Annotated[
        str | None,
        typer.Option(
            "--requirements",
            metavar="FILE",
            help="Pinned packages, as pip freeze prints; this environment's when left out.",
        ),
    ] = None,
    osv: Annotated[
        str | None,
        typer.Option(
            "--osv", metavar="DIR", help="A folder of OSV files; auditkit's own dated table when left out."
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            callback=told,
            help="A policy by name (auditkit list policies), or criteria in TOML; auditkit's default when left out.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Also save the report, as JSON; none is overwritten."),
    ] = None,
    sarif: Annotated[
        str | None, typer.Option("--sarif", metavar="FILE", help="Write what was found as SARIF 2.1.0.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold installed packages against advisories, and read files that configure or start servers. No server is asked, no file is run.

    Exit code: 0 every criterion asked was met; 1 a criterion not met, 2 bad input, 3 undecided.

    \b
    Examples:
      auditkit scan stack
      auditkit scan stack docker-compose.yml ~/.jupyter/jupyter_server_config.py
      auditkit scan stack --requirements requirements.lock --osv osv-pypi/ --json
      auditkit scan stack docker-compose.yml --sarif stack.sarif
    """
    with plain_errors(as_json=as_json):
        from pathlib import Path

        from auditkit.cli.auditing import audited
        from auditkit.loading.kinds.stack import stack_at
        from auditkit.runner.sarif_file import sarif_place, write_sarif
        from auditkit.runner.stack_scan import HERE, found_in, sarif_of

        place = sarif_place(sarif)
        target = stack_at(
            "stack",
            [Path(one) for one in files or ()],
            requirements=None if requirements is None else Path(requirements),
            osv=None if osv is None else Path(osv),
        )
        checks: dict[str, dict[str, Any]] = {"known_advisories": {}}
        if files:
            checks["open_configuration"] = {}

        def found(report: Report) -> list[Row]:
            rows = found_in(report, requirements or HERE, target.lines)
            if place is not None:
                write_sarif(place, sarif_of(rows))
            return rows

        audited(target, checks, policy, out, as_json=as_json, found=found)
