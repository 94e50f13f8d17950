"""AK317: what helps is seen helping, what only dodges the old attack is exposed, and what does nothing is promised nothing."""

from __future__ import annotations

import functools
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from auditkit import Audit, Dataset, Subject, statistics
from auditkit.checks.mitigation import _defences, _hardened, robustness, robustness_mitigation_lab
from auditkit.checks.mitigation._defences import Built
from auditkit.checks.mitigation._hardened import Compared, Family
from auditkit.checks.mitigation._reattack import Attacked, Bench, attack, turns
from auditkit.checks.mitigation.defended import Averaged, Defended, Gated, Smoothed, Squeezed
from auditkit.checks.robustness._threats import threat_of
from auditkit.data import make_brittle, make_multiclass, make_regression
from auditkit.errors import Cancelled, InputError, NotApplicable
from auditkit.frames import Codec
from auditkit.methods.evasion import linear_minimal_distance
from auditkit.methods.evasion.gradients.differentiable import loss_of
from auditkit.predictors import as_predictor, from_callable, from_predictions


def observe(subject, seed=0, **options):
    return robustness_mitigation_lab(subject, rng=np.random.default_rng(seed), **options)


def comb(X):
    """Return whether x is above one half, except on teeth of a thousandth, one every hundredth, where it is turned round."""
    x = np.asarray(X["x"])
    return ((x > 0.5) ^ (np.mod(x * 1000, 10) < 1)).astype(int)


def toothed(n, seed):
    """Return rows in the middle of sixteenths, off the teeth, with the label of their side."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 16, 4 * n) / 16 + 1 / 32 + rng.uniform(-0.004, 0.004, 4 * n)
    off = np.mod(x * 1000, 10) >= 2
    X = pd.DataFrame({"x": x, "z": rng.random(4 * n)})[off].head(n).reset_index(drop=True)
    return Dataset(X, (X["x"] > 0.5).to_numpy().astype(int))


def teeth(n=300):
    model = from_callable(comb, classes=[0, 1], output="labels")
    return Subject("comb", model, toothed(n, 1), toothed(600, 0))


FINE = {"radius": 0.05, "norm": "linf", "immutable": ["z"], "max_calls": 80, "rows": 120}


# guilty twins


@functools.cache
def helped():
    return observe(teeth(), defences=["feature squeezing", "smoothing"], levels=16, **FINE)


def test_squeezing_and_smoothing_help_where_flips_need_less_than_half_a_bin():
    """A spread of x is near 0.37, so the radius is near 0.018: a tooth is always in reach, the next sixteenth never."""
    evidence = helped()
    assert evidence.measurement("robust_accuracy_before", "original").value < 0.4
    for name in ("feature squeezing", "smoothing"):
        gain = evidence.measurement("robust_accuracy_gain", name)
        assert gain.interval.low > 0.5
        assert evidence.measurement("robust_accuracy_after", name).value > 0.9
        assert evidence.measurement("adaptive_stopped_share", name).interval.low > 0.8
        assert name in evidence.says.lower()
    assert " raised accuracy under attack most, from" in evidence.says
    assert "raised it too" in evidence.says
    assert "points of accuracy" in evidence.says
    assert "proves nothing" not in evidence.says
    assert "Slopes" not in evidence.tables["attackers"].summary  # the comb has none


def test_smoothing_by_less_than_a_tooth_helps_nothing():
    evidence = observe(teeth(), defences=["smoothing"], noise=0.01, **FINE)
    gain = evidence.measurement("robust_accuracy_gain", "smoothing")
    assert gain.interval.low <= 0
    assert abs(gain.value) < 0.1
    assert "raised" not in evidence.says


def around(kind):
    """Return how a defence is built that wraps the model as it is."""
    return lambda bench, settings: Built(kind(bench.counted(bench.subject.model.inner)), "as it is")


class Dodging(Defended):
    """Asks about another place half a hundredth on: the same model with its teeth elsewhere."""

    def predict(self, X):
        return self.inner.predict(X.assign(x=X["x"] + 0.005))


def test_a_defence_that_only_dodges_the_old_attack_is_exposed(monkeypatch):
    monkeypatch.setitem(_defences.DEFENCES, "dodging", around(Dodging))
    evidence = observe(teeth(), defences=["dodging"], **FINE)
    assert evidence.measurement("replayed_stopped_share", "dodging").value > 0.5
    assert evidence.measurement("adaptive_stopped_share", "dodging").value < 0.2
    gain = evidence.measurement("robust_accuracy_gain", "dodging")
    assert gain.interval.low <= 0
    assert gain.value < 0.1
    assert "Stopping the old attack proves nothing: dodging stopped" in evidence.says
    assert "raised" not in evidence.says


class Masked(Defended):
    """Says 0 or 1 and no score between: nothing steers an attacker who sees scores."""

    def predict_proba(self, X):
        return np.rint(self.inner.predict_proba(X))


def test_hiding_scores_stops_the_search_by_scores_and_not_the_attack(monkeypatch):
    monkeypatch.setitem(_defences.DEFENCES, "masking", around(Masked))
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 30))).add_prefix("x")
    model = LogisticRegression().fit(X, (X.sum(axis=1) > 0).astype(int))
    subject = Subject(
        "sum", model, Dataset(X, model.predict(X)), threat={"norm": "linf", "units": "raw", "radius": 0.2}
    )
    evidence = observe(subject, defences=["masking"], max_calls=150, rows=60)
    flipped = evidence.tables["attackers"].frame().set_index(["label", "series"])["value"]
    assert flipped["original", "search by scores"] > 0.4
    assert flipped["masking", "search by scores"] < 0.7 * flipped["original", "search by scores"]
    assert flipped["masking", "search by labels"] == flipped["original", "search by labels"] > 0.1
    # the labels are the same, so that every row counts on either side
    assert evidence.measurement("robust_accuracy_gain", "masking").value == 0
    assert "could be told from none: masking" in evidence.says


def brittle(n, seed):
    """One feature that is right in nine of ten and far from its threshold; five that are right more often, and near."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    sign = 2 * y - 1
    far = sign * np.where(rng.random(n) < 0.9, 1, -1) + 0.01 * rng.normal(size=n)
    X = np.column_stack([far, sign[:, None] * 0.2 + 0.1 * rng.normal(size=(n, 5))])
    return Dataset(pd.DataFrame(X, columns=list("abcdef")), y)


