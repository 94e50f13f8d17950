"""Privacy: what model and data give away about the people in them. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.privacy.anonymity import data_anonymity
from auditkit.checks.privacy.attributes import attribute_inference
from auditkit.checks.privacy.structure import model_structure

__all__ = ["attribute_inference", "data_anonymity", "model_structure"]
