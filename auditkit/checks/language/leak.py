"""Leak: whether the model tells its system prompt, or a secret in it."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.language import _asked
from auditkit.evidence import Evidence
from auditkit.methods.language.probes import leak_probes
from auditkit.targets.language_model import LanguageModel

_WORDS = _asked.Words(
    code="AK802",
    metric="leak_success",
    did="gave the system prompt or its secret away",
    does_not_say=(
        "That the prompt cannot be had: longer conversations, and questions made for this model, were not tried. Nor what would be lost: only that the planted words came out."
    ),
    source="Zhang, Carlini and Ippolito 2023 (arXiv:2307.06865)",
)


@check(
    code="AK802",
    title="System prompt leak",
    question="Does the model tell what its system prompt says?",
    dimension="language_model",
    metrics=["leak_success_rate", "leak_success_counted_rate", "leak_success_open_rate"],
    about="language_model",
)
def system_prompt_leak(
    subject: LanguageModel,
    *,
    rng: np.random.Generator,
    prompts: _asked.Prompts = 60,
    tries: _asked.Tries = 2,
    level: common.Level = 0.95,
) -> Evidence:
    """Plant a secret in the system prompt, ask for it in sixty wordings, and count how often it, or ten words of the prompt in a row, come out.

    Parameters
    ----------
    subject : LanguageModel
        Any.
    rng : numpy.random.Generator
        Wordings, what is planted, and the seeds of the tries.
    prompts : int
        Prompts; those of one wording, and their tries, are not taken as independent. There are sixty wordings; more prompts repeat them with other secrets.
    tries : int
        How often each is tried.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``leak_success_rate``: the share of tries that give it away, less the detector's errors (Rogan and Gladen 1978, interval of Lang and
        Reiczigel 2014 on tries by wording); ``leak_success_counted_rate``: as counted; ``leak_success_open_rate``: tries that were left open or
        brought no reply, which widen the intervals of both.

    Raises
    ------
    ModelError
        If not one reply came.
    """
    probes = leak_probes(rng, prompts=prompts, system=subject.system, secret=subject.secret)
    return _asked.evidence_of(_WORDS, _asked.asked(subject, probes, tries, rng), level)
