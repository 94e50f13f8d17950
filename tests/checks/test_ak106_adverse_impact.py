"""AK106: each group against the most selected one, held against planted gaps, scipy, statsmodels and Simpson's paradox."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import proportions_ztest

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.checks.bias import adverse_impact
from auditkit.data import make_biased
from auditkit.errors import InputError, NotApplicable
from auditkit.predictors import from_predictions

RATIO, CMH, AGREE, ETA = "impact_ratio", "cmh_odds_ratio", "odds_ratio_heterogeneity", "score_eta_squared"


def observe(subject, **options):
    return adverse_impact(subject, rng=np.random.default_rng(0), **options)


def recorded(said, groups, *, control=None, scores=None, weights=None):
    groups = groups if isinstance(groups, pd.DataFrame) else {"g": groups}
    control = None if control is None else {"job": control}
    data = Dataset(
        None, np.resize([0, 1], len(said)), groups, control_features=control, sample_weight=weights
    )
    given = (
        {"labels": np.asarray(said).astype(int)} if scores is None else {"scores": scores, "classes": [0, 1]}
    )
    return Subject("recorded", from_predictions(**given), data)


def from_counts(counts):
    """Return a subject with these (selected, refused) of each group."""
    said = np.concatenate([np.repeat([1, 0], pair) for pair in counts.values()])
    return recorded(said, np.repeat(list(counts), [sum(pair) for pair in counts.values()]))


# guilty and innocent twins


@pytest.mark.parametrize(("gap", "groups"), [(0.2, 2), (0.3, 4)])
def test_a_planted_gap_is_found_with_its_sign_and_size(gap, groups):
    planted = make_biased(gap=gap, groups=groups, n=8000, seed=1)
    evidence = observe(planted.subject)
    m = evidence.measurement(RATIO, f"group={'ABCD'[groups - 1]}")
    assert m.interval.low <= planted.size["selection_rate_ratio"] <= m.interval.high < 1
    assert m.p_value < 1e-6
    assert m.reason.startswith("against group=A;")
    assert "group=A" not in [one.group for one in evidence.measurements if one.metric == RATIO]
    assert m.group in evidence.says


def false_alarms(n, k, draws):
    off = small = eta = 0
    for seed in range(draws):
        rng = np.random.default_rng([seed, n, k])
        group = rng.integers(k, size=n)
        # the spread of the scores differs between groups, their mean does not
        scores = np.clip(0.5 + rng.normal(0, 0.05 + 0.15 * group / k), 0, 1)
        said = rng.random(n) < 0.4
        ratios = [m for m in observe(recorded(said, group)).measurements if m.metric == RATIO]
        off += any(m.interval.high < 1 for m in ratios if m.interval)
        small += any(m.p_value is not None and m.p_value < 0.05 for m in ratios)
        eta += observe(recorded(said, group, scores=scores)).measurement(ETA).p_value < 0.05
    return off, small, eta


@pytest.mark.parametrize(("n", "k"), [(400, 2), (600, 6)])
def test_fair_subjects_raise_no_more_alarms_than_stated(n, k):
    assert max(false_alarms(n, k, 200)) <= stats.binom.ppf(1 - 1e-4, 200, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3, 8, 20])
@pytest.mark.parametrize("n", [60, 400, 3000])
def test_fair_subjects_raise_no_more_alarms_than_stated_on_a_grid(n, k):
    off, small, eta = false_alarms(n, k, 800)
    assert max(off, small) <= 0.07 * 800
    assert n / k < 20 or eta <= stats.binom.ppf(1 - 1e-4, 800, 0.05)


# side by side


def test_every_test_of_the_table_is_scipys_or_statsmodels():
    counts = {"a": (120, 80), "b": (60, 90), "c": (9, 21), "d": (3, 1)}
    table = observe(from_counts(counts)).tables["g"].frame().set_index("label")
    assert list(table.index) == [
        "g=a (reference)",
        "g=b",
        "g=c",
        "g=d",
    ]  # d has the higher rate, and 1% of the records
    for name in "bcd":
        pair, row = [counts[name], counts["a"]], table.loc[f"g={name}"]
        selected, sizes = [p[0] for p in pair], [sum(p) for p in pair]
        z, z_p = proportions_ztest(selected, sizes)
        assert (row.z, row.z_p) == pytest.approx((z, z_p))
        assert row.fisher_p == pytest.approx(stats.fisher_exact(pair).pvalue)
        for column, yates in (("chi2", False), ("chi2_yates", True)):
            expected = stats.chi2_contingency(pair, correction=yates)
            assert (row[column], row[f"{column}_p"]) == pytest.approx((expected.statistic, expected.pvalue))
        assert row.value == pytest.approx(selected[0] / sizes[0] / 0.6)
        assert (row.n, row.selected) == (sizes[0], selected[0])
        picked = stats.studentized_range.sf(stats.norm.isf(row.fisher_p / 2) * math.sqrt(2), 4, np.inf)
        assert row.picked_p == pytest.approx(picked, rel=1e-5)
    assert np.isnan(
        table.loc["g=a (reference)", ["z", "fisher_p", "bayes_factor", "picked_p"]].astype(float)
    ).all()
    assert table.loc["g=a (reference)", ["low", "value", "high"]].tolist() == [1, 1, 1]


def test_two_groups_have_fishers_own_p_value():
    m = observe(from_counts({"a": (30, 20), "b": (20, 30)})).measurement(RATIO)
    assert m.p_value == pytest.approx(stats.fisher_exact([[20, 30], [30, 20]]).pvalue)


def test_anova_is_scipys_and_welch_stands_beside_it():
    rng = np.random.default_rng(3)
    group = rng.integers(3, size=400)
    scores = np.clip(rng.normal(0.4 + 0.05 * group, 0.1 + 0.05 * group), 0, 1)
    evidence = observe(recorded(None or np.zeros(400), group, scores=scores))
    parts = [scores[group == g] for g in range(3)]
    row = evidence.tables["scores"].frame().iloc[0]
    expected = stats.f_oneway(*parts)
    assert (row.f, row.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert evidence.measurement(ETA).p_value == pytest.approx(row.welch_p)
    assert row.welch_p == pytest.approx(stats.f_oneway(*parts, equal_var=False).pvalue)
    between = sum(len(p) * (p.mean() - scores.mean()) ** 2 for p in parts)
    assert row.value == pytest.approx(between / ((scores - scores.mean()) ** 2).sum())


# strata


def stratified(seed, effect, *, mixed):
    """Return a subject of two jobs; `effect` moves b's odds within each, `mixed` sends b to the harder job."""
    rng = np.random.default_rng(seed)
    n = 4000
    group = rng.choice(["a", "b"], n)
    hard = rng.random(n) < (np.where(group == "b", 0.8, 0.2) if mixed else 0.5)
    odds = np.where(hard, 0.25, 1.5) * np.where(group == "b", effect, 1.0)
    return recorded(rng.random(n) < odds / (1 + odds), group, control=np.where(hard, "hard", "easy"))


