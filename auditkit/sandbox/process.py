"""Process: a child as its parent sees it, asked one question at a time, and ended when it goes too far."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from auditkit.errors import AuditkitError
from auditkit.sandbox.holding import holds, in_words
from auditkit.sandbox.starting import start
from auditkit.sandbox.wire import Unreadable, read_answer, write_question

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from auditkit.sandbox.limits import Limits
    from auditkit.sandbox.starting import Started

__all__ = ["Answer", "Child", "Ended", "Said"]

Reason = Literal["crash", "hang", "memory", "answer", "start"]


class Ended(AuditkitError):  # noqa: N818 - how a process ended
    """The child is gone, and did not answer.

    Attributes
    ----------
    reason : {"crash", "hang", "memory", "answer", "start"}
        How it ended; "answer" where it wrote what is no answer.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


class Said(AuditkitError):  # noqa: N818 - an answer
    """The child answered with an error.

    Attributes
    ----------
    kinds : tuple of str
        The names of the error's class and of those it derives from.
    message : str
        Its text.
    """

    def __init__(self, kind: str, kinds: Sequence[str], message: str) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind, self.kinds, self.message = kind, tuple(kinds), message


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child said.

    Attributes
    ----------
    facts : dict
        Plain JSON.
    arrays : list of ndarray
        Of numbers, booleans or text.
    """

    facts: dict[str, Any]
    arrays: list[np.ndarray]


class Child:
    """A process that is asked questions.

    Parameters
    ----------
    serve : str
        "package.module:Class": made in the child, its `answer(question)` gives facts and arrays.
    limits : Limits
        What it may take.
    readable : sequence of str
        Paths it may read beside Python's own.
    imports : sequence of str
        Modules that it will need; imported once for all children of this process, where the platform forks.
    trusted : sequence of str
        Types of the user's own that it will need: "credit.transformers.Binned".

    Attributes
    ----------
    held : dict
        What the child gave up: see `auditkit.sandbox.confinement.confine`.

    Raises
    ------
    Ended
        If it does not start, or the system does not hold it to what its limits require.
    """

    def __init__(
        self,
        serve: str,
        limits: Limits,
        readable: Sequence[str] = (),
        imports: Sequence[str] = (),
        *,
        trusted: Sequence[str] = (),
    ) -> None:
        self.limits = limits
        self.owner = os.getpid()
        try:
            self._process = start(
                serve, limits.memory, readable, imports, limits.start_seconds, trusted=trusted
            )
        except OSError as error:
            raise Ended("start", f"the process for the model could not be started: {error}") from None
        self._end = weakref.finalize(self, _kill, self._process, self.owner)
        self.held: dict[str, Any] = self._exchange(None, limits.start_seconds).facts.get("held", {})
        found = holds(self.held)
        if lacking := [name for name in limits.require if not found.get(name)]:
            self.close()
            raise Ended(
                "start",
                f"this system does not hold a process to what is required ({', '.join(lacking)}): {in_words(self.held)}",
            )

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.owner == os.getpid() and self._end.alive

    def ask(self, question: Any, seconds: float | None = None) -> Answer:
        """Ask, and wait for the answer.

        Parameters
        ----------
        question : object
            What the child's `answer` takes; it travels as a pickle, since the child may trust its parent.
        seconds : float, optional
            How long it may take; else as its limits say.

        Raises
        ------
        Ended
            If it crashes, takes too long or too much memory, or answers with what is no answer; it is gone then.
        Said
            If it answers with an error.
        """
        answer = self._exchange(pickle.dumps(question, protocol=5), seconds or self.limits.seconds)
        if "error" in answer.facts:
            kind = str(answer.facts["error"])[:100]
            if kind == "MemoryError":
                self.close()
                raise Ended(
                    "memory",
                    f"it needs more than the {self.limits.memory / 2**30:.3g} GiB of memory it may use",
                )
            kinds = [str(one) for one in answer.facts.get("kinds", [])][:20]
            raise Said(kind, kinds, _plain(str(answer.facts.get("message", ""))))
        said = answer.facts.get("said")
        if not isinstance(said, dict):
            self.close()
            raise Ended("answer", "it wrote what is no answer")
        return Answer(said, answer.arrays)

    def close(self) -> None:
        """End the process."""
        self._end()

    def _exchange(self, question: bytes | None, seconds: float) -> Answer:
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        watch = threading.Timer(seconds, end)
        watch.daemon = True
        watch.start()
        try:
            if question is not None:
                write_question(self._process.questions, question)
            return Answer(*read_answer(self._process.answers, self.limits.answer))
        except Unreadable as error:
            self.close()
            raise Ended("answer", f"it wrote what is no answer: {error}") from None
        except (EOFError, OSError, ValueError):
            raise self._why(late.is_set(), seconds) from None
        except BaseException:
            self.close()  # half an answer may be left in the pipe
            raise
        finally:
            watch.cancel()

    def _why(self, late: bool, seconds: float) -> Ended:  # noqa: FBT001 - of two ways to end
        code = self._process.code()
        self.close()
        if late:
            return Ended("hang", f"it took longer than {seconds:g} seconds and was stopped")
        if code is not None and code < 0:
            name = str(-code)
            with suppress(ValueError):
                name = signal.Signals(-code).name
            words = " (where memory runs out, the system does so)" if name == "SIGKILL" else ""
            return Ended("crash", f"its process was ended by {name}{words}")
        return Ended("crash", f"its process ended with exit code {code}")


def _kill(process: Started, owner: int) -> None:
    if os.getpid() == owner:  # a fork of the parent holds a copy of this object, and no child
        process.kill()
        if process.process is not None:
            process.code()  # collected, so that no number of a process that is gone stays taken
    process.close()


def _plain(text: str) -> str:
    return "".join(ch if ch.isprintable() else " " for ch in text)[:2000]
