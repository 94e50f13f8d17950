"""Hub: what JupyterHub's API tells of who may do what, read with a token that only reads."""

from __future__ import annotations

from auditkit.hub.snapshot import Snapshot, of_text

__all__ = ["Snapshot", "of_text"]
