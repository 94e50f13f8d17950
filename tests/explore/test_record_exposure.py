"""One record's exposure: who stands out and who does not, by what AK202 trains and counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import auditkit as ak
from auditkit import shared
from auditkit.checks.membership import reference_attacks
from auditkit.errors import InputError, NotApplicable
from auditkit.explore import RecordExposure


class Once(LogisticRegression):
    """Counts how often it is trained."""

    fits = 0

    def fit(self, *args: object, **more: object) -> Once:
        type(self).fits += 1
        return super().fit(*args, **more)


def subject(model: object, n: int = 160, seed: int = 0) -> ak.Subject:
    """Return a model trained on labels of which a fifth are noise."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(2 * n, 4)), columns=list("abcd"))
    y = ((X["a"] > 0) ^ (rng.random(2 * n) < 0.2)).astype(int).to_numpy()
    fitted = model.fit(X.iloc[:n], y[:n])  # type: ignore[attr-defined]
    return ak.Subject("s", fitted, test=ak.Dataset(X.iloc[n:], y[n:]), train=ak.Dataset(X.iloc[:n], y[:n]))


def shares(found: RecordExposure) -> np.ndarray:
    """Return of each training record which part of the others scores as high."""
    return np.array([found.at(int(row)).tables["standing"].frame()["value"].iloc[0] for row in found.rows()])


@pytest.fixture(scope="module")
def leaky() -> RecordExposure:
    return RecordExposure.prepare(subject(DecisionTreeClassifier(random_state=0)))


def test_a_memorised_record_stands_out(leaky: RecordExposure) -> None:
    row = int(leaky.order()[0])
    answer = leaky.at(row)
    sure = answer.tables["sure"].frame().set_index("label")["value"]
    assert sure["the model under audit"] == sure["reference models trained on it"]
    assert sure["reference models not trained on it"] < 0 < sure["reference models trained on it"]
    standing = answer.tables["standing"].frame().iloc[0]
    assert standing["value"] < 0.05
    assert standing["low"] <= standing["value"] <= standing["high"]
    assert "whoever names all that score so high" in answer.says
    dots = answer.tables["in_out"].frame()
    assert dots["label"].value_counts().tolist() == [4, 4, 1]
    # a fifth of the labels is noise, which only a model that saw them gives back
    train = leaky.subject.split("train")
    noisy = (train.y != (train.X["a"] > 0))[leaky.rows()]
    assert np.median(shares(leaky)[noisy]) < 0.1


def test_members_of_an_innocent_model_lie_among_the_others() -> None:
    found = [shares(RecordExposure.prepare(subject(LogisticRegression(), seed=seed))) for seed in range(3)]
    # were membership without a trace, a member's place among the others would be uniform: mean 1/2, sd 0.29 / sqrt(160) each
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)


def test_the_standing_is_counted(leaky: RecordExposure) -> None:
    row = int(leaky.rows()[3])
    at = leaky.place["train"][row]
    others = leaky.scores[~leaky.member]
    cell = leaky.at(row).tables["standing"].frame().iloc[0]
    assert cell["others_as_high"] == str(int((others >= leaky.scores[at]).sum()))
    test_row = int(leaky.rows("test")[0])
    own = leaky.place["test"][test_row]
    rest = np.delete(leaky.scores, own)[~np.delete(leaky.member, own)]
    answer = leaky.at(test_row, split="test")
    assert answer.tables["standing"].frame().iloc[0]["value"] == pytest.approx(
        (rest >= leaky.scores[own]).mean()
    )
    assert "It was not trained on" in answer.says


def test_reference_models_are_those_of_the_check() -> None:
    made = subject(Once())
    Once.fits = 0
    with shared.within(11):
        evidence = reference_attacks(made, rng=np.random.default_rng(5))
        assert Once.fits == 8
        found = RecordExposure.prepare(made)
    assert Once.fits == 8
    listed = evidence.tables["most_exposed"].frame()
    first = [int(row) for row in found.order()[: len(listed)]]
    assert made.split("train").record_ids(np.array(first)) == listed["record"].tolist()
    as_high = [found.at(row).tables["standing"].frame()["others_as_high"].iloc[0] for row in first]
    assert as_high == [str(n) for n in listed["others_as_high"]]


def test_no_value_of_a_record_is_told(leaky: RecordExposure) -> None:
    row = int(leaky.order()[0])
    answer = leaky.at(row)
    assert set(answer.at) == {"record", "data", "attack"}
    assert leaky.subject.split("train").record_ids(np.array([row]))[0] in answer.about


def test_what_cannot_be_said_is_said(leaky: RecordExposure) -> None:
    population = sorted(set(range(160)) - set(leaky.rows("test").tolist()))
    with pytest.raises(NotApplicable, match="served as population"):
        leaky.at(population[0], split="test")
    with pytest.raises(InputError, match="numbered from 0 to 159"):
        leaky.at(160)
    bare = ak.Subject("b", lambda X: (X["a"] > 0).astype(int), test=leaky.subject.test)
    assert "no training data" in RecordExposure.lacks(bare)
    assert RecordExposure.lacks(leaky.subject) == ""
