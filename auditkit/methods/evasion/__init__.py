"""Evasion: the smallest allowed change of a row that changes the model's decision, attack by attack."""

from __future__ import annotations

from auditkit.methods.evasion.additive import AdditiveScore, additive_score
from auditkit.methods.evasion.art import art_attack, art_attacks
from auditkit.methods.evasion.decision import decision_search
from auditkit.methods.evasion.edge import edge_rows, edge_search
from auditkit.methods.evasion.features import feature_search, margin_search
from auditkit.methods.evasion.foolbox import foolbox_attack, foolbox_attacks
from auditkit.methods.evasion.gradients.apgd import apgd
from auditkit.methods.evasion.gradients.ball import free_columns
from auditkit.methods.evasion.gradients.ensemble import Attack, ensemble, joined
from auditkit.methods.evasion.gradients.fgsm import fgsm
from auditkit.methods.evasion.gradients.pgd import pgd
from auditkit.methods.evasion.linear import linear_minimal_distance
from auditkit.methods.evasion.partway import partway
from auditkit.methods.evasion.result import AttackResult
from auditkit.methods.evasion.scores import random_search
from auditkit.methods.evasion.separable import additive_minimal_distance
from auditkit.methods.evasion.surrogates import random_changes, surrogate_scores
from auditkit.methods.evasion.trees import (
    MinimalDistance,
    cells_of,
    read_classifier,
    tree_minimal_distance,
)

__all__ = [
    "AdditiveScore",
    "Attack",
    "AttackResult",
    "MinimalDistance",
    "additive_minimal_distance",
    "additive_score",
    "apgd",
    "art_attack",
    "art_attacks",
    "cells_of",
    "decision_search",
    "edge_rows",
    "edge_search",
    "ensemble",
    "feature_search",
    "fgsm",
    "foolbox_attack",
    "foolbox_attacks",
    "free_columns",
    "joined",
    "linear_minimal_distance",
    "margin_search",
    "partway",
    "pgd",
    "random_changes",
    "random_search",
    "read_classifier",
    "surrogate_scores",
    "tree_minimal_distance",
]
