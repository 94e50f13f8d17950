"""Freezing: every changed byte is found, nothing is overwritten, no link is followed out, all is there or nothing."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from auditkit import load_subject
from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.incidents import copying, decide, freeze, freezing, verify
from auditkit.incidents.folder import find_incident


@pytest.fixture
def frozen(tmp_path, incident, subject, keys):
    logs = tmp_path / "logs"
    (logs / "old").mkdir(parents=True)
    (logs / "serve.log").write_text("started\n")
    (logs / "old" / "serve.1").write_text("")
    (logs / "out").symlink_to("/etc/hostname")
    (logs / "all").symlink_to("/etc")
    return freeze(
        incident.folder, subject, policy="lending", logs=[logs], key=keys[0].private, name="On call"
    )


def writable(folder):
    """Do what an owner can do: take the rights back."""
    for here, _, names in os.walk(folder):
        Path(here).chmod(0o755)
        for name in names:
            (Path(here) / name).chmod(0o644)


def test_all_is_there_read_only_and_can_be_audited(frozen, subject, keys):
    paths = [one["path"] for one in frozen.manifest["files"]]
    assert paths == [
        "attached/logs/logs/old/serve.1", "attached/logs/logs/serve.log", "attached/policy/lending.toml", "rows.csv", "s.toml", "said.csv",
    ]  # fmt: skip
    assert [one.split(":")[0] for one in frozen.manifest["left_out"]] == [
        "attached/logs/logs/all",
        "attached/logs/logs/out",
    ]
    for here, _, names in os.walk(frozen.folder):
        assert stat.S_IMODE(Path(here).stat().st_mode) == 0o555
        assert {stat.S_IMODE((Path(here) / name).stat().st_mode) for name in names} <= {0o444}
    assert load_subject(frozen.subject).name == load_subject(subject).name
    assert find_incident(frozen.subject).folder == frozen.folder.parent
    assert find_incident(subject) is None
    found = verify(frozen.folder, [keys[0].public])
    assert found.holds
    assert not found.remarks
    assert found.digest == frozen.digest
    assert found.signed.startswith("On call, ")


def test_any_changed_byte_is_found(frozen):
    writable(frozen.folder)
    for one in frozen.manifest["files"]:
        path = frozen.folder / one["path"]
        whole = path.read_bytes()
        for at in {0, len(whole) // 2, len(whole) - 1} if whole else ():
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert verify(frozen.folder).differs == (f"{one['path']}: changed",)
        path.write_bytes(whole + b"\n")
        assert verify(frozen.folder).differs == (f"{one['path']}: changed",)
        path.write_bytes(whole)
    assert verify(frozen.folder).holds


def test_what_is_missing_new_or_a_link_is_found(frozen, tmp_path):
    writable(frozen.folder)
    (frozen.folder / "new.txt").write_text("x")
    elsewhere = tmp_path / "said.csv"
    (frozen.folder / "said.csv").rename(elsewhere)
    (frozen.folder / "said.csv").symlink_to(elsewhere)
    (frozen.folder / "rows.csv").unlink()
    found = verify(frozen.folder)
    assert found.differs == (
        "new.txt: was not frozen", "rows.csv: missing", "said.csv: a link, or no regular file, that was not frozen", "said.csv: missing",
    )  # fmt: skip
    assert [one.split()[1] for one in found.remarks if "can be written to" in one] == ["files", "folders"]


def test_a_manifest_made_to_fit_is_told_by_the_signature(frozen, keys):
    writable(frozen.folder)
    manifest = frozen.folder / "manifest.json"
    manifest.write_text(
        manifest.read_text().replace("On call", "On call").replace('"frozen": "2', '"frozen": "1')
    )
    assert verify(frozen.folder).differs == ("manifest.dsse: signs another manifest",)
    (frozen.folder / "manifest.dsse").unlink()
    assert verify(frozen.folder).remarks[0].startswith("not signed")
    assert verify(frozen.folder, [keys[0].public]).differs == (
        "manifest.dsse: not signed, and a key was given",
    )
    manifest.write_text("{}")
    with pytest.raises(InputError, match="no manifest of frozen evidence"):
        verify(frozen.folder)


def test_another_key_is_told(frozen, keys):
    assert verify(frozen.folder, [keys[1].public]).differs == (
        "manifest.dsse: signed by a key that was not given",
    )
    assert "nobody vouched" in verify(frozen.folder).remarks[0]


def test_nothing_is_overwritten(frozen, incident, subject):
    before = frozen.digest
    with pytest.raises(InputError, match="never overwritten"):
        freeze(incident.folder, subject)
    assert verify(frozen.folder).digest == before


@pytest.mark.parametrize("where", ["/etc/passwd", "../../model/s.toml", "nothing.toml"])
def test_a_manifest_that_leads_elsewhere_is_none(frozen, where):
    writable(frozen.folder)
    manifest = frozen.folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"subject": "s.toml"', f'"subject": "{where}"'))
    with pytest.raises(InputError, match="no manifest of frozen evidence"):
        find_incident(frozen.subject)


def test_a_folder_given_by_dots_keeps_its_name(tmp_path, incident, subject, monkeypatch):
    (tmp_path / "logs" / "deep").mkdir(parents=True)
    (tmp_path / "logs" / "serve.log").write_text("x")
    monkeypatch.chdir(tmp_path / "logs" / "deep")
    done = freeze(incident.folder, subject, logs=[".."])
    assert "attached/logs/logs/serve.log" in {one["path"] for one in done.manifest["files"]}


@pytest.mark.parametrize(
    "fault",
    [
        "link out",
        "absolute",
        "missing",
        "no room",
        "policy",
        "last good",
        "link given",
        "no name",
        "same name",
    ],
)
def test_what_cannot_be_frozen_is_told_and_leaves_nothing(
    fault, tmp_path, incident, subject, keys, monkeypatch
):
    options, words = {}, ""
    if fault == "link out":
        shutil.move(subject.parent / "said.csv", tmp_path / "elsewhere.csv")
        (subject.parent / "said.csv").symlink_to(tmp_path / "elsewhere.csv")
        words = "leads out"
    elif fault == "absolute":
        text = subject.read_text()
        subject.write_text(text.replace('"said.csv"', f'"{subject.parent / "said.csv"}"'))
        words = "absolute path"
    elif fault == "missing":
        (subject.parent / "said.csv").unlink()
        words = "there is no file said.csv"
    elif fault == "no room":
        monkeypatch.setattr(freezing.shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
        words = "not room enough"
    elif fault == "policy":
        options, words = {"policy": "lendin"}, "Did you mean 'lending'"
    elif fault == "last good":
        options, words = {"last_good": subject.parent}, "holds no report.json"
    elif fault == "link given":
        (tmp_path / "link").symlink_to(tmp_path)
        options, words = {"logs": [tmp_path / "link"]}, "is a link"
    elif fault == "no name":
        options, words = {"key": keys[0].private}, "--name"
    else:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "x.log").write_text(name)
        options, words = {"logs": [tmp_path / "a" / "x.log", tmp_path / "b" / "x.log"]}, "both be frozen"
    before = sorted(incident.folder.iterdir())
    with pytest.raises(InputError, match=words):
        freeze(incident.folder, subject, **options)
    assert sorted(incident.folder.iterdir()) == before


def test_files_beside_the_folder_of_the_subject_keep_their_places(tmp_path, incident, subject):
    data = tmp_path / "data"
    data.mkdir()
    shutil.move(subject.parent / "rows.csv", data / "rows.csv")
    subject.write_text(subject.read_text().replace('"rows.csv"', '"../data/rows.csv"'))
    done = freeze(incident.folder, subject)
    assert {one["path"] for one in done.manifest["files"]} == {
        "data/rows.csv",
        "model/s.toml",
        "model/said.csv",
    }
    assert len(load_subject(done.subject).test) == 400


def test_a_file_that_grows_while_it_is_copied_is_told_and_nothing_stays(incident, subject, monkeypatch):
    real = copying.os.fstat
    seen = []

    def growing(place):
        found = real(place)
        seen.append(found)
        if len(seen) == 2:  # after the first file was read
            values = list(found)
            values[6] += 1
            return os.stat_result(values)
        return found

    monkeypatch.setattr(copying.os, "fstat", growing)
    with pytest.raises(InputError, match="changed while it was copied"):
        freeze(incident.folder, subject)
    assert not [one for one in incident.folder.iterdir() if "freez" in one.name]


def test_a_path_that_leads_back_to_the_original_is_refused_however_it_is_written(incident, subject):
    folder = subject.parent
    written = subject.read_text()
    for word in (f"{folder}/said.csv", f"{folder}/../{folder.name}/said.csv", f"{folder}/./said.csv"):
        subject.write_text(written.replace('"said.csv"', f'"{word}"'))
        with pytest.raises(InputError, match="absolute path"):
            freeze(incident.folder, subject)
    there = folder.parent / "elsewhere"
    there.symlink_to(folder)
    subject.write_text(written.replace('"said.csv"', f'"{there}/said.csv"'))
    with pytest.raises(InputError, match=r"the original|leads out"):
        freeze(incident.folder, subject)
    assert not incident.frozen.exists()
    subject.write_text(f'# once "{folder}/said.csv"\n{written}')  # a remark names nothing
    assert freeze(incident.folder, subject).subject.is_file()


def test_a_log_that_goes_on_growing_is_frozen_as_far_as_it_was(tmp_path, incident, subject, monkeypatch):
    log = tmp_path / "serve.log"
    log.write_text("one\n")
    real = copying.os.fstat

    def growing(place):
        found = real(place)
        if found.st_ino == log.stat().st_ino:
            with log.open("a") as more:
                more.write("two\n")
        return found

    monkeypatch.setattr(copying.os, "fstat", growing)
    done = freeze(incident.folder, subject, logs=[log])
    assert (done.folder / "attached" / "logs" / "serve.log").read_text() == "one\n"
    assert done.manifest["left_out"] == [
        "attached/logs/serve.log: it went on growing; what came after its first 4 bytes"
    ]
    assert verify(done.folder).holds


def test_a_log_that_is_written_anew_meanwhile_is_refused(tmp_path, incident, subject, monkeypatch):
    log = tmp_path / "serve.log"
    log.write_text("one\n" * 9)
    real, seen = copying.os.fstat, []

    def rotated(place):
        found = real(place)
        if found.st_ino == log.stat().st_ino and not seen:
            seen.append(log.write_text("two\n"))
        return found

    monkeypatch.setattr(copying.os, "fstat", rotated)
    with pytest.raises(InputError, match="changed while it was copied"):
        freeze(incident.folder, subject, logs=[log])
    assert not incident.frozen.exists()


def test_a_folder_that_cannot_be_read_is_not_left_out_unsaid(tmp_path, incident, subject, monkeypatch):
    (tmp_path / "logs" / "secret").mkdir(parents=True)
    (tmp_path / "logs" / "secret" / "x.log").write_text("x")
    real = os.scandir

    def refused(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError, match="secret"):
        freeze(incident.folder, subject, logs=[tmp_path / "logs"])
    assert not incident.frozen.exists()


def test_what_became_of_the_log_is_found_and_the_evidence_is_looked_at_all_the_same(incident, subject):
    run, log = CliRunner(), incident.folder / "decisions.jsonl"
    freeze(incident.folder, subject)
    last = decide(incident.folder, who="a", decision="stop", why="w").digest
    asked = ["incident", "verify", str(incident.folder), "--decision"]
    whole = log.read_text()
    assert run.invoke(app, [*asked, last]).exit_code == 0
    assert run.invoke(app, [*asked, last[:8]]).exit_code == 0
    assert run.invoke(app, [*asked, "x"]).exit_code == 2
    for text, words in (
        (whole.splitlines(keepends=True)[0], "the log was cut"),
        (whole.replace("stop", "run"), "does not follow"),
        ("", "missing, or empty"),
    ):
        log.write_text(text)
        done = run.invoke(app, [*asked, last])
        assert done.exit_code == 1, text
        assert words in done.stdout
        assert "manifest sha256" in done.stdout
    log.unlink()
    assert run.invoke(app, ["incident", "verify", str(incident.folder)]).exit_code == 1


def test_what_is_no_incident_is_not_frozen_into_and_nothing_frozen_is_said(tmp_path, incident, subject):
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="no folder of an incident: begin with"):
        freeze(tmp_path / "other", subject)
    assert not list((tmp_path / "other").iterdir())  # where one can be opened yet
    done = CliRunner().invoke(app, ["incident", "verify", str(incident.folder)])
    assert done.exit_code == 2
    assert "nothing is frozen" in done.output


def test_the_commands(tmp_path, incident, subject, keys):
    run, folder = CliRunner(), str(incident.folder)
    asked = ["--subject", str(subject), "--key", str(keys[0].private), "--name", "On call", "--json"]
    assert run.invoke(app, ["incident", "freeze", folder, *asked]).exit_code == 0
    assert run.invoke(app, ["incident", "verify", folder, "--key", str(keys[0].public)]).exit_code == 0
    assert run.invoke(app, ["incident", "freeze", folder, *asked]).exit_code == 2
    writable(incident.frozen)
    (incident.frozen / "said.csv").write_text("said\n")
    done = run.invoke(app, ["incident", "verify", folder])
    assert done.exit_code == 1
    assert "said.csv: changed" in done.stdout
    assert run.invoke(app, ["incident", "report", folder]).exit_code == 2
