"""Attestation: which evidence of a report is relevant to which requirement of a framework, as declarations of CycloneDX 1.6."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from auditkit.controls.coverage import STATUSES
from auditkit.errors import InputError, needs
from auditkit.exports.beside import Beside
from auditkit.exports.bom import text_of
from auditkit.exports.filled import signed_for
from auditkit.exports.numbers import titles
from auditkit.packing.manifest import canonical, sha256
from auditkit.render.status import shown_counts, shown_status, verdict_words
from auditkit.render.text import cut, one_line

if TYPE_CHECKING:
    from auditkit.controls import Catalogue, Standing
    from auditkit.exports.source import Source
    from auditkit.report import Report

__all__ = ["attestation", "share_of"]

_TYPES = {
    "model": "machine-learning-model",
    "language_model": "machine-learning-model",
    "artifact": "file",
    "table": "data",
}
_ASSESSOR = "assessor"


def attestation(
    report: Report | Source,
    framework: str,
    *,
    catalogue: Catalogue | None = None,
    assessor: str = "",
    third_party: bool = False,
) -> bytes:
    """Return declarations on the requirements of a framework: CycloneDX 1.6 in JSON, held to its schema before it is returned.

    A claim says that evidence relevant to a requirement was collected, and never that it is met: no conformance has a score. The confidence
    of an entry is the share of what the requirement asks about on which there is evidence (`share_of`), and its rationale says what is missing.
    The same report gives the same bytes.

    Parameters
    ----------
    report : Report or Source
        Of any kind of target.
    framework : str
        Its id or its name, as ``auditkit controls`` lists them.
    catalogue : Catalogue, optional
        The shipped one when left out.
    assessor : str
        Which organisation attests; none is named when left out.
    third_party : bool, default False
        Whether it is another than the one that provides what was audited; it is then named.

    Raises
    ------
    InputError
        If a third party is not named, there is no such framework, the report holds no evidence relevant to any control of it or does not say when it was made, or ``cyclonedx-python-lib`` is not installed.

    References
    ----------
    CycloneDX 1.6 (ECMA-424), declarations and definitions of standards.
    """
    try:
        import cyclonedx  # noqa: F401 - its schema and validator
    except ImportError:
        raise needs("cyclonedx-python-lib", "bom", "an attestation in CycloneDX") from None
    if third_party and not one_line(assessor):
        raise InputError(
            "a third party that attests has to be named: say which organisation, with --assessor NAME"
        )
    made = Beside.of(report, framework, catalogue)
    source, about = made.source, made.framework
    target = _target(source)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": source.dated("an attestation").isoformat(),
            "tools": {"components": [_tool(source)]},
            "component": {**target, "bom-ref": "subject"},
        },
        "definitions": {"standards": [_standard(made)]},
        "declarations": {
            "assessors": [_assessor(one_line(assessor), third_party=third_party)],
            "targets": {"components": [target]},
            "evidence": [
                *(_evidence(source, code) for code in made.checks()),
                *(_form(source, form) for form in made.forms().values()),
            ],
            "claims": [_claim(made, one) for one in made.held()],
            "attestations": [_attested(made)],
        },
    }
    # another assessor or other controls are another document, which a serial number must tell apart
    serial = source.id_of("attestation", about.id, sha256(canonical(document)))
    return text_of({**document, "serialNumber": f"urn:uuid:{serial}"}, "attestation")


def share_of(standing: Standing) -> tuple[int, int]:
    """Return on how many of the parts of a control there is evidence, and how many parts it has.

    Its parts are the topics that the catalogue names for it, and one more that people add where only a part of it can be measured. A part on
    which there is evidence in part alone counts as one without.
    """
    parts = len(standing.control.topics) + (standing.control.strength == "partial")
    if not standing.checks:
        return 0, max(parts, 1)
    with_evidence = len(standing.control.topics) - sum(
        not one.startswith("what cannot be measured") for one in standing.missing
    )
    return max(with_evidence, 0), max(parts, 1)


def _ref(kind: str, of: str) -> str:
    return f"{kind}:{of}"


def _assessor(name: str, *, third_party: bool) -> dict[str, Any]:
    named = {"organization": {"name": cut(name, 500)}} if name else {}
    return {"bom-ref": _ASSESSOR, "thirdParty": third_party, **named}


def _tool(source: Source) -> dict[str, Any]:
    version = one_line(source.data["provenance"].get("auditkit"))
    return {"type": "application", "bom-ref": "tool:auditkit", "name": "auditkit", "version": version}


def _target(source: Source) -> dict[str, Any]:
    digest = str((source.data["subject"].get("model") or {}).get("digest") or "")
    whole = len(digest) == 64 and set(digest) <= set("0123456789abcdef")
    return {
        "type": _TYPES.get(source.kind, "application"),
        "bom-ref": "target",
        "name": cut(source.name, 500),
        **({"hashes": [{"alg": "SHA-256", "content": digest}]} if whole else {}),
    }


def _standard(made: Beside) -> dict[str, Any]:
    return {
        "bom-ref": _ref("standard", made.framework.id),
        "name": made.framework.name,
        "version": made.framework.edition,
        "description": f"{made.framework.title}. Titles are auditkit's own words, and stand in for no text. {made.disclaimer}",
        "requirements": [
            {
                "bom-ref": _ref("requirement", one.control.id),
                "identifier": one.control.id,
                "title": one.control.title,
                **({"descriptions": [one.control.remarks()]} if one.control.remarks() else {}),
                "properties": [
                    {"name": "auditkit:strength", "value": one.control.strength},
                    {"name": "auditkit:checked", "value": one.control.checked},
                ],
            }
            for one in made.standings
        ],
    }


def _evidence(source: Source, code: str) -> dict[str, Any]:
    """Return what a check observed, in counts, with digests by which it is found again; no number of the report is in it."""
    evidence = next(one for one in source.data["evidence"] if one["check"] == code)
    stands: dict[str, int] = {}
    for one in source.data["findings"]:
        if one["check"] == code and (status := shown_status(one)) is not None:
            stands[status] = stands.get(status, 0) + 1
    told = {
        "check": code,
        "findings": stands,
        "measurements": len(evidence["measurements"]),
        "sha256": {"report": source.digest, "evidence": sha256(canonical(evidence))},
    }
    content = {"contentType": "application/json", "content": json.dumps(told, sort_keys=True)}
    return {
        "bom-ref": _ref("evidence", code),
        "propertyName": _ref("auditkit", code),
        "description": cut(f"{code}: {titles(source.data).get(code, '')}", 500),
        "data": [{"name": f"{code} in report.json", "contents": {"attachment": content}}],
        "created": source.started.isoformat(),
    }


def _form(source: Source, form: dict[str, Any]) -> dict[str, Any]:
    """Return a form by what it is, how it stands and its digest; no answer is in it."""
    told = {key: one_line(form.get(key)) for key in ("kind", "edition", "state", "digest")}
    content = {"contentType": "application/json", "content": json.dumps(told, sort_keys=True)}
    return {
        "bom-ref": _ref("evidence", f"form:{told['digest']}"),
        "propertyName": _ref("auditkit", f"form:{told['kind']}"),
        "description": cut(f"Form: {one_line(form.get('title'))}, {told['state']}", 500),
        "data": [{"name": "form in report.json", "contents": {"attachment": content}}],
        "created": source.started.isoformat(),
    }


def _claim(made: Beside, standing: Standing) -> dict[str, Any]:
    word, means = STATUSES[standing.status]
    found = [one for one in made.source.data["findings"] if one["fingerprint"] in set(standing.findings)]
    said = verdict_words(shown_counts({"findings": found})) if found else "No criterion was asked of it"
    missing = f" Not here: {'; '.join(standing.missing)}." if standing.missing else ""
    return {
        "bom-ref": _ref("claim", standing.control.id),
        "target": "target",
        "predicate": f"An audit of {cut(made.source.name, 200)} holds evidence relevant to {standing.control.id} of {made.framework.name}.",
        "reasoning": cut(
            f"It stands as {word!r}: {means}. This says what was looked at, and not that the requirement is met. Of the findings: {said}.{missing}",
            2000,
        ),
        "evidence": [
            *(_ref("evidence", code) for code in standing.checks),
            *(_ref("evidence", f"form:{form['digest']}") for form in signed_for(made.source, standing)),
        ],
    }


def _attested(made: Beside) -> dict[str, Any]:
    return {
        "summary": f"Evidence of one audit beside {made.framework.name} ({made.framework.edition}). {made.disclaimer}",
        "assessor": _ASSESSOR,
        "map": [_mapped(one, held=one in made.held()) for one in made.standings],
    }


def _mapped(standing: Standing, *, held: bool) -> dict[str, Any]:
    return {
        "requirement": _ref("requirement", standing.control.id),
        "claims": [_ref("claim", standing.control.id)] if held else [],
        "conformance": {"rationale": "Not scored: auditkit does not say whether a requirement is met."},
        "confidence": _confidence(standing, held=held),
    }


def _confidence(standing: Standing, *, held: bool) -> dict[str, Any]:
    word = STATUSES[standing.status][0]
    missing = f"; not here: {'; '.join(standing.missing)}" if standing.missing else ""
    if held and not standing.checks:
        return {
            "rationale": cut(f"Not scored: a form that people signed and answer for ({word}){missing}", 2000)
        }
    some, parts = share_of(standing)
    said = f"Evidence on {some} of {parts} parts of what it asks about ({word}); no confidence that it is met"
    return {"score": round(some / parts, 3), "rationale": cut(said + missing, 2000)}
