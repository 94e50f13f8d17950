"""AK112: whose decision changes with the sensitive feature, at the planted size and in the planted direction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from auditkit import Dataset, Subject
from auditkit.checks.bias import counterfactual_flips
from auditkit.data import make_credit, make_proxy, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors import from_predictions


def observe(subject, seed=0, **options):
    return counterfactual_flips(subject, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("strength", [0.1, 0.4])
def test_a_planted_effect_is_found_at_its_size_and_in_its_direction(strength):
    planted = make_proxy(kind="direct", strength=strength, n=4000, seed=1)
    evidence = observe(planted.subject)
    m = evidence.measurement("flip_rate", "sex")
    assert m.interval.low <= planted.size["flip_rate"] <= m.interval.high
    # men are favoured: women would gain by the change, men would lose, nobody else
    gain, loss = "flip_gain_rate", "flip_loss_rate"
    assert evidence.measurement(gain, "sex=female").interval.low > 0
    assert evidence.measurement(loss, "sex=male").interval.low > 0
    assert evidence.measurement(gain, "sex=male").value == 0
    assert evidence.measurement(loss, "sex=female").value == 0
    assert "sex=female would gain" in evidence.tables["sex"].summary


def test_the_interval_is_exact_and_covers():
    inside = 0
    for seed in range(200):
        m = observe(make_proxy(kind="direct", strength=0.1, n=200, seed=seed).subject).measurement(
            "flip_rate"
        )
        known = stats.binomtest(round(m.value * 200), 200).proportion_ci(method="exact")
        assert (m.interval.low, m.interval.high) == pytest.approx((known.low, known.high))
        inside += m.interval.low <= 0.1 <= m.interval.high
    assert inside >= stats.binom.ppf(0.001, 200, 0.95)


def test_the_innocent_twin_has_no_flip():
    evidence = observe(make_proxy(kind="direct", strength=0, n=1000).subject)
    assert all(m.value == 0 for m in evidence.measurements)
    assert evidence.measurement("flip_rate").interval.high == pytest.approx(1 - 0.025 ** (1 / 1000))


def test_a_proxy_is_not_changed_and_the_evidence_says_so():
    evidence = observe(make_proxy(kind="proxy", strength=0.9).subject)
    assert evidence.measurement("flip_rate", "sex").value == 0
    assert "stand in" in evidence.does_not_say


def three(positive=2):
    rng = np.random.default_rng(2)
    X = pd.DataFrame({"race": rng.choice(list("abc"), 600), "x": rng.random(600)})
    said = lambda f: np.where(f["race"] == "c", 0, np.where(f["x"] > 0.5, 1, 2))  # noqa: E731
    y = rng.integers(0, 3, 600)
    return Subject("k", said, Dataset(X, y, ["race"]), task="multiclass", positive=positive)


def test_several_values_and_classes_are_counted_by_hand():
    subject = three()
    race, x = subject.test.X["race"].to_numpy(), subject.test.X["x"].to_numpy()
    evidence = observe(subject)
    # a and b decide alike and flip to c; c flips to what x says, which is never 0
    assert evidence.measurement("flip_rate", "race").value == 1
    low = x[race == "c"] <= 0.5
    assert evidence.measurement("flip_gain_rate", "race=c").value == pytest.approx(low.mean())
    assert evidence.measurement("flip_loss_rate", "race=a").value == pytest.approx(
        (x[race == "a"] <= 0.5).mean()
    )
    assert evidence.measurement("flip_gain_rate", "race=a").value == 0
    assert {m.metric for m in observe(three(None)).measurements} == {"flip_rate"}


def test_a_number_is_set_to_ten_values_and_shown_in_bands():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"age": rng.integers(18, 80, 1000), "x": rng.random(1000)})
    subject = Subject(
        "n",
        lambda f: (f["age"] < 30).astype(float),
        Dataset(X, rng.integers(0, 2, 1000), ["age"]),
        positive=1,
    )
    evidence = observe(subject)
    assert evidence.measurement("flip_rate", "age").value == 1
    groups = {m.group for m in evidence.measurements if m.metric == "flip_gain_rate"}
    assert len(groups) == 4


def test_missing_values_are_changed_and_are_a_group():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"sex": np.where(np.arange(300) < 50, None, rng.choice(["f", "m"], 300))})
    subject = Subject(
        "m", lambda f: f["sex"].isna().to_numpy().astype(float), Dataset(X, np.arange(300) % 2, ["sex"]), positive=1
    )  # fmt: skip
    evidence = observe(subject)
    assert evidence.measurement("flip_rate").value == pytest.approx(50 / 300)
    assert evidence.measurement("flip_loss_rate", "sex=missing").value == 1


def test_a_copy_under_another_name_is_named():
    rng = np.random.default_rng(5)
    sex = rng.choice(["f", "m"], 300)
    X = pd.DataFrame({"code": (sex == "m").astype(int), "x": rng.random(300)})
    subject = Subject(
        "c", lambda f: f["code"] * 1.0, Dataset(X, np.arange(300) % 2, {"sex": sex}), positive=1
    )
    m = observe(subject).measurement("flip_rate")
    assert np.isnan(m.value)
    assert "'code' settles it" in m.reason
    outside = observe(make_credit(n_train=100, n_test=100)).measurement("flip_rate", "sex")
    assert (outside.value, outside.n) == (0, 0)


def test_an_input_that_has_a_twin_is_not_called_free_of_flips_without_a_word():
    """The model goes by the copy alone, so that changing the feature changes nothing."""
    rng = np.random.default_rng(7)
    sex = rng.choice(["f", "m"], 300)
    X = pd.DataFrame({"sex": sex, "title": np.where(sex == "f", "Ms", "Mr"), "s": rng.random(300)})

    def by_title(frame):
        return (frame["title"] == "Mr").to_numpy().astype(int)

    evidence = observe(Subject("t", by_title, Dataset(X, by_title(X), ["sex"]), positive=1))
    assert evidence.measurement("flip_rate", "sex").value == 0
    assert any("'title' also settles sex" in note for note in evidence.notes)
    alone = observe(
        Subject("t", lambda f: f["s"].to_numpy() > 0.5, Dataset(X[["sex", "s"]], X["s"] > 0.5, ["sex"]))
    )
    assert not any("settles" in note for note in alone.notes)


def test_what_cannot_be_flipped_says_why():
    with pytest.raises(NotApplicable, match="regression"):
        observe(make_regression(n_train=60, n_test=60))
    y = np.arange(40) % 2
    data = Dataset({"sex": ["f"] * 40}, y, ["sex"])
    with pytest.raises(NotApplicable, match="recorded predictions"):
        observe(Subject("p", from_predictions(labels=y), data, positive=1))
    m = observe(Subject("o", lambda f: np.zeros(len(f)), data, positive=1)).measurement("flip_rate")
    assert m.reason == "it has one value only"
