"""Reading: regular files alone, to a bound; nothing is waited for, and no name starts a line of its own."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.loading import load_model, load_weights
from auditkit.loading.kinds.stack import stack_at
from auditkit.loading.tables import read_table
from auditkit.predictors.onnx import from_onnx
from auditkit.reading import name_shown, read_bounded
from auditkit.targets.artifact import ModelFile
from auditkit.targets.notebooks import read_notebooks

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices stand in POSIX's tree of files")


@pytest.fixture
def pipe(tmp_path):
    """A pipe that nobody writes to: whoever opens it as a file waits for ever."""
    place = tmp_path / "m.csv"
    os.mkfifo(place)
    return place


READERS = {
    "read_bounded": lambda path: read_bounded(path, 10, "file"),
    "ModelFile": ModelFile.from_path,
    "load_model": load_model,
    "load_weights": load_weights,
    "from_onnx": from_onnx,
    "notebooks": lambda path: read_notebooks([path]),
    "configuration": lambda path: stack_at("s", [path]),
    "table": read_table,
}


@POSIX
@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_is_refused_and_not_waited_for(pipe, reader):
    with pytest.raises(InputError, match=r"m\.csv is a pipe|no notebook and no folder"):
        READERS[reader](pipe)


@POSIX
def test_the_command_line_refuses_a_pipe(pipe):
    done = CliRunner().invoke(app, ["scan", "model", str(pipe)])
    assert done.exit_code == 2
    assert "is a pipe; expected a model file" in done.output


@POSIX
def test_a_device_is_refused():
    with pytest.raises(InputError, match="/dev/zero is a device; expected a file"):
        read_bounded("/dev/zero", 10, "file")


def test_a_file_is_read_to_its_last_byte_and_one_that_is_longer_is_not(tmp_path):
    file = tmp_path / "m"
    file.write_bytes(b"0123456789")
    assert read_bounded(file, 10, "model file") == b"0123456789"
    with pytest.raises(InputError, match=r"m: 10 bytes; of a model file at most 9 bytes are read"):
        read_bounded(file, 9, "model file")
    with pytest.raises(InputError, match=r"cannot read the model file .*none"):
        read_bounded(tmp_path / "none", 9, "model file")
    with pytest.raises(InputError, match=r"is a folder|cannot read the model file"):
        read_bounded(tmp_path, 9, "model file")


def test_a_file_of_a_terabyte_is_refused_by_its_size(tmp_path):
    """It holds no block on the disk; read, it would be a terabyte of zeros."""
    file = tmp_path / "m.pkl"
    with file.open("wb") as stream:
        try:
            stream.truncate(2**40)
        except OSError:
            pytest.skip("this file system keeps no file of a terabyte")
    for reader in (ModelFile.from_path, load_model):
        with pytest.raises(InputError, match="1,099,511,627,776 bytes; of a model file at most"):
            reader(file)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="a file of Linux that says size 0")
def test_a_file_that_says_no_size_is_held_to_the_bound():
    assert Path("/proc/self/maps").stat().st_size == 0
    with pytest.raises(InputError, match="more; of a file at most 10 bytes are read"):
        read_bounded("/proc/self/maps", 10, "file")


@given(st.text(max_size=40))
def test_a_name_is_one_line_and_prints(name):
    assert name_shown(name).isprintable()
    assert name_shown(name) == name or not name.isprintable()
