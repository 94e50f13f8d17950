"""The evidence store: made with groups and modes, and every deviation is told with the line that mends it."""

from __future__ import annotations

import grp
import os
import shlex
import stat
import subprocess

import pytest
from typer.testing import CliRunner

from auditkit.access.layout import FOLDERS, init, read_store
from auditkit.access.store import _key_in, check
from auditkit.cli import app
from auditkit.errors import InputError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and groups are POSIX")


def own_groups():
    """Return two groups that this user is in, the same twice where there is one; as root any group will do."""
    mine = (
        [one.gr_name for one in grp.getgrall()]
        if os.geteuid() == 0
        else [grp.getgrgid(one).gr_name for one in {os.getegid(), *os.getgroups()}]
    )
    return (sorted(mine) * 2)[:2]


AUDITORS, REVIEWERS = own_groups()
ONE_GROUP = AUDITORS == REVIEWERS


@pytest.fixture
def store(tmp_path):
    place = tmp_path / "evidence"
    init(place, auditors=AUDITORS, reviewers=REVIEWERS)
    for folder in FOLDERS:
        file = place / folder.name / "a file"
        file.write_text("evidence")
        if folder.group:
            os.chown(
                file, -1, grp.getgrnam({"auditors": AUDITORS, "reviewers": REVIEWERS}[folder.group]).gr_gid
            )
        file.chmod(folder.file_mode)
    return place


def found(store):
    return [one for one in check(store) if "one group" not in one.what]


def test_what_is_made_has_its_modes_and_groups_and_nothing_differs(store):
    for folder in FOLDERS:
        about = (store / folder.name).stat()
        assert stat.S_IMODE(about.st_mode) == folder.mode
    assert read_store(store).groups == {"auditors": AUDITORS, "reviewers": REVIEWERS}
    assert (store / "restricted").stat().st_gid == grp.getgrnam(AUDITORS).gr_gid
    assert found(store) == []
    made = store / "restricted" / "new"
    made.mkdir()
    assert made.stat().st_gid == grp.getgrnam(AUDITORS).gr_gid  # the folder hands its group on


@pytest.mark.parametrize(
    ("path", "mode", "said"),
    [
        ("restricted/a file", 0o644, "can be read by anybody (mode 0644, restricted allows 0660)"),
        ("restricted/a file", 0o666, "can be read by anybody and changed by anybody"),
        ("review/a file", 0o660, "can be changed by its group"),
        ("public/a file", 0o664, "can be changed by its group"),
        ("public/a file", 0o646, "can be changed by anybody"),
        ("public/a file", 0o640, "cannot be read by all who should"),
        ("keys/a file", 0o640, "can be read by its group"),
        ("keys", 0o750, "can be read by its group"),
        ("keys", 0o711, "can be entered by others"),
        ("restricted", 0o2775, "can be read by anybody"),
        ("restricted", 0o0770, "does not hand its group on"),
        ("decisions/a file", 0o4660, "with the rights of another"),
        ("store.toml", 0o664, "others than its owner may change who may do what"),
        (".", 0o775, "others than its owner may put folders"),
    ],
)
def test_a_mode_that_differs_is_told_and_its_line_mends_it(store, path, mode, said):
    (store / path).chmod(mode)
    (one,) = found(store)
    assert said in one.what
    assert one.path == path
    words = shlex.split(one.mend)
    assert words[0] == "chmod"
    subprocess.run(words, check=True)
    assert found(store) == []


def test_links_that_lead_out_or_into_another_folder_are_told(store, tmp_path):
    (tmp_path / "elsewhere").write_text("x")
    (store / "public" / "out").symlink_to(tmp_path / "elsewhere")
    (store / "public" / "in").symlink_to(store / "restricted" / "a file")
    (store / "public" / "gone").symlink_to(store / "public" / "nothing")
    (store / "public" / "near").symlink_to(store / "public" / "a file")
    (store / "review" / "folder").symlink_to(tmp_path)
    told = {one.path: one.what for one in found(store)}
    assert "leads out of the store" in told["public/out"]
    assert "into another folder of the store" in told["public/in"]
    assert "a link to nothing" in told["public/gone"]
    assert "copy the file" in told["public/near"]
    assert "leads out of the store" in told["review/folder"]
    assert len(told) == 5


def test_a_second_name_a_private_key_a_pipe_and_a_stray_file_are_told(store, tmp_path):
    os.link(store / "restricted" / "a file", tmp_path / "second name")
    key = store / "restricted" / "mine.key"
    key.write_text("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n")
    (store / "public" / "restricted.key").write_text("4af0" * 16 + "\n")
    os.mkfifo(store / "public" / "pipe")
    (store / "notes.txt").write_text("x")
    told = {one.path: one.what for one in found(store)}
    assert "has 2 names" in told["restricted/a file"]
    assert "holds a private key, outside keys" in told["restricted/mine.key"]
    assert "looks like a key of a restricted layer or a token, outside keys" in told["public/restricted.key"]
    assert "pipe, socket or device" in told["public/pipe"]
    assert "in no folder of the layout" in told["notes.txt"]


def test_a_folder_that_is_gone_or_a_link_is_told(store, tmp_path):
    (store / "review" / "a file").unlink()
    (store / "review").rmdir()
    assert [one.what for one in found(store)] == ["is not there"]
    (store / "review").symlink_to(tmp_path)
    assert "leads elsewhere" in found(store)[0].what


