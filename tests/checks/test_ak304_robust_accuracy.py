"""Robust accuracy lies between its bounds: known distances, every change there is, contradictions told, nothing mixed."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from auditkit import Audit, shared, statistics
from auditkit.checks.robustness import _attackers, _bounded, _bracket, robust_accuracy
from auditkit.checks.robustness._smoothed import Vote
from auditkit.data import (
    load_german_credit,
    make_brittle,
    make_credit,
    make_multiclass,
    make_regression,
)
from auditkit.errors import ModelError, NotApplicable
from auditkit.methods import evasion
from auditkit.methods.evasion import MinimalDistance
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject
from auditkit.threat import ThreatModel

LIGHT = {"rows": 60, "max_calls": 20, "samples": 0}


def bracket(subject, seed=0, **options):
    return robust_accuracy(subject, rng=np.random.default_rng(seed), **(LIGHT | options))


def bounds(found):
    return found.measurement("certified_accuracy").value, found.measurement("attacked_accuracy").value


def mixed(n, seed):
    """Whole numbers, a category and a number with gaps, with labels that hang on all of them."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "years": rng.integers(0, 9, n),
        "kind": rng.choice(["a", "b", "c"], n),
        "rooms": 2 * rng.integers(0, 5, n) + 1,
    })  # fmt: skip
    score = frame["years"] * np.where(frame["kind"] == "b", 1, -1) + frame["rooms"] + 2 * rng.normal(size=n)
    return Dataset(frame, (score > 3).astype(int))


def coded(last, scaler=None, coder=None):
    front = ColumnTransformer(
        [
            ("numbers", scaler or StandardScaler(), ["years", "rooms"]),
            ("words", coder or OneHotEncoder(), ["kind"]),
        ]
    )
    return make_pipeline(front, last)


EVERY = pd.DataFrame(
    list(itertools.product(range(9), ["a", "b", "c"], range(1, 10))), columns=["years", "kind", "rooms"]
)


def robustly_right(subject, threat, rows, labels, radius):
    """Count the rows that stay right under every allowed change there is, by asking about all."""
    answers = subject.model.predict(EVERY)
    kept = 0
    for i in range(len(rows)):
        before = rows.iloc[[i] * len(EVERY)].reset_index(drop=True)
        allowed = ~threat.violations(before, EVERY).to_numpy().any(axis=1)
        near = threat.distance(before, EVERY) <= radius * (1 + 1e-12)
        kept += (answers[allowed & near] == labels[i]).all() and subject.model.predict(rows.iloc[[i]])[
            0
        ] == labels[i]
    return kept


# the truth lies within ---------------------------------------------------------------------------------


@pytest.mark.parametrize("norm_name", ["l1", "l2", "linf", "l0"])
@pytest.mark.parametrize("model", [
    coded(DecisionTreeClassifier(max_depth=5, random_state=0)),
    coded(RandomForestClassifier(6, max_depth=4, random_state=0), MinMaxScaler()),
    coded(HistGradientBoostingClassifier(max_iter=6), RobustScaler(), OrdinalEncoder()),
    coded(LogisticRegression()),
], ids=["tree", "forest", "boosting", "linear"])  # fmt: skip
def test_the_accuracy_under_every_allowed_change_lies_between_the_bounds(model, norm_name):
    train, test = mixed(200, 0), mixed(20, 1)
    subject = Subject("mixed", model.fit(train.X, train.y), test, train)
    radius = {"l0": 1.0}.get(norm_name, 1.1)
    found = bracket(subject, norm=norm_name, radius=radius)
    low, high = bounds(found)
    threat = subject.threat_model().within(radius, norm_name)
    truth = robustly_right(subject, threat, test.X, test.y, radius) / 20
    assert low <= truth <= high
    if "Logistic" not in subject.model.kind:
        assert low == high  # trees as small as these are settled


