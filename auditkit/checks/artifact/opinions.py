"""Opinions: what other scanners say of the file, beside the gate and never in its place."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.sandbox.limits import Limits
from auditkit.sandbox.process import Child, Ended, Said
from auditkit.scanning.artifacts.opinions import SCANNERS, installed
from auditkit.targets.artifact import ModelFile

_SERVE = "auditkit.scanning.artifacts.opinions:Host"
_SECONDS = 120.0
_WORDS = {"flagged": "flags it", "clean": "finds nothing", "unknown": "cannot say"}


@check(
    code="AK602",
    title="Second opinions on a model file",
    question="What do other scanners say of this file?",
    dimension="artifact",
    metrics=["scanner_alarm"],
    about="artifact",
)
def second_opinions(
    subject: ModelFile,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - the contract; nothing is drawn
) -> Evidence:
    """Ask the scanners that are installed what they say of a model file; each runs under limits, in a process of its own.

    Parameters
    ----------
    subject : ModelFile
        The file.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``scanner_alarm`` of each scanner: 1 where it flags the file, 0 where it finds nothing; one that cannot say is in the table alone.

    Raises
    ------
    NotApplicable
        If none is installed.
    """
    found = installed()
    if not found:
        raise NotApplicable(
            'no other scanner is installed: pip install picklescan modelaudit-picklescan (of the extra "scan")'
        )
    extension = "." + subject.file_name.rpartition(".")[2] if "." in subject.file_name else ""
    said = {name: _ask(name, subject.data, extension) for name in found}
    return Evidence(
        "AK602",
        tuple(
            Measurement(
                "scanner_alarm",
                float(verdict == "flagged"),
                1,
                group=f"scanner={name}",
                reason=f"what {name} {found[name]} says; advisory",
            )
            for name, (verdict, _) in said.items()
            if verdict != "unknown"
        ),
        {
            "opinions": Table(
                "What do other scanners say?",
                {
                    "scanner": tuple(f"{name} {found[name]}" for name in said),
                    "says": tuple(_WORDS[verdict] for verdict, _ in said.values()),
                    "words": tuple(words for _, words in said.values()),
                },
                labels={"scanner": "Scanner", "says": "It", "words": "In its words"},
                summary=f"{sum(verdict == 'flagged' for verdict, _ in said.values())} of {len(said)} flag it.",
            )
        },
    )


def _ask(scanner: str, data: bytes, extension: str) -> tuple[str, str]:
    try:
        child = Child(_SERVE, Limits(seconds=_SECONDS), imports=(SCANNERS[scanner],))
    except Ended as why:
        return "unknown", str(why)
    try:
        facts = child.ask((scanner, data, extension)).facts
    except (Ended, Said) as why:
        return "unknown", f"it did not answer: {why}"[:500]
    finally:
        child.close()
    verdict = str(facts.get("verdict"))
    return (verdict if verdict in _WORDS else "unknown"), str(facts.get("words", ""))[:500]
