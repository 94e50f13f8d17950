"""Searched: the ways to another answer that hold as the model reads them, for the check and for who looks at one record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit.checks import _common as common
from auditkit.methods.counterfactuals import counterfactuals as search

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.checks.explainability._goal import Goal
    from auditkit.methods.counterfactuals import Counterfactuals
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["drafted", "ways_found"]

_POOL = 2000  # rows that a way may lead towards


def ways_found(
    subject: Subject,
    threat: ThreatModel,
    original: pd.DataFrame,
    X: np.ndarray,
    goal: Goal,
    rng: np.random.Generator,
    several: int,
    radius: float | None,
    max_calls: int,
) -> Counterfactuals:
    """Return the ways of the search that hold as the model reads them: allowed, near enough, and with the wanted answer."""
    source = subject.test if subject.train is None else subject.train
    pool = threat.encode(source.X.iloc[common.draw(len(source), _POOL, rng)])
    most = np.inf if radius is None else radius

    def ask(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(goal.meets(threat.decode(matrix)))

    near = goal.scores
    scores = None if near is None else lambda matrix: near(threat.decode(matrix))
    got = search(ask, X, threat.space, pool, rng=rng, scores=scores, several=several, norm=threat.norm, most=most,
                 max_calls=max_calls - 1)  # fmt: skip
    if not len(got.of):
        return got
    after = threat.decode(got.rows)
    rows = threat.encode(after)
    before = original.iloc[got.of].reset_index(drop=True)
    bad = threat.violations(before, after).to_numpy().any(axis=1)
    cost = threat.space.distance(X[got.of], rows, threat.norm)
    inputs = threat.space.changed(X[got.of], rows).sum(axis=1)
    good = ~bad & ask(rows) & (cost <= most) & (inputs > 0)
    return replace(
        got, of=got.of[good], rows=rows[good], inputs=inputs[good], cost=cost[good], calls=got.calls + 1,
        asked=got.asked + len(rows),
    )  # fmt: skip


def drafted(subject: Subject, threat: ThreatModel) -> str:
    """Say that nobody has checked what may change, where that was drafted from the data."""
    if subject.threat is not None:
        return ""
    way = {"both": "", "up": " upwards", "down": " downwards"}
    free = [f"{name}{way[one.direction]}" for one in threat.features if one.mutable for name in one.columns]
    some = ", ".join(free[:4]) + (f" and {len(free) - 4} more" if len(free) > 4 else "")
    return f"Under drafted rules that nobody has checked ({some} may change): "
