"""The sockets of a kernel: in a folder that its owner alone may enter, gone with the run, and no port is opened."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.batch.crew import end_tree
from auditkit.runner import sockets
from auditkit.runner.run import run_template
from auditkit.runner.sockets import SocketFolder, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="Windows has no such sockets for kernels: ports there"
)

HEAD = 'subject_file = "s.toml"\npolicy_file = None\nseed = 0\nout_dir = "."'
# what the kernel and the process that started it listen on, and what a forked process of the kernel prints
LOOK = """
import glob, json, os, psutil, sys, tempfile
assert sys.executable == {executable!r}, sys.executable
family = [psutil.Process(), *psutil.Process().parents()[:1]]
ports = [c.laddr.port for one in family for c in one.net_connections("inet") if c.status == psutil.CONN_LISTEN]
(folder,) = glob.glob(tempfile.gettempdir() + "/auditkit-kernel-*")
facts = dict(ports=ports, mode=os.stat(folder).st_mode & 0o777, inside=sorted(os.listdir(folder)), paths=sys.path)
json.dump(facts, open("facts.json", "w"))
if os.fork() == 0:
    print("said by a copy", flush=True)
    os._exit(0)
os.wait()
"""
OBSERVE = (
    "import auditkit as ak\nfrom auditkit.runner.notebook import observe\n"
    'observe(ak.Audit(["model_performance"]), ak.load_subject(subject_file), seed=seed, out_dir=out_dir)'
)
KEEPS = "from auditkit.runner.sockets import SocketFolder\nmade = SocketFolder.made()\nprint(made.path, flush=True)\ninput()"


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of temporary files of this test alone, with a path that is short enough."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ak-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_a_folder_is_private_and_goes_with_all_that_is_in_it(room: Path) -> None:
    made = SocketFolder.made()
    assert made is not None
    assert made.path.parent == room
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    (made.path / "k.json").write_text("{}")
    sweep()
    assert made.path.is_dir()  # it is in use
    made.remove()
    assert list(room.iterdir()) == []


def test_what_a_killed_process_leaves_is_swept(room: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KEEPS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    left = Path(process.stdout.readline().decode().strip())
    assert left.parent == room
    assert left.is_dir()
    end_tree(process.pid)
    process.communicate()
    assert list(room.iterdir()) == []


def test_what_is_no_folder_of_ours_is_left_alone(room: Path) -> None:
    other = room / "other"
    other.mkdir()
    (other / "lock").touch()
    (room / "auditkit-kernel-link").symlink_to(other)
    (room / "auditkit-kernel-new").mkdir()  # just being made: not locked yet
    (room / "auditkit-kernel-file").touch()
    sweep()
    assert len(list(room.iterdir())) == 4
    os.utime(room / "auditkit-kernel-new", (0, 0))
    sweep()
    assert not (room / "auditkit-kernel-new").exists()
    assert (other / "lock").exists()


def test_a_path_that_is_too_long_for_a_socket_is_not_taken(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = room / ("x" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    made = SocketFolder.made()
    assert made is not None
    assert made.path.parent == Path("/tmp")
    made.remove()
    assert list(deep.iterdir()) == []
    monkeypatch.setattr(sockets, "_places", lambda: [deep])
    assert SocketFolder.made() is None  # ports then


def test_a_kernel_imports_nothing_from_beside_its_file_also_where_auditkit_is_reached_by_a_link(
    tmp_path: Path,
) -> None:
    """A kernel that could `import order` would meet auditkit's own module in the place of the user's."""
    (tmp_path / "link").symlink_to(Path(sockets.__file__).parent, target_is_directory=True)
    (tmp_path / "stub" / "ipykernel").mkdir(parents=True)
    said = "import sys\nIOPubThread = object\nlaunch_new_instance = lambda: print(*sys.path, sep='\\n')\n"
    for name, text in {"__init__": "", "iostream": "IOPubThread = object\n", "kernelapp": said}.items():
        (tmp_path / "stub" / "ipykernel" / f"{name}.py").write_text(text)
    for folder in (Path(sockets.__file__).parent, tmp_path / "link"):
        done = subprocess.run(
            [sys.executable, folder / "kernel_app.py"], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "stub")},
        )  # fmt: skip
        paths = [Path(one).resolve() for one in done.stdout.splitlines()]
        assert (tmp_path / "stub").resolve() in paths
        assert Path(sockets.__file__).resolve().parent not in paths


def test_where_nothing_temporary_can_be_written_there_are_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_there() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none_there)
    sweep()
    made = SocketFolder.made()
    if made is not None:  # /tmp can be written to, though tempfile was told otherwise
        assert made.path.parent == Path("/tmp")
        made.remove()


@pytest.mark.kernel
def test_the_kernel_is_this_interpreter_without_the_users_start_up_files_and_opens_no_port(
    room: Path, credit_file: Path, tmp_path: Path, make_template: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_client.connect import LocalPortCache

    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    spec = {"argv": ["/no/such/python"], "display_name": "Other", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    startup = tmp_path / "home" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("raise SystemExit(9)\nfrom_startup = 1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "home"))

    def none_is_free(*_: Any) -> int:
        raise OSError("Address already in use")

    monkeypatch.setattr(LocalPortCache, "find_available_port", none_is_free)
    template = make_template(HEAD, LOOK.format(executable=sys.executable), OBSERVE)
    result = run_template(template, credit_file, tmp_path / "out")
    assert result.report.verdict in ("pass", "fail", "undecided")
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert facts["ports"] == []
    assert facts["mode"] == 0o700
    assert {"k-1", "k-2", "k-3", "k-4", "k-5", "k.json"} <= set(facts["inside"])
    assert not [one for one in facts["paths"] if Path(one) == Path(sockets.__file__).parent]
    assert "said by a copy" in result.notebook_path.read_text()
    assert list(room.iterdir()) == []
