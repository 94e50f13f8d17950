"""What every check owes: one table of subjects, one body for all registered checks."""

from __future__ import annotations

import functools
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from auditkit import Audit, Criterion, Dataset, Report, Subject
from auditkit.check import registry, resolve
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.evidence import Evidence
from auditkit.finding import POLICY
from auditkit.judging import judge
from auditkit.loading import load_policy
from auditkit.predictors import from_predictions
from auditkit.report import schema

ROOT = Path(__file__).parents[1]
CHECKS = registry().checks
# small enough for a test; a parameter a check does not have is left out
LIGHT = {
    "rows": 60,
    "references": 4,
    "max_calls": 20,
    "background": 20,
    "permutations": 8,
    "repeats": 2,
    "pool": 100,
    "queries": 12,
    "members": 2,
}
LIGHTER = {"privacy_mitigation_lab": {"points": 1}}  # what a name alone would also tell other checks


def credit():
    return make_credit(n_train=160, n_test=120)


def multiclass():
    return make_multiclass(n_train=160, n_test=120)


def regression():
    return make_regression(n_train=160, n_test=120)


def predictions():
    known = credit()
    scores = known.scores()
    recorded = from_predictions(scores=scores, classes=known.classes.tolist())
    data = Dataset(None, known.test.y, known.test.sensitive_features)
    return Subject("predictions", recorded, data, positive="repaid")


def polars():
    pl = pytest.importorskip("polars")
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"a": rng.normal(size=260), "b": rng.integers(0, 9, 260), "flag": rng.random(260) < 0.5}
    )
    y = (frame["a"].to_numpy() + rng.normal(size=260) > 0).astype(int)
    group = np.where(rng.random(260) < 0.5, "A", "B")
    train = Dataset(frame[:140], y[:140], {"group": group[:140]})
    test = Dataset(frame[140:], y[140:], {"group": group[140:]})
    return Subject("polars", LogisticRegression().fit(frame[:140], y[:140]), test, train)


SUBJECTS = {f.__name__: f for f in (credit, multiclass, regression, predictions, polars)}


def plan(checks=CHECKS):
    """Return the checks with light parameters."""
    chosen = {}
    for check in checks:
        known = {p.name for p in check.parameters}
        light = {k: v for k, v in LIGHT.items() if k in known}
        chosen[check.function] = light | LIGHTER.get(check.name, {})
    return Audit(chosen)


@functools.cache
def report_of(name):
    return plan().run(SUBJECTS[name](), seed=3)


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_every_check_keeps_its_promises(check, name):
    found = [e for e in report_of(name).evidence if e.check == check.code]
    assert len(found) == 1, "a check that was asked for appears exactly once"
    (evidence,) = found
    assert evidence.outcome != "error", evidence.reason
    assert {m.metric for m in evidence.measurements} <= set(check.metrics)
    assert set(evidence.params) == {p.name for p in check.parameters}
    assert evidence.seed.startswith("3/")
    if evidence.outcome == "not_applicable":
        assert len(evidence.reason.split()) > 3
        return
    assert evidence.measurements
    assert evidence.says
    assert evidence.does_not_say
    assert evidence.rows
    for m in evidence.measurements:
        assert not np.isnan(m.value) or m.reason, f"{m.metric} of {m.group} is undefined without a reason"
        assert m.n >= 0
    for table in evidence.tables.values():
        assert table.title


@pytest.mark.parametrize("name", SUBJECTS)
def test_reports_say_the_same_twice(name):
    again = plan().run(SUBJECTS[name](), seed=3)
    assert again.stable_dict() == report_of(name).stable_dict()


def test_another_seed_gives_another_draw():
    drawn = [
        Audit({"shap_importance": {"rows": 30}}).run(regression(), seed=s).of("AK401").measurements
        for s in (0, 1)
    ]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("name", SUBJECTS)
def test_reports_follow_the_published_schema_and_read_back(name, tmp_path):
    report = report_of(name)
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(data)
    assert Report.from_dict(data).to_dict() == data
    assert (
        Report.from_dict(json.loads(report.save(tmp_path / "report.json").read_text("utf-8"))).to_dict()
        == data
    )


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_check_has_a_finding_and_none_comes_twice(name):
    report = report_of(name)
    assert {f.check for f in report.findings} - {POLICY} == {c.code for c in CHECKS}
    prints = [f.fingerprint for f in report.findings if f.judged]
    assert len(prints) == len(set(prints))


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_saved_report_is_judged_again_without_the_model(name, tmp_path):
    other = [
        Criterion("accuracy", at_least=0.99, severity="critical"),
        Criterion("attack_auc", at_most=0.4),
        Criterion("demographic_parity_difference", at_most=1, group="sex"),
        Criterion("mean_absolute_error", at_most=100),
    ]
    at_once = Audit({f: p for (c, p) in plan().plan for f in [c.function]}, other).run(
        SUBJECTS[name](), seed=3
    )
    loaded = Report.from_dict(json.loads(report_of(name).save(tmp_path / "r.json").read_text("utf-8")))
    assert loaded.judge(other).stable_dict() == at_once.stable_dict()


def test_processes_give_the_same_reports():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name, make in SUBJECTS.items():
            assert plan().run(make(), seed=3, executor=pool).stable_dict() == report_of(name).stable_dict(), (
                name
            )


def test_threads_give_the_same_reports():
    with ThreadPoolExecutor(3) as pool:
        for name, make in SUBJECTS.items():
            assert plan().run(make(), seed=3, executor=pool).stable_dict() == report_of(name).stable_dict(), (
                name
            )


@pytest.mark.filterwarnings("ignore")  # a cluster warns of ports and loops in its own way
def test_a_dask_cluster_gives_the_same_report():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        report = plan().run(credit(), seed=3, executor=client.get_executor())
    assert report.provenance["engine"] == "ClientExecutor"
    assert report.stable_dict() == report_of("credit").stable_dict()


def test_parts_give_the_numbers_of_the_whole():
    audit, subject, known = plan(), credit(), ()
    for codes in (["AK401", "AK101"], [c.code for c in CHECKS if c.code not in ("AK401", "AK101")]):
        *_, last = audit.stream(subject, seed=3, only=codes, known=known)
        known = last.report.evidence
    assert last.report.stable_dict() == report_of("credit").stable_dict()


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_every_check_is_declared_in_full(check):
    assert check.question.endswith("?")
    assert check.title
    assert check.metrics
    resolve(check, {})  # the defaults fit their own types and bounds
    for parameter in check.parameters:
        assert parameter.description.endswith("."), f"{check.code}: {parameter.name} has no description"


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_every_check_has_its_page_and_its_test(check):
    assert (ROOT / check.page).is_file(), f"no page {check.page}"
    assert list((ROOT / "tests" / "checks").glob(f"test_{check.code.lower()}_*.py"))


def test_every_metric_of_the_default_policy_is_given_by_a_check_and_every_limit_says_why():
    known = registry().metrics()
    for criterion in load_policy():
        assert criterion.metric in known
        assert len(criterion.why) > 30


def test_judging_does_not_look_at_who_asks():
    report = report_of("credit")
    assert judge(report.evidence, load_policy(), task="binary") == report.findings
    assert all(isinstance(e, Evidence) for e in report.evidence)
