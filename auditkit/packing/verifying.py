"""Verifying: whether a pack is as its signers left it, and what that does not prove."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean
from auditkit.loading.policy import load_policy
from auditkit.packing.accepting import added
from auditkit.packing.forms import misfits, seen_in_pack
from auditkit.packing.found import PlanMatch, Problem, Signer, Verification
from auditkit.packing.layers import REPORT
from auditkit.packing.manifest import MANIFEST, ROLES, Manifest, parsed, proper, sha256, signature_file
from auditkit.packing.people import given_keys, strangers
from auditkit.packing.planning import COMPARED, PLAN_FILE, TEXTS, differences, precedes, read_plan
from auditkit.packing.publishing import made_by
from auditkit.packing.reading import read_pack
from auditkit.packing.recomputing import (
    FULL,
    full_report,
    pages_apart,
    public_apart,
    record_apart,
    record_beside,
    rules_apart,
    verdict_apart,
)
from auditkit.packing.sealing import Seal, read_secret, unsealed
from auditkit.packing.signing import opened
from auditkit.packing.statement import PACK, misfit_of, subjects
from auditkit.report import Report

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from auditkit.finding import Policy
    from auditkit.packing.people import GivenKeys
    from auditkit.packing.reading import Contents

__all__ = ["examine", "open_restricted", "verify"]

_OF_A_PACK = ("public/", "restricted/", "signatures/", "plan/")


def verify(
    pack: str | os.PathLike[str],
    *,
    keys: Iterable[str | os.PathLike[str]] = (),
    author_key: str | os.PathLike[str] | None = None,
    reviewer_key: str | os.PathLike[str] | None = None,
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
        Public keys of persons who should have signed, in whatever role. A signature under another key is a problem, and so is a
        key that signed neither the pack nor its plan.
    author_key, reviewer_key : path, optional
        The public key that must have signed in this role. No other key is taken for the role, and this one for no other.
    any_key : bool, default False
        Accept signatures under any key, in roles for which no key is given: whoever changed the pack may then have signed it anew.
    require : sequence of str
        Roles that must have signed, besides those that the pack asks for itself.
    policy : path, optional
        The policy that the results should have been judged by, with its waivers and no others.
    restricted_key : path, optional
        Key of the restricted layer: opens every file of it, and makes the public layer, the statuses and what is compared with the plan
        anew from the full report.

    Raises
    ------
    InputError
        If there is no pack (nor one whose manifest is gone), a key cannot be read, author and reviewer are given one key, or a role is none.
    """
    if unknown := [role for role in require if role not in ROLES]:
        raise InputError(f"no role {unknown[0]!r}.{did_you_mean(unknown[0], ROLES)}")
    given = given_keys(keys, {"author": author_key, "reviewer": reviewer_key}, any_key=any_key)
    seal = Seal(read_secret(restricted_key)) if restricted_key is not None else None
    asked = load_policy(policy) if policy is not None else None
    contents = read_pack(pack)
    _refuse_no_pack(contents, str(pack))
    return examine(contents, given, require=require, policy=asked, seal=seal)


def _refuse_no_pack(contents: Contents, place: str) -> None:
    """Refuse what was never a pack. One without its manifest is known by its other files, and is a pack in which something differs."""
    paths = [*contents.files, *(path for path, _ in contents.strange)]
    if not any(path == MANIFEST or path.startswith(_OF_A_PACK) for path in paths):
        report = place if "report.json" in contents.files else "REPORT_DIR"
        raise InputError(
            f"no pack or batch here: {place}; for a report: auditkit pack make {report} --out PACK makes a pack of it"
        )


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


def examine(
    contents: Contents,
    given: GivenKeys,
    *,
    require: Sequence[str] = (),
    policy: Policy | None = None,
    seal: Seal | None = None,
) -> Verification:
    """Find whatever differs in the files of a pack; see `verify`."""
    files = contents.files
    problems = [Problem("added", path, f"{what}, which no pack has") for path, what in contents.strange]
    manifest = _manifest(files, problems)
    if manifest is None:
        return Verification(tuple(problems), (), ("author",), None, len(files))
    checked = [f"size and sha256 of {len(manifest.files)} files, and that there are no others"]
    problems += _held(files, manifest)
    signers = _signers(files, given, problems)
    report = _report(files, problems)
    full = _opened(files, seal, problems, checked) if seal is not None else None
    plan = None
    seen = seen_in_pack(report, given) if report is not None else ()
    if report is not None:
        problems += _forms(report, full, checked)
        plan = _plan(files, report, full, given, problems)
        problems += _judged(report, full, policy, checked)
        problems += _made_anew(files, report, full, manifest, checked)
    of_forms = frozenset(who.keyid for one in seen for who in one.signers)
    asked, planner = (ROLES[0], *manifest.roles, *require), plan.keyid if plan else None
    problems += strangers(signers, asked, planner, given, of_forms=of_forms)
    return Verification(
        tuple(problems),
        tuple(signers),
        manifest.roles,
        plan,
        len(files),
        tuple(checked),
        report.verdict if report else "",
        report.counts["waived"] if report else 0,
        forms=seen,
        manifest=sha256(files[MANIFEST]),
    )


