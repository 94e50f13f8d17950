"""Tables: what records give away about the people in them, before any model. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.tables.generalised import generalised_anonymity
from auditkit.checks.tables.personal import personal_columns

__all__ = ["generalised_anonymity", "personal_columns"]
