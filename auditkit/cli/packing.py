"""Packing: evidence packs made, signed and opened."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import Json, object_, plain_errors, print_, say

if TYPE_CHECKING:
    from auditkit.packing.found import Made

__all__ = ["Key", "Name", "Passphrase", "Role", "pack", "passphrase_in"]

pack = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Evidence packs: what an audit left, in a public and a restricted layer, signed.",
)
Pack = Annotated[str, typer.Argument(metavar="PACK", help="The folder or the .zip of a pack.")]
Out = Annotated[str, typer.Option("--out", metavar="PATH", help="What to write; nothing is overwritten.")]
Key = Annotated[str, typer.Option("--key", metavar="FILE", help="Your private key.")]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Who you are, as a reader knows you.")]
Passphrase = Annotated[
    str | None, typer.Option("--passphrase-file", metavar="FILE", help="File with the passphrase of the key.")
]


class Role(StrEnum):
    """Who signs."""

    author = "author"
    reviewer = "reviewer"


@pack.command()
def make(
    source: Annotated[
        str,
        typer.Argument(metavar="REPORT_DIR", help="The folder that auditkit run wrote, or a report.json."),
    ],
    out: Out,
    restricted_key: Annotated[
        str | None,
        typer.Option(
            "--restricted-key", metavar="FILE", help="Add the full report, encrypted under this key."
        ),
    ] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="FILE", help="A plan that was signed before the audit.")
    ] = None,
    k: Annotated[
        int, typer.Option("--k", metavar="N", min=2, help="Smallest count that the public layer shows.")
    ] = 10,
    subject_name: Annotated[
        str | None,
        typer.Option("--subject-name", metavar="NAME", help="What the subject is called in public."),
    ] = None,
    one_person: Annotated[
        bool, typer.Option("--one-person", help="Ask for the author's signature alone, and no reviewer's.")
    ] = False,
    publish_forms: Annotated[
        bool,
        typer.Option(
            "--publish-forms",
            help="Show all that was answered in the report's forms, the subject's own name among it, in the public layer.",
        ),
    ] = False,
    decisions: Annotated[
        str | None,
        typer.Option(
            "--decisions",
            metavar="FILE",
            help="Signed decisions of an access review: into the restricted layer, with their signatures and the snapshot.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a pack of an audit: a public layer without small counts and, with a key, all of it encrypted.

    \b
    Examples:
      auditkit pack make reports/credit --out credit-pack
      auditkit pack make reports/credit --out credit-pack.zip --restricted-key keys/restricted.key
    """
    with plain_errors(as_json=as_json):
        from auditkit import packing
        from auditkit.access.signing import filed
        from auditkit.packing.manifest import ROLES
        from auditkit.packing.publishing import NAME

        made = packing.make(
            source,
            out,
            restricted_key=restricted_key,
            plan=plan,
            k=k,
            name=NAME if subject_name is None else subject_name,
            roles=("author",) if one_person else ROLES,
            publish_forms=publish_forms,
            filed=None if decisions is None else filed(decisions, source),
        )
        words = f"{made.files} files; {made.withheld} numbers withheld from the public layer"
        _made(made, words, as_json=as_json)


@pack.command()
def keygen(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Path of the key files without their ending, as keys/author."),
    ],
    restricted: Annotated[
        bool,
        typer.Option("--restricted", help="Make a key of a restricted layer instead of one to sign with."),
    ] = False,
    passphrase_file: Passphrase = None,
    as_json: Json = False,
) -> None:
    """Make a key: NAME.key for you alone and NAME.pub for whoever verifies. No key is ever overwritten.

    \b
    Examples:
      auditkit pack keygen keys/author
      auditkit pack keygen keys/restricted --restricted
    """
    with plain_errors(as_json=as_json):
        from auditkit import packing

        files = packing.keygen(name, passphrase=passphrase_in(passphrase_file), restricted=restricted)
        found = {"private": str(files.private), "public": files.public and str(files.public)}
        if as_json:
            object_(found)
            return
        print_("\n".join(f"{what + ':':<9}{path}" for what, path in found.items() if path))


