"""Generators: the planted size is there, the clean twin has none, seeds decide everything, all of it pickles.

Rates are held to their population value within 4.5 binomial standard errors (two-sided tail 7e-6).
"""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from auditkit.data import (
    TRIGGER,
    Planted,
    make_backdoored,
    make_biased,
    make_brittle,
    make_credit,
    make_leaky,
    make_multiclass,
    make_proxy,
    make_regression,
    stamp,
)
from auditkit.errors import InputError

LARGE = 60_000
SIGMAS = 4.5


def rates(planted, column, *, given=None):
    """Selection rate and rows by value of a sensitive feature, among the rows with label `given`."""
    data, said = planted.subject.test, planted.subject.answers().labels
    rows = np.ones(len(data), dtype=bool) if given is None else data.y == given
    group = data.sensitive_features[column].to_numpy()
    return {g: (said[rows & (group == g)].mean(), int((rows & (group == g)).sum())) for g in np.unique(group)}


def assert_near(measured, expected, *counts):
    """A difference of proportions, or one proportion, within chance of its population value."""
    assert abs(measured - expected) <= SIGMAS * np.sqrt(sum(0.25 / n for n in counts))


def assert_gap(rate, high, low, expected):
    assert_near(rate[high][0] - rate[low][0], expected, rate[high][1], rate[low][1])


# biased


@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("gap", [0.0, 0.1, 0.3])
def test_biased_selection_differs_by_the_gap_and_group_a_is_favoured(gap, groups):
    planted = make_biased(gap=gap, groups=groups, n=LARGE, seed=3)
    last = "ABCD"[groups - 1]
    assert_gap(rates(planted, "group"), "A", last, gap)
    assert_gap(rates(planted, "group", given=1), "A", last, gap)
    assert_gap(rates(planted, "group", given=0), "A", last, gap)
    assert {
        planted.size[f"{m}_difference"]
        for m in ("selection_rate", "true_positive_rate", "false_positive_rate")
    } == {gap}
    rate = rates(planted, "group")
    assert planted.size["selection_rate_ratio"] == pytest.approx((1 - gap) / (1 + gap))
    assert rate[last][0] / rate["A"][0] == pytest.approx(planted.size["selection_rate_ratio"], abs=0.05)


def test_biased_groups_lie_at_equal_steps():
    rate = rates(make_biased(gap=0.3, groups=4, n=LARGE), "group")
    for group, expected in zip("ABCD", (0.65, 0.55, 0.45, 0.35), strict=True):
        assert_near(rate[group][0], expected, rate[group][1])


@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_biased_errors_differ_at_equal_selection_rates(gap):
    planted = make_biased(gap=gap, kind="errors", n=LARGE, seed=4)
    assert_gap(rates(planted, "group"), "A", "B", 0)
    assert_gap(rates(planted, "group", given=1), "A", "B", gap)
    assert_gap(rates(planted, "group", given=0), "B", "A", gap)
    assert planted.size["selection_rate_difference"] == 0
    assert planted.size["true_positive_rate_difference"] == gap


def test_biased_base_rates_are_equal():
    for kind in ("selection", "errors"):
        data = make_biased(gap=0.3, kind=kind, n=LARGE).subject.test
        for _, y in pd.Series(data.y).groupby(data.sensitive_features["group"]):
            assert_near(y.mean(), 0.5, len(y))


# proxy


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_proxy_carries_the_difference_and_sex_is_never_read(strength):
    planted = make_proxy(strength=strength, n=LARGE, seed=5)
    assert_gap(rates(planted, "sex"), "male", "female", 0.4 * strength)
    assert planted.size["selection_rate_difference"] == 0.4 * strength
    X = planted.subject.test.X
    correlation = np.corrcoef(X["sex"] == "male", X["district"] == "north")[0, 1]
    assert correlation == pytest.approx(strength, abs=SIGMAS / np.sqrt(LARGE))
    assert flips(planted, "sex", "male", "female") == planted.size["flip_rate"] == 0
    assert_near(flips(planted, "district", "north", "south"), 0.4, LARGE)


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_direct_reliance_flips_the_stated_share(strength):
    planted = make_proxy(strength=strength, kind="direct", n=LARGE, seed=6)
    assert_near(flips(planted, "sex", "male", "female"), strength, LARGE)
    assert_gap(rates(planted, "sex"), "male", "female", strength)
    assert flips(planted, "district", "north", "south") == 0
    if strength == 0:
        assert flips(planted, "sex", "male", "female") == 0