def test_a_brittle_model_is_bracketed_at_its_known_distances():
    # the answer is balance >= limit; with balance alone free, robust accuracy is the share of rows farther than r
    planted = make_brittle(margin=0.01, n=150)
    data = planted.subject.test
    train = make_brittle(margin=0.01, n=4000, seed=9).subject.test
    linear = LogisticRegression(C=1e6, max_iter=10_000).fit(train.X[["balance", "limit"]] * 1.0, train.y)
    linear.coef_, linear.intercept_ = np.array([[1e3, -1e3]]), np.array([0.0])
    frame = Dataset(data.X[["balance", "limit"]], data.y)
    for seen in (True, False):
        model = linear if seen else from_callable(
            lambda X: (X["balance"] > X["limit"]).astype(int), classes=[0, 1], output="labels"
        )  # fmt: skip
        subject = Subject("brittle", model, frame)
        unit = subject.threat_model().features[0].unit
        found = bracket(subject, immutable=["limit"], radius=0.015 / unit, rows=150, max_calls=80)
        gap = np.abs(data.X["balance"] - data.X["limit"]).to_numpy()
        ends = (data.X["balance"].min(), data.X["balance"].max())
        stuck = ~data.X["limit"].between(*ends)
        table = found.tables["bracket"].frame()
        for row in table.itertuples():
            truth = ((gap > row.x * unit) | stuck).mean()
            assert row.attacked >= truth - 1e-12
            if seen:
                assert row.certified <= truth
                assert row.attacked - row.certified <= 0.02
                assert row.low <= truth <= row.high
            elif row.x:
                assert np.isnan(row.certified)
                assert row.low == 0
        assert found.measurement("attacked_accuracy").value == pytest.approx(0.5, abs=0.15)


def test_the_innocent_twin_holds_to_its_margin():
    planted = make_brittle(margin=0.25, n=150)
    linear = LogisticRegression().fit(planted.subject.test.X, planted.subject.test.y)
    linear.coef_, linear.intercept_ = np.array([[1e3, -1e3, 0.0]]), np.array([0.0])
    subject = Subject("robust", linear, planted.subject.test)
    unit = subject.threat_model().features[0].unit
    found = bracket(subject, immutable=["limit", "noise"], radius=0.24 / unit, rows=150)
    assert bounds(found) == (1, 1)
    ends = found.measurement("certified_accuracy").interval
    assert ends.low == pytest.approx(0.025 ** (1 / 150))
    assert found.tables["methods"].columns["left open"][0] == 0


@pytest.mark.parametrize("times", [30, pytest.param(400, marks=pytest.mark.slow)])
def test_the_outer_ends_hold_the_share_of_all_records_at_the_stated_rate(times):
    # x is uniform on -1..1, the label is its sign, the unit of the column its spread: the true share beyond r is 1 - r
    misses = 0
    model = LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
    model.coef_, model.intercept_ = np.array([[50.0]]), np.array([0.0])
    for seed in range(times):
        x = np.random.default_rng(seed).uniform(-1, 1, 40)
        subject = Subject("uniform", model, Dataset(x[:, None], (x > 0).astype(int)), threat={"units": "raw"})
        found = bracket(subject, radius=0.3, rows=40, max_calls=10, level=0.9)
        at = found.tables["bracket"].columns["x"].index(0.3)
        low, high = (found.tables["bracket"].columns[end][at] for end in ("low", "high"))
        misses += not low <= 0.7 <= high
    assert misses <= binom.ppf(0.999, times, 0.1)


def test_both_bounds_are_the_accuracy_at_radius_zero():
    subject = make_multiclass(n_train=160, n_test=60)
    found = bracket(subject)
    columns = found.tables["bracket"].columns
    accuracy = (subject.model.predict(subject.test.X) == subject.test.y).mean()
    assert columns["x"][0] == 0
    assert columns["certified"][0] == columns["attacked"][0] == pytest.approx(accuracy)
    for name, falls in (("certified", columns["certified"]), ("attacked", columns["attacked"])):
        assert (np.diff(falls) <= 0).all(), name
    assert found.tables["bracket"].kind == "bracket"


# what is read ------------------------------------------------------------------------------------------


