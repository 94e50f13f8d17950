"""Policies: the starting points that come with auditkit, to begin one of your own from."""

from __future__ import annotations

from typing import Annotated

import typer

from auditkit.cli.output import Json, object_, plain_errors, say

__all__ = ["add_to", "told"]

policy_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Policies: starting points by sector, to copy and decide on.",
)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(policy_app, name="policy")


def told(word: str | None) -> str | None:
    """Return what was given to --policy; say so where a file stands before the shipped policy of its name."""
    from auditkit.loading.shipped import hidden_by_file

    if word is not None and (said := hidden_by_file(word)):
        say(said)
    return word


@policy_app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the policy (see: auditkit list policies).")],
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="FILE", help="Where it is written; a file that is there is not replaced."
        ),
    ] = "policy.toml",
    as_json: Json = False,
) -> None:
    """Copy a policy that comes with auditkit, with its reasons, as the beginning of your own.

    \b
    Examples:
      auditkit policy copy lending
      auditkit policy copy health --out policies/ward.toml
    """
    with plain_errors(as_json=as_json):
        from auditkit.errors import InputError, did_you_mean
        from auditkit.files import write_whole
        from auditkit.loading.shipped import shipped_policies
        from auditkit.runner.paths import local_path

        known = shipped_policies()
        if name not in known:
            raise InputError(f"no policy named {name!r}.{did_you_mean(name, known)}")
        target = local_path(out, "--out")
        if target.exists() or target.is_symlink():
            raise InputError(f"{out} is there already, and is not replaced: give another --out")
        if not target.parent.is_dir():
            raise InputError(f"--out: there is no folder {str(target.parent)!r}")
        write_whole(target, known[name].text.encode("utf-8"))
        if as_json:
            object_({"policy": name, "file": str(target), "criteria": known[name].criteria})
            return
        typer.echo(str(target))
        say(
            "Put your own name, reasons and owners under each limit; then: "
            f"auditkit run full --subject FILE --out DIR --policy {target}"
        )
