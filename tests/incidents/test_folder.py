"""Folder: a record begun, decisions in a chain, drafts with gaps, and nothing a person typed that acts on a page."""

from __future__ import annotations

import json
import re
import shlex
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from auditkit import Audit, load_subject
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.forms import load_form, load_kind, to_toml
from auditkit.incidents import decide, decisions, open_incident, read_incident
from auditkit.incidents.drafts import HEAD, NOTICES, drafts, write_drafts
from auditkit.incidents.facts import PARTS, facts
from auditkit.incidents.folder import RECORD
from auditkit.incidents.settings import Settings
from auditkit.incidents.times import moment
from auditkit.render.incident import incident_html, incident_text

NOW = moment("2026-11-20T12:00+01:00")
BAD = '<script>alert(1)</script><img src=x onerror="y">'


def answered(incident, **more):
    """Write answers into the record, and read the incident again."""
    form = load_form(incident.folder / RECORD)
    text = to_toml(load_kind("incident"), form.subject, {**form.answers, **more})
    (incident.folder / RECORD).write_text(text)
    return read_incident(incident.folder)


def test_it_begins_with_a_record_and_an_entry(incident, subject, tmp_path):
    assert incident.form.subject == "small"
    assert incident.form.answers["aware"] == "2026-11-20T09:30:00+01:00"
    assert [one.who for one in incident.decisions] == ["On call"]
    assert incident.due(NOW)[0].words == "2 d 21 h left"
    with pytest.raises(InputError, match="nothing is overwritten"):
        open_incident(incident.folder, subject)
    with pytest.raises(InputError, match="no subject file"):
        open_incident(tmp_path / "other", tmp_path / "nothing.toml")
    with pytest.raises(InputError, match="no time zone"):
        open_incident(tmp_path / "other", subject, aware="2026-11-20T09:30")
    assert not (tmp_path / "other").exists()
    with pytest.raises(InputError, match="auditkit incident open"):
        read_incident(tmp_path)


def test_settings_say_which_clocks_are_shown_and_where_days_end(subject, tmp_path):
    made = open_incident(
        tmp_path / "i",
        subject,
        aware="2026-11-20T23:30-05:00",
        settings=Settings(("hipaa",), "Europe/Berlin"),
    )
    later = moment("2026-11-21T12:00+01:00")
    assert {one.clock.framework for one in made.due(later)} == {"hipaa"}
    people = made.due(later)[0]
    assert people.due.isoformat() == "2027-01-20T23:59:00+01:00"  # in Berlin it was the 21st
    for text, words in {
        'frameworks = ["gdrp"]': "Did you mean 'gdpr'",
        'zone = "Mars"': "no time zone",
        "framework = []": "Did you mean 'frameworks'",
        'holidays = ["2026-12-25"]': "expected frameworks",
        "[": "is not TOML",
    }.items():
        (made.folder / "clocks.toml").write_text(text)
        with pytest.raises(InputError, match=words):
            read_incident(made.folder)


def test_the_folder_is_its_owners_until_that_is_changed(incident, subject, tmp_path):
    assert stat.S_IMODE(incident.folder.stat().st_mode) == 0o700
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o750)
    open_incident(tmp_path / "shared", subject)
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o750


def test_evidence_whose_manifest_is_gone_is_not_called_never_frozen(incident):
    incident.frozen.mkdir()
    (incident.frozen / "rows.csv").write_text("x")
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_incident(incident.folder)


def test_a_zone_is_enough_to_say_when(subject, tmp_path):
    made = open_incident(
        tmp_path / "i", subject, aware="2026-07-20T09:30", settings=Settings(zone="Europe/Berlin")
    )
    assert made.form.answers["aware"] == "2026-07-20T09:30:00+02:00"


def test_the_commands_of_the_page_run_as_written(subject, tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "incidents.md").read_text("utf-8")
    block = re.search(r"^```\n(auditkit .*?)^```", page, re.MULTILINE | re.DOTALL)[1]
    monkeypatch.chdir(subject.parent)
    subject.rename("credit.toml")
    (subject.parent / "logs").mkdir()
    (subject.parent / "reports" / "october").mkdir(parents=True)
    Audit(["model_performance"]).run(load_subject("credit.toml")).save("reports/october/report.json")
    for line in block.splitlines():
        words = shlex.split(line)[1:]
        if words[:2] != ["incident", "report"]:  # a kernel, which another test starts
            done = CliRunner().invoke(app, words)
            assert done.exit_code in ((0, 1) if words[1] == "clocks" else (0,)), (line, done.output)


