"""Incident evidence: frozen, and held against what was frozen."""

from __future__ import annotations

from typing import Annotated

import typer

from auditkit.cli.output import DIFFERS, Json, lines, object_, plain_errors, say
from auditkit.cli.policies import told

__all__ = ["add_to"]

Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder of an incident.")]


def add_to(incident: typer.Typer) -> None:
    """Add the commands to those of incidents."""
    incident.command("freeze")(freeze_)
    incident.command("verify")(verify_)


def freeze_(
    folder: Folder,
    subject: Annotated[
        str,
        typer.Option("--subject", metavar="FILE", help="The subject file; all files it names are copied."),
    ],
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="NAME|FILE", callback=told, help="The policy in use.")
    ] = None,
    last_good: Annotated[
        str | None,
        typer.Option("--last-good", metavar="DIR", help="Folder of the last good run; it is compared with."),
    ] = None,
    report: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="PATH", help="A report, or its folder; again for more."),
    ] = None,
    log: Annotated[
        list[str] | None,
        typer.Option("--log", metavar="PATH", help="A log, or a folder of them; again for more."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="FILE", help="Your private key, which signs.")
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Who signs, as a reader knows you.")
    ] = "",
    passphrase_file: Annotated[
        str | None,
        typer.Option("--passphrase-file", metavar="FILE", help="File with the passphrase of the key."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy model, data, policy, reports and logs to a read-only folder, with digests; nothing is overwritten.

    \b
    Examples:
      auditkit incident freeze incidents/7 --subject credit.toml --last-good reports/october --log logs/
      auditkit incident freeze incidents/7 --subject credit.toml --key keys/oncall.key --name "On-call"
    """
    with plain_errors(as_json=as_json):
        from pathlib import Path

        from auditkit.cli.packing import passphrase_in
        from auditkit.incidents import freeze
        from auditkit.incidents.freezing import NOT_PROTECTED

        done = freeze(
            Path(folder), subject, policy=policy, last_good=last_good, reports=report or (), logs=log or (), key=key, name=name,
            passphrase=passphrase_in(passphrase_file),
        )  # fmt: skip
        files = done.manifest["files"]
        total = sum(one["size"] for one in files)
        if as_json:
            object_({"folder": str(done.folder), "subject": str(done.subject), "files": len(files), "bytes": total, "sha256": done.digest, "keyid": done.keyid, "left_out": done.manifest["left_out"]})  # fmt: skip
            return
        said = [
            f"{len(files)} files, {total:,} bytes, read back and read-only: {done.folder}",
            f"manifest sha256: {done.digest}",
        ]
        said += (
            [f"signed:          {name}, key {done.keyid[:16]}"]
            if done.keyid
            else ["not signed: give --key and --name"]
        )
        lines([*said, *(f"not copied: {one}" for one in done.manifest["left_out"])])
        say(NOT_PROTECTED)


def verify_(
    folder: Folder,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="FILE", help="A public key that should have signed; again for more."),
    ] = None,
    decision: Annotated[
        str,
        typer.Option(
            "--decision",
            metavar="DIGEST",
            help="Digest of a decision that was written down elsewhere: it must be in the log, which may not be cut before it.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Hold the frozen evidence against its manifest and signature, and follow the log of decisions.

    Exit code: 0 if nothing differs, 1 if something does.

    \b
    Examples:
      auditkit incident verify incidents/7 --key keys/oncall.pub
      auditkit incident verify incidents/7 --decision 4f6c20d1...
    """
    with plain_errors(as_json=as_json):
        from auditkit.incidents.folder import verify_incident

        done, log = verify_incident(folder, key or (), decision)
        last = log[-1].digest if log else ""
        if as_json:
            object_({"holds": done.holds, "sha256": done.digest, "files": done.files, "signed": done.signed, "differs": list(done.differs), "remarks": list(done.remarks), "decisions": len(log), "last_decision": last})  # fmt: skip
        else:
            head = (
                f"{done.files} files are as they were frozen"
                if done.holds
                else f"{len(done.differs)} things differ"
            )
            said = [head, *(f"  {one}" for one in done.differs), f"manifest sha256: {done.digest}"]
            said += [f"signed:          {done.signed}"] if done.signed else []
            lines([*said, *done.remarks, f"decisions: {len(log)}, the last digest {last}"])
        raise typer.Exit(0 if done.holds else DIFFERS)
