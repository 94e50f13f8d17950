"""Checks: what the tests of several checks share."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LinearRegression

from auditkit import Dataset, Subject
from auditkit.checks.explainability import _quality as quality

honest = quality.explain


def linear(seed=0, weights=(2.0, -1.0, 0.5, 0.0), n=150, n_train=300, noise=1.0):
    """Return a linear regression that learned from rows of independent standard normal inputs."""
    rng = np.random.default_rng(seed)
    weights = np.asarray(weights)
    X, T = (
        pd.DataFrame(rng.normal(size=(m, len(weights))), columns=[f"x{j}" for j in range(len(weights))])
        for m in (n, n_train)
    )
    y, t = (part.to_numpy() @ weights + noise * rng.normal(size=len(part)) for part in (X, T))
    return Subject("linear", LinearRegression().fit(T, t), Dataset(X, y), Dataset(T, t), task="regression")


def interacting(seed=0, n=150):
    """Return a function with interactions that nothing explains exactly: it has to be asked."""
    rng = np.random.default_rng(seed)
    X, T = (pd.DataFrame(rng.normal(size=(n, 6)), columns=list("abcdef")) for _ in range(2))

    def f(frame):
        Z = np.asarray(frame)
        return expit(2 * Z[:, 0] * Z[:, 1] + Z[:, 2] - Z[:, 3] * Z[:, 4])

    y, t = ((f(part) > 0.5).astype(int) for part in (X, T))
    return Subject("interacting", f, Dataset(X, y), Dataset(T, t))


def drawn_at_random(subject, X, background, rng, **more):
    """Explain with numbers out of the air, other ones each time."""
    found = honest(subject, X, background, rng, **more)
    return replace(found, values=rng.normal(size=found.values.shape))


def of_another_model(subject, X, background, rng, **more):
    """Explain each input with what belongs to another: the columns are turned round."""
    found = honest(subject, X, background, rng, **more)
    return replace(found, values=found.values[:, ::-1].copy())


def of_the_rows_alone(subject, X, background, rng, **more):
    """Explain without a look at the model: how far each input lies from its mean, as an edge detector does."""
    found = honest(subject, X, background, rng, **more)
    away = X.to_numpy(dtype=float) - background.to_numpy(dtype=float).mean(axis=0)
    return replace(found, values=away)


@pytest.fixture
def given_explanations():
    """Return models whose right explanation is known, and explainers that are wrong in a known way."""
    return SimpleNamespace(
        linear=linear,
        interacting=interacting,
        honest=honest,
        drawn_at_random=drawn_at_random,
        of_another_model=of_another_model,
        of_the_rows_alone=of_the_rows_alone,
    )
