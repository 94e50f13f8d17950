"""Task: what a model is for, and which label counts as selected, told from its labels where nobody says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from auditkit.predictors import Predictor

__all__ = ["Task", "infer_task", "plain_word", "positive_of", "same_labels"]

Task = Literal["binary", "multiclass", "regression"]

_OBVIOUS_POSITIVE: tuple[tuple[Any, Any], ...] = ((0, 1), (-1, 1))


def plain_word(value: Any) -> Any:
    """Return a label as Python has it, not numpy."""
    return value.item() if isinstance(value, np.generic) else value


def infer_task(labels: np.ndarray, model: Any) -> Task:
    """Return what a model is for, by what it says of itself, else by the labels, shape (n,)."""
    classes = getattr(model, "classes_", getattr(model, "classes", None))
    if classes is None and labels.dtype.kind == "f" and not np.all(labels == np.rint(labels)):
        return "regression"
    if classes is None and labels.dtype.kind in "iuf":
        if getattr(model, "_estimator_type", None) == "regressor" or _is_regressor(model):
            return "regression"
        if len(np.unique(labels)) > max(20, len(labels) // 20):
            return "regression"
    return "binary" if len(np.unique(labels if classes is None else classes)) <= 2 else "multiclass"


def _is_regressor(model: Any) -> bool:
    if not hasattr(model, "get_params"):
        return False
    from sklearn.base import is_regressor

    return bool(is_regressor(model))


def same_labels(model: Predictor, labels: np.ndarray) -> None:
    """Refuse labels that the model does not know: InputError naming both."""
    if model.classes is None:
        raise InputError(
            f"the labels of the model ({model.kind}) are not known: wrap it in a predictor with classes=[...]"
        )
    unknown = [plain_word(v) for v in np.unique(labels) if v not in set(model.classes.tolist())]
    if unknown:
        raise InputError(
            f"the data have labels that the model does not know: {unknown[:5]}; it knows {model.classes.tolist()[:10]}. "
            "Give y in the labels the model was trained with."
        )


def positive_of(positive: Any, task: Task, classes: np.ndarray | None) -> Any:
    """Return the label that counts as selected: the one given if it is one, or an obvious one; InputError where neither is."""
    if task != "binary" or classes is None:
        if positive is not None and classes is not None and positive not in classes.tolist():
            raise InputError(f"positive={positive!r} is none of the labels {classes.tolist()}")
        return positive
    known = classes.tolist()
    if positive is not None:
        if positive not in known:
            raise InputError(
                f"positive={positive!r} is none of the labels {known}.{did_you_mean(str(positive), map(str, known))}"
            )
        return positive
    for pair in _OBVIOUS_POSITIVE:
        if set(known) <= set(pair):
            return pair[1] if pair[1] in known else known[-1]
    raise InputError(f"which label counts as selected? Pass positive=, one of {known}")
