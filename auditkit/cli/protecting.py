"""Protecting: a table written anew with pseudonyms and coarser values, and a sealed file opened."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from auditkit.cli.output import BROKE, Json, object_, plain_errors, print_, say
from auditkit.nouns import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.packing.protecting import Protected

__all__ = ["add_to"]
KeyFile = Annotated[
    str,
    typer.Option("--key-file", metavar="FILE", help="A key made by: auditkit pack keygen NAME --restricted."),
]
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="What to write; nothing is overwritten.")]


_SEPARATORS = {";": "semicolons", "\t": "tabs"}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(protect)
    app.command()(unseal)


def _column(name: str, words: str) -> typer.models.OptionInfo:
    return typer.Option(name, metavar="COLUMN", help=f"{words}; again for more.")  # type: ignore[no-any-return]


def protect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A table: parquet, Arrow or CSV.")],
    out: Out,
    key_file: KeyFile,
    k: Annotated[
        int,
        typer.Option("--k", metavar="N", min=2, help="Records that agree in all --quasi columns at least."),
    ] = 5,
    quasi: Annotated[
        list[str] | None, _column("--quasi", "A column made coarser until k records agree")
    ] = None,
    pseudonymise: Annotated[
        list[str] | None, _column("--pseudonymise", "A column that gets keyed pseudonyms")
    ] = None,
    drop: Annotated[list[str] | None, _column("--drop", "A column left out")] = None,
    keep: Annotated[
        list[str] | None, _column("--keep", "A column left as it is, whatever is found in it")
    ] = None,
    sealed: Annotated[
        str | None,
        typer.Option(
            "--sealed",
            metavar="FILE",
            help="Also keep the table as it was, encrypted under the key; ends in .sealed.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a table anew: keyed pseudonyms for what identifies people, coarser values for what helps to, and no text that holds either.

    What is found in each column decides, unless you say otherwise. Whoever has the key can link pseudonyms to people: keep it apart.

    Exit code: 0 written; 2 bad input; 3 written, and every column is as it was, or one that identifies people stays without a --keep.

    \b
    Examples:
      auditkit pack keygen keys/data --restricted
      auditkit protect people.csv --out shared.csv --key-file keys/data.key --quasi age --quasi postcode --k 10
      auditkit protect people.csv --out shared.parquet --key-file keys/data.key --drop remarks --sealed people.sealed
    """
    with plain_errors(as_json=as_json):
        from auditkit.loading.tables import separator_of
        from auditkit.packing.protecting import protect_file

        done = protect_file(
            file, out, key_file=key_file, k=k, sealed=sealed, quasi_identifiers=quasi or (), pseudonymise=pseudonymise or (),
            drop=drop or (), keep=keep or (),
        )  # fmt: skip
        warnings, code = _open(done, keep or ())
        for warning in warnings:
            say(f"Warning: {warning}")
        if as_json:
            object_(
                {"out": out, "sealed": sealed, "treatments": done.treatments, "k_before": done.k_before, "k": done.k, "loss": done.loss,
                 "left": list(done.left), "quasi_looking": list(done.quasi_looking),
                 "free_text": list(done.free_text), "naming": done.naming, "warnings": warnings, "exit_code": code}
            )  # fmt: skip
        else:
            print_("\n".join([*_lines(done, out, sealed), *_separated(out, separator_of(file))]))
        raise typer.Exit(code)


def _lines(done: Protected, out: str, sealed: str | None) -> list[str]:
    lines = [f"{name}: {what}{_lost(done.loss, name)}" for name, what in done.treatments.items()]
    if done.k:
        lines.append(
            f"The smallest class held {counted(done.k_before, 'record')}, and holds {counted(done.k, 'record')}."
        )
    lines.append(f"{out}: {counted(len(done.frame), 'record')}, {_in_all(done)}")
    if sealed is not None:
        lines.append(f"{sealed}: the table as it was, encrypted under the key (auditkit unseal)")
    return lines


def _separated(out: str, read: str | None) -> list[str]:
    """Return what is said where a CSV is written with another separator than the one that was read."""
    if read in (None, ",") or not out.lower().endswith(".csv"):
        return []
    return [f"{out} is separated by commas; what was read, by {_SEPARATORS.get(str(read), read)}."]


