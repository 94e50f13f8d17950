"""The report: saved whole or not at all, read back as it was, or refused."""

from __future__ import annotations

import copy
import json
import os
import stat

import jsonschema
import pytest

from auditkit import Audit, Criterion, Report, load_report
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Interval, Measurement, Table
from auditkit.finding import Finding
from auditkit.judging import judge
from auditkit.report import SCHEMA, VOLATILE, schema


@pytest.fixture(scope="module")
def report():
    return Audit({"model_performance": {}, "demographic_parity": {}, "sensitive_reliance": {"rows": 50}}).run(
        make_credit(n_train=100, n_test=100)
    )


def test_a_saved_report_reads_back(report, tmp_path):
    path = report.save(tmp_path / "report.json")
    again = load_report(path)
    assert again.to_dict() == report.to_dict()
    assert (again.verdict, again.counts, repr(again)) == (report.verdict, report.counts, repr(report))
    assert again.save(tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_saving_leaves_nothing_else_behind(report, tmp_path):
    report.save(tmp_path / "report.json")
    report.save(str(tmp_path / "report.json"))
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("broken", ["write", "sync", "rename"])
def test_a_failed_save_leaves_the_old_file(report, tmp_path, monkeypatch, broken):
    path = tmp_path / "report.json"
    path.write_text("old")

    def fails(*args, **more):
        raise OSError(28, "No space left on device")

    target = {
        "write": "auditkit.report.json.dumps",
        "sync": "auditkit.files.os.fsync",
        "rename": "pathlib.Path.replace",
    }[broken]
    with monkeypatch.context() as patch:
        patch.setattr(target, fails)
        with pytest.raises(OSError, match="No space left"):
            report.save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_save_leaves_the_old_file(report, tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    path.write_text("old")

    def interrupted(handle):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("auditkit.files.os.fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            report.save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_json_cannot_hold_is_not_half_written(report, tmp_path):
    odd = Report(report.subject | {"more": float("nan")}, report.findings, report.evidence, report.provenance)
    assert load_report(odd.save(tmp_path / "odd.json")).subject["more"] is None


def test_undecodable_names_are_kept(report, tmp_path):
    odd = Report(
        report.subject | {"name": "caf\udce9 é"}, report.findings, report.evidence, report.provenance
    )
    assert load_report(odd.save(tmp_path / "odd.json")).subject["name"] == "caf\udce9 é"


def test_permissions_are_those_of_the_umask_or_of_the_old_file(report, tmp_path):
    before = os.umask(0o077)
    try:
        path = report.save(tmp_path / "report.json")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o640)
        report.save(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(before)


def test_a_place_that_is_no_file_is_refused(report, tmp_path):
    for path in (tmp_path, tmp_path / "none" / "report.json"):
        with pytest.raises(InputError, match="give the path of a file"):
            report.save(path)
    assert list(tmp_path.iterdir()) == []


# --- reading


def edited(report, tmp_path, change):
    data = copy.deepcopy(report.to_dict())
    change(data)
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(data))
    return path


def without(*keys):
    def change(data):
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return change


def setting(value, *keys):
    def change(data):
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        without("subject"), without("findings"), without("evidence"), without("provenance"),
        without("evidence", 0, "check"), without("evidence", 0, "measurements", 0, "value"),
        without("findings", 0, "measurement"), without("findings", 0, "status"),
        setting("passed", "findings", 0, "status"), setting("huge", "findings", 0, "severity"),
        setting("fine", "evidence", 0, "outcome"), setting("0x", "evidence", 0, "measurements", 0, "value"),
        setting("many", "evidence", 0, "measurements", 0, "n"), setting(2, "evidence", 0, "measurements", 0, "p_value"),
        setting(10**400, "evidence", 0, "measurements", 0, "value"),
        setting(95, "evidence", 0, "measurements", 0, "interval", "level"),
        setting([], "evidence", 0, "measurements", 0, "interval"),
        setting(5, "evidence", 0, "tables"), setting({"t": {}}, "evidence", 0, "tables"),
        setting(1, "evidence", 0, "colour"), setting("x", "findings"), setting(None, "evidence"),
        setting([1], "provenance"), setting([{}], "provenance", "plan"), setting(["AK101"], "provenance", "plan"),
    ],
)  # fmt: skip
def test_a_damaged_report_is_refused(report, tmp_path, change):
    with pytest.raises(InputError, match=r"edited\.json: this report is damaged"):
        load_report(edited(report, tmp_path, change))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("auditkit.report/2.0", "written by a later auditkit"),
        ("auditkit.report/1.1", "written by a later auditkit"),
        ("auditkit.report/0.9", "expected a report of schema"),
        ("auditkit.report/1", "expected a report of schema"),
        ("auditkit.report/1.0.0", "expected a report of schema"),
        ("auditkit.report/one", "expected a report of schema"),
        ("other.report/1.0", "expected a report of schema"),
        (None, "expected a report of schema"),
        (1.0, "expected a report of schema"),
        (["auditkit.report/1.0"], "expected a report of schema"),
    ],
)
def test_a_foreign_or_later_schema_is_refused(report, tmp_path, found, message):
    with pytest.raises(InputError, match=message):
        load_report(edited(report, tmp_path, setting(found, "schema")))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"schema": NaN}', b'{"a": Infinity}', b"%PDF-1.4"],
    ids=lambda c: repr(c[:12]),
)
def test_what_is_not_json_is_refused(tmp_path, content):
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not JSON"):
        load_report(path)


