"""Exporting: a saved report as other tools read it."""

from __future__ import annotations

from typing import Annotated

import typer

from auditkit.cli.output import Json, object_, plain_errors, print_

__all__ = ["add_to"]

export = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Write what a report knows in the form of another tool."
)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(export, name="export")


@export.callback()
def _export() -> None:
    """Write what a report knows in the form of another tool."""


@export.command()
def bom(
    report: Annotated[
        str, typer.Argument(metavar="REPORT", help="A report.json, or the folder that holds it.")
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="The .json to write; nothing is overwritten.")
    ],
    as_json: Json = False,
) -> None:
    """Write the bill of materials of an audited model: the model, its data and the libraries, with their digests, as CycloneDX 1.6.

    \b
    Examples:
      auditkit export bom reports/credit --out credit.cdx.json
    """
    with plain_errors(as_json=as_json):
        from pathlib import Path

        from auditkit.errors import InputError
        from auditkit.files import write_whole
        from auditkit.packing.bom import bill_of_materials
        from auditkit.report import load_report

        source, target = Path(report), Path(out)
        source = source / "report.json" if source.is_dir() else source
        if target.exists():
            raise InputError(f"{target} is there already, and is not replaced: choose another name")
        if not target.parent.is_dir():
            raise InputError(f"no folder {target.parent} to write {target.name} to: make it first")
        written = write_whole(target, bill_of_materials(load_report(source)))
        if as_json:
            object_({"bom": str(written)})
            return
        print_(f"{written}: CycloneDX 1.6; it says what was audited, and not that anything is safe")