def test_models_of_the_field_are_read_through_their_pipelines():
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    train, test = mixed(200, 0), mixed(40, 1)
    for last in (
        lightgbm.LGBMClassifier(n_estimators=4, verbose=-1, n_jobs=1),
        xgboost.XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1),
        GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [3, 4]}, cv=2),
    ):
        coder = OrdinalEncoder() if "XGB" in type(last).__name__ else OneHotEncoder()
        model = coded(last, coder=coder).fit(train.X, train.y)
        found = bracket(Subject("read", model, test, train), radius=1.1)
        low, high = bounds(found)
        assert low == high
        assert found.tables["methods"].columns["method"][0].startswith("minimal change")


def test_a_native_booster_is_read():
    lightgbm = pytest.importorskip("lightgbm")
    data = make_multiclass(n_train=160, n_test=60)
    y = np.unique(data.train.y, return_inverse=True)[1]
    settings = {"objective": "multiclass", "num_class": int(y.max()) + 1, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(settings, lightgbm.Dataset(data.train.X, y), 4)
    test = Dataset(data.test.X, np.unique(data.test.y, return_inverse=True)[1])
    low, high = bounds(bracket(Subject("booster", booster, test), radius=0.2))
    assert 0 < low <= high


def test_gaps_are_filled_in_by_the_model_and_at_a_cost_by_the_attacker():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=150), "b": rng.normal(size=150)})
    y = (X["a"] + X["b"] > 0).astype(int).to_numpy()
    X.loc[::4, "a"] = np.nan
    model = make_pipeline(SimpleImputer(), DecisionTreeClassifier(max_depth=4, random_state=0)).fit(X, y)
    # within 0.9 no gap can be filled in, which costs 1
    subject = Subject("gaps", model, Dataset(X.iloc[:60], y[:60]))
    low, high = bounds(bracket(subject, radius=0.9, norm="linf"))
    wide, open_ = bounds(bracket(subject, radius=1.0, norm="linf"))
    assert low == high
    assert wide == open_ <= low


@pytest.mark.parametrize("last", [DecisionTreeClassifier(random_state=0), LogisticRegression()])
def test_a_number_taken_for_missing_breaks_the_order_and_certifies_nothing(last):
    x = np.setdiff1d(np.arange(-10.0, 11), [0])
    X, y = pd.DataFrame({"x": np.repeat(x, 10)}), (np.repeat(x, 10) > 3).astype(int)
    front = SimpleImputer(missing_values=0, strategy="constant", fill_value=9)
    model = make_pipeline(front, last).fit(X, y)
    # 1 is far from 3, and one step from 0, which the imputer makes 9
    data = Dataset(pd.DataFrame({"x": np.repeat([-1.0, 1.0], 10)}), np.zeros(20, dtype=int))
    found = bracket(Subject("zero", model, data, train=Dataset(X, y)), radius=0.3, norm="linf")
    certified, attacked = bounds(found)
    assert np.isnan(certified)
    assert attacked < 1
    assert "takes 0 for missing" in found.measurement("certified_accuracy").reason


def test_every_value_on_a_narrow_grid_is_looked_at_where_numbers_are_coded():
    x = np.tile(np.arange(12) / 2, 20)
    X, y = (
        pd.DataFrame({"x": x}),
        (np.mod(x, 1) == 0).astype(int),
    )  # a half more, or less, has the other label
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), DecisionTreeClassifier(random_state=0))
    data = Dataset(X[y == 1], y[y == 1])
    threat = ThreatModel.draft(X).edit("x", step=0.5)
    subject = Subject("halves", model.fit(X, y), data, train=Dataset(X, y), threat=threat)
    assert bounds(bracket(subject, radius=1.0, norm="linf")) == (0.0, 0.0)


