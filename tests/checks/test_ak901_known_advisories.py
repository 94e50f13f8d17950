"""AK901: old releases are named with what is known of them, new ones are let be, and what was not read in a source is set apart."""

from __future__ import annotations

import json

import pytest

from auditkit import Audit
from auditkit.errors import NotApplicable
from auditkit.loading import load_policy, load_target
from auditkit.loading.kinds.stack import stack_at
from auditkit.report import Report
from auditkit.runner.stack_scan import found_in
from auditkit.scanning.advisories import Advisories, Advisory
from auditkit.scanning.osv import events_of
from auditkit.targets.stack import Stack, installed_here

OLD = {"torch": "2.5.1+cpu", "joblib": "1.1.0", "jupyterlab": "4.2.4", "numpy": "2.0.0"}
NEW = {"torch": "2.13.0", "joblib": "1.5.0", "jupyterlab": "4.6.0", "numpy": "2.4.0"}


def audited(stack):
    return Audit(["known_advisories"], load_policy(None)).run(stack)


def test_old_releases_are_told_and_the_gate_fails():
    report = audited(Stack("old", OLD))
    evidence = report.of("AK901")
    assert (
        evidence.measurement("vulnerable_packages").value == 2
    )  # torch and joblib, by ranges that were read
    assert evidence.measurement("perhaps_vulnerable_packages").value == 1  # jupyterlab
    table = evidence.tables["advisories"].frame().set_index("advisory")
    assert table.loc["CVE-2025-32434", ["package", "fixed", "verified"]].tolist() == ["torch", "2.6.0", "yes"]
    assert table.loc["CVE-2024-43805", "verified"] == "no"
    assert table.iloc[0]["severity"] == "critical"
    assert report.verdict == "fail"


def test_new_releases_pass():
    report = audited(Stack("new", NEW))
    assert report.of("AK901").measurement("vulnerable_packages").value == 0
    assert report.verdict == "pass"


def test_of_how_many_packages_the_table_knows_is_told():
    below_2 = events_of([{"introduced": "0"}, {"fixed": "2"}])[0]
    table = Advisories("a table", "2030-01-01", (Advisory("a", "X-1", (below_2,), "high"),))
    says = {
        version: audited(Stack("s", {"a": version, "b": "1", "c": "1"}, advisories=table)).of("AK901").says
        for version in ("1", "2")
    }
    assert says["2"] == (
        "Of 3 packages 1 stands in a table (2030-01-01); of these none is of a release with a known fault. Of the other 2 nothing is known."
    )
    assert "; of these a is of a release with a known fault. " in says["1"]
    unknown = audited(Stack("s", {"b": "1"}, advisories=table)).of("AK901").says
    assert (
        unknown == "Of 1 package 0 stand in a table (2030-01-01). Of the other 1 nothing is known."
    )  # "none is of a release with a known fault" would read as an answer


def test_a_range_that_was_not_read_fails_nobody():
    assert audited(Stack("perhaps", {"jupyterlab": "4.2.4"})).verdict == "pass"


def test_a_version_that_cannot_be_compared_is_a_perhaps():
    table = Advisories(
        "t",
        "2030-01-01",
        (Advisory("a", "X-1", (events_of([{"introduced": "0"}, {"fixed": "2"}])[0],), "high"),),
    )
    evidence = audited(Stack("odd", {"a": "trunk"}, advisories=table)).of("AK901")
    assert evidence.measurement("perhaps_vulnerable_packages").value == 1
    assert "cannot be compared" in evidence.tables["advisories"].frame()["fixed"][0]


def test_the_date_of_the_table_is_told():
    evidence = audited(Stack("old", OLD)).of("AK901")
    assert "2026-11-29" in evidence.notes[0]
    assert "were not read in a source" in evidence.notes[1]


def test_a_subject_file_pins_packages_and_names_a_folder(tmp_path):
    (tmp_path / "lock.txt").write_text(
        "# frozen\nJoblib==1.1.0\nnumpy>=1\ntorch[cpu]==2.5.1 ; python_version > '3'\n"
    )
    (tmp_path / "osv").mkdir()
    said = {"id": "PYSEC-1", "modified": "2030-05-01T00:00:00Z", "affected": [{"package": {"ecosystem": "PyPI", "name": "joblib"}, "versions": ["1.1.0"]}]}  # fmt: skip
    (tmp_path / "osv" / "a.json").write_text(json.dumps(said))
    file = tmp_path / "lab.toml"
    file.write_text('kind = "stack"\nrequirements = "lock.txt"\nosv = "osv"\n')
    stack = load_target(file)
    assert dict(stack.installed) == {"Joblib": "1.1.0", "torch": "2.5.1"}
    evidence = audited(stack).of("AK901")
    assert evidence.measurement("vulnerable_packages").value == 1
    assert "2030-05-01" in evidence.notes[0]


def test_lines_that_pin_no_release_are_told_as_not_examined(tmp_path):
    lock = tmp_path / "lock.txt"
    for text, told in (("joblib==1.5.0\n", 0), ("joblib==1.5.0\nrequests>=2\n-e .\n", 1)):
        lock.write_text(text)
        report = audited(stack_at("lab", [], requirements=lock))
        gaps = [
            one["why"]
            for one in report.provenance["not_examined"]
            if one["what"] == "Known faults of installed packages"
        ]
        assert gaps == ["lock.txt: 2 lines (2, 3) pin no release (name==version): not looked at"][:told]
        assert ("Left out" in report.subject["facts"]) == bool(told)
        assert Report.from_dict(report.to_dict()).of("AK901").rows == report.of("AK901").rows


def test_a_row_has_the_line_of_its_package(tmp_path):
    lock = tmp_path / "lock.txt"
    lock.write_text("# frozen\njoblib==1.1.0\n")
    stack = stack_at("lab", [], requirements=lock)
    (row,) = found_in(audited(stack), "lock.txt", stack.lines)
    assert (row.file, row.line) == ("lock.txt", 2)
    assert str(row).startswith("lock.txt, line 2: joblib 1.1.0 is of a release with a known fault")


def test_without_packages_it_does_not_apply():
    from auditkit.checks.stack import known_advisories

    with pytest.raises(NotApplicable, match="no packages are given"):
        known_advisories(Stack("files", files={"a.sh": b""}), rng=None)


def test_this_environment_is_listed():
    found = installed_here()
    assert {"numpy", "pydantic"} <= set(found)
    assert list(found) == sorted(found, key=str.casefold)
