"""Verifying: whether a pack is as its signers left it, and what that does not prove."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean
from auditkit.loading.policy import load_policy
from auditkit.packing.layers import NOT_PROVED
from auditkit.packing.manifest import MANIFEST, ROLES, Manifest, parsed, proper, sha256
from auditkit.packing.planning import COMPARED, PLAN_FILE, differences, precedes, read_plan
from auditkit.packing.reading import read_pack
from auditkit.packing.sealing import Seal, read_secret, unsealed
from auditkit.packing.signing import opened, public_key
from auditkit.packing.statement import PACK, misfit_of, subjects
from auditkit.report import Report

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from auditkit.packing.reading import Contents

__all__ = [
    "Made",
    "PlanMatch",
    "Problem",
    "Signer",
    "Verification",
    "examine",
    "open_restricted",
    "signature_file",
    "verify",
]

REPORT = "public/report.json"


@dataclass(frozen=True, slots=True)
class Made:
    """A pack that was written.

    Attributes
    ----------
    path : pathlib.Path
        Where.
    files : int
        How many it holds.
    withheld : int
        Measurements that the public layer does not show.
    roles : tuple of str
        Who must sign.
    """

    path: Path
    files: int
    withheld: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What differs.

    Attributes
    ----------
    kind : str
        "changed", "dropped", "added", "signature", "key", "missing role", "plan", "policy", "report" or "restricted".
    path : str
        In which file.
    what : str
        In words.
    """

    kind: str
    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed.

    Attributes
    ----------
    role, name, signed_at : str
        By their own word.
    keyid : str
        Digest of their key.
    known : bool
        Whether the key is one that was given to `verify`.
    """

    role: str
    name: str
    signed_at: str
    keyid: str
    known: bool


@dataclass(frozen=True, slots=True)
class PlanMatch:
    """A plan beside the results.

    Attributes
    ----------
    name, signed_at : str
        Who signed the plan, and when, by their word.
    keyid : str
        Digest of their key.
    differences : tuple of str
        In what the results differ from it.
    precedes : bool or None
        Whether it says to be from before the audit began; None where that cannot be told.
    """

    name: str
    signed_at: str
    keyid: str
    differences: tuple[str, ...]
    precedes: bool | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found in a pack.

    Attributes
    ----------
    problems : tuple of Problem
        What differs; none if all is well.
    signers : tuple of Signer
        Whose signatures fit.
    roles : tuple of str
        Who must sign.
    plan : PlanMatch or None
        The plan that was signed before, if the pack holds one.
    files : int
        Files in the pack.
    does_not_prove : tuple of str
        What a signature does not prove.
    """

    problems: tuple[Problem, ...]
    signers: tuple[Signer, ...]
    roles: tuple[str, ...]
    plan: PlanMatch | None
    files: int
    does_not_prove: tuple[str, ...] = NOT_PROVED

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"ok": self.ok, **json.loads(json.dumps(asdict(self)))}


def verify(
    pack: str | os.PathLike[str],
    *,
    keys: Iterable[str | os.PathLike[str]] = (),
    any_key: bool = False,
    require: Sequence[str] = (),
    policy: str | os.PathLike[str] | None = None,
    restricted_key: str | os.PathLike[str] | None = None,
) -> Verification:
    """Find whatever differs from what was made and signed.

    Parameters
    ----------
    pack : path
        The folder or archive.
    keys : iterable of path
        Public keys of the persons who should have signed. A signature under another key is a problem.
    any_key : bool, default False
        Accept signatures under any key: whoever changed the pack may then have signed it anew.
    require : sequence of str
        Roles that must have signed, besides those that the pack asks for itself.
    policy : path, optional
        The policy that the results should have been judged by.
    restricted_key : path, optional
        Key of the restricted layer: opens every file of it.

    Raises
    ------
    InputError
        If there is no pack, a key cannot be read, or a role is none.
    """
    if unknown := [role for role in require if role not in ROLES]:
        raise InputError(f"no role {unknown[0]!r}.{did_you_mean(unknown[0], ROLES)}")
    known = frozenset(public_key(one).keyid for one in keys)
    seal = Seal(read_secret(restricted_key)) if restricted_key is not None else None
    digest = load_policy(policy).to_dict()["digest"] if policy is not None else None
    return examine(read_pack(pack), keys=known, any_key=any_key, require=require, policy=digest, seal=seal)


def open_restricted(pack: str | os.PathLike[str], key: str | os.PathLike[str]) -> dict[str, bytes]:
    """Return the files of the restricted layer by path, in the clear.

    Raises
    ------
    InputError
        If there is none, the key is another, or a file was changed.
    """
    found = unsealed(Seal(read_secret(key)), read_pack(pack).files)
    if not found:
        raise InputError(f"{pack} has no restricted layer: it was made without --restricted-key")
    return found


def signature_file(role: str) -> str:
    """Return where the envelope of a role lies."""
    return f"signatures/{role}.dsse.json"


def examine(
    contents: Contents,
    *,
    keys: frozenset[str] = frozenset(),
    any_key: bool = False,
    require: Sequence[str] = (),
    policy: str | None = None,
    seal: Seal | None = None,
) -> Verification:
    """Find whatever differs in the files of a pack; see `verify`."""
    files = contents.files
    problems = [Problem("added", path, f"{what}, which no pack has") for path, what in contents.strange]
    manifest = _manifest(files, problems)
    if manifest is None:
        return Verification(tuple(problems), (), ("author",), None, len(files))
    problems += _held(files, manifest)
    signers = _signers(files, keys, problems)
    problems += _people(signers, (ROLES[0], *manifest.roles, *require), keys, any_key=any_key)
    report = _report(files, problems)
    plan = _plan(files, report, keys, problems, any_key=any_key) if report is not None else None
    if policy is not None and report is not None and report["provenance"]["policy"]["digest"] != policy:
        problems.append(
            Problem("policy", REPORT, "the results were judged by another policy than the one given")
        )
    if seal is not None:
        problems += _restricted(files, seal)
    return Verification(tuple(problems), tuple(signers), manifest.roles, plan, len(files))


