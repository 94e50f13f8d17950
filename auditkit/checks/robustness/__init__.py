"""Robustness: how little must change before the answer changes. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.robustness.certified import robust_accuracy
from auditkit.checks.robustness.decisions import decision_attack
from auditkit.checks.robustness.natural import missing_sweep, noise_sweep

__all__ = ["decision_attack", "missing_sweep", "noise_sweep", "robust_accuracy"]
