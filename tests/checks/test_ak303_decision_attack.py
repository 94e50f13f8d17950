"""The decision attack finds flips at their distance, never nearer, and every one holds when asked again."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

from auditkit.checks.robustness import decision_attack
from auditkit.data import (
    load_german_credit,
    make_brittle,
    make_credit,
    make_leaky,
    make_multiclass,
    make_regression,
)
from auditkit.errors import InputError, NotApplicable
from auditkit.methods import evasion
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject


def attack(subject, seed=0, **options):
    return decision_attack(subject, rng=np.random.default_rng(seed), **options)


def labelled(function, data, train=None, classes=(0, 1)):
    model = from_callable(function, classes=list(classes), output="labels")
    return Subject("s", model, data, train, positive=classes[1])


def spread(values):
    return np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.349


@pytest.fixture
def inside(monkeypatch):
    """What the search was given and gave, to be held against the check's words."""
    seen = {}
    search = evasion.decision_search

    def spy(ask, X, y, space, pool, **options):
        seen.update(
            ask=ask, X=X, y=y, space=space, pool=pool, found=search(ask, X, y, space, pool, **options)
        )
        return seen["found"]

    monkeypatch.setattr(evasion, "decision_search", spy)
    return seen


# at the right distance, never nearer -------------------------------------------------------------------


def test_the_brittle_twin_is_found_at_its_known_distance():
    planted = make_brittle(margin=0.01, n=200)
    X = planted.subject.test.X
    exact = np.abs(X["balance"] - X["limit"]).to_numpy() / spread(X["balance"])
    exact[~X["limit"].between(X["balance"].min(), X["balance"].max())] = (
        np.inf
    )  # out of the data's range: not allowed
    found = attack(planted.subject, immutable=["limit", "noise"], radius=0.05, rows=200)
    curve = found.tables["by_radius"].columns
    for r, value in zip(curve["x"], curve["value"], strict=True):
        assert np.mean(exact * 1.02 <= r) <= value <= np.mean(exact <= r * (1 + 1e-9))
    middle = found.measurement("attack_median_distance")
    assert np.median(exact) * (1 - 1e-9) <= middle.value <= np.median(exact) * 1.01
    assert middle.bound == "upper"
    assert found.measurement("attack_success_rate").value == np.mean(exact <= 0.05)


def test_the_robust_twin_is_quiet_within_the_radius():
    planted = make_brittle(margin=0.25, n=200)
    reach = planted.size["smallest_distance"] / spread(planted.subject.test.X["balance"])
    rate = attack(planted.subject, immutable=["limit", "noise"], radius=0.99 * reach).measurement(
        "attack_success_rate"
    )
    assert rate.value == 0
    assert rate.interval.high == pytest.approx(1 - 0.025 ** (1 / 200))  # exact, and not 0
    assert rate.bound == "lower"


@pytest.mark.parametrize("norm_name", ["l2", "l1", "linf"])
def test_a_linear_model_is_never_flipped_nearer_than_its_boundary(norm_name, inside):
    rng = np.random.default_rng(0)
    train, X = rng.normal(size=(500, 4)) * [1, 5, 0.2, 1], rng.normal(size=(100, 4)) * [1, 5, 0.2, 1]
    y = (train @ [1, 0.3, -4, 0.5] > 0.2).astype(int)
    model = LogisticRegression(C=100, max_iter=1000).fit(train, y)
    subject = Subject("linear", model, Dataset(X, model.predict(X)), Dataset(train, y))
    found = attack(subject, norm=norm_name, radius=0.3)
    units = np.array([spread(train[:, j]) for j in range(4)])
    w = model.coef_[0] * units
    dual = {"l2": np.linalg.norm(w), "l1": np.abs(w).max(), "linf": np.abs(w).sum()}[norm_name]
    exact = np.abs(X @ model.coef_[0] + model.intercept_) / dual
    assert (inside["found"].distance >= exact * (1 - 1e-6)).all()
    # an unbounded boundary is a lower limit only, for the ranges bind; most rows come close to it
    assert np.median(inside["found"].distance / exact) < 1.25
    assert found.measurement("attack_success_rate").value <= np.mean(exact <= 0.3)