@pytest.mark.parametrize(("model", "why"), [
    (KNeighborsClassifier(), "no sum of trees"),
    (make_pipeline(PolynomialFeatures(), LogisticRegression()), "PolynomialFeatures stands before"),
    (make_pipeline(MinMaxScaler(clip=True), LogisticRegression()), "clips"),
])  # fmt: skip
def test_what_cannot_be_read_has_no_lower_bound_and_says_why(model, why):
    data = make_multiclass(n_train=160, n_test=60)
    found = bracket(Subject("shut", model.fit(data.train.X, data.train.y), data.test, data.train))
    certified_ = found.measurement("certified_accuracy")
    assert np.isnan(certified_.value)
    assert why in certified_.reason
    assert found.measurement("attacked_accuracy").value > 0
    assert "nothing is certified from below" in found.says
    assert why in " ".join(found.notes)


def test_the_german_credit_forest_is_settled_at_a_small_radius():
    train, test = load_german_credit()
    words = [c for c in train.X.columns if not pd.api.types.is_numeric_dtype(train.X[c])]
    front = ColumnTransformer(
        [("words", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), words)],
        remainder="passthrough",
    )
    model = make_pipeline(front, RandomForestClassifier(20, max_depth=5, random_state=0)).fit(
        train.X, train.y
    )
    found = bracket(Subject("german", model, test, train, positive="good"), radius=0.3, rows=20, max_calls=10)
    low, high = bounds(found)
    assert 0 < low == high
    assert found.tables["methods"].columns["left open"][0] == 0


# nothing is mixed, nothing is hidden ---------------------------------------------------------------------


def test_the_smoothed_model_has_figures_of_its_own():
    # the smoothed linear model is the linear model: its certificate cannot exceed the exact one by more than chance
    data = make_multiclass(n_train=160, n_test=60)
    first = data.train.y[0]
    train, test = (Dataset(part.X, part.y == first) for part in (data.train, data.test))
    subject = Subject("two", LogisticRegression().fit(train.X, train.y), test, train, positive=True)
    without, with_ = bracket(subject, radius=0.3), bracket(subject, radius=0.3, samples=1000)
    assert bounds(without) == bounds(with_)
    assert without.tables["bracket"] == with_.tables["bracket"]
    smoothed = with_.measurement("smoothed_certified_accuracy")
    assert smoothed.value <= bounds(with_)[0] + 0.02
    assert smoothed.value >= bounds(with_)[0] - 0.15
    assert "not of the model itself" in smoothed.reason
    assert smoothed.value <= with_.measurement("smoothed_accuracy").value
    assert any("certifies another model" in note for note in with_.notes)
    curve = with_.tables["smoothed"]
    assert curve.kind == "curve"
    assert curve.columns["value"][0] == with_.measurement("smoothed_accuracy").value
    none = without.measurement("smoothed_certified_accuracy")
    assert np.isnan(none.value)
    assert none.reason == "samples is 0"
    assert "smoothed" not in without.tables


def test_a_cube_needs_a_longer_noise_and_a_count_of_columns_has_none():
    data = make_multiclass(n_train=160, n_test=60)
    found = bracket(data, radius=0.1, norm="linf", samples=300)
    assert "noise of 0.2," in found.measurement("smoothed_accuracy").reason  # four columns: twice the radius
    assert (
        "counts columns"
        in bracket(data, radius=1, norm="l0", samples=300).measurement("smoothed_accuracy").reason
    )
    # no radius beyond that of unanimous votes
    far = bracket(data, radius=5.0, samples=100, sigma=0.5)
    assert 0.5 * norm.ppf(0.001 ** (1 / 100)) < 5
    assert far.measurement("smoothed_certified_accuracy").value == 0


def test_columns_without_noise_are_named():
    found = bracket(make_credit(n_train=160, n_test=60), samples=100)
    said = " ".join(found.notes)
    assert "no change of them is covered by the smoothed certificate: purpose, housing" in said
    assert "Missing values get no noise" in said


