"""Verdict: what a detector says of one reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ABSENT", "Outcome", "Verdict"]

Outcome = Literal["found", "absent", "unclear"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a detector says of one reply.

    Attributes
    ----------
    outcome : {"found", "absent", "unclear"}
        Whether the reply holds what the detector looks for; "unclear" where it cannot tell.
    why : str
        In a few words what it saw. It never quotes what must not be told.
    """

    outcome: Outcome
    why: str = ""


ABSENT = Verdict("absent")
