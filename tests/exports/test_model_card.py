"""Model card: the hub's own reader takes it, numbers are those of the public form, and no name becomes markup or metadata."""

from __future__ import annotations

import json
import re

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import example, given, settings
from typer.testing import CliRunner

import auditkit as ak
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.exports.model_card import NOT_WRITTEN, model_card
from auditkit.exports.paper import in_markdown
from auditkit.packing.publishing import public_form
from auditkit.predictors import from_predictions
from auditkit.render.status import kept_back, shown_status
from auditkit.render.text import measured, number, one_line

from .conftest import HOSTILE, hostile_text, renamed, with_form
from .test_paper import held

TEXT = {"type": "string", "minLength": 1, "pattern": r"^[^\n]+$"}
METADATA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tags", "metrics", "model-index"],
    "properties": {
        "language": {"type": "array", "items": TEXT},
        "license": TEXT,
        "tags": {"type": "array", "items": TEXT},
        "pipeline_tag": {"enum": ["tabular-classification", "tabular-regression"]},
        "metrics": {"type": "array", "items": TEXT, "uniqueItems": True},
        "model-index": {
            "type": "array", "minItems": 1, "maxItems": 1,
            "items": {
                "type": "object", "required": ["name", "results"], "additionalProperties": False,
                "properties": {
                    "name": TEXT,
                    "results": {
                        "type": "array", "minItems": 1,
                        "items": {
                            "type": "object", "required": ["task", "dataset", "metrics"], "additionalProperties": False,
                            "properties": {
                                "task": {"type": "object", "required": ["type"], "properties": {"type": TEXT, "name": TEXT}, "additionalProperties": False},
                                "dataset": {
                                    "type": "object", "required": ["type", "name"], "additionalProperties": False,
                                    "properties": {"type": TEXT, "name": TEXT, "split": TEXT, "revision": TEXT},
                                },
                                "metrics": {
                                    "type": "array", "minItems": 1,
                                    "items": {
                                        "type": "object", "required": ["type", "value"], "additionalProperties": False,
                                        "properties": {"type": TEXT, "value": {"type": "number"}, "name": TEXT, "verified": {"const": False}},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}  # fmt: skip


def parted(card):
    """Return the metadata and the text of a card, as hubs part them: up to the first line of three dashes."""
    front, text = re.match(r"---\n([\s\S]*?)\n---\n([\s\S]*)", card).groups()
    return yaml.safe_load(front), text


def test_the_metadata_fit_the_hubs_schema(report):
    front, _ = parted(model_card(report, license="apache-2.0", languages=["en"], tags=["credit"]))
    jsonschema.validate(front, METADATA)
    assert (front["license"], front["language"], front["tags"]) == ("apache-2.0", ["en"], ["credit", "tabular", "auditkit"])  # fmt: skip
    front, _ = parted(model_card(report))
    assert not {"license", "language"} & set(front)


@pytest.mark.needs("huggingface_hub", extra="test")
@pytest.mark.parametrize("name", ["credit", HOSTILE])
def test_the_hubs_own_reader_takes_it(report, name):
    from huggingface_hub import ModelCard

    card = ModelCard(model_card(renamed(report, name), license="apache-2.0"))
    assert card.data.license == "apache-2.0"
    assert card.data.model_name == one_line(name)
    shown = public_form(report).report
    (accuracy,) = [m for m in shown.of("AK001").measurements if m.metric == "accuracy" and m.group is None]
    found = {one.metric_type: one for one in card.data.eval_results}
    assert found["accuracy"].metric_value == accuracy.value
    assert found["accuracy"].dataset_split == "test"


def test_no_number_is_there_that_the_public_form_withholds(report):
    card, full = model_card(report), model_card(report, full=True)
    assert "region=rare" not in card
    assert "region=rare" in full
    kept = {m.group for e in public_form(report).report.evidence for m in e.measurements}
    told = set(re.findall(r"(?:region|sex)=\w+", card))
    assert told <= kept
    digest = report.subject["model"]["digest"]
    assert digest not in card
    assert digest in full
    assert "income" not in card
    assert "numbers are withheld" in card


def test_numbers_are_those_of_the_report(report):
    _, text = parted(model_card(report, full=True))
    for check in ("AK001", "AK101", "AK201", "AK301"):
        for m in report.of(check).measurements:
            if m.interval is not None:
                said = f"{number(m.value)} [{number(m.interval.low)}, {number(m.interval.high)}]"
                assert in_markdown(said) in text, m


def test_a_small_limit_on_counts_is_kept_to(report):
    with pytest.raises(InputError, match="nothing can be published of 294 test rows with k=500"):
        model_card(report, k=500)


def test_the_intended_use_is_what_was_written_and_signed(report):
    assert in_markdown(NOT_WRITTEN) in model_card(report)
    about = {
        "out_of_scope": HOSTILE,
        "owner": "Jan Owner",
        "developers": "Jo Maker",
        "validated_by": "Al Tester",
    }
    named = with_form(report, **about)
    card, full = model_card(named), model_card(named, full=True)
    (form,) = named.forms
    assert f"| What is the system for? | {in_markdown(form.answers['purpose'])} |" in card
    assert "author \\(2026\\-11\\-02\\)" in card
    for name in ("Maria Example", "Jan Owner", "Jo Maker", "Al Tester"):
        assert name not in card
        assert name in full
    held(parted(card)[1])


def test_what_nobody_signed_is_not_told_outside(report):
    draft = with_form(report, signed=False)
    purpose = in_markdown(draft.forms[0].answers["purpose"])
    assert purpose not in model_card(draft)
    assert "auditkit form sign" in model_card(draft)
    assert purpose in model_card(draft, full=True)
    public = public_form(with_form(report)).report
    assert purpose not in model_card(public)
    assert "Its answers are withheld" in model_card(public)


@settings(max_examples=5, deadline=None)
@given(hostile_text)
@example(HOSTILE)
@example("---")
@example("a\n---\nlicense: evil")
def test_hostile_names_become_neither_markup_nor_metadata(report, name):
    for full in (True, False):
        front, text = parted(model_card(renamed(report, name), full=full))
        jsonschema.validate(front, METADATA)
        assert "license" not in front
        assert front["model-index"][0]["name"] == (one_line(name) or "unnamed subject")
        held(text)


def test_a_language_model_has_a_card_of_its_probes():
    from auditkit.targets.language_model import LanguageModel

    asked = ak.Audit({"prompt_injection": {"prompts": 12}}).run(LanguageModel("desk", lambda _: "No."))
    front, text = parted(model_card(asked, full=True))
    assert front == {"tags": ["auditkit"], "pipeline_tag": "text-generation"}
    (m,) = [one for one in asked.of("AK801").measurements if one.metric == "injection_success_rate"]
    assert in_markdown(measured(m.to_dict())) in text
    assert "## Probes in words" in text
    held(text)


def test_a_licence_is_a_short_name(report):
    with pytest.raises(InputError, match="expected a short name"):
        model_card(report, license="mit\nx: y")


def test_a_report_of_something_else_is_refused(of_stack):
    with pytest.raises(
        InputError, match="about installed software and its configuration: a model card is made of"
    ):
        model_card(of_stack)


def test_the_command_line_writes_it_once(saved, tmp_path):
    args = ["export", "model-card", str(saved), "--out", str(tmp_path / "README.md"), "--license", "mit"]
    done = CliRunner().invoke(app, [*args, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"model_card": str(tmp_path / "README.md"), "full": False}
    assert parted((tmp_path / "README.md").read_text("utf-8"))[0]["license"] == "mit"
    again = CliRunner().invoke(app, args)
    assert again.exit_code == 2
    assert "is not replaced" in again.output
    assert CliRunner().invoke(app, [*args[:-4], "--out", str(tmp_path / "card.txt")]).exit_code == 2


def test_a_public_form_is_not_said_to_keep_to_more_than_it_does(report, tmp_path):
    shown = public_form(report, k=20).report
    assert "fewer than 20 records are withheld" in model_card(shown, k=10)
    with pytest.raises(InputError, match=r"may rest on 20 records, and 50 are asked for.*--k 20"):
        model_card(shown, k=50)
    shown.save(tmp_path / "report.json")
    args = ["export", "model-card", str(tmp_path), "--out", str(tmp_path / "a.md"), "--k", "50"]
    assert CliRunner().invoke(app, args).exit_code == 2
    assert not (tmp_path / "a.md").exists()


def test_a_card_with_everything_says_that_it_is_for_use_inside(report, saved, tmp_path):
    warning = in_markdown("For use inside, not for publication")
    assert f"> {warning}" in model_card(report, full=True)
    assert warning not in model_card(report)
    args = ["export", "model-card", str(saved), "--out", str(tmp_path / "a.md"), "--full"]
    assert "do not publish it" in CliRunner().invoke(app, args).stdout


def test_the_metadata_hold_results_on_the_test_data_and_leave_verified_to_the_hub(report):
    (result,) = parted(model_card(report))[0]["model-index"][0]["results"]
    assert {"accuracy", "roc_auc"} <= {one["type"] for one in result["metrics"]}
    for one in result["metrics"]:
        assert set(one) == {"type", "value", "name"}
        assert one["type"] != "train_test_gap"
    assert "train\\-test gap" in model_card(report)


def test_metrics_of_regression_have_the_names_of_the_hub():
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.normal(size=60)})
    y = x["a"] + rng.normal(size=60)
    subject = ak.Subject(
        "price", from_predictions(labels=x["a"].to_numpy()), ak.Dataset(x, y), task="regression"
    )
    front, _ = parted(model_card(ak.Audit(["model_performance"]).run(subject)))
    assert front["pipeline_tag"] == "tabular-regression"
    assert front["metrics"] == ["mae", "r_squared"]


def test_numbers_that_are_withheld_are_not_called_undefined(report):
    text = model_card(report)
    rows = [line for line in text.splitlines() if "withheld from the public form" in line]
    assert rows
    assert len(rows) == len(set(rows))
    assert all("| withheld |" in line and "undefined" not in line for line in rows)
    told = sum(int(found[1]) if (found := re.search(r"\((\d+) of them\\?\)", line)) else 1 for line in rows)
    findings = public_form(report).report.to_dict()["findings"]
    assert told == sum(kept_back(one) and shown_status(one) in ("fail", "inconclusive", "unmeasured", "waived") for one in findings)  # fmt: skip
