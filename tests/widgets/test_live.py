"""What every explorer is made of: a static page tells no more than a report, and one thread at a time puts it on the screen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar

import pytest

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
