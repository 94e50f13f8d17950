"""Explainability: what the model rests its decisions on."""

from auditkit.checks.explainability.agreement import explainer_agreement
from auditkit.checks.explainability.counterfactuals import counterfactuals
from auditkit.checks.explainability.effects import input_effects
from auditkit.checks.explainability.faithfulness import explanation_faithfulness
from auditkit.checks.explainability.importance import shap_importance
from auditkit.checks.explainability.interactions import input_interactions
from auditkit.checks.explainability.permutation import permutation_importance
from auditkit.checks.explainability.prototypes import prototypes
from auditkit.checks.explainability.reasons import reasons_by_group
from auditkit.checks.explainability.reliance import sensitive_reliance
from auditkit.checks.explainability.sanity import explanation_sanity
from auditkit.checks.explainability.stability import explanation_stability
from auditkit.checks.explainability.surrogate import surrogate_tree

__all__ = [
    "counterfactuals",
    "explainer_agreement",
    "explanation_faithfulness",
    "explanation_sanity",
    "explanation_stability",
    "input_effects",
    "input_interactions",
    "permutation_importance",
    "prototypes",
    "reasons_by_group",
    "sensitive_reliance",
    "shap_importance",
    "surrogate_tree",
]
