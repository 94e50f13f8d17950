"""Statistics: numbers with their doubt. Arrays in, arrays out; `docs/statistics.md` says what each is for."""

from __future__ import annotations

from auditkit.statistics.adverse_impact import Anova, anova, bayes_factor, picked_p_value, ratio_to_reference
from auditkit.statistics.attack_advantage import Advantage, advantage
from auditkit.statistics.attack_tests import auc_p_value, tpr_p_value
from auditkit.statistics.bootstrap import (
    Bootstrapped,
    Statistic,
    bootstrap_counts,
    bootstrap_difference,
    draw_counts,
)
from auditkit.statistics.calibration import (
    CalibrationError,
    Reliability,
    calibration_error,
    largest_calibration_gap,
    reliability,
)
from auditkit.statistics.calibration_change import CalibrationChange, calibration_change
from auditkit.statistics.changes import Change, Estimate, change, rate_change, rate_change_of_same_records
from auditkit.statistics.comparisons import (
    largest_distance,
    largest_mean_distance,
    smallest_mean_ratio_to_overall,
    smallest_ratio_to_overall,
)
from auditkit.statistics.control_cells import cells_moved
from auditkit.statistics.control_gaps import GapMoved, area_moved, gap_moved
from auditkit.statistics.control_limits import Moved, Part, Sums, mean_moved, rate_moved
from auditkit.statistics.control_recent import recent_area, recent_mean, recent_rate
from auditkit.statistics.cross_validated import Explained, cross_validated_auc, cross_validated_r2
from auditkit.statistics.detected_rates import DetectedRate, clustered_rate, corrected_rate
from auditkit.statistics.drift import (
    Apart,
    Stability,
    ks_distance,
    merged_cells,
    population_stability,
    rows_for_stability,
)
from auditkit.statistics.fit import Fit, fit_to_shares, ratios_to_shares
from auditkit.statistics.gaps import Gap, gap_bounds, largest_gap, ratio_bounds, smallest_ratio
from auditkit.statistics.hypothesis_tests import (
    ChiSquare,
    PermutationTest,
    Significance,
    chi_square,
    fisher_exact,
    permutation_test,
    two_proportion_z,
    welch_anova,
)
from auditkit.statistics.intervals import (
    Bounds,
    clopper_pearson,
    jeffreys,
    katz_ratio,
    mean_interval,
    mean_interval_of,
    newcombe,
    wilson,
)
from auditkit.statistics.mean_gaps import largest_mean_gap, smallest_mean_ratio
from auditkit.statistics.multiplicity import benjamini_hochberg, holm
from auditkit.statistics.no_difference import Tested, means_alike, range_tail, rates_alike, rates_near_overall
from auditkit.statistics.paired import (
    paired_difference,
    paired_differences_at_once,
    paired_gap,
    paired_gap_p_value,
    paired_p_value,
)
from auditkit.statistics.paired_changes import (
    mcnemar_mid_p,
    paired_auc_change,
    paired_mean_change,
    paired_rate_change,
)
from auditkit.statistics.paired_gaps import (
    MOST_PAIRED_GROUPS,
    joint_cells,
    paired_gap_change,
    paired_mean_gap_change,
)
from auditkit.statistics.paired_roc import AucDifference, paired_auc_difference, paired_tpr_bounds
from auditkit.statistics.power import (
    auc_standard_error,
    detectable_auc,
    detectable_difference,
    n_for_auc,
    n_for_difference,
    power_for_difference,
)
from auditkit.statistics.privacy_bounds import (
    EpsilonBound,
    one_run_epsilon,
    one_run_p_value,
    two_sample_epsilon,
)
from auditkit.statistics.privacy_guesses import Guesses, one_run_guesses, paired_guesses
from auditkit.statistics.ranking import largest_auc_gap, weighted_auc
from auditkit.statistics.recalibration import Recalibration, linear_recalibration, logistic_recalibration
from auditkit.statistics.reweighed import Reweighed, reweighed_difference
from auditkit.statistics.roc import Auc, Operating, Roc, auc, roc_curve, tpr_at_fpr
from auditkit.statistics.selective import (
    RiskCoverage,
    Selective,
    accuracy_at_coverage,
    aurc,
    risk_coverage,
)
from auditkit.statistics.simultaneous import bootstrap_gaps
from auditkit.statistics.slow_drift import (
    ewma_run_length,
    rate_given_reference,
    recent_moved,
    recent_part,
    recent_weights,
)
from auditkit.statistics.stratified import Homogeneity, PooledOdds, breslow_day, mantel_haenszel
from auditkit.statistics.weighted import Moments, effective_counts, group_moments, kish_size
from auditkit.statistics.welch import mean_difference

