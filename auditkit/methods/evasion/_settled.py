"""Settled: what became of each row, once the model was asked again about what an attack found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.methods.evasion.result import AttackResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditkit.methods.evasion.result import Bools, Floats
    from auditkit.methods.feature_space import FeatureSpace, Norm

__all__ = ["settled"]


def settled(
    X: Floats,
    best: Floats,
    attacked: Bools,
    found: Bools,
    again: Bools,
    space: FeatureSpace,
    norm: Norm,
    *,
    missed: Any = "nothing found",
    **counts: Any,
) -> AttackResult:
    """Return the result of an attack: a row is a success if it was found, flips again, and is allowed.

    Parameters
    ----------
    X, best : array (n, d)
        The rows, and what the attack holds for each.
    attacked, found, again : array of bool (n,)
        Which had the reference label to begin with, for which of these it holds a flip, and which flip when asked again.
    space, norm
        What is allowed, and how costs are added up.
    missed : str or array of str (n,)
        Why a row that was attacked has no flip.
    **counts
        The other fields of `AttackResult`.
    """
    success = found & again & ~space.violations(X, best).any(axis=1)
    reason: NDArray[np.str_] = np.select(
        [success, found, attacked],
        ["", "the model did not repeat its answer", missed],
        "had another label",
    )
    length = space.distance(X, best, norm)
    return AttackResult(
        adversarial=np.where(success[:, None], best, X),
        success=success,
        distance=np.where(success, length, np.where(attacked, np.inf, np.nan)),
        reason=reason,
        **counts,
    )
