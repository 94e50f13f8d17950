"""`auditkit scan model`: words, JSON, SARIF and exit codes."""

import hashlib
import io
import json
import os
import pickle
import sys
import zipfile

import pytest
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from auditkit.cli import app, output

OWN = pickle.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
HOSTILE = b"cposix\nsystem\n(S'true'\ntR."


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.pkl").write_bytes(OWN)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "hostile.skops").write_bytes(HOSTILE)
    return tmp_path


def scan(*args):
    return CliRunner().invoke(app, ["scan", "model", *map(str, args)])


def test_words_and_exit_codes(folder):
    done = scan(folder / "own.pkl")
    assert done.exit_code == 0
    assert "asks for listed names alone; it may be opened" in done.stdout
    done = scan(folder)
    assert done.exit_code == 1
    assert (
        "hostile.skops: pickle, 26 bytes: REFUSED\n  [pickle-global] it asks for posix.system, and calls it"
        in done.stdout
    )
    assert scan(folder / "none").exit_code == 2
    (folder / "empty").mkdir()
    assert scan(folder / "empty").exit_code == 2


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5242880\n"
TYPED = b"ccredit.own\nBinned\n."
MODULE = b"ctorch.nn.modules.linear\nLinear\n."
OPENS = b"ctorch.nn.modules.linear\nLinear\n0c_io\nopen\n(S'/etc/hosts'\ntR."


def torch_file(pickled):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("m/data.pkl", pickled)
    return stream.getvalue()


def skops_file(module, name):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        node = {"__module__": module, "__class__": name, "__loader__": "ObjectNode", "content": {}}
        archive.writestr("schema.json", json.dumps({**node, "protocol": 2}))
    return stream.getvalue()


BESIDE = {
    "README.md": b"# Credit\n",
    ".gitattributes": b"*.bin filter=lfs\n",
    "config.json": b'{"version": "1.0"}',
    "LICENSE": b"MIT License\n",
}


@pytest.fixture
def usual(tmp_path):
    """A model and what usually lies beside it."""
    for name, data in {"own.pkl": OWN, **BESIDE}.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_files_beside_a_model_that_are_no_models_are_skipped_and_said(usual):
    done = scan(usual)
    assert done.exit_code == 0
    paths = ", ".join(str(usual / name) for name in sorted(BESIDE))
    assert done.stdout.endswith(
        f"1 may be opened, 0 refused, 4 skipped.\n4 files that are no models were skipped: {paths}.\n"
    )
    said = json.loads(scan(usual, "--json").stdout)
    assert said["counts"] == {"may_be_opened": 1, "refused": 0, "skipped": 4, "left_out": 0}
    assert said["skipped"] == [str(usual / name) for name in sorted(BESIDE)]
    assert "cure" not in said["files"][0]


@pytest.mark.parametrize(
    ("name", "data"),
    [("README.md", HOSTILE), ("notes.txt", b"I0x1\n0" + HOSTILE), ("config.json", bytes(range(256))), ("x.bin", b"text")],
)  # fmt: skip
def test_no_name_gets_a_file_by(usual, name, data):
    (usual / name).write_bytes(data)
    done = scan(usual)
    assert done.exit_code == 1
    assert f"{name}: " in done.stdout
    assert "1 may be opened, 1 refused" in done.stdout


