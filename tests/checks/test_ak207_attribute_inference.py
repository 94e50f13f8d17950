"""Attribute inference finds what was planted, keeps training and general knowledge apart, and falls into no trap."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from auditkit import Audit
from auditkit.checks.privacy import attribute_inference
from auditkit.data import make_credit, make_regression
from auditkit.data._estimators import Memoriser
from auditkit.errors import InputError, NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject

GAP, MEMBERS, OTHERS = "attribute_member_gap", "attribute_advantage_members", "attribute_advantage"
INVERSION, LEARNED, CONFIDENCE = "v: model inversion", "v: learned attack", "v: confidence alone"


def ask(subject, seed=0, **options):
    return attribute_inference(subject, rng=np.random.default_rng(seed), **options)


def coins(rng, n):
    """Two numbers, a hidden coin and a label that is another coin: nothing tells of anything."""
    X = pd.DataFrame(
        {"x0": rng.uniform(-1, 1, n), "x1": rng.uniform(-1, 1, n), "v": rng.integers(2, size=n) * 1.0}
    )
    return Dataset(X, rng.integers(2, size=n), sensitive_features=["v"])


# guilty: memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [1.0, 0.5])
def test_what_training_gave_away_is_found_at_its_size(m):
    # A remembered row is answered with its label at 0.99 under its own value, and as any other row under the other: the attack
    # knows it. The rest is a coin, like the baseline: m + (1 - m) / 2 - 1 / 2 = m / 2.
    rng = np.random.default_rng(1)
    train, test = coins(rng, 1000), coins(rng, 2000)
    model = Memoriser(m, "lookup", random_state=0).fit(train.X.to_numpy(), train.y)
    found = ask(Subject("memoriser", model, test, train), attacks=["inversion", "confidence"])
    for group in (INVERSION, CONFIDENCE):
        gap = found.measurement(GAP, group)
        assert gap.value == pytest.approx(m / 2, abs=0.08)
        assert gap.interval.low > 0.1
        assert gap.bound == "lower"
        assert gap.p_value < 1e-6
        assert found.measurement(MEMBERS, group).interval.low > 0.1
        assert found.measurement(OTHERS, group).interval.low < 0.01
    assert "what training gave away, is largest for v:" in found.says


def far_apart(X):
    return X.to_numpy() * [1.0, 1.0, 100.0]


def test_a_nearest_neighbour_gives_its_neighbours_away():
    # The value is far along: the other one leads to another record, whose label is a coin. Half of the time both values agree with
    # the label and the guess is a coin, else one does and it is right: 1/2 + 1/4, a quarter more than the baseline.
    rng = np.random.default_rng(2)
    train, test = coins(rng, 1200), coins(rng, 2400)
    near = make_pipeline(FunctionTransformer(far_apart), KNeighborsClassifier(1))
    subject = Subject("1-NN", near.fit(train.X, train.y), test, train)
    found = ask(subject, attacks=["inversion"])
    assert found.measurement(GAP, INVERSION).value == pytest.approx(0.25, abs=0.06)
    assert found.measurement(GAP, INVERSION).interval.low > 0.15


# guilty: knowledge about people in general -------------------------------------------------------------


def striped(rng, n):
    """The label is the hidden coin, turned around in every other of 200 stripes: too fine for the population to show."""
    X = pd.DataFrame({"x0": rng.uniform(0, 1, n), "v": rng.integers(2, size=n)})
    return Dataset(X, X["v"].to_numpy() ^ (np.floor(200 * X["x0"].to_numpy()).astype(int) % 2), {"v": X["v"]})


def knows_the_stripes(X):
    one = X["v"].to_numpy() ^ (np.floor(200 * X["x0"].to_numpy()).astype(int) % 2)
    return np.column_stack([1 - one, one]) * 0.98 + 0.01


def test_what_the_model_teaches_of_everybody_is_no_gap():
    # Under one value alone the model agrees with the label, so inversion is always right; the baseline is a coin.
    rng = np.random.default_rng(3)
    train, test = striped(rng, 400), striped(rng, 1000)
    model = from_callable(knows_the_stripes, classes=[0, 1], output="proba")
    found = ask(Subject("stripes", model, test, train), attacks=["inversion", "learned"])
    for group in (INVERSION, LEARNED):
        assert found.measurement(OTHERS, group).value == pytest.approx(0.5, abs=0.1)
        assert found.measurement(OTHERS, group).interval.low > 0.3
        gap = found.measurement(GAP, group)
        assert gap.interval.low < 0 < gap.interval.high
    table = found.tables["accuracies"].frame()
    assert (table["with_model"] > 0.95).all()
    np.testing.assert_allclose(table["advantage"], table["with_model"] - table["baseline"])


def test_labels_alone_give_it_away_too():
    rng = np.random.default_rng(3)
    train, test = striped(rng, 400), striped(rng, 800)
    model = from_callable(lambda X: knows_the_stripes(X).argmax(axis=1), classes=[0, 1], output="labels")
    found = ask(Subject("labels", model, test, train), attacks=["inversion", "confidence"])
    assert found.measurement(OTHERS, INVERSION).interval.low > 0.3
    assert any("needs class probabilities" in note for note in found.notes)


# innocent ----------------------------------------------------------------------------------------------


def lawful(rng, n, law):
    """Labels depend on x0 and x1 alone; the hidden value is independent ("coin", "seldom"), or follows from x1 ("follows")."""
    x = rng.normal(size=(n, 3))
    chance = {"coin": 0.5, "seldom": 0.2, "follows": 1 / (1 + np.exp(-4 * x[:, 1]))}[law]
    X = pd.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "x2": x[:, 2], "v": (rng.random(n) < chance).astype(int)})
    y = (rng.random(n) < 1 / (1 + np.exp(-2 * x[:, 0] - x[:, 1]))).astype(int)
    return Dataset(X, y, sensitive_features=["v"])


def leak_free(law, n, seed, make=LogisticRegression):
    """A subject whose stated training rows its model never saw."""
    rng = np.random.default_rng(seed)
    seen, train, test = (lawful(rng, size, law) for size in (n, n, 2 * n))
    return Subject("leak-free", make().fit(seen.X, seen.y), test, train)


def test_a_value_that_is_easily_guessed_without_the_model_is_not_the_models_doing():
    found = ask(leak_free("follows", 1000, 0))
    table = found.tables["accuracies"].frame()
    assert (table["with_model"] > 0.8).all()  # the trap: the attack looks strong
    for group in (INVERSION, LEARNED):
        for metric in (OTHERS, MEMBERS, GAP):
            one = found.measurement(metric, group)
            assert abs(one.value) < 0.03
            assert one.interval.low <= 0


def alarms(law, n, draws, make=LogisticRegression):
    """Count, by metric and attack, the intervals that lie above 0 where there is nothing to find."""
    above: dict[tuple[str, str], int] = {}
    for s in range(draws):
        for m in ask(
            leak_free(law, n, s, make), seed=10_000 + s, attacks=["inversion", "learned"]
        ).measurements:
            above[m.metric, m.group] = above.get((m.metric, m.group), 0) + (m.interval.low > 0)
    return above


@pytest.mark.parametrize("law", ["coin", "follows"])
def test_false_alarms_are_as_rare_as_stated(law):
    assert max(alarms(law, 120, 24).values()) <= binom.ppf(0.9995, 24, 0.025)


def forest():
    return RandomForestClassifier(20, min_samples_leaf=5, random_state=0, n_jobs=1)


@pytest.mark.slow
@pytest.mark.parametrize("make", [LogisticRegression, forest])
@pytest.mark.parametrize("n", [100, 400])
@pytest.mark.parametrize("law", ["coin", "seldom", "follows"])
def test_false_alarms_over_many_draws(law, n, make):
    found = alarms(law, n, 400, make)
    assert max(found.values()) <= binom.ppf(0.9995, 400, 0.025), found


# subjects of every kind --------------------------------------------------------------------------------


def test_regressions_words_numbers_and_gaps_are_attacked():
    credit, plain = make_credit(n_train=300, n_test=300), make_regression(n_train=200, n_test=200)
    found = ask(credit, features=["housing", "age"])
    groups = {m.group for m in found.measurements}
    assert groups == {
        f"{name}: {attack}" for name in ("housing", "age") for attack in ("model inversion", "learned attack")
    }
    assert any("age is guessed as one of 4 bins" in note for note in found.notes)
    first = str(plain.test.X.columns[0])
    assert all(m.interval is not None for m in ask(plain, features=[first]).measurements)


def test_a_regression_that_remembers_gives_itself_away():
    rng = np.random.default_rng(5)

    def draw(n):
        X = pd.DataFrame({"x0": rng.normal(size=n), "v": rng.choice(["a", "b"], n)})
        return Dataset(X, rng.normal(size=n), {"v": X["v"]})

    train, test = draw(600), draw(1200)
    encode = FunctionTransformer(lambda X: np.column_stack([X["x0"], 100.0 * (X["v"] == "a")]))
    model = make_pipeline(encode, KNeighborsRegressor(1)).fit(train.X, train.y)
    found = ask(Subject("1-NN", model, test, train), attacks=["inversion"])
    # the true value fits exactly, the other one answers with another record's value: told unless that one is near too
    assert 0.15 < found.measurement(GAP, INVERSION).interval.low < 0.5
    assert abs(found.measurement(OTHERS, INVERSION).value) < 0.06


def test_without_training_rows_the_gap_is_left_out_and_that_is_said():
    rng = np.random.default_rng(0)
    train, test = coins(rng, 200), coins(rng, 200)
    found = ask(Subject("s", LogisticRegression().fit(train.X, train.y), test))
    assert {m.metric for m in found.measurements} == {OTHERS}
    assert "cannot be told without training rows" in found.says
    assert any("No training rows were given" in note for note in found.notes)


def test_an_attacker_without_the_label_has_the_learned_attack_only():
    rng = np.random.default_rng(3)
    train, test = striped(rng, 400), striped(rng, 800)
    found = ask(
        Subject("s", from_callable(knows_the_stripes, classes=[0, 1], output="proba"), test, train),
        knows_label=False,
    )
    assert {m.group for m in found.measurements} == {LEARNED}
    # without the label the answers say nothing of the value
    assert found.measurement(OTHERS, LEARNED).interval.low <= 0
    assert any("needs the label" in note for note in found.notes)


def test_the_model_is_asked_once_a_value_and_the_seed_decides():
    subject = leak_free("coin", 200, 0).counted()
    one = ask(subject, seed=1).to_dict()
    assert (subject.model.calls, subject.model.rows) == (2, 2 * 600)
    assert ask(subject, seed=1).to_dict() == one
    assert ask(subject, seed=2).to_dict() != one


def test_frames_of_polars_are_attacked():
    pl = pytest.importorskip("polars")
    rng = np.random.default_rng(0)
    train, test = coins(rng, 200), coins(rng, 200)
    dressed = [Dataset(pl.from_pandas(d.X), d.y, {"v": d.X["v"].to_numpy()}) for d in (test, train)]
    model = LogisticRegression().fit(dressed[1].X, train.y)
    plain = Subject("pandas", LogisticRegression().fit(train.X, train.y), test, train)
    assert ask(Subject("polars", model, *dressed)).measurements == ask(plain).measurements


def test_rare_values_and_missing_ones_are_counted_and_said():
    rng = np.random.default_rng(0)

    def draw(n):
        v = pd.Series([f"v{i}" for i in rng.integers(14, size=n)]).mask(rng.random(n) < 0.1)
        X = pd.DataFrame({"x": rng.normal(size=n), "v": pd.factorize(v.fillna("none"), sort=True)[0], "w": v})
        return Dataset(X, rng.integers(2, size=n), {"v": X["v"]})

    train, test = draw(300), draw(600)
    model = make_pipeline(FunctionTransformer(lambda X: X[["x", "v"]]), LogisticRegression()).fit(
        train.X, train.y
    )
    found = ask(Subject("s", model, test, train), features=["w"])
    assert any("w has 14 values; the 10 most frequent are guessed" in note for note in found.notes)
    assert all(m.interval is not None for m in found.measurements)


def test_one_value_leaves_nothing_to_guess():
    rng = np.random.default_rng(0)
    train, test = coins(rng, 100), coins(rng, 100)
    fixed = [Dataset(d.X.assign(v=1.0), d.y, sensitive_features=["v"]) for d in (test, train)]
    found = ask(Subject("s", LogisticRegression().fit(fixed[1].X, train.y), *fixed))
    assert np.isnan(found.measurement(OTHERS, "v").value)
    assert "nothing to guess" in found.measurement(OTHERS, "v").reason
    assert found.says.startswith("No hidden feature")


def test_what_cannot_be_attacked_says_what_to_give():
    credit = make_credit(n_train=200, n_test=200)
    with pytest.raises(NotApplicable, match=r"features=\["):
        ask(credit)
    with pytest.raises(InputError, match="Did you mean 'housing'"):
        ask(credit, features=["housin"])
    with pytest.raises(InputError, match="names no input"):
        ask(credit, features=[])
    with pytest.raises(InputError, match="no attack named"):
        ask(credit, features=["housing"], attacks=[])
    with pytest.raises(NotApplicable, match="too few rows"):
        ask(leak_free("coin", 18, 0))
    recorded = from_predictions(scores=np.linspace(0.1, 0.9, 50), classes=[0, 1])
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        ask(Subject("s", recorded, Dataset(None, np.arange(50) % 2)))


def test_no_value_of_a_record_is_in_the_report():
    token = "Zyxx-canary"
    rng = np.random.default_rng(0)

    def draw(n):
        v = rng.choice(["a", "b"], n).astype(object)
        v[0] = token
        X = pd.DataFrame({"x": rng.normal(size=n), "v": v})
        return Dataset(X, rng.integers(2, size=n), sensitive_features=["v"])

    train, test = draw(200), draw(200)
    model = make_pipeline(FunctionTransformer(lambda X: X[["x"]]), LogisticRegression()).fit(train.X, train.y)
    report = Audit(["attribute_inference"]).run(Subject("s", model, test, train))
    assert token not in str(report.of("AK207").to_dict())
