"""Signatures: in what a form is not as it was signed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from auditkit.envelopes import misfit_of, opened, packages, subjects
from auditkit.errors import InputError
from auditkit.forms.form import canonical
from auditkit.forms.names import as_read

if TYPE_CHECKING:
    from auditkit.forms.form import Form, Signed

__all__ = ["FORM", "misfits", "said_of", "signed_files"]

FORM = "urn:auditkit:form:1.0"
_CONTENT = "form.json"
_AUTHORS = "author.dsse.json"


def signed_files(form: Form, role: str) -> dict[str, bytes]:
    """Return what is signed in a role, by the names that stand in the statement."""
    files = {_CONTENT: canonical(form.content())}
    return files if role == "author" else {**files, _AUTHORS: form.envelopes[0].encode("ascii")}


def said_of(form: Form, one: Signed) -> dict[str, Any]:
    """Return what a signature says beside role, name, key and time.

    Title and controls are in the digest too; they stand here for whoever has the public form alone, which holds them without the answers.
    """
    return {
        "form": form.kind,
        "title": form.title,
        "edition": form.edition,
        "controls": [list(control) for control in form.controls],
        "decision": one.decision,
        "remark_sha256": one.remark_digest(),
    }


def misfits(form: Form, *, unchecked: bool = False) -> list[str]:
    """Return in what a form is not as it was signed: its content, a signature, or what is said of one.

    Whose the keys are is not asked here: whoever changes a form can sign it anew with a key of their own.

    Parameters
    ----------
    form : Form
        As it was read.
    unchecked : bool, default False
        Whether signatures may stay unchecked where the packages for it are missing; what they say is compared all the same.
    """
    if len(form.envelopes) != len(form.signed):
        return ["it names others than have signed it"]
    if [one.role for one in form.signed] not in ([], ["author"], ["author", "reviewer"]):
        return ["it was not signed by an author first, and then by a reviewer"]
    if form.signed and form.open:
        return [f"it is signed, and {len(form.open)} required answers are missing"]
    found: list[str] = []
    for text, one in zip(form.envelopes, form.signed, strict=True):
        what = f"the signature as {one.role}"
        try:
            said, keyid = _opened(text.encode("utf-8", "replace"), what, unchecked=unchecked)
        except InputError as error:
            found.append(str(error))
            continue
        found += _differs(said, keyid, one, form)
    if len(form.signed) == 2:
        author, reviewer = form.signed
        if author.keyid == reviewer.keyid or as_read(author.name) == as_read(reviewer.name):
            found.append("author and reviewer are one person, or have one key")
    return found


def _opened(data: bytes, what: str, *, unchecked: bool) -> tuple[Any, str]:
    """Return the statement in an envelope, and the id of the key that signed it."""
    if unchecked:
        try:
            packages()
        except InputError:
            return _read(data, what)
    said, key = opened(data, what)
    return said, key.keyid


def _read(data: bytes, what: str) -> tuple[Any, str]:
    import base64

    try:
        read = json.loads(data)
        (signature,) = read["signatures"]
        return json.loads(base64.b64decode(read["payload"], validate=True)), str(signature["keyid"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{what} is no envelope with one signature") from None


def _differs(said: Any, keyid: str, one: Signed, form: Form) -> list[str]:
    if wrong := misfit_of(said, FORM):
        return [f"the signature as {one.role} does not fit: {wrong}"]
    about = said["predicate"]
    if said["subject"] != _about(form, one.role):
        return [f"what {about['name']!r} signed as {about['role']} is another content than this"]
    shown = {"role": one.role, "name": one.name, "signed_at": one.time, **said_of(form, one)}
    if form.withheld:
        del shown["remark_sha256"]
    apart = [key for key, value in shown.items() if about.get(key) != value]
    apart += [] if one.keyid == keyid else ["key"]
    return [f"the signature as {one.role} says otherwise of: {', '.join(apart)}"] if apart else []


def _about(form: Form, role: str) -> list[dict[str, Any]]:
    """Return what a statement in a role must be about; of withheld answers the digest is what is known."""
    named = subjects({_AUTHORS: form.envelopes[0].encode("utf-8", "replace")} if role == "reviewer" else {})
    return [*named, {"name": _CONTENT, "digest": {"sha256": form.digest}}]
