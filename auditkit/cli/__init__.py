"""Command line: the same audits from a terminal or a pipeline. Heavy packages are loaded by the command that needs them."""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from typing import Annotated

import typer

from auditkit._version import __version__
from auditkit.cli import batching, forms, incident, monitoring, policies, running, scanning
from auditkit.cli.access import access
from auditkit.cli.comparing import compare
from auditkit.cli.controls import controls
from auditkit.cli.ending import TERMINATED, end_at_once, terminated
from auditkit.cli.output import INTERRUPTED, Json, object_, plain_errors, say, table
from auditkit.cli.packing import pack
from auditkit.cli.store import store
from auditkit.cli.templates import template_app
from auditkit.cli.tools import tools
from auditkit.cli.verifying import verify
from auditkit.runner.quick import with_grammars, without_grammars

__all__ = ["app", "main"]

app = typer.Typer(
    name="auditkit",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

running.add_to(app)
app.add_typer(tools, name="tools")
app.add_typer(template_app, name="template")
app.add_typer(pack, name="pack")
app.add_typer(access, name="access")
app.add_typer(store, name="store")
app.command()(verify)
batching.add_to(app)
forms.add_to(app)
scanning.add_to(app)
policies.add_to(app)
incident.add_to(app)
monitoring.add_to(app)


class Kind(StrEnum):
    """What can be listed."""

    checks = "checks"
    templates = "templates"
    metrics = "metrics"
    parameters = "parameters"
    policies = "policies"
    predictors = "predictors"


def main() -> None:
    """Run the command line."""
    without_grammars()
    signal.signal(signal.SIGTERM, terminated)
    try:
        app(prog_name="auditkit")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as end:
        if end.code == TERMINATED:
            end_at_once()
        raise


def _version(asked: bool) -> None:  # noqa: FBT001 - the shape of a typer callback
    if asked:
        typer.echo(f"auditkit {__version__}")
        raise typer.Exit


@app.callback(epilog="Start with: auditkit demo")
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and leave.")
    ] = False,
) -> None:
    """Audit AI models: explainability, bias, membership inference, robustness.

    \b
    Examples:
      auditkit demo
      auditkit run full --subject credit.toml --out reports/credit
      auditkit list templates
    """


app.command()(compare)
app.command()(controls)


@app.command("list")
def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")] = Kind.checks,
    template: Annotated[
        str | None, typer.Option("--template", metavar="NAME", help="Parameters of this template only.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List checks, templates, metrics a policy can speak of, policies, parameters that -p can set, or predictor plug-ins.

    \b
    Examples:
      auditkit list
      auditkit list templates
      auditkit list metrics
      auditkit list policies
      auditkit list parameters --template bias
      auditkit list checks --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.cli import listing

        of_template = kind is Kind.parameters
        rows, notes = listing.parameters(template) if of_template else getattr(listing, kind.value)()
        if as_json:
            object_({kind.value: rows, "broken": notes})
            return
        table(rows)
        for name, why in notes.items():
            say(f"plug-in {name} could not be loaded: {why}")


@app.command()
def threat(
    subject: Annotated[str, typer.Option("--subject", metavar="FILE", help="A subject file in TOML.")],
    as_json: Json = False,
) -> None:
    """Print the threat model of a subject as a [threat] table: what it says, or a draft from its data.

    Paste it into the subject file, and edit there what data cannot know: who can change what, and which way. A draft holds
    the sensitive features, and inputs that give one away.

    \b
    Examples:
      auditkit threat --subject credit.toml
      auditkit threat --subject credit.toml --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.loading import load_subject

        with_grammars()  # a subject file may name a factory
        model = load_subject(subject).threat_model()
        if as_json:
            object_(model.to_dict())
        else:
            typer.echo(model.to_toml(), nl=False)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look at this installation: packages, kernel, front end, where it may write.

    Exit code: 0 if everything needed is here, 1 if not.

    \b
    Examples:
      auditkit doctor
      auditkit doctor --json
    """
    with plain_errors(as_json=as_json):
        from dataclasses import asdict

        from auditkit.runner.doctor import doctor as look

        found = look()
        rows = [asdict(item) for item in found.items]
        if as_json:
            object_({"healthy": found.healthy, "items": rows})
        else:
            table(rows)
            typer.echo("Everything needed is here." if found.healthy else "Something is missing.")
        raise typer.Exit(0 if found.healthy else 1)
