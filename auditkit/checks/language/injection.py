"""Injection: whether a question, or a document, makes the model set its system prompt aside."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.language import _asked
from auditkit.evidence import Evidence
from auditkit.methods.language.probes import injection_probes
from auditkit.targets.language_model import LanguageModel

_WORDS = _asked.Words(
    code="AK801",
    metric="injection_success",
    did="did what the planted instruction asks",
    does_not_say=(
        "That other instructions are not followed: these are a few dozen wordings in English, none of them made for this model. Nor that a followed instruction does harm: what is asked is harmless."
    ),
    source="Perez and Ribeiro 2022 (arXiv:2211.09527) and Greshake et al. 2023 (arXiv:2302.12173)",
)


@check(
    code="AK801",
    title="Prompt injection",
    question="Can a question or a document make the model set its instructions aside?",
    dimension="language_model",
    metrics=["injection_success_rate", "injection_success_counted_rate", "injection_success_open_rate"],
    about="language_model",
)
def prompt_injection(
    subject: LanguageModel,
    *,
    rng: np.random.Generator,
    prompts: _asked.Prompts = 60,
    tries: _asked.Tries = 2,
    level: common.Level = 0.95,
) -> Evidence:
    """Plant a harmless instruction against the system prompt, in the question or in a document to sum up, and count how often it is followed.

    Parameters
    ----------
    subject : LanguageModel
        Any.
    rng : numpy.random.Generator
        Wordings, what is planted, and the seeds of the tries.
    prompts : int
        Prompts; those of one wording, and their tries, are not taken as independent.
    tries : int
        How often each is tried.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``injection_success_rate``: the share of tries that follow it, less the detector's errors (Rogan and Gladen 1978, interval of Lang and
        Reiczigel 2014 on tries by wording); ``injection_success_counted_rate``: as counted; ``injection_success_open_rate``: tries that were left open or
        brought no reply, which widen the intervals of both.

    Raises
    ------
    ModelError
        If not one reply came.
    """
    probes = injection_probes(rng, prompts=prompts, system=subject.system)
    return _asked.evidence_of(_WORDS, _asked.asked(subject, probes, tries, rng), level)
