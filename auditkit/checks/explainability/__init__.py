"""Explainability: what the model rests its decisions on."""

from auditkit.checks.explainability.agreement import explainer_agreement
from auditkit.checks.explainability.faithfulness import explanation_faithfulness
from auditkit.checks.explainability.importance import shap_importance
from auditkit.checks.explainability.permutation import permutation_importance
from auditkit.checks.explainability.reliance import sensitive_reliance
from auditkit.checks.explainability.sanity import explanation_sanity
from auditkit.checks.explainability.stability import explanation_stability

__all__ = [
    "explainer_agreement",
    "explanation_faithfulness",
    "explanation_sanity",
    "explanation_stability",
    "permutation_importance",
    "sensitive_reliance",
    "shap_importance",
]