def test_patterns_choose_within_a_folder(usual):
    (usual / "in").mkdir()
    (usual / "in" / "hostile.bin").write_bytes(HOSTILE)
    assert scan(usual).exit_code == 1
    done = scan(usual, "--exclude", "in/*")
    assert done.exit_code == 0
    assert "1 left out by --include or --exclude." in done.stdout
    assert scan(usual, "--include", "*.pkl").exit_code == 0
    assert scan(usual, "--include", "*.pkl", "--include", "hostile.*").exit_code == 1
    assert scan(usual, "--include", "*.md").exit_code == 1  # asked for by name: it is read, and is no model
    assert (
        scan(usual / "in" / "hostile.bin", "--exclude", "*.bin").exit_code == 1
    )  # so is a file that is named
    done = scan(usual, "--include", "*.h5")
    assert done.exit_code == 2
    assert "no file is left to scan (6 left out" in done.stderr


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("evil.joblib", HOSTILE, "do not open it: it asks for posix.system"),
        ("own.pkl", TYPED, f'skops.io.dump(model, "model.skops"). If it is your own and you trust all of it, pin it under [model] in the subject file: sha256 = "{hashlib.sha256(TYPED).hexdigest()}"'),
        ("own.skops", skops_file("credit.own", "Binned"), 'trusted = ["credit.own.Binned"]'),
        ("whole.pt", torch_file(MODULE), 'ask for its state_dict, without the module: torch.save(model.state_dict(), "weights.pt")'),
        ("evil.pt", torch_file(HOSTILE), "do not open it: it asks for posix.system"),
        ("opens.pt", torch_file(OPENS), "do not open it: it asks for _io.open"),
        ("m.h5", b"\x89HDF\r\n\x1a\n", "ask for the model as ONNX"),
        ("m.gguf", b"GGUF", "ask for the model saved as skops, ONNX or safetensors"),
        ("m.pkl", POINTER, "run git lfs pull in the repository it comes from"),
        ("m.bin", POINTER[:-1] + bytes(9), "if it is no model"),
        ("m.bin", b"text", "if it is no model, leave it out with --exclude; else ask"),
    ],
)  # fmt: skip
def test_what_to_do_about_a_file_is_said(tmp_path, name, data, what):
    (tmp_path / name).write_bytes(data)
    done = scan(tmp_path / name)
    assert done.exit_code == 1
    assert "0 may be opened, 1 refused, 0 skipped." in done.stdout
    (line,) = (one for one in done.stdout.splitlines() if one.startswith("What to do about "))
    assert line.startswith(f"What to do about {tmp_path / name}: ")
    assert what in line
    (row,) = json.loads(scan(tmp_path / name, "--json").stdout)["files"]
    assert what in row["cure"]
    assert ("whole PyTorch module" in done.stdout) == (name == "whole.pt")


def test_a_link_to_a_folder_is_refused_and_never_passed_over(usual, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    (store / "hostile.pkl").write_bytes(HOSTILE)
    (usual / "current").symlink_to(store, target_is_directory=True)
    done = scan(usual)
    assert done.exit_code == 2
    assert (
        "current is a link to a folder, which is not followed: name it too, or leave it out with --exclude"
        in done.stderr
    )
    done = scan(usual, "--exclude", "current")
    assert done.exit_code == 0
    assert "1 left out by --include or --exclude." in done.stdout
    assert scan(usual, usual / "current", "--exclude", "current").exit_code == 1


def test_a_folder_that_cannot_be_listed_is_an_error_and_never_passed_over(usual, monkeypatch):
    (usual / "shut").mkdir()
    list_ = os.scandir

    def scandir(place):
        if str(place).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(place))
        return list_(place)

    monkeypatch.setattr(os, "scandir", scandir)
    done = scan(usual)
    assert done.exit_code == 2
    assert "shut: Permission denied: nothing in it was looked at" in done.stderr


def test_files_of_one_cure_share_a_line(folder):
    (folder / "b.pkl").write_bytes(HOSTILE)
    done = scan(folder)
    assert "1 may be opened, 2 refused, 0 skipped." in done.stdout
    assert done.stdout.count("What to do about") == 1
    paths = ", ".join(map(str, (folder / "b.pkl", folder / "in" / "hostile.skops")))
    assert f"What to do about {paths}: " in done.stdout


def test_a_pointer_of_git_lfs_is_refused_and_said_to_be_one(usual):
    (usual / "model.json").write_bytes(POINTER)  # the file it stands for may be a model
    done = scan(usual)
    assert done.exit_code == 1
    assert (
        "model.json: a Git LFS pointer, 132 bytes: REFUSED\n  [format] a Git LFS pointer to a file that is not here: `git lfs pull` puts"
        in done.stdout
    )


