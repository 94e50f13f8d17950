"""Targets: what can be audited. A subject, which is a model with its rows, is one kind; each other kind has a module here."""

from __future__ import annotations

from auditkit.targets.base import KINDS, TEMPLATES, Target

__all__ = ["KINDS", "TEMPLATES", "Target"]