@pytest.mark.parametrize("content", ["[]", "3", '"auditkit.report/1.0"', "null", "{}"])
def test_json_that_is_no_report_is_refused(tmp_path, content):
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"r\.json: expected a report of schema"):
        load_report(path)


def test_a_missing_file_is_said(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match="no report at"):
            load_report(path)


# --- the schema


def test_the_schema_is_one_and_names_its_version():
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize(
    "change",
    [
        setting("auditkit.report/1.1", "schema"), setting("maybe", "verdict"), setting(1, "extra"),
        without("counts", "fail"), setting("passed", "findings", 0, "status"), setting("", "findings", 0, "reason"),
        setting(2, "evidence", 0, "measurements", 0, "interval", "level"), setting("NaN", "evidence", 0, "measurements", 0, "value"),
        setting([[1]], "evidence", 0, "tables", "overall", "columns", "n"), without("provenance", "policy"),
        setting("error", "evidence", 0, "outcome"), without("subject", "model"),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_is_wrong(report, change):
    data = copy.deepcopy(report.to_dict())
    jsonschema.validate(data, schema())
    change(data)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema())


def test_the_schema_takes_undefined_and_infinite_numbers():
    evidence = (
        Evidence(
            "XX001",
            (Measurement("m", float("nan"), 0, Interval(float("-inf"), float("inf"), 0.9, "t"), reason="r"),),
        ),
        Evidence("a plug-in (module)", outcome="error", reason="broken"),
    )
    base = Audit("model_performance").run(make_credit(n_train=60, n_test=60))
    data = Report(
        base.subject, judge(evidence, [Criterion("m", at_most=float("inf"))]), evidence, base.provenance
    ).to_dict()
    jsonschema.validate(data, schema())


# --- what it answers


def test_volatile_keys_are_all_that_differ():
    audit = Audit("model_performance")
    one, two = (audit.run(make_credit(n_train=60, n_test=60)) for _ in range(2))
    assert one.stable_dict() == two.stable_dict()
    assert set(VOLATILE) - {"template"} <= set(one.provenance)  # that of the notebook, where one was run
    assert not set(VOLATILE) & set(one.stable_dict()["provenance"])


def test_the_frame_has_a_row_a_finding(report):
    frame = report.frame()
    assert len(frame) == len([f for f in report.findings if f.shown])  # a remark about the policy is no row
    assert frame["status"].value_counts().to_dict() == {s: n for s, n in report.counts.items() if n}
    row = frame[frame["metric"] == "demographic_parity_difference"].iloc[0]
    assert (row["check"], row["name"], row["criterion"]) == ("AK101", "demographic_parity", "at most 0.1")
    assert row["low"] <= row["value"] <= row["high"]
    assert 0 <= row["p_value"] <= row["p_adjusted"] <= 1
    assert frame[frame["metric"] == "accuracy"]["p_value"].isna().all()
    assert list(Report({}, (), ()).frame().columns) == list(frame.columns)


def test_every_test_of_the_evidence_has_its_p_value_raw_and_adjusted(report):
    found = [m for one in report.evidence for m in one.measurements]
    assert any(m.p_value is not None for m in found)
    assert all((m.p_value is None) == (m.p_adjusted is None) for m in found)
    assert all(m.p_value <= m.p_adjusted for m in found if m.p_value is not None)
    again = Report.from_dict(json.loads(json.dumps(report.to_dict())))
    assert [one.to_dict() for one in again.evidence] == [one.to_dict() for one in report.evidence]


def test_a_report_without_the_later_fields_is_read(report):
    data = copy.deepcopy(report.to_dict())
    kept = [m for one in data["evidence"] for m in one["measurements"]]
    kept += [f["measurement"] for f in data["findings"] if f["measurement"]]
    for m in kept:
        for name in ("p_method", "p_adjusted", "hypothesis", "missing"):
            del m[name]
    assert Report.from_dict(data).verdict == report.verdict


def test_the_frame_says_what_must_be_known_to_read_a_number(report):
    evidence = (
        Evidence(
            "XX001",
            (
                Measurement("m", 0.0, 0, reason="nothing was changed"),
                Measurement("m", float("nan"), 5, reason="unknown"),
            ),
        ),
    )
    found = judge(evidence, [Criterion("m", at_most=1)])
    reasons = Report(report.subject, found, evidence, report.provenance).frame()["reason"].tolist()
    assert reasons == ["the value has no interval and lies within the limit (nothing was changed)", "unknown"]


def test_evidence_is_found_by_code_and_by_name(report):
    assert report.of("AK101") is report.of("demographic_parity")
    with pytest.raises(InputError, match="Did you mean 'demographic_parity'"):
        report.of("demografic_parity")
    with pytest.raises(InputError, match=r"AK402 was not part of this audit; it has AK001, AK101, AK403"):
        report.of("AK402")


def test_plots(report):
    figure = report.plot("demographic_parity")
    assert type(figure).__name__ == "Figure"
    assert len(figure.data) > 0
    by_name = report.plot("AK001", "by_group")
    assert by_name.data
    with pytest.raises(InputError, match=r"has no table 'by_gruop'.* Did you mean 'by_group'"):
        report.plot("AK001", "by_gruop")
    plain = Report({}, (), (Evidence("XX001", tables={"t": Table("t", {"a": (1,)})}),))
    with pytest.raises(InputError, match="nothing to draw for XX001"):
        plain.plot("XX001")
    failed = Report({}, (), (Evidence("XX001", outcome="error", reason="it broke"),))
    with pytest.raises(InputError, match="it broke"):
        failed.plot("XX001")


def test_repr_counts_and_names_the_next_step(report):
    assert repr(report).startswith("Report(credit: ")
    assert repr(report).endswith("; .frame() for what was judged, .of(CHECK) for what was measured)")
    assert (
        repr(Report({"name": "x"}, (), ()))
        == "Report(x: nothing judged; .frame() for what was judged, .of(CHECK) for what was measured)"
    )


def test_the_page_shows_data_as_data(report):
    hostile = "<script>alert(1)</script>"
    found = (
        Finding(
            "XX001",
            "fail",
            "high",
            Measurement(hostile, 1, 1, group=hostile),
            Criterion("m", at_most=0),
            hostile,
        ),
    )
    evidence = (
        Evidence("XX001", found[0].measurement and (found[0].measurement,), says=hostile, notes=(hostile,)),
    )
    page = Report(report.subject | {"name": hostile}, found, evidence, report.provenance)._repr_html_()
    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_judging_again_changes_findings_and_policy_alone(report):
    again = report.judge([Criterion("accuracy", at_least=0, group="sex=*")])
    assert again.evidence is report.evidence
    assert [f.status for f in again.findings if f.judged] == ["pass", "pass"]
    assert again.provenance["policy"]["criteria"][0]["metric"] == "accuracy"
    assert {k: v for k, v in again.provenance.items() if k != "policy"} == {
        k: v for k, v in report.provenance.items() if k != "policy"
    }
    assert report.judge(Criterion("accuracy", at_least=0)).counts["pass"] > 2
    assert report.judge([]).verdict == "not_judged"
    with pytest.raises(InputError, match="criteria= takes Criterion"):
        report.judge("strict")


@pytest.mark.parametrize("name", ["page.html", "audit.ipynb", "audit.PDF"])
def test_a_page_is_not_written_as_json_under_its_name(name, tmp_path):
    report = Audit(["model_performance"]).run(make_credit(n_train=60, n_test=60))
    with pytest.raises(InputError, match=r"writes the report as JSON: save\('(page|audit)\.json'\)"):
        report.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_table_of_rows_to_read_says_how_to_read_it():
    report = Audit(["model_performance"]).run(make_credit(n_train=60, n_test=60))
    with pytest.raises(
        InputError, match=r"rows to read: \.of\('model_performance'\)\.tables\['overall'\]\.frame\(\)"
    ):
        report.plot("model_performance", table="overall")