def _in_all(done: Protected) -> str:
    """Return what was done to the table, and never more than that."""
    if not _changed(done):
        return "and nothing was pseudonymised, made coarser or dropped: every column is as it was."
    made = [
        f"{len(columns)} {words}"
        for columns, words in (
            (done.treated("generalise"), "made coarser"),
            (done.treated("drop"), "dropped"),
            (done.treated("keep"), "as before"),
        )
        if columns
    ]
    rest = f"; {', '.join(made)}" if made else ""
    if named := done.treated("pseudonymise"):
        return f"pseudonymised in {counted(len(named), 'column')}{rest}. Not anonymous: whoever has the key can link them."
    return f"nothing was pseudonymised{rest}. Not anonymous."


def _open(done: Protected, keep: Sequence[str]) -> tuple[list[str], int]:
    """Return what a person must know who passes the table on, and the exit code: 3 where nothing was done, or what identifies stays unasked."""
    unasked = [name for name in done.left if name not in keep]
    warnings = []
    if done.left:
        warnings.append(
            f"personal data is still found in {_named(done.left)}: drop or pseudonymise what should not be there."
        )
    if helping := [name for name in done.quasi_looking if name not in keep]:
        one = len(helping) == 1
        those = "looks like a quasi-identifier and is" if one else "look like quasi-identifiers and are"
        it, named = ("it", "it is") if one else ("them", "they are")
        typed = " ".join(f"--quasi {shlex.quote(name)}" for name in helping)
        warnings.append(
            f"{_named(helping)} {those} left as {named}: {typed} makes {it} coarser, --keep says to leave {it}."
        )
    warnings += _unnamed(done, keep)
    return warnings, BROKE if unasked or not _changed(done) else 0


def _unnamed(done: Protected, keep: Sequence[str]) -> list[str]:
    """Return what is open of columns that stay and that nobody took for a quasi-identifier."""
    warnings = []
    if few := [words for name, words in done.category.items() if name not in keep]:
        warnings.append(
            f"left as it is, though named so: {_named(few)}; --pseudonymise COLUMN if it does say who it is."
        )
    if own := [name for name in done.own if name not in keep]:
        warnings.append(
            f"nearly every record has a value of its own in {_named(own)}: where others hold the same values, these link records to people; "
            "--pseudonymise, --quasi or --drop COLUMN."
        )
    if coded := [name for name in done.coded if name not in keep]:
        warnings.append(
            f"left as it is, of the form of pseudonyms: {_named(coded)}. Without a key it is a plain hash, which whoever guesses a value can make: "
            "--pseudonymise or --drop COLUMN."
        )
    if free := [name for name in done.free_text if name not in keep]:
        drop = " ".join(f"--drop {shlex.quote(name)}" for name in free)
        warnings.append(
            f"{_named(free)} {'is' if len(free) == 1 else 'are'} free text, in which names are not looked for: read {'it' if len(free) == 1 else 'them'}, or {drop}."
        )
    # also of a column that was asked to stay: who keeps a text may not know what stands in it
    for name, n in done.naming.items():
        warnings.append(
            f"words of a column of names stand in {name}, in {counted(n, 'record')}: read it, or --drop {shlex.quote(name)}."
        )
    if unclear := [name for name in done.unclear if name not in keep]:
        warnings.append(
            f"{counted(len(done.frame), 'record')} {'is' if len(done.frame) == 1 else 'are'} too few to tell whether {_named(unclear)} {'names' if len(unclear) == 1 else 'name'} records: "
            "--pseudonymise, --quasi or --drop COLUMN."
        )
    return warnings


def _changed(done: Protected) -> bool:
    return set(done.treatments.values()) != {"keep"}


def _named(names: Sequence[str]) -> str:
    return ", ".join(names)


def unseal(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="What protect --sealed wrote, under its own name.")
    ],
    out: Out,
    key_file: KeyFile,
    as_json: Json = False,
) -> None:
    """Write what a sealed file holds, in the clear.

    \b
    Examples:
      auditkit unseal people.sealed --out people.csv --key-file keys/data.key
    """
    with plain_errors(as_json=as_json):
        from auditkit.packing.protecting import unseal_file

        written = unseal_file(file, out, key_file=key_file)
        if as_json:
            object_({"out": str(written)})
            return
        print_(f"{written}: in the clear")


def _lost(loss: dict[str, float], name: str) -> str:
    return f", {loss[name]:.0%} given up" if name in loss else ""