# every flip holds --------------------------------------------------------------------------------------


def german():
    lightgbm = pytest.importorskip("lightgbm")
    train, test = load_german_credit()
    words = [c for c in train.X.columns if not pd.api.types.is_numeric_dtype(train.X[c])]
    coded = ColumnTransformer(
        [("words", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), words)],
        remainder="passthrough", verbose_feature_names_out=False,
    ).set_output(transform="pandas")  # fmt: skip
    model = make_pipeline(
        coded, lightgbm.LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1, random_state=0)
    )
    return Subject("german", model.fit(train.X, train.y), test, train, positive="good")


@pytest.mark.parametrize(("make", "radius"), [
    (german, 1.5),
    (lambda: make_credit(n_train=300, n_test=100), 1.0),
    (lambda: make_multiclass(n_train=300, n_test=100), 0.5),
])  # fmt: skip
def test_every_flip_is_a_flip_when_the_model_is_asked_again(make, radius, inside):
    subject = make()
    found = attack(subject, radius=radius, rows=60)
    result, X, space = inside["found"], inside["X"], inside["space"]
    within = result.success & (result.distance <= radius)
    assert within.sum() == round(found.measurement("attack_success_rate").value * 60) > 0
    assert (inside["ask"](result.adversarial[within]) != inside["y"][within]).all()
    assert not space.violations(X, result.adversarial).any()
    assert (result.distance[result.success] > 0).all()


def test_whatever_the_model_is_asked_keeps_ranges_types_categories_and_fixed_columns():
    train, test = load_german_credit()
    asked = []

    def answer(X):
        asked.append(X)
        return np.where(X["duration_months"] + 10 * (X["housing"] == "own") > 22, "bad", "good")

    subject = labelled(answer, test, train, ("bad", "good"))
    found = attack(subject, radius=1.5, rows=40)
    everything = pd.concat(asked, ignore_index=True)
    both = pd.concat([train.X, test.X], ignore_index=True)
    # two sensitive features are inputs, sex was read from a third, and a credit history is past
    fixed = ["credit_history", "personal_status_sex", "age", "foreign_worker"]
    assert "not changed: credit_history, personal_status_sex, age, foreign_worker" in " ".join(found.notes)
    assert list(everything.columns) == list(test.X.columns)
    for name in everything.columns:
        assert everything[name].dtype == both[name].dtype
        if pd.api.types.is_numeric_dtype(both[name]):
            assert everything[name].between(both[name].min(), both[name].max()).all()
            assert (everything[name] == everything[name].round()).all()
        else:
            assert set(everything[name].dropna()) <= set(both[name].dropna())
    assert not set(found.tables["examples"].columns["column"]) & set(fixed)
    assert set(found.tables["examples"].columns["column"]) & {"duration_months", "housing"}


def test_fixed_columns_stay_as_they_are_in_every_row(inside):
    found = attack(
        make_credit(n_train=200, n_test=100), immutable=["age", "income", "purpose"], radius=1.0, rows=50
    )
    names = list(inside["space"].names)
    for name in ("age", "income", "purpose"):
        j = names.index(name)
        np.testing.assert_array_equal(inside["X"][:, j], inside["found"].adversarial[:, j])
    assert "not changed: age, income, purpose" in " ".join(found.notes)


def test_inputs_that_settle_a_sensitive_feature_stay_as_they_are():
    # the sensitive features are sex, no input at all, and age_band, a banding of the input age
    found = attack(make_credit(n_train=200, n_test=200), radius=1.0, rows=50)
    assert "not changed: age." in found.notes[0]
    assert "age" not in found.tables["examples"].columns["column"]


def test_a_column_that_is_not_there_cannot_be_held_fixed():
    with pytest.raises(InputError, match=r"no column 'incom' to hold fixed. Did you mean 'income'"):
        attack(make_credit(n_train=60, n_test=60), immutable=["incom"])


def test_the_budget_is_kept_and_told():
    subject = make_credit(n_train=200, n_test=200)
    for budget in (10, 40):
        fresh = subject.counted()
        found = attack(fresh, rows=30, max_calls=budget)
        assert fresh.model.calls <= budget
        assert f"{fresh.model.rows:,} rows asked in {fresh.model.calls} calls." in found.notes


