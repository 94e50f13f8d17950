"""Artifacts: model files, told apart by content and read without running anything in them."""

from __future__ import annotations

from auditkit.scanning.artifacts.allowed import is_listed, listed_names
from auditkit.scanning.artifacts.recorded import Bounds
from auditkit.scanning.artifacts.recording import record
from auditkit.scanning.artifacts.scan import RULES, Ask, Part, Scan, Trouble, scan_artifact

__all__ = [
    "RULES",
    "Ask",
    "Bounds",
    "Part",
    "Scan",
    "Trouble",
    "is_listed",
    "listed_names",
    "record",
    "scan_artifact",
]
