"""Evasion: the smallest allowed change of a row that changes the model's decision, attack by attack."""

from __future__ import annotations

from auditkit.methods.evasion.art import art_attack, art_attacks
from auditkit.methods.evasion.decision import decision_search
from auditkit.methods.evasion.features import feature_search, margin_search
from auditkit.methods.evasion.linear import linear_minimal_distance
from auditkit.methods.evasion.result import AttackResult
from auditkit.methods.evasion.scores import random_search
from auditkit.methods.evasion.surrogates import random_changes, surrogate_scores

__all__ = [
    "AttackResult",
    "art_attack",
    "art_attacks",
    "decision_search",
    "feature_search",
    "linear_minimal_distance",
    "margin_search",
    "random_changes",
    "random_search",
    "surrogate_scores",
]
