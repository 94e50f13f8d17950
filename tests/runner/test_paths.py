from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.runner.paths import local_path, output_folder, output_path, writable_folder

HOSTILE = [
    "",
    "   ",
    ".",
    "..",
    "../up.html",
    "a/../../up.html",
    "a\\..\\..\\up.html",
    "/etc/passwd",
    "\\\\host\\share\\x",
    "\\x",
    "C:\\x",
    "C:x",
    "c:/x",
    "~/x",
    "~root/x",
    "s3://bucket/x",
    "http://host/x",
    "abs://x",
    "file:x",
    "a\x00b",
    "a\nb",
    "a\x1bb",
    "report\u202elmth.exe",
    "a\u200bb",
    "a\u2028b",
    "report.html.",
    "report.html ",
    "nul",
    "CON.html",
    "a/com1.txt",
    "a:stream",
    "x" * 201,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="output name"):
        output_path(tmp_path, name)


@pytest.mark.parametrize(
    "name",
    ["report.html", "figures/rates.csv", "a b.html", "ünï.html", "..hidden", "console.html", "x" * 200],
)
def test_a_plain_name_stays_inside(tmp_path: Path, name: str) -> None:
    assert output_path(tmp_path, name) == tmp_path / name


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "report.html").symlink_to(outside / "report.html")
    for name in ("link/report.html", "report.html"):
        with pytest.raises(InputError, match="symbolic link"):
            output_path(root, name)


@given(st.text(max_size=40))
def test_whatever_the_name_the_result_is_inside_or_refused(name: str) -> None:
    root = Path("/tmp/auditkit-no-such-root")
    try:
        found = output_path(root, name)
    except InputError:
        return
    assert found != root
    assert os.path.normpath(found).startswith(f"{root}{os.sep}")


@pytest.mark.parametrize("text", ["s3://bucket/x", "https://host/x", "gs://b", "", "a\x07b", "a\u2066b"])
def test_the_output_folder_is_a_plain_local_path(text: str) -> None:
    with pytest.raises(InputError, match="--out"):
        local_path(text, "--out")


def test_a_folder_is_made_and_a_file_is_refused(tmp_path: Path) -> None:
    assert writable_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert not list((tmp_path / "a" / "b").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        writable_folder(tmp_path / "file")
    with pytest.raises(InputError, match="cannot write"):
        writable_folder(tmp_path / "file" / "below")


class TestOutputFolder:
    def test_stays_when_the_work_succeeds(self, tmp_path: Path) -> None:
        with output_folder(tmp_path / "a" / "b") as folder:
            assert folder == (tmp_path / "a" / "b").resolve()
        assert folder.is_dir()

    @pytest.mark.parametrize("problem", [InputError, KeyboardInterrupt, SystemExit])
    def test_goes_when_the_work_fails_and_only_as_far_as_it_was_made(
        self, tmp_path: Path, problem: type[BaseException]
    ) -> None:
        (tmp_path / "there").mkdir()
        with pytest.raises(problem), output_folder(tmp_path / "there" / "a" / "b"):
            raise problem
        assert list(tmp_path.rglob("*")) == [tmp_path / "there"]

    def test_stays_with_what_is_in_it(self, tmp_path: Path) -> None:
        def work() -> None:
            with output_folder(tmp_path / "a" / "b"):
                (tmp_path / "a" / "kept.txt").write_text("")
                raise InputError("no")

        with pytest.raises(InputError):
            work()
        assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "kept.txt"]

    def test_a_relative_one_goes_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InputError), output_folder("a/b"):
            raise InputError("no")
        assert list(tmp_path.iterdir()) == []
