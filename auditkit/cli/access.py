"""Access: who may do what on a hub, reviewed, decided line by line, and signed. Nothing is ever written to the hub."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import Json, lines, object_, plain_errors, print_, say, tell
from auditkit.cli.packing import Key, Name, Passphrase, passphrase_in

if TYPE_CHECKING:
    from auditkit.hub.lines import Line
    from auditkit.hub.snapshot import Snapshot

__all__ = ["access"]

access = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Review who may do what on a JupyterHub: a snapshot, a report, decisions, a signature. Nothing is written to the hub.",
)
HubUrl = Annotated[
    str | None,
    typer.Option("--hub", metavar="URL", help="The hub's address; nothing else is asked over the network."),
]
TokenFile = Annotated[
    str | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="A file with a token that only reads, for its owner alone (mode 600).",
    ),
]
TokenEnv = Annotated[
    str | None, typer.Option("--token-env", metavar="NAME", help="An environment variable with the token.")
]
Roles = Annotated[
    str | None,
    typer.Option(
        "--roles",
        metavar="FILE",
        help='Scopes of the hub\'s own roles in TOML, which its API does not tell: culling = ["list:users", ...].',
    ),
]
Review = Annotated[
    str, typer.Argument(metavar="REVIEW", help="The folder that access review wrote, or a snapshot.")
]
Decisions = Annotated[str, typer.Argument(metavar="DECISIONS", help="The file that access decide wrote.")]
OfReview = Annotated[
    str,
    typer.Option("--review", metavar="REVIEW", help="The folder of the review, or the snapshot."),
]
Before = Annotated[
    str | None,
    typer.Option("--before", metavar="FILE", help="Decisions of an earlier review: what they revoked."),
]


class Role(StrEnum):
    """Who signs decisions."""

    reviewer = "reviewer"
    approver = "approver"


@access.callback()
def about() -> None:
    """Review who may do what on a JupyterHub. Nothing is written to the hub."""


@access.command()
def snapshot(
    hub: Annotated[
        str, typer.Option("--hub", metavar="URL", help="The hub's address; nothing else is asked.")
    ],
    out: Annotated[
        str,
        typer.Option("--out", metavar="FILE", help="The snapshot; for its owner alone, never over another."),
    ],
    token_file: TokenFile = None,
    token_env: TokenEnv = None,
    roles: Roles = None,
    as_json: Json = False,
) -> None:
    """Ask a hub's API who may do what, by GET alone, and write the answers to a file without secrets.

    \b
    Examples:
      auditkit access snapshot --hub https://jupyter.example.org --token-file token --out hub.json
      auditkit access snapshot --hub http://127.0.0.1:8000 --token-env JUPYTERHUB_API_TOKEN --out hub.json
    """
    with plain_errors(as_json=as_json):
        from auditkit.access.review import new_file, refuse_there

        refuse_there(out)
        taken = _taken(hub, token_file, token_env, roles, silent=as_json)
        place = new_file(out, taken.text().encode())
        _say_taken(taken, place, as_json=as_json)


@access.command()
def review(
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="A new folder, for its owner alone.")],
    hub: HubUrl = None,
    token_file: TokenFile = None,
    token_env: TokenEnv = None,
    snapshot: Annotated[
        str | None,
        typer.Option("--snapshot", metavar="FILE", help="A snapshot that was taken before; no hub is asked."),
    ] = None,
    roles: Roles = None,
    before: Before = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="How the report calls the hub.")
    ] = "hub",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter; again for more."),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="FILE", help="Criteria in TOML; auditkit's default when left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Report who may do what on a hub: administrators, unused accounts, tokens, roles, shares, the sign-in.

    The folder holds the snapshot, a subject file, and the report. They name people.

    Exit code: 0 every criterion asked was met; 1 a criterion not met, 2 bad input, 3 undecided: not all was seen.

    \b
    Examples:
      auditkit access review --hub https://jupyter.example.org --token-file token --out reports/hub
      auditkit access review --snapshot hub.json --before last/decisions.csv --out reports/hub
      auditkit access review --snapshot hub.json --out reports/hub -p hub_accounts__stale_days=180
    """
    with plain_errors(as_json=as_json):
        from auditkit.access.review import SNAPSHOT, refuse_there, write_review
        from auditkit.cli.running import ran
        from auditkit.errors import InputError
        from auditkit.hub.decisions import read_decisions
        from auditkit.loading import load_policy
        from auditkit.runner.parameters import declared, parse_assignments
        from auditkit.runner.templates import find_template

        if (hub is None) == (snapshot is None):
            raise InputError("give one of --hub URL, to ask it, and --snapshot FILE, that was taken before")
        refuse_there(Path(out) / SNAPSHOT)
        load_policy(policy)
        parse_assignments(parameter or (), declared(find_template("access")))  # before a hub is asked
        if before is not None:
            read_decisions(before)
        if hub is not None:
            taken = _taken(hub, token_file, token_env, roles, silent=as_json)
            os.environ.pop(token_env or "", None)  # the kernel that makes the report has no use for it
        else:
            taken = _read(snapshot or "", roles)
        subject = write_review(out, taken, name=name, before=before)
        result, missing = ran(
            "access", str(subject), out, as_json=as_json, words=parameter or (), policy=policy
        )
        raise typer.Exit(tell(result, as_json=as_json, missing=missing))


