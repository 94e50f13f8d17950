"""Refusals: what is said, once, where it is looked for."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

import auditkit as ak
from auditkit.check import find
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.predictors import from_predictions
from auditkit.runner.parameters import of_checks, parse_assignments
from auditkit.subject import Dataset, Subject


@pytest.fixture(scope="module")
def report():
    return ak.Audit(["model_performance", "demographic_parity"]).run(
        ak.data.make_credit(n_train=200, n_test=200), seed=0
    )


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "pol.toml"
    file.write_text('[[criterion]]\nmetric = "accuracy"\nat_least = 0.5\nwhy = "chance"\n')
    return file


def test_the_description_of_a_model_holds_no_address_in_memory():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    y = (X["a"] > 0).astype(int)
    columns = ColumnTransformer([("n", StandardScaler(), make_column_selector(dtype_include="number"))])
    subjects = [
        Subject("m", make_pipeline(columns, LogisticRegression()).fit(X, y), Dataset(X, y)) for _ in range(2)
    ]
    told = [s.describe()["model"]["description"] for s in subjects]
    assert " at 0x" in repr(subjects[0].model.inner.estimator)
    assert " at 0x" not in told[0]
    assert "make_column_selector" in told[0]


def test_a_policy_may_be_given_by_its_path_where_an_audit_takes_one(policy, report):
    assert [c.metric for c in ak.Audit(["model_performance"], criteria=policy).criteria] == ["accuracy"]
    assert len(ak.Audit(["model_performance"], criteria=str(policy)).criteria) == 1
    with pytest.raises(InputError, match=r"got a path: load_policy\('pol\.toml'\) reads it"):
        report.judge("pol.toml")


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (np.full(9, 1.5), "nothing but 1.5, which is no"),
        (np.linspace(0.2, 1.4, 9), "numbers from 0.2 to 1.4"),
    ],
)
def test_scores_are_told_as_they_were_given(scores, said):
    with pytest.raises(InputError, match=said):
        from_predictions(scores=scores, classes=[0, 1])


def test_a_label_in_another_case_is_recognised():
    X = pd.DataFrame({"a": [0.0, 1.0] * 20})
    y = np.array(["bad", "good"] * 20)
    with pytest.raises(InputError, match=r"positive='GOOD' is none of the labels .*Did you mean 'good'\?"):
        Subject("m", LogisticRegression().fit(X, y), Dataset(X, y), positive="GOOD")


def test_a_parameter_without_its_check_names_those_that_have_it():
    known = of_checks(find("bias"))
    with pytest.raises(InputError) as told:
        parse_assignments(["matters=0.1"], known)
    named = str(told.value).partition("Say of which check: ")[2].rstrip(".").split(", ")
    assert named == [name for name in known if name.endswith("__matters")]
    assert 1 < len(named) < len(known)


def test_a_value_out_of_bounds_says_range_default_and_what_to_type():
    with pytest.raises(InputError) as told:
        parse_assignments(["model_performance__level=1.5"], of_checks(find("model_performance")))
    assert "it takes values above 0.5, below 1, and is 0.95 when left out" in str(told.value)
    assert str(told.value).endswith(": -p model_performance__level=0.95")


def test_a_list_without_brackets_is_told_once_how_to_type_it():
    with pytest.raises(InputError) as told:
        parse_assignments(["shap_importance__records=3,17"], of_checks(find("shap_importance")))
    assert str(told.value).endswith("None when left out: -p shap_importance__records=[3, 17]")


def test_plot_without_a_check_names_those_that_can_be_drawn(report):
    with pytest.raises(InputError, match=r"\.plot\('AK001'\); there are AK001, AK101"):
        report.plot()


def test_a_report_is_loaded_by_its_type_too(report, tmp_path):
    path = report.save(tmp_path / "report.json")
    assert ak.Report.load(path).to_dict() == ak.load_report(path).to_dict() == report.to_dict()


@pytest.mark.parametrize("text", ["{}", '{"a": 1}'])
def test_a_file_that_is_no_report_says_which_one_is(tmp_path, text, policy):
    file = tmp_path / "report_bad.json"
    file.write_text(text)
    done = CliRunner().invoke(app, ["judge", str(file), "--policy", str(policy), "--json"])
    assert done.exit_code == 2
    told = json.loads(done.stdout)
    assert set(told) == {"error", "exit_code"}
    assert "got no key 'schema': give the report.json that auditkit run or Report.save wrote" in told["error"]


def test_an_unknown_metric_names_the_policy_as_it_was_typed(report, tmp_path):
    path = report.save(tmp_path / "report.json")
    file = tmp_path / "deep" / "pol.toml"
    file.parent.mkdir()
    file.write_text('[[criterion]]\nmetric = "acuracy"\nat_least = 0.5\nwhy = "chance"\n')
    done = CliRunner().invoke(app, ["judge", str(path), "--policy", str(file)])
    assert done.exit_code == 2
    assert f"{file}: a criterion speaks of 'acuracy'" in " ".join(done.stderr.split())
    assert "Did you mean 'accuracy'?" in done.stderr
    file.write_text("[[criterion]]\nmetrc = 'a'\n")
    done = CliRunner().invoke(app, ["judge", str(path), "--policy", str(file)])
    assert str(file) in done.stderr


def test_nothing_judged_is_its_own_word_and_stops_no_pipeline(report, tmp_path):
    path = report.save(tmp_path / "report.json")
    file = tmp_path / "pol.toml"
    file.write_text(
        'unmeasured = "ignored"\n[[criterion]]\nmetric = "ll144_impact_ratio"\nat_least = 0.8\nwhy = "w"\n'
    )
    done = CliRunner().invoke(app, ["judge", str(path), "--policy", str(file), "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["verdict"], told["counts"]["not_judged"]) == (0, "not_judged", 2)
