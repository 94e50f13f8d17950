"""Threat: what an attacker may do to a row; drafted from data, edited by who knows the domain, held against every result."""

from __future__ import annotations

from auditkit.threat.coding import Coding
from auditkit.threat.feature import Direction, Feature, FeatureKind
from auditkit.threat.given import as_threat_model, threat_for
from auditkit.threat.model import FrameRule, ThreatModel, Units

__all__ = [
    "Coding",
    "Direction",
    "Feature",
    "FeatureKind",
    "FrameRule",
    "ThreatModel",
    "Units",
    "as_threat_model",
    "threat_for",
]
