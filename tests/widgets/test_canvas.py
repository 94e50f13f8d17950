"""The canvas, without a browser: where a page shows figures, one is made after the other."""

from __future__ import annotations

from typing import Any

import pytest

from auditkit.widgets import canvas
from auditkit.widgets.canvas import Canvas

LINE: dict[str, Any] = {
    "x": [0.0, 1.0],
    "value": [0.1, 0.2],
    "low": [0.0, 0.1],
    "high": [0.2, 0.3],
    "n": [5, 5],
}
TABLE: dict[str, Any] = {"title": "Rates", "kind": "curve", "columns": LINE}


class Owner:
    """Whose figures they are."""


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Owner:
    monkeypatch.setenv("AUDITKIT_DISPLAY", "widgets")
    return Owner()


def shown(*places: Canvas) -> list[bool]:
    return [place.figure is not None for place in places]


def test_a_figure_is_made_once_the_one_before_is_on_the_page(live: Owner) -> None:
    places = [Canvas(live, f"live {i}") for i in range(3)]
    assert all(place.show(TABLE) for place in places)
    assert shown(*places) == [True, False, False]
    places[1].resume()
    assert shown(*places) == [True, False, False], "to come into sight does not make it sooner"
    places[0].figure._view_count = 1
    assert shown(*places) == [True, True, False]
    places[0].figure._view_count = 2
    assert shown(*places) == [True, True, False]
    places[1].figure._view_count = 1
    assert shown(*places) == [True, True, True]
    places[2].figure._view_count = 1
    other = Canvas(live, "live 1")
    other.show(TABLE)
    assert shown(places[1], other) == [False, True], "lent, not made"


def test_what_waits_is_drawn_as_it_stands_then_or_not_at_all(live: Owner) -> None:
    first, second, third = (Canvas(live, f"live {i}") for i in range(3))
    first.show(TABLE)
    second.show(TABLE)
    second.show({**TABLE, "columns": {**LINE, "value": [0.3, 0.4]}})
    third.show(TABLE)
    third.show(None)
    first.figure._view_count = 1
    assert [0.3, 0.4] in [[*(line.y or ())] for line in second.figure.data]
    second.figure._view_count = 1
    assert third.figure is None


def test_nothing_waits_for_ever_for_a_figure_nobody_shows(
    live: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvas, "_PATIENCE", 0.05)
    first, second = Canvas(live, "live 0"), Canvas(live, "live 1")
    first.show(TABLE)
    second.show(TABLE)
    assert shown(first, second) == [True, False]
    late: Any = next(t for t in canvas.threading.enumerate() if getattr(t, "function", None) == second._next)
    late.join(10)
    assert shown(first, second) == [True, True]


def test_without_a_page_nothing_waits() -> None:
    owner = Owner()
    places = [Canvas(owner, f"live {i}") for i in range(2)]
    for place in places:
        place.show(TABLE)
    assert shown(*places) == [True, True]
