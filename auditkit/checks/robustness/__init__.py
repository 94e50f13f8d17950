"""Robustness: how little must change before the answer changes. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.robustness.certified import robust_accuracy
from auditkit.checks.robustness.confidence import confidence_under_shift
from auditkit.checks.robustness.decisions import decision_attack
from auditkit.checks.robustness.extraction import model_extraction
from auditkit.checks.robustness.faults import input_faults
from auditkit.checks.robustness.gradients import gradient_attack
from auditkit.checks.robustness.libraries import art_attack
from auditkit.checks.robustness.natural import missing_sweep, noise_sweep
from auditkit.checks.robustness.scores import score_attack
from auditkit.checks.robustness.shift import covariate_shift
from auditkit.checks.robustness.transfer import transfer_attack

__all__ = [
    "art_attack",
    "confidence_under_shift",
    "covariate_shift",
    "decision_attack",
    "gradient_attack",
    "input_faults",
    "missing_sweep",
    "model_extraction",
    "noise_sweep",
    "robust_accuracy",
    "score_attack",
    "transfer_attack",
]
