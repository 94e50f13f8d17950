"""Attempts: probes put to a model, each several times, and what the detectors say of the replies."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.methods.language.conversation import Speaker, as_prompt
from auditkit.methods.language.labelled import judge
from auditkit.methods.language.patience import Patience
from auditkit.methods.language.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditkit.methods.language.conversation import Reply
    from auditkit.methods.language.labelled import DetectorName
    from auditkit.methods.language.probes import Probe

__all__ = ["Attempt", "put", "verdict_on"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one probe.

    Attributes
    ----------
    probe : Probe
        What was said.
    number : int
        Which prompt, from 0.
    reply : str
        What came back.
    verdict : Verdict
        What the detector says; "unclear" where no reply came.
    refused : bool
        Whether the reply declines.
    failed : str
        Why there was no reply; empty where there was one.
    """

    probe: Probe
    number: int
    reply: str
    verdict: Verdict
    refused: bool
    failed: str = ""


def put(
    speaker: Speaker,
    probes: Sequence[Probe],
    *,
    tries: int = 3,
    seed: int = 0,
    each: Callable[[float, str], None] = lambda _part, _what: None,
) -> tuple[Attempt, ...]:
    """Put every probe to a model, several times each; no more once it cannot be asked at all.

    Parameters
    ----------
    speaker : Speaker
        The model.
    probes : sequence of Probe
        What to say.
    tries : int
        How often each is said; a model that takes a seed gets another one each time.
    seed : int
        Where those seeds begin.
    each : callable
        Called before every question with the part done and a few words; what it raises ends it.

    Returns
    -------
    tuple of Attempt
        ``len(probes) * tries``, tries of one probe side by side. A try without a reply is there, with why.

    Raises
    ------
    InputError
        If there is no probe, fewer than one try, or a secret stands in the question itself.
    """
    if not probes or tries < 1:
        raise InputError(f"at least one probe and one try are needed; got {len(probes)} and {tries}")
    asks, found = Patience(speaker), []
    for number, probe in enumerate(probes):
        _sound(probe)
        for one in range(tries):
            each((number + one / tries) / len(probes), f"prompt {number + 1} of {len(probes)}")
            reply = asks.reply(probe.messages, _seed(seed, number, one))
            verdict = verdict_on(reply, probe.detector, probe.planted)
            refused = verdict_on(reply, "refusal", {}).outcome == "found"
            found.append(Attempt(probe, number, reply.text, verdict, refused, reply.error))
    return tuple(found)


def verdict_on(reply: Reply, detector: DetectorName, planted: dict[str, str]) -> Verdict:
    """Return what a detector says of what came back.

    Parameters
    ----------
    reply : Reply
        What came back.
    detector : str
        One of `auditkit.methods.language.DETECTORS`.
    planted : dict of str to str
        What it looks for, as `auditkit.methods.language.judge` takes it.

    Returns
    -------
    Verdict
        "unclear" where no reply came; a refusal where who answered marks it as one.
    """
    if reply.error:
        return Verdict("unclear", "no reply came")
    if detector == "refusal" and reply.declined:
        return Verdict("found", "marked as a refusal by who answered")
    return judge(detector, reply.text, planted)


def _sound(probe: Probe) -> None:
    """Refuse a probe that an echo of its question would fulfil."""
    asked = as_prompt([one for one in probe.messages if one.role != "system"])
    if probe.detector in ("goal", "secret") and (
        judge(probe.detector, asked, {**probe.planted, "system": ""}).outcome == "found"
    ):
        raise InputError(
            f"what a prompt of {probe.family} looks for stands in its question: {probe.technique}"
        )


def _seed(seed: int, number: int, one: int) -> int:
    """Return a seed of 31 bits that depends on all three."""
    digest = hashlib.blake2b(f"{seed} {number} {one}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1
