"""What every check owes: the public suite of `auditkit.testing`, over one table of subjects and all registered checks."""

from __future__ import annotations

import functools
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from auditkit import Audit, Dataset, Report, Subject
from auditkit.check import registry
from auditkit.evidence import Evidence
from auditkit.finding import POLICY
from auditkit.judging import judge
from auditkit.loading import load_policy
from auditkit.report import schema
from auditkit.testing import (
    check_declaration,
    check_evidence,
    check_report,
    check_same,
    small_subjects,
    watch,
)

ROOT = Path(__file__).parents[1]
CHECKS = registry().about("model")
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


def small(name):
    return small_subjects()[name]


# made anew for each run; every other one is sent to processes, the others to threads
SUBJECTS = {name: functools.partial(small, name) for name in small_subjects()} | {"polars": polars}


def plan(checks=CHECKS):
    """Return the checks with light parameters."""
    chosen = {}
    for check in checks:
        known = {p.name for p in check.parameters}
        light = {k: v for k, v in LIGHT.items() if k in known}
        chosen[check.function] = light | LIGHTER.get(check.name, {})
    return Audit(chosen)


@functools.cache
def watched(name):
    return watch(plan(), SUBJECTS[name](), seed=3)


def report_of(name):
    return watched(name).report


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_every_check_keeps_its_promises(check, name):
    check_evidence(check, watched(name), on=name)


@pytest.mark.parametrize("name", SUBJECTS)
def test_reports_say_the_same_twice(name):
    check_same(report_of(name), plan().run(SUBJECTS[name](), seed=3))


def test_another_seed_gives_another_draw():
    drawn = [
        Audit({"shap_importance": {"rows": 30}}).run(small("regression"), seed=s).of("AK401").measurements
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
def test_reports_read_back_and_are_judged_again_without_the_model(name):
    check_report(report_of(name), plan(), SUBJECTS[name]())


def test_processes_give_the_same_reports():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name in [*SUBJECTS][::2]:
            check_same(report_of(name), plan().run(SUBJECTS[name](), seed=3, executor=pool))


def test_threads_give_the_same_reports():
    with ThreadPoolExecutor(3) as pool:
        for name in [*SUBJECTS][1::2]:
            check_same(report_of(name), plan().run(SUBJECTS[name](), seed=3, executor=pool))


@pytest.mark.filterwarnings("ignore")  # a cluster warns of ports and loops in its own way
def test_a_dask_cluster_gives_the_same_report():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        report = plan().run(small("credit"), seed=3, executor=client.get_executor())
    assert report.provenance["engine"] == "ClientExecutor"
    check_same(report_of("credit"), report)


def test_parts_give_the_numbers_of_the_whole():
    audit, subject, known = plan(), small("credit"), ()
    for codes in (["AK401", "AK101"], [c.code for c in CHECKS if c.code not in ("AK401", "AK101")]):
        *_, last = audit.stream(subject, seed=3, only=codes, known=known)
        known = last.report.evidence
    check_same(report_of("credit"), last.report)


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_every_check_is_declared_in_full(check):
    check_declaration(check)


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
