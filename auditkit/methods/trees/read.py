"""Read: the trees of scikit-learn, LightGBM and XGBoost, classifiers and regressors, as a `TreeModel`.

Nothing is imported of the models' libraries: a model is recognised by the attributes that those document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import NotApplicable
from auditkit.methods.trees.model import Tree, TreeModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["read_trees"]

_DOUBLE, _SINGLE = (
    1e-11,
    2e-6,
)  # of the greatest sum of leaves: what sums in double and single precision may lose
_LIGHTGBM_ZERO = float(np.float32(1e-35))  # what LightGBM takes for 0
_CATEGORIES = (
    "its trees split on categories; only splits of numbers are read: code the categories before the model"
)


def read_trees(model: Any) -> TreeModel:
    """Return the trees of a fitted model.

    Parameters
    ----------
    model : estimator or booster
        A decision tree, random forest, extra trees, gradient boosting or histogram gradient boosting of scikit-learn; an
        estimator or booster of LightGBM or XGBoost. Forests give probabilities or values; boosting gives raw scores.
        Two classes have two probabilities, or one raw score: that of the second.

    Returns
    -------
    TreeModel
        Without its base: `TreeModel.based_on` gives it that.

    Raises
    ------
    NotApplicable
        If it is none of these, or splits on categories, or its leaves hold more than numbers.
    """
    for reader in (_scikit, _gradient, _histogram, _lightgbm, _xgboost):
        found = reader(model)
        if found is not None:
            return found
    raise NotApplicable(f"{type(model).__name__} is no sum of trees that can be read here")


def _scikit(model: Any) -> TreeModel | None:
    name = type(model).__name__
    several = name.startswith(("RandomForest", "ExtraTrees")) and hasattr(model, "estimators_")
    if not type(model).__module__.startswith("sklearn.") or not (several or hasattr(model, "tree_")):
        return None
    if getattr(model, "n_outputs_", 1) > 1:
        raise NotApplicable("it has several outputs, which is not read here")
    parts = list(model.estimators_) if several else [model]
    trees = []
    for one in parts:
        value = np.asarray(one.tree_.value, dtype=float)[:, 0, :]
        if hasattr(model, "classes_"):
            value = value / value.sum(axis=1, keepdims=True)
        trees.append(_of_arrays(one.tree_, value / len(parts)))
    return _together(trees, int(model.n_features_in_), single=True, loss=_DOUBLE)


def _gradient(model: Any) -> TreeModel | None:
    stages = getattr(model, "estimators_", None)
    if not type(model).__name__.startswith("GradientBoosting") or stages is None:
        return None
    k = stages.shape[1]
    trees = [
        _of_arrays(one.tree_, _in_column(one.tree_.value[:, 0, 0] * model.learning_rate, at, k))
        for stage in stages
        for at, one in enumerate(stage)
    ]
    return _together(trees, int(model.n_features_in_), single=True, loss=_DOUBLE)


def _of_arrays(tree: Any, value: Floats) -> Tree:
    left = np.asarray(tree.children_left, dtype=np.int64)
    goes = getattr(tree, "missing_go_to_left", np.zeros(len(left)))
    cover = tree.weighted_n_node_samples
    return _tree(left < 0, tree.feature, tree.threshold, left, tree.children_right, goes, value, cover)


def _tree(
    leaf: Any, feature: Any, threshold: Any, left: Any, right: Any, missing: Any, value: Any, cover: Any
) -> Tree:
    return Tree(
        np.where(leaf, -1, np.asarray(feature, dtype=np.int64)),
        np.asarray(threshold, dtype=float),
        np.where(leaf, -1, np.asarray(left, dtype=np.int64)),
        np.where(leaf, -1, np.asarray(right, dtype=np.int64)),
        np.asarray(missing, dtype=bool),
        np.where(np.asarray(leaf)[:, np.newaxis], value, 0.0),
        np.asarray(cover, dtype=float),
    )


def _histogram(model: Any) -> TreeModel | None:
    rounds = getattr(model, "_predictors", None)
    if not rounds or not hasattr(rounds[0][0], "nodes"):
        return None
    if np.any(getattr(model, "is_categorical_", False)):
        raise NotApplicable(_CATEGORIES)
    k = len(rounds[0])
    trees = []
    for stage in rounds:
        for at, one in enumerate(stage):
            nodes = one.nodes
            trees.append(
                _tree(
                    nodes["is_leaf"].astype(bool), nodes["feature_idx"], nodes["num_threshold"], nodes["left"].astype(np.int64),
                    nodes["right"].astype(np.int64), nodes["missing_go_to_left"], _in_column(nodes["value"], at, k),
                    nodes["count"],
                )
            )  # fmt: skip
    return _together(trees, int(model.n_features_in_), single=False, loss=_DOUBLE)


def _lightgbm(model: Any) -> TreeModel | None:
    booster = model if _is(model, "lightgbm") else getattr(model, "booster_", None)
    if booster is None or not _is(booster, "lightgbm"):
        return None
    dump = booster.dump_model()
    if dump.get("average_output"):
        raise NotApplicable("it averages its trees, which is not read here")
    k = int(dump["num_tree_per_iteration"])
    trees = [_lightgbm_tree(one["tree_structure"], at % k, k) for at, one in enumerate(dump["tree_info"])]
    width = int(dump["max_feature_idx"]) + 1
    return _together(trees, width, single=False, loss=_DOUBLE, zero=_LIGHTGBM_ZERO)


def _lightgbm_tree(root: dict[str, Any], place: int, k: int) -> Tree:
    nodes, below = [root], []
    for node in nodes:  # grows on the way
        children = [node[side] for side in ("left_child", "right_child") if side in node]
        below.append([len(nodes), len(nodes) + 1] if children else [-1, -1])
        nodes += children
    if any("leaf_coeff" in node or "leaf_const" in node for node in nodes):
        raise NotApplicable("its leaves hold linear models; only leaves of one value are read here")
    if any(node.get("decision_type", "<=") != "<=" for node in nodes):
        raise NotApplicable(_CATEGORIES)
    if any(node.get("missing_type") == "Zero" for node in nodes):
        raise NotApplicable("it was trained to take zero for missing, which is not read here")
    left, right = np.array(below).T
    # without missing values in training, a missing value counts as 0
    missing = [
        node["default_left"] if node.get("missing_type") == "NaN" else node.get("threshold", 0.0) >= 0
        for node in nodes
    ]
    value = _in_column(np.array([node.get("leaf_value", 0.0) for node in nodes]), place, k)
    cover = np.array([node.get("internal_count", node.get("leaf_count", 0)) for node in nodes])
    feature, threshold = ([node.get(key, 0) for node in nodes] for key in ("split_feature", "threshold"))
    return _tree(left < 0, feature, threshold, left, right, missing, value, cover)


def _xgboost(model: Any) -> TreeModel | None:
    dressed = getattr(model, "get_booster", None)
    booster = model if _is(model, "xgboost") else dressed() if dressed else None
    if booster is None or not _is(booster, "xgboost"):
        return None
    if dressed and not np.isnan(getattr(model, "missing", np.nan)):
        raise NotApplicable("it takes a number for missing, which is not read here")
    best = getattr(model, "best_iteration", None) if dressed and booster.attr("best_iteration") else None
    kept = booster if best is None else booster[: int(best) + 1]
    learner = json.loads(bytes(kept.save_raw(raw_format="json")))["learner"]
    inner = learner["gradient_booster"]
    if inner.get("name") != "gbtree":
        raise NotApplicable(f"a booster of the kind {inner.get('name')!r} is no plain sum of trees")
    groups, told = inner["model"]["tree_info"], learner["learner_model_param"]
    k = max(int(told.get("num_class", "0") or 0), int(told.get("num_target", "1") or 1), 1)
    raw = inner["model"]["trees"]
    trees = [_xgboost_tree(one, int(group), k) for one, group in zip(raw, groups, strict=True)]
    return _together(trees, int(told["num_feature"]), single=True, loss=_SINGLE)


def _xgboost_tree(one: dict[str, Any], place: int, k: int) -> Tree:
    if any(one["split_type"]) or one.get("categories"):
        raise NotApplicable(_CATEGORIES)
    if int(one["tree_param"].get("size_leaf_vector", "1") or 1) > 1:
        raise NotApplicable("its leaves hold several values, which is not read here")
    leaf = np.asarray(one["left_children"]) < 0
    told = np.asarray(one["split_conditions"], dtype=np.float32)
    # "below" in single precision is "at most the next number down"
    threshold = np.nextafter(told, np.float32(-np.inf)).astype(float)
    return _tree(
        leaf, one["split_indices"], threshold, one["left_children"], one["right_children"], one["default_left"],
        _in_column(told.astype(float), place, k), one["sum_hessian"],
    )  # fmt: skip


def _in_column(values: Any, place: int, k: int) -> Floats:
    out = np.zeros((len(values), k))
    out[:, place] = values
    return out


def _together(trees: list[Tree], width: int, *, single: bool, loss: float, zero: float = 0.0) -> TreeModel:
    if not trees:
        raise NotApplicable("it has no trees")
    reach = sum(float(np.abs(tree.value).max()) for tree in trees)
    base = np.zeros(trees[0].value.shape[1])
    return TreeModel(tuple(trees), base, width, single, loss * max(reach, 1.0), zero)


def _is(model: Any, library: str) -> bool:
    return type(model).__name__ == "Booster" and type(model).__module__.partition(".")[0] == library
