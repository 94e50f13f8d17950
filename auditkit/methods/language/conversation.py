"""Conversation: what is said to a language model, and how a callable is asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from auditkit.errors import AuditkitError, InputError, ModelError, in_words

__all__ = [
    "KEPT",
    "Ask",
    "Declined",
    "LastingError",
    "Message",
    "Reply",
    "Speaker",
    "Takes",
    "as_prompt",
    "cause",
]

Role = Literal["system", "user", "assistant"]
Takes = Literal["messages", "prompt"]
Ask: TypeAlias = Callable[..., str]
"""``ask(messages)`` or ``ask(prompt)``, perhaps with ``seed=``; returns the reply."""

KEPT = 100_000
"""Characters of a reply that are looked at. One more is kept, which tells that there were more."""


class LastingError(ModelError):
    """The next question will hardly fare better: nobody answers there, or what comes back is no text."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


class Declined(str):
    """A reply that the service itself marks as a refusal, whatever its words are.

    A callable may return it in place of a text.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from one try.

    Attributes
    ----------
    text : str
        The reply; empty where there was none.
    error : str
        Why there was none; empty where there was one. Of an error that is not auditkit's own the type alone: its words may quote what was
        said, or a key.
    declined : bool
        Whether who answered marks it as a refusal.
    lasting : bool
        Whether the next question will hardly fare better.
    """

    text: str
    error: str = ""
    declined: bool = False
    lasting: bool = False


def as_prompt(messages: Sequence[Message]) -> str:
    r"""Return a conversation as one text: what the system says, then what the user says.

    Examples
    --------
    >>> as_prompt([Message("system", "Be brief."), Message("user", "Hello")])
    'Be brief.\n\nHello'
    """
    return "\n\n".join(one.content for one in messages)


def cause(error: str) -> str:
    """Return why no reply came, without the name of auditkit's own error.

    Examples
    --------
    >>> cause("ModelError: the endpoint answered with status 500")
    'the endpoint answered with status 500'
    >>> cause("RuntimeError")
    'RuntimeError'
    """
    return error.removeprefix("ModelError: ")


@dataclass(frozen=True)
class Speaker:
    """A callable, asked the way it takes.

    Attributes
    ----------
    ask : callable
        Takes a list of ``{"role": ..., "content": ...}``, or one text.
    takes : {"messages", "prompt"}
        Which.
    """

    ask: Ask
    takes: Takes = "messages"

    def __post_init__(self) -> None:
        if not callable(self.ask):
            raise InputError(
                f"ask= is a callable that takes messages and returns a text; got {type(self.ask).__name__}"
            )
        if inspect.iscoroutinefunction(self.ask) or inspect.iscoroutinefunction(type(self.ask).__call__):
            raise InputError("ask= is async; give a function that waits for the reply and returns it")
        if self.takes not in ("messages", "prompt"):
            raise InputError(f"takes= is 'messages' or 'prompt'; got {self.takes!r}")

    @property
    def seeded(self) -> bool:
        """Whether the callable takes a seed."""
        try:
            parameters = inspect.signature(self.ask).parameters
        except (TypeError, ValueError):
            return False
        return "seed" in parameters

    def reply(self, messages: Sequence[Message], seed: int) -> Reply:
        """Ask once; an exception of the callable, or a reply that is no text, is told in the reply."""
        options: Mapping[str, Any] = {"seed": seed} if self.seeded else {}
        said: Any = [{"role": one.role, "content": one.content} for one in messages]
        try:
            found: Any = self.ask(said if self.takes == "messages" else as_prompt(messages), **options)
            if not isinstance(found, str):
                raise _no_text(found)  # noqa: TRY301 - told like the callable's own
        except Exception as error:  # noqa: BLE001 - a model may fail in any way; that is told, and the others are asked
            return Reply("", _told(error), lasting=isinstance(error, LastingError))
        return Reply(str(found)[: KEPT + 1], declined=isinstance(found, Declined))


def _no_text(found: Any) -> ModelError:
    """Return the error for a reply that is no text; None may be an answer that was held back, and another type is a mistake of the callable."""
    if inspect.iscoroutine(found):
        found.close()  # it is awaited by nobody
    said = f"ask returned {type(found).__name__}; expected str"
    return ModelError(said) if found is None else LastingError(said)


def _told(error: Exception) -> str:
    if isinstance(error, ModelError):
        return f"ModelError: {error}"[:300]
    return in_words(error)[:300] if isinstance(error, AuditkitError) else type(error).__name__
