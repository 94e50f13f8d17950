"""Copies: the options by which reports are printed too, sent elsewhere, and kept with the answers they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KeepAnswers", "Pdf", "Remote", "whole"]

T = TypeVar("T")

KeepAnswers = Annotated[
    bool,
    typer.Option(
        "--keep-answers",
        help="Keep the answers of single records in report.answers.npz, so that compare can pair them row by row.",
    ),
]

Pdf = Annotated[
    bool, typer.Option("--pdf", help="Print each report to a PDF too, with an installed Chromium.")
]
Remote = Annotated[
    str | None,
    typer.Option(
        "--remote", metavar="ADDRESS", help="Send a copy of the outputs to s3://bucket/prefix or the like."
    ),
]


def whole(run: Callable[[], T]) -> tuple[T, str]:
    """Return what a run came to, and in words what of its copies is missing; a verdict is not lost to a failed copy."""
    from auditkit.runner.copies import CopyError

    try:
        return run(), ""
    except CopyError as error:
        return error.result, str(error)