@pytest.mark.parametrize(
    "address", ["https://x.example/y.pkl", "s3://bucket/y.pkl", "https:/x.example/y.pkl"]
)
def test_an_address_is_refused_in_words(address):
    done = scan(address)
    assert done.exit_code == 2
    assert f"{address} is an address: auditkit reads files, and fetches nothing" in done.stderr


def test_json(folder):
    done = scan(folder, "--json")
    said = json.loads(done.stdout)
    assert (said["verdict"], said["exit_code"], done.exit_code) == ("fail", 1, 1)
    by_name = {one["file"].rpartition("/")[2]: one for one in said["files"]}
    assert by_name["own.pkl"]["trust"] == "listed"
    assert by_name["hostile.skops"]["refusals"] == [
        {"rule": "pickle-global", "part": "", "what": "it asks for posix.system, and calls it"}
    ]
    assert json.loads(scan(folder / "none", "--json").stdout)["exit_code"] == 2


def test_sarif(folder):
    done = scan(folder, "--sarif", folder / "out.sarif")
    assert done.exit_code == 1
    (run,) = json.loads((folder / "out.sarif").read_text())["runs"]
    assert [one["id"] for one in run["tool"]["driver"]["rules"]] == ["pickle-global"]
    (result,) = run["results"]
    assert result["ruleId"] == "pickle-global"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("in/hostile.skops")
    assert scan(folder / "own.pkl", "--sarif", folder / "no" / "out.sarif").exit_code == 2


def test_second_opinions_are_beside_it(folder):
    pytest.importorskip("picklescan")
    done = scan(folder / "in" / "hostile.skops", "--second-opinions")
    assert done.exit_code == 1
    assert "picklescan" in done.stdout


def test_names_cannot_steer_the_terminal(tmp_path):
    (tmp_path / "m").write_bytes(b"\x80\x02c\x1b[31mos\nsystem\n.")
    done = scan(tmp_path / "m")
    assert "\x1b" not in done.stdout
    assert done.exit_code == 1


FORGED = "m\n::error::all is well\nother.pkl: pickle, 26 bytes: holds no code; it may be opened\n##[warning]x.skops"


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
@pytest.mark.parametrize("what", ["refused", "missing", "a notebook", "no notebook"])
def test_a_name_of_a_file_begins_no_line(tmp_path, what):
    """A line that begins with `::` is a command to some CI services, and any other line may pass for the scanner's own word."""
    file = tmp_path / (FORGED.replace(".skops", ".ipynb") if "notebook" in what else FORGED)
    if what == "refused":
        file.write_bytes(HOSTILE)
    elif what == "a notebook":
        cell = {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": "exec(x)",
        }
        file.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    elif what == "no notebook":
        file.write_text("[")
    done = CliRunner().invoke(app, ["scan", "notebook" if "notebook" in what else "model", str(file)])
    shown = [line for line in done.output.splitlines() if "error::" in line]
    assert shown
    assert all(r"m\n::error::all is well\nother.pkl" in line for line in shown)
    assert not [
        line for line in done.output.splitlines() if line.strip().startswith(("::", "##[", "other.pkl"))
    ]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("::error::x", "\\::error::x"),
        ("fine\n  ::set-output::x", "fine\n  \\::set-output::x"),
        ("##[group]x", "\\##[group]x"),
        ("a::b", "a::b"),
        ("# b", "# b"),
    ],
)
def test_no_line_is_a_command_to_a_ci_service(capsys, text, printed):
    for write, stream in ((output.print_, "out"), (output.say, "err")):
        write(text)
        assert getattr(capsys.readouterr(), stream) == printed + "\n"


def test_a_line_feed_in_a_line_is_shown(capsys):
    output.lines(["a\nb", "c"])
    assert capsys.readouterr().out == "a\\nb\nc\n"
