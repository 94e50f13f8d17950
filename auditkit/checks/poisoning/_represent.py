"""Represent: what a model makes of rows before it decides: a network's last inner layer, the leaves of trees, else the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.methods.poisoning.representations import leaf_embedding

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from auditkit.predictors import Predictor

__all__ = ["representation_of"]


def representation_of(model: Predictor) -> tuple[str, Callable[[pd.DataFrame, int], np.ndarray]] | None:
    """Return what a model's representation is called and what computes it of rows and a seed; None where it has none that is known."""
    estimator = getattr(model, "estimator", None)
    if hasattr(estimator, "register_forward_hook"):
        layer = _last_linear(estimator)
        if layer is None:
            return None
        return "what goes into the network's last linear layer", lambda X, seed: _inner(model, layer, X)  # noqa: ARG005
    leaves = _leaves_of(estimator)
    if leaves is None:
        return None
    return "the leaves of its trees", lambda X, seed: leaf_embedding(leaves(X), seed=seed)


def _last_linear(module: Any) -> Any:
    import torch

    found = [one for one in module.modules() if isinstance(one, torch.nn.Linear)]
    return found[-1] if found else None


def _inner(model: Predictor, layer: Any, X: pd.DataFrame) -> np.ndarray:
    """Return the last inner layer of a network, shape (n, q), from a hook on the layer after it."""
    seen: list[np.ndarray] = []

    def keep(_: Any, given: tuple[Any, ...]) -> None:
        seen.append(given[0].detach().reshape(len(given[0]), -1).double().cpu().numpy())

    handle = layer.register_forward_pre_hook(keep)
    try:
        model.predict_proba(X)
    finally:
        handle.remove()
    return np.concatenate(seen)[-len(X) :]


def _leaves_of(estimator: Any) -> Callable[[pd.DataFrame], np.ndarray] | None:
    """Return what tells the leaves of rows, for trees within a pipeline or without one."""
    if hasattr(estimator, "steps"):
        before, final = estimator[:-1], estimator[-1]
        inner = _leaves_of(final)
        return None if inner is None else (lambda X: inner(before.transform(X) if len(before) else X))
    if hasattr(estimator, "booster_"):  # LightGBM
        return lambda X: np.asarray(estimator.predict(X, pred_leaf=True)).reshape(len(X), -1)
    if not hasattr(estimator, "apply") or not hasattr(estimator, "fit"):
        return None
    return lambda X: np.asarray(estimator.apply(_as_trained(estimator, X))).reshape(len(X), -1)


def _as_trained(estimator: Any, X: Any) -> Any:
    """Return rows with column names only where the estimator was trained with them."""
    return X if hasattr(estimator, "feature_names_in_") or not hasattr(X, "to_numpy") else X.to_numpy()