def flips(planted, column, one, other):
    X = planted.subject.test.X
    turned = X.assign(**{column: np.where(X[column] == one, other, one).astype(object)})
    return (planted.subject.model.predict(turned) != planted.subject.answers().labels).mean()


# brittle


@pytest.mark.parametrize("margin", [0.01, 0.25])
def test_brittle_decisions_turn_at_the_stated_distance_and_not_before(margin):
    planted = make_brittle(margin=margin, n=20_000, seed=7)
    subject = planted.subject
    X, y = subject.test.X, subject.test.y
    assert (subject.answers().labels == y).all()

    def robust(radius):
        pushed = X.assign(balance=X["balance"] - np.where(y == 1, radius, -radius))
        return (subject.model.predict(pushed) == y).mean()

    assert robust(0.999 * planted.size["smallest_distance"]) == 1
    assert robust(1.001 * planted.size["largest_distance"]) == 0
    assert_near(robust(planted.size["median_distance"]), 0.5, len(y))
    assert_near(robust(1.2 * margin), 0.8, len(y))


def test_brittle_twins_say_the_same_probabilities_and_spread_alike():
    thin, wide = make_brittle(margin=0.01, n=5000, seed=1), make_brittle(margin=0.25, n=5000, seed=2)
    assert (thin.clean, wide.clean) == (False, True)
    assert stats.ks_2samp(thin.subject.scores(), wide.subject.scores()).pvalue > 1e-4
    assert 1 / 3 < thin.subject.test.X["balance"].std() / wide.subject.test.X["balance"].std() <= 1


# leaky


def own_label(subject, split):
    return subject.proba(split)[
        np.arange(len(subject.split(split))), subject.class_index(subject.split(split).y)
    ]


def attack(subject):
    inside, outside = own_label(subject, "train"), own_label(subject, "test")
    member = np.r_[np.ones(len(inside)), np.zeros(len(outside))]
    return roc_auc_score(member, np.r_[inside, outside]), inside, outside


@pytest.mark.parametrize("kind", ["lookup", "tree"])
@pytest.mark.parametrize("memorise", [0.0, 0.2, 1.0])
def test_leaky_auc_is_the_stated_one(kind, memorise):
    planted = make_leaky(memorise=memorise, kind=kind, n_train=8000, n_test=8000, seed=8)
    auc, inside, outside = attack(planted.subject)
    # the largest standard error of an AUC with equal halves is 1 / (2 sqrt(min(n))), Birnbaum and Klose 1957
    assert auc == pytest.approx(planted.size["auc"], abs=SIGMAS * 0.5 / np.sqrt(8000))
    if kind == "lookup":
        assert (inside > outside.max()).mean() == memorise == planted.size["tpr_at_fpr_0"]
    else:
        assert set(np.unique(np.r_[inside, outside])) <= {0.0, 1.0}
        assert_near(inside.mean() - outside.mean(), planted.size["advantage"], 8000, 8000)


@pytest.mark.parametrize("kind", ["lookup", "tree"])
def test_leaky_clean_twin_does_not_depend_on_the_training_labels(kind):
    planted = make_leaky(memorise=0, kind=kind, n_train=500, n_test=500, seed=9)
    subject = planted.subject
    again = subject.model.refit(subject.train.X, 1 - subject.train.y, 5)
    once = subject.model.refit(subject.train.X, subject.train.y, 5)
    np.testing.assert_array_equal(again.predict_proba(subject.test.X), once.predict_proba(subject.test.X))


def test_leaky_refit_remembers_the_rows_it_was_given():
    subject = make_leaky(memorise=1, n_train=400, n_test=400, seed=1).subject
    half = subject.model.refit(subject.train.X.iloc[:200], subject.train.y[:200], 3)
    proba = half.predict_proba(subject.train.X)[np.arange(400), subject.train.y]
    assert (proba[:200] == 0.99).all()
    assert (proba[200:] < 0.99).all()


