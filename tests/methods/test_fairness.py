import math
import time

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as skm
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods import fairness
from auditkit.methods.fairness import codes_of, difference, group_confusion, group_sums, rates, ratio

CASES = [
    (seed, groups, weighted) for seed, groups in enumerate([2, 3, 5, 8, 12, 12]) for weighted in (False, True)
]
FAIRLEARN_RATES = {
    "selection_rate": fl.selection_rate,
    "true_positive_rate": fl.true_positive_rate,
    "false_positive_rate": fl.false_positive_rate,
    "true_negative_rate": fl.true_negative_rate,
    "false_negative_rate": fl.false_negative_rate,
    "precision": skm.precision_score,
    "accuracy": skm.accuracy_score,
}
COMBINED = [
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "equal_opportunity_difference",
    "equal_opportunity_ratio",
]


def drawn(seed, groups, weighted, n=1500):
    rng = np.random.default_rng(seed)
    codes = rng.integers(groups, size=n)
    y_true = rng.random(n) < 0.2 + 0.6 * codes / groups
    y_pred = rng.random(n) < np.where(y_true, 0.7, 0.2) + 0.2 * rng.random(groups)[codes]
    return y_true.astype(int), y_pred.astype(int), codes, rng.exponential(size=n) if weighted else None


# counts and rates ----------------------------------------------------------------------------------------


def test_counts_by_hand():
    y_true = [0, 0, 1, 1, 1, 0]
    y_pred = [0, 1, 0, 1, 1, 0]
    counts = group_confusion(y_true, y_pred, [0, 0, 0, 0, 2, 2], 3)
    assert counts.tolist() == [[1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 1]]


@pytest.mark.parametrize(("seed", "groups", "weighted"), CASES)
def test_counts_equal_scikit_learns_confusion_matrix(seed, groups, weighted):
    y_true, y_pred, codes, weight = drawn(seed, groups, weighted)
    counts = group_confusion(y_true == 1, y_pred == 1, codes, groups, weight)
    for group in range(groups):
        rows = codes == group
        expected = skm.confusion_matrix(
            y_true[rows], y_pred[rows], labels=[0, 1], sample_weight=None if weight is None else weight[rows]
        )
        np.testing.assert_allclose(counts[group], expected.ravel(), rtol=1e-12)


@pytest.mark.parametrize("name", FAIRLEARN_RATES)
@pytest.mark.parametrize(("seed", "groups", "weighted"), CASES)
def test_rates_equal_fairlearns_metric_frame(name, seed, groups, weighted):
    y_true, y_pred, codes, weight = drawn(seed, groups, weighted)
    frame = fl.MetricFrame(
        metrics=FAIRLEARN_RATES[name],
        y_true=y_true,
        y_pred=y_pred,
        sensitive_features=codes,
        sample_params={"sample_weight": weight},
    )
    counts = group_confusion(y_true, y_pred, codes, groups, weight)
    values, overall = rates(counts)[name], rates(counts.sum(axis=0))[name]
    np.testing.assert_allclose(values, frame.by_group, atol=1e-12, rtol=0)
    assert float(overall) == pytest.approx(frame.overall, abs=1e-12)
    for method in ("between_groups", "to_overall"):
        assert float(difference(values, method, overall)) == pytest.approx(
            frame.difference(method), abs=1e-12
        )
        assert float(ratio(values, method, overall)) == pytest.approx(frame.ratio(method), abs=1e-12)


def test_the_other_rates_by_hand():
    got = {name: float(value) for name, value in rates([5, 3, 2, 10]).items()}
    assert got == pytest.approx(
        {
            "selection_rate": 13 / 20,
            "true_positive_rate": 10 / 12,
            "false_positive_rate": 3 / 8,
            "true_negative_rate": 5 / 8,
            "false_negative_rate": 2 / 12,
            "precision": 10 / 13,
            "false_discovery_rate": 3 / 13,
            "false_omission_rate": 2 / 7,
            "negative_predictive_value": 5 / 7,
            "accuracy": 15 / 20,
        },
        rel=1e-15,
    )
    assert tuple(got) == fairness.RATE_NAMES


def test_a_rate_is_its_successes_over_its_trials():
    counts = group_confusion(*drawn(3, 4, weighted=False)[:3], 4)
    for name, values in rates(counts).items():
        successes, trials = fairness.rate_counts(counts, name)
        np.testing.assert_allclose(values, successes / trials, rtol=1e-15)
        assert (trials == trials.round()).all()


def test_undefined_rates_are_nan_and_never_zero():
    got = rates([[4, 0, 0, 0], [0, 0, 0, 0]])
    assert math.isnan(got["true_positive_rate"][0])
    assert math.isnan(got["precision"][0])
    assert got["selection_rate"][0] == 0
    assert all(np.isnan(values[1]) for values in got.values())


