"""Tables: which columns hold what names, finds or describes a person, by their names and by their values."""

from __future__ import annotations

from auditkit.scanning.tables.columns import QUASI, ColumnFound, few_words, quasi_looking, scan_columns
from auditkit.scanning.tables.texts import records_that_name

__all__ = ["QUASI", "ColumnFound", "few_words", "quasi_looking", "records_that_name", "scan_columns"]
