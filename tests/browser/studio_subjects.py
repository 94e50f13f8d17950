"""The subjects that the studio's notebooks and pictures show; importable from a notebook beside this file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import auditkit as ak


def scored(rows: int) -> ak.Subject:
    """Return a subject whose two groups are equally able; the score of one is 0.15 lower."""
    rng = np.random.default_rng(1)
    group, able = rng.integers(0, 2, rows), rng.normal(size=rows)
    y = (able + rng.normal(scale=0.7, size=rows) > 0).astype(int)
    score = np.clip(1 / (1 + np.exp(-1.5 * able)) - 0.15 * group, 0, 1)
    X = pd.DataFrame({"x": score, "sex": np.where(group == 0, "m", "f")})
    data = ak.Dataset(X, y, sensitive_features=["sex"])
    return ak.Subject("small", lambda X: np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])], test=data)


def fitted(name: str, model: Any, rows: int) -> ak.Subject:
    """Return a model fitted to training rows in which one group is favoured, with test rows like them."""

    def draw(seed: int) -> ak.Dataset:
        rng = np.random.default_rng(seed)
        group, able = rng.integers(2, size=rows), rng.normal(size=rows)
        y = (able + 1.2 * group + rng.normal(scale=0.7, size=rows) > 0.6).astype(int)
        X = pd.DataFrame({"able": able, "noise": rng.normal(size=rows), "group": group.astype(float)})
        return ak.Dataset(X, y, {"sex": np.where(group == 1, "m", "f")})

    train, test = draw(0), draw(1)
    return ak.Subject(name, model.fit(train.X, train.y), test, train)