def test_an_attack_that_beats_the_certificate_is_an_error_and_no_figure(monkeypatch):
    subject = make_multiclass(n_train=160, n_test=60)
    settle = _bounded.settle

    def overconfident(*given, **options):
        words, found = settle(*given, **options)
        object.__setattr__(found, "lower", found.lower * 1.5)
        return words, found

    monkeypatch.setattr(_bounded, "settle", overconfident)
    with pytest.raises(ModelError, match="nearer than the certified bound"):
        bracket(subject)
    report = Audit({"robust_accuracy": LIGHT}).run(subject, seed=0)
    (evidence,) = report.evidence
    assert evidence.outcome == "error"
    assert "nearer than the certified bound" in evidence.reason
    assert evidence.measurements == ()


def test_a_search_that_sees_the_model_and_does_worse_is_marked(monkeypatch):
    train, test = mixed(300, 0), mixed(40, 1)
    model = coded(RandomForestClassifier(15, max_depth=6, random_state=0)).fit(train.X, train.y)
    subject = Subject("large", model, test, train)
    short = bracket(subject, radius=1.1, boxes=0)
    assert any("a search that sees less of the model found a nearer change" in note for note in short.notes)
    low, high = bounds(short)
    methods = short.tables["methods"].frame()
    assert methods["stopped by a limit"][0] > 0
    assert low <= high
    more = bracket(subject, radius=1.1)
    assert bounds(more)[0] >= low
    assert bounds(more)[1] <= high


def test_the_program_settles_what_merging_did_not():
    train, test = mixed(200, 0), mixed(15, 1)
    model = coded(RandomForestClassifier(6, max_depth=4, random_state=0)).fit(train.X, train.y)
    subject = Subject("small", model, test, train)
    settled = bracket(subject, radius=1.1)
    short, program = bracket(subject, radius=1.1, boxes=0), bracket(subject, radius=1.1, boxes=0, nodes=200)
    assert bounds(program) == bounds(settled)
    left = [one.tables["methods"].columns["stopped by a limit"][0] for one in (short, program)]
    assert left[0] > left[1]


def test_an_attacker_is_a_line_in_one_list(monkeypatch):
    subject = make_multiclass(n_train=160, n_test=60)

    def shut(case):
        raise NotApplicable("it has no gradient")

    more = (*_attackers.ATTACKERS, _attackers.Attacker("gradients", "the model", shut))
    monkeypatch.setattr(_attackers, "ATTACKERS", more)
    methods = bracket(subject).tables["methods"].frame().set_index("method")
    assert methods.loc["gradients", "did not start"] == "it has no gradient"
    assert methods.loc["gradients", "turned"] == 0


def test_changes_that_are_not_allowed_or_do_not_turn_are_no_success():
    subject = make_multiclass(n_train=160, n_test=60)
    threat = subject.threat_model().hold("x3")
    X = threat.encode(subject.test.X)
    y = subject.class_index(subject.model.predict(subject.test.X))
    case = _attackers.Case(subject, threat, subject.test.X, X, y, X, 10, np.random.default_rng(0))
    other = X.copy()
    other[:30, 3] += 0.5  # held
    other[30:] += 1e-12  # turns nothing
    from auditkit.methods.evasion import AttackResult

    claimed = AttackResult(other, np.ones(60, bool), np.full(60, 0.1), np.ones(60, int), 1, np.full(60, ""))
    distance, changed = _attackers.measured(case, claimed)
    assert np.isinf(distance).all()
    assert (changed == X).all()


def test_the_report_shows_no_record_and_says_the_same_twice():
    subject = make_credit(n_train=160, n_test=60)
    one, two, other = (
        bracket(subject, seed=s, samples=20, rows=20, max_calls=10).to_dict() for s in (1, 1, 2)
    )
    assert one == two
    assert one != other
    assert not any(word in str(one["tables"]) for word in ("education", "furniture"))


