"""Evasion: the smallest allowed change of a row that changes the model's decision, attack by attack."""

from __future__ import annotations

from auditkit.methods.evasion.additive import AdditiveScore, additive_score
from auditkit.methods.evasion.decision import decision_search
from auditkit.methods.evasion.linear import linear_minimal_distance
from auditkit.methods.evasion.result import AttackResult
from auditkit.methods.evasion.scores import random_search
from auditkit.methods.evasion.separable import additive_minimal_distance
from auditkit.methods.evasion.trees import (
    MinimalDistance,
    TreeModel,
    cells_of,
    read_trees,
    tree_minimal_distance,
)

__all__ = [
    "AdditiveScore",
    "AttackResult",
    "MinimalDistance",
    "TreeModel",
    "additive_minimal_distance",
    "additive_score",
    "cells_of",
    "decision_search",
    "linear_minimal_distance",
    "random_search",
    "read_trees",
    "tree_minimal_distance",
]