def test_a_row_of_the_record_and_a_decision_move_clocks(incident):
    decide(
        incident.folder,
        who="board",
        decision="it is material",
        why="w",
        at="2026-11-20T11:00Z",
        moment="material",
    )
    row = {
        "rule": "gdpr-authority",
        "addressee": "the authority",
        "due": "2026-11-23T09:30:00+01:00",
        "done": "2026-11-21T09:00:00+01:00",
    }
    later = moment("2026-11-21T10:00+01:00")
    found = {one.clock.id: one for one in answered(incident, duties=[row]).due(later)}
    assert found["gdpr-authority"].state == "told"
    assert found["sec-8k"].state == "runs"
    assert found["sec-8k"].due.isoformat() == "2026-11-26T17:30:00-05:00"


@pytest.mark.parametrize("rule", ["gdpr-authority", "GDPR Art. 33(1)", " gdpr  art. 33(1) "])
def test_a_notice_is_known_by_the_law_too_and_the_first_counts(incident, rule):
    rows = [
        {"rule": rule, "addressee": "a", "due": "2026-11-23T09:30:00+01:00", "done": f"2026-11-{day}T09:00:00+01:00"}
        for day in (22, 21)
    ]  # fmt: skip
    found = answered(incident, duties=[*rows, {**rows[0], "rule": "the works council"}])
    assert found.told == {"gdpr-authority": moment("2026-11-21T09:00+01:00")}


def test_decisions_that_stand_in_the_record_are_shown_beside_the_log(incident):
    assert "in no chain" not in incident_html(facts(incident, now=NOW, parts=("decisions",)), "decisions")
    row = {"time": "2026-11-20T10:00:00+01:00", "decision": "<b>stop</b>", "by": "board", "why": "harm"}
    said = facts(answered(incident, decisions=[row]), now=NOW, parts=("decisions",))
    page = incident_html(said, "decisions")
    assert "In the record, and in no chain" in page
    assert "&lt;b&gt;stop&lt;/b&gt;" in page
    assert "<b>stop" in incident_text(said, "decisions")
    assert "stop" not in incident_html(said, "facts") + incident_html(said, "lessons")


def test_what_is_not_shown_of_a_long_log_is_counted(incident):
    said = facts(incident, now=NOW, parts=("decisions",))
    one = said["decisions"][0]
    said["decisions"] = [{**one, "decision": f"d{n}."} for n in range(203)]
    page = incident_html(said, "decisions")
    assert "3 earlier entries" in page
    assert "d202." in page
    assert "d2." not in page


def test_a_decision_is_timed_in_the_zone_of_the_incident_and_a_moment_is_fixed_once(subject, tmp_path):
    made = open_incident(tmp_path / "i", subject, settings=Settings(zone="Europe/Berlin"))
    asked = ["incident", "decide", str(made.folder), "--who", "a", "--decision", "d", "--why", "w", "--moment", "material"]  # fmt: skip
    first = CliRunner().invoke(app, [*asked, "--at", "2026-07-20T09:30"])
    assert "2026-07-20T09:30:00+02:00" in first.output
    assert "fixed before" not in first.output
    again = CliRunner().invoke(app, [*asked, "--at", "2026-07-21T09:30"])
    assert "clocks go on running from 2026-07-20T09:30:00+02:00" in again.output


def test_entries_are_chained(incident):
    path = incident.folder / "decisions.jsonl"
    for n in range(3):
        decide(incident.folder, who="a", decision=f"d{n}", why="w")
    whole = path.read_text().splitlines(keepends=True)
    assert [one.seq for one in decisions(incident.folder)] == [1, 2, 3, 4]
    changed = [whole[0], whole[1].replace('"d0"', '"d9"'), *whole[2:]]
    swapped = [whole[0], whole[2], whole[1], whole[3]]
    for lines, at in ((changed, 2), ([whole[0], *whole[2:]], 2), (swapped, 2), ([*whole, whole[3]], 5)):
        path.write_text("".join(lines))
        with pytest.raises(InputError, match=f"entry {at} does not follow"):
            decisions(incident.folder)
    path.write_text("".join(whole)[:-9])
    with pytest.raises(InputError, match="line 4 is no entry"):
        decide(incident.folder, who="a", decision="d", why="w")


