"""AK403: does the output change when only the sensitive feature is changed?"""

from __future__ import annotations

import jsonschema
import numpy as np
import pandas as pd
import pytest

from auditkit import Audit, Criterion, Dataset, Subject, load_report
from auditkit.checks.explainability import sensitive_reliance
from auditkit.data import make_credit, make_proxy
from auditkit.errors import InputError
from auditkit.predictors.callables import from_callable
from auditkit.render.page import findings
from auditkit.report import schema


def run(subject, seed=0, **params):
    return sensitive_reliance(subject, rng=np.random.default_rng(seed), **params)


def clipped_move(effect):
    """Return the mean move of clip(1/2 + (u - cut) / 2, 0, 1), u uniform, when the cut moves by `effect`."""
    u = (np.arange(200_000) + 0.5) / 200_000
    score = [np.clip(0.5 + (u - 0.5 + side * effect / 2) / 2, 0, 1) for side in (1, -1)]
    return np.abs(score[0] - score[1]).mean()


@pytest.mark.parametrize("strength", [0.1, 0.4, 0.8])
def test_a_planted_effect_is_found_at_its_size(strength):
    planted = make_proxy(kind="direct", strength=strength, n=2000)
    m = run(planted.subject).measurement("sensitive_reliance", "sex")
    # the score moves by half the distance of the cut-offs, where it is not clipped
    assert m.value == pytest.approx(clipped_move(strength), abs=0.01)
    assert m.interval.low - 1e-12 <= m.value <= m.interval.high + 1e-12
    assert m.n == 2000


def test_labels_alone_move_by_the_flip_rate():
    planted = make_proxy(kind="direct", strength=0.3, n=2000)
    subject = Subject("labels", lambda f: planted.subject.model.inner.predict(f), planted.subject.test)
    m = run(subject).measurement("sensitive_reliance", "sex")
    assert m.interval.method == "wilson"
    assert m.interval.low < planted.size["flip_rate"] < m.interval.high


def test_the_innocent_twin_is_exactly_0():
    m = run(make_proxy(kind="direct", strength=0).subject).measurement("sensitive_reliance", "sex")
    assert (m.value, m.interval.low, m.interval.high) == (0, 0, 0)


def test_a_proxy_is_not_seen_and_the_evidence_says_so():
    found = run(make_proxy(kind="proxy", strength=0.9).subject)
    assert found.measurement("sensitive_reliance", "sex").value == 0
    assert "prox" in found.does_not_say


def test_a_feature_that_is_no_input_is_not_measured():
    m = run(make_credit(n_train=100, n_test=100)).measurement("sensitive_reliance", "sex")
    assert np.isnan(m.value), "no record was changed: that is no 0"
    assert (m.n, m.interval) == (0, None)
    assert m.reason == "the model does not see it directly; proxies: AK109"


def test_what_rests_on_no_record_is_shown_as_that(tmp_path):
    audit = Audit(["sensitive_reliance"], [Criterion("sensitive_reliance", at_most=0.05, group="sex")])
    report = audit.run(make_credit(n_train=100, n_test=100))
    (finding,) = [f for f in report.findings if f.measurement and f.measurement.group == "sex"]
    assert finding.status == "inconclusive"
    jsonschema.validate(report.to_dict(), schema())
    assert load_report(report.save(tmp_path / "r.json")).to_dict() == report.to_dict()
    assert report.frame()["n"].tolist()[0] == 0
    page = findings(report.to_dict())
    assert "the model does not see it directly; proxies: AK109" in page
    with pytest.raises(InputError, match="or hold no value"):
        report.plot("sensitive_reliance")


def sexes(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return rng, np.where(rng.random(n) < 0.5, "f", "m").astype(object)


@pytest.mark.parametrize(
    "disguise",
    [
        lambda sex, rng: {"gender": sex},
        lambda sex, rng: {"is_m": (sex == "m").astype(int)},
        lambda sex, rng: {"title": np.where(sex == "m", "Mr", rng.choice(["Ms", "Mrs"], len(sex)))},
    ],
    ids=["renamed", "indicator", "finer"],
)
def test_an_input_of_another_name_is_not_passed_over(disguise):
    rng, sex = sexes()
    X = pd.DataFrame({"income": rng.random(200), **disguise(sex, rng)})
    model = lambda f: np.clip(f["income"], 0, 1).to_numpy()  # noqa: E731
    subject = Subject("d", model, Dataset(X, (X["income"] > 0.5).astype(int), {"sex": sex}))
    report = Audit(["sensitive_reliance"]).run(subject)
    finding = report.findings[0]
    assert finding.status == "inconclusive"
    assert repr(X.columns[1]) in finding.reason


def test_a_banding_of_an_input_is_not_passed_over():
    m = run(make_credit(n_train=100, n_test=100)).measurement("sensitive_reliance", "age_band")
    assert np.isnan(m.value)
    assert "'age'" in m.reason


def test_a_continuous_sensitive_input_is_moved_over_its_range():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.uniform(20, 70, 400), "income": rng.random(400)})
    model = lambda f: (0.2 + 0.01 * (f["age"] - 20)).to_numpy()  # noqa: E731
    subject = Subject("age", model, Dataset(X, (X["income"] > 0.5).astype(int), ["age"]))
    m = run(subject).measurement("sensitive_reliance", "age")
    values = np.unique(np.quantile(X["age"], np.linspace(0.05, 0.95, 10), method="nearest"))
    away = np.abs(X["age"].to_numpy()[:, np.newaxis] - values)
    expected = 0.01 * away.sum(axis=1) / (away > 0).sum(axis=1)
    assert m.value == pytest.approx(expected.mean())


