"""Work in a thread: it moves, it stops within a step, and what goes wrong is told."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import pytest

from auditkit import progress, shared
from auditkit.errors import InputError
from auditkit.widgets.working import Going, Preparing, Work


def test_it_ends_with_its_result() -> None:
    work, seen = Work(), []
    work.observe(lambda change: seen.append(change["new"]), "fraction")

    def make() -> str:
        for i in range(1, 4):
            progress.step(i / 4, f"part {i}")
        return "made"

    work.start(make, seed=1)
    assert work.wait(300)
    assert (work.state, work.result, work.fraction) == ("done", "made", 1.0)
    assert seen == [0.25, 0.5, 0.75, 1.0]


def test_it_stops_at_its_next_step_and_can_begin_again() -> None:
    work, begun, cancelled, after = Work(), threading.Event(), threading.Event(), []

    def endless() -> None:
        while True:
            begun.set()
            if cancelled.is_set():
                after.append("a step after the cancel")
            progress.step(None, "on")
            time.sleep(0.01)

    work.start(endless, seed=1)
    assert begun.wait(300)
    with pytest.raises(InputError, match="being made already"):
        work.start(endless, seed=1)
    work.cancel()
    cancelled.set()
    assert work.wait(300)
    assert len(after) <= 1, "a cancel works at the next step, not by the clock of a busy machine"
    assert (work.state, work.result) == ("cancelled", None)
    work.start(lambda: 3, seed=1)
    assert work.wait(300)
    assert work.result == 3


def test_what_goes_wrong_is_told() -> None:
    work = Work()

    def breaks() -> None:
        raise ValueError("no <rows>")

    work.start(breaks, seed=1)
    assert work.wait(300)
    assert (work.state, work.message) == ("failed", "no <rows>")
    going = Going("Go", "Go on", start=lambda: None, cancel=lambda: None)
    going.follow(work.state, work.fraction, work.message)
    assert "no &lt;rows&gt;" in going.trouble.value
    assert not going.run.disabled


def test_a_model_that_ends_the_thread_is_told_and_work_can_begin_again() -> None:
    work = Work()
    work.start(lambda: sys.exit(1), seed=1)
    assert work.wait(300)
    assert (work.state, work.message) == ("failed", "the model's code ended the thread: SystemExit(1)")
    work.start(lambda: "made", seed=1)
    assert work.wait(300)
    assert (work.state, work.result) == ("done", "made")


@pytest.mark.parametrize("trait", ["state", "fraction", "message", "result"])
def test_who_listens_and_breaks_changes_no_state(trait: str, capsys: pytest.CaptureFixture[str]) -> None:
    work = Work()
    work.observe(lambda _: 1 / 0, trait)
    work.start(lambda: "made", seed=1)
    assert work.wait(300)
    assert (work.state, work.result) == ("done", "made")
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_cancel_reaches_the_work_whoever_listens() -> None:
    work, begun = Work(), threading.Event()

    def endless() -> None:
        while True:
            begun.set()
            progress.step(None, "on")
            time.sleep(0.01)

    work.observe(lambda _: 1 / 0, "state")
    work.start(endless, seed=1)
    assert begun.wait(300)
    work.cancel()
    assert work.wait(300)
    assert work.state == "cancelled"


def test_it_shares_what_the_audit_made() -> None:
    """The same piece of work under the same seed is the same in a check and in an explorer."""
    import numpy as np

    work = Work()
    work.start(lambda: shared.seed_of("references", np.random.default_rng()), seed=7)
    assert work.wait(300)
    with shared.within(7):
        assert work.result == shared.seed_of("references", np.random.default_rng())


def test_cancel_waits_for_nobody_who_is_told_of_the_end() -> None:
    """Pictures are drawn by an observer of "done"; the kernel's thread must not stand still for them."""
    work, drawing, drawn = Work(), threading.Event(), threading.Event()

    def draw(change: Any) -> None:
        if change["new"] == "done":
            drawing.set()
            drawn.wait(10)

    work.observe(draw, "state")
    work.start(lambda: 1, seed=1)
    assert drawing.wait(10)
    clock = time.monotonic()
    work.cancel()
    assert time.monotonic() - clock < 1
    assert work.state == "done", "what came to its end stays ended"
    drawn.set()
    assert work.wait(10)


def test_cancelling_and_ending_do_not_cross() -> None:
    """Whoever comes first, work is not left stopping for ever."""
    for _ in range(200):
        work, go = Work(), threading.Event()
        work.start(lambda go=go: go.wait(10), seed=1)
        go.set()
        work.cancel()
        assert work.wait(10)
        assert work.state in ("done", "cancelled")


def test_nothing_is_prepared_while_checks_run() -> None:
    checks, work, go = Work(), Work(), threading.Event()
    preparing = Preparing(checks, work, "Prepare", "Prepare it", start=lambda: work.start(lambda: 1, seed=1))
    assert not preparing.run.disabled
    checks.start(lambda: go.wait(300), seed=1)
    assert preparing.run.disabled
    assert preparing.cancel.disabled, "what it would cancel does not run"
    assert "Checks are running: press Prepare once they ended." in preparing.state.value
    go.set()
    assert checks.wait(300)
    assert not preparing.run.disabled
    assert "Checks" not in preparing.state.value
    preparing.run.click()
    assert work.wait(300)
    assert work.result == 1


def test_what_was_prepared_already_goes_on_while_checks_run() -> None:
    checks, work, go, done = Work(), Work(), threading.Event(), threading.Event()
    preparing = Preparing(checks, work, "Prepare", "Prepare it", start=lambda: None)
    work.start(lambda: go.wait(300), seed=1)
    checks.start(lambda: done.wait(300), seed=1)
    assert not preparing.cancel.disabled
    assert "Checks" not in preparing.state.value
    go.set()
    assert work.wait(300)
    assert preparing.run.disabled
    assert "Checks are running" in preparing.state.value
    preparing.close()
    preparing.close()
    done.set()
    assert checks.wait(300)
    assert "Checks are running" in preparing.state.value, "closed: it listens no more"
