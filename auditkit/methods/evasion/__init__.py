"""Evasion: the smallest allowed change of a row that changes the model's decision, attack by attack."""

from __future__ import annotations

from auditkit.methods.evasion.decision import decision_search
from auditkit.methods.evasion.edge import edge_search
from auditkit.methods.evasion.linear import linear_minimal_distance
from auditkit.methods.evasion.result import AttackResult
from auditkit.methods.evasion.scores import random_search
from auditkit.methods.evasion.steps import gradient_steps

__all__ = [
    "AttackResult",
    "decision_search",
    "edge_search",
    "gradient_steps",
    "linear_minimal_distance",
    "random_search",
]
