"""Signing: decisions on a review, signed by who made them and, with another key, by who looked at them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.access.review import SNAPSHOT, decided, new_file, report_digest
from auditkit.errors import InputError
from auditkit.forms.names import as_read, unfit
from auditkit.hub.decisions import read_decisions
from auditkit.packing.manifest import sha256
from auditkit.packing.signing import envelope, opened, public_key, signing_key
from auditkit.packing.statement import misfit_of, statement
from auditkit.reading import read_bounded

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NOT_PROVED", "ROLES", "Signed", "Verified", "filed", "sign", "signature_file", "verify"]

REVIEW = "urn:auditkit:access-review:1.0"
ROLES = ("reviewer", "approver")
NOT_PROVED = (
    "that what was to be revoked was revoked: the next review tells that",
    "that the hub's answers were true, or all there was, or that nobody changed the snapshot before it was decided on",
    "that the clock of the signer was right, who holds the key, or that the signer read every line",
)
"""What a signature does not prove."""
_LARGEST = 1_000_000  # bytes of a signature


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed.

    Attributes
    ----------
    role : str
        One of `ROLES`.
    name : str
        In their own words.
    at : str
        When, by their clock.
    keyid : str
        Of their key.
    """

    role: str
    name: str
    at: str
    keyid: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified of decisions.

    Attributes
    ----------
    signed : tuple of Signed
        Whose signatures hold.
    problems : tuple of str
        What does not hold, in words; empty where all does.
    keep, revoke : int
        How many lines.
    notes : tuple of str
        What was not compared, in words.
    """

    signed: tuple[Signed, ...]
    problems: tuple[str, ...]
    keep: int
    revoke: int
    notes: tuple[str, ...] = ()


def signature_file(file: str | os.PathLike[str], role: str) -> Path:
    """Return where the signature of decisions lies."""
    return Path(f"{os.fspath(file)}.{role}.dsse.json")


def sign(
    file: str | os.PathLike[str],
    review: str | os.PathLike[str],
    *,
    key: str | os.PathLike[str],
    role: str,
    name: str,
    passphrase: str | None = None,
) -> Path:
    """Sign decisions: their file, the snapshot they are about and, in a review's folder, the report on it, by digest.

    Parameters
    ----------
    file, review : path
        The decisions, and the review or snapshot.
    key : path
        A private key, as ``auditkit pack keygen`` makes it.
    role : str
        "reviewer", who decided, or "approver", who looked at it: with another key.
    name : str
        Who signs, as a reader knows them.
    passphrase : str, optional
        Of the key.

    Returns
    -------
    pathlib.Path
        The signature, beside the decisions.

    Raises
    ------
    InputError
        If a line is open, the decisions do not fit the review, a signature in this role is there, or the other is of the same key.
    """
    if role not in ROLES:
        raise InputError(f"role is one of {', '.join(ROLES)}; got {role!r}")
    if why := unfit(name.strip()):
        raise InputError(f"name is who signs, as a reader knows them; got {name!r}: {why}")
    decisions, snapshot, found = decided(file, review)
    by = signing_key(key, passphrase)
    for other in ROLES:
        place = signature_file(file, other)
        if other == role or not place.is_file():
            continue
        earlier, theirs = _read(place)
        if theirs == by.public.keyid:
            raise InputError(f"the {other} signed with this key: two persons have two keys")
        if as_read(str(earlier["predicate"]["name"])) == as_read(name):
            raise InputError(f"the {other} signed by a name that reads the same: two persons have two names")
    revoke = len(decisions.revoked)
    report = report_digest(review, snapshot)
    about: dict[str, Any] = {"snapshot": {"sha256": snapshot.digest}} | (
        {"report": {"sha256": report}} if report else {}
    )
    said = statement(
        {Path(file).name: decisions.data}, REVIEW, role=role, name=name.strip(), key=by.public,
        lines=len(found), keep=len(found) - revoke, revoke=revoke, does_not_prove=list(NOT_PROVED),
        **about,
    )  # fmt: skip
    return new_file(signature_file(file, role), envelope(said, by), private=False)


def _read(place: Path) -> tuple[dict[str, Any], str]:
    """Return what a signature says, and the id of its key."""
    said, key = opened(read_bounded(place, _LARGEST, "signature"), place.name)
    if wrong := misfit_of(said, REVIEW):
        raise InputError(f"{place.name} is no signature of decisions: {wrong}")
    return said, key.keyid


def verify(
    file: str | os.PathLike[str],
    review: str | os.PathLike[str],
    *,
    keys: Iterable[str | os.PathLike[str]] = (),
    any_key: bool = False,
    approved: bool = False,
) -> Verified:
    """Verify that decisions are complete, fit the review, and are signed as they are.

    Parameters
    ----------
    file, review : path
        The decisions, and the review or snapshot.
    keys : iterable of path
        Public keys of those who may have signed.
    any_key : bool
        Whether a signature under another key is taken too.
    approved : bool
        Whether an approver's signature must be there as well; without it nobody misses one that was taken away.

    Raises
    ------
    InputError
        If a file cannot be read at all, or no key is given.
    """
    known = {public_key(one).keyid for one in keys}
    if not known and not any_key:
        raise InputError("whose signature is to be there? Give --key FILE.pub, or --any-key")
    problems: list[str] = []
    keep = revoke = 0
    digests: tuple[str, str, str] | None = None
    try:
        decisions, snapshot, found = decided(file, review)
        revoke = len(decisions.revoked)
        keep, digests = (
            len(found) - revoke,
            (sha256(decisions.data), snapshot.digest, report_digest(review, snapshot)),
        )
    except InputError as error:
        problems.append(str(error))
    signed, notes = [], []
    for role in ROLES:
        place = signature_file(file, role)
        if not place.is_file():
            continue
        one, wrong, note = _verified(place, role, digests, known if not any_key else None)
        problems += wrong
        notes += [note] if note else []
        signed += [one] if one is not None and not wrong else []
    if not any(signature_file(file, role).is_file() for role in ROLES):
        problems.append("nobody signed: auditkit access sign")
    elif not any(one.role == "reviewer" for one in signed) and not problems:
        problems.append("the reviewer did not sign")
    if approved and not any(one.role == "approver" for one in signed):
        problems.append("no approver's signature holds")
    if len({one.keyid for one in signed}) < len(signed):
        problems.append("reviewer and approver signed with one key")
    if len({as_read(one.name) for one in signed}) < len(signed):
        problems.append("reviewer and approver signed by names that read the same")
    return Verified(tuple(signed), tuple(problems), keep, revoke, tuple(notes))


def _verified(
    place: Path, role: str, digests: tuple[str, str, str] | None, known: set[str] | None
) -> tuple[Signed | None, list[str], str]:
    try:
        said, keyid = _read(place)
    except InputError as error:
        return None, [str(error)], ""
    predicate = said["predicate"]
    one = Signed(str(predicate["role"]), str(predicate["name"]), str(predicate["signed_at"]), keyid)
    wrong, note = [], ""
    if one.role != role:
        wrong.append(f"{place.name} was signed as {one.role}")
    if known is not None and keyid not in known:
        wrong.append(f"{place.name} is under a key that was not given ({keyid[:16]})")
    if digests is not None:
        if not _same(said["subject"], digests[0]):
            wrong.append(f"{place.name} is of other decisions: the file was changed after it was signed")
        if predicate.get("snapshot") != {"sha256": digests[1]}:
            wrong.append(f"{place.name} is about another snapshot")
        report = predicate.get("report")
        if report is None:
            note = f"{place.name} is about the snapshot alone: no report lay beside it"
        elif not digests[2]:
            note = f"{place.name} is about a report too, which is not there: give the folder of the review"
        elif report != {"sha256": digests[2]}:
            wrong.append(f"{place.name} is about another report")
    return one, wrong, note


def _same(subject: object, digest: str) -> bool:
    """Whether a statement is about one file of this digest, whatever that is called now."""
    return isinstance(subject, list) and [one["digest"]["sha256"] for one in subject] == [digest]


def filed(file: str | os.PathLike[str], review: str | os.PathLike[str]) -> dict[str, bytes]:
    """Return signed decisions, their signatures and the snapshot by the names under which a pack's restricted layer holds them, beside the report.

    Raises
    ------
    InputError
        If they do not fit the review's report, or are not signed as they are. Whose keys they are is for `verify`.
    """
    found = verify(file, review, any_key=True)
    if not (Path(review) / SNAPSHOT).is_file():
        raise InputError(f"{Path(review)} is no folder of a review: it has no {SNAPSHOT}")
    if wrong := (*found.problems, *found.notes):
        raise InputError(f"decisions are filed as they were signed, on this report: {'; '.join(wrong)}")
    name = f"decisions{Path(file).suffix}"
    files = {
        name: read_decisions(file).data,
        SNAPSHOT: read_bounded(Path(review) / SNAPSHOT, _LARGEST * 512, "snapshot"),
    }
    for role in ROLES:
        if signature_file(file, role).is_file():
            files[signature_file(name, role).name] = read_bounded(
                signature_file(file, role), _LARGEST, "signature"
            )
    return files
