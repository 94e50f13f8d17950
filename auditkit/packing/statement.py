"""Statement: what somebody signs about a pack, in in-toto's form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from auditkit.packing.layers import NOT_PROVED
from auditkit.packing.manifest import sha256
from auditkit.shape import misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.packing.signing import PublicKey

__all__ = ["PACK", "PLAN", "misfit_of", "now", "statement", "subjects"]

TYPE = "https://in-toto.io/Statement/v1"
PACK = "urn:auditkit:evidence-pack:1.0"
PLAN = "urn:auditkit:audit-plan:1.0"

_SUBJECT = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "digest": {
            "type": "object",
            "properties": {"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
            "required": ["sha256"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "digest"],
    "additionalProperties": False,
}


def statement(
    files: Mapping[str, bytes], kind: str, *, role: str, name: str, key: PublicKey, at: str = "", **more: Any
) -> dict[str, Any]:
    """Return a statement about files, by digest.

    Parameters
    ----------
    files : mapping of str to bytes
        What it is about.
    kind : str
        `PACK` or `PLAN`.
    role : str
        "author", "reviewer" or "planner".
    name : str
        Who signs, in their own words.
    key : PublicKey
        The key they sign with.
    at : str
        When, in UTC, ISO 8601; now when left out.
    **more
        What else the predicate says.
    """
    predicate = {
        "role": role,
        "name": name,
        "key": key.pem,
        "signed_at": at or now(),
        "does_not_prove": list(NOT_PROVED),
        **more,
    }
    return {"_type": TYPE, "subject": subjects(files), "predicateType": kind, "predicate": predicate}


def subjects(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return files as in-toto names them, sorted."""
    return [{"name": path, "digest": {"sha256": sha256(files[path])}} for path in sorted(files)]


def now() -> str:
    """Return the moment, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def misfit_of(value: Any, kind: str) -> str | None:
    """Return in which way a value is no statement of this kind; None if it is one."""
    text = {"type": "string", "minLength": 1}
    predicate = {
        "type": "object",
        "properties": dict.fromkeys(("role", "name", "key", "signed_at"), text),
        "required": ["role", "name", "key", "signed_at", "does_not_prove"],
    }
    shape = {
        "type": "object",
        "properties": {
            "_type": {"const": TYPE},
            "subject": {"type": "array", "items": _SUBJECT},
            "predicateType": {"const": kind},
            "predicate": predicate,
        },
        "required": ["_type", "subject", "predicateType", "predicate"],
        "additionalProperties": False,
    }
    return misfit(value, shape)
