"""Store: an evidence store with four roles, by groups and modes of files."""

from __future__ import annotations

from typing import Annotated

import typer

from auditkit.cli.output import Json, lines, object_, plain_errors, print_

__all__ = ["store"]

store = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="An evidence store: public reader, auditor, reviewer and key holder, by groups and modes of files.",
)
Place = Annotated[str, typer.Argument(metavar="DIR", help="The store.")]


@store.callback()
def about() -> None:
    """Keep evidence where public readers, auditors, reviewers and the key holder each reach what is theirs."""


@store.command()
def init(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A folder that is not there yet.")],
    auditors: Annotated[
        str, typer.Option("--auditors", metavar="GROUP", help="Group of those who audit; you are in it.")
    ],
    reviewers: Annotated[
        str, typer.Option("--reviewers", metavar="GROUP", help="Group of those who review; you are in it.")
    ],
    as_json: Json = False,
) -> None:
    """Make the folders of an evidence store, with groups and modes. Keys in it are those of the user who makes it.

    \b
    Examples:
      auditkit store init /srv/evidence --auditors audit --reviewers review
    """
    with plain_errors(as_json=as_json):
        from auditkit.access.layout import DOES_NOT_PROTECT, FOLDERS
        from auditkit.access.layout import init as make

        made = make(folder, auditors=auditors, reviewers=reviewers)
        if as_json:
            object_(
                {
                    "store": str(made.root),
                    **made.groups,
                    "key_holder": made.key_holder,
                    "does_not_protect": list(DOES_NOT_PROTECT),
                }
            )
            return
        for one in FOLDERS:
            group = made.groups.get(one.group, "")
            print_(f"{one.mode:04o} {made.root / one.name}: {one.what}{f' (group {group})' if group else ''}")
        _limits()


@store.command()
def check(folder: Place, as_json: Json = False) -> None:
    """Tell every file that too many may read or change, or too few, with the line that mends it. Nothing is changed.

    Exit code: 0 nothing differs from the layout, 1 something does, 2 bad input, 3 undecided: not all could be looked at, and nothing else differs.

    \b
    Examples:
      auditkit store check /srv/evidence
      auditkit store check /srv/evidence --json
    """
    with plain_errors(as_json=as_json):
        from dataclasses import asdict

        from auditkit.access.layout import DOES_NOT_PROTECT
        from auditkit.access.store import check as look
        from auditkit.nouns import counted

        found = look(folder)
        unseen = sum(one.unseen for one in found)
        differs = len(found) - unseen
        if as_json:
            object_(
                {
                    "ok": not found,
                    "deviations": [asdict(one) for one in found],
                    "does_not_protect": list(DOES_NOT_PROTECT),
                }
            )
        else:
            for one in found:
                lines([f"{one.path}: {one.what}", *([f"  mend: {one.mend}"] if one.mend else [])])
            print_(
                f"{counted(differs, 'deviation')} from the layout{f', and {unseen:,} not looked at' if unseen else ''}."
                if found
                else "Nothing differs from the layout."
            )
            _limits()
        raise typer.Exit(1 if any(not one.unseen for one in found) else 3 if found else 0)


def _limits() -> None:
    from auditkit.access.layout import DOES_NOT_PROTECT

    print_("\n".join(["Modes of files do not protect:", *(f"  - {one}" for one in DOES_NOT_PROTECT)]))
