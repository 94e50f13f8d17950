"""A sensitive attribute drawn at random, on models of real data: an audit of bias has nothing to find there."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import stats

from auditkit import Audit, Criterion, Dataset, Subject
from auditkit.check import registry
from auditkit.data import load_adult, load_german_credit
from auditkit.finding import Policy
from auditkit.predictors import from_predictions

DECISIONS = ("AK101", "AK102", "AK104", "AK105", "AK106", "AK110")
SHARES = {"two": (0.5, 0.5), "eight": (0.4, 0.2, 0.15, 0.1, 0.06, 0.04, 0.03, 0.02)}
SLICES = {"second": (0.5, 0.5), "third": (0.5, 0.3, 0.15, 0.05)}


def no_gap():
    """Return the strictest policy there is: a finding for any interval that leaves out "no gap"."""
    limits = [Criterion("conditional_label_difference", at_least=0, at_most=0)]
    for metric in sorted(registry().metrics() - {"conditional_label_difference"}):
        if metric.endswith("_difference") or metric == "score_eta_squared":
            limits.append(Criterion(metric, at_most=0))
        elif metric.endswith("_ratio") and metric != "cmh_odds_ratio":
            limits.append(Criterion(metric, at_least=1))
    return Policy(tuple(limits), unmeasured="ignored")


@functools.cache
def adult():
    """Return 16,281 test rows with the scores of boosted trees."""
    import lightgbm

    train, test = load_adult()
    model = lightgbm.LGBMClassifier(n_estimators=60, random_state=0, n_jobs=1, verbose=-1)
    return recorded(model.fit(train.X, train.y), test, ">50K")


@functools.cache
def german_credit():
    """Return 300 test rows with the scores of a logistic regression."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    train, test = load_german_credit(seed=0)
    prepare = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    model = make_pipeline(prepare, LogisticRegression(C=0.1, max_iter=2000))
    return recorded(model.fit(train.X, train.y), test, "good")


def recorded(model, test, positive):
    at = list(model.classes_).index(positive)
    return test, model.predict_proba(test.X)[:, at], [c for c in model.classes_ if c != positive], positive


MODELS = {"adult": adult, "german_credit": german_credit}


def drawn(shares, n, rng):
    return rng.choice([f"g{i}" for i in range(len(shares))], size=n, p=shares)


def alarms(model, groups, checks, draws, *, inputs=False, rows=None, others=()):
    """Return the metrics that failed in each draw, under the strictest and under the default policy."""
    test, scores, refused, positive = MODELS[model]()
    rows = len(test) if rows is None else min(rows, len(test))
    strict, found, default = no_gap(), [], []
    for seed in range(draws):
        rng = np.random.default_rng([len(SHARES[groups]), seed])
        part = rng.choice(len(test), rows, replace=False)
        features = {"random": drawn(SHARES[groups], rows, rng)}
        features |= {name: drawn(SLICES[name], rows, rng) for name in others}
        data = Dataset(test.X.iloc[part] if inputs else None, test.y[part], features)
        answers = from_predictions(scores=scores[part], classes=[*refused, positive])
        report = Audit(checks).run(Subject(model, answers, data, positive=positive), seed=seed)
        assert not report.counts["error"]
        assert any(f.judged for f in report.judge(strict).findings)
        found.append(failed(report.judge(strict)))
        default.append(failed(report))
    return found, default


def failed(report):
    return [(f.check, f.measurement.metric) for f in report.findings if f.status == "fail"]


def hold(found, most):
    raised = [each for each in found if each]
    assert len(raised) <= most, f"{len(raised)} of {len(found)} draws raised a finding: {raised}"


def few(draws):
    """Return what 5% allow in so few draws; the hundred draws hold the promise itself."""
    return stats.binom.ppf(0.999, draws, 0.05)


CASES = [(model, groups) for model in MODELS for groups in SHARES]


@pytest.mark.parametrize(("model", "groups"), CASES)
def test_thirty_random_attributes_raise_no_more_findings_than_chance_allows(model, groups):
    found, default = alarms(model, groups, DECISIONS, 30)
    hold(found, few(30))
    hold(default, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "groups"), CASES)
def test_a_random_attribute_raises_no_finding_in_93_of_100_draws(model, groups):
    found, default = alarms(model, groups, DECISIONS, 100)
    hold(found, 7)
    hold(default, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "groups"), CASES)
def test_nor_does_it_with_every_metric_by_group(model, groups):
    found, default = alarms(model, groups, (*DECISIONS, "AK103"), 100)
    hold(found, 7)
    hold(default, 1)


@pytest.mark.parametrize(("model", "groups"), CASES)
def test_no_slice_of_random_attributes_is_confirmed_in_93_of_100_draws(model, groups):
    found, _ = alarms(model, groups, ["AK113"], 100, others=SLICES)
    hold(found, 7)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "groups"), CASES)
def test_labels_do_not_differ_beside_the_inputs_in_93_of_100_draws(model, groups):
    found, _ = alarms(model, groups, ["AK110"], 100, inputs=True, rows=1500)
    hold(found, 7)


@pytest.mark.parametrize("model", MODELS)
def test_an_attribute_that_goes_with_the_decision_is_found(model):
    """The guilty twin: under the same policy and checks, six in ten of those selected are put into one group."""
    test, scores, refused, positive = MODELS[model]()
    rng = np.random.default_rng(0)
    group = drawn(SHARES["two"], len(test), rng)
    group[(scores > 0.5) & (rng.random(len(test)) < 0.6)] = "g0"
    answers = from_predictions(scores=scores, classes=[*refused, positive])
    subject = Subject(model, answers, Dataset(None, test.y, {"random": group}), positive=positive)
    report = Audit(DECISIONS, no_gap()).run(subject)
    assert ("AK101", "demographic_parity_difference") in failed(report)