@access.command()
def decide(
    review: Review,
    out: Annotated[
        str,
        typer.Option("--out", metavar="FILE", help="decisions.csv or decisions.toml; never over another."),
    ],
    before: Before = None,
    stale_days: Annotated[
        int, typer.Option("--stale-days", metavar="N", min=1, help="As in the review.")
    ] = 90,
    unused_days: Annotated[
        int, typer.Option("--unused-days", metavar="N", min=1, help="As in the review.")
    ] = 90,
    as_json: Json = False,
) -> None:
    """Write a line for each account, administrator, token, group, service and share, to be filled with keep or revoke and a reason.

    \b
    Examples:
      auditkit access decide reports/hub --out decisions.csv
      auditkit access decide reports/hub --before last/decisions.csv --out decisions.toml
    """
    with plain_errors(as_json=as_json):
        from auditkit.access.review import decide as write
        from auditkit.hub.found import Ages

        ages = Ages(stale_days=stale_days, unused_days=unused_days)
        place, n, again = write(review, out, before=before, ages=ages)
        if as_json:
            object_({"decisions": str(place), "lines": n, "revoked_before": again})
            return
        print_(f"{place}: {n:,} lines to decide. Write keep or revoke under decision, and why under reason.")
        if again:
            print_(f"{again:,} of them were to be revoked before, and are still there.")


@access.command()
def sign(
    decisions: Decisions,
    review: OfReview,
    key: Key,
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="As what you sign.")] = Role.reviewer,
    passphrase_file: Passphrase = None,
    as_json: Json = False,
) -> None:
    """Sign decisions, when every line is decided and all fit the review. The signature lies beside them.

    \b
    Examples:
      auditkit access sign decisions.csv --review reports/hub --key keys/reviewer.key --role reviewer --name "Maria Rossi"
      auditkit access sign decisions.csv --review reports/hub --key keys/head.key --role approver --name "Jan Novak"
    """
    with plain_errors(as_json=as_json):
        from auditkit.access.signing import NOT_PROVED
        from auditkit.access.signing import sign as put

        place = put(
            decisions, review, key=key, role=role.value, name=name, passphrase=passphrase_in(passphrase_file)
        )
        if as_json:
            object_({"signature": str(place), "role": role.value, "does_not_prove": list(NOT_PROVED)})
            return
        print_(f"{place}: signed as {role.value}.")
        print_("\n".join(["A signature does not prove:", *(f"  - {one}" for one in NOT_PROVED)]))


