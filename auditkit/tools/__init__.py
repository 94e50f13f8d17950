"""Tools: external programs with pins of their own, each in an environment of its own, never in the kernel's."""

from __future__ import annotations

from auditkit.tools.catalogue import TOOLS, find_tool
from auditkit.tools.tool import Limits, Tool

__all__ = ["TOOLS", "Limits", "Tool", "find_tool"]
