"""Explainability: what the model rests its decisions on."""

from auditkit.checks.explainability.importance import shap_importance
from auditkit.checks.explainability.permutation import permutation_importance
from auditkit.checks.explainability.reasons import reasons_by_group
from auditkit.checks.explainability.reliance import sensitive_reliance

__all__ = ["permutation_importance", "reasons_by_group", "sensitive_reliance", "shap_importance"]