def test_a_misspelt_rate_is_named():
    with pytest.raises(InputError, match="Did you mean 'selection_rate'"):
        fairness.rate_counts([[1, 1, 1, 1]], "selction_rate")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_true": [0, 2]}, "y_true must be boolean or 0 and 1"),
        ({"y_pred": ["a", "b"]}, "y_pred must be boolean or 0 and 1"),
        ({"y_pred": [0.5, 1.0]}, "y_pred must be boolean or 0 and 1"),
        ({"y_true": [0, 1, 1]}, "each of the 2 rows"),
        ({"group_codes": [0, 2]}, "from 0 to 1, got 0 to 2"),
        ({"group_codes": [-1, 0]}, "got -1 to 0"),
        ({"group_codes": [0.0, 1.0]}, "whole numbers"),
        ({"sample_weight": [1.0, -1.0]}, "at least 0"),
        ({"sample_weight": [1.0, float("nan")]}, "at least 0"),
    ],
)
def test_unusable_rows_are_refused(change, message):
    good = {"y_true": [0, 1], "y_pred": [0, 1], "group_codes": [0, 1], "n_groups": 2}
    with pytest.raises(InputError, match=message):
        group_confusion(**(good | change))


# differences and ratios ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
@pytest.mark.parametrize("name", COMBINED)
@pytest.mark.parametrize(("seed", "groups", "weighted"), CASES)
def test_disparities_equal_fairlearns(name, method, seed, groups, weighted):
    y_true, y_pred, codes, weight = drawn(seed, groups, weighted)
    counts = group_confusion(y_true, y_pred, codes, groups, weight)
    for options in [{}, {"agg": "mean"}] if "odds" in name else [{}]:
        expected = getattr(fl, name)(
            y_true, y_pred, sensitive_features=codes, method=method, sample_weight=weight, **options
        )
        got = getattr(fairness, name)(counts, method=method, **options)
        assert float(got) == pytest.approx(expected, abs=1e-12)


def test_replicates_go_through_the_same_functions():
    counts = np.random.default_rng(0).integers(1, 50, (20, 5, 4))
    for name in COMBINED:
        together = getattr(fairness, name)(counts)
        assert together.shape == (20,)
        assert together.tolist() == [float(getattr(fairness, name)(one)) for one in counts]


def test_an_undefined_group_makes_the_result_undefined_and_is_listed():
    # group 1 has no positives: fairlearn counts its true positive rate as 0
    counts = np.array([[5, 1, 2, 4], [6, 2, 0, 0], [4, 2, 1, 5]])
    values = rates(counts)["true_positive_rate"]
    assert fairness.undefined_groups(values) == (1,)
    for name in ("equal_opportunity", "equalized_odds"):
        assert math.isnan(getattr(fairness, f"{name}_difference")(counts))
        assert math.isnan(getattr(fairness, f"{name}_ratio")(counts))
        assert math.isnan(getattr(fairness, f"{name}_difference")(counts, method="to_overall"))
        assert math.isnan(getattr(fairness, f"{name}_ratio")(counts, method="to_overall"))
    assert not math.isnan(fairness.demographic_parity_difference(counts))


def test_nobody_selected_anywhere_is_an_undefined_ratio():
    counts = np.array([[5, 0, 2, 0], [6, 0, 3, 0]])
    assert float(fairness.demographic_parity_difference(counts)) == 0
    assert math.isnan(fairness.demographic_parity_ratio(counts))
    assert math.isnan(fairness.demographic_parity_ratio(counts, method="to_overall"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: difference([0.5]), "from two on"),
        (lambda: ratio([0.5, -0.1]), "at least 0"),
        (lambda: difference([0.1, 0.2], "between"), "must be 'between_groups'"),
        (lambda: ratio([0.1, 0.2], "to_overall"), "needs overall="),
        (lambda: rates([1, 2, 3]), "four cells"),
        (lambda: fairness.demographic_parity_ratio([1, 2, 3, 4]), "groups, 4"),
        (lambda: fairness.equalized_odds_ratio([[1, 2, 3, 4]] * 2, agg="best"), "agg must be"),
    ],
)
def test_comparisons_that_make_no_sense_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


# groups --------------------------------------------------------------------------------------------------

cells = st.sampled_from(["x", "y", "z", None])


@given(st.lists(st.tuples(cells, cells, st.sampled_from([1, 2, 10])), min_size=1, max_size=40))
def test_intersections_equal_the_rows_read_one_by_one(rows):
    a, b, c = (list(part) for part in zip(*rows, strict=True))
    codes, labels = codes_of({"a": a, "b": b, "c": c})
    expected = [tuple("missing" if cell is None else str(cell) for cell in row) for row in rows]
    assert [labels[code] for code in codes] == expected
    assert sorted(set(codes.tolist())) == list(range(len(labels)))