def test_the_seed_decides():
    subject = make_credit(n_train=200, n_test=200)
    one, two, other = (attack(subject, seed=s, rows=30, max_calls=40).to_dict() for s in (1, 1, 2))
    assert one == two
    assert one["measurements"] != other["measurements"]


# what is said ------------------------------------------------------------------------------------------


def test_no_single_record_is_shown():
    subject = make_credit(n_train=200, n_test=100)
    found = attack(subject, radius=1.0, rows=50)
    table = found.tables["examples"].columns
    assert list(table) == ["column", "changed in", "flips"]
    assert set(table["column"]) <= set(subject.test.X.columns)
    flips = round(found.measurement("attack_success_rate").value * 50)
    assert all(0 < f <= flips for f in table["flips"])
    np.testing.assert_allclose(table["changed in"], np.array(table["flips"]) / flips)
    shown = " ".join([found.says, *found.notes, str(found.tables)])
    assert not any(word in shown for word in ("education", "furniture"))


def test_the_median_counts_rows_that_were_not_flipped_as_infinitely_far(inside):
    # a category that decides: rows of "own" can only be flipped by the fixed column
    n = 60
    X = pd.DataFrame({"x": np.tile(np.linspace(-1, 1, 20), 3), "lock": np.repeat([0, 0, 1], 20)})
    subject = labelled(lambda X: ((X["x"] > 0) | (X["lock"] == 1)).astype(int), Dataset(X, np.arange(n) % 2))
    found = attack(subject, immutable=["lock"], rows=n, max_calls=60)
    distance = inside["found"].distance
    assert np.isinf(distance).sum() == 20
    middle = found.measurement("attack_median_distance")
    assert middle.n == n
    assert middle.value == np.median(distance)
    # order statistics with at least 95%: the smallest pair of ranks by the binomial
    k = max(r for r in range(1, n // 2) if binom.cdf(r - 1, n, 0.5) <= 0.025)
    assert middle.interval.low == np.sort(distance)[k - 1]
    assert middle.interval.high == np.sort(distance)[n - k]
    assert "For 20 of 60 rows no allowed row" in " ".join(found.notes)


def test_five_rows_give_no_upper_end():
    data = Dataset({"x": [-2.0, -1.0, 1.0, 2.0, 3.0]}, [0, 0, 1, 1, 1])
    found = attack(labelled(lambda X: (X["x"] > 0).astype(int), data), max_calls=30)
    ends = found.measurement("attack_median_distance").interval
    assert (ends.low, ends.high) == (0, np.inf)


def test_a_model_of_one_answer_is_a_failed_attack_and_not_a_distance_of_zero():
    found = attack(
        labelled(lambda X: np.ones(len(X), dtype=int), make_brittle(n=100).subject.test), max_calls=30
    )
    rate, middle = found.measurements[:2]
    assert rate.value == 0
    assert rate.interval.high == pytest.approx(1 - 0.025 ** (1 / 100))
    assert np.isnan(middle.value)
    assert "fewer than half of 100" in middle.reason
    assert "For 100 of 100 rows" in " ".join(found.notes)
    assert found.tables["examples"].columns["column"] == ()


def test_a_radius_that_no_change_fits_is_not_a_rate_of_zero():
    words = Dataset({"w": ["a", "b"] * 20, "v": ["c", "d", "e", "f"] * 10}, [0, 1] * 20)
    subject = labelled(lambda X: (X["w"] == "b").astype(int), words)
    with pytest.raises(NotApplicable, match="pass radius=1 or more"):
        attack(subject)
    assert attack(subject, radius=1.0).measurement("attack_success_rate").value == 1
    assert attack(subject, radius=1.0, norm="l0").measurement("attack_success_rate").value == 1
    with pytest.raises(NotApplicable, match=r"as small as 0.5 columns \(l0\)"):
        attack(make_multiclass(n_train=60, n_test=60), norm="l0")
    with pytest.raises(NotApplicable, match="no column may change"):
        attack(subject, immutable=["w", "v"], radius=2.0)


def test_columns_too_coarse_for_the_radius_are_named():
    assert (
        "Too coarse to change within 0.5 robust standard deviations (l2): purpose, housing."
        in attack(make_credit(n_train=200, n_test=60)).notes
    )


def test_constant_and_empty_columns_and_every_type_are_attacked(inside):
    n = 60
    frame = pd.DataFrame({
        "real": pd.Series(np.linspace(0, 1, n), dtype="float32"),
        "counted": pd.Series([*range(n - 1), None], dtype="Int64"),
        "word": pd.Series(["a", "b", "c"] * (n // 3), dtype="category"),
        "text": pd.Series(["u", None] * (n // 2), dtype=object),
        "flag": np.arange(n) % 2 == 0,
        "maybe": pd.Series([True, None] * (n // 2), dtype="boolean"),
        "fixed": 7.0,
        "empty": np.nan,
    })  # fmt: skip
    asked = []

    def answer(X):
        asked.append(X.dtypes)
        return (X["real"].to_numpy() + (X["word"] == "a").to_numpy() > 0.6).astype(int)

    found = attack(labelled(answer, Dataset(frame, np.arange(n) % 2)), radius=1.0, max_calls=60)
    assert found.measurement("attack_success_rate").value > 0.5
    assert all(types.equals(frame.dtypes) for types in asked)
    adversarial, names = inside["found"].adversarial, list(inside["space"].names)
    assert (adversarial[:, names.index("fixed")] == 7).all()
    assert np.isnan(adversarial[:, names.index("empty")]).all()


def test_tables_that_each_know_their_own_categories_lose_none():
    train = Dataset({"w": pd.Categorical(["a", "b"] * 20), "x": np.arange(40.0)}, [0, 1] * 20)
    test = Dataset({"w": pd.Categorical(["b", "c"] * 20), "x": np.arange(40.0)}, [0, 1] * 20)
    gaps = []

    def answer(X):
        gaps.append(int(X["w"].isna().sum()))
        return (X["w"] != "b").astype(int)

    found = attack(labelled(answer, test, train), radius=1.0, max_calls=40)
    assert found.measurement("attack_success_rate").value == 1
    assert set(gaps) == {0}


def test_frames_of_polars_are_attacked():
    pl = pytest.importorskip("polars")
    plain = make_multiclass(n_train=200, n_test=100)
    train, test = (Dataset(pl.from_pandas(d.X), d.y) for d in (plain.train, plain.test))
    model = LogisticRegression().fit(train.X, plain.train.y)
    dressed = attack(Subject("polars", model, test, train), rows=40, max_calls=40)
    named = {(m.metric, m.group): m for m in attack(plain, rows=40, max_calls=40).measurements}
    assert all(named[m.metric, m.group] == m for m in dressed.measurements)


def test_rows_that_a_model_never_answers_alike_are_left_out():
    rng = np.random.default_rng(0)

    def moody(X):
        sure = (X["x0"] > 0).astype(int).to_numpy()
        return np.where(X["x1"] > 0, rng.integers(2, size=len(X)), sure)

    data = make_leaky(n_train=50, n_test=200).subject.test
    found = attack(labelled(moody, data), max_calls=30)
    n = found.measurement("attack_success_rate").n
    assert 120 < n < 180  # about half of the moody half changes its mind between two calls
    assert f"{200 - n} rows were left out" in " ".join(found.notes)


def test_what_cannot_be_attacked_says_why():
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        attack(make_regression())
    recorded = from_predictions(scores=np.linspace(0, 1, 20), classes=[0, 1])
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        attack(Subject("recorded", recorded, Dataset(None, [0, 1] * 10)))


def test_a_million_rows_are_sampled():
    n = 1_000_000
    x = np.random.default_rng(0).normal(size=n)
    subject = labelled(lambda X: (X["x"] > 0).astype(int), Dataset({"x": x}, (x > 0).astype(int)))
    found = attack(subject, max_calls=30)
    assert found.rows["used"] == 200
    assert subject.model.rows < 100_000
    # of a normal column within half a spread of 0
    share = 2 * norm.cdf(0.5) - 1
    assert found.measurement("attack_success_rate").value == pytest.approx(share, abs=4 * np.sqrt(0.25 / 200))


def test_a_tree_is_attacked_without_probabilities():
    data = make_leaky(kind="tree", n_train=200, n_test=100).subject
    model = DecisionTreeClassifier(random_state=0).fit(data.train.X, data.train.y)
    subject = labelled(lambda X: model.predict(X), data.test, data.train)
    assert attack(subject, max_calls=60).measurement("attack_success_rate").interval.low > 0.8


def test_the_rate_carries_the_budget_it_was_found_with():
    rate = attack(make_brittle(margin=0.01, n=50).subject, max_calls=40, radius=0.3, norm="l1").measurements[
        0
    ]
    assert (rate.metric, rate.reason) == (
        "attack_success_rate",
        "40 calls, within 0.3 robust standard deviations (l1)",
    )


# for whom it is easiest ----------------------------------------------------------------------------------


def near_and_far(n: int, gap: float, seed: int = 0) -> Subject:
    """Scores lie within 1 of the boundary; those of group "near" are drawn closer by the factor 1 - gap."""
    rng = np.random.default_rng(seed)
    group = np.repeat(["near", "far"], n // 2)
    x = rng.uniform(0.05, 1, n) * rng.choice([-1, 1], n) * np.where(group == "near", 1 - gap, 1)
    data = Dataset(pd.DataFrame({"x": x}), (x > 0).astype(int), sensitive_features={"group": group})
    return Subject("near and far", lambda X: np.clip(X["x"] + 0.5, 0, 1).to_numpy(), data, positive=1)


def test_the_group_near_the_boundary_is_flipped_more_often():
    subject = near_and_far(200, gap=0.8)
    unit = subject.threat_model().features[0].unit
    found = attack(subject, radius=0.2 / unit, rows=200, max_calls=60)
    gap = found.measurement("attack_success_difference", "group")
    # |x| is uniform on [0.05, 1] in one group and on [0.01, 0.2] in the other; a flip is possible where it is below 0.2
    assert gap.interval.low <= 1 - 0.15 / 0.95 <= gap.interval.high
    assert gap.p_value < 0.001
    rates = {m.group: m.value for m in found.measurements if m.metric == "group_attack_success_rate"}
    assert rates["group=near"] > 0.9 > 0.4 > rates["group=far"]
    assert "group=near" in found.tables["by_group"].columns["label"]


def test_groups_alike_are_quiet_at_the_stated_rate():
    alarms = 0
    for seed in range(60):
        subject = near_and_far(80, gap=0.0, seed=seed)
        unit = subject.threat_model().features[0].unit
        found = attack(subject, radius=0.3 / unit, rows=80, max_calls=12)
        alarms += found.measurement("attack_success_difference", "group").interval.low > 0
    assert alarms <= binom.ppf(0.999, 60, 0.05)


def test_of_few_records_nothing_is_said():
    found = attack(near_and_far(30, gap=0.5), rows=12, max_calls=20)
    small = [m for m in found.measurements if m.metric == "group_attack_success_rate" and m.n < 10]
    assert small
    assert all(np.isnan(m.value) and "at least 10 are needed" in m.reason for m in small)


def test_answers_that_are_not_repeated_are_told_and_not_called_a_search_that_found_nothing():
    """One answer in 20 is drawn: the search ends at rows that the model, asked again, answers as before."""
    rng, drawn = np.random.default_rng(0), np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    y = (X["a"] > 0).to_numpy().astype(int)

    def unsteady(rows):
        plain = (np.asarray(rows["a"]) > 0).astype(int)
        return np.where(drawn.random(len(rows)) < 0.05, drawn.integers(0, 2, len(rows)), plain)

    test, train = Dataset(X[100:], y[100:]), Dataset(X[:100], y[:100])
    subject = Subject("unsteady", from_callable(unsteady), test, train)
    evidence = decision_attack(subject, rng=np.random.default_rng(0), rows=100, max_calls=40)
    assert any(
        "rows the model did not repeat the other answer that was found" in note for note in evidence.notes
    )
    assert any("may be flipped than were found" in note for note in evidence.notes)
    assert not any("was found at any distance" in note for note in evidence.notes)
