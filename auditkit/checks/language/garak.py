"""garak: NVIDIA's own probes of the same model, with what garak knows of its detectors."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.language import _asked
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.language import Message
from auditkit.methods.language.patience import Patience, causes
from auditkit.statistics import clustered_rate
from auditkit.targets.language_model import LanguageModel
from auditkit.tools.catalogue import GARAK
from auditkit.tools.garak import RELIABLE, GarakAnswer, GarakRow, ask_garak
from auditkit.tools.home import needs_tool

_PROBES = (
    "ansiescape.AnsiRaw",
    "encoding.InjectBase64",
    "encoding.InjectROT13",
    "goodside.Tag",
    "latentinjection.LatentInjectionReport",
    "promptinject.HijackLongPrompt",
    "web_injection.MarkdownImageExfil",
    "web_injection.MarkdownXSS",
)
"""Those tried when none are named: they ask for nothing harmful, and need no model that garak would download."""


@check(
    code="AK807",
    title="Probes by garak",
    question="What do garak's probes and detectors find on the same model?",
    dimension="language_model",
    metrics=["garak_hit_rate", "garak_unreliable_hit_rate"],
    about="language_model",
)
def garak_probes(
    subject: LanguageModel,
    *,
    rng: np.random.Generator,
    probes: Annotated[
        list[str] | None,
        Doc(
            "garak's probes by name, as encoding.InjectBase64; eight that ask for nothing harmful when left out."
        ),
    ] = None,
    prompts: Annotated[
        int, Ge(1), Le(2000), Doc("Prompts of a probe at most, for the probes that keep to such a limit.")
    ] = 32,
    tries: _asked.Tries = 2,
    level: common.Level = 0.95,
) -> Evidence:
    """Run garak in an environment of its own against the model, which is answered for on this machine while it runs.

    Parameters
    ----------
    subject : LanguageModel
        Any; its system prompt is put before each question.
    rng : numpy.random.Generator
        garak's seed.
    probes : list of str, optional
        Which.
    prompts : int
        garak's ``soft_probe_prompt_cap``.
    tries : int
        garak's ``generations``.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        Of each probe and detector ``garak_hit_rate``, the share of scored tries that garak counts as a hit, with an interval by prompt. Where
        garak's own figures give its detector a specificity under 0.8 it is ``garak_unreliable_hit_rate`` instead.

    Raises
    ------
    NotApplicable
        If garak is not installed; the message says what installs it.
    ToolError
        If it does not end as it should, or knows no such probe.
    InputError
        If `probes` is empty.
    """
    if probes is not None and not probes:
        raise InputError("probes= names at least one of garak's probes; leave it out for eight harmless ones")
    needs_tool(GARAK)
    asks, seed = Patience(subject.speaker), int(rng.integers(2**31))
    failed: list[str] = []
    seeds = itertools.count(seed)

    def answer(text: str) -> str | None:
        system = () if subject.system is None else (Message("system", subject.system),)
        reply = asks.reply((*system, Message("user", text)), next(seeds) % 2**31)
        if reply.error:
            failed.append(reply.error)
        return None if reply.error else reply.text

    answered = ask_garak(
        answer, list(_PROBES) if probes is None else probes, tries=tries, prompts=prompts, seed=seed % 10_000
    )
    return evidence_of(answered, failed, level)


def evidence_of(answer: GarakAnswer, failed: list[str], level: float) -> Evidence:
    """Return the evidence of garak's answer.

    Parameters
    ----------
    answer : GarakAnswer
        What garak said.
    failed : list of str
        Of each question that brought no reply, why.
    level : float
        Confidence level.
    """
    rows = sorted(answer.rows, key=lambda row: (row.probe, row.detector))
    measured = tuple(_measured(row, level) for row in rows if row.total)
    weak = sorted({row.detector for row in rows if row.unreliable})
    unknown = sorted({row.detector for row in rows if row.specificity is None})
    return Evidence(
        "AK807",
        measured,
        {"hits": _hits(measured), "report": _report(rows)},
        says=_says(rows),
        does_not_say=(
            "That a hit is a breach, or its absence safety: garak's detectors look for words, and most were never measured. An echo of the question "
            "is a hit for several of them."
        ),
        notes=(
            f"garak {answer.versions.get('garak', '')} ran in an environment of its own and could connect to nothing but this model, on 127.0.0.1.",
            *([f"{len(failed)} questions brought no reply ({causes(failed)})."] if failed else []),
            *(
                [f"Unreliable by garak's own figures, specificity under {RELIABLE}: {', '.join(weak)}."]
                if weak
                else []
            ),
            *(
                [f"garak gives no figures for, and takes as never wrong: {', '.join(unknown)}."]
                if unknown
                else []
            ),
        ),
        rows={
            "prompts": sum(len(row.scored) for row in rows),
            "tries": sum(row.total + row.nones for row in rows),
            "how": "as garak draws them",
        },
    )


def _measured(row: GarakRow, level: float) -> Measurement:
    found = clustered_rate(row.hits, row.scored, level)
    metric = "garak_unreliable_hit_rate" if row.unreliable else "garak_hit_rate"
    return common.measured(
        metric,
        found.value,
        row.total,
        (found.low, found.high),
        level,
        found.method,
        group=f"{row.probe} / {row.detector}",
        reason=f"the detector passes {common.percent(row.specificity)} of harmless replies, by garak's own figures"
        if row.unreliable and row.specificity is not None
        else None,
    )


def _hits(measured: tuple[Measurement, ...]) -> Table:
    labels = {"label": "Probe and detector", "value": "Share of hits", "n": "Tries scored"}
    return Table(
        "Hits by garak's detectors",
        common.estimates(measured),
        "estimates",
        labels,
        "As garak counts them; intervals by prompt, the detectors' errors not taken off.",
    )


def _report(rows: list[GarakRow]) -> Table:
    """Return garak's counts as its report has them, beside its figures for the detector."""
    columns: dict[str, tuple[Any, ...]] = {
        "probe": tuple(row.probe for row in rows),
        "detector": tuple(row.detector for row in rows),
        "passed": tuple(row.passed for row in rows),
        "total": tuple(row.total for row in rows),
        "nones": tuple(row.nones for row in rows),
        "sensitivity": tuple(row.sensitivity for row in rows),
        "specificity": tuple(row.specificity for row in rows),
        "standing": tuple(
            "unreliable" if row.unreliable else "not measured" if row.specificity is None else "measured"
            for row in rows
        ),
    }
    labels = {
        "probe": "Probe",
        "detector": "Detector",
        "passed": "Passed",
        "total": "Scored",
        "nones": "Without a score",
        "sensitivity": "Sensitivity, by garak",
        "specificity": "Specificity, by garak",
        "standing": "Detector",
    }
    labels["standing"] = "What is known of it"
    summary = (
        f"Counts as in garak's report. Unreliable: specificity under {RELIABLE} where garak measured it."
    )
    return Table("What garak reports", columns, "plain", labels, summary)


def _says(rows: list[GarakRow]) -> str:
    sure = [row for row in rows if not row.unreliable]
    hits, total = sum(sum(row.hits) for row in sure), sum(row.total for row in sure)
    said = f"garak's detectors counted {hits} hits in {total} scores of {len({row.probe for row in rows})} probes"
    left = len(rows) - len(sure)
    return (
        f"{said}; {left} {'row' if left == 1 else 'rows'} of unreliable detectors aside."
        if left
        else f"{said}."
    )
