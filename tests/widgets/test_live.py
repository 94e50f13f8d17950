"""What every explorer is made of: a static page tells no more than a report, and one thread at a time puts it on the screen."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from auditkit.errors import InputError
from auditkit.explore import Answer
from auditkit.widgets import Session
from auditkit.widgets.explorers import Explorer


class Told(Explorer):
    """An explorer of one answer that tells a value, and keeps it to itself."""

    title: ClassVar[str] = "Told"
    question: ClassVar[str] = "What is it?"
    pictures: ClassVar[tuple[str, ...]] = ()

    def prepare(self) -> object:
        return object()

    def offer(self, found: object) -> list[Any]:
        return []

    def ask(self) -> Answer:
        return Answer("a record", {"income": 12345}, "Its income is 12345.", "Why.")

    def kept(self, answer: Answer) -> Answer:
        return replace(answer, at={}, says="Its income matters.")


@pytest.fixture
def session(small: Any) -> Session:
    return Session(small.subject(), [small.gap])


def test_a_static_page_tells_what_a_report_would(session: Session) -> None:
    told = json.dumps(list(Told(session).still()))
    assert "Its income matters." in told
    assert "12345" not in told


def test_the_same_view_is_added_once_with_each_note(session: Session) -> None:
    explorer: Any = Told(session)
    explorer.start()
    assert explorer.work.wait(300)

    def add(text: str = "") -> str:
        explorer.why.value = text
        explorer.keep()
        return str(explorer.trouble.value)

    assert "Added to the report" in add("It stands out.")
    assert "in the report already" in add(), "pressed twice: the note is cleared after the first"
    assert "in the report already" in add(" It stands out. ")
    assert "Added to the report" in add("On second thought, it does not.")
    assert [n.text for n in session.notes] == ["It stands out.", "On second thought, it does not."]
    session.take_back()
    assert "Added to the report" in add("On second thought, it does not.")


class Moving(Told):
    """An explorer whose answer moves."""

    at = 1

    def ask(self) -> Answer:
        return Answer("a record", {"at": self.at}, f"It is at {self.at}.", "Why.")

    def kept(self, answer: Answer) -> Answer:
        return answer


def test_another_view_is_added_though_the_note_is_the_same(session: Session) -> None:
    explorer: Any = Moving(session)
    explorer.start()
    assert explorer.work.wait(300)
    explorer.keep()
    explorer.at = 2
    explorer.refresh()
    explorer.keep()
    assert [n.seen["at"] for n in session.notes] == [{"at": 1}, {"at": 2}]


class Twice(Told):
    """An explorer that tells how many threads build or ask at once."""

    def __init__(self, session: Session) -> None:
        self.inside, self.most = 0, 0
        self.offering = threading.Event()
        super().__init__(session)

    def offer(self, found: object) -> list[Any]:
        self._inside(0.3)
        return []

    def ask(self) -> Answer:
        self._inside(0.0)
        return super().ask()

    def _inside(self, seconds: float) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.offering.set()
        time.sleep(seconds)
        self.inside -= 1


def test_controls_are_made_while_nobody_asks(session: Session) -> None:
    explorer = Twice(session)
    explorer.start()
    assert explorer.offering.wait(10)
    explorer.refresh()
    assert explorer.work.wait(10)
    assert explorer.most == 1
    assert explorer.stage.layout.display == ""


def test_cancel_does_not_wait_for_pictures(session: Session) -> None:
    explorer = Twice(session)
    explorer.start()
    assert explorer.offering.wait(10)
    clock = time.monotonic()
    explorer.going.cancel.click()
    assert time.monotonic() - clock < 0.2
    assert explorer.work.wait(10)
    assert explorer.work.state == "done"


def test_nothing_is_prepared_from_code_while_checks_run(small: Any) -> None:
    session = Session(small.subject(), [small.slow])
    session.set("XX301", ticks=100_000)
    explorer = Told(session)
    session.start()
    try:
        with pytest.raises(InputError, match="checks are running: prepare this once they ended"):
            explorer.start()
        assert explorer.work.state == "idle"
        explorer.anew()  # as a control that is moved does
        assert "checks are running" in explorer.going.trouble.value
    finally:
        session.cancel()
        assert session.wait(300)
    explorer.start()
    assert explorer.work.wait(300)
    assert explorer.work.state == "done"


def test_what_breaks_while_it_is_shown_is_said_beneath_the_button(session: Session, capsys: Any) -> None:
    class Broken(Told):
        def offer(self, found: object) -> list[Any]:
            raise ValueError("no <control>")

    explorer = Broken(session)
    explorer.start()
    assert explorer.work.wait(300)
    assert explorer.work.state == "done"
    assert "no &lt;control&gt;" in explorer.going.trouble.value
    assert "ValueError" in capsys.readouterr().err


def test_shown_alone_it_brings_the_style_of_a_studio_once(session: Session) -> None:
    shown = Told(session)
    many = len(shown.children)
    for _ in range(2):
        shown._ipython_display_()
    assert "ak-studio" in shown._dom_classes
    assert len(shown.children) == many + 2, "a style sheet, and what keeps the keys"
