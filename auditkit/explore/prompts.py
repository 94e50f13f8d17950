"""Prompts: one prompt said to a language model by hand, and what the detectors say of the reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auditkit.errors import InputError, ModelError, did_you_mean
from auditkit.masking import LEFT_OUT
from auditkit.methods.language import Message, verdict_on
from auditkit.methods.language.conversation import cause
from auditkit.methods.language.probes import (
    FAMILIES,
    Probe,
    encoded_probes,
    injection_probes,
    leak_probes,
    output_probes,
    personal_data_probes,
    refusal_probes,
)

if TYPE_CHECKING:
    from auditkit.targets.language_model import LanguageModel

__all__ = ["Prompts", "Said"]

_MAKERS = {
    "injection": injection_probes,
    "encoding": encoded_probes,
    "refusal": refusal_probes,
    "personal data": personal_data_probes,
    "output": output_probes,
}
_OF_FAMILY = 24
_WHAT = {
    "goal": "the planted instruction is followed",
    "secret": "the secret or the system prompt is told",
    "refusal": "the question is declined",
    "personal data": "an item of personal data is told",
    "markup": "the reply acts on who is shown it",
}
_ANSWER = {"found": "yes", "absent": "no", "unclear": "cannot tell"}


@dataclass(frozen=True, slots=True)
class Said:
    """What one try brought.

    Attributes
    ----------
    reply : str
        As it came; show it as data.
    verdicts : dict of str to str
        In words what each detector looks for, and "yes", "no" or "cannot tell".
    """

    reply: str
    verdicts: dict[str, str]


@dataclass(frozen=True, eq=False)
class Prompts:
    """The prompts of the checks, family by family, to be said one at a time.

    Attributes
    ----------
    target : LanguageModel
        Who is asked.
    probes : dict of str to tuple of Probe
        Of each family some.
    """

    target: LanguageModel
    probes: dict[str, tuple[Probe, ...]] = field(repr=False)

    @classmethod
    def prepare(cls, target: LanguageModel, seed: int = 0) -> Prompts:
        """Draw prompts of every family. Nothing is asked.

        Parameters
        ----------
        target : LanguageModel
            Whose system prompt they begin with.
        seed : int
            Which wordings.
        """
        rng = np.random.default_rng(seed)
        found: dict[str, tuple[Probe, ...]] = {}
        for family in FAMILIES:
            if family == "leak":
                found[family] = leak_probes(
                    rng, prompts=_OF_FAMILY, system=target.system, secret=target.secret
                )
            else:
                found[family] = _MAKERS[family](rng, prompts=_OF_FAMILY, system=target.system)
        return cls(target, found)

    def one(self, family: str, number: int) -> Probe:
        """Return a prompt.

        Raises
        ------
        InputError
            If there is no such family or number.
        """
        if family not in self.probes:
            raise InputError(f"no family of prompts named {family!r}.{did_you_mean(family, self.probes)}")
        many = self.probes[family]
        if not 0 <= number < len(many):
            raise InputError(f"{family} has prompts 0 to {len(many) - 1}; got {number}")
        return many[number]

    def say(self, family: str, number: int, text: str | None = None, *, seed: int = 0) -> Said:
        """Say a prompt, or another text in its place, and return the reply with what the detectors say of it.

        Parameters
        ----------
        family : str
            Of the prompt.
        number : int
            Which of the family.
        text : str, optional
            What is said instead of its question; the system prompt and what is planted stay.
        seed : int
            Handed on to a model that takes one.

        Raises
        ------
        ModelError
            If no reply came. Of an error of the model's own code it tells the type alone.
        """
        probe = self.one(family, number)
        asked = probe.messages[-1].content if text is None else text
        reply = self.target.speaker.reply((*probe.messages[:-1], Message("user", asked)), seed)
        if reply.error:
            left_out = "" if ": " in reply.error else LEFT_OUT
            raise ModelError(f"no reply came: {cause(reply.error)}{left_out}")
        verdicts = {_WHAT[probe.detector]: verdict_on(reply, probe.detector, probe.planted).outcome}
        verdicts[_WHAT["refusal"]] = verdict_on(reply, "refusal", {}).outcome
        verdicts[_WHAT["markup"]] = verdict_on(reply, "markup", {}).outcome
        return Said(reply.text, {what: _ANSWER[outcome] for what, outcome in verdicts.items()})
