"""Access: what people decide about rights on a hub, signed; and the evidence store with its four roles."""

from __future__ import annotations

__all__: list[str] = []