RAW = {"norm": "linf", "units": "raw", "radius": 0.4}


def test_rows_added_in_training_help_where_a_robust_feature_is_there_to_learn():
    train, test = brittle(400, 0), brittle(300, 1)
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(train.X, train.y)
    subject = Subject("tree", model, test, train, threat=RAW)
    evidence = observe(subject, defences=["adversarial training"], rows=100, max_calls=60, pool=400)
    gain = evidence.measurement("robust_accuracy_gain", "adversarial training")
    assert gain.interval.low > 0.3
    assert evidence.measurement("robust_accuracy_after", "adversarial training").value <= 0.95
    assert "rows added to 400 in 2 rounds" in evidence.tables["settings"].frame()["setting"][0]
    assert any("Trained again on the same rows with no defence" in note for note in evidence.notes)


def test_a_network_is_trained_by_inner_steps_and_attacked_by_its_slopes():
    if not os.environ.get("CI"):
        pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    import torch

    from auditkit.predictors import Training, from_torch

    train, test = brittle(400, 0), brittle(300, 1)
    recipe = Training(epochs=15, learning_rate=0.02)
    fresh = from_torch(torch.nn.Linear(6, 2), classes=[0, 1], output="logits", train=recipe)
    subject = Subject("linear", fresh.refit(train.X, train.y, 0), test, train, threat=RAW)
    evidence = observe(
        subject, defences=["adversarial training", "smoothing"], rows=100, max_calls=60, copies=5
    )
    assert evidence.measurement("robust_accuracy_gain", "adversarial training").interval.low > 0.4
    assert (
        "5 inner gradient steps within 0.4 in the columns' own units (linf)"
        in evidence.tables["settings"].frame()["setting"][0]
    )
    flipped = evidence.tables["attackers"].frame().set_index(["label", "series"])["value"]
    assert flipped["original", "gradient steps"] > 0.6
    assert ("smoothing", "gradient steps") in flipped.index


# innocent twins


def test_a_defence_that_changes_nothing_gains_exactly_nothing():
    """As many levels as values: the same attacks find the same rows."""
    known = make_multiclass(n_train=200, n_test=200)
    evidence = observe(known, defences=["feature squeezing"], levels=1000, rows=80, max_calls=30)
    few = replace(evidence, tables={}).measurement("robust_accuracy_gain", "feature squeezing")
    assert abs(few.value) <= 0.03  # held-out values lie between the levels
    assert few.interval.low <= 0 <= few.interval.high