def test_several_classes_move_by_total_variation():
    rng, sex = sexes()
    X = pd.DataFrame({"sex": sex})

    def proba(frame):
        male = (frame["sex"] == "m").to_numpy()
        return np.where(male[:, np.newaxis], [0.7, 0.2, 0.1], [0.4, 0.4, 0.2])

    from auditkit.predictors.callables import from_callable

    y = rng.integers(0, 3, 200)
    subject = Subject("k", from_callable(proba, classes=[0, 1, 2]), Dataset(X, y, ["sex"]))
    m = run(subject).measurement("sensitive_reliance", "sex")
    assert m.value == pytest.approx(0.3)  # (0.3 + 0.2 + 0.1) / 2


def test_a_regression_moves_in_spreads_of_the_target():
    rng, sex = sexes()
    X = pd.DataFrame({"sex": sex, "x": rng.normal(size=200)})
    y = rng.normal(scale=4, size=200)
    subject = Subject(
        "r", lambda f: 2.0 * (f["sex"] == "m") + f["x"], Dataset(X, y, ["sex"]), task="regression"
    )
    assert run(subject).measurement("sensitive_reliance", "sex").value == pytest.approx(2 / y.std())


def test_missing_values_are_moved_too():
    rng, sex = sexes()
    sex[:50] = None
    X = pd.DataFrame({"sex": sex})
    model = lambda f: np.select([f["sex"] == "m", f["sex"] == "f"], [0.9, 0.5], 0.1)  # noqa: E731
    subject = Subject("m", model, Dataset(X, rng.integers(0, 2, 200), ["sex"]))
    # from missing (0.1) to f or m: (0.4 + 0.8) / 2; between f and m: 0.4
    assert run(subject).measurement("sensitive_reliance", "sex").value == pytest.approx(
        0.25 * 0.6 + 0.75 * 0.4
    )


def test_one_value_is_undefined_with_the_reason():
    X = pd.DataFrame({"sex": ["f"] * 40, "x": np.arange(40.0)})
    subject = Subject("o", lambda f: np.full(len(f), 0.5), Dataset(X, np.arange(40) % 2, ["sex"]))
    m = run(subject).measurement("sensitive_reliance", "sex")
    assert np.isnan(m.value)
    assert m.reason == "it has one value only"


def test_without_sensitive_features_it_does_not_apply():
    X = pd.DataFrame({"x": np.arange(20.0)})
    report = Audit(["sensitive_reliance"]).run(
        Subject("n", lambda f: np.full(len(f), 0.5), Dataset(X, np.arange(20) % 2))
    )
    finding = report.findings[0]
    assert finding.status == "not_applicable"
    assert "sensitive_features=" in finding.reason


def test_a_subject_that_relies_fails_and_its_twin_passes():
    criteria = [Criterion("sensitive_reliance", at_most=0.05)]
    verdicts = [
        Audit(["AK403"], criteria).run(make_proxy(kind="direct", strength=s).subject).verdict
        for s in (0.4, 0)
    ]
    assert verdicts == ["fail", "pass"]


def test_a_summary_names_only_what_has_a_value():
    from auditkit.checks.explainability._shown import ranking
    from auditkit.evidence import Measurement

    found = [Measurement("m", value, 10, group=name) for name, value in (("sex", 0.1), ("age", float("nan")))]
    assert ranking(found, "Change", "t").summary == "Change, by input: sex (0.100)."
    assert ranking(found[1:], "Change", "t").summary == ""


def test_a_feature_that_an_input_settles_is_told_with_that_input():
    X = pd.DataFrame({"status": ["m single", "m married", "f"] * 40, "x": np.arange(120.0)})
    who = {"sex": [word[0] for word in X["status"]]}
    model = from_callable(lambda X: X["x"].to_numpy(), output="values")
    subject = Subject("s", model, Dataset(X, np.arange(120.0), sensitive_features=who), task="regression")
    found = sensitive_reliance(subject, rng=np.random.default_rng(0))
    assert found.says.startswith("By name sex is no input of the model, but the input 'status' settles it")