def test_numbers_are_sorted_as_numbers_and_missing_comes_last():
    codes, labels = codes_of({"n": np.array([10.0, 9.0, np.nan, 0.5])})
    assert labels == (("0.5",), ("9",), ("10",), ("missing",))
    assert codes.tolist() == [2, 1, 3, 0]


@pytest.mark.parametrize(
    "gaps",
    [
        np.array(["a", None, "b"], dtype=object),
        ["a", float("nan"), "b"],
        pd.Series(["a", pd.NA, "b"], dtype="string"),
        pd.Series(["a", None, "b"], dtype="category"),
    ],
)
def test_every_kind_of_gap_is_missing(gaps):
    codes, labels = codes_of({"s": gaps})
    assert [labels[code][0] for code in codes] == ["a", "missing", "b"]


def test_the_word_missing_is_not_mistaken_for_a_gap():
    codes, labels = codes_of({"s": ["missing", None]})
    assert [labels[code][0] for code in codes] == ["missing", "missing (no value)"]


def test_values_that_read_the_same_are_one_group():
    codes, labels = codes_of({"s": [1, "1", 1.0, True]})
    assert labels[codes[0]] == labels[codes[1]] == labels[codes[2]]


@pytest.mark.parametrize("as_column", [list, np.array, pd.Series, lambda v: pd.Series(v, dtype="Int64")])
def test_numeric_features_are_binned_on_request(as_column):
    codes, labels = codes_of({"age": as_column([17, 25, 39, 40, 99])}, bin_edges={"age": [25, 40]})
    assert [labels[code][0] for code in codes] == [
        "under 25",
        "25 to under 40",
        "25 to under 40",
        "40 or more",
        "40 or more",
    ]


def test_a_missing_number_is_not_put_into_a_bin():
    codes, labels = codes_of({"age": [30, None]}, bin_edges={"age": [25]})
    assert [labels[code][0] for code in codes] == ["25 or more", "missing"]


def test_many_columns_do_not_overflow():
    rng = np.random.default_rng(0)
    columns = {str(i): rng.integers(1000, size=500) for i in range(12)}  # 1000^12 possible intersections
    codes, labels = codes_of(columns)
    rows = list(zip(*(values.tolist() for values in columns.values()), strict=True))
    assert len(labels) == len(set(rows))
    assert labels[codes[77]] == tuple(map(str, rows[77]))


@pytest.mark.parametrize(
    ("columns", "edges", "message"),
    [
        ({}, None, "no sensitive feature"),
        ({"sex": ["a"]}, {"sx": [1]}, "Did you mean 'sex'"),
        ({"sex": ["a"]}, {"sex": [1]}, "not numeric"),
        ({"age": [1]}, {"age": [2, 1]}, "increasing"),
        ({"age": [1]}, {"age": []}, "increasing"),
        ({"a": [1, 2], "b": [1]}, None, "'b' has 1 rows"),
        ({"a": np.ones((2, 2))}, None, "one value a row"),
    ],
)
def test_unusable_features_are_refused(columns, edges, message):
    with pytest.raises(InputError, match=message):
        codes_of(columns, bin_edges=edges)


# sums ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_group_means_equal_fairlearns(weighted):
    rng = np.random.default_rng(0)
    values, codes = rng.normal(1e6, 1.0, 800), rng.integers(6, size=800)
    weight = rng.exponential(size=800) if weighted else None
    frame = fl.MetricFrame(
        metrics=fl.mean_prediction,
        y_true=values,
        y_pred=values,
        sensitive_features=codes,
        sample_params={"sample_weight": weight},
    )
    sums = group_sums(values, codes, 6, weight)
    np.testing.assert_allclose(sums[:, 1] / sums[:, 0], frame.by_group, rtol=1e-13)
    if not weighted:
        spread = pd.Series(values).groupby(codes).var()
        np.testing.assert_allclose(sums[:, 2] / (sums[:, 0] - 1), spread, rtol=1e-9)


def test_a_group_without_rows_sums_to_nothing():
    assert group_sums([2.0], [1], 3).tolist() == [[0, 0, 0], [1, 2, 0], [0, 0, 0]]
    with pytest.raises(InputError, match="finite"):
        group_sums([np.inf], [0])


@pytest.mark.slow
def test_a_million_rows_take_a_small_part_of_fairlearns_time():
    y_true, y_pred, codes, _ = drawn(0, 12, weighted=False, n=1_000_000)
    start = time.perf_counter()
    counts = group_confusion(y_true, y_pred, codes, 12)
    own = time.perf_counter() - start
    start = time.perf_counter()
    expected = fl.equalized_odds_difference(y_true, y_pred, sensitive_features=codes)
    theirs = time.perf_counter() - start
    assert float(fairness.equalized_odds_difference(counts)) == pytest.approx(expected, abs=1e-12)
    assert own < theirs / 4