def idle_gate(bench, settings):
    """Return a gate that lets everything pass; attackers take it on class by class, with draws of their own."""
    built = _defences._gate(bench, settings)
    built.model.threshold = np.inf
    return built


def test_luck_in_the_search_is_no_gain(monkeypatch):
    monkeypatch.setitem(_defences.DEFENCES, "idle gate", idle_gate)
    known = make_multiclass(n_train=200, n_test=200)
    evidence = observe(known, defences=["idle gate"], rows=80, max_calls=30)
    flipped = evidence.tables["attackers"].frame().set_index(["label", "series"])["value"]
    assert (flipped["original"] != flipped["idle gate"]).any()
    for group in ("idle gate", "idle gate, rejected rows left to a person"):
        assert evidence.measurement("robust_accuracy_gain", group).value == 0
    old, new = (
        evidence.measurement(f"{which}_stopped_share", "idle gate") for which in ("replayed", "adaptive")
    )
    assert old.value == new.value == 0
    assert "could be told from none: idle gate" in evidence.says


def compared(stood, stands, rejected=None, replayed=None, right=None, right_after=None):
    n = len(stood)
    y = np.zeros(n, dtype=int)
    before = Attacked(y if right is None else np.where(right, 0, 1), {"search": ~stood}, ())
    after = Attacked(y if right_after is None else right_after, {"search": ~stands}, ())
    old = ~stands if replayed is None else replayed
    return Compared("gate", "as set", y, before, after, old, ~stood, ~stands, rejected)


def test_a_useless_defence_is_said_to_help_no_more_often_than_the_level_allows():
    """Which records fall is dealt anew by a coin, with the same chance before and after."""
    rng = np.random.default_rng(0)
    draws, wrong = 1500, 0
    for _ in range(draws):
        p = rng.uniform(0.2, 0.9)
        one = compared(rng.random(60) < p, rng.random(60) < p)
        gain = _hardened.measured(one, Family(0.95, 1))[2]
        assert gain.metric == "robust_accuracy_gain"
        wrong += gain.interval.low > 0 or gain.interval.high < 0
    assert wrong <= stats.binom.ppf(0.999, draws, 0.05)


def test_five_useless_defences_together_are_held_to_one_level():
    rng = np.random.default_rng(1)
    draws, wrong = 300, 0
    for _ in range(draws):
        stood = rng.random(80) < 0.5
        gains = [
            _hardened.measured(compared(stood, rng.random(80) < 0.5), Family(0.95, 5))[2].interval for _ in range(5)
        ]  # fmt: skip
        wrong += any(one.low > 0 or one.high < 0 for one in gains)
    assert wrong <= stats.binom.ppf(0.999, draws, 0.05)


# figures by hand


def test_paired_figures_are_those_of_the_hand():
    # ten records: 6 stood, 7 stand; 3 won, 2 lost
    stood = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0], dtype=bool)
    stands = np.array([1, 1, 1, 1, 0, 0, 1, 1, 1, 0], dtype=bool)
    found = {(m.metric, m.group): m for m in _hardened.measured(compared(stood, stands), Family(0.95, 2))}
    gain = found["robust_accuracy_gain", "gate"]
    assert gain.value == pytest.approx(0.1)
    # Bonett and Price 2012: (3 + 1) / 12 and (2 + 1) / 12, at the level 1 - 0.05 / 2
    p, q, z = 4 / 12, 3 / 12, stats.norm.ppf(1 - 0.0125)
    half = z * np.sqrt((p + q - (p - q) ** 2) / 12)
    assert (gain.interval.low, gain.interval.high) == pytest.approx((p - q - half, p - q + half))
    assert gain.interval.method == "paired, Bonett-Price, Bonferroni over 2 comparisons"
    assert gain.interval.level == 0.95
    assert found["robust_accuracy_before", "gate"].value == 0.6
    assert found["robust_accuracy_after", "gate"].value == 0.7
    assert found["robust_accuracy_after", "gate"].bound == "upper"
    assert found["adaptive_stopped_share", "gate"].value == 3 / 4
    assert found["adaptive_stopped_share", "gate"].n == 4
    low, _ = statistics.clopper_pearson(7, 10)
    assert found["robust_accuracy_after", "gate"].interval.low == pytest.approx(float(low))
    assert found["accuracy_cost", "gate"].value == 0


