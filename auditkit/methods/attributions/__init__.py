"""Attributions: how much of a model's output, or of its error, is owed to each feature.

Every call to the model is batched: many changed copies of the rows are stacked and asked at once.
"""

from auditkit.methods.attributions.enumerated import enumerated_calls, enumerated_rows, enumerated_shapley
from auditkit.methods.attributions.flips import flip
from auditkit.methods.attributions.gradients import PathEstimate, expected_gradients
from auditkit.methods.attributions.linear import linear_shap
from auditkit.methods.attributions.permutation import Shuffled, permutation_importance, shuffled
from auditkit.methods.attributions.shapley import ShapleyEstimate, sampled_calls, sampled_shapley
from auditkit.methods.attributions.sums import additivity_error, mean_abs
from auditkit.methods.attributions.tree_tables import leaf_tables, product_law
from auditkit.methods.attributions.trees import TreeShapley, tables_pay, tree_shapley

__all__ = [
    "PathEstimate",
    "ShapleyEstimate",
    "Shuffled",
    "TreeShapley",
    "additivity_error",
    "enumerated_calls",
    "enumerated_rows",
    "enumerated_shapley",
    "expected_gradients",
    "flip",
    "leaf_tables",
    "linear_shap",
    "mean_abs",
    "permutation_importance",
    "product_law",
    "sampled_calls",
    "sampled_shapley",
    "shuffled",
    "tables_pay",
    "tree_shapley",
]
