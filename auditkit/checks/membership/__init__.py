"""Membership: whether the model gives away whose records it was trained on. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.membership.epsilon import epsilon_lower_bound
from auditkit.checks.membership.label_only import label_only_attacks
from auditkit.checks.membership.meter import privacy_meter
from auditkit.checks.membership.population import population_attack
from auditkit.checks.membership.quantile import quantile_attack
from auditkit.checks.membership.references import reference_attacks

__all__ = [
    "epsilon_lower_bound",
    "label_only_attacks",
    "population_attack",
    "privacy_meter",
    "quantile_attack",
    "reference_attacks",
]
