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
    "accuracy_at_80pct_coverage",
    "accuracy_without_twins",
    "adversarial_accuracy",
    "attack_auc",
    "attack_success_rate",
    "auc",
    "aurc",
    "black_box_only_rate",
    "bnsp_auc",
    "bpsn_auc",
    "brier_score",
    "confident_out_of_range_rate",
    "consistency",
    "consistency_chance",
    "contradiction_share",
    "correct_match_rate",
    "domain_auc",
    "duplicate_share",
    "expected_calibration_error",
    "extraction_fidelity",
    "flip_gain_rate",
    "flip_loss_rate",
    "flip_rate",
    "gradient_attack_success_rate",
    "group_attack_auc",
    "group_attack_success_rate",
    "homogeneous_share",
    "joint_proxy_auc",
    "label_noise_rate",
    "label_noise_rate_resampled",
    "leaky_feature_auc",
    "ll144_scoring_rate",
    "ll144_selection_rate",
    "ll144_unknown_share",
    "matched_flip_rate",
    "mean_corruption_error",
    "near_duplicate_share",
    "proxy_auc",
    "score_attack_success_rate",
    "score_proxy_auc",
    "searched_unique_share",
    "silent_fault_share",
    "slice_rate",
    "small_class_share",
    "small_leaf_row_share",
    "small_leaf_share",
    "stored_row_share",
    "surest_disagreement",
    "surrogate_accuracy",
    "t_closeness",
    "tpr_at_01pct_fpr",
    "tpr_at_10pct_fpr",
    "tpr_at_1pct_fpr",
    "training_duplicate_share",
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
    "calibration_error_increase_noise",
    "conditional_label_difference",
    "cross_auc_difference",
    "duplicate_share_excess",
    "expected_calibration_error_difference",
    "extraction_advantage",
    "label_noise_excess",
    "leaky_feature_lead",
    "mean_fault_accuracy_drop",
    "membership_advantage",
    "named_shift_accuracy_drop",
    "shifted_accuracy_drop",
    "twin_accuracy_difference",
    "worst_fault_accuracy_drop",
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
