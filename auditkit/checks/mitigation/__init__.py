"""Mitigation: what remedies would cost, tried out and measured on held-out records. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.mitigation.distillation import distillation
from auditkit.checks.mitigation.fairness import mitigation_lab
from auditkit.checks.mitigation.privacy import privacy_mitigation_lab
from auditkit.checks.mitigation.robustness import robustness_mitigation_lab

__all__ = ["distillation", "mitigation_lab", "privacy_mitigation_lab", "robustness_mitigation_lab"]
