"""Scan data: what a table of records gives away about people, judged by a policy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import Json, plain_errors
from auditkit.cli.policies import told

if TYPE_CHECKING:
    from pathlib import Path

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
    draft_schema: Annotated[
        str | None,
        typer.Option(
            "--draft-schema",
            metavar="OUT",
            help="Write a schema that the table holds, to be read and put right, and do nothing else; none is overwritten.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for personal data in a table, and for records that others could recognise. No value is printed.

    Quality, schema, shares of groups, labels, leaks and lineage are the template data: auditkit run data --subject FILE.

    Exit code: 0 every criterion asked was met; 1 a criterion not met, 2 bad input, 3 undecided.

    \b
    Examples:
      auditkit scan data people.csv
      auditkit scan data people.parquet --quasi age --quasi postcode --confidential diagnosis --k 10 --json
      auditkit scan data people.csv --draft-schema people_schema.toml
    """
    with plain_errors(as_json=as_json):
        from pathlib import Path

        if draft_schema is not None:
            _draft(Path(file), Path(draft_schema), as_json=as_json)
            return
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


def _draft(file: Path, out: Path, *, as_json: bool) -> None:
    """Write the schema of a table as it stands."""
    from auditkit.cli.output import object_, print_
    from auditkit.errors import InputError
    from auditkit.files import write_whole
    from auditkit.loading.table_parts import schema_text
    from auditkit.loading.tables import read_table
    from auditkit.render.text import one_line
    from auditkit.scanning.tables.schema import draft_schema

    if out.exists():
        raise InputError(f"{out} is there already, and is not replaced: choose another name")
    schema = draft_schema(read_table(file))
    head = (
        f"# Drafted from {one_line(file.name)}: it repeats what is there, mistakes among it. Read it and put it right.\n"
        "# It holds ends of ranges and names of categories: keep it where the table is kept.\n\n"
    )
    write_whole(out, (head + schema_text(schema)).encode())
    if as_json:
        object_({"schema": str(out), "columns": len(schema.columns)})
        return
    print_(
        f'{out}: {len(schema.columns)} columns, as they are. Read it and put it right, then name it in the subject file: schema = "{out.name}"'
    )


def _columns(report: Report) -> list[Any]:
    """Return the columns that say something of people, those that identify first."""
    table = next((one.tables["columns"].columns for one in report.evidence if "columns" in one.tables), {})
    rows = zip(*(table.get(name, ()) for name in ("column", "is", "by_name", "by_values")), strict=True)
    return [_Column(*map(str, row)) for row in rows if row[1]]