def test_entries_of_many_at_once_are_all_there(incident):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: decide(incident.folder, who="a", decision=f"d{n}", why="w"), range(12)))
    assert sorted(one.decision for one in decisions(incident.folder)[1:]) == sorted(
        f"d{n}" for n in range(12)
    )


def test_an_entry_needs_words(incident):
    for given_, words in (
        ({"who": " "}, "who needs words"),
        ({"why": "x" * 5000}, "why needs words"),
        ({"moment": "materal"}, "Did you mean 'material'"),
        ({"at": "noon"}, "--at"),
    ):
        with pytest.raises(InputError, match=words):
            decide(incident.folder, **{"who": "a", "decision": "d", "why": "w", **given_})


@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_whatever_is_typed_is_one_line_of_the_log(text):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = decide(Path(folder), who=text, decision=text, why=text)
        assert decisions(Path(folder)) == (made,)
        assert len((Path(folder) / "decisions.jsonl").read_text().split("\n")) == 2


def test_drafts_have_gaps_that_are_seen_and_say_that_they_are_drafts(incident):
    made = {one.name: one for one in drafts(incident, incident.due(NOW))}
    assert list(made) == list(NOTICES)
    for one in made.values():
        assert one.text.startswith(HEAD)
        assert one.gaps == one.text.count("[to be written:") >= 5
    fuller = answered(
        incident,
        what="Too few were chosen.\nSince Monday.",
        number=812,
        personal_data=False,
        severity="high",
        not_known="[to be written: x]",
    )
    now = {one.name: one for one in drafts(fuller, fuller.due(NOW))}
    assert now["authority"].gaps < made["authority"].gaps
    assert "Too few were chosen.\nSince Monday." in now["authority"].text
    assert "Personal data concerned: no" in now["authority"].text
    assert "People concerned: 812" in now["internal"].text
    assert "(to be written: x]" in now["internal"].text  # what a person typed is no gap of the draft
    assert "Clocks that may run" in now["internal"].text
    assert "Clocks" not in now["authority"].text
    assert "Clocks" not in now["people"].text


def test_drafts_are_written_once(incident):
    paths = write_drafts(incident, incident.due(NOW))
    assert [one.name for one in paths] == [f"{name}.txt" for name in NOTICES]
    with pytest.raises(InputError, match="may have been written in"):
        write_drafts(incident, incident.due(NOW))


def test_what_a_person_typed_acts_on_no_page(incident):
    hidden = chr(0x202E)
    decide(incident.folder, who=BAD, decision=BAD, why=f"a{hidden}b")
    row = {"rule": BAD, "addressee": BAD, "due": "2026-11-23T09:30:00+01:00"}
    found = answered(incident, name=BAD, what=f"{BAD}\n{hidden}", causes=BAD, cause_known="yes", duties=[row])
    for part in PARTS:
        said = facts(found, now=NOW, parts=(part,))
        page = incident_html(said, part)
        assert "<script" not in page
        assert "<img" not in page
        assert hidden not in page
        assert incident_text(said, part)
    assert "&lt;script&gt;" in incident_html(facts(found, now=NOW), "facts")


def test_a_part_says_what_is_not_there(incident):
    said = facts(incident, now=NOW)
    assert "Nothing was frozen yet" in incident_html(said, "evidence")
    assert "not audited again" in incident_html(said, "comparison")
    assert "Not answered yet" in incident_html(said, "facts")
    assert "Colorado" in incident_html(said, "clocks")
    json.dumps(said)


def test_the_commands(tmp_path, subject):
    run, folder = CliRunner(), str(tmp_path / "i")
    opened = run.invoke(
        app, ["incident", "open", "--subject", str(subject), "--out", folder, "--framework", "gdpr", "--json"]
    )
    assert opened.exit_code == 0
    assert "what" in json.loads(opened.stdout)["open"]
    asked = ["--who", "a", "--decision", "d", "--why", "w", "--json"]
    assert json.loads(run.invoke(app, ["incident", "decide", folder, *asked]).stdout)["seq"] == 2
    assert run.invoke(app, ["incident", "drafts", folder]).exit_code == 0
    assert run.invoke(app, ["incident", "drafts", folder]).exit_code == 2
    assert run.invoke(app, ["incident", "verify", folder]).exit_code == 2
    assert (
        run.invoke(app, ["incident", "clocks", folder, "--json"]).exit_code == 2
    )  # nobody said since when it is known
    assert run.invoke(app, ["incident", "report", folder]).exit_code == 2
