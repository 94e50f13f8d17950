"""Poisoning: whether training rows were tampered with, or are simply wrong, and what that did. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.poisoning.influence import training_influence
from auditkit.checks.poisoning.labels import label_noise
from auditkit.checks.poisoning.leakage import split_leakage
from auditkit.checks.poisoning.outliers import representation_outliers
from auditkit.checks.poisoning.trigger import trigger_search

__all__ = ["label_noise", "representation_outliers", "split_leakage", "training_influence", "trigger_search"]