def test_a_rejected_record_is_neither_right_nor_flipped():
    """Records: right, turned away, wrong, flipped; all four right and standing before."""
    decided = np.array([0, -1, 1, 0])
    one = compared(np.ones(4, dtype=bool), np.array([1, 1, 1, 0], dtype=bool), (3, 40), right_after=decided)
    found = {(m.metric, m.group): m for m in _hardened.measured(one, Family(0.95, 2))}
    assert found["robust_accuracy_after", "gate"].value == 1 / 4  # the first alone
    person = "gate, rejected rows left to a person"
    assert found["robust_accuracy_after", person].value == 2 / 4
    assert found["robust_accuracy_gain", person].value == -2 / 4
    assert found["accuracy_cost", "gate"].value == 2 / 4
    false = found["gate_false_reject_rate", "gate"]
    assert (false.value, false.n) == (3 / 40, 40)
    assert np.isnan(found["adaptive_stopped_share", "gate"].value)
    assert "nothing to stop" in found["adaptive_stopped_share", "gate"].reason


def test_the_sentence_says_what_was_lowered_and_that_the_old_attack_was_stopped():
    n = 200
    stood, replayed = np.arange(n) < 100, np.zeros(n, dtype=bool)
    stands = np.arange(n) < 40
    one = compared(stood, stands, replayed=replayed)
    family = Family(0.95, 1)
    said = _hardened.sentence(_hardened.measured(one, family), [one], family)
    assert "Gate lowered accuracy under attack from 50.0% to 20.0% (by 30.0 [" in said
    hollow = "gate stopped 100.0% of the flips found before it and 0.0% once attackers knew of it"
    assert f"Stopping the old attack proves nothing: {hollow}." in said


def test_the_sentences_are_three_however_many_defences():
    n = 200
    stood, none = np.arange(n) < 100, np.zeros(n, dtype=bool)
    stands = {"a": 150, "b": 160, "c": 40, "d": 50, "e": 100, "f": 101}
    many = [
        replace(compared(stood, np.arange(n) < k, (3, 40), replayed=none), name=name)
        for name, k in stands.items()
    ]
    family = Family(0.95, _hardened.comparisons(many))
    found = [m for one in many for m in _hardened.measured(one, family)]
    first, second, third = _hardened.sentence(found, many, family).removesuffix(".").split(". ")
    assert first.startswith("B raised accuracy under attack most, from 50.0% to 80.0% (by 30.0 [")
    assert first.endswith(
        "points of accuracy; a (by 25.0) raised it too; c (by 30.0), d (by 25.0) lowered it"
    )
    assert second.startswith("Stopping the old attack proves nothing: c stopped 100.0% of the flips found")
    assert second.endswith("; d 100.0% and 0.0%; e 100.0% and 0.0%; f 100.0% and 1.0%")
    assert third == "No change in accuracy under attack could be told from none: e, f"
    assert len(_hardened.to_a_person(found, many)) == 6


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("name", list(_defences.DEFENCES))
def test_attackers_keep_to_the_budget_whatever_a_defence_lets_them_see(name, repeats):
    """A model that gives labels alone: smoothing and the ensemble answer with shares of votes, which are scores."""
    train, test = brittle(200, 0), brittle(60, 1)
    subject = Subject("ridge", RidgeClassifier().fit(train.X, train.y), test, train, threat=RAW)
    threat = threat_of(subject, immutable=None, radius=None, norm=None)
    rows = np.arange(60)
    bench = robustness._bench(subject, threat, rows[20:], rows[:20], (60, repeats), np.random.default_rng(0))
    settings = _defences.Settings(8, 1.0, 3, 3, 0.1, 2, 40, test.X.iloc[:20])
    built = _defences.DEFENCES[name](bench, settings)
    assert all(one.calls <= 60 + 3 for one in bench.asked)  # rows found are asked again, of each attacker
    before = [one.calls for one in bench.asked]
    found = attack(bench, built.model)
    assert ("search by scores" in found.flips) == (name in ("smoothing", "ensemble"))
    # rows unchanged, and rows found, are asked once more; a gate is attacked class by class
    most = 60 * (2 if name == "input gate" else 1) + 2
    spent = [one.calls - old for one, old in zip(bench.asked, before, strict=True)]
    assert 20 < max(spent) <= most


