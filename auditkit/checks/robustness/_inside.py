"""Inside: models whose own structure bounds the minimal change, and the way from the columns of the data to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import frames
from auditkit.errors import NotApplicable
from auditkit.methods.evasion import (
    MinimalDistance,
    additive_minimal_distance,
    additive_score,
    cells_of,
    read_classifier,
    tree_minimal_distance,
)
from auditkit.predictors._columns import learnt_as

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from auditkit.methods.feature_space import Norm
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["settle"]

# what changes each column by itself, and keeps its order
_BY_COLUMN = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "SimpleImputer", "VarianceThreshold",
              "SelectKBest", "SelectPercentile", "SelectFromModel")  # fmt: skip
_CODERS = ("OneHotEncoder", "OrdinalEncoder")
_ALSO_LINEAR = ("LinearSVC", "LinearDiscriminantAnalysis")
_MOST_VALUES = 256  # of a number that is coded like a category


@dataclass(frozen=True, eq=False)
class _Way:
    """From rows of features to the part of the model that decides.

    Attributes
    ----------
    final : estimator or booster
        That part.
    dressed : callable
        Takes rows of the data, gives that part's input as it takes it.
    coded : set of str
        Columns that pass a coder, and may come out in any order.
    threat : ThreatModel
        The features.
    """

    final: Any
    dressed: Callable[[pd.DataFrame], Any]
    coded: set[str]
    threat: ThreatModel

    def front(self, rows: np.ndarray) -> np.ndarray:
        """Return that part's input as numbers."""
        return _numbers(self.dressed(self.threat.decode(rows)))

    @property
    def scattered(self) -> np.ndarray:
        """Features whose values are looked at one by one, (d,)."""
        space = self.threat.space
        out = np.array([one.coded or bool(self.coded & set(one.columns)) for one in self.threat.features])
        for j in np.flatnonzero(out & ~space.categorical):
            values = (space.high[j] - space.low[j]) / max(space.step[j], 1e-300)
            if not values < _MOST_VALUES:
                raise NotApplicable(
                    f"the column {space.names[j]} holds numbers and is coded like a category before the model"
                )
        return out


def settle(
    subject: Subject,
    threat: ThreatModel,
    ask: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    y: np.ndarray,
    *,
    norm: Norm,
    within: float,
    known: np.ndarray,
    boxes: int,
    nodes: int,
) -> tuple[str, MinimalDistance]:
    """Return what the model is, and bounds on the minimal change of each row from its structure.

    Parameters
    ----------
    subject : Subject
        The model.
    threat : ThreatModel
        What may change.
    ask : callable
        Classes of rows of features.
    X : ndarray of shape (n, d)
        Rows of features.
    y : ndarray of int, shape (n,)
        Their classes; rows that the model gives others are left out.
    norm, within, known, boxes, nodes
        As `tree_minimal_distance` takes them.

    Raises
    ------
    NotApplicable
        If the model, or what stands before it, cannot be read.
    """
    way = _way_into(subject, threat)
    if _is_linear(way.final):
        return "linear model", _linear(way, ask, X, y, norm)
    trees, scores = read_classifier(way.final)
    native = way.dressed(threat.decode(X))
    if hasattr(native, "toarray") and type(way.final).__module__.startswith("xgboost"):
        raise NotApplicable("XGBoost takes the zeros of a sparse table for missing, which is not read here")
    trees = trees.based_on(scores(native), _numbers(native))
    cells = cells_of(trees, way.front, threat.space, X, way.scattered)
    _must_agree(cells.scores(X), ask(X), trees.slack)
    found = tree_minimal_distance(
        cells, ask, X, y, norm=norm, within=within, known=known, work=boxes, nodes=nodes
    )
    words = "a tree" if len(trees.trees) == 1 else f"{len(trees.trees)} trees"
    return words, found


def _linear(
    way: _Way, ask: Callable[[np.ndarray], np.ndarray], X: np.ndarray, y: np.ndarray, norm: Norm
) -> MinimalDistance:
    space = way.threat.space
    if (way.scattered & ~space.categorical).any():
        raise NotApplicable(
            "a column whose values have an order is coded before the linear model, which is not followed"
        )

    def scores(rows: np.ndarray) -> np.ndarray:
        given = np.asarray(way.final.decision_function(way.dressed(way.threat.decode(rows))), dtype=float)
        return np.column_stack([np.zeros(len(given)), given]) if given.ndim == 1 else given

    given = scores(X)
    _must_agree(given, ask(X), 1e-9 * max(float(np.ptp(given)), 1.0))
    return additive_minimal_distance(additive_score(scores, X, space), given, ask, X, y, space, norm=norm)


