"""Notebooks: what they give away, which packages they rest on, and what they ask to be run."""

from __future__ import annotations

from auditkit.checks.notebooks.calls import notebook_risky_calls
from auditkit.checks.notebooks.found import notebook_personal_data, notebook_secrets
from auditkit.checks.notebooks.packages import notebook_packages

__all__ = ["notebook_packages", "notebook_personal_data", "notebook_risky_calls", "notebook_secrets"]