def _manifest(files: Mapping[str, bytes], problems: list[Problem]) -> Manifest | None:
    if MANIFEST not in files:
        problems.append(Problem("dropped", MANIFEST, "the manifest is not there"))
        return None
    try:
        return Manifest.from_bytes(files[MANIFEST])
    except InputError as error:
        problems.append(Problem("changed", MANIFEST, str(error)))
        return None


def _held(files: Mapping[str, bytes], manifest: Manifest) -> list[Problem]:
    """Return what is not as the manifest says."""
    found = []
    for path, digest in manifest.files.items():
        if path not in files:
            found.append(Problem("dropped", path, "the manifest names it, and it is not there"))
        elif len(files[path]) != manifest.sizes[path] or sha256(files[path]) != digest:
            found.append(Problem("changed", path, "its bytes are not those that were packed"))
    own = {MANIFEST, *manifest.files, *map(signature_file, ROLES)}
    for path in sorted(set(files) - own):
        what = "the manifest does not name it" if proper(path) else "its name is none of a pack"
        found.append(Problem("added", path, what))
    return found


def _signers(files: Mapping[str, bytes], keys: frozenset[str], problems: list[Problem]) -> list[Signer]:
    """Return whose signatures fit, and add what is wrong with the others."""
    found = []
    for role in ROLES:
        path = signature_file(role)
        if path not in files:
            continue
        try:
            said, key = opened(files[path], path)
            _fits(said, role, files)
        except InputError as error:
            problems.append(Problem("signature", path, str(error)))
            continue
        about = said["predicate"]
        found.append(Signer(role, about["name"], about["signed_at"], key.keyid, key.keyid in keys))
    return found


def _fits(said: Any, role: str, files: Mapping[str, bytes]) -> None:
    """Raise InputError unless a statement is of this role, about this manifest and, of a reviewer, what the author signed."""
    wrong = misfit_of(said, PACK)
    if wrong is None and said["predicate"]["role"] != role:
        wrong = f"it was signed as {said['predicate']['role']!r}"
    if wrong is None:
        about = [MANIFEST, *([signature_file("author")] if role == "reviewer" else [])]
        if said["subject"] != subjects({path: files[path] for path in about if path in files}):
            wrong = "it was signed for another manifest, or for what another author signed"
    if wrong is not None:
        raise InputError(f"the statement does not fit: {wrong}")


def _people(
    signers: Sequence[Signer], roles: Sequence[str], keys: frozenset[str], *, any_key: bool
) -> list[Problem]:
    found = [
        Problem(
            "missing role",
            signature_file(role),
            f"nobody has signed as {role}, or the signature does not fit",
        )
        for role in ROLES
        if role in roles and role not in {one.role for one in signers}
    ]
    if len({one.keyid for one in signers}) < len(signers):
        found.append(Problem("key", signature_file("reviewer"), "author and reviewer signed with one key"))
    for one in signers:
        if not any_key and not one.known:
            what = "no key was given: the signature fits its own key, and nobody says whose that is; give --key FILE"
            other = f"signed with another key ({one.keyid[:16]}) than those given"
            found.append(Problem("key", signature_file(one.role), other if keys else what))
    return found


def _report(files: Mapping[str, bytes], problems: list[Problem]) -> dict[str, Any] | None:
    """Return the public record if it is one."""
    try:
        return Report.from_dict(json.loads(files[REPORT])).to_dict()
    except (KeyError, ValueError, TypeError, RecursionError):
        if not any(one.path == REPORT for one in problems):
            problems.append(Problem("report", REPORT, "it is no report that this version reads"))
        return None


def _plan(
    files: Mapping[str, bytes],
    report: Mapping[str, Any],
    keys: frozenset[str],
    problems: list[Problem],
    *,
    any_key: bool,
) -> PlanMatch | None:
    if PLAN_FILE not in files:
        return None
    try:
        planned = read_plan(files[PLAN_FILE])
        told = parsed(files.get(COMPARED, b""), COMPARED)["differences"]
        differ = tuple(dict.fromkeys([*differences(planned, report, public=True), *map(str, told)]))
    except (InputError, KeyError, TypeError) as error:
        problems.append(Problem("plan", PLAN_FILE, str(error)))
        return None
    before = precedes(planned.signed_at, report["provenance"].get("started"))
    problems += [Problem("plan", PLAN_FILE, f"the results differ from the plan: {one}") for one in differ]
    if not before:
        when = (
            "was signed after the audit began" if before is False else "cannot be told from before the audit"
        )
        problems.append(Problem("plan", PLAN_FILE, f"by the times that were written, the plan {when}"))
    if not any_key and planned.key.keyid not in keys:
        problems.append(
            Problem(
                "key",
                PLAN_FILE,
                f"the plan was signed with another key ({planned.key.keyid[:16]}) than those given",
            )
        )
    return PlanMatch(planned.name, planned.signed_at, planned.key.keyid, differ, before)


def _restricted(files: Mapping[str, bytes], seal: Seal) -> list[Problem]:
    try:
        unsealed(seal, files)
    except InputError as error:
        return [Problem("restricted", "restricted", str(error))]
    return []
