"""Told apart: which of the TOML files of an audit this is, and what to type for it, where another was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Form", "form_of", "refuse_another", "type_for"]

Form = Literal["plan", "policy", "subject file"]

_TYPE: Mapping[str, str] = {
    "plan": "auditkit batch {file} --out DIR (or, by its [schedule], auditkit run --due {file} --out DIR)",
    "policy": "auditkit run TEMPLATE --subject SUBJECT --policy {file} --out DIR",
    "subject file": "auditkit run TEMPLATE --subject {file} --out DIR",
}


def form_of(content: Mapping[str, Any]) -> Form | None:
    """Return what kind of file a content in TOML is by its keys; None where they do not tell.

    Examples
    --------
    >>> form_of({"template": [{"name": "bias"}]}), form_of({"criterion": []}), form_of({"model": {}}), form_of({})
    ('plan', 'policy', 'subject file', None)
    """
    if any(isinstance(content.get(key), list) for key in ("subject", "template")):
        return "plan"
    if any(isinstance(content.get(key), list) for key in ("criterion", "waiver")):
        return "policy"
    if isinstance(content.get("model"), dict) or isinstance(content.get("kind"), str):
        return "subject file"
    return None


def type_for(form: Form, file: str | Path) -> str:
    """Return what to type for a file of a form, as the end of an error."""
    return f"for a {form} type: {_TYPE[form].format(file=file)}"


def refuse_another(content: Mapping[str, Any], file: str | Path, wanted: Form) -> None:
    """Raise InputError, with what to type, for a file that is of another kind than the one wanted.

    Examples
    --------
    >>> refuse_another({"template": []}, "nightly.toml", "policy")
    Traceback (most recent call last):
    auditkit.errors.InputError: nightly.toml: expected a policy, and this is a plan; for a plan type: auditkit batch nightly.toml --out DIR (or, by its [schedule], auditkit run --due nightly.toml --out DIR)
    """
    found = form_of(content)
    if found is not None and found != wanted:
        raise InputError(f"{file}: expected a {wanted}, and this is a {found}; {type_for(found, file)}")
