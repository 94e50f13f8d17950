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
    "accuracy_without_twins",
    "activation_cluster_share",
    "attack_success_rate",
    "group_attack_success_rate",
    "attack_auc",
    "auc",
    "bnsp_auc",
    "bpsn_auc",
    "brier_score",
    "consistency",
    "consistency_chance",
    "contradiction_share",
    "correct_match_rate",
    "duplicate_share",
    "expected_calibration_error",
    "flip_gain_rate",
    "flip_loss_rate",
    "flip_rate",
    "group_attack_auc",
    "harmful_share",
    "homogeneous_share",
    "independent_duplicate_share",
    "joint_proxy_auc",
    "label_noise_rate",
    "label_noise_rate_resampled",
    "leaky_feature_auc",
    "ll144_scoring_rate",
    "ll144_selection_rate",
    "ll144_unknown_share",
    "matched_flip_rate",
    "near_duplicate_share",
    "ordinary_value_success_rate",
    "proxy_auc",
    "score_proxy_auc",
    "searched_unique_share",
    "slice_rate",
    "small_class_share",
    "small_leaf_row_share",
    "small_leaf_share",
    "spectral_outlier_share",
    "stored_row_share",
    "surest_disagreement",
    "t_closeness",
    "tpr_at_01pct_fpr",
    "tpr_at_10pct_fpr",
    "tpr_at_1pct_fpr",
    "training_duplicate_share",
    "trigger_pattern_share",
    "trigger_success_rate",
    "unique_share",
]
_CHANGES = [
    "accuracy_cost",
    "activation_cluster_excess",
    "accuracy_drop_missing",
    "accuracy_drop_noise",
    "attack_auc_difference",
    "attack_success_difference",
    "auc_difference",
    "brier_score_difference",
    "conditional_label_difference",
    "cross_auc_difference",
    "duplicate_share_excess",
    "expected_calibration_error_difference",
    "harmful_share_excess",
    "label_noise_excess",
    "leaky_feature_lead",
    "left_out_accuracy_change",
    "membership_advantage",
    "spectral_outlier_excess",
    "trigger_isolation",
    "twin_accuracy_difference",
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
