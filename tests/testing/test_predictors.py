"""The suite for predictors: ours keep it, and each rule finds the model that breaks it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import Predictor, from_callable, from_predictions
from auditkit.testing import Broken, check_predictor

rng = np.random.default_rng(0)
X = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)}, index=np.arange(60)[::-1])
Y = (X["a"] + rng.normal(size=60) > 0).astype(int).to_numpy()


def half(frame):
    """Give a probability that rises with a."""
    return 1 / (1 + np.exp(-frame["a"].to_numpy()))


def again(_X, _y, _seed):
    return half


def network():
    torch = pytest.importorskip("torch")
    from auditkit.predictors import from_torch

    torch.manual_seed(0)
    return from_torch(torch.nn.Linear(2, 2).eval(), output="logits", classes=[0, 1])


def forest():
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(8, random_state=0).fit(X, Y)


def boosted():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=4, verbose=-1, num_threads=1).fit(X, Y).booster_


def regression():
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(X, X["a"] * 2)


OURS = [forest, boosted, regression, network, lambda: from_callable(half, classes=[0, 1], refit=again)]


@pytest.mark.parametrize("make", OURS)
def test_ours_keep_the_contract(make):
    found = check_predictor(make(), X, Y)
    assert found.kept
    assert len(found.outcomes) == 9


class Plain(Predictor):
    """A predictor that keeps the contract; each fault changes one thing."""

    kind = "plain"
    classes = np.array([0, 1])

    def predict(self, X):
        return (X["a"].to_numpy() > 0).astype(int)


class Address(Plain):
    def description(self):
        return f"a model at 0x{id(self):x}"


class Strange(Plain):
    def predict(self, X):
        return np.full(len(X), 7)


class OfTheBatch(Plain):
    def predict(self, X):
        return (X["a"] > X["a"].mean()).to_numpy().astype(int)


class ByIndex(Plain):
    def predict(self, X):
        return super().predict(X.sort_index())


class Moody(Plain):
    count = 0

    def predict(self, X):
        Moody.count += 1
        return np.full(len(X), Moody.count % 2)


class Rude(Plain):
    def predict(self, X):
        answers = super().predict(X)
        X["a"] = 0.0
        return answers


class Global(Plain):
    def predict(self, X):
        np.random.random()  # noqa: NPY002 - the fault
        return super().predict(X)


class Silent(Plain):
    def refit(self, X, y, seed):
        raise NotApplicable("no")

    can_refit = False


class Lies(Plain):
    has_proba = False

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


class Unseeded(Plain):
    shift = 0.0

    def predict(self, X):
        return (X["a"].to_numpy() > self.shift).astype(int)

    def refit(self, X, y, seed):
        fresh = Unseeded()
        fresh.shift = float(next(SHIFTS))
        return fresh


class Forgetful(Plain):
    def __init__(self):
        self.up = True

    def predict(self, X):
        return (X["a"].to_numpy() > 0).astype(int) if self.up else np.zeros(len(X), int)

    def __getstate__(self):
        return {"up": False}


SHIFTS = iter(range(-1, 100, 1))
FAULTS = {
    Address: "describes_itself",
    Strange: "answers_in_its_contract",
    OfTheBatch: "answers_each_row_by_itself",
    ByIndex: "answers_each_row_by_itself",
    Moody: "answers_the_same_twice",
    Rude: "leaves_its_rows_alone",
    Global: "draws_from_no_global_state",
    Silent: "says_what_it_cannot_do",
    Lies: "says_what_it_cannot_do",
    Unseeded: "trains_again",
    Forgetful: "travels_to_other_processes",
}


@pytest.mark.parametrize("kind", FAULTS, ids=lambda k: k.__name__)
def test_a_fault_is_found_by_its_rule(kind):
    with pytest.raises(Broken, match=f"- {FAULTS[kind]}: "):
        check_predictor(kind(), X.copy(), Y)


def test_the_plain_one_keeps_all_and_leaves_out_what_does_not_apply():
    left = {o.rule: o.why for o in check_predictor(Plain(), X).outcomes if o.status == "left out"}
    assert left == {"trains_again": "it cannot be trained again"}


def test_a_record_is_no_model_and_one_row_is_too_few():
    with pytest.raises(InputError, match="recorded predictions answer no rows but their own"):
        check_predictor(from_predictions(labels=[0, 1]), X)
    with pytest.raises(InputError, match="at least two rows"):
        check_predictor(Plain(), X.iloc[:1])
