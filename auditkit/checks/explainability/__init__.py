"""Explainability: what the model rests its decisions on."""

from auditkit.checks.explainability.counterfactuals import counterfactuals
from auditkit.checks.explainability.importance import shap_importance
from auditkit.checks.explainability.permutation import permutation_importance
from auditkit.checks.explainability.prototypes import prototypes
from auditkit.checks.explainability.reliance import sensitive_reliance

__all__ = ["counterfactuals", "permutation_importance", "prototypes", "sensitive_reliance", "shap_importance"]
