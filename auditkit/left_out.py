"""Left out: what an audit did not examine, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from auditkit.check import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.check import Check
    from auditkit.evidence import Evidence

__all__ = ["OUTSIDE", "not_examined"]

OUTSIDE = (
    (
        "Model files before they are opened, notebooks, language models, installed software",
        "each is audited by itself, as a subject of its own kind",
    ),
    (
        "Whether the labels, and the use of the model, are right",
        "no measurement of a model can tell; people must judge it",
    ),
)


def not_examined(
    plan: tuple[tuple[Check, dict[str, Any]], ...], evidence: tuple[Evidence, ...]
) -> list[dict[str, Any]]:
    """Return of each thing that was not examined what it is and why: what failed, what a check left out, what is left of the plan, what is not in it.

    Parameters
    ----------
    plan : tuple of (Check, dict)
        The checks of the audit, with their parameters.
    evidence : tuple of Evidence
        What there is so far.

    Returns
    -------
    list of dict
        ``what`` and ``why`` of each; ``names`` of the checks where one entry stands for several.
    """
    planned = {check.code: check for check, _ in plan}
    observed = {e.check for e in evidence}
    left = [
        {"what": c.title, "why": "planned, but not run yet"}
        for code, c in planned.items()
        if code not in observed
    ]
    kinds = {check.about for check in planned.values()} or {"model"}
    left += [gap | {"why": "not part of this audit's plan"} for gap in _unplanned(planned, kinds)]
    failed = [
        {"what": planned[e.check].title if e.check in planned else e.check, "why": e.reason}
        for e in evidence
        if e.outcome != "observed"
    ]
    failed += [
        {"what": planned[e.check].title if e.check in planned else e.check, "why": str(e.rows["left_out"])}
        for e in evidence
        if e.outcome == "observed" and e.rows.get("left_out")
    ]
    outside = OUTSIDE if "model" in kinds else ()
    return failed + left + [{"what": what, "why": why} for what, why in outside]


def _unplanned(planned: Mapping[str, Check], kinds: set[str]) -> list[dict[str, Any]]:
    """Return the checks of these kinds of target that are not in a plan, gathered by dimension; by name where others of theirs are in it."""
    fitting = [c for c in registry().checks if c.about in kinds]
    every = Counter(c.dimension for c in fitting)
    begun = {check.dimension for check in planned.values()}
    left: dict[str, list[str]] = {}
    for check in fitting:
        if check.code not in planned:
            left.setdefault(check.dimension, []).append(check.title)
    return [
        {"what": f"{_called(name)} ({len(titles)} of {every[name]} checks)", "names": titles}
        if name in begun
        else {"what": f"{_called(name)} ({every[name]} {'check' if every[name] == 1 else 'checks'})"}
        for name, titles in left.items()
    ]


def _called(dimension: str) -> str:
    return dimension[:1].upper() + dimension[1:].replace("_", " ")
