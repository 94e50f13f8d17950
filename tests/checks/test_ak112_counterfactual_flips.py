"""AK112: whose decision changes with the sensitive feature, at the planted size and in the planted direction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from auditkit import Audit, Dataset, Subject
from auditkit.checks.bias import counterfactual_flips
from auditkit.data import make_credit, make_proxy
from auditkit.errors import NotApplicable
from auditkit.finding import Criterion
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
    known = {m.metric for m in observe(three(None)).measurements}
    assert known == {"flip_rate", "matched_flip_rate", "matched_flip_excess"}


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
    assert np.isnan(outside.value), "nothing was changed: that is no 0"
    assert (outside.n, outside.interval) == (0, None)
    assert outside.reason == "the model does not see it directly; proxies: AK109"


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
    y = np.arange(40) % 2
    data = Dataset({"sex": ["f"] * 40}, y, ["sex"])
    with pytest.raises(NotApplicable, match="recorded predictions"):
        observe(Subject("p", from_predictions(labels=y), data, positive=1))
    m = observe(Subject("o", lambda f: np.zeros(len(f)), data, positive=1)).measurement("flip_rate")
    assert m.reason == "it has one value only"


def test_a_limit_is_not_met_by_a_feature_that_was_not_changed():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=600), "b": rng.normal(size=600)})
    sex = np.where(X["a"] + rng.normal(size=600) / 20 > 0, "m", "f")  # an input all but settles it
    subject = Subject(
        "s", lambda f: (f["a"] > 0).to_numpy().astype(int), Dataset(X, X["a"] > 0, {"sex": sex})
    )
    rules = [Criterion("flip_rate", at_most=0.05), Criterion("sensitive_reliance", at_most=0.05)]
    report = Audit(["counterfactual_flips", "sensitive_reliance"], rules).run(subject)
    judged = [f for f in report.findings if f.judged]
    assert [f.status for f in judged] == ["inconclusive"] * 2
    assert all("does not see it directly" in f.reason for f in judged)
    assert report.verdict == "undecided"


# the feature and its proxies


def through_proxies(strength, n=3000, seed=0, *, sees_sex=False, numbers=False):
    """A model that goes by a word that women use with a chance `strength` above men, and by a number that is alike."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    word = (rng.random(n) < np.where(sex == "f", 0.5 + strength / 2, 0.5 - strength / 2)).astype(int)
    skill = rng.normal(size=n)
    X = pd.DataFrame({"word": word, "skill": skill} | ({"sex": sex} if sees_sex else {}))
    score = X["skill"] - 1.0 * X["word"]

    def says(frame):
        value = frame["skill"] - 1.0 * frame["word"]
        return value.to_numpy() if numbers else (value > 0).to_numpy().astype(int)

    y = score.to_numpy() if numbers else (score > 0).astype(int).to_numpy()
    kind = {"task": "regression"} if numbers else {"positive": 1}
    return Subject("p", says, Dataset(X, y, ["sex"] if sees_sex else {"sex": sex}), **kind)


@pytest.mark.parametrize("sees_sex", [False, True])
def test_what_a_proxy_carries_is_found_at_its_size_and_in_its_direction(sees_sex):
    strength = 0.6
    evidence = observe(through_proxies(strength, sees_sex=sees_sex))
    # skill decides for 34 of 100 by the word; donors of the two groups differ in it by the strength
    size = strength * (stats.norm.cdf(1) - 0.5)
    gain, loss = (evidence.measurement("matched_selection_shift", f"sex={g}") for g in "fm")
    assert gain.interval.low <= size <= gain.interval.high
    assert loss.interval.low <= -size <= loss.interval.high
    assert gain.interval.low > 0 > loss.interval.high
    # a woman is given another word by a man with 0.68, by a woman with 0.32; a man likewise
    p = 0.5 + strength / 2
    more = (p**2 + (1 - p) ** 2 - 2 * p * (1 - p)) * (stats.norm.cdf(1) - 0.5)
    excess = evidence.measurement("matched_flip_excess", "sex")
    assert excess.interval.low <= more <= excess.interval.high
    assert excess.interval.low > 0
    assert any("proxies are moved to a donor's values: word" in note for note in evidence.notes)
    assert (
        evidence.measurement("flip_rate", "sex").value == 0
        if sees_sex
        else np.isnan(evidence.measurement("flip_rate", "sex").value)
    )


def test_a_regression_is_moved_by_the_feature_and_by_its_proxies():
    evidence = observe(through_proxies(0.6, numbers=True))
    shift = evidence.measurement("matched_prediction_shift", "sex=f")
    assert shift.interval.low <= 0.6 <= shift.interval.high
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"sex": rng.choice(["f", "m"], 400), "x": rng.normal(size=400)})
    model = lambda f: (f["x"] + 3.0 * (f["sex"] == "m")).to_numpy()  # noqa: E731
    evidence = observe(Subject("r", model, Dataset(X, model(X), ["sex"]), task="regression"))
    assert evidence.measurement("flip_size", "sex").value == pytest.approx(3)
    assert evidence.measurement("flip_prediction_shift", "sex=f").value == pytest.approx(3)
    assert evidence.measurement("flip_prediction_shift", "sex=m").value == pytest.approx(-3)
    assert "moves the prediction by 3" in evidence.says


def test_a_model_that_goes_by_no_proxy_has_no_excess():
    rng = np.random.default_rng(2)
    sex = rng.choice(["f", "m"], 1500)
    X = pd.DataFrame({"word": (sex == "f") ^ (rng.random(1500) < 0.1), "skill": rng.normal(size=1500)})
    evidence = observe(
        Subject(
            "i", lambda f: (f["skill"] > 0).to_numpy().astype(int), Dataset(X, X["skill"] > 0, {"sex": sex})
        )
    )
    excess = evidence.measurement("matched_flip_excess", "sex")
    assert excess.value == 0
    assert 0 < excess.interval.high < 0.01
    assert all(m.value == 0 for m in evidence.measurements if m.metric == "matched_selection_shift")


def test_no_proxy_and_no_input_is_not_measured():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"skill": rng.normal(size=500)})
    subject = Subject("n", lambda f: (f["skill"] > 0).to_numpy().astype(int), Dataset(X, X["skill"] > 0, {"sex": rng.choice(["f", "m"], 500)}))  # fmt: skip
    m = observe(subject).measurement("matched_flip_rate", "sex")
    assert np.isnan(m.value)
    assert "no input alone is shown to predict it" in m.reason
    assert "nothing was changed" in observe(subject).says
