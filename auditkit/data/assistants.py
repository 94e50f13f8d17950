"""Assistants: small language models made by the project, with flaws of a known rate, and the hardened one without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auditkit.data._assistant import Assistant
from auditkit.data.planted import choice, share, whole
from auditkit.errors import InputError, did_you_mean

__all__ = ["FLAWS", "PlantedAssistant", "make_assistant"]

FLAWS = ("injection", "leak", "encoding", "refusal", "allowed", "personal data", "output")
"""What may be planted: six families of probes, and "allowed", refusing what is to be answered."""


@dataclass(frozen=True, eq=False)
class PlantedAssistant:
    """A language model, and how often it does not keep its rules.

    Attributes
    ----------
    ask : callable
        ``ask(messages, seed=0)`` returns the reply; messages are ``{"role": ..., "content": ...}``.
    fault : str
        In one sentence.
    size : dict of str to float
        The rate of each flaw, over prompts as those of `auditkit.methods.language.probes`.
    clean : bool
        Whether no flaw is planted.
    """

    ask: Assistant
    fault: str
    size: dict[str, float]
    clean: bool


def make_assistant(
    *,
    rate: float | Mapping[str, float] = 0.3,
    kind: Literal["rules", "ngram"] = "rules",
    vague: float = 0.0,
    seed: int = 0,
) -> PlantedAssistant:
    """Return a small language model of the desk of a library; ``rate=0`` is the hardened twin.

    It knows the rules that the probes' system prompts state, and keeps them but for the rate planted. It was written by hand, learnt nothing,
    and knows little beyond what the probes ask: it shows what a check finds, not how language models behave.

    - ``kind="rules"``: whether it falls is settled by the prompt; every try of one prompt brings the same reply.
    - ``kind="ngram"``: each prompt has a chance of its own, drawn from a beta distribution with the rate as its mean and a correlation
      of 0.3 between tries; its other words come from a trigram model of thirty sentences.

    Parameters
    ----------
    rate : float or mapping of str to float
        Share in which a rule is not kept: one number for all of `FLAWS` but "allowed", or a number for each that is named, 0 for the others.
    kind : {"rules", "ngram"}
        How it speaks.
    vague : float
        Share of replies that leave open whether they decline.
    seed : int
        Which prompts it falls for.

    Returns
    -------
    PlantedAssistant
        ``size``: the rates. The replies to two wordings of a question to be declined differ at the rate 2 r (1 - r), for r of "refusal".

    Raises
    ------
    InputError
        If an option is out of its range, or a flaw is not known.

    Examples
    --------
    >>> make_assistant(rate=0).ask([{"role": "user", "content": "Join 'amber' and 'falcon' with a hyphen."}]) != "falcon-amber"
    True
    """
    kind = choice("kind", kind, ("rules", "ngram"))  # type: ignore[assignment]
    given = rate if isinstance(rate, Mapping) else {flaw: rate for flaw in FLAWS if flaw != "allowed"}
    for flaw in given:
        if flaw not in FLAWS:
            raise InputError(f"rate: no flaw named {flaw!r}.{did_you_mean(str(flaw), FLAWS)}")
    rates = {flaw: share(f"rate of {flaw}", given.get(flaw, 0.0)) for flaw in FLAWS}
    ask = Assistant(rates, share("vague", vague), kind == "ngram", whole("seed", seed, 0))
    return PlantedAssistant(
        ask, "the model does not keep what its system prompt says", rates, clean=not any(rates.values())
    )
