"""Output: what the command line says, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.errors import AuditkitError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from auditkit.report import Report
    from auditkit.runner.run import RunResult

__all__ = [
    "BAD_INPUT",
    "BROKE",
    "DIFFERS",
    "EXIT",
    "INTERRUPTED",
    "Json",
    "code_of",
    "lines",
    "object_",
    "outcome",
    "plain_errors",
    "print_",
    "say",
    "summary",
    "table",
    "tell",
]

EXIT = {"pass": 0, "fail": 1, "undecided": 3, "not_judged": 0}
BAD_INPUT, BROKE, INTERRUPTED, PIPE_CLOSED = 2, 3, 130, 141
_COMMANDS = re.compile(
    r"^(\s*)(?=::|##\[|##vso\[)", re.MULTILINE
)  # to a CI service that reads what is printed
DIFFERS = 1  # from what was made or written
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, and nothing else, to standard output.")
]
"""The flag of every command that can speak to machines."""


@contextmanager
def plain_errors(*, as_json: bool = False) -> Iterator[None]:
    """Turn errors into a sentence and an exit code; only a mistake of auditkit's own shows a traceback.

    With `as_json` the sentence is an object on standard output as well: ``{"error": ..., "exit_code": ...}``.
    """
    try:
        yield
    except typer.Exit:
        raise
    except InputError as error:
        raise _refused(error, BAD_INPUT, as_json=as_json) from None
    except AuditkitError as error:
        raise _refused(error, BROKE, as_json=as_json) from None
    except KeyboardInterrupt:
        say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        raise _refused(error, BROKE, as_json=as_json) from None
    except Exception:  # noqa: BLE001 - exit code 1 would read as a criterion that was not met
        say(f"{traceback.format_exc()}This is a mistake in auditkit itself; no report was written.")
        raise typer.Exit(BROKE) from None


def _print(text: str) -> None:
    """Print to standard output; a reader that has enough, as `head` has, is no error, and ends the command."""
    try:
        typer.echo(_COMMANDS.sub(r"\1\\", text))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left goes nowhere
        raise typer.Exit(PIPE_CLOSED) from None


def print_(text: str) -> None:
    """Print lines to standard output, with no characters that steer the terminal."""
    from auditkit.render.text import clean

    _print("\n".join(map(clean, text.split("\n"))))


def _refused(error: Exception, code: int, *, as_json: bool) -> typer.Exit:
    say(f"Error: {error}")
    if as_json:
        object_({"error": str(error), "exit_code": code})
    return typer.Exit(code)


def tell(result: RunResult, *, as_json: bool, at_most: int | None = None, missing: str = "") -> int:
    """Say how a run ended, where its files are and what of its copies is missing; return the exit code."""
    paths = {"html": result.html_path, "notebook": result.notebook_path, "report": result.report_path}
    paths |= {} if result.pdf_path is None else {"pdf": result.pdf_path}
    code = code_of(result.report.verdict, missing)
    if as_json:
        more: dict[str, Any] = {"sent": list(result.sent)} if result.sent else {}
        more |= {"error": missing} if missing else {}
        said = {**outcome(result.report), "exit_code": code}
        object_({**said, **{name: str(path) for name, path in paths.items()}, **more})
    else:
        summary(result.report, at_most)
        for fact in _facts(result.report):
            print_(f"  {fact}")
        for name, path in paths.items():
            _print(f"{name + ':':<10}{path}")
        for address in result.sent:
            _print(f"{'sent to:':<10}{address}")
    if missing:
        say(f"Error: {missing}")
    return code


def _facts(report: Report) -> list[str]:
    """Return what the checks say whose criteria are not met, where they count facts: a count says how many, and not what."""
    counted = {
        one.check
        for one in report.findings
        if one.status == "fail" and one.measurement is not None and one.measurement.interval is None
    }
    return [f"{one.check}: {one.says}" for one in report.evidence if one.check in counted and one.says]


def code_of(verdict: str, missing: str = "") -> int:
    """Return the exit code of a verdict; where a copy is missing, what passed is no 0, and what failed is still 1."""
    return EXIT[verdict] or (BROKE if missing else 0)


def outcome(report: Report) -> dict[str, Any]:
    """Return the verdict as a machine reads it."""
    return {
        "verdict": report.verdict,
        "exit_code": EXIT[report.verdict],
        "counts": report.counts,
        "subject": report.subject.get("name"),
    }


def summary(report: Report, at_most: int | None = None) -> None:
    """Say the verdict in words, and what it rests on; with `at_most` so many findings, and how many are left."""
    from auditkit.render.status import shown_counts, summary_lines

    head, *lines = summary_lines(report.to_dict())
    if at_most is None:
        shown, left = lines, ""
    else:
        counts = shown_counts(report.to_dict())
        alone = counts["fail"] + counts["error"] + counts["inconclusive"]
        shown = [line for line in lines if not line.lstrip().startswith("not examined: ")]
        left = "What was not examined is in the report."
        if alone > at_most:  # a line each, and first
            shown = shown[:at_most]
            left = f"... and {alone - at_most + counts['unmeasured']:,} more; they, and what was not examined, are in the report"
    _print("\n".join([head, *shown, *([f"  {left}"] if left else [])]))


def lines(said: Sequence[str]) -> None:
    """Print lines, with no characters that steer the terminal; a line feed within one is shown, and begins no other."""
    from auditkit.render.text import clean

    _print("\n".join(clean(one.replace("\n", "\\n")) for one in said))


def table(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as a table."""
    from rich.console import Console
    from rich.table import Table

    # names come from plug-ins too: nothing in them is markup
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 160
    made = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0] if rows else ():
        made.add_column(name, overflow="fold")
    for row in rows:
        made.add_row(*(", ".join(value) if isinstance(value, list) else str(value) for value in row.values()))
    with console.capture() as drawn:  # rich would leave with a code of its own where the reader is gone
        console.print(made)
    _print(drawn.get().removesuffix("\n"))


def object_(data: dict[str, Any]) -> None:
    """Print one JSON object."""
    _print(json.dumps(data, ensure_ascii=False, indent=1, default=str))


def say(text: str) -> None:
    """Say something to the person, who may have left, and not to the pipe; with no characters that steer the terminal."""
    from auditkit.render.text import clean

    try:
        typer.echo(_COMMANDS.sub(r"\1\\", clean(text)), err=True)
    except BrokenPipeError:  # nobody listens: the work goes on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
