"""Testing: what a check, a template or a predictor owes, for authors to hold theirs to; ours are held to the same."""

from __future__ import annotations

from auditkit.testing.checks import check_check, check_declaration, check_evidence, check_report, check_same
from auditkit.testing.conformance import Broken, Conformance, Outcome
from auditkit.testing.predictors import check_predictor
from auditkit.testing.subjects import small_subjects, write_subject
from auditkit.testing.templates import check_template
from auditkit.testing.watching import Watched, watch

__all__ = [
    "Broken", "Conformance", "Outcome", "Watched", "check_check", "check_declaration", "check_evidence", "check_predictor",
    "check_report", "check_same", "check_template", "small_subjects", "watch", "write_subject",
]  # fmt: skip
