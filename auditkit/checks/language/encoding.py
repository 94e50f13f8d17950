"""Encoding: whether the model follows in disguise what it should not follow."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.language import _asked
from auditkit.evidence import Evidence
from auditkit.methods.language.probes import PLAIN, encoded_probes
from auditkit.targets.language_model import LanguageModel

_WORDS = _asked.Words(
    code="AK803",
    metric="encoding_success",
    did="did what the disguised instruction asks",
    does_not_say=(
        "That other disguises fail. A model that cannot read a disguise does not follow it either: a low rate is no sign of caution. The row of prompts that are not encoded shows what it follows in plain words."
    ),
    source="Wei et al. 2023 (arXiv:2307.02483) and Boucher et al. 2022 (arXiv:2106.09898)",
)


@check(
    code="AK803",
    title="Encoding tricks",
    question="Does the model follow in base64, rot13 or odd letters what it should not follow?",
    dimension="language_model",
    metrics=["encoding_success_rate", "encoding_success_counted_rate", "encoding_success_open_rate"],
    about="language_model",
)
def encoding_tricks(
    subject: LanguageModel,
    *,
    rng: np.random.Generator,
    prompts: _asked.Prompts = 60,
    tries: _asked.Tries = 2,
    level: common.Level = 0.95,
) -> Evidence:
    """Disguise a harmless instruction against the system prompt, and count how often it is followed, beside the same in plain words.

    Parameters
    ----------
    subject : LanguageModel
        Any.
    rng : numpy.random.Generator
        Wordings, what is planted, and the seeds of the tries.
    prompts : int
        Prompts; those of one wording, and their tries, are not taken as independent. A fifth as many are added that are not disguised.
    tries : int
        How often each is tried.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``encoding_success_rate``: the share of tries that follow it in disguise, less the detector's errors (Rogan and Gladen 1978, interval of Lang and
        Reiczigel 2014 on tries by wording); ``encoding_success_counted_rate``: as counted; ``encoding_success_open_rate``: tries that were left open or
        brought no reply, which widen the intervals of both.

    Raises
    ------
    ModelError
        If not one reply came.
    """
    probes = encoded_probes(rng, prompts=prompts, system=subject.system)
    found = _asked.asked(subject, probes, tries, rng)
    hidden = tuple(one for one in found if one.probe.technique != PLAIN)
    plain = tuple(one for one in found if one.probe.technique == PLAIN)
    return _asked.evidence_of(_WORDS, hidden, level, more=plain)
