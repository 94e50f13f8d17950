"""Scan: one notebook in, what was found in it out: kinds, places and salted digests, and never what was found."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from auditkit.scanning.notebooks.hits import merged
from auditkit.scanning.notebooks.leaves import Place, leaves_of
from auditkit.scanning.notebooks.personal import personal_in
from auditkit.scanning.notebooks.reading import refuse_depth
from auditkit.scanning.notebooks.risky import Call, Unread, calls_in
from auditkit.scanning.notebooks.secrets import secrets_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.scanning.notebooks.hits import Hit, Named
    from auditkit.scanning.notebooks.leaves import Leaf

__all__ = ["Found", "NotebookScan", "digest_of", "hits_in", "scan_notebook"]


@dataclass(frozen=True, slots=True)
class Found:
    """A secret or a personal datum, without it.

    Attributes
    ----------
    what : {"secret", "personal"}
        What it is.
    kind : str
        Of a secret the kind ("GitHub Token"), of personal data the rule ("email").
    place : Place
        Where it begins.
    digest : str
        Twelve hexadecimal digits, keyed by the salt of the scan: the same for the same text in the same scan, and of no use without the salt.
    count : int
        How many values a column of a shown table has; 1 for anything else.
    """

    what: Literal["secret", "personal"]
    kind: str
    place: Place
    digest: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class NotebookScan:
    """What was found in a notebook.

    Attributes
    ----------
    secrets, personal : tuple of Found
        In the order of the notebook.
    calls : tuple of Call
        Risky calls in its code cells.
    unread : tuple of Unread
        Code cells that could not be read as Python, and why.
    pictures : int
        Outputs and attachments in a binary form, which are not read.
    cells : int
        Its cells.
    """

    secrets: tuple[Found, ...]
    personal: tuple[Found, ...]
    calls: tuple[Call, ...]
    unread: tuple[Unread, ...]
    pictures: int
    cells: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def scan_notebook(
    notebook: Mapping[str, Any],
    *,
    salt: bytes | None = None,
    named: Named | None = None,
) -> NotebookScan:
    """Look through all of a notebook: source, outputs, metadata, attachments.

    Parameters
    ----------
    notebook : mapping
        Its JSON, of format 4 (`read_notebook`).
    salt : bytes, optional
        Keys the digests, to compare scans with one another; drawn anew when left out. Keep it as you keep a password: short secrets can be
        guessed from their digests by whoever has it.
    named : callable, optional
        See `personal_in`.

    Returns
    -------
    NotebookScan
        Without any piece of what was found.
    """
    salt = secrets.token_bytes(16) if salt is None else salt
    leaves, hits = hits_in(notebook, named)
    found = [_found(hit, leaves[hit.leaf], salt) for hit in hits]
    calls, unread = calls_in(notebook)
    return NotebookScan(
        tuple(one for one in found if one.what == "secret"),
        tuple(one for one in found if one.what == "personal"),
        calls,
        unread,
        sum(leaf.form == "binary" for leaf in leaves),
        len(notebook.get("cells", ())),
    )


def hits_in(notebook: Mapping[str, Any], named: Named | None = None) -> tuple[list[Leaf], list[Hit]]:
    """Return the texts of a notebook and what was found in them, each stretch once: a secret that is also personal data is a secret."""
    refuse_depth(notebook)
    leaves = leaves_of(notebook)
    return leaves, merged([*secrets_in(leaves), *personal_in(leaves, named)])


def digest_of(value: str, salt: bytes) -> str:
    """Return twelve hexadecimal digits that tell equal texts from others, keyed by a salt (HMAC-SHA256)."""
    return hmac.new(salt, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]


def _found(hit: Hit, leaf: Leaf, salt: bytes) -> Found:
    line = leaf.place.line
    if leaf.form in ("code", "text", "base64"):
        line += leaf.text.count("\n", 0, hit.pieces[0][0])
    place = Place(leaf.place.cell, leaf.place.part, line)
    return Found(hit.what, hit.kind, place, digest_of(hit.value, salt), hit.count)
