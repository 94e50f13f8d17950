"""Ranges: between which values a metric lies, so that a limit beyond them is told and not judged by."""

from __future__ import annotations

__all__ = ["range_of"]

_OF_GROUPS = [
    "accuracy",
    "accuracy_score",
    "balanced_accuracy_score",
    "precision_score",
    "base_rate",
    "selection_rate",
    "demographic_parity",
    "equal_opportunity",
    "equalized_odds",
    "true_positive_rate",
    "true_negative_rate",
    "false_positive_rate",
    "false_negative_rate",
    "false_discovery_rate",
    "false_omission_rate",
    "negative_predictive_value",
]
_SHARES = [
    "attack_success_rate",
    "group_attack_success_rate",
    "adaptive_stopped_share",
    "attack_auc",
    "auc",
    "bnsp_auc",
    "bpsn_auc",
    "brier_score",
    "consistency",
    "consistency_chance",
    "correct_match_rate",
    "expected_calibration_error",
    "flip_gain_rate",
    "flip_loss_rate",
    "flip_rate",
    "gate_false_reject_rate",
    "group_attack_auc",
    "homogeneous_share",
    "joint_proxy_auc",
    "ll144_scoring_rate",
    "ll144_selection_rate",
    "ll144_unknown_share",
    "matched_flip_rate",
    "proxy_auc",
    "replayed_robust_accuracy",
    "replayed_stopped_share",
    "robust_accuracy_after",
    "robust_accuracy_before",
    "score_proxy_auc",
    "searched_unique_share",
    "slice_rate",
    "small_class_share",
    "small_leaf_row_share",
    "small_leaf_share",
    "stored_row_share",
    "t_closeness",
    "tpr_at_01pct_fpr",
    "tpr_at_10pct_fpr",
    "tpr_at_1pct_fpr",
    "unique_share",
]
_CHANGES = [
    "accuracy_cost",
    "accuracy_drop_missing",
    "accuracy_drop_noise",
    "attack_auc_difference",
    "attack_success_difference",
    "auc_difference",
    "brier_score_difference",
    "conditional_label_difference",
    "cross_auc_difference",
    "expected_calibration_error_difference",
    "membership_advantage",
    "robust_accuracy_gain",
    "worst_slice_difference",
]
_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys([*_OF_GROUPS, *_SHARES], (0.0, 1.0)),
    **{f"{name}_ratio": (0.0, 1.0) for name in _OF_GROUPS},
    **{f"{name}_difference": (-1.0, 1.0) for name in _OF_GROUPS},
    **dict.fromkeys(_CHANGES, (-1.0, 1.0)),
}


def range_of(metric: str) -> tuple[float, float] | None:
    """Return the least and the greatest value a metric of auditkit can take; None where it is open, or the metric is another's.

    Examples
    --------
    >>> range_of("demographic_parity_ratio"), range_of("k_anonymity")
    ((0.0, 1.0), None)
    """
    return _RANGES.get(metric)
