"""AK902: what files leave open is told with its place and cure, cured files pass, and no secret is told."""

from __future__ import annotations

import json
import math

import pytest
from typer.testing import CliRunner

from auditkit import Audit
from auditkit.cli import app
from auditkit.errors import InputError, NotApplicable
from auditkit.loading import load_policy, load_target
from auditkit.targets.stack import Stack

OPEN = {
    "start.sh": b"mlflow server --host 0.0.0.0 --backend-store-uri postgres://u:zebra@h\n",
    "jupyter_server_config.py": b"c.ServerApp.ip = '0.0.0.0'\nc.ServerApp.token = ''\nc.ServerApp.certfile = 'quokka'\n",
}
CURED = {"start.sh": b"mlflow server\n", "jupyter_server_config.py": b"c.ServerApp.ip = '127.0.0.1'\n"}


def audited(files):
    return Audit(["open_configuration"], load_policy(None)).run(Stack("lab", files=files))


def test_open_files_fail_with_places_and_cures():
    report = audited(OPEN)
    evidence = report.of("AK902")
    table = evidence.tables["places"].frame()
    # MLflow and Jupyter both exposed and asking nobody, and an empty token
    assert evidence.measurement("configuration_faults", "in all").value == 5
    assert evidence.measurement("serious_configuration_faults").value == 3
    assert evidence.measurement("configuration_faults", "no authentication").value == 2
    assert table.iloc[0]["severity"] == "high"
    assert table["cure"].str.len().min() > 10
    assert report.verdict == "fail"


@pytest.mark.parametrize(
    ("more", "told", "listed"),
    [
        (b"", "In 1 file 1 place leaves something open", "1 place."),
        (b"c.ServerApp.ip = '0.0.0.0'\n", "In 1 file 3 places leave something open", "3 places."),
    ],
)
def test_one_is_said_as_one(more, told, listed):
    evidence = audited({"jupyter_server_config.py": b"c.ServerApp.token = ''\n" + more}).of("AK902")
    assert evidence.says.startswith(told)
    assert evidence.tables["places"].summary == listed


def test_cured_files_pass():
    report = audited(CURED)
    assert report.of("AK902").measurement("configuration_faults", "in all").value == 0
    assert report.verdict == "pass"


def test_what_is_not_recognised_is_undecided_and_never_clean():
    unknown = {"values.toml": b"[server]\nhost = '0.0.0.0'\n", "broken.yaml": b"a: ["}
    report = audited({**CURED, **unknown})
    evidence = report.of("AK902")
    assert report.verdict == "undecided"
    assert evidence.measurement("files_not_recognised").value == 2
    for metric, group in (("configuration_faults", "in all"), ("serious_configuration_faults", None)):
        one = evidence.measurement(metric, group)
        assert math.isnan(one.value)
        assert "not the same as clean" in one.reason
    assert list(evidence.tables["places"].frame()["file"]) == ["broken.yaml", "values.toml"]
    # what was found is found, whatever else is not known
    both = audited({**OPEN, **unknown})
    assert both.verdict == "fail"
    assert both.of("AK902").measurement("configuration_faults", "in all").value == 5


def test_no_secret_is_told():
    report = audited(OPEN)
    text = json.dumps(report.to_dict()) + repr(report) + report.frame().to_csv()
    assert "zebra" not in text
    assert "quokka" not in text


def test_the_digest_of_every_file_is_in_the_report():
    assert set(audited(OPEN).to_dict()["subject"]["parts"]) == set(OPEN)


def test_without_files_it_does_not_apply():
    from auditkit.checks.stack import open_configuration

    with pytest.raises(NotApplicable, match="no files are named"):
        open_configuration(Stack("lab", {"a": "1"}), rng=None)


def test_a_stack_of_nothing_is_refused():
    with pytest.raises(InputError, match="packages or files"):
        Stack("nothing")
    with pytest.raises(InputError, match="expected the bytes"):
        Stack("text", files={"a": "b"})


def test_a_subject_file_names_files(tmp_path):
    (tmp_path / "start.sh").write_bytes(OPEN["start.sh"])
    file = tmp_path / "lab.toml"
    file.write_text('kind = "stack"\nfiles = ["start.sh"]\n')
    assert list(load_target(file).files) == ["start.sh"]
    file.write_text('kind = "stack"\nfiles = ["strat.sh"]\n')
    with pytest.raises(InputError, match=r"no configuration file .*strat\.sh.* Did you mean 'start\.sh'"):
        load_target(file)


def test_the_command_line_leaves_with_the_gate(tmp_path):
    lock, file = tmp_path / "lock.txt", tmp_path / "start.sh"
    lock.write_text("joblib==1.5.0\n")
    for content, code in ((OPEN["start.sh"], 1), (CURED["start.sh"], 0)):
        file.write_bytes(content)
        done = CliRunner().invoke(app, ["scan", "stack", str(file), "--requirements", str(lock)])
        assert done.exit_code == code, done.output
        assert "zebra" not in done.output
    lock.write_text("joblib==1.1.0\n")
    said = json.loads(
        CliRunner().invoke(app, ["scan", "stack", "--requirements", str(lock), "--json"]).stdout
    )
    assert said["verdict"] == "fail"
    lock.write_text("joblib\n")
    assert CliRunner().invoke(app, ["scan", "stack", "--requirements", str(lock)]).exit_code == 2


def test_the_command_line_tells_every_place_and_advisory(tmp_path):
    lock, file, sarif = tmp_path / "lock.txt", tmp_path / "start.sh", tmp_path / "out.sarif"
    lock.write_text("joblib==1.1.0\n")
    file.write_bytes(OPEN["start.sh"])
    asked = ["scan", "stack", str(file), "--requirements", str(lock), "--sarif", str(sarif)]
    told = CliRunner().invoke(app, asked).output
    assert f"{file}, line 1: MLflow: listens beyond this machine; instead: bind it to 127.0.0.1" in told
    assert f"{file}, line 1: MLflow: asks nobody who they are" in told
    assert "joblib 1.1.0 is of a release with a known fault" in told
    assert "instead: 1.2.0 or newer (AK901, CVE-2022-21797" in told
    results = json.loads(sarif.read_text())["runs"][0]["results"]
    assert [one["ruleId"] for one in results] == ["AK901", "AK902", "AK902"]
    assert [
        one["locations"][0]["physicalLocation"].get("region", {}).get("startLine") for one in results[1:]
    ] == [1, 1]
    assert len({one["partialFingerprints"]["auditkit/v1"] for one in results}) == 3
    said = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert [one["rule"] for one in said["found"]] == ["CVE-2022-21797", "no_authentication", "exposed"]
    assert said["notes"]
    assert "zebra" not in told + sarif.read_text() + json.dumps(said)


def test_cured_files_have_no_rows(tmp_path):
    file, lock = tmp_path / "start.sh", tmp_path / "lock.txt"
    file.write_bytes(CURED["start.sh"])
    lock.write_text("joblib==1.5.0\n")
    said = json.loads(
        CliRunner().invoke(app, ["scan", "stack", str(file), "--requirements", str(lock), "--json"]).stdout
    )
    assert said["found"] == []
