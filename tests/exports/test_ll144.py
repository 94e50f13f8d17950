"""LL144: counts and rates are those of the data, what the rules ask for is there or said to be missing, and names stay text."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import auditkit as ak
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.exports.ll144 import as_csv, as_paper
from auditkit.exports.paper import Rows, as_html, as_markdown, in_markdown
from auditkit.packing.publishing import public_form
from auditkit.predictors import from_predictions

from .conftest import HOSTILE
from .test_paper import held

GIVEN = {
    "audit_date": "2026-03-31",
    "distribution_date": "2025-01-01",
    "data_source": "Applicants of 2025",
    "exclusion_reason": "Too few to tell",
}


def applicants(rare="Two or more"):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["Female", "Male", "Unknown"], 600, p=[0.46, 0.5, 0.04]),
            "race": rng.choice(["Asian", "Black", "White", rare], 600, p=[0.2, 0.2, 0.59, 0.01]),
        }
    )
    return frame.assign(hired=rng.random(600) < np.where(frame["sex"] == "Female", 0.3, 0.45))


def audited(frame, **options):
    data = ak.Dataset(None, frame["hired"].to_numpy(), frame[["sex", "race"]])
    subject = ak.Subject("tool", from_predictions(labels=frame["hired"].to_numpy()), data, positive=True)
    return ak.Audit({"nyc_ll144": options}).run(subject)


@pytest.fixture(scope="module")
def screening():
    return audited(applicants(), **GIVEN)


def rows_of(report):
    return list(csv.DictReader(io.StringIO(as_csv(report).decode())))


def test_every_category_has_the_counts_and_rates_of_the_data(screening):
    frame, rows = applicants(), rows_of(screening)
    assert {one["division"] for one in rows} == {"sex", "race", "sex × race"}
    known = frame[frame["sex"] != "Unknown"]
    for division, data, by in (("sex", known, ["sex"]), ("race", frame, ["race"]), ("sex × race", known, ["sex", "race"])):  # fmt: skip
        own = {one["category"]: one for one in rows if one["division"] == division}
        sizes, hired = data.groupby(by)["hired"].size(), data.groupby(by)["hired"].sum()
        rates = (hired / sizes)[sizes >= 0.02 * len(frame)]
        assert len(own) == len(sizes) + 1
        for place, size in sizes.items():
            one = own[place if isinstance(place, str) else ", ".join(place)]
            assert (int(one["assessed"]), int(one["selected"])) == (size, hired[place])
            assert float(one["selection_rate"]) == pytest.approx(hired[place] / size)
            if place in rates.index:
                assert float(one["impact_ratio"]) == pytest.approx(rates[place] / rates.max())
                assert (one["reference"] == "yes") == (rates[place] == rates.max())
            else:
                assert (one["impact_ratio"], one["remark"][:8]) == ("", "under 2%")
        assert int(own["unknown"]["assessed"]) == len(frame) - sizes.sum()


def test_a_complete_summary_has_all_that_the_rules_ask_for(screening):
    text = as_markdown(as_paper(screening))
    assert "Not complete" not in text
    for said in ("2026\\-03\\-31", "2025\\-01\\-01", "Applicants of 2025", "Justification: Too few to tell"):
        assert said in text
    for one in rows_of(screening):
        assert f"| {one['assessed']} |" in text
    held(text)


def test_what_is_missing_is_said_with_what_to_type():
    text = as_markdown(as_paper(audited(applicants())))
    assert "Not complete" in text
    for option in GIVEN:
        assert in_markdown(f"x -p nyc_ll144__{option}=...").removeprefix("x ") in text


def test_small_categories_stand_apart_with_their_counts(screening):
    (section,) = [one for one in as_paper(screening).sections if one.title == "Categories that were left out"]
    (table,) = [one for one in section.blocks if isinstance(one, Rows)]
    frame = applicants()
    assert ("race", "Two or more", str((frame["race"] == "Two or more").sum())) == table.rows[0][:3]


def test_scoring_tools_have_scoring_rates():
    frame = applicants()
    scores = np.random.default_rng(1).random(600)
    data = ak.Dataset(None, scores, frame[["sex", "race"]])
    subject = ak.Subject("tool", from_predictions(labels=scores), data, task="regression")
    report = ak.Audit({"nyc_ll144": {}}).run(subject)
    above = int((scores[frame["sex"] == "Male"] > np.median(scores)).sum())
    (male,) = [one for one in rows_of(report) if one["category"] == "Male"]
    assert int(male["above_the_median"]) == above
    assert "scoring_rate" in male


def test_hostile_categories_stay_text_and_formulas_do_not_run():
    report = audited(applicants(f"=1+1{HOSTILE}"), exclusion_reason=HOSTILE)
    held(as_markdown(as_paper(report)))
    assert "<img" not in as_html(as_paper(report))
    assert [one for one in rows_of(report) if one["category"].startswith("'=1+1")]


def test_a_report_without_the_table_says_what_to_run(report, of_stack, screening):
    with pytest.raises(InputError, match=r"no evidence of AK108.*auditkit run nyc_ll144"):
        as_paper(report)
    with pytest.raises(InputError, match="about installed software"):
        as_paper(of_stack)
    with pytest.raises(InputError, match="its public form withholds them"):
        as_paper(public_form(screening).report)
    alone = ak.Dataset(None, np.resize([0, 1], 40), pd.DataFrame({"region": ["a", "b"] * 20}))
    subject = ak.Subject("tool", from_predictions(labels=np.resize([0, 1], 40)), ak.Dataset(None, alone.y))
    with pytest.raises(InputError, match="gave nothing: no sensitive features"):
        as_paper(ak.Audit(["nyc_ll144"]).run(subject))


def test_a_table_of_another_form_is_told(screening):
    (evidence,) = screening.evidence
    tables = {"sex": replace(evidence.tables["race"], kind="plain", columns={"label": ("a",)})}
    odd = replace(screening, evidence=(replace(evidence, tables={**evidence.tables, **tables}),))
    with pytest.raises(InputError, match="the table 'sex' of AK108 is not as auditkit writes it"):
        as_csv(odd)


def test_the_command_line_writes_all_three_once(screening, tmp_path):
    screening.save(tmp_path / "report.json")
    outs = [tmp_path / f"a.{ending}" for ending in ("html", "md", "csv")]
    args = ["export", "ll144", str(tmp_path), *(word for one in outs for word in ("--out", str(one)))]
    done = CliRunner().invoke(app, [*args, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["ll144"] == list(map(str, outs))
    assert outs[0].read_text("utf-8").startswith("<!doctype html>")
    assert outs[2].read_bytes() == as_csv(screening)
    assert CliRunner().invoke(app, args).exit_code == 2
    assert CliRunner().invoke(app, [*args[:3], "--out", str(tmp_path / "a.txt")]).exit_code == 2


@pytest.mark.parametrize(
    ("on", "told"),
    [
        (date(2027, 3, 31), ""),
        (date(2027, 4, 1), "over a year old on 2027-04-01: 6 RCNY 5-301"),
        (date(2026, 3, 30), "is after 2026-03-30"),
    ],
)
def test_an_audit_that_is_old_or_ahead_is_told(screening, on, told):
    made = at(screening, "2026-03-31T10:00:00+00:00")
    said = [one for one in as_paper(made, on=on).notices if "2026-03-31" in one]
    assert len(said) == bool(told)
    assert told in "".join(said)


def test_a_date_before_what_was_measured_is_told(screening):
    made = at(screening, "2026-06-01T10:00:00+00:00")
    (said,) = as_paper(made, on=date(2026, 7, 1)).notices[1:]
    assert "is 2026-03-31, and these numbers were measured later, on 2026-06-01" in said


def test_a_leap_day_has_a_year_after_it():
    made = at(audited(applicants(), **{**GIVEN, "audit_date": "2024-02-29"}), "2024-02-29T10:00:00+00:00")
    assert len(as_paper(made, on=date(2025, 2, 28)).notices) == 1
    assert len(as_paper(made, on=date(2025, 3, 1)).notices) == 2


def at(report, started):
    data = json.loads(json.dumps(report.to_dict()))
    data["provenance"]["started"] = started
    return ak.Report.from_dict(data)
