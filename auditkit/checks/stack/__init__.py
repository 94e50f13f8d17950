"""Stack: what is known of installed packages, and what configuration leaves open. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.stack.advisories import known_advisories
from auditkit.checks.stack.configuration import open_configuration

__all__ = ["known_advisories", "open_configuration"]
