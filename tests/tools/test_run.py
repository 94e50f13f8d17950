"""A tool is asked under limits, sees nothing of the user's own, and every way it can fail is said in words."""

import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from auditkit import progress
from auditkit.errors import Cancelled, InputError, NotApplicable, ToolError
from auditkit.tools.home import STAMP
from auditkit.tools.run import MEMORY_IS_HELD, ask
from auditkit.tools.tool import Limits, Tool

PASS = "(folder / 'out.txt').write_text('done')\n"


def text(folder):
    return (folder / "out.txt").read_text("utf-8")


def gone(pid):
    """Whether a process ends within seconds; one that was killed takes a moment on a busy machine."""
    try:
        process = psutil.Process(pid)
        until = time.monotonic() + 10
        while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
            time.sleep(0.02)
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_arrays_go_in_and_an_answer_comes_out(tool_of):
    tool = tool_of(
        "import numpy as np\nwith np.load(folder / 'in.npz', allow_pickle=False) as f: total = f['x'].sum()\n"
        "(folder / 'out.txt').write_text(str(total))\n"
    )
    assert ask(tool, {"x": np.arange(5.0)}, text) == "10.0"


def test_it_sees_nothing_of_the_users_own(tool_of, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("A_TOKEN", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    tool = tool_of(
        "import json, tempfile\n"
        "seen = {'env': dict(os.environ), 'path': sys.path, 'tmp': tempfile.gettempdir(), 'in': sys.stdin.read()}\n"
        "(folder / 'out.txt').write_text(json.dumps(seen))\n"
    )
    import json

    seen = json.loads(ask(tool, {}, text))
    assert not {"PYTHONPATH", "A_TOKEN", "HTTPS_PROXY", "AUDITKIT_TOOLS"} & set(seen["env"])
    assert "/somewhere" not in seen["path"]
    assert "" not in seen["path"]
    assert seen["in"] == ""
    assert seen["env"]["HOME"] == seen["env"]["TMPDIR"] == seen["tmp"]
    assert Path(seen["tmp"]) != Path.home()
    assert not Path(seen["tmp"]).exists(), "the scratch folder is left behind"


def test_a_crash_is_said_with_its_last_words(tool_of):
    tool = tool_of("raise RuntimeError('no such\\x1b[31m thing')\n")
    with pytest.raises(
        ToolError, match=r"probe ended with exit code 1 .*RuntimeError: no such\?\[31m thing"
    ) as found:
        ask(tool, {}, text)
    assert "\x1b" not in str(found.value)


def test_a_dead_interpreter_is_said(tool_of):
    with pytest.raises(ToolError, match=r"ended by the system \(SIGKILL"):
        ask(tool_of("import signal\nos.kill(os.getpid(), signal.SIGKILL)\n"), {}, text)


def test_too_long_ends_it_and_what_it_started(tool_of, tmp_path):
    tool = tool_of(
        "import subprocess\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"Path({str(tmp_path / 'pids')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\ntime.sleep(60)\n",
        seconds=2.0,
    )
    start = time.monotonic()
    with pytest.raises(ToolError, match="longer than 2 seconds"):
        ask(tool, {}, text)
    assert time.monotonic() - start < 15
    pids = [int(word) for word in (tmp_path / "pids").read_text("utf-8").split()]
    assert all(gone(pid) for pid in pids)


def test_what_it_leaves_running_is_ended_with_it(tool_of, tmp_path):
    tool = tool_of(
        "import subprocess\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"Path({str(tmp_path / 'pids')!r}).write_text(str(child.pid))\n" + PASS
    )
    assert ask(tool, {}, text) == "done"
    assert gone(int((tmp_path / "pids").read_text("utf-8")))


@pytest.mark.skipif(not MEMORY_IS_HELD, reason="this platform holds no process to its address space")
def test_too_much_memory_is_refused(tool_of):
    tool = tool_of("held = bytearray(2 * 2**30)\n" + PASS, memory=2**30)
    with pytest.raises(ToolError, match=r"it may use 1 GiB of memory.*MemoryError"):
        ask(tool, {}, text)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("(folder / 'out.txt').write_bytes(bytes(3_000_000))\n", "exit code|ended by the system|may write"),
        ("[(folder / f'{i}').write_bytes(bytes(600_000)) for i in range(5)]\n" + PASS, "may write"),
        ("[(folder / f'{i}').write_bytes(bytes(600_000)) for i in range(5)]\ntime.sleep(20)\n", "may write"),
        ("[print('x' * 1000) for _ in range(5000)]\n" + PASS, "exit code|ended by the system|may write"),
    ],
)
def test_too_much_output_is_refused(tool_of, script, said):
    with pytest.raises(ToolError, match=said):
        ask(tool_of(script, output=1_000_000), {}, text)


def test_no_output_and_output_that_leads_elsewhere_are_refused(tool_of):
    with pytest.raises(ToolError, match=r"left no file out\.txt"):
        ask(tool_of("pass\n"), {}, text)
    with pytest.raises(ToolError, match=r"left no file out\.txt"):
        ask(tool_of("os.symlink('/etc/hostname', folder / 'out.txt')\n"), {}, text)


def test_garbage_is_an_error_of_the_tool_not_of_the_caller(tool_of):
    def read(_folder):
        raise InputError("three heads")

    with pytest.raises(ToolError, match="probe wrote what cannot be read: three heads"):
        ask(tool_of(PASS), {}, read)


def test_it_reaches_no_network(tool_of):
    tool = tool_of("import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)\n" + PASS)
    with pytest.raises(ToolError, match="reaches no network"):
        ask(tool, {}, text)


def test_asking_to_stop_ends_the_program(tool_of, tmp_path):
    tool = tool_of(f"Path({str(tmp_path / 'pids')!r}).write_text(str(os.getpid()))\ntime.sleep(60)\n")

    def stop(_fraction, what):
        assert what.startswith("probe runs")
        if (tmp_path / "pids").exists() and (tmp_path / "pids").read_text("utf-8"):
            raise Cancelled

    with progress.listening(stop), pytest.raises(Cancelled):
        ask(tool, {}, text)
    assert gone(int((tmp_path / "pids").read_text("utf-8")))


def test_objects_are_not_handed_over(tool_of):
    with pytest.raises(InputError, match="x holds objects"):
        ask(tool_of(PASS), {"x": np.array([object()])}, text)


def test_what_is_not_installed_says_what_installs_it(tool_of, tmp_path):
    tool = tool_of(PASS)
    with pytest.raises(NotApplicable, match=r"probe 1\.0 is not installed: auditkit tools install probe"):
        ask(tool, {}, text, home=tmp_path / "elsewhere")
    stamp = tmp_path / "home" / "probe" / STAMP
    stamp.write_text('{"requirements": ["auditkit-probe==0.9"]}', "utf-8")
    with pytest.raises(NotApplicable, match="other releases"):
        ask(tool, {}, text)
    stamp.write_text("half a sta", "utf-8")
    with pytest.raises(NotApplicable, match="not installed"):
        ask(tool, {}, text)


def test_a_tool_is_pinned_and_named_plainly(tool_of):
    plain = tool_of(PASS)
    values = {name: getattr(plain, name) for name in Tool.__dataclass_fields__}
    for wrong in (
        {"requirements": ("numpy>=1",)},
        {"requirements": ("--index-url==x",)},
        {"requirements": ()},
        {"name": "../probe"},
        {"outputs": ("../x",)},
    ):
        with pytest.raises(InputError):
            Tool(**(values | wrong))
    with pytest.raises(InputError, match="above 0"):
        Limits(seconds=0)


def test_file_descriptors_do_not_pile_up(tool_of):
    tool = tool_of(PASS)
    ask(tool, {}, text)
    before = psutil.Process(os.getpid()).num_fds()
    for _ in range(3):
        ask(tool, {}, text)
    assert psutil.Process(os.getpid()).num_fds() <= before
