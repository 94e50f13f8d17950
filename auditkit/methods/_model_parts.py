"""Parts of a fitted model: its trees with the rows in their leaves, the rows it stores, the numbers it fitted.

Nothing is imported of the models' libraries: parts are recognised by the attributes that those document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["Part", "parts_of"]

_NO_COUNTS = "XGBoost keeps no counts of rows in leaves: give X, the training rows as the model takes them"


@dataclass(frozen=True, slots=True)
class Part:
    """One model without others inside.

    Attributes
    ----------
    family : str
        What it is.
    stored : int
        Training rows kept verbatim.
    trees, leaves : int
        How many.
    leaf_sizes : tuple of ndarray of int or None
        For each tree the training rows in each leaf; None where unknown.
    parameters : int
        Numbers fitted from the data.
    reason : str
        What is unknown and why.
    """

    family: str
    stored: int = 0
    trees: int = 0
    leaves: int = 0
    leaf_sizes: tuple[NDArray[np.int64], ...] | None = None
    parameters: int = 0
    reason: str = ""


def parts_of(model: Any, X: Any = None) -> list[Part]:
    """Return the parts of a model, those within pipelines and meta-estimators included; none where nothing is known.

    Parameters
    ----------
    model : estimator or booster
        Fitted.
    X : table, optional
        Training rows as the model takes them.
    """
    inner = _inner(model, X)
    if inner:
        return [part for one, rows in inner for part in parts_of(one, rows)]
    for read in _READERS:
        part = read(model, X)
        if part is not None:
            return [part]
    return []


def _inner(model: Any, X: Any) -> list[tuple[Any, Any]]:
    """Return the models within a model, each with the rows it was given."""
    if hasattr(model, "steps"):
        return list(_piped(model, X))
    if hasattr(model, "transformers_"):
        return [(one, None) for _, one, _ in model.transformers_]
    for name in ("calibrated_classifiers_", "estimators_", "predictors_"):
        several = getattr(model, name, None)
        if several is not None:
            rows = None if hasattr(model, "estimators_features_") else X
            # boosters hold an array of trees, rounds by classes
            flat = several.ravel() if isinstance(several, np.ndarray) else list(several)
            last = getattr(model, "final_estimator_", None)
            return [(one, rows) for one in flat] + ([] if last is None else [(last, None)])
    for name in ("best_estimator_", "regressor_", "estimator_", "base_estimator_", "estimator"):
        one = getattr(model, name, None)
        if one is not None and not isinstance(one, str):
            return [(one, X)]
    return []


def _piped(model: Any, X: Any) -> Iterator[tuple[Any, Any]]:
    rows = X
    for place, (_, one) in enumerate(model.steps):
        if one is None or isinstance(one, str):
            continue
        yield one, rows
        if rows is not None and place + 1 < len(model.steps):
            # samplers (imbalanced-learn) change rows in training alone
            rows = one.transform(rows) if hasattr(one, "transform") else rows


def _sklearn_tree(model: Any, _: Any) -> Part | None:
    tree = getattr(model, "tree_", None)
    if tree is None or not hasattr(tree, "children_left"):
        return None
    leaf = np.asarray(tree.children_left) == -1
    sizes = np.asarray(tree.n_node_samples, dtype=np.int64)[leaf]
    classes = getattr(model, "n_classes_", None)  # regressors have none
    values = int(tree.n_outputs) if classes is None else int(np.maximum(np.atleast_1d(classes) - 1, 1).sum())
    splits = int((~leaf).sum())
    return Part("trees", 0, 1, sizes.size, (sizes,), splits + values * sizes.size)


def _histogram_booster(model: Any, _: Any) -> Part | None:
    rounds = getattr(model, "_predictors", None)
    if not rounds or not hasattr(rounds[0][0], "nodes"):
        return None
    nodes = [tree.nodes for trees in rounds for tree in trees]
    return _grown([one["count"][one["is_leaf"].astype(bool)] for one in nodes])


def _lightgbm(model: Any, _: Any) -> Part | None:
    booster = _booster(model, "lightgbm", "booster_")
    if booster is None:
        return None
    sizes = []
    for tree in booster.dump_model()["tree_info"]:
        leaves = _walk(
            tree["tree_structure"], lambda node: [node[s] for s in ("left_child", "right_child") if s in node]
        )
        sizes.append(np.array([leaf["leaf_count"] for leaf in leaves]))
    return _grown(sizes)


def _xgboost(model: Any, X: Any) -> Part | None:
    booster = _booster(model, "xgboost", "get_booster")
    if booster is None:
        return None
    dumped = [json.loads(text) for text in booster.get_dump(with_stats=True, dump_format="json")]
    if dumped and "weight" in dumped[0]:
        return Part("linear model", parameters=len(dumped[0]["weight"]) + len(dumped[0]["bias"]))
    leaves = [_walk(tree, lambda node: node.get("children", [])) for tree in dumped]
    found = sum(map(len, leaves))
    parameters = 2 * found - len(leaves)
    if X is not None:
        ends = np.asarray(_ends(model, booster, X))
        ends = ends.reshape(ends.shape[0], -1)
        sizes = tuple(np.unique(tree, return_counts=True)[1].astype(np.int64) for tree in ends.T)
    elif _are_counts(booster, leaves):
        sizes = tuple(np.array([leaf["cover"] for leaf in tree]).astype(np.int64) for tree in leaves)
    else:
        return Part("trees", 0, len(leaves), found, None, parameters, _NO_COUNTS)
    return Part("trees", 0, len(leaves), found, sizes, parameters)


def _stored_rows(model: Any, _: Any) -> Part | None:
    for name, family in (
        ("_fit_X", "nearest neighbours"),
        ("X_train_", "kernel machine"),
        ("X_fit_", "kernel machine"),
        ("X_", "stored rows"),
    ):
        rows = getattr(model, name, None)
        if rows is not None and getattr(rows, "ndim", 0) == 2:
            return Part(family, stored=rows.shape[0], parameters=_count(model, ("dual_coef_",)))
    if hasattr(model, "component_indices_"):
        return Part("kernel machine", stored=len(model.component_indices_))
    rows = getattr(
        getattr(model, "tree_", None), "data", None
    )  # the ball tree or k-d tree of a kernel density
    return None if rows is None else Part("kernel machine", stored=np.asarray(rows).shape[0])


def _support_vectors(model: Any, _: Any) -> Part | None:
    if not hasattr(model, "support_vectors_"):
        return None
    return Part(
        "kernel machine",
        stored=model.support_vectors_.shape[0],
        parameters=_count(model, ("dual_coef_", "intercept_")),
    )


def _fitted_numbers(model: Any, _: Any) -> Part | None:
    for family, names in (
        ("linear model", ("coef_", "intercept_")),
        ("neural network", ("coefs_", "intercepts_")),
        ("naive Bayes", ("theta_", "var_", "class_prior_")),
        ("naive Bayes", ("feature_log_prob_", "class_log_prior_")),
    ):
        if hasattr(model, names[0]):
            return Part(family, parameters=_count(model, names))
    return None


def _torch(model: Any, _: Any) -> Part | None:
    if not (hasattr(model, "state_dict") and callable(getattr(model, "parameters", None))):
        return None
    return Part("neural network", parameters=sum(int(one.numel()) for one in model.parameters()))


_READERS: tuple[Callable[[Any, Any], Part | None], ...] = (
    _sklearn_tree,
    _histogram_booster,
    _lightgbm,
    _xgboost,
    _support_vectors,
    _stored_rows,
    _fitted_numbers,
    _torch,
)


def _grown(sizes: list[NDArray[Any]]) -> Part:
    """Return the part for trees of one value a leaf: a tree of that many leaves has one split fewer."""
    counts = tuple(np.asarray(one, dtype=np.int64) for one in sizes)
    leaves = sum(one.size for one in counts)
    return Part("trees", 0, len(counts), leaves, counts, 2 * leaves - len(counts))


def _booster(model: Any, library: str, name: str) -> Any:
    """Return the library's Booster, bare or within its scikit-learn dress; None for other models."""
    if type(model).__name__ == "Booster" and type(model).__module__.partition(".")[0] == library:
        return model
    dressed = getattr(model, name, None)
    return dressed() if callable(dressed) else dressed


