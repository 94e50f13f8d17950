"""The kernel's client: ready when its own question was answered, on both channels, with nothing left to be read."""

from __future__ import annotations

import asyncio
from queue import Empty
from typing import Any

import pytest

from auditkit.runner.kernel import KernelHandle


class Talk:
    """A kernel's two channels as a script: what arrives after each question; nothing at all when the script is over."""

    def __init__(self, client: Any, *script: tuple[list[Any], list[Any]]) -> None:
        self._script, self._asked = list(script), 0
        self._shell: list[Any] = []
        self._iopub: list[Any] = []
        for name in ("kernel_info", "get_shell_msg", "get_iopub_msg", "is_alive"):
            setattr(client, name, getattr(self, name))

    def kernel_info(self) -> str:
        self._asked += 1
        shell, iopub = self._script.pop(0) if self._script else ([], [])
        self._shell += shell
        self._iopub += iopub
        return f"q{self._asked}"

    async def get_shell_msg(self, timeout: float) -> Any:
        return self._next(self._shell)

    async def get_iopub_msg(self, timeout: float) -> Any:
        return self._next(self._iopub)

    async def is_alive(self) -> bool:
        return bool(self._script)

    def left(self) -> list[Any]:
        return self._shell + self._iopub

    def asked(self) -> int:
        return self._asked

    @staticmethod
    def _next(messages: list[Any]) -> Any:
        if not messages:
            raise Empty
        return messages.pop(0)


def message(kind: str, asked: str, **content: str) -> dict[str, Any]:
    return {"msg_type": kind, "parent_header": {"msg_id": asked}, "content": content}


def reply(asked: str) -> dict[str, Any]:
    return message("kernel_info_reply", asked, protocol_version="5.3")


def states(asked: str) -> list[dict[str, Any]]:
    return [message("status", asked, execution_state=state) for state in ("busy", "idle")]


@pytest.fixture
def client(tmp_path: Any) -> Any:
    manager = KernelHandle({}, tmp_path / "log").manager_class()
    return manager.client_factory.default_value()


def test_an_answer_on_both_channels_is_enough(client: Any) -> None:
    starting = message("status", "", execution_state="starting")
    talk = Talk(client, ([reply("q1")], [starting, *states("q1")]), ([], []))
    asyncio.run(client.wait_for_ready(5))
    assert talk.asked() == 1
    assert talk.left() == []


def test_an_output_channel_that_missed_the_first_answer_is_asked_again(client: Any) -> None:
    talk = Talk(client, ([reply("q1")], []), ([reply("q2")], states("q2")), ([], []))
    asyncio.run(client.wait_for_ready(5))
    assert talk.asked() == 2
    assert talk.left() == []


def test_a_late_answer_to_an_earlier_question_is_not_taken_for_the_last(client: Any) -> None:
    talk = Talk(client, ([], []), ([reply("q1"), reply("q2")], [*states("q1"), *states("q2")]), ([], []))
    asyncio.run(client.wait_for_ready(5))
    assert talk.left() == []


def test_a_kernel_that_dies_is_told(client: Any) -> None:
    Talk(client, ([], []))
    with pytest.raises(RuntimeError, match="died before it answered"):
        asyncio.run(client.wait_for_ready(5))


def test_a_kernel_that_never_answers_is_not_waited_for_longer_than_said(client: Any) -> None:
    Talk(client, *[([], [])] * 50)
    with pytest.raises(RuntimeError, match="did not answer in 0 seconds"):
        asyncio.run(client.wait_for_ready(0))