def test_calls_stay_within_the_budget():
    subject = make_multiclass(n_train=160, n_test=60).counted()
    found = bracket(subject, max_calls=15)
    assert max(found.tables["methods"].columns["calls"][1:]) <= 15
    assert subject.model.calls <= len(_attackers.ATTACKERS) * 15 + 12


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_slopes_of_a_linear_model_reach_its_boundary(norm):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 2)), columns=["a", "b"])
    y = (X["a"] - 2 * X["b"] > 0).astype(int).to_numpy()
    test, train = (Dataset(X[half], y[half]) for half in (slice(200), slice(200, 400)))
    subject = Subject("line", LogisticRegression().fit(train.X, train.y), test, train)
    found = bracket(subject, norm=norm, radius=0.3, rows=100, max_calls=60)
    turned = dict(zip(*(found.tables["methods"].columns[name] for name in ("method", "turned")), strict=True))
    assert turned["gradient attack"] >= max(turned.values()) - 1
    lower, upper = (found.measurement(f"{word}_accuracy").value for word in ("certified", "attacked"))
    assert lower <= upper <= lower + 0.02


def test_what_cannot_be_bracketed_says_why():
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        bracket(make_regression())
    recorded = from_predictions(scores=np.linspace(0, 1, 20), classes=[0, 1])
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        bracket(Subject("recorded", recorded, Dataset(None, [0, 1] * 10)))
    with pytest.raises(NotApplicable, match="no column may change"):
        bracket(make_multiclass(n_train=60, n_test=60), immutable=["x0", "x1", "x2", "x3"])


def test_intervals_are_those_of_the_counts():
    found = bracket(make_multiclass(n_train=160, n_test=60), radius=0.2)
    for metric, side in (("certified_accuracy", "lower"), ("attacked_accuracy", "upper")):
        m = found.measurement(metric)
        low, high = statistics.clopper_pearson(round(m.value * 60), 60, 0.95)
        assert (m.n, m.bound, m.interval.low, m.interval.high) == (60, side, low, high)
        assert m.reason == "within 0.2 robust standard deviations (l2)"


def test_rows_that_are_answered_differently_each_time_are_left_out_and_counted():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": np.concatenate([rng.uniform(-1, 1, 50), rng.uniform(8, 9, 10)])})
    calls = [0]

    def answer(rows):
        calls[0] += 1
        a = rows["a"].to_numpy()
        return np.where(a > 5, calls[0] % 2, a > 0).astype(
            int
        )  # rows far up change their answer from call to call

    y = (X["a"] > 0).to_numpy().astype(int)
    model = from_callable(answer, classes=[0, 1], output="labels")
    threat = ThreatModel.draft(X, radius=0.01).edit("a", low=-1, high=1, unit=1.0)
    subject = Subject("fickle", model, Dataset(X, y), positive=1, threat=threat)
    found = bracket(subject)
    assert found.measurement("attacked_accuracy").n == 50
    assert "10 rows were left out: the model answers them differently each time." in found.notes
    assert found.rows["used"] == 50
    n = np.array(found.tables["bracket"].columns["n"])
    assert (n == 50).all()
    near = int((np.abs(X["a"][:50]) <= 0.0099).sum())
    assert found.measurement("attacked_accuracy").value == pytest.approx(1 - near / 50, abs=0.021)


def test_a_model_that_never_repeats_itself_has_no_decision_to_turn():
    X, calls = pd.DataFrame({"a": np.linspace(-1, 1, 60)}), [0]

    def answer(rows):
        calls[0] += 1
        return np.full(len(rows), calls[0] % 2)

    model = from_callable(answer, classes=[0, 1], output="labels")
    with pytest.raises(NotApplicable, match="answers no row the same way twice"):
        bracket(Subject("fickle", model, Dataset(X, np.ones(60, dtype=int)), positive=1))