def test_tries_share_the_budget_and_are_fewer_where_it_is_small():
    bench = Bench(None, None, None, None, 60, 10, 0, (0, 0))
    assert [turns(bench, k) for k in (1, 2, 3, 4)] == [10, 6, 4, 3]
    assert turns(replace(bench, max_calls=20, repeats=2), 4) == 1


@pytest.mark.parametrize(("repeats", "said"), [(1, "each once, with"), (10, "each up to 2 times, with")])
def test_the_note_promises_no_tries_that_a_defence_with_more_attackers_does_not_leave(repeats, said):
    """Labels and slopes: three attackers try twice in 30 calls, and the four that smoothing lets try, once."""
    train, test = brittle(200, 0), brittle(60, 1)
    subject = Subject("ridge", RidgeClassifier().fit(train.X, train.y), test, train, threat=RAW)
    evidence = robustness_mitigation_lab(
        subject, rng=np.random.default_rng(0), defences=["smoothing"], rows=20, max_calls=30, repeats=repeats
    )
    assert any(said in note for note in evidence.notes)


# defended models


def test_squeezed_smoothed_and_averaged_answer_as_the_hand_says():
    X = pd.DataFrame({"a": [0, 4, 9], "b": [0.0, 0.4, np.nan]})
    steps = from_callable(lambda Z: (Z["a"] > 3).astype(float), classes=[0, 1], output="proba")
    few = Squeezed(steps, {"a": np.array([1.0, 8.0])})
    assert few.shown(X)["a"].tolist() == [1, 1, 8]
    assert few.shown(X)["a"].dtype == X["a"].dtype
    assert few.predict(X).tolist() == [0, 0, 1]
    many = Smoothed(steps, noise={"a": 2.0}, low={"a": 0.0}, high={"a": 9.0}, whole=("a",), copies=50, seed=3)
    noise = np.random.default_rng(3).normal(size=(1, 50))[0] * 2
    share = (np.clip(np.rint(4 + noise), 0, 9) > 3).mean()
    assert many.predict_proba(X)[1] == pytest.approx([1 - share, share])
    assert (many.predict_proba(X.iloc[1:]) == many.predict_proba(X)[1:]).all()  # whatever rows are beside it
    votes = Smoothed(
        from_callable(lambda Z: (Z["a"] > 3).astype(int), classes=[0, 1], output="labels"),
        noise={"a": 2.0},
        copies=9,
    )
    assert votes.has_proba
    assert set((votes.predict_proba(X)[:, 1] * 9).round(9)) <= set(range(10))
    flat = from_callable(lambda Z: np.zeros(len(Z)), classes=[0, 1], output="proba")
    assert Averaged(steps, (steps, flat)).predict_proba(X)[:, 1].tolist() == [0, 0.5, 0.5]
    with pytest.raises(InputError, match="regression"):
        Squeezed(as_predictor(lambda Z: Z["a"], task="regression"), {})


class Square(Defended):
    """Has the square of a number as its loss, for slopes."""

    def loss_gradient(self, X, y):
        return 2 * X[["a"]].to_numpy() * np.asarray(y)[:, None]


def test_slopes_pass_over_steps_and_are_averaged_over_copies_and_members():
    X, y = pd.DataFrame({"a": [0.0, 4.0, 9.0]}), np.array([1, 1, -1])
    model = Square(from_callable(lambda Z: np.zeros(len(Z), dtype=int), classes=[0, 1], output="labels"))
    few = Squeezed(model, {"a": np.array([1.0, 8.0])})
    assert few.loss_gradient(X, y)[:, 0].tolist() == [
        2,
        2,
        -16,
    ]  # 4 is nearer to 1, and the loss is that of 1
    many = Smoothed(model, noise={"a": 1.0}, copies=7, seed=5)
    mean = np.random.default_rng(5).normal(size=(1, 7)).mean()
    assert many.loss_gradient(X, y)[:, 0] == pytest.approx(2 * (X["a"] + mean) * y)
    assert Averaged(model, (model, few)).loss_gradient(X, y)[:, 0].tolist() == [1, 5, -17]


def cross_entropy(model, X, y):
    return -np.log(model.predict_proba(X)[np.arange(len(X)), y])


def slopes_by_differences(mean_loss, X, names):
    """Return the slopes of a loss of rows by some columns, from either side."""
    h = 1e-5
    sides = [[mean_loss(X.assign(**{name: X[name] + way})) for way in (-h, h)] for name in names]
    return np.column_stack([(up - down) / (2 * h) for down, up in sides])


