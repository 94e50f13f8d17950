"""Child: the other end, in a process of its own. It gives up its rights, then answers until its parent is gone."""

from __future__ import annotations

import importlib
import os
import pickle
from typing import Any, BinaryIO

from auditkit.sandbox.confinement import confine

__all__ = ["main"]

_LONGEST = 2000  # characters of an error's text


def main(serve: str, memory: int, readable: list[str], modules: list[str]) -> None:
    """Answer the questions on standard input, by an object of the class `serve` ("package.module:Class").

    `modules` are imported before this process gives up files; its parent trusts them.
    Standard output is the private pipe; whatever the model prints goes nowhere.
    """
    questions = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1, 2):
        os.dup2(nowhere, place)
    held = confine(memory, readable, modules)
    from auditkit.sandbox.wire import read_question, write_answer

    module, _, name = serve.partition(":")
    host = getattr(importlib.import_module(module), name)()
    write_answer(answers, {"held": held})
    while (question := read_question(questions)) is not None:
        _answer(host, question, answers)


def _answer(host: Any, question: bytes, answers: BinaryIO) -> None:
    from auditkit.sandbox.wire import write_answer

    try:
        facts, arrays = host.answer(pickle.loads(question))  # noqa: S301 - from the parent, who is trusted
        write_answer(answers, {"said": facts}, arrays)
    except MemoryError:
        host = None
        write_answer(answers, {"error": "MemoryError", "message": "", "kind": "MemoryError"})
    except BaseException as error:  # noqa: BLE001 - a model may raise anything, an exit included
        kinds = [one.__name__ for one in type(error).__mro__]
        text = _text(error)
        write_answer(answers, {"error": type(error).__name__, "message": text, "kinds": kinds})


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_LONGEST].encode("utf-8", "replace").decode("utf-8")
    except Exception:  # noqa: BLE001 - an error may be of a class of the file's making
        return ""
