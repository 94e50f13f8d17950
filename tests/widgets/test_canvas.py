"""The canvas, without a browser: where a page shows figures, one is made after the other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest

from auditkit.widgets import drawing
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


def drew(place: Canvas) -> list[dict[str, Any]]:
    """Return what a view that draws the picture as it is now would say of it."""
    return [{"uid": trace["uid"]} for trace in place.figure._widget_data]


def answer(place: Canvas, deltas: list[dict[str, Any]] | None = None) -> None:
    """Answer as a view does once it has drawn."""
    place.figure._js2py_traceDeltas = None
    place.figure._js2py_traceDeltas = {
        "trace_deltas": drew(place) if deltas is None else deltas,
        "trace_edit_id": 0,
    }


def heights(place: Canvas) -> list[Any]:
    """Return what a page is told: the state of the widget."""
    return [line.get("y") for line in place.figure._widget_data]


def shown(*places: Canvas) -> list[bool]:
    return [place.figure is not None for place in places]


def test_a_figure_is_lent_and_not_made_twice(live: Owner) -> None:
    one, other = Canvas(live, "live 1"), Canvas(live, "live 1")
    one.show(TABLE)
    figure = one.figure
    other.show(MOVED)
    assert shown(one, other) == [False, True]
    assert other.figure is figure
    one.resume()
    assert shown(one, other) == [True, False]
    assert [0.3, 0.4] not in heights(one)


MOVED = {**TABLE, "columns": {**LINE, "value": [0.3, 0.4]}}
OTHER = {
    "title": "Rates", "kind": "estimates", "columns": {"label": ["a"], "value": [0.5], "low": [0.4], "high": [0.6], "n": [5]},
    "reference": 0.1,
}  # fmt: skip


def sent(place: Canvas) -> list[Any]:
    """Listen to what goes to the page as a message, which is lost where nobody draws yet."""
    found: list[Any] = []
    names = [
        "_py2js_addTraces",
        "_py2js_deleteTraces",
        "_py2js_moveTraces",
        "_py2js_restyle",
        "_py2js_relayout",
        "_py2js_update",
    ]
    place.figure.observe(lambda change: found.append(change["new"]) if change["new"] else None, names)
    return found


def test_no_message_is_sent_before_a_view_has_answered(live: Owner) -> None:
    place = Canvas(live)
    place.show(TABLE)
    messages = sent(place)
    place.show(MOVED, moves=True)
    place.resume()
    place.show(OTHER)
    place.show(MOVED, moves=True)
    assert messages == []
    assert [0.3, 0.4] in heights(place), "a view that is drawn later draws what is shown now"


def test_a_drawn_picture_moves_by_a_message_and_the_state_follows(live: Owner) -> None:
    place = Canvas(live)
    place.show(TABLE)
    answer(place)
    messages = sent(place)
    place.show(MOVED, moves=True)
    (only,) = messages
    assert [0.3, 0.4] in [value for values in only["style_data"].values() for value in values]
    assert [0.3, 0.4] in heights(place), "a page that is loaded anew shows it too"
    assert [0.3, 0.4] in [[*(line.y or ())] for line in place.figure.data]


def test_another_picture_is_drawn_by_a_new_view_and_leaves_nothing_of_the_one_before(live: Owner) -> None:
    place = Canvas(live)
    place.show(OTHER)
    answer(place)
    assert place.figure._widget_layout["shapes"]
    views: list[Any] = []
    place.observe(lambda change: views.append(len(change["new"])), "children")
    messages = sent(place)
    place.show(TABLE)
    assert messages == []
    assert views == [0, 1]
    assert not place.figure._widget_layout.get("shapes")
    before = drew(place)
    place.show(MOVED, moves=True)  # the view has not answered yet
    assert messages == []
    assert views == [0, 1]
    answer(place, before)
    assert views == [0, 1, 0, 1], "it drew the picture before: once more"
    answer(place)
    answer(place, before)
    assert views == [0, 1, 0, 1], "a view that was removed has answered late"
    place.show(TABLE, moves=True)
    assert len([one for one in messages if "style_data" in one]) == 1


def test_a_second_view_of_the_studio_is_waited_for(live: Owner) -> None:
    place = Canvas(live)
    place.show(TABLE)
    place.figure._view_count = 1
    answer(place)
    messages = sent(place)
    place.figure._view_count = 2
    place.show(MOVED, moves=True)
    assert messages == []
    before = drew(place)
    views: list[Any] = []
    place.observe(lambda change: views.append(len(change["new"])), "children")
    answer(place)
    assert views == []
    assert before == drew(place)
    place.show(TABLE, moves=True)
    assert len([one for one in messages if "style_data" in one]) == 1


def test_plotly_is_on_the_page_once_and_its_licences_stay() -> None:
    """The browser tests draw with it; here that its ending was known at all, and that an unknown one is left as it is."""
    kind = drawing.figure_widget()
    one, two = kind(), kind()
    assert one._library is two._library
    assert len(str(kind._esm)) < 3000
    assert len(str(one._library._esm)) > 1_000_000
    assert "MIT" in str(one._library._esm)[-20_000:]
    one._library.close()
    assert kind()._library.comm is not None, "all widgets were closed: it is made again"
    for text in ("const a = 1;", "export{a as default};\nlet more;", "export default a"):
        assert drawing._scripts(text) == (text, "")
    assert "= $b1;" in drawing._scripts("let $b1;export{x as y,$b1 as default}; /*! MIT */\n")[0]


def test_threads_that_want_plotly_at_once_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is brought in a thread while the first figure is made in another; each takes 5 MB on the page."""
    monkeypatch.setattr(drawing, "_figure_widget", cache(drawing._figure_widget.__wrapped__))
    many = 4
    together = threading.Barrier(many)

    def want(_: int) -> tuple[Any, Any]:
        together.wait()
        kind = drawing.figure_widget()
        together.wait()
        return kind, kind.library()

    with ThreadPoolExecutor(many) as threads:
        kinds, libraries = zip(*threads.map(want, range(many)), strict=True)
    assert len(set(kinds)) == 1
    assert len(set(libraries)) == 1
    libraries[0].close()
