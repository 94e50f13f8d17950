"""Loading: subjects, models and tables from files that nobody trusts yet."""

from __future__ import annotations

from auditkit.loading.models import LoadedModel, load_model
from auditkit.loading.policy import default_policy, load_policy
from auditkit.loading.privacy_meter import read_privacy_meter, write_privacy_meter
from auditkit.loading.subject_file import load_subject, load_target
from auditkit.loading.tables import read_table
from auditkit.loading.weights import load_weights

__all__ = [
    "LoadedModel",
    "default_policy",
    "load_model",
    "load_policy",
    "load_subject",
    "load_target",
    "load_weights",
    "read_privacy_meter",
    "read_table",
    "write_privacy_meter",
]