def test_an_aggregate_gap_without_a_gap_in_any_stratum():
    evidence = observe(stratified(0, 1.0, mixed=True))
    assert evidence.measurement(RATIO).interval.high < 0.8
    pooled = evidence.measurement(CMH)
    assert pooled.interval.low < 1 < pooled.interval.high
    assert pooled.p_value > 0.01
    table = evidence.tables["g within job"].frame().iloc[0]
    assert table.crude < 0.6 < table.value
    assert "within 2 of 2 strata of job; over all records together" in evidence.says


def test_a_gap_in_every_stratum_without_an_aggregate_gap():
    counts = {  # b is selected less within each job, and is mostly in the easy one
        ("a", "easy"): (90, 10), ("a", "hard"): (160, 240),
        ("b", "easy"): (240, 60), ("b", "hard"): (10, 190),
    }  # fmt: skip
    said = np.concatenate([np.repeat([1, 0], pair) for pair in counts.values()])
    sizes = [sum(pair) for pair in counts.values()]
    group, job = (np.repeat([key[i] for key in counts], sizes) for i in (0, 1))
    evidence = observe(recorded(said, group, control=job))
    assert evidence.measurement(RATIO).value == 1  # 250 of 500 each
    assert evidence.measurement(CMH).interval.high < 0.5
    assert evidence.measurement(CMH).p_value < 1e-6


def test_strata_are_statsmodels():
    subject = stratified(5, 0.6, mixed=False)
    evidence = observe(subject)
    frame = pd.DataFrame(
        {
            "said": subject.answers().labels,
            "g": subject.test.sensitive_features["g"],
            "job": subject.test.control_features["job"],
        }
    )
    tables = [
        [[((one.g == g) & (one.said == s)).sum() for s in (1, 0)] for g in ("b", "a")]
        for _, one in frame.groupby("job")
    ]
    theirs = StratifiedTable(np.moveaxis(np.array(tables, dtype=float), 0, -1))
    m, row = evidence.measurement(CMH), evidence.tables["g within job"].frame().iloc[0]
    assert m.value == pytest.approx(theirs.oddsratio_pooled)
    assert (m.interval.low, m.interval.high) == pytest.approx(theirs.oddsratio_pooled_confint())
    assert m.p_value == pytest.approx(theirs.test_null_odds().pvalue, rel=1e-6)
    assert (row.breslow_day, row.tarone) == pytest.approx(
        (theirs.test_equal_odds().statistic, theirs.test_equal_odds(adjust=True).statistic)
    )
    assert evidence.measurement(AGREE).p_value == pytest.approx(theirs.test_equal_odds(adjust=True).pvalue)


def test_no_gap_within_strata_raises_no_more_alarms_than_stated():
    found = [observe(stratified(seed, 1.0, mixed=True)).measurements for seed in range(150)]
    for metric in (CMH, AGREE):
        alarms = sum(m.p_value < 0.05 for one in found for m in one if m.metric == metric)
        assert alarms <= stats.binom.ppf(1 - 1e-3, 150, 0.05)


