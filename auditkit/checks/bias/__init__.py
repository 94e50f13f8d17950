"""Bias: whom the model treats differently. One module a subject; every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.bias.adverse_impact import adverse_impact
from auditkit.checks.bias.calibration import calibration_by_group
from auditkit.checks.bias.flips import counterfactual_flips
from auditkit.checks.bias.groups import demographic_parity, error_rates
from auditkit.checks.bias.labels import label_bias
from auditkit.checks.bias.ll144 import nyc_ll144
from auditkit.checks.bias.metrics import group_metrics
from auditkit.checks.bias.neighbours import consistency
from auditkit.checks.bias.proxies import proxies
from auditkit.checks.bias.ranking import ranking_by_group
from auditkit.checks.bias.slices import worst_slice
from auditkit.checks.bias.thresholds import threshold_sweep

__all__ = [
    "adverse_impact",
    "calibration_by_group",
    "consistency",
    "counterfactual_flips",
    "demographic_parity",
    "error_rates",
    "group_metrics",
    "label_bias",
    "nyc_ll144",
    "proxies",
    "ranking_by_group",
    "threshold_sweep",
    "worst_slice",
]
