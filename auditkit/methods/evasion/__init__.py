"""Evasion: the smallest allowed change of a row that changes the model's decision, attack by attack."""

from __future__ import annotations

from auditkit.methods.evasion._gradient_ball import free_columns
from auditkit.methods.evasion.apgd import apgd
from auditkit.methods.evasion.decision import decision_search
from auditkit.methods.evasion.ensemble import Attack, ensemble
from auditkit.methods.evasion.features import feature_search
from auditkit.methods.evasion.gradient import fgsm
from auditkit.methods.evasion.linear import linear_minimal_distance
from auditkit.methods.evasion.pgd import pgd
from auditkit.methods.evasion.result import AttackResult
from auditkit.methods.evasion.scores import random_search

__all__ = [
    "Attack",
    "AttackResult",
    "apgd",
    "decision_search",
    "ensemble",
    "feature_search",
    "fgsm",
    "free_columns",
    "linear_minimal_distance",
    "pgd",
    "random_search",
]
