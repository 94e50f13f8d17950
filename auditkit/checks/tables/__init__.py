"""Tables: what records hold, lack and give away, before any model. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.tables.generalised import generalised_anonymity
from auditkit.checks.tables.labels import table_label_noise
from auditkit.checks.tables.leakage import table_leakage
from auditkit.checks.tables.lineage import table_lineage
from auditkit.checks.tables.personal import personal_columns
from auditkit.checks.tables.poisoned import table_poisoning
from auditkit.checks.tables.quality import table_quality
from auditkit.checks.tables.representation import table_representation
from auditkit.checks.tables.schema import table_schema

__all__ = [
    "generalised_anonymity",
    "personal_columns",
    "table_label_noise",
    "table_leakage",
    "table_lineage",
    "table_poisoning",
    "table_quality",
    "table_representation",
    "table_schema",
]