def _walk(
    root: dict[str, Any], children: Callable[[dict[str, Any]], list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the leaves of a tree of dicts, without recursion: trees may be deep."""
    leaves, left = [], [root]
    while left:
        node = left.pop()
        below = children(node)
        left.extend(below)
        if not below:
            leaves.append(node)
    return leaves


def _are_counts(booster: Any, leaves: list[list[dict[str, Any]]]) -> bool:
    """Return whether XGBoost's cover, a sum of second derivatives times weights, counts rows: each is then 1."""
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    cover = np.array([leaf["cover"] for tree in leaves for leaf in tree])
    return bool(objective == "reg:squarederror" and (cover == np.floor(cover)).all())


def _ends(model: Any, booster: Any, X: Any) -> Any:
    """Return the leaf of each row in each tree of an XGBoost model."""
    if model is not booster:
        return model.apply(X)
    import xgboost

    return booster.predict(xgboost.DMatrix(X, enable_categorical=True), pred_leaf=True)


def _count(model: Any, names: tuple[str, ...]) -> int:
    """Return how many numbers the named attributes hold; those a model lacks hold none."""
    total = 0
    for name in names:
        held = getattr(model, name, None)
        blocks = held if isinstance(held, (list, tuple)) else [held]
        # sparse arrays count what they store; a lone number is one
        total += sum(int(getattr(one, "size", 1)) for one in blocks if one is not None)
    return total