def test_defended_models_can_be_climbed_through_the_defence():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(90, 3)), columns=list("abc"))
    y = (X["a"] + X["b"] ** 2 + 0.5 * rng.normal(size=90) > 0.5).astype(int) + (X["c"] > 1)
    fits = [
        MLPClassifier((6,), activation="tanh", alpha=1.0, max_iter=5000, solver="lbfgs", random_state=s).fit(
            X, y
        )
        for s in (0, 1)
    ]
    one, other = map(as_predictor, fits)
    names, at, places = ["b", "a"], X[["b", "a"]].to_numpy(), np.arange(90)
    levels = {"a": np.array([-1.0, 0.1, 1.0]), "c": np.array([-0.5, 0.5])}
    wrapped = {
        "squeezed": (
            Squeezed(one, levels),
            lambda Z: cross_entropy(one, Z, y),
            Squeezed(one, levels).shown(X),
        ),
        "smoothed": (
            many := Smoothed(one, noise={"a": 0.3, "c": 0.2}, copies=6, seed=2),
            lambda Z: cross_entropy(one, many.shown(Z), np.repeat(y, 6)).reshape(-1, 6).mean(axis=1),
            X,
        ),
        "averaged": (
            Averaged(one, (one, other)),
            lambda Z: (cross_entropy(one, Z, y) + cross_entropy(other, Z, y)) / 2,
            X,
        ),
    }
    for model, loss, where in wrapped.values():
        around = model.differentiable(X, names)
        moved = at + rng.normal(size=at.shape) * 0.2
        scores = around.scores(moved, places)
        asked = model.predict_proba(X.assign(b=moved[:, 0], a=moved[:, 1]))
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(chances, asked, atol=1e-9)
        scores, value, slope = around.pull(at, places, loss_of("ce", 3), y.to_numpy())
        np.testing.assert_allclose(value, loss(where), atol=1e-9)
        np.testing.assert_allclose(slope, slopes_by_differences(loss, where, names), atol=1e-6)
        some = places[::7]
        np.testing.assert_allclose(
            around.pull(at[some], some, loss_of("ce", 3), y.to_numpy()[some])[2], slope[some]
        )


def test_models_that_vote_are_climbed_by_their_own_slopes_and_answer_by_votes():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=list("ab"))
    model = as_predictor(RidgeClassifier().fit(X, (X.sum(axis=1) > 0).astype(int)))
    for voting in (Smoothed(model, noise={"a": 1.0}, copies=7), Averaged(model, (model, model, model))):
        around = voting.differentiable(X, ["a", "b"])
        shares = np.exp(around.scores(X.to_numpy(), np.arange(80)))
        np.testing.assert_allclose(shares, voting.predict_proba(X), atol=1e-9)
        assert (around.pull(X.to_numpy(), np.arange(80), loss_of("ce", 2), np.zeros(80, int))[2] != 0).all()


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
@pytest.mark.parametrize("gated", [False, True], ids=["plain", "behind a gate"])
def test_gradient_steps_flip_exactly_the_rows_of_a_linear_model_within_the_radius(norm, gated):
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
    model = LogisticRegression().fit(X, (X @ [1.0, -2.0, 0.5, 1.0] > 0).astype(int))
    test, train = (
        Dataset(part.reset_index(drop=True), model.predict(part)) for part in (X.iloc[:150], X.iloc[150:])
    )
    subject = Subject("linear", model, test, train, threat={"norm": norm, "units": "raw", "radius": 0.3})
    threat = threat_of(subject, immutable=None, radius=None, norm=None)
    bench = robustness._bench(subject, threat, np.arange(100), np.arange(100, 150), (240, 1), rng)
    settings = _defences.Settings(8, 1.0, 3, 3, 0.1, 2, 100, test.X.iloc[100:])
    built = _defences._gate(bench, settings).model if gated else Defended(bench.counted(subject.model.inner))
    found = attack(bench, built)
    w, b = model.coef_[0], model.intercept_[0]
    exact = linear_minimal_distance(w, b, test.X.iloc[:100].to_numpy(), norm)
    clear, hit = np.abs(exact - 0.3) > 0.01, found.flips["gradient steps"]
    assert 5 < hit.sum() < 70
    if gated:
        assert not hit[(exact > 0.3) & clear].any()
        rows = found.found[list(found.flips).index("gradient steps")]
        assert not built.rejects(threat.decode(rows[hit])).any()
    else:
        assert (hit == (exact < 0.3))[clear].all()


