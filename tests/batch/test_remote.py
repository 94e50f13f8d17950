"""Copies of what was written, sent through papermill's writers to a store that lives in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from papermill import iorw
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.report import load_report
from auditkit.runner.remote import Remote, RemoteError, remote
from auditkit.runner.run import RunResult, _further

if TYPE_CHECKING:
    from pathlib import Path


class Store:
    """Keeps what is written by its address; it can be full."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.room = 1000

    def write(self, text: str, path: str) -> None:
        if len(self.files) >= self.room:
            raise OSError("no room\nin the store")
        self.files[path] = text


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(iorw.papermill_io, "_handlers", [*iorw.papermill_io._handlers])
    iorw.papermill_io.register("memory://", made)
    return made


def call(*args: Any) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(one) for one in args])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("bucket/prefix", "takes an address such as s3://bucket/prefix"),
        ("/reports", "takes an address such as s3://bucket/prefix"),
        ("s3://", "takes an address such as s3://bucket/prefix"),
        ("s3:///etc/passwd", "takes an address such as s3://bucket/prefix"),
        ("-", "takes an address such as s3://bucket/prefix"),
        ("memory://user:secret@bucket/x", "without a user, a key or a query"),
        ("memory://bucket/x?sig=secret", "without a user, a key or a query"),
        ("memory://bucket/../x", "does not climb"),
        ("memory://bucket/\u202ex", "hidden character U\\+202E"),
        ("https://host/x", "nothing here writes to https://"),
        ("HTTP://host/x", "nothing here writes to http://"),
        ("file://host/x", "nothing here writes to file://"),
        ("memry://bucket", "nothing here writes to memry://"),
    ],
)
def test_what_is_no_address_of_a_store_is_refused(store: Store, address: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as refused:
        remote(address)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["s3", "gs", "abs", "adl", "hdfs"])
def test_a_store_whose_client_is_not_installed_says_what_to_install(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> None:
        raise AssertionError("the client was asked for")

    for name in ("S3", "GCSFileSystem", "AzureBlobStore", "ADL", "HadoopFileSystem"):
        monkeypatch.setattr(iorw, name, missing)
    with pytest.raises(InputError, match=r"pip install 'papermill\["):
        remote(f"{scheme}://bucket/prefix")
    monkeypatch.setattr(iorw, {"s3": "S3"}.get(scheme, "S3"), Store)
    assert scheme != "s3" or remote("s3://bucket/prefix/") == Remote("s3://bucket/prefix")


@pytest.mark.kernel
def test_a_run_sends_the_three_files_it_wrote(store: Store, place: Path) -> None:
    out = place / "out"
    given = ["run", place / "tiny.ipynb", "--subject", place / "toy.toml", "--out", out]
    given += ["--policy", place / "policy.toml"]
    code, said, _ = call(*given, "--remote", "memory://bucket/runs/", "--json")
    assert code == 0
    names = ["report.json", "report.ipynb", "report.html"]
    assert json.loads(said)["sent"] == [f"memory://bucket/runs/{name}" for name in names]
    assert store.files == {f"memory://bucket/runs/{n}": (out / n).read_text("utf-8") for n in names}
    assert not any(
        "memory://" in text for text in store.files.values()
    )  # where it went is no part of a report
    store.files.clear()
    left = RunResult(load_report(out / names[0]), *(out / name for name in names))
    assert _further(left, None, None) == left
    assert store.files == {}  # nothing is sent that nobody asked for


@pytest.mark.kernel
def test_a_batch_sends_every_report_and_then_its_page(store: Store, shared_place: Path) -> None:
    out = shared_place / "out"
    given = ["batch", shared_place / "plan.toml", "--out", out, "--remote", "memory://bucket"]
    store.room = 2
    code, _, why = call(*given)
    assert code == 3
    assert "OSError: no room. Nothing is lost" in why
    assert "2 of " in why
    store.room = 1000
    code, said, _ = call(*given)  # a result that is kept is sent too
    assert code == 3  # of the audit that breaks
    assert "the page to memory://bucket/index.html" in said
    (folder,) = [one.name for one in (out / "results").iterdir()]
    assert {
        "memory://bucket/index.html",
        f"memory://bucket/results/{folder}/report.html",
        f"memory://bucket/results/{folder}/report.json",
    } <= set(store.files)
    page = store.files["memory://bucket/index.html"]
    assert f'href="results/{folder}/report.html"' in page  # so the copy's links lead to the copies


def test_without_being_asked_for_every_address_is_refused_and_the_option_is_named(
    place: Path, tmp_path: Path
) -> None:
    given = ["run", place / "tiny.ipynb", "--subject", place / "toy.toml"]
    for address in ("s3://bucket/x", "gs://bucket/x", "memory://bucket", "https://host/x"):
        code, _, why = call(*given, "--out", address)
        assert (code, "--remote" in why) == (2, True)
        assert call("batch", place / "no.toml", "--out", address)[0] == 2
    code, _, why = call("run", "bias", "--subject", "s3://bucket/x.toml", "--out", tmp_path / "o")
    assert (code, "Copy it and the files it names to this machine first" in why) == (2, True)
    code, _, why = call(*given, "--out", tmp_path / "o", "--remote", "nowhere")
    assert (code, "s3://bucket/prefix" in why) == (2, True)
    assert not (tmp_path / "o").exists()


def test_an_error_of_a_store_leaves_the_cause_to_be_looked_at(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("a")
    store.room = 0
    with pytest.raises(RemoteError, match=r"memory://b/a\.html could not be written") as failed:
        remote("memory://b").send({"a.html": tmp_path / "a.html"}, tmp_path)
    assert isinstance(failed.value.__cause__, OSError)
