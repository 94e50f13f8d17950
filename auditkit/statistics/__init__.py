"""Statistics: numbers with their doubt. Arrays in, arrays out; `docs/statistics.md` says what each is for."""

from __future__ import annotations

from auditkit.statistics.bootstrap import Bootstrapped, bootstrap_counts, bootstrap_difference, draw_counts
from auditkit.statistics.gaps import (
    Gap,
    gap_bounds,
    largest_gap,
    ratio_bounds,
    smallest_ratio,
)
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
from auditkit.statistics.multiplicity import benjamini_hochberg
from auditkit.statistics.paired import paired_difference
from auditkit.statistics.power import (
    auc_standard_error,
    detectable_auc,
    detectable_difference,
    n_for_auc,
    n_for_difference,
    power_for_difference,
)
from auditkit.statistics.roc import Auc, Operating, Roc, auc, roc_curve, tpr_at_fpr

__all__ = [
    "Auc",
    "Bootstrapped",
    "Bounds",
    "ChiSquare",
    "Gap",
    "Operating",
    "PermutationTest",
    "Roc",
    "Significance",
    "auc",
    "auc_standard_error",
    "benjamini_hochberg",
    "bootstrap_counts",
    "bootstrap_difference",
    "chi_square",
    "clopper_pearson",
    "detectable_auc",
    "detectable_difference",
    "draw_counts",
    "fisher_exact",
    "gap_bounds",
    "jeffreys",
    "katz_ratio",
    "largest_gap",
    "largest_mean_gap",
    "mean_interval",
    "mean_interval_of",
    "n_for_auc",
    "n_for_difference",
    "newcombe",
    "paired_difference",
    "permutation_test",
    "power_for_difference",
    "ratio_bounds",
    "roc_curve",
    "smallest_mean_ratio",
    "smallest_ratio",
    "tpr_at_fpr",
    "two_proportion_z",
    "welch_anova",
    "wilson",
]