def test_strata_of_one_record_say_nothing_and_it_is_said():
    subject = recorded([1, 0] * 50, ["a", "a", "b", "b"] * 25, control=[f"n{i}" for i in range(100)])
    evidence = observe(subject)
    for metric in (CMH, AGREE):
        assert math.isnan(evidence.measurement(metric).value)
        assert "job" in evidence.measurement(metric).reason
    assert "No stratum" in evidence.tables["g within job"].summary


# unknown never reads as met


def test_small_numbers_are_said_to_be_small():
    evidence = observe(from_counts({"a": (30, 20), "b": (2, 3)}))
    row = evidence.tables["g"].frame().iloc[1]
    assert "expected count is below 5" in row.caveat
    assert "one more selected" in row.caveat  # 2 of 5 is 0.67 of 0.6, 3 of 5 is all of it
    m = evidence.measurement(RATIO)
    assert m.n_needed > 55
    findings = Audit({adverse_impact: {}}, [Criterion(RATIO, at_least=0.8)]).judge([evidence])
    assert [f.status for f in findings if f.check == "AK106"] == ["inconclusive"]


def test_nobody_selected_has_no_ratio():
    m = observe(from_counts({"a": (0, 20), "b": (0, 30)})).measurement(RATIO)
    assert math.isnan(m.value)
    assert "nobody is selected" in m.reason


def test_a_small_group_is_no_reference_unless_asked_to_be():
    subject = from_counts({"a": (50, 50), "b": (40, 60), "tiny": (1, 0)})
    assert observe(subject).measurement(RATIO, "g=tiny").value == 2
    assert observe(subject, reference_share=0.0).measurement(RATIO, "g=a").value == 0.5


def test_one_group_and_too_many_groups_are_not_compared():
    frame = pd.DataFrame({"one": ["x"] * 300, "id": [f"n{i}" for i in range(300)]})
    evidence = observe(recorded([1, 0, 0] * 100, frame, control=["j"] * 300), intersections=False)
    assert [math.isnan(m.value) and bool(m.reason) for m in evidence.measurements] == [True, True]
    assert evidence.says == "No impact ratio could be computed."


def test_equal_scores_have_no_analysis_of_variance():
    evidence = observe(recorded(np.zeros(40), ["a", "b"] * 20, scores=np.full(40, 0.7)))
    assert math.isnan(evidence.measurement(ETA).value)
    assert "spread" in evidence.measurement(ETA).reason


# tasks and inputs


def test_a_regression_has_its_answers_compared():
    rng = np.random.default_rng(0)
    group = rng.integers(2, size=300)
    said = rng.normal(group, 1.0)
    data = Dataset(None, rng.normal(0, 1, 300), {"g": group})
    evidence = observe(Subject("r", from_predictions(labels=said), data, task="regression"))
    assert [m.metric for m in evidence.measurements] == [ETA]
    assert evidence.measurement(ETA).interval.low <= 0.2 <= evidence.measurement(ETA).interval.high


def test_missing_values_are_a_group_and_markup_is_data():
    evidence = observe(recorded([1, 0, 1, 0] * 20, ["<b>", "<b>", None, None] * 20))
    assert set(evidence.tables["g"].columns["label"]) == {"g=<b> (reference)", "g=missing"}


def test_weights_that_are_all_alike_count_records():
    said, groups = [1, 0, 1, 1] * 20, ["a", "a", "b", "b"] * 20
    evidence = observe(recorded(said, groups, weights=np.full(80, 2.5)))
    assert evidence.measurements == observe(recorded(said, groups)).measurements


def test_wrong_options_are_told_apart_from_missing_data():
    with pytest.raises(InputError, match="no sensitive feature"):
        observe(recorded([1, 0], ["a", "b"]), features=["h"])
    with pytest.raises(NotApplicable, match="sensitive_features"):
        observe(Subject("s", from_predictions(labels=[0, 1]), Dataset(None, [0, 1])))


def test_a_million_rows_run_quickly(sorts_of_a_million):
    rng = np.random.default_rng(0)
    n = 1_000_000
    frame = pd.DataFrame({"a": rng.integers(5, size=n), "b": rng.choice(["x", "y"], size=n)})
    data = Dataset(None, rng.integers(2, size=n), frame, control_features={"job": rng.integers(20, size=n)})
    subject = Subject("large", from_predictions(labels=rng.integers(2, size=n)), data)
    began = sorts_of_a_million()
    evidence = observe(subject)
    assert sorts_of_a_million() - began < 120
    assert evidence.measurement(CMH, "b=x" if "b=y" in evidence.tables["b"].title else "b=y").n == n


def test_it_runs_in_an_audit_and_can_be_saved():
    report = Audit(["adverse_impact"]).run(make_biased(gap=0.3, seed=0).subject)
    (evidence,) = report.evidence
    assert type(evidence).from_dict(evidence.to_dict()).to_dict() == evidence.to_dict()
    assert "fair" not in evidence.says
