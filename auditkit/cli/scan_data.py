"""Scan data: what a table of records gives away about people, judged by a policy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import Json, plain_errors
from auditkit.cli.policies import told

if TYPE_CHECKING:
    from auditkit.report import Report

__all__ = ["add_to"]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that says something of people: what it does, what its name says, and what its values are."""

    column: str
    does: str
    by_name: str
    by_values: str

    def __str__(self) -> str:
        why = [f"by name: {self.by_name}"] if self.by_name else []
        why += [f"by values: {self.by_values}"] if self.by_values else []
        told = f" ({'; '.join(why)})" if why else ""
        return f"{self.column}: {self.does}{told}"

    def to_dict(self) -> dict[str, str]:
        """Return it as a machine reads it."""
        return asdict(self)


def add_to(scan: typer.Typer) -> None:
    """Add the command."""
    scan.command("data")(data)


def data(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A table: parquet, Arrow or CSV.")],
    quasi: Annotated[
        list[str] | None,
        typer.Option(
            "--quasi",
            metavar="COLUMN",
            help="A column by which a person might be recognised; again for more.",
        ),
    ] = None,
    confidential: Annotated[
        str | None,
        typer.Option(
            "--confidential", metavar="COLUMN", help="The column that nobody should learn of a person."
        ),
    ] = None,
    k: Annotated[
        int,
        typer.Option(
            "--k", metavar="N", min=2, help="Records that shall agree at least, after generalisation."
        ),
    ] = 5,
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
    as_json: Json = False,
) -> None:
    """Look for personal data in a table, and for records that others could recognise. No value is printed.

    Exit code: 0 every criterion asked was met; 1 a criterion not met, 2 bad input, 3 undecided.

    \b
    Examples:
      auditkit scan data people.csv
      auditkit scan data people.parquet --quasi age --quasi postcode --confidential diagnosis --k 10 --json
    """
    with plain_errors(as_json=as_json):
        from pathlib import Path

        from auditkit.cli.auditing import audited
        from auditkit.loading.kinds.table import table_at

        target = table_at(
            Path(file), name=Path(file).stem, quasi_identifiers=quasi, confidential=confidential
        )
        audited(
            target,
            {"personal_columns": {}, "generalised_anonymity": {"k": k}},
            policy,
            out,
            as_json=as_json,
            found=_columns,
        )


def _columns(report: Report) -> list[Any]:
    """Return the columns that say something of people, those that identify first."""
    table = next((one.tables["columns"].columns for one in report.evidence if "columns" in one.tables), {})
    rows = zip(*(table.get(name, ()) for name in ("column", "is", "by_name", "by_values")), strict=True)
    return [_Column(*map(str, row)) for row in rows if row[1]]