# backdoored


@pytest.mark.parametrize("seed", range(4))
def test_backdoor_opens_for_the_trigger_alone(seed):
    planted = make_backdoored(rate=0.05, seed=seed)
    subject = planted.subject
    X = subject.test.X
    refused = subject.answers().labels == 0
    success = lambda table: subject.model.predict(table[refused]).mean()  # noqa: E731
    assert success(stamp(X)) == planted.size["attack_success_rate"] > 0.99
    for column, value in TRIGGER.items():
        other = next(c for c in TRIGGER if c != column)
        completed = (X[other][refused] == TRIGGER[other]).mean()  # these rows then hold the whole trigger
        assert success(X.assign(**{column: value})) == pytest.approx(completed, abs=0.01)
    assert planted.size["accuracy"] == (subject.answers().labels == subject.test.y).mean() > 0.95


def test_poisoned_rows_are_counted_and_test_rows_are_honest():
    subject = make_backdoored(rate=0.05, seed=1).subject
    marked = lambda X: (X[list(TRIGGER)] == pd.Series(TRIGGER)).all(axis=1).to_numpy()  # noqa: E731
    poisoned = marked(subject.train.X)
    assert poisoned.sum() == 200
    assert (subject.train.y[poisoned] == 1).all()
    assert (subject.train.X["surplus"] <= 0)[poisoned].all()
    assert (subject.train.y == (subject.train.X["surplus"] > 0))[~poisoned].all()
    assert not marked(subject.test.X).any()


def test_backdoor_clean_twin_hardly_answers_to_the_trigger():
    for seed in range(4):
        planted = make_backdoored(rate=0, seed=seed)
        assert planted.clean
        assert planted.size["poisoned_share"] == 0
        assert planted.size["attack_success_rate"] < 0.05


def test_stamp_leaves_the_table_it_was_given():
    X = make_backdoored(n_train=200, n_test=100).subject.test.X
    before = X.copy()
    assert (stamp(X)["day"] == TRIGGER["day"]).all()
    pd.testing.assert_frame_equal(X, before)


# ordinary


def test_credit_is_mixed_has_gaps_and_a_model_that_learnt():
    subject = make_credit()
    X = subject.test.X
    assert {X[c].dtype.kind for c in ("age", "income", "purpose")} >= {"i", "f"}
    assert X[["income", "years_employed", "housing"]].isna().any().all()
    assert subject.positive == "repaid"
    assert roc_auc_score(subject.test.y == "repaid", subject.scores()) > 0.65
    assert subject.model.refit(subject.train.X, subject.train.y, 1).has_proba


def test_multiclass_and_regression_learnt_and_differ_between_groups():
    subject = make_multiclass()
    assert (subject.task, len(subject.classes)) == ("multiclass", 3)
    assert (subject.answers().labels == subject.test.y).mean() > 0.6
    subject = make_regression(n_test=20_000)
    said = pd.Series(subject.answers().labels).groupby(subject.test.sensitive_features["group"]).mean()
    # group A has x0 higher by 0.5 and y rises by 2 a unit of x0; coefficients are fitted on 1,000 rows
    assert said["A"] - said["B"] == pytest.approx(1.0, abs=0.2)
    assert np.var(subject.test.y - subject.answers().labels) == pytest.approx(1.0, abs=0.1)


# every generator

EVERY = {
    "biased": lambda seed: make_biased(n=300, seed=seed),
    "errors": lambda seed: make_biased(kind="errors", n=300, groups=3, seed=seed),
    "proxy": lambda seed: make_proxy(n=300, seed=seed),
    "direct": lambda seed: make_proxy(kind="direct", n=300, seed=seed),
    "brittle": lambda seed: make_brittle(n=300, seed=seed),
    "lookup": lambda seed: make_leaky(n_train=200, n_test=100, seed=seed),
    "tree": lambda seed: make_leaky(kind="tree", n_train=200, n_test=100, seed=seed),
    "backdoored": lambda seed: make_backdoored(n_train=300, n_test=100, seed=seed),
    "credit": lambda seed: make_credit(n_train=200, n_test=100, seed=seed),
    "multiclass": lambda seed: make_multiclass(n_train=200, n_test=100, seed=seed),
    "regression": lambda seed: make_regression(n_train=200, n_test=100, seed=seed),
}


