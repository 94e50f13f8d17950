"""The command and the page: exit codes, files, alerts, and that nothing of the data can act."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.monitoring import monitor

spec = importlib.util.spec_from_file_location("monitoring_logs_made", Path(__file__).with_name("conftest.py"))
made_ = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made_)
NOW, planned = made_.NOW, made_.planned


def run(*words):
    return CliRunner().invoke(app, ["monitor", *map(str, words)])


def test_the_exit_code_is_the_verdict_and_the_files_are_there(place, made):
    done = run(place / "plan.toml", "--out", place / "out")
    assert done.exit_code == 1, done.output
    assert "Selection rate between groups of sex: in 2026-02-09, by a window alone" in done.output
    assert {one.name for one in (place / "out").iterdir()} == {
        ".monitor.lock",
        "trend.html",
        "trend.json",
        "trend.csv",
        "state.json",
    }
    made[1].iloc[:1501].to_csv(place / "log.csv", index=False)
    assert run(place / "plan.toml", "--out", place / "calm").exit_code == 0
    made[1].iloc[:50].to_csv(place / "log.csv", index=False)
    done = run(place / "plan.toml", "--out", place / "few", "--json")
    assert (done.exit_code, json.loads(done.stdout)["verdict"]) == (3, "undecided")
    planned(place, ('"week"', '"weeks"'))
    done = run(place / "plan.toml", "--out", place / "out")
    assert (done.exit_code, "Did you mean 'week'?" in done.output) == (2, True)
    done = run(place / "plan.toml", "--out", place / "out", "--until", "soon")
    assert (done.exit_code, "--until takes a day or a time" in done.output) == (2, True)


def test_an_alert_is_a_line_when_something_changed_and_holds_no_value(place, made):
    alerts = place / "alerts.jsonl"
    text = (place / "log.csv").read_text()
    (place / "log.csv").write_text(text[: text.index("2026-02-10")].rpartition("\n")[0] + "\n")
    words = (place / "plan.toml", "--out", place / "out", "--alert", alerts)
    assert run(*words).exit_code == 0
    assert alerts.read_text() == ""
    (place / "log.csv").write_text(text)
    assert run(*words).exit_code == 1
    assert run(*words).exit_code == 1
    (line,) = alerts.read_text().splitlines()
    alert = json.loads(line)
    assert (alert["verdict"], alert["before"], alert["exit_code"]) == ("alarm", "in_control", 1)
    assert {"chart": "selection_rate_gap:sex", "window": "2026-02-09"} in alert["new"]["named"]
    assert "0.5" not in line
    assert run(*words, "--alert-on", "failed").exit_code == 1
    assert len(alerts.read_text().splitlines()) == 2
    assert run(place / "plan.toml", "--out", place / "out", "--alert-on", "failed").exit_code == 2


def test_a_folder_with_the_trend_of_another_plan_is_left_as_it_is(place):
    run(place / "plan.toml", "--out", place / "out")
    (place / "other.toml").write_text((place / "plan.toml").read_text())
    done = run(place / "other.toml", "--out", place / "out")
    assert (done.exit_code, "is of another plan ('plan.toml'" in done.output) == (2, True)


def test_the_record_fits_its_schema_and_the_table_has_every_point(place):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((files("auditkit") / "schemas" / "trend-1.0.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = monitor(place / "plan.toml", place / "out", now=NOW)
    more = '\n[[release]]\nfrom = 2026-01-12\napproved_by = "x"\n[[accepted]]\nuntil = 2026-03-01\nby = "x"\nwhy = "y"\n'
    planned(place, ('every = "week"', 'every = "week"' + more), ('file = "reference.parquet"', "first = 5"))
    for record in (
        json.loads((place / "out" / "trend.json").read_text()),
        monitor(place / "plan.toml", now=NOW).record,
    ):
        jsonschema.Draft202012Validator(schema).validate(record)
    with (place / "out" / "trend.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(one["points"]) for one in found.record["charts"]) == len(found.frame())


EVIL = "</script><img src=x onerror=alert(1)>{{7*7}}"


def test_names_from_the_log_and_the_plan_are_text_on_the_page_and_no_formula_in_the_table(place, made):
    evil, formula = EVIL.replace('"', ""), "=1+1"
    log = made[1].rename(columns={"job": evil, "age": formula}).replace({"sex": {"f": "<b>f</b>"}})
    log.to_csv(place / "log.csv", index=False)
    reference = made[0].rename(columns={"job": evil, "age": formula}).replace({"sex": {"f": "<b>f</b>"}})
    reference.to_parquet(place / "reference.parquet")
    release = f"\n[[release]]\nname = '{evil}'\nfrom = 2026-01-05\napproved_by = '{evil}'\n"
    planned(
        place,
        ('"age", "job"', f"'{formula}', '{evil}'"),
        ('name = "credit"', f"name = '{evil}'"),
        ('every = "week"', 'every = "week"' + release),
    )
    found = monitor(place / "plan.toml", place / "out", now=NOW)
    page = found.html()
    assert "<img" not in page
    assert "<b>f</b>" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;{{7*7}}" in page
    assert re.search(r"Content-Security-Policy\" content=\"default-src (&#39;|')none", page)
    with (place / "out" / "trend.csv").open(newline="") as file:
        assert not any(cell.startswith("=") for row in csv.reader(file) for cell in row)


def test_every_figure_has_words_and_a_table(place):
    found = monitor(place / "plan.toml", now=NOW)
    page = found.html()
    charts = len(found.record["charts"])
    assert page.count('role="img" aria-label="') == charts
    assert page.count("<figcaption>") == page.count("Data behind the figure") == charts
    assert page.index("Alarm.") < page.index('id="alarms"') < page.index("<figure")
    assert "no statement that the model is right or safe" in page
