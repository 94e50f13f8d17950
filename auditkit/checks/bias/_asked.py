"""Asked: what the test of a gap asks, how it was made, and which records it cannot do without."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from auditkit.statistics import Gap

__all__ = ["alike", "both_methods", "none_at_all"]

_SAME_TEST = {
    "demographic_parity": "selection_rate",
    "equal_opportunity": "true_positive_rate",
    "false_negative_rate": "true_positive_rate",
    "true_negative_rate": "false_positive_rate",
    "false_discovery_rate": "precision_score",
    "false_omission_rate": "negative_predictive_value",
    "accuracy": "accuracy_score",
    "mean_error": "mean_absolute_error",
}
_NEEDS = {
    "true_positive_rate": "truly positive",
    "false_positive_rate": "truly negative",
    "precision_score": "predicted positive",
    "negative_predictive_value": "predicted negative",
}


def alike(metric: str, over: str, *, to_all: bool = False) -> str:
    """Return what the test of a gap asks, in words: the same for the difference and the ratio, and in every check.

    Rates that are one less another (true positive and false negative rate) have one test.
    """
    base = _base(metric)
    return f"{_SAME_TEST.get(base, base)} alike over {over}" + (" and all records" if to_all else "")


def none_at_all(metric: str, records: np.ndarray) -> str:
    """Return which records a rate needs, where the data have none; empty where they have some, or it needs none in particular."""
    needs = _NEEDS.get(_SAME_TEST.get(_base(metric), _base(metric)), "")
    if records.any() or not needs:
        return ""
    base = _base(metric).replace("equal_opportunity", "true_positive_rate").removesuffix("_score")
    return f"no record is {needs}: a {base.replace('_', ' ')} cannot be measured"


def _base(metric: str) -> str:
    return metric.removesuffix("_difference").removesuffix("_ratio").removeprefix("standardised_")


def both_methods(tested: list[Gap]) -> str:
    """Return how the p-value of the surer of several gaps was made, or why there is none."""
    known = sorted((gap for gap in tested if not math.isnan(gap.p_value)), key=lambda gap: gap.p_value)
    more = f", Bonferroni over {len(tested)} rates" if len(tested) > 1 and known else ""
    return f"{(known or tested)[0].p_method}{more}"
