"""Bill of materials: fits the schema by its own validator, names model, data and libraries, and is the same twice."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import auditkit as ak
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.targets.stack import Stack

pytest.importorskip("cyclonedx")

from auditkit.exports.bom import bill_of_materials


@pytest.fixture(scope="module")
def report():
    return ak.Audit(["model_performance"]).run(ak.data.make_credit(seed=0, n_train=200, n_test=200))


def test_it_fits_the_schema_and_is_the_same_twice(report):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    made = bill_of_materials(report)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made.decode()) is None
    assert bill_of_materials(report) == made


def test_it_names_model_data_and_libraries_with_digests(report):
    made = json.loads(bill_of_materials(report))
    said, model = report.to_dict(), made["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": said["subject"]["model"]["digest"]}]
    by_ref = {one["bom-ref"]: one for one in made["components"]}
    for split in ("test", "train"):
        assert by_ref[f"data:{split}"]["hashes"][0]["content"] == said["subject"][split]["digest"]
    assert by_ref["library:numpy"]["version"] == said["provenance"]["versions"]["numpy"]
    assert by_ref["library:numpy"]["purl"].startswith("pkg:pypi/numpy@")
    card = model["modelCard"]
    assert {one["ref"] for one in card["modelParameters"]["datasets"]} == {"data:test", "data:train"}
    (accuracy,) = [m for m in report.of("AK001").measurements if m.metric == "accuracy" and m.group is None]
    figures = {one["type"]: one for one in card["quantitativeAnalysis"]["performanceMetrics"]}
    assert float(figures["accuracy"]["value"]) == accuracy.value
    assert float(figures["accuracy"]["confidenceInterval"]["lowerBound"]) == accuracy.interval.low
    assert any(one["ref"] == "model" and "library:numpy" in one["dependsOn"] for one in made["dependencies"])


def test_no_column_is_named(report):
    text = bill_of_materials(report).decode()
    assert not [name for name in report.to_dict()["subject"]["test"]["columns"] if f'"{name}"' in text]


def test_strange_names_are_kept_as_text():
    subject = ak.data.make_credit(seed=0, n_train=200, n_test=200)
    odd = ak.Subject(
        'a"\x07</script>\u202e', subject.model.inner, subject.test, subject.train, positive=subject.positive
    )
    made = json.loads(bill_of_materials(ak.Audit(["model_performance"]).run(odd)))
    assert made["metadata"]["component"]["name"].startswith('a"')


def test_a_report_of_something_else_is_refused():
    report = ak.Audit(["known_advisories"]).run(Stack("lab", {"joblib": "1.1.0"}))
    with pytest.raises(
        InputError,
        match="about installed software and its configuration: a bill of materials is made of a report about a model with its rows",
    ):
        bill_of_materials(report)


def test_the_command_line_writes_it_once(report, tmp_path):
    report.save(tmp_path / "report.json")
    args = ["export", "bom", str(tmp_path), "--out", str(tmp_path / "credit.cdx.json")]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "credit.cdx.json").read_text())["specVersion"] == "1.6"
    assert CliRunner().invoke(app, args).exit_code == 2


def test_no_day_is_made_up_and_no_figure_is_no_number(report):
    data = json.loads(json.dumps(report.to_dict()))
    for m in next(one for one in data["evidence"] if one["check"] == "AK001")["measurements"]:
        if m["metric"] == "accuracy":
            m["value"], m["interval"], m["reason"] = None, None, "not told"
    figures = json.loads(bill_of_materials(ak.Report.from_dict(data)))["metadata"]["component"]["modelCard"]
    assert "accuracy" not in {one["type"] for one in figures["quantitativeAnalysis"]["performanceMetrics"]}
    for started in ("yesterday", None):
        data["provenance"]["started"] = started
        if started is None:
            del data["provenance"]["started"]
        with pytest.raises(InputError, match="does not say when the audit was made"):
            bill_of_materials(ak.Report.from_dict(data))
