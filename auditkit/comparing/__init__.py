"""Comparing: two saved audits, or two folders of them, held against each other."""

from __future__ import annotations

from auditkit.comparing.comparison import Comparison, Pair
from auditkit.comparing.moves import Move, Turn
from auditkit.comparing.run import compare

__all__ = ["Comparison", "Move", "Pair", "Turn", "compare"]
