"""Read: the trees of scikit-learn, LightGBM and XGBoost as a `TreeModel`.

Nothing is imported of the models' libraries: a model is recognised by the attributes that those document.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import NotApplicable
from auditkit.methods.evasion.trees.model import Tree, TreeModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["read_trees"]

_DOUBLE, _SINGLE = (
    1e-11,
    1e-6,
)  # of the greatest sum of leaves: what sums in double and single precision may lose
_LIGHTGBM_ZERO = float(np.float32(1e-35))  # what LightGBM takes for 0


def read_trees(model: Any) -> tuple[TreeModel, Callable[[Any], NDArray[np.float64]]]:
    """Return the trees of a fitted classifier, and the function by which it gives the scores that they add up to.

    Parameters
    ----------
    model : estimator or booster
        A decision tree, random forest, extra trees, gradient boosting or histogram gradient boosting of scikit-learn; a
        classifier or booster of LightGBM or XGBoost. Two classes with one score get the score 0 for the first.

    Returns
    -------
    TreeModel
        Without its base: give it that by `TreeModel.based_on`.
    callable
        Takes the model's input, gives scores (n, k).

    Raises
    ------
    NotApplicable
        If it is none of these, or splits on categories, or adds more than constants.
    """
    for reader in (_scikit, _gradient, _histogram, _lightgbm, _xgboost):
        found = reader(model)
        if found is not None:
            return found
    raise NotApplicable(f"{type(model).__name__} is no sum of trees that can be read here")


def _scikit(model: Any) -> tuple[TreeModel, Callable[[Any], Any]] | None:
    name = type(model).__name__
    single = hasattr(model, "tree_") and hasattr(model, "predict_proba")
    several = name.startswith(("RandomForest", "ExtraTrees")) and hasattr(model, "classes_")
    if not type(model).__module__.startswith("sklearn.") or not (single or several):
        return None
    parts = [model] if single else list(model.estimators_)
    trees = []
    for one in parts:
        counts = np.asarray(one.tree_.value, dtype=float)[:, 0, :]
        trees.append(_of_arrays(one.tree_, counts / counts.sum(axis=1, keepdims=True) / len(parts)))
    return _together(trees, int(model.n_features_in_), single=True, loss=_DOUBLE), model.predict_proba


def _gradient(model: Any) -> tuple[TreeModel, Callable[[Any], Any]] | None:
    if not type(model).__name__.startswith("GradientBoostingClassifier"):
        return None
    stages = np.asarray(model.estimators_)
    width = stages.shape[1]
    trees = []
    for stage in stages:
        for place, one in enumerate(stage):
            column = np.asarray(one.tree_.value, dtype=float)[:, 0, 0] * model.learning_rate
            trees.append(_of_arrays(one.tree_, _in_column(column, place, width)))
    return _together(trees, int(model.n_features_in_), single=True, loss=_DOUBLE), _decided(model)


def _of_arrays(tree: Any, value: NDArray[np.float64]) -> Tree:
    left = np.asarray(tree.children_left, dtype=np.int64)
    leaf = left < 0
    goes = getattr(tree, "missing_go_to_left", np.zeros(len(left)))
    return Tree(
        np.where(leaf, -1, np.asarray(tree.feature, dtype=np.int64)),
        np.asarray(tree.threshold, dtype=float),
        np.where(leaf, -1, left),
        np.where(leaf, -1, np.asarray(tree.children_right, dtype=np.int64)),
        np.asarray(goes, dtype=bool),
        np.where(leaf[:, None], value, 0.0),
    )


def _histogram(model: Any) -> tuple[TreeModel, Callable[[Any], Any]] | None:
    rounds = getattr(model, "_predictors", None)
    if not rounds or not hasattr(rounds[0][0], "nodes") or not hasattr(model, "classes_"):
        return None
    if np.any(getattr(model, "is_categorical_", False)):
        raise NotApplicable(
            "its trees split on categories; only splits of numbers are read: code the categories before the model"
        )
    width = len(rounds[0])
    trees = []
    for stage in rounds:
        for place, one in enumerate(stage):
            nodes = one.nodes
            leaf = nodes["is_leaf"].astype(bool)
            trees.append(
                Tree(
                    np.where(leaf, -1, nodes["feature_idx"].astype(np.int64)),
                    nodes["num_threshold"].astype(float),
                    np.where(leaf, -1, nodes["left"].astype(np.int64)),
                    np.where(leaf, -1, nodes["right"].astype(np.int64)),
                    nodes["missing_go_to_left"].astype(bool),
                    _in_column(np.where(leaf, nodes["value"], 0.0), place, width),
                )
            )
    return _together(trees, int(model.n_features_in_), single=False, loss=_DOUBLE), _decided(model)


def _lightgbm(model: Any) -> tuple[TreeModel, Callable[[Any], Any]] | None:
    booster = model if _is(model, "lightgbm") else getattr(model, "booster_", None)
    if (
        booster is None
        or not _is(booster, "lightgbm")
        or (booster is not model and not hasattr(model, "classes_"))
    ):
        return None
    dump = booster.dump_model()
    width = int(dump["num_tree_per_iteration"])
    trees = []
    for place, one in enumerate(dump["tree_info"]):
        flat = _flattened(
            one["tree_structure"], lambda node: [node[s] for s in ("left_child", "right_child") if s in node]
        )
        trees.append(_lightgbm_tree(flat, place % width, width))
    columns = int(dump["max_feature_idx"]) + 1

    def scores(Z: Any) -> Any:
        return _two(np.asarray(model.predict(Z, raw_score=True), dtype=float))

    return replace(_together(trees, columns, single=False, loss=_DOUBLE), zero=_LIGHTGBM_ZERO), scores


def _lightgbm_tree(flat: list[tuple[dict[str, Any], list[int]]], place: int, width: int) -> Tree:
    m = len(flat)
    feature, threshold, missing = np.full(m, -1), np.zeros(m), np.zeros(m, dtype=bool)
    leaves = np.zeros(m)
    for at, (node, below) in enumerate(flat):
        if not below:
            if "leaf_coeff" in node or "leaf_const" in node:
                raise NotApplicable("its leaves hold linear models; only leaves of one value are read")
            leaves[at] = node["leaf_value"]
            continue
        if node["decision_type"] != "<=":
            raise NotApplicable(
                "its trees split on categories; only splits of numbers are read: code the categories before the model"
            )
        if node["missing_type"] == "Zero":
            raise NotApplicable("it was trained to take zero for missing, which is not read here")
        feature[at], threshold[at] = node["split_feature"], node["threshold"]
        # without missing values in training, a missing value counts as 0
        missing[at] = node["default_left"] if node["missing_type"] == "NaN" else threshold[at] >= 0
    left, right = _children(flat)
    return Tree(feature, threshold, left, right, missing, _in_column(leaves, place, width))


def _xgboost(model: Any) -> tuple[TreeModel, Callable[[Any], Any]] | None:
    dressed = getattr(model, "get_booster", None)
    booster = (
        model if _is(model, "xgboost") else dressed() if dressed and hasattr(model, "classes_") else None
    )
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
    groups = inner["model"]["tree_info"]
    width = max(int(learner["learner_model_param"].get("num_class", "0") or 0), 1)
    trees = [
        _xgboost_tree(one, group, width) for one, group in zip(inner["model"]["trees"], groups, strict=True)
    ]
    columns = int(learner["learner_model_param"]["num_feature"])

    def scores(Z: Any) -> Any:
        if dressed:
            return _two(np.asarray(model.predict(Z, output_margin=True), dtype=float))
        import xgboost

        matrix = (
            Z if isinstance(Z, xgboost.DMatrix) else xgboost.DMatrix(Z, feature_names=booster.feature_names)
        )
        return _two(np.asarray(booster.predict(matrix, output_margin=True), dtype=float))

    return _together(trees, columns, single=True, loss=_SINGLE), scores


def _xgboost_tree(one: dict[str, Any], group: int, width: int) -> Tree:
    if any(one["split_type"]) or one.get("categories"):
        raise NotApplicable(
            "its trees split on categories; only splits of numbers are read: code the categories before the model"
        )
    if int(one["tree_param"].get("size_leaf_vector", "1") or 1) > 1:
        raise NotApplicable("its leaves hold several values, which is not read here")
    left = np.asarray(one["left_children"], dtype=np.int64)
    leaf = left < 0
    told = np.asarray(one["split_conditions"], dtype=np.float32)
    # "below" in single precision is "at most the next number down"
    threshold = np.nextafter(told, np.float32(-np.inf)).astype(float)
    return Tree(
        np.where(leaf, -1, np.asarray(one["split_indices"], dtype=np.int64)),
        threshold,
        np.where(leaf, -1, left),
        np.where(leaf, -1, np.asarray(one["right_children"], dtype=np.int64)),
        np.asarray(one["default_left"], dtype=bool),
        _in_column(np.where(leaf, told, 0).astype(float), int(group), width),
    )


def _decided(model: Any) -> Callable[[Any], Any]:
    def scores(Z: Any) -> Any:
        return _two(np.asarray(model.decision_function(Z), dtype=float))

    return scores


def _two(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one score a class, where two classes have one between them."""
    if scores.ndim == 1 or scores.shape[1] == 1:
        return np.column_stack([np.zeros(len(scores)), scores.reshape(-1)])
    return scores


