"""Verifying: whether anything differs, in an evidence pack or in the folder of a batch, from what was made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import DIFFERS, Json, object_, plain_errors, print_
from auditkit.cli.packing import Role  # noqa: TC001 - typer reads annotations
from auditkit.cli.policies import told

if TYPE_CHECKING:
    from auditkit.packing.found import PlanMatch, Signer, Verification

__all__ = ["verify"]


def verify(
    path: Annotated[
        str,
        typer.Argument(metavar="PATH", help="The folder or the .zip of a pack, or the folder of a batch."),
    ],
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Public key of a person who should have signed, in whatever role; again for more.",
        ),
    ] = None,
    author_key: Annotated[
        str | None,
        typer.Option("--author-key", metavar="FILE", help="Public key that must have signed as the author."),
    ] = None,
    reviewer_key: Annotated[
        str | None,
        typer.Option(
            "--reviewer-key", metavar="FILE", help="Public key that must have signed as the reviewer."
        ),
    ] = None,
    any_key: Annotated[
        bool,
        typer.Option("--any-key", help="Accept any key: whoever changed the pack may have signed it anew."),
    ] = False,
    require: Annotated[
        list[Role] | None, typer.Option("--require", help="A role that must have signed; again for more.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            callback=told,
            help="The policy the results should be judged by, with its waivers alone.",
        ),
    ] = None,
    restricted_key: Annotated[
        str | None,
        typer.Option(
            "--restricted-key",
            metavar="FILE",
            help="Open the restricted layer, and make the public one anew from it.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find whatever differs in an evidence pack from what was made and signed, or in a batch from what its journal says.

    The options but --json are for packs: nobody signs a batch.

    A key that signed neither the pack nor its plan is a problem. With --key a key is taken for any role, with --author-key and
    --reviewer-key for that role alone.

    Exit code: 0 nothing differs, 1 something does, or a signature or key is missing, 2 bad input.

    \b
    Examples:
      auditkit verify credit-pack --author-key keys/author.pub --reviewer-key keys/reviewer.pub
      auditkit verify credit-pack.zip --key keys/author.pub --any-key --json
      auditkit verify reports/nightly
    """
    with plain_errors(as_json=as_json):
        if _is_batch(Path(path)):
            for_packs = {
                "--key": key, "--author-key": author_key, "--reviewer-key": reviewer_key, "--any-key": any_key,
                "--require": require, "--policy": policy, "--restricted-key": restricted_key,
            }  # fmt: skip
            ok = _batch(path, [name for name, given in for_packs.items() if given], as_json=as_json)
            raise typer.Exit(0 if ok else DIFFERS)
        from auditkit import packing

        found = packing.verify(
            path,
            keys=key or (),
            author_key=author_key,
            reviewer_key=reviewer_key,
            any_key=any_key,
            require=tuple(role.value for role in require or ()),
            policy=policy,
            restricted_key=restricted_key,
        )
        if as_json:
            object_({"found": "evidence pack", **found.to_dict()})
        else:
            _pack(found)
        raise typer.Exit(0 if found.ok else DIFFERS)


def _is_batch(path: Path) -> bool:
    """Return whether this is the folder of a batch; what claims to be a batch and a pack is refused."""
    if not any((path / name).is_file() for name in ("journal.sqlite", "journal.head")):
        return False
    if (path / "manifest.json").exists():
        from auditkit.errors import InputError

        raise InputError(
            f"{str(path)!r} holds the manifest of an evidence pack and the journal of a batch: a pack holds no journal, and a batch no manifest"
        )
    return True


def _batch(path: str, for_packs: list[str], *, as_json: bool) -> bool:
    """Say what differs in a batch; return whether nothing does."""
    if for_packs:
        from auditkit.errors import InputError

        raise InputError(
            f"{', '.join(for_packs)}: for an evidence pack, and {path!r} is a batch, which nobody signs. `auditkit pack make` makes a pack of one of its results"
        )
    from auditkit.batch.standing import faults, held

    wrong = faults(path)
    results = 0 if wrong else held(path)
    if as_json:
        said: dict[str, Any] = {
            "found": "batch", "ok": not wrong, "problems": wrong, "results": None if wrong else results,
        }  # fmt: skip
        object_(said)
        return not wrong
    head = "A batch: " + (
        _counted(len(wrong), "problem")
        if wrong
        else f"{_counted(results, 'result')} and the journal: nothing differs"
    )
    does_not_prove = (
        "Its journal shows accidents and careless edits; whoever can write to the folder can write all of it anew. "
        "The pages over all results, such as index.html, are made from them by each run, and were not looked at."
    )
    print_("\n".join([head, *(f"  {one}" for one in wrong), does_not_prove]))
    return not wrong


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _pack(found: Verification) -> None:
    from auditkit.render.status import VERDICTS

    lines = [
        f"An evidence pack: {_counted(found.files, 'file')}: "
        + ("nothing differs" if found.ok else _counted(len(found.problems), "problem"))
    ]
    lines += [f"  {one.kind}: {one.path}: {one.what}" for one in found.problems]
    if found.verdict:
        accepted = f"; {found.waived} waived, which it takes as accepted" if found.waived else "; none waived"
        lines.append(f"  verdict of the report: {VERDICTS[found.verdict].lower()}{accepted}")
    if found.manifest:
        lines.append(f"  manifest sha256: {found.manifest}")
    for one in found.signers:
        lines.append(f"  signed as {one.role} {_by(one)}")
    if found.plan is not None:
        lines.append(f"  plan signed {_by(found.plan)}")
        lines += [f"    promised: {what}" for what in found.plan.promised]
        lines += [f"    left open: {what}" for what in found.plan.left_open]
        lines.append(
            f"    word for word: {', '.join(f'plan/{name}' for name in found.plan.texts)} in the pack"
        )
    for form in found.forms:
        lines.append(f"  form: {form.title}: {form.state}, digest {form.digest[:16]}")
        lines += [f"    signed as {one.role} {_by(one)}" for one in form.signers]
    lines += [f"  checked: {what}" for what in found.checked]
    lines += ["A signature does not prove:", *(f"  - {what}" for what in found.does_not_prove)]
    print_("\n".join(lines))


def _by(one: Signer | PlanMatch) -> str:
    whose = one.whose or "a key that was not given for this"
    return f"by {one.name!r} with {whose} ({one.keyid[:16]}), by their word on {one.signed_at}"
