"""Robustness: how little must change before the answer changes. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.robustness.decisions import decision_attack
from auditkit.checks.robustness.libraries import art_attack
from auditkit.checks.robustness.natural import missing_sweep, noise_sweep
from auditkit.checks.robustness.scores import score_attack
from auditkit.checks.robustness.transfer import transfer_attack

__all__ = ["art_attack", "decision_attack", "missing_sweep", "noise_sweep", "score_attack", "transfer_attack"]