def _forms(report: Report, full: Report | None, checked: list[str]) -> list[Problem]:
    """Return in what forms are not as they were signed: in the public record, and in the restricted report."""
    if not report.forms:
        return []
    checked.append(f"the digests and the signatures of {len(report.forms)} forms")
    places = [(REPORT, report)] + ([(FULL, full)] if full is not None else [])
    return [
        Problem("form", path, f"{one.title}: {what}")
        for path, record in places
        for one in record.forms
        for what in misfits(one)
    ]


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


def _signers(files: Mapping[str, bytes], given: GivenKeys, problems: list[Problem]) -> list[Signer]:
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
        whose = given.words(key.keyid, role)
        found.append(Signer(role, about["name"], about["signed_at"], key.keyid, bool(whose), whose))
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


def _report(files: Mapping[str, bytes], problems: list[Problem]) -> Report | None:
    """Return the public record if it is one."""
    try:
        return Report.from_dict(json.loads(files[REPORT]), hold_forms=False)
    except (KeyError, ValueError, TypeError, RecursionError):
        if not any(one.path == REPORT for one in problems):
            problems.append(Problem("report", REPORT, "it is no report that this version reads"))
        return None


def _plan(
    files: Mapping[str, bytes],
    report: Report,
    full: Report | None,
    given: GivenKeys,
    problems: list[Problem],
) -> PlanMatch | None:
    if PLAN_FILE not in files:
        return None
    try:
        planned = read_plan(files[PLAN_FILE])
        told = parsed(files.get(COMPARED, b""), COMPARED)["differences"]
        found = [*differences(planned, report, public=True), *map(str, told)]
    except (InputError, KeyError, TypeError) as error:
        problems.append(Problem("plan", PLAN_FILE, str(error)))
        return None
    whole = differences(planned, full) if full is not None else []
    differ = tuple(dict.fromkeys([*found, *whole]))
    wrong = [(PLAN_FILE, f"the results differ from the plan: {one}") for one in differ]
    if full is not None and whole != list(map(str, told)):
        wrong.append((COMPARED, "it does not say in what the restricted report differs from the plan"))
    there = {path: data for path, data in files.items() if path.startswith(TEXTS)}
    if {**planned.files, PLAN_FILE: b"", COMPARED: b""}.keys() != there.keys() or any(
        there[path] != data for path, data in planned.files.items()
    ):
        wrong.append((TEXTS, "what lies beside the plan is not what was signed in it"))
    before = precedes(planned.signed_at, report.provenance.get("started"))
    if not before:
        when = (
            "was signed after the audit began" if before is False else "cannot be told from before the audit"
        )
        wrong.append((PLAN_FILE, f"by the times that were written, the plan {when}"))
    problems += [Problem("plan", path, what) for path, what in wrong]
    keyid, whose = planned.key.keyid, given.words(planned.key.keyid)
    if not whose and not given.any_key:
        what = f"the plan was signed with another key ({keyid[:16]}) than those given"
        problems.append(Problem("key", PLAN_FILE, what))
    return PlanMatch(
        planned.name,
        planned.signed_at,
        keyid,
        differ,
        before,
        whose,
        planned.words(),
        planned.texts,
        planned.left_open(),
    )


def _judged(report: Report, full: Report | None, policy: Policy | None, checked: list[str]) -> list[Problem]:
    """Return in what the results were judged otherwise than by the policy that was given."""
    if policy is None:
        return []
    checked.append("the limits and the waivers, against the policy that was given")
    if report.provenance["policy"]["digest"] != policy.to_dict()["digest"]:
        return [Problem("policy", REPORT, "the results were judged by another policy than the one given")]
    more = added(policy.waivers, report, public=True) + (added(policy.waivers, full) if full else [])
    return [
        Problem("policy", REPORT, f"a waiver is none of the policy that was given: {words}")
        for words in dict.fromkeys(more)
    ]


def _made_anew(
    files: Mapping[str, bytes], report: Report, full: Report | None, manifest: Manifest, checked: list[str]
) -> list[Problem]:
    """Return in what the public layer is not what follows from its record, and that from the restricted report."""
    found, other = [], rules_apart(report)
    by = (report.provenance.get("public") or {}).get("made_by")
    if by == made_by() and not other:
        checked.append("the public page and figures, made anew from the public record")
        found += pages_apart(files, report, manifest)
    else:
        checked.append("not the public page and figures, which other versions made: read public/report.json")
    checked.append(
        "the public statuses, judged anew from the public numbers and limits, where these are not withheld"
    )
    found += public_apart(report)
    if full is None:
        checked.append(
            "not whether the public record follows from the full report: that takes --restricted-key"
        )
        return found
    if other:
        checked.append(
            f"not compared: the public record with what the rules here make of the restricted report: {other}"
        )
        checked.append(
            "the public record beside the restricted report: that no status or number contradicts it"
        )
        found += record_beside(full, report)
    else:
        checked.append("the public record and every status, made anew from the restricted report")
        found += record_apart(full, report, manifest)
    return [*found, *verdict_apart(full)]


def _opened(
    files: Mapping[str, bytes], seal: Seal, problems: list[Problem], checked: list[str]
) -> Report | None:
    """Return the report of the restricted layer, and open every other file of it."""
    try:
        opened = unsealed(seal, files)
        if not opened:
            raise InputError("a key was given, and there is no restricted layer")  # noqa: TRY301
        full = full_report(opened)
    except InputError as error:
        problems.append(Problem("restricted", "restricted", str(error)))
        return None
    checked.append(f"that the key opens {len(opened)} files of the restricted layer")
    return full