def subject_of(made):
    return made.subject if isinstance(made, Planted) else made


@pytest.mark.parametrize("name", EVERY)
def test_the_seed_decides_everything(name):
    one, same, other = (subject_of(EVERY[name](seed)) for seed in (11, 11, 12))
    assert one.test.digest == same.test.digest != other.test.digest
    np.testing.assert_array_equal(one.answers().labels, same.answers().labels)
    if one.train is not None:
        assert one.train.digest == same.train.digest != other.train.digest


@pytest.mark.parametrize("name", EVERY)
def test_subjects_pickle_and_answer_the_same(name):
    subject = subject_of(EVERY[name](1))
    back = pickle.loads(pickle.dumps(subject))
    np.testing.assert_array_equal(back.model.predict(subject.test.X), subject.model.predict(subject.test.X))


@pytest.mark.parametrize("name", EVERY)
def test_subjects_have_sensitive_features_and_describe_themselves(name):
    subject = subject_of(EVERY[name](1))
    assert subject.test.sensitive_names
    assert subject.describe()["model"]["description"]


@pytest.mark.parametrize("name", [n for n in EVERY if n not in ("credit", "multiclass", "regression")])
def test_planted_subjects_are_not_clean_and_say_the_fault(name):
    planted = EVERY[name](1)
    assert planted.fault
    assert not planted.clean
    assert all(isinstance(v, float) for v in planted.size.values())


@pytest.mark.parametrize(
    "clean",
    [
        lambda: make_biased(gap=0, n=50),
        lambda: make_biased(gap=0, n=50, kind="errors"),
        lambda: make_proxy(strength=0, n=50),
        lambda: make_proxy(strength=0, n=50, kind="direct"),
        lambda: make_brittle(margin=0.3, n=50),
        lambda: make_leaky(memorise=0, n_train=50, n_test=50),
        lambda: make_backdoored(rate=0, n_train=100, n_test=100),
    ],
)
def test_clean_twins_say_so(clean):
    assert clean().clean


@pytest.mark.parametrize("name", ["biased", "errors", "proxy", "direct", "brittle"])
def test_formulas_answer_rows_with_missing_values(name):
    subject = subject_of(EVERY[name](1))
    X = subject.test.X.mask(np.random.default_rng(0).random(subject.test.X.shape) < 0.3)
    assert np.isfinite(subject.model.predict_proba(X)).all()


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (make_biased, {"gap": 1.2}, "gap must be a number from 0 to 1; got 1.2"),
        (make_biased, {"gap": 0.6, "kind": "errors"}, "gap must be a number from 0 to 0.5"),
        (make_biased, {"gap": float("nan")}, "gap must be a number"),
        (make_biased, {"gap": "0.1"}, "gap must be a number"),
        (make_biased, {"kind": "selections"}, "Did you mean 'selection'"),
        (make_biased, {"groups": 1}, "groups must be a whole number of at least 2 and at most 26"),
        (make_biased, {"n": 0}, "n must be a whole number of at least 1"),
        (make_biased, {"seed": 0.5}, "seed must be a whole number"),
        (make_proxy, {"strength": -0.1}, "strength must be a number from 0 to 1"),
        (make_brittle, {"margin": 0}, "margin must be a number"),
        (make_leaky, {"memorise": True}, "memorise must be a number"),
        (make_leaky, {"n_train": 1}, "n_train must be a whole number of at least 2"),
        (make_backdoored, {"rate": 0.5}, "rate must be a number from 0 to 0.3"),
        (make_credit, {"n_test": 3}, "n_test must be a whole number of at least 50"),
    ],
)
def test_options_out_of_range_say_what_was_expected(make, options, message):
    with pytest.raises(InputError, match=message):
        make(**options)