def gate(**more):
    known = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "c": ["x", "y", "x", "y"]})
    codec = Codec.of(known)
    model = from_callable(lambda Z: np.zeros(len(Z), dtype=int), classes=[0, 1], output="labels")
    open_ends = {"low": np.full(2, -np.inf), "high": np.full(2, np.inf)}
    return Gated(model, codec, codec.encode(known), np.ones(2), **(open_ends | more))


def test_a_gate_turns_away_what_is_unknown_out_of_range_against_a_rule_or_far():
    rows = pd.DataFrame({"a": [0.0, 0.5, 3.0, 5.0, 1.0], "c": ["x", "x", "x", "y", "z"]})
    far = gate().strangeness(rows)
    # the nearest to (3, x) is (2, x) or (3, y), one step either way; z is no value that was known
    assert far == pytest.approx([0, 0.5, 1, 2, np.inf])
    assert gate(threshold=1.0).rejects(rows).tolist() == [False, False, False, True, True]
    assert gate(high=np.array([4.0, np.inf])).rejects(rows).tolist() == [False, False, False, True, True]
    assert gate(rules=('a < 3 or c == "y"',)).rejects(rows).tolist() == [False, False, True, False, True]
    assert (
        gate(threshold=0.0).predict(rows).tolist() == [0] * 5
    )  # a predictor answers; who asks heeds rejects()
    held = pd.DataFrame({"a": np.arange(19) / 10, "c": "x"})
    assert gate().calibrated(held, 0.05).threshold == pytest.approx(
        1.0
    )  # 19th of 19: 1.0 from x = 0 and from x = 2


def test_a_gate_is_measured_on_rows_it_was_not_calibrated_on_and_keeps_its_rate():
    rng = np.random.default_rng(0)
    data = [
        Dataset(pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc")), rng.integers(2, size=n))
        for n in (300, 3000)
    ]
    model = LogisticRegression().fit(data[0].X, data[0].y)
    rates = []
    for seed in range(5):
        evidence = observe(
            Subject("gate", model, data[1], data[0]), seed, defences=["input gate"], rows=20, max_calls=20, reject=0.1
        )  # fmt: skip
        rate = evidence.measurement("gate_false_reject_rate", "input gate")
        assert rate.n == evidence.rows["held_out_for_the_gate"] == 2000
        assert evidence.rows["held_out_for_defences"] == 1000
        rates.append(rate.value)
    # calibrated on 1,000 rows, the true rate spreads by sqrt(0.1 * 0.9 / 1000) around 0.1, and its measure by as much again
    assert np.mean(rates) == pytest.approx(0.1, abs=0.02)


def test_rows_attacked_and_rows_calibrated_on_are_never_the_same():
    attacked, held, fresh = robustness._shared_out(100, 200, np.random.default_rng(0))
    assert (len(attacked), len(held), len(fresh)) == (67, 33, 67)
    assert not set(held) & (set(attacked) | set(fresh))


# what a reader is told, and what is not applicable


def test_the_same_seed_gives_the_same_evidence():
    known = make_multiclass(n_train=120, n_test=120)
    options = {"rows": 40, "max_calls": 20, "pool": 60, "members": 2, "copies": 3}
    first, second, other = (observe(known, seed, **options) for seed in (0, 0, 1))
    assert first.to_dict() == second.to_dict()
    assert first.to_dict() != other.to_dict()
    assert [m.group for m in first.measurements if m.metric == "robust_accuracy_gain"] == [
        "adversarial training", "input gate", "input gate, rejected rows left to a person", "smoothing",
        "feature squeezing", "ensemble",
    ]  # fmt: skip
    changes = [m for m in first.measurements if m.metric in ("robust_accuracy_gain", "accuracy_cost")]
    # five gains and five costs, and the gain where rejected rows are left to a person: all of them are said to hold at once
    assert len(changes) == len(first.tables["changes"].columns["label"]) == 11
    assert {m.interval.method for m in changes} == {"paired, Bonett-Price, Bonferroni over 11 comparisons"}
    # the original, the one trained again, and five defended ones
    assert first.tables["trade_off"].summary.startswith("Over 7 models")
    assert set(first.tables) == {"trade_off", "changes", "attacks", "attackers", "settings", "allowed"}


def test_what_is_asked_and_trained_is_counted():
    known = make_multiclass(n_train=120, n_test=120).counted()
    observe(known, defences=["ensemble", "smoothing"], rows=40, max_calls=20, members=3, copies=4)
    cost = known.model.cost()
    assert cost["refits"] == 1 + 3  # without a defence, and the members
    assert cost["model_rows"] > 4 * cost["model_calls"]


def test_without_training_rows_or_a_recipe_what_needs_them_is_left_out_with_its_reason():
    planted = make_brittle(n=150)
    evidence = observe(planted.subject, rows=40, max_calls=20, radius=0.2)
    assert {m.group for m in evidence.measurements} == {"original", "smoothing", "feature squeezing"}
    for name in ("adversarial training", "input gate", "ensemble"):
        assert any(note.startswith(f"{name} could not be tried: no training data") for note in evidence.notes)
    evidence = observe(teeth(60), rows=20, max_calls=20, radius=0.05, immutable=["z"])
    assert any(
        "ensemble could not be tried: this model (callable comb) cannot be trained again" in note
        for note in evidence.notes
    )
    assert "input gate" in {m.group for m in evidence.measurements}
    with pytest.raises(NotApplicable, match="no defence could be tried: ensemble could not be tried"):
        observe(planted.subject, defences=["ensemble"], rows=40, max_calls=20, radius=0.2)


def test_where_no_number_may_change_there_is_nothing_to_squeeze():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"c": rng.choice(list("uvw"), 200), "x": rng.normal(size=200)})
    model = from_callable(lambda Z: (Z["c"] == "u").astype(int), classes=[0, 1], output="labels")
    subject = Subject("words", model, Dataset(X, (X["c"] == "u").astype(int)))
    with pytest.raises(NotApplicable, match="no column of numbers may change"):
        observe(subject, defences=["feature squeezing"], immutable=["x"], radius=1.0, max_calls=20, rows=20)


