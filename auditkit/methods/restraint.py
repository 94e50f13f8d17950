"""Restraint: settings under which an estimator of a known family fits its training rows less closely."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from auditkit.errors import InputError, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["restrained", "shortened"]

_LEAF = 0.05  # share of the training rows that a leaf holds at least, in full
_FEWER = 0.1  # share of the rounds, trees or epochs that is left, in full


class _Setting(NamedTuple):
    """One parameter on its way: where it starts if nothing was set, and where it ends, for n rows."""

    name: str
    start: float
    end: Callable[[int], float]
    whole: bool = True


_FAMILIES: tuple[tuple[str, tuple[str, ...], tuple[_Setting, ...]], ...] = (
    (
        "LightGBM",
        ("num_leaves", "min_child_samples"),
        (
            _Setting("num_leaves", 31, lambda n: 4),  # noqa: ARG005 - every end is a function of the rows
            _Setting("min_child_samples", 20, lambda n: _LEAF * n),
            _Setting("reg_lambda", 0.1, lambda n: 0.01 * n, whole=False),
        ),
    ),
    (
        "XGBoost",
        ("max_depth", "min_child_weight", "reg_lambda"),
        (
            _Setting("max_depth", 6, lambda n: 2),  # noqa: ARG005
            _Setting("min_child_weight", 1, lambda n: _LEAF * n / 4, whole=False),  # a row weighs at most 1/4
            _Setting("reg_lambda", 1, lambda n: 0.01 * n, whole=False),
        ),
    ),
    ("trees", ("min_samples_leaf",), (_Setting("min_samples_leaf", 1, lambda n: _LEAF * n),)),
    ("nearest neighbours", ("n_neighbors", "weights"), (_Setting("n_neighbors", 5, lambda n: _LEAF * n),)),
    (
        "neural network",
        ("alpha", "hidden_layer_sizes"),
        (_Setting("alpha", 1e-4, lambda n: 0.05 * n, whole=False),),
    ),
    ("linear model by steps", ("alpha", "eta0"), (_Setting("alpha", 1e-4, lambda n: 0.1, whole=False),)),  # noqa: ARG005
    ("linear model or kernel machine", ("C",), (_Setting("C", 1.0, lambda n: 0.001, whole=False),)),  # noqa: ARG005
)
"""Family, the parameters it is known by, and what is set: the first family that fits an estimator is taken."""

_ROUNDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("n_estimators", ("n_estimators",)),
    ("max_iter", ("max_iter", "max_leaf_nodes")),  # histogram boosting
    ("max_iter", ("max_iter", "hidden_layer_sizes")),
)


def restrained(estimator: Any, strength: float, n_rows: int) -> dict[str, Any]:
    """Return parameters under which an estimator, or one within it, fits its training rows less closely.

    Every parameter goes geometrically from where it is to where its family ends: leaves of 5% of the rows, 4 leaves or
    depth 2 for boosters with an L2 penalty of 1% of the rows, C of 0.001, alpha of 5% of the rows for a multilayer perceptron (whose
    loss is a mean over rows). A parameter that lies beyond its end already stays.

    Parameters
    ----------
    estimator : estimator
        With scikit-learn's ``get_params``; pipelines and meta-estimators are looked into.
    strength : float
        Above 0, at most 1; how far on the way.
    n_rows : int
        Training rows.

    Returns
    -------
    dict
        For ``set_params``.

    Raises
    ------
    NotApplicable
        If no family fits.
    InputError
        On another strength, or no rows.

    References
    ----------
    Truex et al. 2019, "Demystifying membership inference attacks in machine learning as a service", IEEE TSC; Shokri et
    al. 2017, "Membership inference attacks against machine learning models", IEEE S&P, section VIII, on regularisation.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> restrained(DecisionTreeClassifier(), 1.0, 1000)
    {'min_samples_leaf': 50}
    """
    _check(strength, n_rows)
    owned = _owned(estimator)
    chosen: dict[str, Any] = {}
    for prefix, params in owned.items():
        known = next((rest for _, needed, rest in _FAMILIES if set(needed) <= set(params)), ())
        for one in known:
            value = _on_the_way(one, params.get(one.name), strength, n_rows)
            if value is not None:
                chosen[prefix + one.name] = value
        if (
            known and params.get("weights") == "distance"
        ):  # a stored row would answer for itself, however many are asked
            chosen[f"{prefix}weights"] = "uniform"
    if not chosen:
        raise NotApplicable(
            f"no regularisation is known for {type(estimator).__name__}, or it is as strong as it is tried here"
        )
    return chosen


def shortened(estimator: Any, strength: float) -> dict[str, Any]:
    """Return parameters under which training ends earlier: fewer boosting rounds, trees or epochs.

    Parameters
    ----------
    estimator : estimator
        With scikit-learn's ``get_params``.
    strength : float
        Above 0, at most 1: a tenth of the rounds is left in full, geometrically in between, and one at least.

    Returns
    -------
    dict
        For ``set_params``.

    Raises
    ------
    NotApplicable
        If the estimator has no rounds that are known, or only one.
    InputError
        On another strength.

    References
    ----------
    Song & Mittal 2021, "Systematic evaluation of privacy risks of machine learning models", USENIX Security, compare
    defences with early stopping.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> shortened(RandomForestClassifier(100), 1.0), shortened(RandomForestClassifier(100), 0.5)
    ({'n_estimators': 10}, {'n_estimators': 32})
    """
    _check(strength, 1)
    chosen = {}
    for prefix, params in _owned(estimator).items():
        for name, needed in _ROUNDS:
            rounds = params.get(name, 100)
            if set(needed) <= set(params) and (rounds or 100) > 1:
                chosen[prefix + name] = max(1, round((rounds or 100) * _FEWER**strength))
    if not chosen:
        raise NotApplicable(
            f"{type(estimator).__name__} is not trained in rounds, trees or epochs that are known"
        )
    return chosen


def _on_the_way(one: _Setting, now: Any, strength: float, n_rows: int) -> float | int | None:
    """Return the value at a strength; None where the parameter lies beyond its end already."""
    start = one.start
    if isinstance(now, (int, float)) and not isinstance(now, bool) and now > 0 and math.isfinite(now):
        # scikit-learn reads a leaf size below 1 as a share of the rows
        start = now * n_rows if one.name == "min_samples_leaf" and isinstance(now, float) else float(now)
    end = one.end(n_rows)
    upward = one.end(10**9) > one.start
    if (end <= start) if upward else (end >= start):
        return None
    value = start * (end / start) ** strength
    return max(1, round(value)) if one.whole else float(f"{value:.3g}")


def _owned(estimator: Any) -> dict[str, dict[str, Any]]:
    """Return the parameters of each estimator within, by its prefix."""
    owned: dict[str, dict[str, Any]] = {}
    for name, value in estimator.get_params(deep=True).items():
        prefix, _, last = name.rpartition("__")
        owned.setdefault(f"{prefix}__" if prefix else "", {})[last] = value
    return owned


def _check(strength: float, n_rows: int) -> None:
    if not 0.0 < strength <= 1.0 or n_rows < 1:
        raise InputError(
            f"strength lies above 0 and is at most 1, and there are training rows; got {strength!r} and {n_rows!r}"
        )
