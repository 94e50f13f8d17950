"""Exposure, explored: the planted memory is found at its size, none is found where none was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import auditkit as ak
from auditkit import shared
from auditkit.checks.membership.references import reference_attacks
from auditkit.data.leaky import make_leaky
from auditkit.errors import InputError, NotApplicable
from auditkit.explore import Exposure


@pytest.fixture(scope="module")
def leaky() -> ak.Subject:
    return make_leaky(memorise=0.3, seed=1).subject


def test_what_is_remembered_is_found_without_a_false_alarm(leaky: ak.Subject) -> None:
    made = Exposure.prepare(leaky)
    answer = made.at(made.least)
    roc = answer.tables["roc"].frame()
    here = roc[roc["series"] == "here"].iloc[0]
    assert here["fpr"] <= made.least
    assert here["low"] < 0.3 < here["high"]
    assert f"{here['tpr']:.2%}" in answer.says
    named = answer.tables["named"].frame()
    assert set(named["named"]) == {"named"}
    assert set(named["record"]) <= set(leaky.train.record_ids(np.arange(len(leaky.train))))


def test_by_counting(leaky: ak.Subject) -> None:
    """At 20% false alarms: the same counts from the signal itself, and by group."""
    made = Exposure.prepare(leaky)
    answer = made.at(0.2)
    own = [
        leaky.proba(s)[np.arange(len(leaky.split(s).y)), leaky.class_index(leaky.split(s).y)]
        for s in ("train", "test")
    ]
    cut = np.sort(own[1])[::-1][int(0.2 * len(own[1]))]
    assert answer.tables["roc"].frame().iloc[-1]["tpr"] == pytest.approx((own[0] > cut).mean())
    assert answer.tables["roc"].frame().iloc[-1]["fpr"] == pytest.approx((own[1] > cut).mean())
    groups = answer.tables["by_group"].frame().set_index(["label", "series"])["value"]
    for label in leaky.classes:
        mine = leaky.train.y == label
        assert groups[f"class={label}", "members named"] == pytest.approx((own[0][mine] > cut).mean())


def test_a_model_that_remembers_nothing_finds_no_more_members_than_others() -> None:
    """The innocent twin: the exact interval of the members named holds the share of others named, but for 5% of draws."""
    missed = 0
    for seed in range(60):
        answer = Exposure.prepare(make_leaky(memorise=0.0, n_train=300, n_test=300, seed=seed).subject).at(
            0.1
        )
        here = answer.tables["roc"].frame().iloc[-1]
        gap, spread = here["tpr"] - here["fpr"], np.sqrt(2 * 0.1 * 0.9 / 300)
        missed += abs(gap) > 1.96 * spread
    assert missed <= 8, "5% of 60 are 3; more than 8 come with a chance of 0.2%"


def test_the_scores_are_those_of_the_check() -> None:
    """RMIA here and in AK202 under one seed: the same reference models, trained once, and the same curve."""
    subject = make_leaky(memorise=0.3, n_train=120, n_test=120, seed=3).subject
    with shared.within(5):
        made = Exposure.prepare(subject, "references", references=4)
        refits = subject.model.cost()["refits"]
        evidence = reference_attacks(
            subject, rng=np.random.default_rng(9), attacks=["rmia_offline"], references=4
        )
    assert refits == 4
    roc = evidence.tables["roc"].frame()
    ours = made.curve.frame()
    assert np.interp(0.5, ours["fpr"], ours["tpr"]) == pytest.approx(
        np.interp(0.5, roc["fpr"], roc["tpr"]), abs=0.15
    )
    assert "4 reference models" in made.attack


def test_everybody_and_nobody(leaky: ak.Subject) -> None:
    made = Exposure.prepare(leaky)
    everybody = made.at(1.0).tables["roc"].frame().iloc[-1]
    assert (everybody["tpr"], everybody["fpr"]) == (1.0, 1.0)
    assert 0 < made.least < 0.01


def test_what_cannot_be_asked(leaky: ak.Subject) -> None:
    made = Exposure.prepare(leaky)
    with pytest.raises(InputError, match="above 0 and at most 1"):
        made.at(5)
    with pytest.raises(InputError, match="'population' or 'references'"):
        Exposure.prepare(leaky, "shadow")  # type: ignore[arg-type]
    X = pd.DataFrame({"x": [0.0, 1.0]})
    bare = ak.Subject("s", lambda X: np.c_[1 - X["x"], X["x"]], test=ak.Dataset(X, [0, 1]))
    with pytest.raises(NotApplicable, match="no training data"):
        Exposure.prepare(bare)
