"""OSCAL: a report as assessment results, in which a finding is about a criterion of the audit and never about a control as a whole."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from auditkit.controls.coverage import STATUSES as STANDINGS
from auditkit.exports._oscal import LONG, NS, STATES, Made, prop, token
from auditkit.exports.filled import signed_for
from auditkit.exports.numbers import titles
from auditkit.packing.manifest import canonical, sha256
from auditkit.render.status import STATUSES, shown_status, waiver_words
from auditkit.render.text import criterion_text, cut, measured, of_group, one_line
from auditkit.shape import misfit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.controls import Catalogue, Standing
    from auditkit.exports.source import Source
    from auditkit.report import Report

__all__ = ["NS", "VERSION", "assessment_results", "schema", "token"]

VERSION = "1.1.3"
_REMARKS = {
    "inconclusive": "The evidence does not decide it. Not satisfied means here that it was not shown to be met.",
    "unmeasured": "It could not be measured. Not satisfied means here that it was not shown to be met.",
    "not_found": "Within the limit as far as the attacks that were tried can tell.",
    "by_construction": "It follows from how the value is made, and was not put to the test.",
}


def assessment_results(
    report: Report | Source, framework: str, *, catalogue: Catalogue | None = None
) -> dict[str, Any]:
    """Return a report as OSCAL assessment results, held to `schema` before they are returned.

    One observation a check that observed something. For each control of the framework to which evidence is relevant there is an objective with a part
    for each criterion that the audit's policy asked; a finding is about such a part: satisfied, if the criterion is met, else not satisfied, also where
    the evidence does not decide. So no finding says that a control is satisfied. Ids follow from the digest of the report.

    Parameters
    ----------
    report : Report or Source
        Of any kind of target.
    framework : str
        Its id or its name, as ``auditkit controls`` lists them.
    catalogue : Catalogue, optional
        The shipped one when left out.

    Raises
    ------
    InputError
        If there is no such framework, or the report holds no evidence relevant to any control of it, or does not say when it was made.

    References
    ----------
    NIST, Open Security Controls Assessment Language 1.1, assessment results model.
    """
    made = Made.of(report, framework, catalogue)
    source, about = made.source, made.framework
    source.dated("OSCAL")
    document: dict[str, Any] = {
        "assessment-results": {
            "uuid": "",
            "metadata": {
                "title": f"Audit of {cut(source.name, 200)}, beside {about.name}",
                "last-modified": source.started.isoformat(),
                "version": source.digest[:16],
                "oscal-version": VERSION,
                "remarks": made.disclaimer or "A map of evidence.",
            },
            "import-ap": {
                "href": f"#{made.id_of('plan')}",
                "remarks": "The plan and the policy that the report itself holds.",
            },
            "local-definitions": {"objectives-and-methods": [_objective(made, one) for one in made.held()]},
            "results": [_result(made)],
            "back-matter": {"resources": _resources(made)},
        }
    }
    # other controls or other words about the same report are another document
    document["assessment-results"]["uuid"] = made.id_of("document", sha256(canonical(document)))
    if wrong := misfit(document, schema()):
        raise ValueError(f"the assessment results do not fit auditkit's schema of OSCAL {VERSION}: {wrong}")
    return document


@functools.cache
def _schema() -> dict[str, Any]:
    text = (files("auditkit") / "schemas" / "oscal-assessment-results-1.1.schema.json").read_text("utf-8")
    return dict(json.loads(text))


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of the part of OSCAL's assessment results that is written here; NIST's own takes all that it takes."""
    return _schema()


def _part(made: Made, standing: Standing, finding: Mapping[str, Any]) -> str:
    return f"{made.token(standing)}.{finding['fingerprint']}"