def _must_agree(scores: np.ndarray, labels: np.ndarray, slack: float) -> None:
    """Refuse a reading that answers otherwise than the model does."""
    ordered = np.sort(scores, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 2 * slack
    if (scores.argmax(axis=1) != labels)[clear].any():
        raise NotApplicable("the model answers otherwise than its scores: something decides after them")


def _way_into(subject: Subject, threat: ThreatModel) -> _Way:
    inner = subject.model.inner
    columns = [str(c) for c in subject.test.X.columns]
    estimator = getattr(inner, "estimator", None)
    if estimator is None:
        raise NotApplicable(f"what is inside this model ({subject.model.kind}) is not known")
    if type(estimator).__name__ == "Booster":
        return _Way(estimator, lambda rows: _of_booster(estimator, rows), set(), threat)
    if not hasattr(inner, "dressed"):
        raise NotApplicable(f"what is inside this model ({subject.model.kind}) is not known")
    front, final = _taken_apart(estimator)
    coded = {name for step in front for name in _coded(step, columns)}

    def dressed(rows: pd.DataFrame) -> Any:
        out = inner.dressed(rows)
        for step in front:
            out = step.transform(out)
        return out

    linear = _is_linear(final)
    if linear and any(getattr(part, "clip", False) for step in front for part in _parts(step)):
        raise NotApplicable("a scaler that clips stands before the linear model")
    return _Way(final, dressed, coded, threat)


def _taken_apart(estimator: Any) -> tuple[list[Any], Any]:
    """Return the steps before the part that decides, and that part."""
    chosen = getattr(estimator, "best_estimator_", None)
    if chosen is not None:
        return _taken_apart(chosen)
    steps = getattr(estimator, "steps", None)
    if not isinstance(steps, list) or not steps:
        return [], estimator
    before = [one for _, one in steps[:-1] if one is not None and not isinstance(one, str)]
    inner, final = _taken_apart(steps[-1][1])
    return [*before, *inner], final


def _coded(step: Any, columns: Sequence[str]) -> set[str]:
    """Return the columns that a step codes; refuse a step that does more than change each column by itself."""
    if step is None or isinstance(step, str):
        return set()
    name = type(step).__name__
    if type(step).__module__.startswith("sklearn."):
        if name in _CODERS:
            return set(columns)
        if name == "SimpleImputer" and not _is_nan(step.missing_values):
            raise NotApplicable(
                f"an imputer takes {step.missing_values!r} for missing, which breaks the order of a column and is not followed"
            )
        if name in _BY_COLUMN or (name == "FunctionTransformer" and step.func is None):
            return set()
        if name == "Pipeline":
            return {one for _, part in step.steps for one in _coded(part, columns)}
        if name == "ColumnTransformer":
            return {
                one
                for _, part, chosen in step.transformers_
                for one in _coded(part, _chosen(chosen, columns))
            }
    raise NotApplicable(
        f"{name} stands before the model; only scalers, imputers, selections and coders of single columns are followed"
    )


def _is_nan(value: Any) -> bool:
    return (
        value is None
        or type(value).__name__ == "NAType"
        or (isinstance(value, float) and bool(np.isnan(value)))
    )


def _parts(step: Any) -> list[Any]:
    """Return a step and the steps within it."""
    inside = [part for _, part in getattr(step, "steps", [])] + [
        one[1] for one in getattr(step, "transformers_", [])
    ]
    return [step, *[below for one in inside for below in _parts(one)]]


def _chosen(chosen: Any, columns: Sequence[str]) -> list[str]:
    """Return the columns that a part of a ColumnTransformer takes; all of them where that cannot be told."""
    names = (
        [chosen] if isinstance(chosen, str) else list(chosen) if isinstance(chosen, (list, tuple)) else None
    )
    if names is not None and all(name in columns for name in names):
        return names
    try:
        return [str(name) for name in np.asarray(columns, dtype=object)[chosen]]
    except (IndexError, TypeError, ValueError):
        return list(columns)


def _is_linear(final: Any) -> bool:
    named = type(final).__module__.startswith("sklearn.linear_model") or type(final).__name__ in _ALSO_LINEAR
    return named and all(hasattr(final, name) for name in ("coef_", "classes_", "decision_function"))


def _of_booster(booster: Any, rows: pd.DataFrame) -> Any:
    """Return rows in the columns, and the form, that a booster takes."""
    library = type(booster).__module__.partition(".")[0]
    names = booster.feature_name() if library == "lightgbm" else booster.feature_names
    known = learnt_as(list(rows.columns), library)
    if names is not None and set(known) == set(names):
        rows = rows[[known[name] for name in names]]
    return rows.to_numpy(dtype=float)


def _numbers(table: Any) -> np.ndarray:
    if hasattr(table, "toarray"):
        return np.asarray(table.toarray(), dtype=float)
    try:
        if hasattr(table, "columns") or hasattr(table, "column_names"):
            return frames.to_pandas(table).to_numpy(dtype=float, na_value=np.nan)
        return np.asarray(table, dtype=float)
    except (TypeError, ValueError):
        raise NotApplicable(
            "the model takes words or categories themselves, which are not read here"
        ) from None