@pack.command()
def sign(
    path: Pack,
    key: Key,
    role: Annotated[Role, typer.Option("--role", help="As what you sign.")],
    name: Name,
    passphrase_file: Passphrase = None,
    as_json: Json = False,
) -> None:
    """Sign a pack as its author, or, with another key, as the reviewer of what the author signed.

    \b
    Examples:
      auditkit pack sign credit-pack --key keys/author.key --role author --name "Maria Rossi"
      auditkit pack sign credit-pack --key keys/reviewer.key --role reviewer --name "Jan Novak"
    """
    with plain_errors(as_json=as_json):
        from auditkit import packing

        made = packing.sign(
            path, key=key, role=role.value, name=name, passphrase=passphrase_in(passphrase_file)
        )
        _made(made, f"signed as {role.value} by {name}", as_json=as_json)


@pack.command()
def plan(
    source: Annotated[
        str,
        typer.Argument(
            metavar="POLICY",
            help="The policy to be judged by, a file or the name of a shipped one, or another plan in TOML.",
        ),
    ],
    key: Key,
    name: Name,
    out: Out = "plan.dsse.json",
    template: Annotated[
        str | None, typer.Option("--template", metavar="NAME", help="The template that will be run.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="A parameter of it; again for more."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="The seed that will be used.")
    ] = None,
    passphrase_file: Passphrase = None,
    as_json: Json = False,
) -> None:
    """Sign criteria, template, parameters and seed before there are results.

    \b
    Examples:
      auditkit pack plan policy.toml --key keys/author.key --name "Maria Rossi"
      auditkit pack plan policy.toml --template bias --seed 0 --key keys/author.key --name "Maria Rossi"
      auditkit pack plan lending --key keys/author.key --name "Maria Rossi"
    """
    with plain_errors(as_json=as_json):
        from auditkit import packing
        from auditkit.loading.shipped import hidden_by_file
        from auditkit.packing.planning import read_plan

        if hidden := hidden_by_file(source, ""):
            say(hidden)
        written = packing.plan(
            source,
            out,
            key=key,
            name=name,
            passphrase=passphrase_in(passphrase_file),
            template=template,
            parameters=parameter or (),
            seed=seed,
        )
        signed = read_plan(written.read_bytes(), str(written))
        if as_json:
            object_({"plan": str(written), "promised": signed.words(), "left_open": signed.left_open()})
            return
        lines = [
            str(written),
            *(f"  promised: {what}" for what in signed.words()),
            *(f"  left open: {what}" for what in signed.left_open()),
            "That it was signed before the results is your word: give it to somebody else now.",
        ]
        print_("\n".join(lines))


@pack.command("open")
def open_(
    path: Pack,
    restricted_key: Annotated[
        str, typer.Option("--restricted-key", metavar="FILE", help="Key of the restricted layer.")
    ],
    out: Out,
    as_json: Json = False,
) -> None:
    """Write the files of the restricted layer, in the clear, to a new folder.

    \b
    Examples:
      auditkit pack open credit-pack --restricted-key keys/restricted.key --out opened
    """
    with plain_errors(as_json=as_json):
        from auditkit import packing
        from auditkit.errors import InputError
        from auditkit.packing.reading import write_pack

        if Path(out).suffix == ".zip":
            raise InputError(f"the restricted layer is written to a folder; got {out}")
        files = packing.open_restricted(path, restricted_key)
        written = write_pack(out, {name.removeprefix("restricted/"): data for name, data in files.items()})
        if as_json:
            object_({"folder": str(written), "files": len(files)})
            return
        print_(f"{written}: {len(files)} files, in the clear")


def _made(made: Made, words: str, *, as_json: bool) -> None:
    if as_json:
        about: dict[str, Any] = {"pack": str(made.path), "files": made.files, "withheld": made.withheld}
        object_({**about, "roles": list(made.roles)})
        return
    print_(f"{made.path}: {words}")


def passphrase_in(file: str | None) -> str | None:
    """Return the first line of a file: a passphrase on the command line would be read by others."""
    if file is None:
        return None
    from auditkit.errors import InputError

    place = Path(file)
    if not place.is_file():
        raise InputError(f"no passphrase file at {place}: give a file whose first line is the passphrase")
    return (place.read_text("utf-8").splitlines() or [""])[0]