def _objective(made: Made, standing: Standing) -> dict[str, Any]:
    """Return what was looked at of a control: a part for its title in auditkit's words, and one a criterion."""
    control = standing.control
    parts = [
        {
            "id": f"{made.token(standing)}.about",
            "name": "overview",
            "ns": NS,
            "prose": f"{control.title} (auditkit's words, which stand in for no text)",
        }
    ]
    for one in made.judged(standing):
        asked = one["criterion"]
        words = of_group(asked["metric"], (one.get("measurement") or {}).get("group") or asked.get("group"))
        parts.append(
            {
                "id": _part(made, standing, one),
                "name": "assessment-objective",
                "ns": NS,
                "prose": cut(f"{words} is {criterion_text(asked)}", LONG),
            }
        )
    return {
        "control-id": made.token(standing),
        "description": cut(f"{made.framework.name} {control.id}: {control.title}", LONG),
        "props": [
            prop("control", control.id),
            prop("coverage", standing.status),
            prop("strength", control.strength),
            prop("checked", control.checked),
            *(prop("evidence", code) for code in standing.checks),
            *(prop("evidence", f"form {form['digest']}") for form in signed_for(made.source, standing)),
        ],
        "parts": parts,
        **({"remarks": cut(f"Not here: {'; '.join(standing.missing)}", LONG)} if standing.missing else {}),
    }


def _result(made: Made) -> dict[str, Any]:
    source = made.source
    findings = [_finding(made, one, about) for one in made.held() for about in made.judged(one)]
    verdict = source.data["verdict"]
    return {
        "uuid": made.id_of("result"),
        "title": f"Audit of {cut(source.name, 200)}",
        "description": "What the checks of an audit observed, and how its policy judged that. It does not say that a control is satisfied.",
        "start": source.started.isoformat(),
        "props": [
            prop("verdict", verdict),
            prop("framework", f"{made.framework.name}, {made.framework.edition}"),
        ],
        "local-definitions": _defined(made),
        "reviewed-controls": _reviewed(made),
        "observations": [
            *(_observation(made, code) for code in made.checks()),
            *(_examined(made, form) for form in made.forms().values()),
        ],
        **({"findings": findings} if findings else {}),
    }


def _defined(made: Made) -> dict[str, Any]:
    """Return what was assessed, and by what."""
    source = made.source
    digest = one_line((source.data["subject"].get("model") or {}).get("digest"))
    tool = {
        "uuid": made.id_of("tool"),
        "type": "software",
        "title": "auditkit",
        "description": "The program that ran the checks.",
        "props": [prop("version", source.data["provenance"].get("auditkit")), prop("seed", source.data["provenance"].get("seed"))],
        "status": {"state": "operational"},
    }  # fmt: skip
    subject = {
        "uuid": made.id_of("subject"),
        "type": "software",
        "title": cut(source.name, 200),
        "description": "What was audited.",
        "props": [prop("kind", source.kind), *([prop("sha-256", digest)] if digest else [])],
        "status": {"state": "other", "remarks": "The report does not say whether it is in use."},
    }
    platform = {"uuid": made.id_of("platform"), "title": "Where the checks ran", "uses-components": [{"component-uuid": tool["uuid"]}]}  # fmt: skip
    return {
        "components": [subject],
        "assessment-assets": {"components": [tool], "assessment-platforms": [platform]},
    }


def _reviewed(made: Made) -> dict[str, Any]:
    """Return the controls to which there is evidence, by how they stand; of the others it is said that there is none."""
    selections = []
    for status, (word, means) in STANDINGS.items():
        own = [one for one in made.held() if one.status == status]
        if own:
            selections.append(
                {
                    "description": f"{word}: {means}",
                    "props": [prop("coverage", status)],
                    "include-controls": [{"control-id": made.token(one)} for one in own],
                }
            )
    reviewed = {one.control.id for one in made.held()}
    others = [
        f"{one.control.id} ({STANDINGS[one.status][0]})"
        for one in made.standings
        if one.control.id not in reviewed
    ]
    said = f"No evidence of this report is relevant to: {', '.join(others)}" if others else ""
    return {"control-selections": selections, **({"remarks": said} if said else {})}


