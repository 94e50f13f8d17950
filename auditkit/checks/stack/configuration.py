"""Configuration: what files that configure or start machine-learning servers leave open."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.nouns import counted
from auditkit.scanning.stack import Fault, read_configuration
from auditkit.scanning.stack.configuration import RULES
from auditkit.targets.stack import Stack

_FACT = "counted in the files that were named; it has no interval"
_RANK = {"high": 0, "medium": 1, "low": 2}


@check(
    code="AK902",
    title="Open configuration",
    question="What do the files that configure or start machine-learning servers leave open?",
    dimension="stack",
    metrics=["configuration_faults", "serious_configuration_faults", "files_not_recognised"],
    about="stack",
)
def open_configuration(subject: Stack, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG001 - the contract; nothing is drawn
    """Read the files that were named, run none of them, and ask no server.

    Parameters
    ----------
    subject : Stack
        With files.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``configuration_faults``: places that leave something open, of each kind and in all. ``serious_configuration_faults``: those that let
        others act or read without being asked who they are. ``files_not_recognised``: files of which something has no form that is read; while there are
        any, a count of nothing is undefined, and not zero. No value of a setting is in the evidence.
    """
    if not subject.files:
        raise NotApplicable(
            'no files are named: pass Stack(..., files={name: content}), or files = ["..."] in the subject file'
        )
    places = sorted(
        (one for name, content in subject.files.items() for one in read_configuration(content, name)),
        key=lambda one: (one.unknown, _RANK[one.severity], one),
    )
    found = [one for one in places if not one.unknown]
    unknown = list(dict.fromkeys(one.file for one in places if one.unknown))
    n = len(subject.files)
    kinds = {rule: [one for one in found if one.rule == rule] for rule in RULES}
    serious = [one for one in found if one.severity == "high"]
    return Evidence(
        "AK902",
        (
            _counted("configuration_faults", found, n, unknown, group="in all"),
            _counted("serious_configuration_faults", serious, n, unknown),
            Measurement("files_not_recognised", len(unknown), n, reason=_FACT),
            *(
                Measurement("configuration_faults", len(some), n, group=rule.replace("_", " "), reason=_FACT)
                for rule, some in kinds.items()
                if some
            ),
        ),
        {"places": _table(places)},
        says=_says(found, n, unknown),
        does_not_say=(
            "That a server is safe, or is reached: files that were not named, defaults of other releases, firewalls, proxies and the rights of containers "
            "were not looked at, and no server was asked. Of a computed token or password it is taken that it is set."
        ),
        notes=(
            (
                "Where a command names no address, the default of recent releases is taken: this machine alone for MLflow, Ray, Jupyter and Gradio; every "
                "address for Triton, BentoML and H2O. In a compose file the published ports decide."
            ),
        ),
        rows={"used": n, "of": n, "split": "files", "how": "all"},
    )


def _counted(
    metric: str, found: list[Fault], n: int, unknown: list[str], *, group: str | None = None
) -> Measurement:
    """Return a count; nothing found where not all was recognised is undefined."""
    if unknown and not found:
        why = f"of {len(unknown)} of {counted(n, 'file')} not all is known ({', '.join(unknown[:3])}): it was not recognised, which is not the same as clean"
        return Measurement(metric, float("nan"), n, group=group, reason=why)
    return Measurement(metric, len(found), n, group=group, reason=_FACT)


def _table(found: list[Fault]) -> Table:
    columns = {
        "file": tuple(one.file for one in found),
        "line": tuple(one.line for one in found),
        "server": tuple(one.server for one in found),
        "rule": tuple(one.rule for one in found),
        "severity": tuple(one.severity for one in found),
        "says": tuple(one.says for one in found),
        "cure": tuple(one.cure for one in found),
    }
    labels = {
        "file": "File",
        "line": "Line",
        "server": "Server",
        "rule": "Rule",
        "severity": "Severity",
        "says": "What is so",
        "cure": "Instead",
    }
    return Table(
        "Places that leave something open, or are not recognised",
        columns,
        "plain",
        labels,
        f"{counted(len(found), 'place')}.",
    )


def _says(found: list[Fault], n: int, unknown: list[str]) -> str:
    files = counted(n, "file")
    rest = (
        f" Of {len(unknown)} not all was recognised: nothing is known of that ({', '.join(unknown[:3])})."
        if unknown
        else ""
    )
    if not found:
        return f"In {files} nothing was found that leaves a server open.{rest}"
    servers = list(dict.fromkeys(one.server for one in found))
    first = found[0]
    return f"In {files} {counted(len(found), 'place')} {'leaves' if len(found) == 1 else 'leave'} something open ({', '.join(servers)}); first: {first.server} {first.says} ({first.file}, line {first.line}).{rest}"
