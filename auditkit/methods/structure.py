"""Structure: what a fitted model holds of single training rows, read off the model before anybody attacks it.

A tree with a leaf of one row answers with that row's label; nearest neighbours and kernel machines carry training rows inside
them. None of it proves that an attack succeeds, and a model without it may leak all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, NotApplicable
from auditkit.methods._model_parts import Part, parts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SUPPORTED", "Structure", "structure"]

SUPPORTED = (
    "scikit-learn's trees, forests, boosters, nearest neighbours, support vector machines, Gaussian processes, linear models, "
    "naive Bayes and multilayer perceptrons, LightGBM, XGBoost and torch modules, also within pipelines and meta-estimators"
)


@dataclass(frozen=True, slots=True)
class Structure:
    """What a fitted model holds of single training rows.

    Attributes
    ----------
    model, families : str, tuple of str
        The class of the model, and what it is made of: "trees", "nearest neighbours", "kernel machine", "linear model", ...
    n_rows, k : int
        Training rows, and the fewest rows a leaf should hold.
    stored_rows : int
        Training rows that stand in the model as they were (at least: of parts that store rows, the one with the most).
    stored_share : float
        The same as a share of the training rows.
    trees, leaves : int
        0 for models without trees.
    smallest_leaf : int or None
        Training rows in the smallest leaf; None without leaves, or where the model does not know.
    leaves_below : int or None
        Leaves of fewer than `k` rows.
    leaves_below_share, rows_below_share : float
        The same as a share of the leaves; and the share of training rows in such leaves, averaged over trees. ``nan``
        where `smallest_leaf` is None.
    parameters : int
        Numbers fitted from the data: thresholds and leaf values, coefficients, weights. Stored rows and the statistics of
        preprocessing are not counted.
    parameters_per_row : float
        The same for each training row.
    residual_degrees_of_freedom : int
        Training rows less parameters. Below 0 the model could have told every row apart.
    reason : str
        What could not be read, and what would help; empty otherwise.
    leaf_sizes : tuple of ndarray of int or None
        For each tree the training rows in each leaf; None where `smallest_leaf` is.
    """

    model: str
    families: tuple[str, ...]
    n_rows: int
    k: int
    stored_rows: int
    stored_share: float
    trees: int
    leaves: int
    smallest_leaf: int | None
    leaves_below: int | None
    leaves_below_share: float
    rows_below_share: float
    parameters: int
    parameters_per_row: float
    residual_degrees_of_freedom: int
    reason: str = ""
    leaf_sizes: tuple[NDArray[np.int64], ...] | None = field(default=None, repr=False, compare=False)


def structure(model: Any, n_rows: int, *, k: int = 5, X: Any = None) -> Structure:
    """Read off a fitted model what it holds of single training rows.

    Pipelines, searches, calibrated, bagged, voting and stacked models are unwrapped. Rows in leaves are those the model itself
    counted when it was trained: where each tree saw a sample of the rows (bagging, subsampling), the distinct
    rows of that sample.

    Parameters
    ----------
    model : estimator or booster
        Fitted; recognised by the attributes it has.
    n_rows : int
        Rows it was trained on.
    k : int
        The fewest rows a leaf should hold.
    X : table of shape (n_rows, columns), optional
        The training rows as the model takes them. Needed for XGBoost only, which keeps sums of second derivatives and not
        counts of rows (but for squared error without weights, where each is one).

    Returns
    -------
    Structure

    Raises
    ------
    NotApplicable
        If nothing is known of such a model; the message says of which.
    InputError
        Unless `n_rows` and `k` are at least 1.

    References
    ----------
    Residual degrees of freedom and k-anonymity as structural risks: Smith, Preen et al. 2022, "Safe machine learning model release
    from Trusted Research Environments: The SACRO-ML package", arXiv 2212.01233.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> tree = DecisionTreeClassifier().fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 1, 1])
    >>> found = structure(tree, 4, k=2)
    >>> found.leaves, found.smallest_leaf, found.leaves_below, found.rows_below_share
    (2, 1, 1, 0.25)
    """
    if n_rows < 1 or k < 1:
        raise InputError(f"n_rows and k must be at least 1, got {n_rows} and {k}")
    parts = parts_of(model, X)
    if not parts:
        raise NotApplicable(
            f"nothing is known of the inside of a {type(model).__name__}: supported are {SUPPORTED}"
        )
    stored = min(max(part.stored for part in parts), n_rows)
    parameters = sum(part.parameters for part in parts)
    sizes = _sizes(parts)
    smallest, below, below_share, rows_share = _leaves(sizes, k)
    return Structure(
        model=type(model).__name__,
        families=tuple(dict.fromkeys(part.family for part in parts)),
        n_rows=n_rows,
        k=k,
        stored_rows=stored,
        stored_share=stored / n_rows,
        trees=sum(part.trees for part in parts),
        leaves=sum(part.leaves for part in parts),
        smallest_leaf=smallest,
        leaves_below=below,
        leaves_below_share=below_share,
        rows_below_share=rows_share,
        parameters=parameters,
        parameters_per_row=parameters / n_rows,
        residual_degrees_of_freedom=n_rows - parameters,
        reason="; ".join(dict.fromkeys(part.reason for part in parts if part.reason)),
        leaf_sizes=sizes,
    )


def _sizes(parts: list[Part]) -> tuple[NDArray[np.int64], ...] | None:
    """Return the training rows in each leaf, a tree each; None without trees, or where a part does not know."""
    if any(part.trees and part.leaf_sizes is None for part in parts):
        return None
    return tuple(one for part in parts for one in part.leaf_sizes or ()) or None


def _leaves(
    trees: tuple[NDArray[np.int64], ...] | None, k: int
) -> tuple[int | None, int | None, float, float]:
    """Return the smallest leaf, the leaves below `k`, their share, and the share of rows in them, the mean over trees."""
    if trees is None:
        return None, None, float("nan"), float("nan")
    sizes = np.concatenate(trees)
    below = sizes < k
    rows = float(np.mean([one[one < k].sum() / one.sum() for one in trees]))
    return int(sizes.min()), int(below.sum()), float(below.mean()), rows
