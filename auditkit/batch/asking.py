"""Asking: how many questions the checks of language models put, and how long that is likely to take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

from auditkit.costs import PROBE
from auditkit.estimating import WITHIN, Estimate, probe
from auditkit.methods.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from auditkit.check import Check
    from auditkit.targets.language_model import LanguageModel

__all__ = ["QUESTIONS", "Reply", "asking", "questions", "speed_of", "timed"]

Reply: TypeAlias = tuple[float, float] | str
"""Seconds of a reply, from and to; or why that is not known."""

QUESTIONS: dict[str, Callable[[int], int]] = {
    "AK801": lambda prompts: prompts,
    "AK802": lambda prompts: prompts,
    "AK803": lambda prompts: prompts + max(prompts // 5, 2),  # the same in plain words beside
    "AK804": lambda prompts: -(-prompts // 4) * 4,  # in pairs of pairs
    "AK805": lambda prompts: prompts,
    "AK806": lambda prompts: prompts,
}
"""Different questions of each check, of the prompts that it is told to put; each is put once a try."""

_JUDGED = (0.0002, 0.008)  # seconds from a reply to its verdict, where the costs of checks were measured
_LONGER = 3.0  # replies to probes may be so many times as long or as short as that to a greeting
_GREETING = (Message("user", "Hello."),)


def questions(check: Check, params: Mapping[str, Any]) -> int | None:
    """Return how often a check asks the model; None where that is not known beforehand."""
    of = QUESTIONS.get(check.code)
    return None if of is None else of(int(params["prompts"])) * int(params["tries"])


def asking(plan: Iterable[tuple[Check, Mapping[str, Any]]], reply: Reply, speed: float = 1.0) -> Estimate:
    """Return how long checks are expected to take that ask a language model, one question after the other.

    Parameters
    ----------
    plan : iterable of (Check, parameters)
        What is to run, with every parameter resolved.
    reply : tuple of float, or str
        Seconds of a reply, from and to; or why that is not known.
    speed : float
        Seconds this machine takes for what took one second where the costs of checks were measured.
    """
    found, many = Estimate(0.0, 0.0), 0
    for check, params in plan:
        asks = questions(check, params)
        if asks is None:
            why = f"how long {check.title} ({check.code}) takes was not measured"
            found += Estimate(0.0, 0.0, (why,))
            continue
        many += asks
        low, high = (0.0, 0.0) if isinstance(reply, str) else reply
        found += Estimate(asks * (low + speed * _JUDGED[0]), asks * (high + speed * _JUDGED[1]))
    if isinstance(reply, str) and many:
        found += Estimate(0.0, 0.0, (f"how long {many:,} replies take: {reply}",))
    return found


def timed(target: LanguageModel, clock: Callable[[], float] = time.perf_counter) -> Reply:
    """Return how long a reply is expected to take: a callable is greeted once or twice, an endpoint is not asked.

    Whoever plans asked for no question to an address, which may be paid by the question.
    """
    if target.endpoint:
        return "the endpoint is asked when the audit runs, and not before"
    speaker = target.counted().speaker
    took = 0.0
    for seed in range(2):  # the first may load what is needed once
        start = clock()
        said = speaker.reply(_GREETING, seed)
        took = clock() - start
        if said.error:
            return "no reply came to a greeting"
        if took > WITHIN:
            break
    return took / _LONGER, took * _LONGER


def speed_of(clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds this machine takes for what took one second where the costs of checks were measured."""
    return probe(clock) / PROBE
