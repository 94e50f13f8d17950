"""Ranges: between which values a metric lies, so that a limit beyond them is told and not judged by; and which metrics are counts."""

from __future__ import annotations

__all__ = ["is_count", "range_of", "read_whole"]

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
    "activation_cluster_share",
    "adaptive_stopped_share",
    "adversarial_accuracy",
    "art_attack_success_rate",
    "attack_auc",
    "attack_success_rate",
    "attacked_accuracy",
    "auc",
    "aurc",
    "black_box_only_rate",
    "bnsp_auc",
    "bpsn_auc",
    "brier_score",
    "certified_accuracy",
    "confident_out_of_range_rate",
    "consistency",
    "consistency_chance",
    "contradiction_share",
    "correct_match_rate",
    "distillation_accuracy",
    "distillation_attack_auc",
    "distillation_feature_agreement",
    "distillation_fidelity",
    "distillation_robust_accuracy",
    "domain_auc",
    "drift_ks",
    "drifted_column_share",
    "duplicate_share",
    "encoding_success_counted_rate",
    "encoding_success_open_rate",
    "encoding_success_rate",
    "error_detection_auc",
    "error_predictability_auc",
    "error_rate",
    "expected_calibration_error",
    "extraction_fidelity",
    "feature_agreement",
    "flip_gain_rate",
    "flip_loss_rate",
    "flip_rate",
    "forbidden_answer_counted_rate",
    "forbidden_answer_open_rate",
    "forbidden_answer_rate",
    "garak_hit_rate",
    "garak_unreliable_hit_rate",
    "gate_false_reject_rate",
    "generalisation_loss",
    "generalised_homogeneous_share",
    "gradient_attack_success_rate",
    "group_attack_auc",
    "group_attack_success_rate",
    "harmful_share",
    "homogeneous_share",
    "independent_duplicate_share",
    "injection_success_counted_rate",
    "injection_success_open_rate",
    "injection_success_rate",
    "joint_proxy_auc",
    "label_noise_rate",
    "label_noise_rate_resampled",
    "leaf_error_rate",
    "leak_success_counted_rate",
    "leak_success_open_rate",
    "leak_success_rate",
    "leaky_feature_auc",
    "ll144_scoring_rate",
    "ll144_selection_rate",
    "ll144_unknown_share",
    "matched_flip_rate",
    "mean_corruption_error",
    "near_duplicate_share",
    "needless_refusal_counted_rate",
    "needless_refusal_open_rate",
    "needless_refusal_rate",
    "neighbour_agreement",
    "neighbour_agreement_chance",
    "opposite_effect_share",
    "ordinary_value_success_rate",
    "personal_data_echo_counted_rate",
    "personal_data_echo_open_rate",
    "personal_data_echo_rate",
    "personal_record_share",
    "prototype_fidelity",
    "proxy_auc",
    "proxy_importance_share",
    "recourse_rate",
    "refusal_inconsistency_rate",
    "replayed_robust_accuracy",
    "replayed_stopped_share",
    "robust_accuracy_after",
    "robust_accuracy_before",
    "score_attack_success_rate",
    "score_drift_ks",
    "score_proxy_auc",
    "searched_unique_share",
    "sensitive_importance_share",
    "silent_fault_share",
    "slice_rate",
    "small_class_share",
    "small_leaf_row_share",
    "small_leaf_share",
    "smoothed_accuracy",
    "smoothed_certified_accuracy",
    "spectral_outlier_share",
    "stored_row_share",
    "surest_disagreement",
    "surrogate_accuracy",
    "surrogate_agreement",
    "t_closeness",
    "table_unique_share",
    "top_inputs_stability",
    "tpr_at_01pct_fpr",
    "tpr_at_10pct_fpr",
    "tpr_at_1pct_fpr",
    "training_duplicate_share",
    "transfer_success_rate",
    "trigger_pattern_share",
    "trigger_success_rate",
    "unique_share",
    "unsafe_output_counted_rate",
    "unsafe_output_open_rate",
    "unsafe_output_rate",
]
_CHANGES = [
    "base_rate_change",
    "calibration_in_the_large_change",
    "decision_rate_change",
    "accuracy_cost",
    "accuracy_drop_missing",
    "accuracy_drop_noise",
    "activation_cluster_excess",
    "attack_auc_difference",
    "attack_success_difference",
    "auc_difference",
    "brier_score_difference",
    "calibration_error_increase_noise",
    "conditional_label_difference",
    "cross_auc_difference",
    "distillation_accuracy_cost",
    "distillation_attack_auc_reduction",
    "distillation_explanation_agreement",
    "distillation_robust_accuracy_cost",
    "duplicate_share_excess",
    "expected_calibration_error_difference",
    "explainer_agreement",
    "explanation_rank_stability",
    "explanation_stability",
    "extraction_advantage",
    "global_explainer_agreement",
    "harmful_share_excess",
    "label_noise_excess",
    "leaky_feature_lead",
    "left_out_accuracy_change",
    "mean_fault_accuracy_drop",
    "membership_advantage",
    "named_shift_accuracy_drop",
    "prototype_advantage",
    "randomisation_similarity",
    "recourse_rate_difference",
    "robust_accuracy_gain",
    "shifted_accuracy_drop",
    "spectral_outlier_excess",
    "transfer_success_difference",
    "trigger_isolation",
    "twin_accuracy_difference",
    "worst_fault_accuracy_drop",
    "worst_slice_difference",
]
_READ_WHOLE = frozenset(
    [
        "asked_names",
        "cells_not_read",
        "configuration_faults",
        "distinct_secrets",
        "file_refusals",
        "identifying_columns",
        "packages_named",
        "packages_of_unknown_licence",
        "packages_of_unknown_version",
        "packages_with_advisories",
        "perhaps_vulnerable_packages",
        "personal_data_found",
        "risky_calls_high",
        "risky_calls_low",
        "risky_calls_medium",
        "secrets_found",
        "serious_advisories",
        "serious_configuration_faults",
        "special_columns",
        "unlisted_names",
        "vulnerable_packages",
    ]
)  # of files that were read to their end: nothing was drawn, and chance moves nothing
_COUNTS = _READ_WHOLE | {
    "generalised_k_anonymity",
    "k_anonymity",
    "l_diversity",
    "smallest_leaf",
    "surrogate_leaves",
    "table_k_anonymity",
}
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


def is_count(metric: str) -> bool:
    """Return whether a metric is a count of what was read or of the rows themselves: whole, exact, with no interval.

    Examples
    --------
    >>> is_count("secrets_found"), is_count("k_anonymity"), is_count("accuracy")
    (True, True, False)
    """
    return metric in _COUNTS


def read_whole(metric: str) -> bool:
    """Return whether a count is of files that were read to their end, so that another value is another content and never chance.

    Examples
    --------
    >>> read_whole("secrets_found"), read_whole("k_anonymity")
    (True, False)
    """
    return metric in _READ_WHOLE
