"""Scanning: files looked through without running anything of them, and what is done about what is found."""

from __future__ import annotations

import typer

from auditkit.cli import exporting, protecting, registering, scan_data, scan_model, scan_notebook, scan_stack

__all__ = ["add_to", "scan"]

scan = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at a file as data, without running it, and judge what it holds.",
)


@scan.callback()
def about() -> None:
    """Look at a file as data, without running it, and judge what it holds."""


scan.command("model")(scan_model.scan_model)
scan.command("notebook")(scan_notebook.notebook)
scan_data.add_to(scan)
scan_stack.add_to(scan)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(scan, name="scan")
    protecting.add_to(app)
    exporting.add_to(app)
    registering.add_to(app)
