"""Ensemble: attacks of different kinds in turn, each on the rows that the ones before it left standing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.methods.evasion.gradients.apgd import apgd
from auditkit.methods.evasion.gradients.differentiable import Part
from auditkit.methods.evasion.gradients.pgd import pgd
from auditkit.methods.evasion.result import AttackResult, reference_labels
from auditkit.methods.evasion.scores import random_search
from auditkit.methods.feature_space import FeatureSpace, as_matrix

if TYPE_CHECKING:
    from auditkit.methods.evasion.gradients.differentiable import Differentiable
    from auditkit.methods.feature_space import Norm

__all__ = ["Attack", "ensemble", "joined"]

Floats = NDArray[np.float64]
AskLabels = Callable[[Floats], NDArray[Any]]
AskScores = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class Attack:
    """One attack of an ensemble, and what it did.

    Attributes
    ----------
    name : str
        "APGD, cross-entropy".
    rows : array of int (m,)
        The rows that stood when it began.
    result : AttackResult
        What it achieved on them.
    """

    name: str
    rows: NDArray[np.intp]
    result: AttackResult


def ensemble(
    model: Differentiable,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    radius: float,
    *,
    rng: np.random.Generator,
    norm: Norm = "linf",
    steps: int = 100,
    restarts: int = 1,
    targets: int = 9,
    max_calls: int = 0,
    ask_labels: AskLabels | None = None,
    ask_scores: AskScores | None = None,
) -> tuple[AttackResult, tuple[Attack, ...]]:
    """Attack by cross-entropy, by the difference of logits, and by random search, in the manner of AutoAttack.

    As in Croce and Hein 2020 (arXiv 2003.01690), each attack gets the rows that the ones before it left standing: APGD on the
    cross-entropy, APGD on the targeted difference of logits ratio (on the margin where there are two classes), and the random search of
    `random_search` where scores are given and the norm is "linf". Their fourth, the FAB attack, is not part of it. In "l1" PGD takes the place of APGD.

    Parameters
    ----------
    model, X, y, space, radius, rng, norm, steps, restarts, targets, ask_labels
        As in `pgd` and `apgd`.
    max_calls : int
        Calls of the random search at most, at least 3; 0 leaves it out.
    ask_scores : callable, optional
        Takes rows (m, d), gives scores (m, classes), for the random search.

    Returns
    -------
    tuple of AttackResult and tuple of Attack
        What all achieved together, and each by itself.

    Raises
    ------
    InputError
        If shapes or options do not fit.
    """
    X = as_matrix(X, "X", len(space.names))
    labels = reference_labels(y, len(X))
    shared: dict[str, Any] = {
        "rng": rng,
        "norm": norm,
        "steps": steps,
        "restarts": restarts,
        "ask_labels": ask_labels,
    }
    plan: list[tuple[str, Callable[..., AttackResult], dict[str, Any]]]
    if norm == "l1":
        plan = [("PGD, cross-entropy", pgd, shared), ("PGD, margin", pgd, {**shared, "loss": "margin"})]
    elif model.classes == 2:
        plan = [("APGD, cross-entropy", apgd, shared), ("APGD, margin", apgd, {**shared, "loss": "margin"})]
    else:
        aimed = {**shared, "loss": "targeted", "targets": targets}
        plan = [("APGD, cross-entropy", apgd, shared), ("APGD, targeted difference of logits", apgd, aimed)]
    found: list[Attack] = []
    rows = np.arange(len(X))
    for name, attack, options in plan:
        part = attack(Part(model, rows), X[rows], labels[rows], space, radius, **options)
        found.append(Attack(name, rows, part))
        rows = rows[~part.success & ~np.isnan(part.distance)]
    if max_calls and ask_scores is not None and norm == "linf":
        held = replace(space, mutable=space.mutable & ~space.categorical)
        part = random_search(ask_scores, X[rows], labels[rows], held, radius, rng=rng, max_calls=max_calls)
        found.append(Attack("random search, scores", rows, part))
    return joined(X, found), tuple(found)


def joined(X: Floats, attacks: list[Attack]) -> AttackResult:
    """Return what attacks achieved together: of each row its first success."""
    n = len(X)
    success, gradients = np.zeros(n, dtype=bool), np.zeros(n, dtype=np.int64)
    queries, calls = np.zeros(n, dtype=np.int64), 0
    adversarial, distance, reason = X.copy(), np.full(n, np.inf), np.full(n, "nothing found", dtype=object)
    for one in attacks:
        rows, result = one.rows, one.result
        new = ~success[rows]
        for whole, part in (
            (adversarial, result.adversarial),
            (distance, result.distance),
            (reason, result.reason),
        ):
            whole[rows[new]] = part[new]
        success[rows] |= result.success
        queries[rows] += result.queries
        gradients[rows] += result.gradients
        calls += result.calls
    return AttackResult(
        adversarial, success, distance, queries, calls, reason.astype(str), gradients=gradients
    )
