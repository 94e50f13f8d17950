"""Drift: whether the test rows, and what the model says of them, have moved away from the rows it was trained on."""

from __future__ import annotations

from auditkit.checks.drift.inputs import data_drift
from auditkit.checks.drift.outputs import output_drift

__all__ = ["data_drift", "output_drift"]
