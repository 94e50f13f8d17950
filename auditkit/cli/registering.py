"""Registering: the register of audited models, from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from auditkit.cli.exporting import free, written
from auditkit.cli.output import Json, object_, plain_errors, print_, table
from auditkit.nouns import counted

__all__ = ["add_to"]

register = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keep a register of audited models: added to, never changed.",
)
File = Annotated[str, typer.Argument(metavar="[FILE]", help="The register.")]
Expect = Annotated[
    str | None,
    typer.Option("--expect", metavar="DIGEST", help="A digest that was noted before, of some entry."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(register, name="register")


@register.callback()
def _register() -> None:
    """Keep a register of audited models: added to, never changed."""


@register.command()
def add(
    report: Annotated[str, typer.Argument(metavar="REPORT", help="A report.json, or the folder that holds it.")],
    to: Annotated[str, typer.Option("--to", metavar="FILE", help="The register; begun if it is not there.")] = "register.jsonl",
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Who answers for the model; as its signed form says when left out.")] = "",
    tier: Annotated[str, typer.Option("--tier", metavar="WORD", help="How much depends on it; as its signed form says when left out.")] = "",
    pack: Annotated[str | None, typer.Option("--pack", metavar="PACK", help="The evidence pack of the audit; it is verified, and who signed it is noted.")] = None,
    key: Annotated[list[str] | None, typer.Option("--key", metavar="FILE", help="Public key of who should have signed the pack; again for more. Any key, when left out.")] = None,
    approved_by: Annotated[list[str] | None, typer.Option("--approved-by", metavar="ROLE: NAME", help="Who approved its use; again for more.")] = None,
    next_: Annotated[str, typer.Option("--next", metavar="DAY", help="By when it is audited again, as year-month-day.")] = "",
    every: Annotated[int | None, typer.Option("--every", metavar="DAYS", min=1, help="Or so many days after this audit.")] = None,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who adds the entry; whoever is logged in when left out.")] = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Add an audit of a model to the register.

    A report that is in it already is refused, and so is a register in which something was changed.

    \b
    Examples:
      auditkit register add reports/credit --to register.jsonl --owner "Maria Example" --tier high --every 180
      auditkit register add reports/credit --pack credit.pack --key author.pub --key reviewer.pub
    """
    with plain_errors(as_json=as_json):
        from auditkit.exports.register import append
        from auditkit.exports.registering import Said, entry_of
        from auditkit.exports.source import Source

        said = Said(owner=owner, tier=tier, approvals=tuple(approved_by or ()), next_due=next_, every=every, by=by)  # fmt: skip
        made = append(to, entry_of(Source.read(report), said, pack=pack, keys=key or ()))
        if as_json:
            object_({"register": str(made.path), "entries": len(made.entries), "digest": made.digest})
            return
        print_(f"{to}: entry {len(made.entries)}, {made.entries[-1]['model']['name']}; digest {made.digest}")


@register.command("list")
def list_(file: File = "register.jsonl", expect: Expect = None, as_json: Json = False) -> None:
    """List the models of a register, those whose next audit is overdue first, after following its chain.

    \b
    Examples:
      auditkit register list
      auditkit register list register.jsonl --expect 9f2c...
    """
    with plain_errors(as_json=as_json):
        from auditkit.exports.register import read_register
        from auditkit.exports.registered import registered
        from auditkit.waiver import today

        found, day = read_register(file, expect=expect), today()
        rows = [one.row(day) for one in registered(found, on=day)]
        if as_json:
            overdue = [one.name for one in registered(found, on=day) if one.overdue]
            object_({"models": rows, "overdue": overdue, **found.to_dict()})
            return
        table(rows)
        print_(
            f"{counted(len(found.entries), 'entry', 'entries')}; each follows from the one before; digest {found.digest}"
        )


@register.command()
def page(
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="The .html or .md to write; nothing is overwritten.")],
    file: File = "register.jsonl",
    expect: Expect = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write the page of a register: a table of its models, and the audits of each with digests, waivers and approvals.

    \b
    Examples:
      auditkit register page register.jsonl --out register.html
    """
    with plain_errors(as_json=as_json):
        from auditkit.exports.paper import as_html, as_markdown
        from auditkit.exports.register import read_register
        from auditkit.exports.registered import as_paper

        target = free(out, ".html", ".md")
        paper = as_paper(read_register(file, expect=expect))
        (path,) = written({target: lambda: (as_html if target.suffix.lower() == ".html" else as_markdown)(paper)})  # fmt: skip
        if as_json:
            object_({"page": str(path)})
            return
        print_(str(path))
