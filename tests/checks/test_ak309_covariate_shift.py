"""Another mix costs what a calculation by hand says; looking for the worst one raises no false alarm."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

from auditkit import statistics
from auditkit.checks.robustness import covariate_shift
from auditkit.data import make_credit
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject

DROP, NAMED = "shifted_accuracy_drop", "named_shift_accuracy_drop"


def run(subject, seed=0, **options):
    return covariate_shift(subject, rng=np.random.default_rng(seed), **options)


def with_rightness(X, right, train=None):
    """A model that always answers 1, on labels that make it right where told."""
    model = from_callable(lambda X: np.ones(len(X), int), classes=[0, 1], output="labels")
    data = Dataset(pd.DataFrame(X), np.asarray(right).astype(int))
    return Subject(
        "told",
        model,
        data,
        None if train is None else Dataset(pd.DataFrame(train), np.resize([0, 1], len(train["x"]))),
    )


def two_wards(n=2000):
    """Ward B is a fifth of the records; right 95% of the time in A and half of the time in B, exactly."""
    ward = np.where(np.arange(n) % 5, "A", "B")
    place = np.zeros(n, int)
    for one in "AB":
        place[ward == one] = np.arange((ward == one).sum())
    right = np.where(ward == "A", place % 20 != 0, place % 2 == 0)
    return {"ward": ward, "x": np.random.default_rng(0).normal(size=n)}, right


def named(found):
    table = found.tables["named"].columns
    return dict(zip(table["label"], table["value"], strict=True))


def test_a_category_twice_as_common_costs_what_is_counted_by_hand():
    found = run(with_rightness(*two_wards()))
    lost = named(found)
    # 0.8 × 0.95 + 0.2 × 0.5 = 0.86; with B doubled (0.8 × 0.95 + 0.4 × 0.5) / 1.2 = 0.8
    assert lost["ward=B twice as common"] == pytest.approx(0.06)
    assert lost["ward=A twice as common"] == pytest.approx(0.86 - (1.6 * 0.95 + 0.2 * 0.5) / 1.8)
    assert abs(lost["x higher"]) < 0.02
    worst = found.measurement(NAMED)
    assert worst.value == pytest.approx(0.06)
    assert worst.reason.startswith("ward=B twice as common; the largest of 4 shifts")
    assert worst.interval.low > 0.03
    assert worst.interval.method.startswith("bonferroni")


@pytest.mark.parametrize(("divergence", "budget"), [("kl", 0.1), ("chi2", 0.2)])
def test_the_worst_mix_within_the_budget_is_found_and_measured_on_other_rows(divergence, budget):
    found = run(with_rightness(*two_wards()), divergence=divergence, budget=budget)
    drop = found.measurement(DROP)
    share = np.linspace(0.2, 0.999, 200_000)  # of B, in a mix of two
    old = np.array([0.8, 0.2])
    new = np.array([1 - share, share])
    cost = (
        (new * np.log(new / old[:, None])).sum(0)
        if divergence == "kl"
        else ((new - old[:, None]) ** 2 / old[:, None]).sum(0)
    )
    expected = (share[cost <= budget].max() - 0.2) * 0.45
    assert drop.value == pytest.approx(expected, abs=0.025)
    assert drop.interval.low <= expected <= drop.interval.high
    assert drop.bound == "lower"
    words = {"kl": "Kullback-Leibler divergence in nats", "chi2": "chi-square divergence"}[divergence]
    assert drop.n == 1000
    assert drop.reason.startswith(f"ward in another mix (budget {budget:g}, {words})")
    mix = found.tables["worst_mix"].frame().set_index("records of")
    assert mix.loc["ward=B", "share in the worst mix"] == pytest.approx(0.2 + expected / 0.45, abs=0.03)
    assert mix.loc["ward=B", "result"] == pytest.approx(0.5, abs=0.08)
    columns = found.tables["worst_by_column"].columns
    assert columns["label"][0] == "ward"
    curve = found.tables["by_budget"].columns["value"]
    assert curve[-1] > curve[0]


def test_a_number_moved_up_costs_what_the_normal_integral_says():
    n = 4000
    x = norm.ppf((np.arange(n) + 0.5) / n)
    found = run(with_rightness({"x": x}, x < 1))
    # right below 1: moving a normal column by 0.5 takes the share right from Phi(1) to Phi(0.5)
    assert named(found)["x higher"] == pytest.approx(norm.cdf(1) - norm.cdf(0.5), abs=0.003)
    assert named(found)["x lower"] == pytest.approx(norm.cdf(1) - norm.cdf(1.5), abs=0.003)


def coins(seed, n=300, columns=8):
    rng = np.random.default_rng(seed)
    X = {f"c{i}": rng.integers(0, 5, n) if i % 2 else rng.normal(size=n) for i in range(columns)}
    return with_rightness(X, rng.random(n) < 0.85)


@pytest.mark.parametrize("trials", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_looking_for_the_worst_mix_raises_no_false_alarm(trials):
    found = [run(coins(seed), seed) for seed in range(trials)]
    for metric in (DROP, NAMED):
        alarms = sum(f.measurement(metric).interval.low > 0 for f in found)
        assert alarms <= binom.ppf(0.999, trials, 0.025)
    # picked and measured on the same rows it would look like a loss nearly always
    assert abs(np.mean([f.measurement(DROP).value for f in found])) < 0.02


def domains(shift, seed, n=300):
    rng = np.random.default_rng(seed)
    X, train = ({"x": rng.normal(mean, 1, n), "z": rng.normal(size=n)} for mean in (0, shift))
    return with_rightness(X, rng.random(n) < norm.cdf(X["x"]), train)


def test_test_rows_from_elsewhere_are_told_from_training_rows():
    found = run(domains(1.5, 0, 1000))
    auc = found.measurement("domain_auc")
    best = norm.cdf(1.5 / np.sqrt(2))  # of the likelihood ratio of two normals
    assert auc.interval.low > 0.75
    assert best - 0.05 < auc.value < best + 0.03
    # the model is right with Phi(x): more often where x is larger, as in training
    as_trained = named(found)["inputs as in the training rows"]
    true = norm.cdf(0) - norm.cdf(1.5 / np.sqrt(2))
    assert true - 0.06 < as_trained < true / 2
    assert "AUC of" in found.says


@pytest.mark.parametrize("trials", [15, pytest.param(200, marks=pytest.mark.slow)])
def test_test_rows_drawn_as_the_training_rows_are_not_told_apart(trials):
    found = [run(domains(0.0, seed, 150), seed).measurement("domain_auc") for seed in range(trials)]
    alarms = sum(m.interval.low > 0.5 for m in found)
    assert alarms <= binom.ppf(0.999, trials, 0.025)
    held = sum(m.interval.low <= 0.5 <= m.interval.high for m in found)
    assert held >= binom.ppf(0.001, trials, 0.95)


def test_without_training_rows_only_the_domain_is_left_out():
    found = run(with_rightness(*two_wards(400)))
    auc = found.measurement("domain_auc")
    assert np.isnan(auc.value)
    assert auc.reason == "no training rows were given"
    assert "inputs as in the training rows" not in named(found)


def test_an_effective_size_too_small_says_nothing():
    found = run(with_rightness(*two_wards(40)), tilt=2.0)
    assert np.isnan(found.measurement(DROP).value)
    assert "30 are needed" in found.measurement(DROP).reason
    assert np.isnan(named(found)["x higher"])
    assert "Effective size below 30" in " ".join(found.notes)
    none = run(with_rightness({"x": np.arange(20.0)}, np.resize([1, 0], 20)))
    assert np.isnan(none.measurement(NAMED).value)
    assert "by_budget" not in none.tables


def test_a_mix_that_holds_none_of_the_other_half_says_nothing():
    # six rows: where one half lacks the cell that all weight went to, there is nothing to measure it on
    X = {"k": ["a", "b", "b", "b", "a", "b"]}
    for seed in range(20):
        found = run(with_rightness(X, [0, 1, 1, 1, 0, 1]), seed, budget=1.0)
        assert np.isnan(found.measurement(DROP).value)


def test_the_growth_of_an_error_is_in_deviations_of_the_target():
    n = 3000
    x = norm.ppf((np.arange(n) + 0.5) / n)
    y = np.where(np.arange(n) % 2, 1.0, -1.0) * 10
    model = from_callable(lambda X: y + np.maximum(X["x"].to_numpy(), 0), output="values")
    found = run(Subject("error", model, Dataset({"x": x}, y), task="regression"))

    def mean_error(m):  # of max(x, 0) for x normal around m
        return m * norm.cdf(m) + norm.pdf(m)

    assert named(found)["x higher"] == pytest.approx((mean_error(0.5) - mean_error(0)) / 10, rel=0.02)
    assert found.measurement("named_shift_error_increase").interval.low > 0
    assert found.measurement("shifted_error_increase").interval.low > 0


def test_predictions_alone_are_weighed_by_their_groups():
    X, right = two_wards(1000)
    recorded = from_predictions(labels=np.ones(1000, int), classes=[0, 1])
    data = Dataset(None, right.astype(int), {"ward": X["ward"]})
    found = run(Subject("recorded", recorded, data))
    assert named(found)["ward=B twice as common"] == pytest.approx(0.06)
    assert found.measurement("domain_auc").reason == "no training rows were given"
    with pytest.raises(NotApplicable, match="there is no mix that could change"):
        run(Subject("bare", recorded, Dataset(None, right.astype(int))))


def test_a_value_that_one_record_alone_holds_is_not_shown():
    X, right = two_wards(200)
    found = run(
        with_rightness({**X, "name": [f"person {i // 2 if i < 4 else i}" for i in range(200)]}, right)
    )
    shown = [word for table in found.tables.values() for word in map(str, sum(table.columns.values(), ()))]
    people = {word for word in shown if "person" in word}
    assert people == {f"name=person {i} twice as common" for i in (0, 1)}


def test_rare_groups_are_taken_together_under_a_name_of_their_own():
    n = 600
    region = np.where(np.arange(n) % 2, np.arange(n) % 40, 0)
    recorded = from_predictions(labels=np.ones(n, int), classes=[0, 1])
    labels = (np.arange(n) % 3 > 0).astype(int)
    found = run(Subject("regions", recorded, Dataset(None, labels, {"region": [f"r{i:02}" for i in region]})))
    cells = found.tables["worst_mix"].columns["records of"]
    assert len(cells) == 21
    assert cells.count("region: others") == 1
    assert sum(cell == "region=r00" for cell in cells) == 1
    with pytest.raises(NotApplicable, match="too few to be halved"):
        run(
            Subject(
                "three",
                from_predictions(labels=[1, 1, 1], classes=[0, 1]),
                Dataset(None, [0, 1, 1], {"g": list("abc")}),
            )
        )


def test_weights_are_those_of_the_effective_size_and_one_seed_gives_one_result():
    subject = make_credit(n_train=200, n_test=300)
    first, second = run(subject, rows=100), run(subject, rows=100)
    assert first.to_dict() == second.to_dict()
    table = first.tables["named"].frame().set_index("label")
    doubled = table.filter(like="twice as common", axis=0)["size"]
    share = subject.test.X["purpose"].astype(object).value_counts(normalize=True).iloc[0]
    name = subject.test.X["purpose"].astype(object).value_counts().index[0]
    expected = 300 * (1 + share) ** 2 / (1 + 3 * share)
    assert doubled[f"purpose={name} twice as common"] == pytest.approx(expected)
    assert statistics.kish_size([2, 1, 1]) == pytest.approx(16 / 6)
    assert "inputs were not looked at" in " ".join(run(subject, columns=1).notes)
