"""Patience: a model that cannot be asked is not asked for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditkit.methods.language.conversation import Reply, cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditkit.methods.language.conversation import Message, Speaker

__all__ = ["NOT_ASKED", "Patience", "causes"]

_TOLD = 3  # reasons
_ENOUGH = 3  # questions in a row; an endpoint has waited several seconds with each
NOT_ASKED = "ModelError: not asked after that"
"""Why a question brought no reply that was not sent."""


@dataclass(slots=True)
class Patience:
    """Asks until three questions in a row fail for a reason that lasts; each later one is told as not asked.

    Attributes
    ----------
    speaker : Speaker
        Who is asked.
    """

    speaker: Speaker
    _vain: int = 0

    def reply(self, messages: Sequence[Message], seed: int) -> Reply:
        """Ask once, or say that it is not asked any more."""
        if self._vain >= _ENOUGH:
            return Reply("", NOT_ASKED, lasting=True)
        found = self.speaker.reply(messages, seed)
        self._vain = self._vain + 1 if found.lasting else 0
        return found


def causes(errors: Iterable[str]) -> str:
    """Return why questions brought no reply, each reason once and at most three, in the order they came.

    Examples
    --------
    >>> causes(["OSError", "ModelError: the endpoint answered with status 500", "OSError"])
    'OSError; the endpoint answered with status 500'
    """
    told = list(dict.fromkeys(map(cause, filter(None, errors))))
    more = f"; {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return "; ".join(told[:_TOLD]) + more
