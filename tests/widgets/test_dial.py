"""The dial: whatever its ends, it reaches them, and every move is heard once it is tidy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.widgets.explorers.live import Dial


def dial(
    low: float, high: float, value: float, step: float, *, log: bool = False
) -> tuple[Dial, list[float]]:
    heard: list[float] = []
    made = Dial("x", low, high, value, step, lambda: heard.append(made.value), log=log)
    return made, heard


@pytest.mark.parametrize("end", [1 / 3, 0.1234567890123456, 98765.4321098765])
@pytest.mark.parametrize("log", [False, True])
def test_an_end_of_many_digits_is_heard(end: float, log: bool) -> None:
    made, heard = dial(end / 100, end, end / 10, end / 500, log=log)
    made.box.value = end
    made.box.value = end / 100
    assert heard == [end, end / 100]
    made.slider.value = end
    made.slider.value = 0.0
    assert heard[2:] == [end, end / 100], "by the slider too"


def test_what_a_browser_counts_up_is_tidied_and_heard_once() -> None:
    made, heard = dial(0.0, 1.0, 0.12, 0.01)
    made.box.value = 0.12 + 0.01
    assert heard == [0.13]
    made.put(0.5)
    assert heard == [0.13]


def test_what_is_typed_beyond_the_ends_stays_and_is_refused_in_words() -> None:
    made, heard = dial(0.0, 1.0, 0.5, 0.01)
    made.box.value = 7
    assert (made.box.value, made.value, made.slider.value, heard) == (7, 0.5, 0.5, [])
    assert "expected a number from 0 to 1; got 7. What is shown is at 0.5." in made.children[2].value
    made.box.value = -1
    assert len(made.children) == 3
    made.box.value = 0.25
    assert (made.value, made.slider.value, heard) == (0.25, 0.25, [0.25])
    assert len(made.children) == 2
    made.box.value = 9
    made.put(0.25)
    assert (made.box.value, len(made.children), heard) == (0.25, 2, [0.25])


def test_about_zero_nothing_is_left_of_a_step() -> None:
    made, heard = dial(-0.3, 0.3, 0.1, 0.1)
    made.slider.value = 0.04
    made.box.value = 0.1 + 0.2 - 0.3 + 0.1
    made.box.value = 0.1 - 0.3 + 0.2
    assert heard == [0.0, 0.1, 0.0]
    assert math.copysign(1, heard[-1]) == 1, "0, not -0"
    assert made.slider.value == 0.0


def test_an_end_between_two_steps_can_be_reached() -> None:
    made, heard = dial(0.0, 1.0, 0.3, 0.3)
    made.slider.value = 1.0
    assert heard == [1.0]
    assert made.slider.value == 1.0


@settings(max_examples=40, deadline=None)
@given(
    ends=st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)).filter(lambda e: abs(e[1] - e[0]) > 1e-6 * max(map(abs, e))),
    parts=st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=5),
    steps=st.integers(1, 1000),
)  # fmt: skip
def test_every_move_within_the_ends_is_heard(
    ends: tuple[float, float], parts: list[float], steps: int
) -> None:
    low, high = sorted(ends)
    made, heard = dial(low, high, low, (high - low) / steps)
    for part in parts:
        value = low + part * (high - low)
        value = min(max(value, low), high)
        for place in (made.box, made.slider):
            before = len(heard)
            moved = made.value
            place.value = value
            assert (made.value != moved) <= len(heard) - before <= 1
            assert not heard or heard[-1] == made.value
            assert low <= made.value <= high
            assert made.value == pytest.approx(
                min(max(value, low), high), abs=(high - low) / steps + 1e-9 * max(abs(low), abs(high))
            )
    for end in ends:
        made.put(end)
        assert made.value == end


@settings(max_examples=40, deadline=None)
@given(
    ends=st.tuples(st.floats(1e-12, 1e9), st.floats(1e-12, 1e9)).filter(lambda e: max(e) > 1.1 * min(e)),
    parts=st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=5),
)
def test_every_move_of_a_log_dial_is_heard(ends: tuple[float, float], parts: list[float]) -> None:
    low, high = sorted(ends)
    made, heard = dial(low, high, low, low, log=True)
    for part in parts:
        value = low * (high / low) ** part
        value = min(max(value, low), high)
        for place in (made.box, made.slider):
            before, moved = len(heard), made.value
            place.value = value
            assert (made.value != moved) <= len(heard) - before <= 1
            assert not heard or heard[-1] == made.value
            assert made.value == pytest.approx(min(max(value, low), high), rel=5e-3)
    for end in ends:
        made.put(end)
        assert made.value == end