def test_too_few_held_out_rows_calibrate_no_gate():
    known = make_multiclass(n_train=100, n_test=60)
    with pytest.raises(NotApplicable, match=r"20 held-out rows .* rate of 0\.01: 99 are needed"):
        observe(known, defences=["input gate"], reject=0.01, max_calls=20, rows=20)


@pytest.mark.parametrize("norm", ["l0", "l1"])
def test_other_norms_are_attacked_by_who_can(norm):
    known = make_multiclass(n_train=100, n_test=100)
    evidence = observe(known, defences=["smoothing"], norm=norm, radius=1.0, max_calls=20, rows=30)
    assert evidence.outcome == "observed"
    assert any("search by scores: no cube" in note for note in evidence.notes) == (norm == "l0")


def test_a_regression_and_predictions_alone_are_not_applicable():
    with pytest.raises(NotApplicable, match="regression"):
        observe(make_regression(n_train=50, n_test=50))
    known = make_multiclass(n_train=50, n_test=50)
    alone = Subject(
        "alone", from_predictions(labels=known.answers().labels, classes=known.classes.tolist()), known.test
    )
    with pytest.raises(NotApplicable, match="recorded predictions"):
        observe(alone)


def test_names_are_held_against_what_there_is():
    known = make_multiclass(n_train=50, n_test=50)
    with pytest.raises(InputError, match="Did you mean 'smoothing'"):
        observe(known, defences=["smooting"])
    with pytest.raises(InputError, match="no defence named"):
        observe(known, defences=[])


def test_a_cancelled_run_stops_and_a_broken_defence_leaves_the_others(monkeypatch):
    known = make_multiclass(n_train=100, n_test=100)

    def broken(bench, settings):
        raise ValueError("out of order")

    monkeypatch.setitem(_defences.DEFENCES, "broken", broken)
    evidence = observe(known, defences=["broken", "smoothing"], rows=20, max_calls=20)
    assert "broken could not be tried: ValueError: out of order" in evidence.notes

    def stopped(bench, settings):
        raise Cancelled

    monkeypatch.setitem(_defences.DEFENCES, "stopped", stopped)
    with pytest.raises(Cancelled):
        observe(known, defences=["stopped", "smoothing"], rows=20, max_calls=20)


def test_an_audit_runs_it_and_judges_by_its_figures():
    settings = {"defences": ["feature squeezing"], "levels": 16, **FINE}
    report = Audit({"robustness_mitigation_lab": settings}).run(teeth())
    assert report.evidence[0].check == "AK317"
    assert report.evidence[0].cost["model_calls"] > 20
