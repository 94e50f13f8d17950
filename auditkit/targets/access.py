"""Access: who may do what on a JupyterHub, as its API told it, under audit by itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from auditkit.errors import InputError
from auditkit.hub.scopes import NEEDED, writes
from auditkit.hub.snapshot import Snapshot
from auditkit.render.text import clean
from auditkit.targets.base import Target

if TYPE_CHECKING:
    from auditkit.hub.decisions import Decisions

__all__ = ["Access"]


@dataclass(frozen=True, eq=False)
class Access(Target):
    """Accounts and rights on a hub.

    Parameters
    ----------
    name : str
        How the report calls it.
    snapshot : Snapshot
        What the hub's API told, at one moment. Nothing is asked while it is audited.
    before : Decisions, optional
        Of an earlier review: what it revoked should be gone.

    Raises
    ------
    InputError
        If the snapshot is none.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> Access("lab", Snapshot("https://lab.example.org/hub/api", "6.1.1", datetime(2026, 11, 29, tzinfo=UTC)))
    Access(lab: 0 accounts, 0 tokens; Audit([...]).run(access) to audit)
    """

    kind: ClassVar[str] = "access"

    name: str
    snapshot: Snapshot = field(repr=False)
    before: Decisions | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.snapshot, Snapshot):
            raise InputError(
                "snapshot= is what auditkit.hub.of_text reads from a file, which auditkit access snapshot makes; "
                f"got {type(self.snapshot).__name__}"
            )

    def __repr__(self) -> str:
        of = self.snapshot
        return f"Access({self.name}: {len(of.accounts)} accounts, {len(of.tokens)} tokens; Audit([...]).run(access) to audit)"

    def describe(self) -> dict[str, Any]:
        """Return what was looked at and how far the review's token reached; nothing of what was found."""
        of = self.snapshot
        more = writes(of.scopes)
        facts = {
            "Hub": clean(of.hub),
            "JupyterHub": clean(of.version),
            "Taken": of.taken.isoformat(timespec="seconds"),
            "Accounts": len(of.accounts),
            "Groups": len(of.groups),
            "Services": len(of.services),
            "Tokens": len(of.tokens),
            "Shares": len(of.shares) if of.has_shares else "none before JupyterHub 5",
            "The review's token": f"can do more than read: {clean(', '.join(more[:5]))}"
            if more
            else "only reads",
        }
        unseen = of.unseen(*(part for part in NEEDED if part != "shares" or of.has_shares))
        facts |= {"Not seen": unseen} if unseen else {}
        parts = {"snapshot": of.digest}
        if of.roles:
            listed = json.dumps({name: list(found) for name, found in of.roles.items()}, sort_keys=True)
            parts["roles given"] = hashlib.sha256(listed.encode()).hexdigest()
        if self.before is not None:
            parts["decisions before"] = self.before.digest
        return {"name": str(self.name), "kind": self.kind, "facts": facts, "parts": parts}
