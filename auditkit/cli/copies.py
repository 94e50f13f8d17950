"""Copies: the options by which reports are printed too, and sent elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Pdf", "Remote"]

Pdf = Annotated[
    bool, typer.Option("--pdf", help="Print each report to a PDF too, with an installed Chromium.")
]
Remote = Annotated[
    str | None,
    typer.Option(
        "--remote", metavar="ADDRESS", help="Send a copy of the outputs to s3://bucket/prefix or the like."
    ),
]