@pytest.mark.skipif(os.geteuid() != 0 or ONE_GROUP, reason="needs the right to give files away")
def test_another_group_or_owner_is_told(store):
    os.chown(store / "restricted" / "a file", -1, grp.getgrnam(REVIEWERS).gr_gid)
    os.chown(store / "keys" / "a file", 12345, -1)
    told = {one.path: one for one in found(store)}
    assert told["restricted/a file"].what == f"is of another group than {AUDITORS}"
    assert "is not the key holder's" in told["keys/a file"].what
    for one in told.values():
        subprocess.run(shlex.split(one.mend), check=True)
    assert found(store) == []


def test_one_group_for_both_roles_is_told(tmp_path):
    init(tmp_path / "s", auditors=AUDITORS, reviewers=AUDITORS)
    assert [one.what for one in check(tmp_path / "s")] == [
        "auditors and reviewers are one group: a reviewer may change what they review"
    ]


def test_what_cannot_be_a_store_is_refused(tmp_path):
    with pytest.raises(InputError, match="the group 'nosuchgroup' for the auditors does not exist"):
        init(tmp_path / "a", auditors="nosuchgroup", reviewers=REVIEWERS)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_text("x")
    with pytest.raises(InputError, match="is not empty"):
        init(tmp_path / "b", auditors=AUDITORS, reviewers=REVIEWERS)
    with pytest.raises(InputError, match="cannot make the store at"):
        init(tmp_path / "b" / "x", auditors=AUDITORS, reviewers=REVIEWERS)
    with pytest.raises(InputError, match="is no evidence store"):
        check(tmp_path / "b")
    for text, said in (
        ("auditors = 3\n", "expected auditors"),
        ("auditers = 'a'\n", "Did you mean 'auditors'"),
        ("a", "not TOML"),
    ):
        (tmp_path / "b" / "store.toml").write_text(text)
        with pytest.raises(InputError, match=said):
            check(tmp_path / "b")


def test_a_group_that_the_user_is_not_in_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 54321)
    monkeypatch.setattr(os, "getgroups", list)
    with pytest.raises(InputError, match="is not one that you are in"):
        init(tmp_path / "s", auditors=AUDITORS, reviewers=REVIEWERS)
    assert not (tmp_path / "s").exists()


def test_a_hostile_file_name_is_quoted_and_clean(store):
    file = store / "restricted" / "a\x1b[31m; rm -rf $HOME\nb"
    file.write_text("x")
    file.chmod(0o666)
    done = CliRunner().invoke(app, ["store", "check", str(store)])
    assert done.exit_code == 1
    assert "\x1b" not in done.output
    (one,) = [one for one in found(store) if "changed by anybody" in one.what]
    assert one.mend in done.output  # what is printed is the line to run
    subprocess.run(["bash", "-c", one.mend], check=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o660


@pytest.mark.linux
def test_a_file_name_that_is_no_text_is_told_and_mended(store):
    file = os.fsencode(store / "restricted") + b"/it's \xff\\"
    with open(file, "w") as opened:  # noqa: PTH123 - a name in bytes
        opened.write("x")
    os.chmod(file, 0o666)  # noqa: PTH101
    assert CliRunner().invoke(app, ["store", "check", str(store)]).exit_code == 1
    assert CliRunner().invoke(app, ["store", "check", str(store), "--json"]).exit_code == 1
    (one,) = found(store)
    subprocess.run(["bash", "-c", one.mend], check=True)
    assert found(store) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to give files away")
@pytest.mark.parametrize(
    "path", [".", "store.toml", "public", "restricted", "review/a file", "public/a file"]
)
def test_what_another_owns_who_could_change_it_is_told(store, path):
    os.chown(store / path, 12345, -1)
    (one,) = found(store)
    assert "is not the key holder's" in one.what
    os.chown(store / path, 0, -1)
    os.chown(store / "restricted" / "a file", 12345, -1)  # auditors write there, each their own
    assert found(store) == []


def test_what_goes_while_the_check_runs_is_no_error(store, monkeypatch):
    real = os.scandir

    def late(folder):
        names = list(real(folder))
        if str(folder).endswith("restricted"):
            (store / "restricted" / "a file").unlink(missing_ok=True)
        return names

    monkeypatch.setattr(os, "scandir", late)
    assert found(store) == []


def test_what_cannot_be_looked_at_is_undecided_and_not_a_deviation(store, monkeypatch):
    real = os.scandir

    def refused(folder):
        if str(folder).endswith("keys"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", refused)
    (one,) = found(store)
    assert (one.path, one.unseen) == ("keys", True)
    done = CliRunner().invoke(app, ["store", "check", str(store)])
    assert done.exit_code == (1 if ONE_GROUP else 3)
    assert "run the check as its owner" in done.output
    (store / "public" / "a file").chmod(0o666)
    assert CliRunner().invoke(app, ["store", "check", str(store)]).exit_code == 1


@pytest.mark.linux
def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(store):
    os.mkfifo(store / "restricted" / "pipe")
    assert _key_in(store / "restricted" / "pipe") == ""
    (store / "restricted" / "link").symlink_to(store / "keys" / "a file")
    assert _key_in(store / "restricted" / "link") == ""


def test_the_commands_say_what_modes_do_not_protect(tmp_path):
    place = tmp_path / "evidence"
    asked = ["store", "init", str(place), "--auditors", AUDITORS, "--reviewers", REVIEWERS]
    made = CliRunner().invoke(app, asked)
    assert made.exit_code == 0
    assert "0700" in made.output
    looked = CliRunner().invoke(app, ["store", "check", str(place)])
    assert looked.exit_code == (1 if ONE_GROUP else 0)
    for output in (made.output, looked.output):
        for word in ("root", "owner of a file", "backups", "network"):
            assert word in output
    (place / "keys").chmod(0o755)
    assert CliRunner().invoke(app, ["store", "check", str(place), "--json"]).exit_code == 1
