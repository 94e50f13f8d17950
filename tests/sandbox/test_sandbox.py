"""The sandbox: what a child can no longer do, how it ends, and that its parent goes on."""

import io
import json
import os
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.sandbox import landlock, starting
from auditkit.sandbox.limits import Limits
from auditkit.sandbox.process import Child, Ended, Said
from auditkit.sandbox.wire import Unreadable, read_answer, write_answer

HOST = """
import ctypes, os, socket, subprocess, sys, threading, time
import numpy as np

class Host:
    def answer(self, question):
        name, *rest = question
        return getattr(self, name)(*rest)

    def echo(self, what): return {"what": what}, [np.arange(3.0), np.array(["a", "bb"]), np.array([[True]])]
    def crash(self): ctypes.string_at(0)
    def hang(self): time.sleep(1000)
    def fill(self): return {}, [np.ones(2**40)]
    def big(self): return {}, [np.zeros(2**20)]
    def leave(self): os._exit(7)
    def quit(self): raise SystemExit(3)
    def objects(self): return {}, [np.array([{}], dtype=object)]
    def write(self, path): open(path, "w").close(); return {}, []
    def read(self, path): return {"size": len(open(path, "rb").read())}, []
    def run(self, path): return {"code": os.execv("/bin/sh", ["sh", "-c", "touch " + path])}, []
    def connect(self, port): socket.create_connection(("127.0.0.1", port), 5).close(); return {}, []
    def shoot(self, pid): os.kill(pid, 0); return {}, []
    def babble(self): os.write(3, b"x" * 100); return {}, []
    def core(self):
        import resource
        return {"core": resource.getrlimit(resource.RLIMIT_CORE)[0], "environment": sorted(os.environ)}, []
    def print(self): print("hello"); sys.stderr.write("hello"); return {}, []
"""


@pytest.fixture
def start(tmp_path):
    (tmp_path / "host_of_test.py").write_text(HOST)
    made = []

    def child(limits=None):
        made.append(Child("host_of_test:Host", limits or Limits(), [str(tmp_path)]))
        return made[-1]

    yield child
    for one in made:
        one.close()


@pytest.fixture
def shut(start):
    child = start()
    if not child.held["landlock"]:
        if os.environ.get("CI"):
            pytest.fail("this kernel has no Landlock")
        pytest.skip("this kernel has no Landlock")
    return child