def _in_column(values: NDArray[np.float64], place: int, width: int) -> NDArray[np.float64]:
    """Return what leaves add to each class; with one score the second class has it."""
    out = np.zeros((len(values), max(width, 2)))
    out[:, 1 if width == 1 else place] = values
    return out


def _together(trees: list[Tree], width: int, *, single: bool, loss: float) -> TreeModel:
    reach = sum(float(np.abs(tree.value).max()) for tree in trees)
    return TreeModel(tuple(trees), np.zeros(trees[0].value.shape[1]), width, single, loss * max(reach, 1.0))


def _is(model: Any, library: str) -> bool:
    return type(model).__name__ == "Booster" and type(model).__module__.partition(".")[0] == library


def _flattened(
    root: dict[str, Any], below: Callable[[dict[str, Any]], list[dict[str, Any]]]
) -> list[tuple[dict[str, Any], list[int]]]:
    """Return the nodes of a tree of dicts with the places of those below, the root first; without recursion."""
    flat: list[tuple[dict[str, Any], list[int]]] = [(root, [])]
    at = 0
    while at < len(flat):
        node, places = flat[at]
        for child in below(node):
            places.append(len(flat))
            flat.append((child, []))
        at += 1
    return flat


def _children(flat: list[tuple[dict[str, Any], list[int]]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = [below or [-1, -1] for _, below in flat]
    left, right = np.asarray(pairs, dtype=np.int64).T
    return left, right
