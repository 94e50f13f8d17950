"""A file is written whole or not at all, and files that belong together are moved together."""

from __future__ import annotations

import os
import pathlib
import signal
import threading

import pytest

from auditkit.files import held_back, move_together, write_whole

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def test_a_new_file_and_a_replaced_one(tmp_path):
    target = tmp_path / "a.json"
    assert write_whole(target, b"one") == target
    target.chmod(0o600)
    write_whole(target, b"two")
    assert target.read_bytes() == b"two"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failure):
    target = tmp_path / "a.json"
    target.write_bytes(b"old")

    def fails(_handle):
        raise failure

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(type(failure)):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


class Told(Exception):
    """Raised by the handler of a signal."""


@pytest.fixture(params=ENDING, ids=lambda number: number.name)
def number(request):
    """A signal whose handler raises."""

    def handler(_number, _frame):
        raise Told

    before = signal.signal(request.param, handler)
    yield request.param
    signal.signal(request.param, before)


def test_files_move_together_though_a_signal_to_end_comes_between(tmp_path, monkeypatch, number):
    moves = {tmp_path / f"{name}.new": tmp_path / name for name in "abc"}
    for new, old in moves.items():
        new.write_text("new")
        old.write_text("old")
        old.chmod(0o640)
    replace = pathlib.Path.replace

    def and_a_signal(source, target):
        replace(source, target)
        signal.raise_signal(number)

    monkeypatch.setattr(pathlib.Path, "replace", and_a_signal)
    handler = signal.getsignal(number)
    with pytest.raises(Told):
        move_together(moves)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("abc", "new")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}
    assert signal.getsignal(number) is handler


def test_a_signal_that_is_held_back_acts_once_and_an_error_goes_its_way(number):
    with held_back():
        pass
    with pytest.raises(OSError, match="disk"), held_back():
        raise OSError("disk full")
    after = []
    with pytest.raises(Told), held_back():  # noqa: PT012 - what follows the signal is the test
        signal.raise_signal(number)
        signal.raise_signal(number)
        after.append("went on")
    assert after == ["went on"]


def test_what_is_ignored_stays_ignored_and_other_threads_hold_nothing():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with held_back():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    seen = []

    def elsewhere():
        handler = signal.getsignal(signal.SIGINT)
        with held_back():
            seen.append(signal.getsignal(signal.SIGINT) is handler)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [True]