def _observation(made: Made, code: str) -> dict[str, Any]:
    data = made.source.data
    evidence = next(one for one in data["evidence"] if one["check"] == code)
    said = one_line(evidence.get("says")) or "No sentence was given."
    not_said = one_line(evidence.get("does_not_say"))
    return {
        "uuid": made.id_of("observation", code),
        "title": cut(f"{code}: {titles(data).get(code, '')}", 300),
        "description": cut(said, LONG),
        "props": [prop("check", code), prop("measurements", len(evidence["measurements"]))],
        "methods": ["TEST"],
        "types": ["finding"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": made.id_of("tool")}]}],
        "subjects": [{"subject-uuid": made.id_of("subject"), "type": "component"}],
        "relevant-evidence": [
            {
                "href": f"#{made.id_of('report')}",
                "description": f"The evidence of {cut(code, 100)} in the report",
                "props": [prop("sha-256", sha256(canonical(evidence)))],
            }
        ],
        "collected": made.source.started.isoformat(),
        **({"remarks": cut(f"It does not say: {not_said}", LONG)} if not_said else {}),
    }


def _examined(made: Made, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form that people signed as an observation, by what it is and how it stands; no answer is in it."""
    return {
        "uuid": made.id_of("form", str(form["digest"])),
        "title": cut(f"Form: {one_line(form.get('title'))}", 300),
        "description": cut(f"What people answered: {one_line(form.get('state')) or 'signed'}.", LONG),
        "props": [prop("form", form.get("kind")), prop("edition", form.get("edition"))],
        "methods": ["EXAMINE"],
        "types": ["control-objective"],
        "relevant-evidence": [
            {
                "href": f"#{made.id_of('report')}",
                "description": "The form in the report",
                "props": [prop("sha-256", form["digest"])],
            }
        ],
        "collected": made.source.started.isoformat(),
    }


def _finding(made: Made, standing: Standing, finding: Mapping[str, Any]) -> dict[str, Any]:
    status = str(shown_status(finding))
    state, reason = STATES[status]
    asked, m, code = finding["criterion"], finding.get("measurement"), str(finding["check"])
    about = of_group(asked["metric"], (m or {}).get("group") or asked.get("group"))
    remarks = _sentences([_REMARKS.get(status, ""), waiver_words(finding)])
    observed = code in standing.checks
    return {
        "uuid": made.id_of("finding", standing.control.id, finding["fingerprint"]),
        "title": cut(f"{about}: {STATUSES[status][1]}", 300),
        "description": cut(_sentences([f"{about} is {measured(m)}, asked {criterion_text(asked)}", one_line(finding.get("reason"))]), LONG),
        "props": [prop("status", status), prop("fingerprint", finding["fingerprint"]), prop("severity", finding.get("severity"))],
        "target": {
            "type": "objective-id",
            "target-id": _part(made, standing, finding),
            "status": {"state": state, "reason": reason, **({"remarks": cut(remarks, LONG)} if remarks else {})},
        },
        **({"related-observations": [{"observation-uuid": made.id_of("observation", code)}]} if observed else {}),
    }  # fmt: skip


def _sentences(said: Iterable[str]) -> str:
    return " ".join(f"{one.rstrip('.')}." for one in said if one)


def _resources(made: Made) -> list[dict[str, Any]]:
    ran = made.source.data["provenance"]
    policy = ran.get("policy") or {}
    digest = one_line(policy.get("digest"))
    checks = ", ".join(one_line(one["code"]) for one in ran.get("plan", ()))
    return [
        {
            "uuid": made.id_of("report"),
            "title": "The report of the audit",
            "rlinks": [
                {
                    "href": "report.json",
                    "media-type": "application/json",
                    "hashes": [{"algorithm": "SHA-256", "value": made.source.digest}],
                }
            ],
        },
        {
            "uuid": made.id_of("plan"),
            "title": "The plan and the policy of the audit",
            "description": cut(f"Checks: {checks}. Policy: {one_line(policy.get('name'))}.", LONG),
            "props": [prop("policy-sha-256", digest)] if digest else [prop("policy-sha-256", "not told")],
            "rlinks": [{"href": "report.json", "media-type": "application/json"}],
        },
    ]
