"""Limits: what a child process may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditkit.sandbox.holding import Hold

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child process may take; whoever goes beyond is ended.

    Attributes
    ----------
    seconds : float
        For one question.
    start_seconds : float
        From the start to the first answer: importing libraries and opening the model.
    training_seconds : float
        For one question that trains the model again.
    memory : int
        Bytes of address space, libraries included.
    answer : int
        Bytes of one answer.
    endings : int
        After so many crashes and hangs the model is not asked again.
    require : tuple of {"memory", "files", "network"}
        What the system must hold the process to; where it does not, nothing is opened. See `auditkit.sandbox.holding.holds`.
    """

    seconds: float = 600.0
    start_seconds: float = 300.0
    training_seconds: float = 3600.0
    memory: int = 8 * 2**30
    answer: int = 2 * 2**30
    endings: int = 3
    require: tuple[Hold, ...] = ()
