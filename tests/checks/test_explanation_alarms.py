"""The checks of explanations together: honest ones raise no alarm, and every planted fault is found by the check meant for it."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.checks.explainability import _quality as quality

CHECKS = ["AK409", "AK410", "AK411", "AK412"]
LIMITS = [
    Criterion("explanation_stability", at_least=0.8, group="seed"),
    Criterion("explanation_stability", at_least=0.8, group="background"),
    Criterion("explanation_stability", at_least=0.5, group="refit"),
    Criterion("sampling_error_ratio", at_most=0.4),
    Criterion("deletion_gain", at_least=0.15),
    Criterion("insertion_gain", at_least=0.15),
    Criterion("explainer_agreement", at_least=0.3),
    Criterion("randomisation_similarity", at_most=0.7),
]


def learned(model, task, seed):
    """Return a model of six normal inputs, two of which act together and three of which do nothing."""
    rng = np.random.default_rng(seed)
    X, T = rng.normal(size=(2, 300, 6))
    y, t = (Z[:, 0] + Z[:, 1] * Z[:, 2] + 0.5 * rng.normal(size=300) for Z in (X, T))
    if task == "binary":
        y, t = (y > 0).astype(int), (t > 0).astype(int)
    return Subject("learned", model.fit(T, t), Dataset(X, y), Dataset(T, t), task=task)


def statuses(subject, seed=0, **params):
    """Return the statuses of the findings of each check."""
    report = Audit(dict.fromkeys(CHECKS, params), LIMITS).run(subject, seed=seed)
    return {check: {f.status for f in report.findings if f.check == check} for check in CHECKS}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "task"),
    [
        (lambda s: LGBMClassifier(n_estimators=30, n_jobs=1, verbose=-1, random_state=s), "binary"),
        (lambda s: RandomForestRegressor(20, random_state=s), "regression"),
        (lambda s: make_pipeline(StandardScaler(), MLPClassifier((16,), max_iter=200, random_state=s)), "binary"),
    ],
    ids=["boosted", "forest", "network"],
)  # fmt: skip
def test_honest_explanations_raise_no_alarm(make, task):
    for seed in range(6):
        found = statuses(learned(make(seed), task, seed), seed)
        assert "fail" not in set().union(*found.values())
        assert found["AK410"] == found["AK411"] == found["AK412"] == {"pass"}


FAULTS = {
    "drawn_at_random": {"AK409", "AK410", "AK411"},
    "of_another_model": {"AK410", "AK411"},
    "of_the_rows_alone": {"AK412"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_found_by_the_checks_meant_for_it(fault, monkeypatch, given_explanations):
    """What a fault leaves intact passes: an explanation of another model is stable, one drawn at random depends on nothing."""
    monkeypatch.setattr(quality, "explain", getattr(given_explanations, fault))
    found = statuses(given_explanations.linear(weights=(2.0, -1.0, 0.5, -0.25), n=300), rows=300)
    failed = {check for check, seen in found.items() if "fail" in seen}
    assert failed >= FAULTS[fault]
    if fault != "of_the_rows_alone":
        assert "AK412" not in failed
    if fault != "drawn_at_random":
        assert "AK409" not in failed
