"""Facts: what a report knows besides its numbers, as blocks of a paper: the system, its data, the plan, and what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.exports.numbers import gaps, judged, template_words, titles
from auditkit.exports.paper import Points, Rows, Words
from auditkit.render.status import shown_counts, verdict_words, waiver_words
from auditkit.render.text import count, criterion_text, one_line, words
from auditkit.targets.base import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditkit.exports.paper import Block
    from auditkit.exports.source import Source

__all__ = ["FACTS"]


def _system(source: Source) -> tuple[Block, ...]:
    """Return what was audited, as the report describes it."""
    about = source.data["subject"]
    said = [f"Name: {source.name}", f"Kind: {KINDS.get(source.kind, source.kind)}"]
    if "model" in about:
        model = about["model"]
        said += [
            f"Task: {one_line(about.get('task'))}",
            f"Model: {one_line(model.get('kind')) or 'not told'}",
        ]
        said += [f"SHA-256 of the model: {one_line(model.get('digest')) or 'not told'}"]
    else:
        said += [f"{one_line(name)}: {one_line(value)}" for name, value in _pairs(about.get("facts"))]
    return (Points(tuple(said)),)


def _pairs(given: Any) -> list[tuple[str, Any]]:
    return list(given.items()) if isinstance(given, dict) else []


def _software(source: Source) -> tuple[Block, ...]:
    ran = source.data["provenance"]
    rows = [("auditkit", one_line(ran.get("auditkit")))]
    rows += [(one_line(name), one_line(version)) for name, version in _pairs(ran.get("versions")) if version]
    return (Rows(("Software of the audit", "Version"), tuple(rows)),)


def _data(source: Source) -> tuple[Block, ...]:
    """Return the data that a model was judged on and trained on, or the parts of what is no model."""
    about = source.data["subject"]
    if "model" not in about:
        parts = [(one_line(name), one_line(digest)) for name, digest in _pairs(about.get("parts"))]
        return (
            (Rows(("Part", "SHA-256 of the file, or of the values where there is none"), tuple(parts)),)
            if parts
            else ()
        )
    rows = []
    for split, what in (("test", "judged on"), ("train", "trained on")):
        held = about.get(split)
        if held:
            names = ", ".join(map(one_line, held["columns"]))
            rows.append((split, what, count(held["rows"]), names, one_line(held.get("digest")) or "withheld"))
    sensitive = ", ".join(map(one_line, about.get("sensitive_features") or ())) or "none"
    table = Rows(
        ("Rows", "The model was", "How many", "Inputs", "SHA-256 of the values, not of a file"),
        tuple(rows),
        ("How many",),
    )
    lacking = (
        ()
        if about.get("train")
        else (Words("The rows that the model was trained on were not given to the audit."),)
    )
    return (table, *lacking, Words(f"Features by which groups were compared: {sensitive}."))


def _plan(source: Source) -> tuple[Block, ...]:
    ran = source.data["provenance"]
    policy = ran.get("policy") or {}
    checks = ", ".join(f"{code} {title}" for code, title in titles(source.data).items())
    said = (
        f"Begun on {source.day}, with seed {one_line(ran.get('seed'))}",
        f"Checks: {checks}",
        f"Policy: {one_line(policy.get('name'))}, {len(policy.get('criteria', ())):,} criteria, SHA-256 {one_line(policy.get('digest')) or 'not told'}",
        f"Template: {template_words(ran)}",
        f"Report: SHA-256 {source.digest}",
    )
    return (Points(said),)


def _findings(source: Source) -> tuple[Block, ...]:
    return judged(source.data)


def _signatures(source: Source) -> tuple[Block, ...]:
    """Return who added something to the report. Signatures are in the evidence pack, which a report does not know."""
    notes = [
        f"Note by {one_line(one.get('author'))} on {one_line(one.get('time') or one.get('at'))[:10] or 'a day not told'}: {one_line(one.get('text'))}"
        for one in source.data.get("notes", ())
    ]
    said = (
        "Signatures of author and reviewer are in the evidence pack (auditkit pack sign), not in the report."
    )
    return (*((Points(tuple(notes)),) if notes else ()), Words(said))


def _limits(source: Source) -> tuple[Block, ...]:
    said = tuple(
        f"{one['check']} does not say: {one_line(one['does_not_say'])}"
        for one in source.data["evidence"]
        if one.get("does_not_say")
    )
    return (Points(said),) if said else ()


def _gaps(source: Source) -> tuple[Block, ...]:
    said = gaps(source.data)
    return (Points(said),) if said else ()


def _criteria(source: Source) -> tuple[Block, ...]:
    """Return the criteria that were asked of something, each with the reason that its policy gives."""
    asked: dict[tuple[str, ...], None] = {}
    for one in source.data["findings"]:
        if criterion := one.get("criterion"):
            row = (words(criterion["metric"]), criterion_text(criterion), one_line(criterion.get("severity")))
            asked[(*row, one_line(criterion.get("why")) or "no reason was given")] = None
    if not asked:
        return (Words("No criterion was asked of anything that was measured."),)
    return (Rows(("Metric", "Limit", "Severity", "Why, as the policy says it"), tuple(asked)),)


def _open(source: Source) -> tuple[Block, ...]:
    """Return how many criteria stand how, and what was waived by whom until when."""
    waived = tuple(
        f"{one['check']}: {told}" for one in source.data["findings"] if (told := waiver_words(one))
    )
    said = Words(f"Of the audit's own criteria: {verdict_words(shown_counts(source.data))}.")
    return (said, Points(waived)) if waived else (said, Words("Nothing was waived."))


def _versions(source: Source) -> tuple[Block, ...]:
    model: Mapping[str, Any] = source.data["subject"].get("model") or {}
    row = (source.day, source.name, one_line(model.get("digest")) or "not told", source.digest)
    return (Rows(("Audited on", "Name", "SHA-256 of the model", "SHA-256 of the report"), (row,)),)


FACTS: dict[str, Callable[[Source], tuple[Block, ...]]] = {
    "system": _system,
    "software": _software,
    "data": _data,
    "plan": _plan,
    "findings": _findings,
    "signatures": _signatures,
    "limits": _limits,
    "gaps": _gaps,
    "criteria": _criteria,
    "open": _open,
    "versions": _versions,
}
"""What can be said of a report, by name."""