@access.command()
def verify(
    decisions: Decisions,
    review: OfReview,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="FILE", help="Public key of who may have signed; again for more."),
    ] = None,
    any_key: Annotated[bool, typer.Option("--any-key", help="Take signatures under other keys too.")] = False,
    approved: Annotated[
        bool, typer.Option("--approved", help="Ask for an approver's signature beside the reviewer's.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find what is wrong with decisions: open lines, another snapshot, a change after the signature, a key that was not given.

    Exit code: 0 nothing is wrong, 1 something is, 2 bad input.

    \b
    Examples:
      auditkit access verify decisions.csv --review reports/hub --key keys/reviewer.pub
      auditkit access verify decisions.csv --review reports/hub --key keys/reviewer.pub --key keys/head.pub --approved
    """
    with plain_errors(as_json=as_json):
        from dataclasses import asdict

        from auditkit.access.signing import verify as look

        found = look(decisions, review, keys=key or (), any_key=any_key, approved=approved)
        if as_json:
            object_({"ok": not found.problems, **asdict(found)})
        else:
            said = [f"{found.keep:,} lines kept, {found.revoke:,} revoked."] if not found.problems else []
            said += [f"  {one}" for one in found.problems]
            said += [
                f"  signed as {one.role} by {one.name!r} ({one.keyid[:16]}), by their word on {one.at}"
                for one in found.signed
            ]
            said += [f"  not compared: {one}" for one in found.notes]
            lines(said)
        raise typer.Exit(1 if found.problems else 0)


@access.command()
def revocations(
    decisions: Decisions,
    review: OfReview,
    as_json: Json = False,
) -> None:
    """List what is to be revoked, and how a person does it. auditkit itself changes nothing on the hub.

    \b
    Examples:
      auditkit access revocations decisions.csv --review reports/hub
      auditkit access revocations decisions.csv --review reports/hub --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.access.review import decided
        from auditkit.access.signing import verify as look

        _, _, found = decided(decisions, review, complete=False)
        todo = [(line, one.reason) for line, one in found if one.decision == "revoke"]
        left = sum(one.open for _, one in found)
        wrong = look(decisions, review, any_key=True).problems
        if as_json:
            said = {"open": left, "signature": not wrong, "problems": list(wrong)}
            object_({"revoke": [_row(line, reason) for line, reason in todo], **said})
            return
        for line, reason in todo:
            lines(
                [
                    f"{line.kind} {line.who}: {line.what}",
                    f"  why: {reason or 'no reason yet'}",
                    f"  how: {line.revoke}",
                ]
            )
        print_(
            f"{len(todo):,} of {len(found):,} lines are to be revoked{f'; {left:,} are still open' if left else ''}."
        )
        if wrong:
            say(f"Not signed as they are: {'; '.join(wrong)}.")


def _row(line: Line, reason: str) -> dict[str, str]:
    return {
        "kind": line.kind,
        "who": line.who,
        "what": line.what,
        "reason": reason,
        "how": line.revoke,
        "line": line.id,
    }


def _taken(
    hub: str, token_file: str | None, token_env: str | None, roles: str | None, *, silent: bool
) -> Snapshot:
    from auditkit.errors import InputError
    from auditkit.hub.asking import Hub, token_of_env, token_of_file
    from auditkit.hub.roles import read_roles
    from auditkit.hub.taking import take

    if (token_file is None) == (token_env is None):
        raise InputError(
            "give one of --token-file FILE and --token-env NAME: a token on the command line would be read by others"
        )
    given = {} if roles is None else read_roles(roles)
    token = token_of_file(token_file) if token_file is not None else token_of_env(token_env or "")
    asked = Hub(hub, token)
    return take(asked, roles=given, told=None if silent else lambda what: say(f"Reading {what} ..."))


def _read(file: str, roles: str | None) -> Snapshot:
    from dataclasses import replace

    from auditkit.hub.roles import read_roles
    from auditkit.loading.kinds.access import snapshot_at

    taken = snapshot_at(Path(file))
    return taken if roles is None else replace(taken, roles={**taken.roles, **read_roles(roles)})


def _say_taken(taken: Snapshot, place: Path, *, as_json: bool) -> None:
    from auditkit.hub.scopes import NEEDED, writes
    from auditkit.nouns import counted

    unseen = taken.unseen(*(part for part in NEEDED if part != "shares" or taken.has_shares))
    more = writes(taken.scopes)
    counts: dict[str, Any] = {
        "accounts": len(taken.accounts), "groups": len(taken.groups), "services": len(taken.services),
        "tokens": len(taken.tokens), "shares": len(taken.shares),
    }  # fmt: skip
    if as_json:
        object_(
            {
                "snapshot": str(place),
                "digest": taken.digest,
                **counts,
                "unseen": unseen,
                "token_can_also": list(more),
            }
        )
        return
    print_(f"{place}: " + ", ".join(counted(n, what.removesuffix("s")) for what, n in counts.items()))
    if not taken.has_shares:
        print_(f"  JupyterHub {taken.version} has no shares: they came with 5.0.")
    if unseen:
        print_(f"  {unseen}")
    if more:
        print_(f"  The token can do more than read ({', '.join(more[:5])}): make one that cannot.")
