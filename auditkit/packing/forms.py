"""Forms: signed by their author and, with another key and another name, by a reviewer; and whether anything was changed since."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError, did_you_mean
from auditkit.files import write_whole
from auditkit.forms import Form, Signed, load_form
from auditkit.forms.form import DECISIONS, ROLES
from auditkit.forms.names import as_read, unfit
from auditkit.forms.signatures import FORM, misfits, said_of, signed_files
from auditkit.packing.found import FormSeen, Signer
from auditkit.packing.people import GivenKeys, given_keys
from auditkit.packing.signing import envelope, signing_key
from auditkit.packing.statement import statement
from auditkit.reading import read_bounded
from auditkit.saved import schema
from auditkit.shape import misfit

if TYPE_CHECKING:
    import os

    from auditkit.packing.signing import SigningKey
    from auditkit.report import Report

__all__ = [
    "FormCheck",
    "misfits",
    "read_with_signatures",
    "seen_in_pack",
    "sign_form",
    "signed_place",
    "verify_form",
    "with_signature",
]

ENDING = ".signed.json"
SCHEMA = "auditkit.form/1.0"
_LARGEST = 8 * 2**20  # bytes of a signed form


@dataclass(frozen=True, slots=True)
class FormCheck:
    """What was found of a form and its signatures.

    Attributes
    ----------
    form : Form
        As it was signed; as it is where nobody has signed.
    problems : tuple of str
        What differs or is missing; none if all is well.
    whose : dict of str to str
        Role to as whose the key was given, in words; empty where it was not.
    """

    form: Form
    problems: tuple[str, ...]
    whose: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def signed_place(path: str | os.PathLike[str]) -> Path:
    """Return where the signatures of a form lie: ``use.signed.json`` beside ``use.toml``."""
    file = Path(path)
    return (
        file if file.name.endswith(ENDING) else file.with_name(f"{file.name.removesuffix('.toml')}{ENDING}")
    )


def sign_form(
    path: str | os.PathLike[str],
    *,
    key: str | os.PathLike[str],
    role: str,
    name: str,
    passphrase: str | None = None,
    decision: str = "",
    remark: str = "",
    at: str = "",
) -> Form:
    """Sign a form as its author, or as the reviewer of what the author signed; signatures lie beside it.

    Parameters
    ----------
    path : path
        The form.
    key : path
        The private key. The reviewer's must be another than the author's.
    role : {"author", "reviewer"}
        As what.
    name : str
        Who signs. The reviewer must be another person than the author.
    passphrase : str, optional
        Of the key.
    decision : str
        A reviewer's, of `DECISIONS`; "approved" when left out.
    remark : str
        What a reviewer adds.
    at : str
        When, in UTC, ISO 8601; now when left out.

    Raises
    ------
    InputError
        If the form has mistakes or open questions, was edited after the author signed, the role is taken or the author's is missing, or
        author and reviewer have one key or one name.
    """
    name, remark = " ".join(name.split()), remark.strip()
    decision = _asked_for(role, name, decision, remark)
    form = load_form(path)
    if form.open:
        raise InputError(
            f"{path} is a draft and cannot be signed: {len(form.open)} open ({', '.join(form.open[:5])}{', ...' * (len(form.open) > 5)}); auditkit form check {path} lists them"
        )
    place, before = signed_place(path), _record(signed_place(path))
    if before is not None and before.digest != form.digest:
        raise InputError(
            f"{path} was edited after it was signed ({_edited(before, form)}): move {place} away, which is the record of what was signed, and sign anew"
        )
    form = before or form
    if wrong := misfits(form):
        raise InputError(f"{place} is not as it was signed: {wrong[0]}")
    by_role = {one.role: one for one in form.signed}
    if role in by_role:
        raise InputError(f"{by_role[role].name!r} has signed as {role} already: a signature is not replaced")
    by = signing_key(key, passphrase)
    if role == "reviewer":
        _two_persons(by_role.get("author"), by.public.keyid, name)
    salt = secrets.token_hex(16) if remark else ""
    made = with_signature(form, by, Signed(role, name, at, by.public.keyid, decision, remark, salt))
    text = json.dumps({"schema": SCHEMA, **made.to_dict()}, indent=1, ensure_ascii=False) + "\n"
    write_whole(place, text.encode())
    return made


def with_signature(form: Form, by: SigningKey, one: Signed) -> Form:
    """Return a form with one more signature; the time is now where none is said."""
    files, more = signed_files(form, one.role), said_of(form, one)
    said = statement(files, FORM, role=one.role, name=one.name, key=by.public, at=one.time, **more)
    one = replace(one, time=said["predicate"]["signed_at"])
    sealed = envelope(said, by).decode("ascii")
    return replace(form, signed=(*form.signed, one), envelopes=(*form.envelopes, sealed))


def _asked_for(role: str, name: str, decision: str, remark: str) -> str:
    """Return what is decided; refuse a role, a name or a decision that is none."""
    if role not in ROLES:
        raise InputError(f"role: expected author or reviewer, got {role!r}.{did_you_mean(role, ROLES)}")
    if not name:
        raise InputError("a signature needs the name of whoever signs: --name 'Maria Rossi'")
    if why := unfit(name):
        raise InputError(f"nobody can sign by the name {name[:80]!r}: {why}")
    if role == "author":
        if decision or remark:
            raise InputError("a decision and a remark are the reviewer's: an author writes into the form")
        return ""
    if decision and decision not in DECISIONS:
        raise InputError(f"no decision {decision!r}.{did_you_mean(decision, DECISIONS)}")
    if len(remark) > 5000:
        raise InputError(f"a remark has 5,000 characters at most, got {len(remark):,}")
    if decision in DECISIONS[1:] and not remark:
        raise InputError(
            f"{decision!r} needs a remark that says under which conditions, or why: --remark TEXT"
        )
    return decision or DECISIONS[0]


def _two_persons(author: Signed | None, keyid: str, name: str) -> None:
    if author is None:
        raise InputError("the author has not signed yet: a reviewer signs what the author signed")
    if author.keyid == keyid:
        raise InputError("this is the author's key: a reviewer signs with another, held by another person")
    if as_read(author.name) == as_read(name):
        raise InputError(
            f"{name!r} reads as the author's name, {author.name!r}: a form is reviewed by another person; of two whose names are alike, give the middle names too"
        )


def read_with_signatures(path: str | os.PathLike[str]) -> Form:
    """Read a form together with the signatures that lie beside it, or the signed record itself.

    Raises
    ------
    InputError
        If it has mistakes, was edited after it was signed, or a signature does not fit.
    """
    place = signed_place(path)
    record = _record(place)
    if Path(path) == place:
        if record is None:
            raise InputError(f"no signed form at {place}: sign one with: auditkit form sign FILE")
        form = record
    else:
        form = load_form(path)
        if record is not None and record.digest != form.digest:
            raise InputError(
                f"{path} was edited after it was signed ({_edited(record, form)}): give {place}, which is what was signed, or sign anew"
            )
        form = record or form
    if wrong := misfits(form):
        raise InputError(f"{place} is not as it was signed: {wrong[0]}")
    return form


def verify_form(
    path: str | os.PathLike[str],
    *,
    author_key: str | os.PathLike[str] | None = None,
    reviewer_key: str | os.PathLike[str] | None = None,
    any_key: bool = False,
    one_person: bool = False,
    report: str | os.PathLike[str] | None = None,
) -> FormCheck:
    """Find whatever differs in a form from what was signed.

    Parameters
    ----------
    path : path
        The form, beside which its signatures lie, or the signed record.
    author_key, reviewer_key : path, optional
        The public key that must have signed in this role.
    any_key : bool, default False
        Accept signatures under any key, in roles for which no key is given.
    one_person : bool, default False
        Whether the author's signature is enough.
    report : path, optional
        A report.json, or the folder that holds it: whether the form stands in it with the same signatures.

    Raises
    ------
    InputError
        If the form, a key or the report cannot be read, or author and reviewer are given one key.
    """
    given = given_keys((), {"author": author_key, "reviewer": reviewer_key}, any_key=any_key)
    place = signed_place(path)
    record = _record(place)
    if record is None and Path(path) == place:
        raise InputError(f"no signed form at {place}: sign one with: auditkit form sign FILE")
    now = None if Path(path) == place else load_form(path)
    form = record or now
    if form is None:
        raise InputError(f"no form at {path}")
    problems = misfits(form)
    if record is not None and now is not None and record.digest != now.digest:
        problems.append(f"it was edited after it was signed: {_edited(record, now)}")
    asked = ROLES[:1] if one_person and reviewer_key is None else ROLES
    by_role = {one.role: one for one in form.signed}
    problems += [f"nobody has signed as {role}" for role in asked if role not in by_role]
    whose = {role: given.words(one.keyid, role) for role, one in by_role.items()}
    problems += [words for one in form.signed if (words := _stranger(one, whose[one.role], given))]
    problems += [f"{one.name!r} rejected it" for one in form.signed if one.decision == DECISIONS[2]]
    if report is not None:
        problems += _apart_in(Path(report), form)
    return FormCheck(form, tuple(problems), whose)


def _apart_in(place: Path, form: Form) -> list[str]:
    """Return in what a report holds a form otherwise than it is here; the public form of a report has neither answers nor remarks."""
    from auditkit.report import load_report

    there = load_report(place / "report.json" if place.is_dir() else place).forms
    same = [one for one in there if one.digest == form.digest]
    if not same:
        return [f"{place} holds no form of this digest"]
    if not any(one.envelopes == form.envelopes for one in same):
        return [f"{place} holds it with other signatures: there it is {same[0].state}"]
    return []


def _stranger(one: Signed, whose: str, given: GivenKeys) -> str:
    if whose or (given.any_key and one.role not in given.roles):
        return ""
    if one.role not in given.roles:
        return (
            f"signed as {one.role} with a key that nobody gave ({one.keyid[:16]}); give --{one.role}-key FILE"
        )
    return f"signed as {one.role} with another key ({one.keyid[:16]}) than the one given"


def seen_in_pack(report: Report, given: GivenKeys) -> tuple[FormSeen, ...]:
    """Return the forms of a report, and as whose the keys under them were given."""
    return tuple(
        FormSeen(
            one.title,
            one.state,
            one.digest,
            tuple(
                Signer(who.role, who.name, who.time, who.keyid, bool(whose), whose)
                for who in one.signed
                for whose in (given.words(who.keyid),)
            ),
        )
        for one in report.forms
    )


def _record(place: Path) -> Form | None:
    """Return the signed record at a place; None where there is none."""
    if not place.exists():
        return None
    try:
        data = json.loads(read_bounded(place, _LARGEST, "signed form"))
        if not isinstance(data, dict) or data.pop("schema", None) != SCHEMA or "withheld" in data:
            raise InputError(f"it is no signed form: expected schema {SCHEMA!r}")  # noqa: TRY301
        if wrong := misfit(data, {"$ref": "#/$defs/form", "$defs": schema()["$defs"]}):
            raise InputError(f"it is damaged: {wrong}")  # noqa: TRY301
        return Form.from_dict(data)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is no JSON: {error}") from None


def _edited(signed: Form, now: Form) -> str:
    """Return in words in what a form differs from what was signed."""
    ids = [*dict.fromkeys([*signed.answers, *now.answers])]
    changed = [one for one in ids if signed.answers.get(one) != now.answers.get(one)]
    if signed.subject != now.subject:
        changed.insert(0, "subject")
    if not changed:
        return "what is asked was changed"
    more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
    return f"changed: {', '.join(changed[:5])}{more}"
