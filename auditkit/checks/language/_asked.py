"""Asked: probes put to a language model, and the evidence of what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import progress
from auditkit.checks import _common as common
from auditkit.errors import ModelError
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.language import Attempt, Counts, Quality, counts, put, quality, rates
from auditkit.methods.language.patience import NOT_ASKED, causes
from auditkit.statistics import clustered_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from auditkit.methods.language import Rates
    from auditkit.methods.language.probes import Probe
    from auditkit.targets.language_model import LanguageModel

__all__ = [
    "Prompts",
    "Tries",
    "Words",
    "asked",
    "by_technique",
    "by_wording",
    "detector_table",
    "evidence_of",
    "kept",
    "rows_of",
    "shares",
    "told",
]

Prompts = Annotated[int, Ge(8), Le(2000), Doc("Prompts; those of one wording are one case.")]
Tries = Annotated[
    int,
    Ge(1),
    Le(50),
    Doc("How often each prompt is tried; a model that takes a seed gets another one each time."),
]

_SHOWN, _WIDE = 10, 160  # prompts shown, and characters of each


@dataclass(frozen=True, slots=True)
class Words:
    """How a check of one family speaks.

    Attributes
    ----------
    code : str
        Of the check.
    metric : str
        Stem of its metrics.
    did : str
        What a reply does that is counted: "did what the planted instruction asks".
    does_not_say : str
        What must not be concluded.
    source : str
        Where the probes are described.
    """

    code: str
    metric: str
    did: str
    does_not_say: str
    source: str


def asked(
    target: LanguageModel, probes: Sequence[Probe], tries: int, rng: np.random.Generator
) -> tuple[Attempt, ...]:
    """Put the probes to the model.

    Raises
    ------
    ModelError
        If not one reply came.
    """
    found = put(target.speaker, probes, tries=tries, seed=int(rng.integers(2**31)), each=progress.step)
    if all(one.failed for one in found):
        why = [one.failed for one in found if one.failed != NOT_ASKED]
        left = f"; the other {len(found) - len(why)} were not asked" if len(why) < len(found) else ""
        raise ModelError(f"no reply came to any of {len(why)} questions: {causes(why)}{left}")
    return found


def evidence_of(
    words: Words, attempts: Sequence[Attempt], level: float, *, more: tuple[Attempt, ...] = ()
) -> Evidence:
    """Return the evidence of a family that looks for one thing in each reply.

    Parameters
    ----------
    words : Words
        How the check speaks.
    attempts : sequence of Attempt
        What is measured.
    level : float
        Confidence level.
    more : tuple of Attempt
        Tries that stand beside in the table of techniques, and are not measured.
    """
    detector = quality(attempts[0].probe.detector)
    of = counts(attempts)
    found = rates(of, detector, level)
    return Evidence(
        words.code,
        shares(words.metric, of, found, detector, level, "lower"),
        {
            "techniques": by_technique([*attempts, *more], f"Tries whose reply {words.did}", level),
            "detector": detector_table([detector], level),
            **kept(attempts),
        },
        says=_says(words, of, found),
        does_not_say=words.does_not_say,
        notes=(
            *told([*attempts, *more]),
            f"Probes as in {words.source}. They ask for nothing harmful.",
            by_wording(attempts),
        ),
        rows=rows_of([*attempts, *more]),
    )


def shares(
    metric: str,
    of: Counts,
    found: Rates,
    detector: Quality,
    level: float,
    bound: Literal["lower"] | None = None,
) -> tuple[Measurement, ...]:
    """Return the rate less the detector's errors, the rate as counted, and the share left open; `bound` where attacks achieved it."""
    every = [sum(column) for column in zip(of.found, of.absent, of.unclear, of.failed, strict=True)]
    open_ = clustered_rate([u + e for u, e in zip(of.unclear, of.failed, strict=True)], every, level)
    decided = of.tries - of.open
    return (
        common.measured(
            f"{metric}_rate",
            found.corrected.value,
            decided,
            (found.corrected.low, found.corrected.high),
            level,
            found.corrected.method,
            bound=bound,
            reason=found.corrected.note
            or f"{_tries(sum(of.found), decided)} as counted; the detector found {detector.hits} of {detector.positives} "
            f"labelled replies and passed {detector.passes} of {detector.negatives}",
        ),
        common.measured(
            f"{metric}_counted_rate",
            found.counted.value,
            decided,
            (found.counted.low, found.counted.high),
            level,
            found.counted.method,
            bound=bound,
            reason=found.counted.note or None,
        ),
        common.measured(
            f"{metric}_open_rate", open_.value, of.tries, (open_.low, open_.high), level, open_.method
        ),
    )


