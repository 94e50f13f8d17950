"""Making: an evidence pack of a report, and signatures on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError, did_you_mean
from auditkit.forms.names import as_read, unfit
from auditkit.packing.found import Made
from auditkit.packing.layers import public_files, restricted_files
from auditkit.packing.manifest import MANIFEST, ROLES, Manifest, canonical, signature_file
from auditkit.packing.people import GivenKeys
from auditkit.packing.planning import COMPARED, PLAN_FILE, differences, read_plan
from auditkit.packing.publishing import NAME, public_form
from auditkit.packing.reading import add_file, read_pack, write_pack
from auditkit.packing.sealing import Seal, read_secret
from auditkit.packing.signing import envelope, signing_key
from auditkit.packing.statement import PACK, statement
from auditkit.packing.verifying import examine
from auditkit.report import load_report

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["make", "sign"]


def make(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    restricted_key: str | os.PathLike[str] | None = None,
    plan: str | os.PathLike[str] | None = None,
    k: int = 10,
    name: str = NAME,
    roles: tuple[str, ...] = ROLES,
    publish_forms: bool = False,
    filed: Mapping[str, bytes] | None = None,
) -> Made:
    """Make an evidence pack of what an audit left.

    Parameters
    ----------
    source : path
        Folder with report.json and, where there is one, report.ipynb; or a report.json.
    out : path
        The pack: a new folder, or a zip archive if the name ends in .zip.
    restricted_key : path, optional
        Key of the restricted layer; without it there is none, and the pack is public altogether.
    plan : path, optional
        The envelope of a plan that was signed before.
    k : int, default 10
        Smallest count that the public layer shows.
    name : str
        What the subject is called in public.
    roles : tuple of str
        Who must sign: author and reviewer, or the author alone.
    publish_forms : bool, default False
        Whether the public layer shows what was answered in forms, and not only what they are and who signed them.
    filed : mapping of str to bytes, optional
        Files by name that the restricted layer holds beside the report.

    Returns
    -------
    Made

    Raises
    ------
    InputError
        If something cannot be read, is there already, or nothing can be published.
    """
    if "author" not in roles or not set(roles) <= set(ROLES):
        raise InputError(f"roles are {ROLES}, or ('author',) alone; got {roles}")
    place = Path(source)
    file = _record(place) if place.is_dir() else place
    report = load_report(file)
    if filed and restricted_key is None:
        raise InputError(
            "decisions name people, and go into the restricted layer alone: give --restricted-key"
        )
    seal = Seal(read_secret(restricted_key)) if restricted_key is not None else None
    published = public_form(report, k=k, name=name, publish_forms=publish_forms)
    files = public_files(published.report, k=k)
    if plan is not None:
        kept = Path(plan)
        if not kept.is_file():
            raise InputError(
                f"no signed plan at {kept}: make one with auditkit pack plan, before the results"
            )
        data = kept.read_bytes()
        planned = read_plan(data, str(kept))
        compared = canonical({"differences": differences(planned, report)})
        files |= {PLAN_FILE: data, COMPARED: compared, **planned.files}
    if seal is not None:
        notebook = file.with_name("report.ipynb")
        own = notebook.read_bytes() if notebook.is_file() else None
        files |= restricted_files(report, file.read_bytes(), own, seal, filed)
    manifest = Manifest.of(files, k=k, roles=tuple(role for role in ROLES if role in roles))
    written = write_pack(out, {**files, MANIFEST: manifest.to_bytes()})
    return Made(written, len(files) + 1, sum(published.withheld.values()), manifest.roles)


def _record(folder: Path) -> Path:
    """Return where the record of an audit is in its folder; that of a batch holds many, and is refused by name."""
    file = folder / "report.json"
    one = next(iter(sorted(folder.glob("results/*/report.json"))), None)
    journal = any((folder / name).is_file() for name in ("journal.sqlite", "journal.head"))
    if file.is_file() or not (one or journal):
        return file
    give = f"as {one.parent}" if one else f"as {folder / 'results' / 'NAME-KEY'}, and none is there yet"
    raise InputError(f"{folder} is a batch, and a pack holds one report: give the folder of one, {give}")


def sign(
    pack: str | os.PathLike[str],
    *,
    key: str | os.PathLike[str],
    role: str,
    name: str,
    passphrase: str | None = None,
    at: str = "",
) -> Made:
    """Sign a pack as its author, or as the reviewer of what the author signed.

    Parameters
    ----------
    pack : path
        The folder or archive; an envelope is added to it.
    key : path
        The private key. The reviewer's must be another than the author's.
    role : {"author", "reviewer"}
        As what.
    name : str
        Who signs.
    passphrase : str, optional
        Of the key.
    at : str
        When, in UTC, ISO 8601; now when left out.

    Raises
    ------
    InputError
        If the pack was changed, the role is taken, not asked for, or the author has not signed yet, or the reviewer signs with the author's key
        or name.
    """
    if role not in ROLES:
        raise InputError(f"role: expected author or reviewer, got {role!r}.{did_you_mean(role, ROLES)}")
    name = " ".join(name.split())
    if not name:
        raise InputError("a signature needs the name of whoever signs: --name 'Maria Rossi'")
    if why := unfit(name):
        raise InputError(f"nobody can sign by the name {name[:80]!r}: {why}")
    contents = read_pack(pack)
    state = examine(contents, GivenKeys(any_key=True))
    wrong = [one for one in state.problems if one.kind not in ("missing role", "plan")]
    if wrong:
        raise InputError(
            f"this pack is not as it was made, and is not signed: {wrong[0].path}: {wrong[0].what}"
        )
    by_role = {one.role: one for one in state.signers}
    if role in by_role:
        raise InputError(f"{by_role[role].name!r} has signed as {role} already: a signature is not replaced")
    if role not in state.roles:
        raise InputError(
            f"this pack asks for {' and '.join(state.roles)} alone: make it again for a reviewer"
        )
    by = signing_key(key, passphrase)
    files = {MANIFEST: contents.files[MANIFEST]}
    if role == "reviewer":
        if "author" not in by_role:
            raise InputError("the author has not signed yet: a reviewer signs what the author signed")
        if by_role["author"].keyid == by.public.keyid:
            raise InputError(
                "this is the author's key: a reviewer signs with another, held by another person"
            )
        if as_read(by_role["author"].name) == as_read(name):
            raise InputError(
                f"{name!r} reads as the author's name, {by_role['author'].name!r}: a reviewer is another person; of two whose names are alike, give the middle names too"
            )
        files[signature_file("author")] = contents.files[signature_file("author")]
    made = statement(files, PACK, role=role, name=name, key=by.public, at=at)
    add_file(pack, signature_file(role), envelope(made, by), contents)
    return Made(Path(pack), len(contents.files) + 1, 0, state.roles)