__all__ = [
    "MOST_PAIRED_GROUPS",
    "Advantage",
    "Anova",
    "Apart",
    "Auc",
    "AucDifference",
    "Bootstrapped",
    "Bounds",
    "CalibrationChange",
    "CalibrationError",
    "Change",
    "ChiSquare",
    "DetectedRate",
    "EpsilonBound",
    "Estimate",
    "Explained",
    "Fit",
    "Gap",
    "GapMoved",
    "Guesses",
    "Homogeneity",
    "Moments",
    "Moved",
    "Operating",
    "Part",
    "PermutationTest",
    "PooledOdds",
    "Recalibration",
    "Reliability",
    "Reweighed",
    "RiskCoverage",
    "Roc",
    "Selective",
    "Significance",
    "Stability",
    "Statistic",
    "Sums",
    "Tested",
    "accuracy_at_coverage",
    "advantage",
    "anova",
    "area_moved",
    "auc",
    "auc_p_value",
    "auc_standard_error",
    "aurc",
    "bayes_factor",
    "benjamini_hochberg",
    "bootstrap_counts",
    "bootstrap_difference",
    "bootstrap_gaps",
    "breslow_day",
    "calibration_change",
    "calibration_error",
    "cells_moved",
    "change",
    "chi_square",
    "clopper_pearson",
    "clustered_rate",
    "corrected_rate",
    "cross_validated_auc",
    "cross_validated_r2",
    "detectable_auc",
    "detectable_difference",
    "draw_counts",
    "effective_counts",
    "ewma_run_length",
    "fisher_exact",
    "fit_to_shares",
    "gap_bounds",
    "gap_moved",
    "group_moments",
    "holm",
    "jeffreys",
    "joint_cells",
    "katz_ratio",
    "kish_size",
    "ks_distance",
    "largest_auc_gap",
    "largest_calibration_gap",
    "largest_distance",
    "largest_gap",
    "largest_mean_distance",
    "largest_mean_gap",
    "linear_recalibration",
    "logistic_recalibration",
    "mantel_haenszel",
    "mcnemar_mid_p",
    "mean_difference",
    "mean_interval",
    "mean_interval_of",
    "mean_moved",
    "means_alike",
    "merged_cells",
    "n_for_auc",
    "n_for_difference",
    "newcombe",
    "one_run_epsilon",
    "one_run_guesses",
    "one_run_p_value",
    "paired_auc_change",
    "paired_auc_difference",
    "paired_difference",
    "paired_differences_at_once",
    "paired_gap",
    "paired_gap_change",
    "paired_gap_p_value",
    "paired_guesses",
    "paired_mean_change",
    "paired_mean_gap_change",
    "paired_p_value",
    "paired_rate_change",
    "paired_tpr_bounds",
    "permutation_test",
    "picked_p_value",
    "population_stability",
    "power_for_difference",
    "range_tail",
    "rate_change",
    "rate_change_of_same_records",
    "rate_given_reference",
    "rate_moved",
    "rates_alike",
    "rates_near_overall",
    "ratio_bounds",
    "ratio_to_reference",
    "ratios_to_shares",
    "recent_area",
    "recent_mean",
    "recent_moved",
    "recent_part",
    "recent_rate",
    "recent_weights",
    "reliability",
    "reweighed_difference",
    "risk_coverage",
    "roc_curve",
    "rows_for_stability",
    "smallest_mean_ratio",
    "smallest_mean_ratio_to_overall",
    "smallest_ratio",
    "smallest_ratio_to_overall",
    "tpr_at_fpr",
    "tpr_p_value",
    "two_proportion_z",
    "two_sample_epsilon",
    "weighted_auc",
    "welch_anova",
    "wilson",
]
