"""Spread: the parts of a check give the same here and in an executor, and one that fails fails alone."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import auditkit
from auditkit import Audit, Dataset, Subject, progress, spread
from auditkit.audit import Finished, Started
from auditkit.errors import Cancelled, InputError, NotApplicable
from auditkit.evidence import Evidence, Measurement

ROWS = 20
JOBS = [(n,) for n in range(6)]


def spawned(workers=2):
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


PARTS_IN_A_FILE = """
import os
import numpy as np
from auditkit.errors import NotApplicable

def square(n):
    return n * n

def fails_at_three(n):
    if n == 3:
        raise ValueError("three")
    return n

def dies_at_three(n):
    if n == 3:
        os._exit(1)
    return n

def refuses(n):
    raise NotApplicable(f"no {n}")

def pid(n):
    return os.getpid()

def draw(seed):
    return float(np.random.default_rng(seed).random())

def model(frame):
    return (frame["a"] > 0).astype(int).to_numpy()
"""


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Return a module that other processes can import too."""
    (tmp_path / "parts_in_a_file.py").write_text(PARTS_IN_A_FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    import parts_in_a_file

    yield parts_in_a_file
    sys.modules.pop("parts_in_a_file")


@pytest.mark.parametrize("pool", [None, ThreadPoolExecutor, spawned], ids=["here", "threads", "processes"])
def test_parts_come_back_in_order_and_fail_alone(pool, parts):
    def both():
        return spread.each(parts.square, JOBS), spread.each(parts.fails_at_three, JOBS)

    if pool is None:
        squares, some = both()
    else:
        with pool() as executor, spread.over(executor):
            squares, some = both()
    assert [part.value for part in squares] == [0, 1, 4, 9, 16, 25]
    assert [part.value for part in some] == [0, 1, 2, None, 4, 5]
    assert isinstance(some[3].error, ValueError)
    assert [part.error for part in some[:3]] == [None] * 3


def test_parts_run_in_the_processes_of_the_executor(parts):
    with spawned() as executor, spread.over(executor):
        found = {part.value for part in spread.each(parts.pid, JOBS)}
    assert os.getpid() not in found


def test_a_part_that_kills_its_worker_fails_alone(parts):
    with spawned() as executor, spread.over(executor):
        found = spread.each(parts.dies_at_three, JOBS)
    assert [part.value for part in found] == [0, 1, 2, None, 4, 5]
    assert found[3].error is not None


def test_what_cannot_be_sent_is_an_error_of_its_part():
    with spawned() as executor, spread.over(executor):
        (part,) = spread.each(lambda n: n, [(1,)])
    assert isinstance(part.error, InputError)
    assert "module that can be imported" in str(part.error)


def test_what_does_not_apply_is_the_answer_of_the_whole(parts):
    with pytest.raises(NotApplicable, match="no 0"):
        spread.each(parts.refuses, JOBS)
    with ThreadPoolExecutor() as executor, spread.over(executor), pytest.raises(NotApplicable, match="no 0"):
        spread.each(parts.refuses, JOBS)


@pytest.mark.parametrize("pool", [None, ThreadPoolExecutor], ids=["here", "threads"])
def test_progress_moves_and_names_the_parts(pool, parts):
    heard = []
    with progress.listening(lambda fraction, what: heard.append((fraction, what))):
        if pool is None:
            spread.each(parts.square, JOBS, "model")
        else:
            with pool(1) as executor, spread.over(executor):
                spread.each(parts.square, JOBS, "model")
    shares = [fraction for fraction, _ in heard]
    assert shares == sorted(shares)
    assert heard[-1] == (6 / 7, "model 6 of 6")


def test_a_stop_drops_what_has_not_begun():
    begun, stop = [], threading.Event()

    def slow(n):
        begun.append(n)
        time.sleep(0.3)

    def listener(_fraction, _what):
        if stop.is_set():
            raise Cancelled("enough")

    with ThreadPoolExecutor(1) as executor, spread.over(executor), progress.listening(listener):
        threading.Timer(0.1, stop.set).start()
        with pytest.raises(Cancelled):
            spread.each(slow, [(n,) for n in range(20)])
    assert len(begun) < 10


def subject(parts):
    X = pd.DataFrame({"a": np.linspace(-1, 1, ROWS)})
    return Subject("s", parts.model, Dataset(X, parts.model(X)))


def a_check(function, code, **more):
    mark = auditkit.check(
        code=code, title="T", question="Q?", dimension="performance", metrics=["value"], **more
    )
    return mark(function)


@pytest.fixture
def spreading(parts):
    def spreading(subject, *, rng) -> Evidence:
        seeds = rng.integers(1000, size=5)
        drawn = [part.value for part in spread.each(parts.draw, [(int(seed),) for seed in seeds])]
        return Evidence("XX910", (Measurement("value", sum(drawn), ROWS),), says="s", does_not_say="d")

    return a_check(spreading, "XX910", spreads=True)


def test_an_audit_says_the_same_wherever_its_parts_ran(parts, spreading):
    here = Audit([spreading, "model_performance"], []).run(subject(parts), seed=4)
    with ThreadPoolExecutor(1) as executor:
        threads = Audit([spreading, "model_performance"], []).run(subject(parts), seed=4, executor=executor)
    with spawned() as executor:
        processes = Audit([spreading, "model_performance"], []).run(subject(parts), seed=4, executor=executor)
    assert here.stable_dict() == threads.stable_dict() == processes.stable_dict()
    assert here.evidence[0].outcome == "observed"


def test_a_check_that_spreads_needs_no_worker_of_its_own(parts, spreading):
    """One worker, two checks that wait for parts: in a worker each would wait for the other for ever."""
    twin = a_check(lambda subject, *, rng: spreading(subject, rng=rng), "XX912", spreads=True)
    with ThreadPoolExecutor(1) as executor:
        report = Audit([spreading, twin], []).run(subject(parts), executor=executor)
    assert [one.outcome for one in report.evidence] == ["observed", "observed"]


def test_closing_the_stream_stops_a_check_that_spreads(parts):
    begun = []

    def part(n):
        begun.append(n)
        time.sleep(0.2)

    def waits(subject, *, rng) -> Evidence:
        spread.each(part, [(n,) for n in range(50)])
        raise AssertionError("not stopped")

    with ThreadPoolExecutor(1) as executor:
        events = Audit([a_check(waits, "XX913", spreads=True)], []).stream(subject(parts), executor=executor)
        assert isinstance(next(events), Started)
        events.close()
    assert len(begun) < 50


def test_what_a_check_spreads_is_counted():
    from auditkit.data import make_credit

    credit = make_credit(n_train=160, n_test=120)
    params = {"reference_attacks": {"references": 4, "pool": 100, "rows": 60}}
    here = Audit(params).run(credit).evidence[0]
    with ThreadPoolExecutor(2) as executor:
        events = list(Audit(params).stream(credit, executor=executor))
    there = next(e.evidence for e in events if isinstance(e, Finished))
    assert here.cost == there.cost
    assert here.cost["refits"] == 4
