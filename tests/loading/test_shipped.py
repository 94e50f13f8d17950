"""Shipped policies: every limit has a reason and an owner, speaks of what is measured, and finds a planted fault."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from typer.testing import CliRunner

from auditkit import Audit, Subject, load_policy
from auditkit.batch.plan import load_plan
from auditkit.check import registry
from auditkit.cli import app
from auditkit.data import load_adult, load_german_credit, make_biased, make_credit
from auditkit.errors import InputError
from auditkit.finding import Criterion, Policy
from auditkit.loading.shipped import hidden_by_file, policy_place, shipped_name, shipped_policies
from auditkit.render.page import findings
from auditkit.report import Report
from auditkit.runner.order import take_order
from auditkit.runner.templates import find_template

SECTORS = ("lending", "hiring", "health")
QUICK = ["model_performance", "calibration", "demographic_parity", "error_rates", "counterfactual_flips"]


def fitted(train, test, positive, rows):
    train, test = train.take(np.arange(min(rows, len(train)))), test.take(np.arange(min(rows, len(test))))
    words = [c for c in train.X.columns if train.X[c].dtype.kind not in "biuf"]
    columns = ColumnTransformer(
        [("w", OneHotEncoder(handle_unknown="ignore"), words)], remainder=StandardScaler()
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(train.X, train.y)
    return Subject("stand-in", model, test, train=train, positive=positive)


@pytest.fixture(scope="module")
def evidence():
    german, adult = load_german_credit(), load_adult()
    credit = make_credit(n_train=300, n_test=300)
    of = {
        "lending": fitted(*german, "good", 1000),
        "hiring": fitted(*adult, ">50K", 1500),
        "health": credit,  # no table of patients ships with auditkit
    }
    return {name: Audit(QUICK, load_policy(name)).run(subject) for name, subject in of.items()}


@pytest.mark.parametrize("name", SECTORS)
def test_every_limit_says_why_who_and_of_what(name):
    policy, gives = load_policy(name), registry().metrics()
    assert [c.metric for c in policy if c.metric not in gives] == []
    assert [c.metric for c in policy if len(c.why) < 40 or not c.who] == []
    assert len({(c.metric, c.group, c.check) for c in policy}) == len(policy)
    assert "not law" in policy.description or "neither law" in policy.description
    assert policy.unmeasured == "ignored"


@pytest.mark.parametrize("name", SECTORS)
def test_each_speaks_of_what_the_default_does_not_and_leaves_out_what_does_not_fit(name):
    own, default = ({c.metric for c in load_policy(one)} for one in (name, "default"))
    assert own - default
    assert not own & {"injection_success_rate", "secrets_found", "serious_advisories"}
    assert "ll144_impact_ratio" not in own  # a table to publish: the law sets no limit


@pytest.mark.parametrize("name", SECTORS)
@pytest.mark.parametrize("template", ["full", "bias", "drift"])
def test_each_template_of_models_can_be_judged_by_it(name, template):
    checks = find_template(template).checks
    audit = Audit(list(checks), load_policy(name))
    measured = {m for about, _ in audit.plan for m in about.metrics}
    assert measured & {c.metric for c in load_policy(name)}


@pytest.mark.parametrize("name", SECTORS)
def test_it_judges_a_model_and_the_page_says_who_should_change_a_limit(name, evidence):
    report = evidence[name]
    judged = [f for f in report.findings if f.criterion is not None]
    assert {f.criterion.metric for f in judged} >= {"auc", "equal_opportunity_difference"}
    assert not [f for f in report.findings if f.status == "error"]
    assert "Who should change it:" in findings(report.to_dict())


@pytest.mark.parametrize("name", ["lending", "hiring"])
def test_a_planted_gap_breaks_the_four_fifths_and_its_innocent_twin_does_not(name):
    # rates 0.65 and 0.35 by construction: the ratio is 0.54
    def statuses(gap):
        report = Audit(["demographic_parity"], load_policy(name)).run(make_biased(gap=gap, n=4000).subject)
        return {f.measurement.metric: f.status for f in report.findings if f.criterion}

    assert statuses(0.3)["demographic_parity_ratio"] == "fail"
    assert "fail" not in statuses(0).values()


def test_missed_cases_of_one_group_break_the_health_policy_and_equal_errors_do_not():
    # the true-positive rate differs by the gap, selection rates do not
    def statuses(gap):
        subject = make_biased(gap=gap, n=4000, kind="errors").subject
        report = Audit(["error_rates"], load_policy("health")).run(subject)
        return {f.measurement.metric: f.status for f in report.findings if f.criterion}

    assert statuses(0.2)["equal_opportunity_difference"] == "fail"
    assert statuses(0)["equal_opportunity_difference"] != "fail"


def test_who_stands_in_a_record_only_where_it_is_said():
    bare, owned = Criterion("auc", at_least=0.5), Criterion("auc", at_least=0.5, who="model board")
    assert "who" not in bare.to_dict()
    assert Criterion.from_dict(json.loads(json.dumps(owned.to_dict()))) == owned
    assert Criterion.from_dict(bare.to_dict()) == bare
    for given in (bare, owned):
        report = Audit(["model_performance"], [given]).run(make_credit(n_train=200, n_test=200))
        saved = Report.from_dict(json.loads(json.dumps(report.to_dict())))
        assert saved.to_dict() == report.to_dict()
    assert Policy((bare,)).to_dict()["digest"] != Policy((owned,)).to_dict()["digest"]


def test_who_is_escaped_on_the_page():
    given = Criterion("accuracy", at_least=0.5, why="w" * 50, who="<script>alert(1)</script>")
    page = findings(Audit(["model_performance"], [given]).run(make_credit(n_train=200, n_test=200)).to_dict())
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_name_is_read_a_file_comes_first_and_a_typing_mistake_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_policy("lending").name == "auditkit lending"
    assert load_policy("default") == load_policy()
    with pytest.raises(InputError, match="Did you mean 'lending'"):
        load_policy("lendin")
    with pytest.raises(InputError, match=r"no policy file at lending\.toml"):
        load_policy("lending.toml")
    assert hidden_by_file("lending") == ""
    (tmp_path / "lending").mkdir()  # where reports go, say
    assert load_policy("lending").name == "auditkit lending"
    assert hidden_by_file("lending") == ""
    (tmp_path / "lending").rmdir()
    (tmp_path / "lending").write_text('name = "ours"\n[[criterion]]\nmetric = "auc"\nat_least = 0.5\n')
    assert load_policy("lending").name == "ours"
    assert "the file 'lending'" in hidden_by_file("lending")
    assert shipped_name(policy_place("lending")) is None


def test_a_copy_is_the_file_and_replaces_nothing(tmp_path):
    target, run = tmp_path / "policy.toml", CliRunner()
    assert run.invoke(app, ["policy", "copy", "health", "--out", str(target)]).exit_code == 0
    assert load_policy(target).criteria == load_policy("health").criteria
    assert run.invoke(app, ["policy", "copy", "lending", "--out", str(target)]).exit_code == 2
    assert target.read_text("utf-8") == shipped_policies()["health"].text
    listed = json.loads(run.invoke(app, ["list", "policies", "--json"]).stdout)["policies"]
    assert [one["name"] for one in listed] == ["default", "health", "hiring", "lending"]


def test_a_run_and_a_plan_name_it_and_no_place_on_this_disk(tmp_path):
    (tmp_path / "m.csv").write_text("y,p\n1,1\n0,0\n")
    subject = tmp_path / "s.toml"
    subject.write_text(
        'name = "s"\ntask = "binary"\npositive = 1\n[model.predictions]\npath = "m.csv"\nlabel = "p"\n'
        '[data.test]\npath = "m.csv"\ntarget = "y"\n'
    )
    order = take_order("bias", subject, tmp_path / "out", {}, "lending", seed=0, jobs=1)
    assert order.parameters["policy_file"] == "lending"
    assert order.command[order.command.index("--policy") + 1] == "lending"
    plan = tmp_path / "plan.toml"
    plan.write_text('policy = "hiring"\n[[subject]]\nfile = "s.toml"\n[[template]]\nname = "bias"\n')
    (tmp_path / "hiring").mkdir()  # a folder of reports is no policy
    (audit,) = load_plan(plan).audits
    assert shipped_name(audit.policy) == "hiring"
