"""Scan of notebooks: what they give away and ask to be run, told by place; and copies without the first."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import Json, code_of, lines, object_, outcome, plain_errors, say, summary
from auditkit.cli.policies import told
from auditkit.reading import name_shown

if TYPE_CHECKING:
    from auditkit.report import Report
    from auditkit.runner.notebook_scan import Row

__all__ = ["Only", "notebook"]


class Only(StrEnum):
    """What a scan can be narrowed to."""

    secrets = "secrets"
    personal = "personal"
    packages = "packages"
    calls = "calls"


def notebook(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Notebooks, and folders with all notebooks below them."),
    ],
    only: Annotated[
        list[Only] | None, typer.Option("--only", help="Look for this alone; again for more.")
    ] = None,
    redact: Annotated[
        str | None,
        typer.Option(
            "--redact",
            metavar="OUT",
            help="Write copies without secrets and personal data: a folder, or the .ipynb of a single copy.",
        ),
    ] = None,
    advisories: Annotated[
        str | None,
        typer.Option(
            "--advisories", metavar="DIR", help="A folder of OSV files; packages are not checked without one."
        ),
    ] = None,
    requirements: Annotated[
        list[str] | None,
        typer.Option(
            "--requirements",
            metavar="FILE",
            help="A list of requirements; those beside the notebooks when left out.",
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
    sarif: Annotated[
        str | None, typer.Option("--sarif", metavar="FILE", help="Write the findings as SARIF.")
    ] = None,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="Read folders .ipynb_checkpoints, too.")
    ] = False,
    presidio: Annotated[
        bool, typer.Option("--presidio", help="Look for names with presidio, whose model must be installed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look for secrets, personal data, known weaknesses of packages and risky calls in notebooks; nothing of them is run or sent.

    Code, outputs, errors, metadata, attachments and raw cells are read. What is found is told by kind and place, and not shown.

    Files that are no notebook do not keep the others from being looked at; the exit code is then never 0.

    Exit code: 0 every criterion asked was met, 1 one was not, 2 bad input, 3 undecided, or a file could not be read.

    \b
    Examples:
      auditkit scan notebook analysis.ipynb
      auditkit scan notebook notebooks/ --only secrets --only personal --json
      auditkit scan notebook analysis.ipynb --redact analysis-public.ipynb
      auditkit scan notebook notebooks/ --advisories osv/ --sarif notebooks.sarif
    """
    with plain_errors(as_json=as_json):
        from auditkit.runner.notebook_scan import scan_notebooks

        made = scan_notebooks(
            paths,
            only=[one.value for one in only or ()],
            redact=redact,
            advisories=advisories,
            requirements=requirements,
            policy=policy,
            sarif=sarif,
            checkpoints=checkpoints,
            presidio=presidio,
        )
        missing = "\n".join(made.broken.values())
        code = code_of(made.report.verdict, missing)
        if as_json:
            more = {"exit_code": code, **({"error": missing} if missing else {})}
            if missing and made.report.verdict == "pass":
                more["verdict"] = "undecided"  # of what could not be read nothing is known
            object_({**outcome(made.report), **_object(made.report, made.rows), **made.to_dict(), **more})
        else:
            _tell(made.report, made.rows)
            for source, copy in made.copies.items():
                say(f"redacted copy of {name_shown(source)}: {name_shown(copy)}")
            if made.skipped:
                say(f"left out: {made.skipped} in .ipynb_checkpoints (--checkpoints reads them)")
        for why in made.broken.values():
            say(f"Error: {why}")
        raise typer.Exit(code)


def _object(report: Report, rows: list[Row]) -> dict[str, Any]:
    said = {one.check: one.says or one.reason for one in report.evidence}
    notes = [note for one in report.evidence for note in one.notes]
    return {"found": [row.to_dict() for row in rows], "says": said, "notes": notes}


def _tell(report: Report, rows: list[Row]) -> None:
    lines(list(map(str, rows)))
    for one in report.evidence:
        lines([f"{one.check}: {one.says or one.reason}", *(f"  {note}" for note in one.notes)])
    summary(report)
