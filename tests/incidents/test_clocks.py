"""Clocks: what stands in the data is of the catalogue, and how each stands from a moment."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.controls import load_catalogue
from auditkit.errors import InputError
from auditkit.incidents.clocks import CHECKED, MOMENTS, clocks, framework_name
from auditkit.incidents.due import due_times
from auditkit.incidents.times import moment, zone_of
from auditkit.render.incident import clock_lines

AWARE = moment("2026-11-20T09:30+01:00")
NOW = moment("2026-11-21T08:00+00:00")


def stand(now=NOW, **options):
    return {one.clock.id: one for one in due_times({"aware": AWARE}, now=now, **options)}


def test_every_clock_says_its_source_and_belongs_to_the_catalogue_where_that_has_it():
    catalogue = load_catalogue()
    frameworks = {one.id: one for one in catalogue.frameworks}
    controls = {(one.framework, one.id) for one in catalogue.controls}
    for one in clocks().clocks:
        assert one.source, one.id
        assert one.edition, one.id
        assert one.whom, one.id
        assert one.case, one.id
        assert not one.zone or zone_of(one.zone), one.id  # looked up when used: a system may have no zones
        assert one.checked in CHECKED
        assert not one.control or (one.framework, one.control) in controls, one.id
        assert one.framework not in frameworks or one.control, one.id
    applies = dict(frameworks["eu_ai_act"].applies)
    assert {one.applies for one in clocks().of(("eu_ai_act",))} == {applies["Annex III"]}
    assert applies["Annex I"] == date(2028, 8, 2)
    assert all("2028-08-02" in one.note for one in clocks().of(("eu_ai_act",)) if one.control == "Art. 73")


def test_the_periods_are_those_of_the_rules():
    said = {one.id: one.period() for one in clocks().clocks}
    assert said["gdpr-authority"] == said["nis2-notification"] == said["nydfs"] == "72 hours"
    assert (said["ai-act-serious"], said["ai-act-death"], said["ai-act-widespread"]) == (
        "15 days",
        "10 days",
        "2 days",
    )
    assert said["hipaa-people"] == "60 days"
    assert said["hipaa-secretary-few"] == "60 days after the end of the year"
    assert said["sec-8k"] == "4 business days"
    assert said["nis2-final"] == "1 month"
    assert (said["california-people"], said["california-attorney-general"]) == ("30 days", "15 days")
    assert said["gdpr-people"] == "at once"


def test_colorado_has_no_clock_and_says_why():
    assert clocks().of(("colorado",)) == ()
    assert "repealed" in next(one.words for one in clocks().silent if one.framework == "colorado")


def test_how_they_stand():
    found = stand()
    assert found["gdpr-authority"].due.isoformat() == "2026-11-23T09:30:00+01:00"
    assert (found["gdpr-authority"].state, found["gdpr-authority"].words) == ("runs", "2 d 0 h left")
    assert found["nis2-warning"].words == "30 min left"  # 9:30 +01:00 is 8:30 UTC
    assert found["gdpr-people"].state == "at once"
    assert found["ai-act-deployer"].state == "not yet law"
    assert found["sec-8k"].state == "not started"
    assert MOMENTS["material"] in found["sec-8k"].words
    assert stand(datetime(2026, 11, 24, tzinfo=UTC))["gdpr-authority"].state == "overdue"


def test_a_clock_that_follows_another_runs_from_its_notice_where_that_was_given():
    assert stand()["nis2-final"].due.date() == date(2026, 12, 23)
    told = {"nis2-notification": moment("2026-11-21T10:00+01:00")}
    found = stand(moment("2026-11-21T10:01+01:00"), told=told)
    assert found["nis2-final"].due.date() == date(2026, 12, 21)
    assert found["nis2-notification"].state == "told"
    assert "late" not in found["nis2-notification"].words
    given = moment("2026-11-23T10:30+01:00")
    late = stand(given, told={"gdpr-authority": given})["gdpr-authority"]
    assert late.words.endswith("1 h 0 min late")


def test_what_the_record_says_is_not_concerned_is_not_the_case():
    found = stand(datetime(2026, 12, 24, tzinfo=UTC), lacking=("personal_data",))
    assert {
        found[name].state for name in ("gdpr-authority", "gdpr-people", "hipaa-people", "california-people")
    } == {"not the case"}
    assert found["nis2-warning"].state == "overdue"


def test_a_moment_or_a_notice_that_has_not_come_is_no_start_and_no_end():
    found = stand(moment("2026-11-20T09:29+01:00"))  # a year that was mistyped would leave much time
    assert {found[name].state for name in ("gdpr-authority", "gdpr-people", "nis2-warning")} == {
        "not started"
    }
    assert found["gdpr-authority"].due is None
    assert "has not come: check it" in found["gdpr-authority"].words
    noted = stand(told={"gdpr-authority": moment("2027-11-21T09:00+01:00")})["gdpr-authority"]
    assert noted.state == "runs"
    assert "has not come" in noted.words


def dora(now, classified=None, told=None):
    moments = {"aware": moment("2026-11-20T09:00Z")} | (
        {"classified": moment(classified)} if classified else {}
    )
    found = due_times(moments, now=moment(now), frameworks=("dora",), told=told)
    return {one.clock.id.removeprefix("dora-"): one for one in found}


def test_a_late_classification_sets_four_hours_in_the_place_of_twenty_four():
    early = dora("2026-11-20T15:00Z", "2026-11-20T14:00Z")
    assert (early["initial"].state, early["classified"].due.hour) == ("runs", 18)
    assert early["intermediate"].due == moment("2026-11-23T18:00Z")  # of the two ends the earlier holds
    late = dora("2026-11-22T10:00Z", "2026-11-22T09:30Z")
    assert late["initial"].state == "not the case"
    assert late["classified"].words == "3 h 30 min left"
    assert late["intermediate"].due == moment("2026-11-25T13:30Z")
    assert dora("2026-11-22T10:00Z")["initial"].state == "overdue"


@pytest.mark.parametrize("name", ["dora-initial", "dora-classified"])
def test_one_notice_answers_both_clocks_and_later_ones_run_from_it(name):
    told = {name: moment("2026-11-22T11:00Z")}
    found = dora("2026-11-22T12:00Z", "2026-11-22T09:30Z", told)
    assert (found["initial"].state, found["classified"].state) == ("told", "told")
    assert "late" not in found["initial"].words + found["classified"].words
    assert found["intermediate"].due == moment("2026-11-25T11:00Z")
    in_time = dora("2026-11-20T12:00Z", None, {name: moment("2026-11-20T11:00Z")})
    assert in_time["intermediate"].due == moment("2026-11-23T11:00Z")


@pytest.mark.parametrize("at", ["2026-11-09T21:00-05:00", "2026-11-10T02:00Z", "2026-11-10T11:00+09:00"])
def test_days_of_the_commission_are_those_of_new_york(at):
    # Monday evening there; Tuesday, Wednesday, Thursday, Friday, until what is received is of the next day
    (found,) = due_times({"material": moment(at)}, now=moment("2026-11-10T12:00Z"), frameworks=("sec",))
    assert found.due.isoformat() == "2026-11-13T17:30:00-05:00"


def test_where_it_is_disputed_whether_a_law_applies_its_clock_runs_and_says_so():
    found = stand()["ai-act-serious"]
    assert found.state == "runs"
    assert found.due.isoformat() == "2026-12-05T23:59:00+01:00"
    assert "some read from 2026-08-02, others from 2027-12-02" in found.words
    before = moment("2026-08-01T12:00Z")
    none = due_times({"aware": before}, now=before, frameworks=("eu_ai_act",))
    assert {one.state for one in none} == {"not yet law"}


def test_the_united_kingdom_has_its_own_authority():
    found = {one.clock.id: one for one in due_times({"aware": AWARE}, now=NOW, frameworks=("uk_gdpr",))}
    assert found["uk-gdpr-authority"].due.isoformat() == "2026-11-23T09:30:00+01:00"
    assert found["uk-gdpr-people"].state == "at once"


def test_from_the_day_it_applies_a_clock_runs():
    start = moment("2027-12-02T00:10+01:00")
    found = {one.clock.id: one for one in due_times({"aware": start}, now=start, frameworks=("eu_ai_act",))}
    assert found["ai-act-widespread"].state == "runs"
    assert found["ai-act-widespread"].due.isoformat() == "2027-12-04T23:59:00+01:00"
    assert "some read" not in found["ai-act-widespread"].words


def test_what_is_not_known_is_told():
    for options, words in (
        ({"moments": {"awrae": AWARE}}, "Did you mean 'aware'"),
        ({"moments": {"aware": AWARE}, "frameworks": ("gdrp",)}, "Did you mean 'gdpr'"),
        ({"moments": {"aware": AWARE}, "told": {"gdpr-autority": AWARE}}, "Did you mean 'gdpr-authority'"),
        ({"moments": {"aware": datetime(2026, 11, 20)}}, "time zone"),  # noqa: DTZ001 - on purpose
    ):
        with pytest.raises(InputError, match=words):
            due_times(**options, now=NOW)


def test_the_command_prints_what_is_due_and_ends_with_1_where_one_is_overdue():
    run = CliRunner()
    asked = [
        "incident",
        "clocks",
        "--aware",
        "2026-11-20T09:30",
        "--zone",
        "Europe/Berlin",
        "--framework",
        "gdpr",
    ]
    good = run.invoke(app, [*asked, "--now", "2026-11-20T10:00"])
    assert good.exit_code == 0
    assert "Mon 2026-11-23 09:30 +01:00" in good.stdout
    assert "1182/71" in good.stdout
    late = run.invoke(app, [*asked, "--now", "2026-11-24T10:00", "--json"])
    assert late.exit_code == 1
    said = json.loads(late.stdout)
    assert {one["state"] for one in said["clocks"]} == {"overdue", "at once", "not started"}
    assert run.invoke(app, ["incident", "clocks"]).exit_code == 2
    assert run.invoke(app, ["incident", "clocks", "--aware", "2026-11-20T09:30"]).exit_code == 2
    more = [
        "--moment",
        "material=2026-11-20T15:00Z",
        "--framework",
        "sec",
        "--holiday",
        "2026-11-26",
        "--now",
        "2026-11-20T16:00Z",
    ]
    sec = run.invoke(app, ["incident", "clocks", *more])
    assert "Fri 2026-11-27 17:30 -05:00" in sec.stdout
    assert run.invoke(app, ["incident", "clocks", "--moment", "material"]).exit_code == 2
    assert (
        run.invoke(app, ["incident", "clocks", "--aware", "2026-11-20T09:30Z", "--holiday", "x"]).exit_code
        == 2
    )


def test_the_most_urgent_is_first():
    lines = clock_lines([one.to_dict() for one in stand(datetime(2026, 11, 22, 12, tzinfo=UTC)).values()])
    states = [line.split(" ")[0] for line in lines if not line.startswith(" ")]
    assert states[:2] == ["overdue", "overdue"]
    assert states[-1] == "not"


def test_names_of_frameworks_are_those_of_the_catalogue():
    assert framework_name("hipaa") == "HIPAA"
    assert framework_name("us_banks") == "US BANKS"