def test_it_answers_in_plain_arrays(start):
    child = start()
    answer = child.ask(("echo", "ö"))
    assert answer.facts == {"what": "ö"}
    np.testing.assert_array_equal(answer.arrays[0], [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(answer.arrays[1], ["a", "bb"])
    np.testing.assert_array_equal(answer.arrays[2], [[True]])
    assert child.ask(("print",)).facts == {}
    assert child.ask(("echo", 1)).facts == {"what": 1}


@pytest.mark.linux
def test_it_has_given_up_files_programs_network_and_signals(shut, tmp_path):
    import socket

    for place in (tmp_path / "mark", Path("/tmp/auditkit-mark"), Path.home() / "auditkit-mark"):
        with pytest.raises(Said, match=r"PermissionError|OSError|FileNotFoundError"):
            shut.ask(("write", str(place)))
        assert not place.exists()
    with pytest.raises(Said, match="PermissionError"):
        shut.ask(("read", "/etc/passwd"))
    with pytest.raises(Said, match="PermissionError"):
        shut.ask(("run", str(tmp_path / "mark")))
    assert not (tmp_path / "mark").exists()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with pytest.raises(Said, match=r"PermissionError|OSError"):
            shut.ask(("connect", server.getsockname()[1]))
    if shut.held["landlock"] >= 6:
        with pytest.raises(Said, match=r"PermissionError|ProcessLookupError"):
            shut.ask(("shoot", os.getpid()))
    said = shut.ask(("core",)).facts
    assert said["core"] == 0
    assert not {"PYTHONPATH", "AUDITKIT_TOOLS", "SSH_AUTH_SOCK"} & set(said["environment"])


@pytest.mark.linux
@pytest.mark.parametrize(
    ("question", "reason", "words"),
    [
        ("crash", "crash", "SIGSEGV"),
        ("hang", "hang", "longer than"),
        ("fill", "memory", "8 GiB"),
        ("leave", "crash", "exit code 7"),
    ],
)
def test_an_end_has_a_named_reason_and_the_parent_goes_on(start, question, reason, words):
    child = start(Limits(seconds=2.0 if question == "hang" else 120.0))
    with pytest.raises(Ended, match=words) as caught:
        child.ask((question,))
    assert caught.value.reason == reason
    assert not child.alive
    assert start().ask(("echo", 1)).facts == {"what": 1}


def test_an_error_is_an_answer(start):
    child = start()
    with pytest.raises(Said, match="SystemExit: 3"):
        child.ask(("quit",))
    with pytest.raises(Said, match="AttributeError"):
        child.ask(("no_such_thing",))
    assert child.alive
    assert child.ask(("echo", 1)).facts == {"what": 1}


def test_an_answer_that_is_too_large_is_none(start):
    child = start(Limits(answer=1000))
    with pytest.raises(Ended, match="answer of 8,388,608 bytes"):
        child.ask(("big",))
    assert not child.alive


@pytest.mark.linux
def test_threads_take_turns_only_by_child(start):
    children = [start() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda i: children[i % 3].ask(("echo", i)).facts["what"], range(3)))
    assert said == [0, 1, 2]


@pytest.mark.linux
def test_without_a_process_that_forks_it_is_started_anew(start, monkeypatch):
    monkeypatch.setattr(starting, "_FORKS", False)
    child = start()
    assert child.ask(("echo", 1)).facts == {"what": 1}
    assert child.held["limits"]
    with pytest.raises(Ended, match="SIGSEGV"):
        child.ask(("crash",))


@pytest.mark.linux
def test_a_process_that_forks_and_is_gone_is_made_anew(start):
    start().ask(("echo", 1))
    nursery = starting._nursery()
    nursery.process.kill()
    nursery.process.wait()
    assert start().ask(("echo", 2)).facts == {"what": 2}


def test_no_thread_is_left(start):
    before = set(threading.enumerate())
    child = start()
    for _ in range(20):
        child.ask(("echo", 1))
    child.close()
    until = time.monotonic() + 10  # the last of them may just be leaving
    while len(left := set(threading.enumerate()) - before) > 1 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(left) <= 1


def test_the_version_of_landlock_is_a_number():
    assert landlock.version() >= 0


def frame(head, *arrays):
    data = json.dumps(head).encode() if not isinstance(head, bytes) else head
    return io.BytesIO(struct.pack("<Q", len(data)) + data + b"".join(arrays))


@given(st.binary(max_size=200))
def test_any_bytes_are_no_answer_or_one(data):
    for pipe in (io.BytesIO(data), frame(data)):
        with suppress(Unreadable, EOFError):
            read_answer(pipe, 1000)


@pytest.mark.parametrize(
    "described",
    [
        {"dtype": "|O", "shape": [1]}, {"dtype": "<f8", "shape": [-1]}, {"dtype": "<f8", "shape": [10**9]}, {"dtype": "<f8", "shape": [1] * 9},
        {"dtype": "<f8", "shape": "1"}, {"dtype": "[('a','O')]", "shape": [1]}, {"dtype": "<f77", "shape": [1]}, {"shape": [1]}, 3,
        {"dtype": "<f8", "shape": [True]}, {"dtype": "|V8", "shape": [1]}, {"dtype": "<M8[s]", "shape": [1]},
    ],
)  # fmt: skip
def test_a_hostile_answer_is_none(described):
    with pytest.raises(Unreadable):
        read_answer(frame({"facts": {}, "arrays": [described]}, b"x" * 100), 1000)


@given(
    st.lists(
        st.sampled_from(
            [np.arange(3.0), np.zeros((0, 2)), np.array("x"), np.array([1], ">i4"), np.array([[True, False]])]
        )
    )
)
def test_what_is_written_is_read(arrays):
    pipe = io.BytesIO()
    write_answer(pipe, {"n": len(arrays)}, arrays)
    pipe.seek(0)
    facts, found = read_answer(pipe, 10**6)
    assert facts == {"n": len(arrays)}
    for one, other in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(one, other)
