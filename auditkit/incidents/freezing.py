"""Freezing: subject, model, data, policy, reports and logs copied to a read-only folder, with digests, signed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit._version import __version__
from auditkit.errors import InputError
from auditkit.incidents.copying import copy_file, files_below, read_only
from auditkit.incidents.gathering import LOG, gathered
from auditkit.incidents.verifying import MANIFEST, SCHEMA, SIGNATURE, verify
from auditkit.packing.manifest import sha256
from auditkit.packing.signing import envelope, signing_key
from auditkit.packing.statement import statement
from auditkit.reading import name_shown
from auditkit.runner.order import named_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.incidents.gathering import Gathered, Part

__all__ = ["FREEZE", "NOT_PROTECTED", "RECORD", "STATEMENT", "Frozen", "freeze", "verify"]

FREEZE = "freeze"
RECORD = "incident.toml"
STATEMENT = "urn:auditkit:freeze:1.0"
NOT_PROTECTED = (
    "Read-only keeps from mistakes, not from people: the owner of the files and the administrator of the machine can change the "
    "rights and the bytes. A change is then found by the digests, and by nobody who does not look; without a signature whoever changes a copy can "
    "change the manifest too. Keep the digest of the manifest, and a second copy, where others have the rights."
)
_ROOM = 64 * 2**20


@dataclass(frozen=True)
class Frozen:
    """What was frozen.

    Attributes
    ----------
    folder : pathlib.Path
        The read-only folder.
    manifest : dict
        What is in it, with digests and sizes.
    digest : str
        The sha256 of the manifest's file.
    keyid : str
        Of the key that signed it; empty without one.
    """

    folder: Path
    manifest: dict[str, Any]
    digest: str
    keyid: str = ""

    @property
    def subject(self) -> Path:
        """The frozen subject file, by which the frozen model is audited."""
        return self.folder / str(self.manifest["subject"])


def freeze(
    incident: Path,
    subject: str | os.PathLike[str],
    *,
    policy: str | os.PathLike[str] | None = None,
    last_good: str | os.PathLike[str] | None = None,
    reports: Sequence[str | os.PathLike[str]] = (),
    logs: Sequence[str | os.PathLike[str]] = (),
    key: str | os.PathLike[str] | None = None,
    name: str = "",
    passphrase: str | None = None,
) -> Frozen:
    """Copy the evidence of an incident to its folder ``freeze``, and take away the right to write there.

    Each copy is read back and held against what was read. Links are not followed out of the folder that is copied: they are named in the manifest, and one
    that a subject file names is refused. All is there, or nothing.

    Parameters
    ----------
    incident : pathlib.Path
        The folder of the incident.
    subject : path
        The subject file; with it, every file it names.
    policy : path or str, optional
        The policy in use: a file, or the name of one that comes with auditkit.
    last_good : path, optional
        The folder, or the ``report.json``, of the last good run.
    reports, logs : sequence of path
        Files and folders.
    key : path, optional
        A private key, which signs the manifest.
    name : str
        Who signs, as a reader knows them; needed with a key.
    passphrase : str, optional
        Of the key.

    Raises
    ------
    InputError
        If something was frozen already, is missing, lies in two places of one name, is a link that leads elsewhere, or there is not room enough.
    OSError
        If something cannot be read or written.
    """
    target = incident / FREEZE
    if not (incident / RECORD).is_file():
        raise InputError(
            f"{name_shown(incident)} is no folder of an incident: begin with: auditkit incident open --subject FILE --out DIR"
        )
    if os.path.lexists(target):
        raise InputError(
            f"{name_shown(target)} is there already, and evidence is never overwritten: `auditkit incident verify` looks at it; "
            "for more, open another folder"
        )
    signer = None if key is None else signing_key(key, passphrase)
    if signer is not None and not name.strip():
        raise InputError("--name: say who signs, as a reader knows them")
    found = gathered(subject, policy, last_good, reports, logs)
    _has_room(incident, found.parts)
    made = Path(tempfile.mkdtemp(prefix=".freezing-", dir=incident))
    try:
        files = [_copied(part, made, found) for part in found.parts]
        _reads_itself(made / found.subject, made)
        manifest = {
            "schema": SCHEMA,
            "auditkit": __version__,
            "frozen": datetime.now(UTC).isoformat(timespec="seconds"),
            "subject": found.subject,
            "last_good": found.last_good,
            "files": sorted(files, key=lambda one: str(one["path"])),
            "left_out": sorted(found.left_out),
            "not_protected": NOT_PROTECTED,
        }
        content = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode(
            "utf-8", "backslashreplace"
        )
        (made / MANIFEST).write_bytes(content)
        if signer is not None:
            said = statement(
                {MANIFEST: content}, STATEMENT, role="author", name=name.strip(), key=signer.public
            )
            (made / SIGNATURE).write_bytes(envelope(said, signer))
        read_only(made)
        made.rename(target)
    except BaseException:
        _removed(made)
        raise
    return Frozen(target, manifest, sha256(content), signer.public.keyid if signer else "")


def _copied(part: Part, folder: Path, found: Gathered) -> dict[str, Any]:
    place = folder / part.path
    place.parent.mkdir(parents=True, exist_ok=True)
    done = copy_file(part.source, place, growing=part.role == LOG)
    if done.grew:
        found.left_out.append(
            f"{part.path}: it went on growing; what came after its first {done.size:,} bytes"
        )
    return {
        "path": part.path,
        "role": part.role,
        "size": done.size,
        "sha256": done.sha256,
        "modified": done.modified,
    }


def _reads_itself(subject: Path, folder: Path) -> None:
    """Refuse a copy whose subject file leads back to the originals, which are repaired while the evidence is looked at."""
    for role, path in named_files(subject).items():
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"{role}: {name_shown(path)} is named so that the copy would read the original: name it from the folder of the subject file"
            )


def _has_room(folder: Path, parts: Sequence[Part]) -> None:
    needed = sum(part.source.lstat().st_size for part in parts) + _ROOM
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"not room enough in {name_shown(folder)}: {needed:,} bytes are needed, 64 MiB to spare among them, and {free:,} are free"
        )


def _removed(made: Path) -> None:
    """Remove an unfinished copy, which may be read-only by then."""
    if made.exists():
        for here, _, _ in os.walk(made):
            Path(here).chmod(0o700)
        _, others = files_below(made)
        if not others:
            shutil.rmtree(made)
