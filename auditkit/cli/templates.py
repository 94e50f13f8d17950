"""Template: a template of one's own, begun and held to its contract."""

from __future__ import annotations

from typing import Annotated

import typer

from auditkit.cli.output import Json, object_, plain_errors, say

__all__ = ["template_app"]

template_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Templates of your own: begin one, and check it."
)


@template_app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the template; the file is NAME.ipynb.")],
    check: Annotated[
        list[str] | None,
        typer.Option(
            "--check",
            metavar="NAME",
            help="A check by name or code, or a dimension; again for more. AK001 when left out.",
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="For readers; made from NAME when left out.")
    ] = None,
    folder: Annotated[str, typer.Option("--in", metavar="DIR", help="The folder it is written to.")] = ".",
    as_json: Json = False,
) -> None:
    """Begin a template: a notebook with parameters, plan and a section for each check, ready to run.

    A file that is there is not replaced.

    \b
    Examples:
      auditkit template new lending
      auditkit template new lending --check demographic_parity --check AK102 --title "Lending audit"
    """
    with plain_errors(as_json=as_json):
        from auditkit.runner.scaffold import new_template

        path = new_template(name, checks=check or ("model_performance",), title=title, folder=folder)
        if as_json:
            object_({"template": str(path)})
            return
        typer.echo(str(path))
        say(f"Write its prose in JupyterLab; run it: auditkit run {path} --subject FILE --out DIR")


@template_app.command("check")
def check_(
    path: Annotated[str, typer.Argument(metavar="PATH", help="An .ipynb file, or the name of a template.")],
    subject: Annotated[
        str | None,
        typer.Option("--subject", metavar="FILE", help="Run it on this subject; a small one when left out."),
    ] = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Read it only.")] = False,
    as_json: Json = False,
) -> None:
    """Hold a template to its contract: as it is written, and as it runs in a kernel of its own.

    Exit code: 0 if it keeps every rule, 1 if it breaks one, 2 for bad input.

    \b
    Examples:
      auditkit template check lending.ipynb
      auditkit template check lending.ipynb --subject credit.toml
      auditkit template check lending.ipynb --no-run --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.testing.templates import check_template

        found = check_template(path, subject, run=not no_run, raises=False)
        if as_json:
            rows = [{"rule": o.rule, "status": o.status, "why": o.why} for o in found.outcomes]
            object_({"kept": found.kept, "rules": rows})
        else:
            for one in found.outcomes:
                typer.echo(f"{one.status:<9} {one.rule}{f': {one.why}' if one.why else ''}")
        raise typer.Exit(0 if found.kept else 1)