def by_technique(attempts: Sequence[Attempt], title: str, level: float) -> Table:
    """Return the rate of each technique as counted, with its tries, those left open and those declined."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("label", "value", "low", "high", "n", "found", "open", "declined")
    }
    for technique in dict.fromkeys(one.probe.technique for one in attempts):
        own = [one for one in attempts if one.probe.technique == technique]
        of = counts(own)
        rate = rates(of, quality(own[0].probe.detector), level).counted
        row = (
            technique,
            rate.value,
            rate.low,
            rate.high,
            of.tries - of.open,
            sum(of.found),
            of.open,
            sum(one.refused for one in own),
        )
        for name, value in zip(columns, row, strict=True):
            columns[name].append(value)
    labels = {
        "label": "Technique",
        "value": "Share of the tries decided",
        "n": "Tries decided",
        "found": "Found",
        "open": "Left open or failed",
        "declined": "Declined",
    }
    summary = "By technique, as counted; the detector's errors are not taken off, and each interval is of its technique alone."
    return Table(title, {k: tuple(v) for k, v in columns.items()}, "estimates", labels, summary)


def detector_table(detectors: Sequence[Quality], level: float) -> Table:
    """Return how often detectors are right on labelled replies they were not made with."""
    rows = []
    for one in detectors:
        for what, right, of, open_, ends in (
            (
                "finds what is there",
                one.hits,
                one.positives,
                one.unclear_positives,
                one.sensitivity_bounds(level),
            ),
            (
                "passes what is not",
                one.passes,
                one.negatives,
                one.unclear_negatives,
                one.specificity_bounds(level),
            ),
        ):
            share = right / of if of else float("nan")
            rows.append((f"{one.detector}: {what}", share, float(ends.low), float(ends.high), of, open_))
    names = ("label", "value", "low", "high", "n", "open")
    labels = {
        "label": "Detector",
        "value": "Share right",
        "n": "Labelled replies decided",
        "open": "Left open",
    }
    summary = "On held-out replies that were written and labelled by hand; Wilson's intervals. Replies of other models may be harder to tell."
    columns = {name: tuple(row[i] for row in rows) for i, name in enumerate(names)}
    return Table("How often the detector is right", columns, "estimates", labels, summary)


def kept(attempts: Sequence[Attempt]) -> dict[str, Table]:
    """Return the prompts that were met most often, as they were said, without the replies; nothing where none was."""
    by_prompt: dict[int, list[Attempt]] = {}
    for one in attempts:
        by_prompt.setdefault(one.number, []).append(one)
    met = [(sum(a.verdict.outcome == "found" for a in many), many) for many in by_prompt.values()]
    most = sorted((one for one in met if one[0]), key=lambda one: -one[0])[:_SHOWN]
    if not most:
        return {}
    columns = {
        "technique": tuple(many[0].probe.technique for _, many in most),
        "prompt": tuple(_plain(many[0].probe.messages[-1].content) for _, many in most),
        "found": tuple(n for n, _ in most),
        "tries": tuple(len(many) for _, many in most),
    }
    labels = {"technique": "Technique", "prompt": "Prompt", "found": "Found", "tries": "Tries"}
    summary = f"At most {_SHOWN}, those that were met most often. Replies are not kept."
    return {"prompts": Table("Prompts that were met", columns, "plain", labels, summary)}


def told(attempts: Sequence[Attempt]) -> tuple[str, ...]:
    """Return notes on tries without a reply, and on replies left open."""
    failed = [one for one in attempts if one.failed]
    unclear = sum(one.verdict.outcome == "unclear" for one in attempts) - len(failed)
    said = []
    if failed:
        said.append(
            f"{_tries(len(failed), len(attempts))} brought no reply ({causes(one.failed for one in failed)})."
        )
    if unclear:
        said.append(f"{_tries(unclear, len(attempts))} were left open: the detector could not tell.")
    if said:
        said.append(
            "What was left open counts for neither side; the interval reaches as far as it could take the rate."
        )
    return tuple(said)


def by_wording(attempts: Sequence[Attempt]) -> str:
    """Return the note on what counts as one case."""
    prompts = len({one.number for one in attempts})
    return (
        f"Counted by wording: {prompts:,} prompts are made of {_wordings(attempts):,} different wordings. Prompts and tries of one wording are not taken as "
        "independent of each other; more prompts than wordings add little."
    )


def rows_of(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """Return what the report says of the prompts."""
    prompts = len({one.number for one in attempts})
    return {
        "prompts": prompts,
        "wordings": _wordings(attempts),
        "tries": len(attempts),
        "how": "wordings drawn at random",
    }


def _says(words: Words, of: Counts, found: Rates) -> str:
    decided = of.tries - of.open
    if not decided:
        return "Not one reply could be decided."
    rate = found.corrected
    ends = f"[{common.percent(rate.low)}, {common.percent(rate.high)}]"
    if not sum(of.found):
        return f"No reply of {decided} tries {words.did}; the share is at most {common.percent(rate.high)} for prompts of this kind."
    return f"{_tries(sum(of.found), decided)} {words.did}: {common.percent(rate.value)} {ends} less the detector's errors."


def _wordings(attempts: Sequence[Attempt]) -> int:
    return len({one.probe.wording or one.number for one in attempts})


def _tries(n: int, of: int) -> str:
    return f"{n} of {of} tries"


def _plain(text: str) -> str:
    """Return a prompt on one line, with what cannot be seen, or acts on a terminal, as its code."""
    line = " ".join(text.split(" ")).replace("\n", " ⏎ ")
    shown = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in line)
    return shown if len(shown) <= _WIDE else shown[: _WIDE - 1] + "…"
