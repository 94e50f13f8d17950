"""Membership: whether the model gives away whose records it was trained on. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.membership.meter import privacy_meter
from auditkit.checks.membership.population import population_attack
from auditkit.checks.membership.references import reference_attacks

__all__ = ["population_attack", "privacy_meter", "reference_attacks"]
