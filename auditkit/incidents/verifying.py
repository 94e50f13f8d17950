"""Verifying: whether a frozen folder is what its manifest says, to the byte, and who signed that."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.incidents.copying import digest_of, files_below
from auditkit.packing.manifest import sha256
from auditkit.packing.signing import opened, public_key
from auditkit.reading import read_bounded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["MANIFEST", "SCHEMA", "SIGNATURE", "Verified", "read_manifest", "verify"]

MANIFEST, SIGNATURE = "manifest.json", "manifest.dsse"
SCHEMA = "auditkit.freeze/1.0"
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_LARGEST = 32 * 2**20
_TEXTS = ("auditkit", "frozen", "subject", "last_good", "not_protected")


@dataclass(frozen=True)
class Verified:
    """What became of a frozen folder.

    Attributes
    ----------
    digest : str
        The sha256 of the manifest's file.
    files : int
        Files that it names.
    signed : str
        Who signed it, when, with which key; empty where nobody did.
    differs : tuple of str
        What is not as it was frozen.
    remarks : tuple of str
        What else is to be known: files that could be written to, no signature.
    """

    digest: str
    files: int
    signed: str
    differs: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.differs


def read_manifest(folder: Path) -> tuple[dict[str, Any], bytes]:
    """Return the manifest of a frozen folder, and its bytes.

    Raises
    ------
    InputError
        If there is none, or it is no such manifest.
    """
    data = read_bounded(folder / MANIFEST, _LARGEST, "manifest of frozen evidence")
    try:
        found = json.loads(data)
        whole = found["schema"] == SCHEMA and all(isinstance(found[key], str) for key in _TEXTS)
        whole = whole and all(isinstance(one, str) for one in found["left_out"])
        for one in found["files"]:
            whole = whole and all(isinstance(one[key], str) for key in ("path", "role", "sha256", "modified"))
            whole = whole and isinstance(one["size"], int)
        paths = {one["path"] for one in found["files"]}
        # what is audited and compared is frozen, wherever else a manifest that was made to fit would lead
        whole = whole and found["subject"] in paths and found["last_good"] in ("", *paths)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise InputError(f"{folder / MANIFEST} is no manifest of frozen evidence ({SCHEMA})")
    return found, data


def verify(folder: Path, keys: Sequence[str | os.PathLike[str]] = ()) -> Verified:
    """Hold a frozen folder against its manifest, and the manifest against its signature.

    Parameters
    ----------
    folder : pathlib.Path
        The folder ``freeze`` of an incident.
    keys : sequence of path
        Public keys, one of which must have signed. Without them a signature says only that whoever holds its key made it.

    Raises
    ------
    InputError
        If there is no manifest, or a key cannot be read.
    """
    manifest, data = read_manifest(folder)
    known = {public_key(path).keyid for path in keys}
    named = {str(one["path"]): one for one in manifest["files"]}
    files, others = files_below(folder)
    there = {path.relative_to(folder).as_posix(): path for path in files}
    differs = [
        f"{path.relative_to(folder).as_posix()}: a link, or no regular file, that was not frozen"
        for path in others
    ]
    for name, one in named.items():
        if name not in there:
            differs.append(f"{name}: missing")
        elif there[name].stat().st_size != one["size"] or digest_of(there[name]) != one["sha256"]:
            differs.append(f"{name}: changed")
    differs += [f"{name}: was not frozen" for name in there if name not in {*named, MANIFEST, SIGNATURE}]
    signed, wrong, remarks = _signature(folder, data, known)
    open_ = [name for name, path in there.items() if path.stat().st_mode & _WRITE]
    if open_:
        remarks.append(f"{len(open_)} files can be written to: {', '.join(sorted(open_)[:3])}")
    loose = [here for here, _, _ in os.walk(folder) if folder.__class__(here).stat().st_mode & _WRITE]
    if loose:
        remarks.append(f"{len(loose)} folders can be written to: files can be put in and taken away there")
    return Verified(sha256(data), len(named), signed, (*sorted(differs), *wrong), tuple(remarks))


def _signature(folder: Path, data: bytes, known: set[str]) -> tuple[str, list[str], list[str]]:
    place = folder / SIGNATURE
    if not place.is_file():
        if known:
            return "", [f"{SIGNATURE}: not signed, and a key was given"], []
        return "", [], ["not signed: whoever can write here can change a file and the manifest alike"]
    try:
        said, key = opened(read_bounded(place, _LARGEST, "signature"), SIGNATURE)
        about = said["predicate"]
        same = said["subject"] == [{"name": MANIFEST, "digest": {"sha256": sha256(data)}}]
        words = f"{about['name']}, {about['signed_at']}, key {key.keyid[:16]}"
    except (InputError, KeyError, TypeError) as error:
        return "", [f"{SIGNATURE}: {error}"], []
    if not same:
        return words, [f"{SIGNATURE}: signs another manifest"], []
    if known and key.keyid not in known:
        return words, [f"{SIGNATURE}: signed by a key that was not given"], []
    return words, [], [] if known else ["signed by a key that nobody vouched for: give --key"]