def test_an_end_between_two_short_floats_is_held_and_nothing_is_proved_that_no_row_can_reach():
    # the tree turns above 0.0999999999; the end of the column is 0.1, and no float of 32 bits lies between
    X = pd.DataFrame({"a": np.linspace(-1, 0.05, 60).astype(np.float32)})
    y = np.zeros(60, dtype=int)
    tree = DecisionTreeClassifier(max_depth=1).fit([[0.0], [0.2]], [0, 1])
    tree.tree_.threshold[0] = 0.0999999999
    threat = ThreatModel.draft(X, radius=2.0).edit("a", high=0.1, unit=1.0)
    assert threat.space.high[0] == np.nextafter(np.float32(0.1), np.float32(-1))
    model = from_callable(lambda rows: tree.predict(rows.to_numpy()), classes=[0, 1], output="labels")
    assert set(model.predict(threat.decode(threat.space.high[None]))) == {0}
    subject = Subject("short", tree, Dataset(X.rename(columns={"a": "x0"}), y), positive=1)
    threat = ThreatModel.draft(subject.test, radius=2.0).edit("x0", high=0.1, unit=1.0)
    subject = Subject("short", tree, subject.test, positive=1, threat=threat)
    found = bracket(subject)
    assert bounds(found) == (1.0, 1.0)
    table = found.tables["methods"].frame()
    own = table[table["certified"] > 0].iloc[0]
    assert (own["turned"], own["minimum proved"]) == (0, 60)  # proved: there is no change at any distance


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_changes_of_short_floats_are_measured_as_the_model_reads_them(size):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": (size * rng.uniform(1, 2, 60)).astype(np.float32)})
    edge = 1.5 * size
    y = (X["a"] > edge).to_numpy().astype(int)
    model = from_callable(
        lambda rows: (rows["a"].to_numpy().astype(float) > edge).astype(int), classes=[0, 1], output="labels"
    )
    threat = ThreatModel.draft(X, radius=0.25, norm="linf").edit("a", unit=size)
    case = _bounded._case(
        Subject("short", model, Dataset(X, y), positive=1, threat=threat),
        threat,
        np.arange(60),
        20,
        np.random.default_rng(0),
    )
    goal = np.where(case.y == 1, edge, np.nextafter(edge, np.inf))[
        :, None
    ]  # the nearest of 64 bits, which no column holds
    got = evasion.AttackResult(
        goal,
        np.ones(60, dtype=bool),
        np.abs(goal - case.X)[:, 0] / size,
        np.zeros(60, dtype=int),
        0,
        np.full(60, ""),
    )
    distance, _ = _attackers.measured(case, got)
    stored = threat.encode(threat.decode(goal))[:, 0].astype(np.float32)
    assert (stored == np.float32(edge)).all()
    ours = np.where(case.y == 1, np.float32(edge), np.nextafter(np.float32(edge), np.float32(np.inf)))
    flips = case.labels(threat.encode(threat.decode(goal))) != case.y
    want = np.where(flips, np.abs(ours.astype(float) - case.X[:, 0]) / size, np.inf)
    np.testing.assert_allclose(distance, want, rtol=1e-12)


def test_a_proof_whose_change_the_model_did_not_bear_out_is_not_counted():
    inside = MinimalDistance(
        np.array([1.0, 1.0, np.inf]), np.array([1.0, 1.0, np.inf]), np.zeros((3, 1)), np.ones(3, dtype=bool),
        np.full(3, "one leaf at a time"), 5,
    )  # fmt: skip
    own = _attackers.Found(
        "minimal change", "the model", np.array([1.0, np.inf, np.inf]), np.zeros((3, 1)), 5
    )
    cloud = Vote((), None, ())
    table = _bracket.methods([own], inside, np.ones(3, dtype=bool), np.array([0.0, 2.0]), 2.0, cloud).frame()
    assert table["minimum proved"].tolist() == [2]


def test_what_was_found_is_shared_and_no_figure_nor_cost_depends_on_who_came_first():
    fresh, known = make_multiclass(n_train=160, n_test=60), make_multiclass(n_train=160, n_test=60)
    plan = Audit({"robust_accuracy": LIGHT | {"samples": 100}})
    with shared.within(0):
        rng = shared.generator_of("AK304", np.random.default_rng(9))
        options = {"rows": 60, "max_calls": 20, "boxes": 20_000, "nodes": 0}
        _bounded.bounded(known, known.threat_model(), rng, **options)
    asked = known.model.cost()["model_calls"]
    assert asked > 0
    first, second = (plan.run(one, seed=0).evidence[0] for one in (fresh, known))
    assert first.to_dict() == second.to_dict()
    assert first.cost == second.cost
