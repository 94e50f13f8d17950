"""Comparing: two saved audits, or two folders of them, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditkit.cli.output import EXIT, Json, lines, object_, plain_errors
from auditkit.cli.policies import told

__all__ = ["compare"]


def compare(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="The earlier audit: a report.json, the folder that holds one, or a folder of several.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The newer audit, likewise.")],
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            callback=told,
            help="A policy by name, or criteria in TOML; those of the newer audit when left out.",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            metavar="X",
            min=0,
            help="Let pass a worsening of up to so much, in each metric's unit.",
        ),
    ] = 0.0,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write a page that opens offline.")
    ] = None,
    markdown: Annotated[
        str | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown, for a pull request.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold an audit against an earlier one: what changed beyond noise, what is new, fixed or persists.

    It judges the change, not the level: a finding that persists does not fail it (auditkit judge does). On the same rows changes are told from
    the pairs of answers where both runs kept them (auditkit run --keep-answers).
    Exit code: 0 nothing that a criterion speaks of became worse beyond noise; 1 something did,
    2 bad input, 3 undecided, or something could not be compared.

    \b
    Examples:
      auditkit compare reports/october/report.json reports/november/report.json
      auditkit compare reports/2026-10 reports/2026-11 --policy policy.toml --html change.html
      auditkit compare reports/2026-10 reports/2026-11 --markdown change.md --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.comparing import compare as hold
        from auditkit.render.comparison import comparison_lines, comparison_markdown, comparison_page

        wanted = {"html": (html, comparison_page), "markdown": (markdown, comparison_markdown)}
        paths = {name: _target(name, file) for name, (file, _) in wanted.items() if file is not None}
        found = hold(base, new, policy=policy, tolerance=tolerance)
        data = found.to_dict()
        from auditkit.files import write_whole

        for name, path in paths.items():
            write_whole(path, wanted[name][1](data).encode("utf-8", "backslashreplace"))
        written = {name: str(path) for name, path in paths.items()}
        if as_json:
            object_({**data, "exit_code": EXIT[found.verdict], **written})
        else:
            lines([*comparison_lines(data), *(f"{name + ':':<10}{path}" for name, path in written.items())])
        raise typer.Exit(EXIT[found.verdict])


def _target(name: str, file: str) -> Path:
    from auditkit.errors import InputError

    path = Path(file)
    if path.is_dir() or not path.parent.is_dir():
        example = "change.html" if name == "html" else "change.md"
        raise InputError(
            f"--{name} takes the path of a file, such as {example}, in a folder that is there; got {file}"
        )
    return path
