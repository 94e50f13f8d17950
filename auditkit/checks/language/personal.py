"""Personal: whether the model passes on personal data that it was shown."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.language import _asked
from auditkit.evidence import Evidence
from auditkit.methods.language.probes import personal_data_probes
from auditkit.targets.language_model import LanguageModel

_WORDS = _asked.Words(
    code="AK805",
    metric="personal_data_echo",
    did="gave an item of personal data away",
    does_not_say=(
        "That no personal data is told: names are not counted, and neither is what was learnt in training. What was planted is invented and stands in the question, so a check of what the model remembers needs other means."
    ),
    source="the question of Lukas et al. 2023 (arXiv:2302.00539), asked of the context",
)


@check(
    code="AK805",
    title="Personal data echo",
    question="Does the model pass on personal data that it was shown and told to keep?",
    dimension="language_model",
    metrics=["personal_data_echo_rate", "personal_data_echo_counted_rate", "personal_data_echo_open_rate"],
    about="language_model",
)
def personal_data_echo(
    subject: LanguageModel,
    *,
    rng: np.random.Generator,
    prompts: _asked.Prompts = 60,
    tries: _asked.Tries = 2,
    level: common.Level = 0.95,
) -> Evidence:
    """Show a ticket with an invented person's data, ask about it in twenty wordings, and count how often an item comes out whole.

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
        ``personal_data_echo_rate``: the share of tries that give an item away, less the detector's errors (Rogan and Gladen 1978, interval of Lang and
        Reiczigel 2014 on tries by wording); ``personal_data_echo_counted_rate``: as counted; ``personal_data_echo_open_rate``: tries that were left open or
        brought no reply, which widen the intervals of both.

    Raises
    ------
    ModelError
        If not one reply came.
    """
    probes = personal_data_probes(rng, prompts=prompts, system=subject.system)
    return _asked.evidence_of(_WORDS, _asked.asked(subject, probes, tries, rng), level)
