"""Progress: said to whoever listens, and to nobody else."""

from __future__ import annotations

import threading

import pytest

from auditkit import progress
from auditkit.errors import Cancelled


def test_without_a_listener_nothing_happens():
    progress.step(0.5, "half")


def test_a_listener_hears_until_the_block_ends():
    heard = []
    with progress.listening(lambda fraction, what: heard.append((fraction, what))):
        progress.step(0.5, "half")
        progress.step()
    progress.step(1.0)
    assert heard == [(0.5, "half"), (None, "")]


def test_listeners_nest():
    outer, inner = [], []
    with progress.listening(lambda *said: outer.append(said)):
        with progress.listening(lambda *said: inner.append(said)):
            progress.step(0.1)
        progress.step(0.2)
    assert (inner, outer) == ([(0.1, "")], [(0.2, "")])


def test_a_listener_stops_the_check():
    def stop(fraction, what):
        raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"), progress.listening(stop):
        progress.step()
    progress.step()  # and is gone


def test_another_thread_is_not_heard():
    heard = []
    with progress.listening(lambda *said: heard.append(said)):
        thread = threading.Thread(target=progress.step, args=(0.5,))
        thread.start()
        thread.join()
    assert heard == []


def test_a_part_of_the_way_goes_from_its_beginning_to_its_end():
    heard = []
    with progress.listening(lambda *said: heard.append(said)):
        with progress.part(0.5, 0.9):
            progress.step(0.0, "begun")
            with progress.part(0.5, 1.0):
                progress.step(0.5, "within")
            progress.step(None, "alive")
            progress.step(2.0)
        progress.step(0.95)
    assert heard == [(0.5, "begun"), (pytest.approx(0.8), "within"), (None, "alive"), (0.9, ""), (0.95, "")]


def test_a_part_without_a_listener_is_silent():
    with progress.part(0.0, 0.5):
        progress.step(0.5)
