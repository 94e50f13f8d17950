"""Statement: what somebody signs about a pack, in in-toto's form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from auditkit.envelopes import TYPE, PublicKey, misfit_of, subjects
from auditkit.packing.layers import NOT_PROVED

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["PACK", "PLAN", "misfit_of", "now", "statement", "subjects"]

PACK = "urn:auditkit:evidence-pack:1.0"
PLAN = "urn:auditkit:audit-plan:1.0"


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


def now() -> str:
    """Return the moment, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
