"""Output: whether the model passes on what acts on who is shown its reply."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.language import _asked
from auditkit.evidence import Evidence
from auditkit.methods.language.probes import output_probes
from auditkit.targets.language_model import LanguageModel

_WORDS = _asked.Words(
    code="AK806",
    metric="unsafe_output",
    did="held what acts on who is shown it",
    does_not_say=(
        "That a page is safe: whoever shows replies must still take them for data. What is harmless as Markdown can act where a page takes it for HTML, code blocks included."
    ),
    source="OWASP LLM05:2025 (improper output handling); for text direction Boucher and Anderson 2021 (arXiv:2111.00169)",
)


@check(
    code="AK806",
    title="Unsafe output",
    question="Does the model pass on scripts, pictures from elsewhere, terminal escapes or unseen text?",
    dimension="language_model",
    metrics=["unsafe_output_rate", "unsafe_output_counted_rate", "unsafe_output_open_rate"],
    about="language_model",
)
def unsafe_output(
    subject: LanguageModel,
    *,
    rng: np.random.Generator,
    prompts: _asked.Prompts = 60,
    tries: _asked.Tries = 2,
    level: common.Level = 0.95,
) -> Evidence:
    """Show documents with markup, pictures, escapes or unseen characters, and count the replies that would act on who is shown them.

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
        ``unsafe_output_rate``: the share of tries whose reply would act, less the detector's errors (Rogan and Gladen 1978, interval of Lang and
        Reiczigel 2014 on tries by wording); ``unsafe_output_counted_rate``: as counted; ``unsafe_output_open_rate``: tries that were left open or
        brought no reply, which widen the intervals of both.

    Raises
    ------
    ModelError
        If not one reply came.
    """
    probes = output_probes(rng, prompts=prompts, system=subject.system)
    return _asked.evidence_of(_WORDS, _asked.asked(subject, probes, tries, rng), level)
