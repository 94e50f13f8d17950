"""Coverage: which controls of a catalogue reports hold evidence relevant to, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from auditkit.controls.observed import FilledIn, Observed, forms_in, seen_in
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditkit.controls.catalogue import Catalogue, Control, Framework
    from auditkit.controls.topics import Topic

__all__ = ["STATUSES", "Coverage", "Standing", "Status", "coverage", "relevant"]

Status: TypeAlias = Literal["covered", "partial", "form_only", "not_covered"]

STATUSES: Mapping[Status, tuple[str, str]] = {
    "covered": ("covered", "evidence on every topic that the control names, whatever it says"),
    "partial": ("partial", "evidence on some of them, or on the part that can be measured"),
    "form_only": ("form only", "a form that people fill in and sign; no check here speaks to it"),
    "not_covered": ("not covered", "no evidence here"),
}
"""Each status with its word and what it means."""

_FEW = 4  # codes named of a topic without evidence


@dataclass(frozen=True, slots=True)
class Standing:
    """How a control stands in the light of reports.

    Attributes
    ----------
    control : Control
        Which.
    status : {"covered", "partial", "form_only", "not_covered"}
        See `STATUSES`. It says what was looked at, and not what was found.
    checks : tuple of str
        Codes of the checks whose evidence is relevant to it.
    findings : tuple of str
        Fingerprints of their findings that rest on a value.
    missing : tuple of str
        What is not there, in words.
    forms : tuple of str
        Forms in the reports whose answers are relevant to it, each with how it stands: a draft, or signed by whom.
    """

    control: Control
    status: Status
    checks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        one = self.control
        return {
            "id": one.id,
            "aliases": list(one.aliases),
            "title": one.title,
            "strength": one.strength,
            "checked": one.checked,
            "note": one.note,
            "status": self.status,
            "checks": list(self.checks),
            "findings": list(self.findings),
            "missing": list(self.missing),
            "forms": list(self.forms),
        }


@dataclass(frozen=True)
class Coverage:
    """How the controls of a catalogue stand in the light of reports, which are read as reports about one system.

    Attributes
    ----------
    catalogue : Catalogue
        Whose controls.
    standings : tuple of Standing
        One a control, in the order of the catalogue.
    subjects : tuple of str
        Whom the reports are about.
    """

    catalogue: Catalogue
    standings: tuple[Standing, ...]
    subjects: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Coverage({', '.join(self.subjects)}: {_said(Counter(one.status for one in self.standings))}; .of(FRAMEWORK) for one)"

    def of(self, framework: str) -> tuple[Standing, ...]:
        """Return how the controls of a framework stand, by its id or its name."""
        wanted = self.catalogue.framework(framework).id
        return tuple(one for one in self.standings if one.control.framework == wanted)

    def counts(self, framework: str) -> str:
        """Return how many controls of a framework stand how, in words."""
        return _said(Counter(one.status for one in self.of(framework)))


def _said(counts: Mapping[Status, int]) -> str:
    return (
        ", ".join(f"{counts[status]} {word}" for status, (word, _) in STATUSES.items() if counts.get(status))
        or "no controls"
    )


def coverage(reports: Iterable[Mapping[str, Any]] | Mapping[str, Any], catalogue: Catalogue) -> Coverage:
    """Return how each control of a catalogue stands in the light of one or several reports.

    Evidence counts whatever it says: a criterion that is not met is evidence too. A check that ended in an error, did not apply, was left
    out or gave no value is none; neither is a form that is a draft, or that its reviewer rejected.

    Parameters
    ----------
    reports : mapping, or iterable of mapping
        What ``Report.to_dict()`` returned.
    catalogue : Catalogue
        From `load_catalogue`.

    Examples
    --------
    >>> from auditkit.controls import load_catalogue
    >>> report = {"evidence": [{"check": "AK101", "measurements": [{"metric": "selection_rate", "value": 0.2}]}]}
    >>> found = coverage(report, load_catalogue())
    >>> [(one.status, one.checks) for one in found.of("gdpr") if one.control.id == "Art. 35(7)"]
    [('partial', ('AK101',))]
    """
    every = [reports] if isinstance(reports, Mapping) else list(reports)
    seen = [seen_in(one) for one in every]
    observed = tuple(one for part in seen for one in part.observed)
    without = {code: why for part in seen for code, why in part.without.items()}
    for one in observed:
        without.pop(one.check, None)
    filled = tuple(one for part in every for one in forms_in(part))
    frameworks = {one.id: one for one in catalogue.frameworks}
    standings = tuple(
        _stand(control, frameworks[control.framework], observed, without, catalogue, filled)
        for control in catalogue.controls
    )
    names = tuple(one_line((one.get("subject") or {}).get("name")) or "unnamed subject" for one in every)
    return Coverage(catalogue, standings, tuple(dict.fromkeys(names)))


def relevant(one: Observed, catalogue: Catalogue) -> list[Control]:
    """Return the controls to which a check's evidence is relevant by what it measures, in the order of the catalogue.

    Those that rest on any check at all are left out, and those for which auditkit has a form alone.
    """
    foreign = one.check not in catalogue.named
    spoken = {
        topic.id
        for topic in catalogue.topics
        if topic.rests_on == "checks" and (topic.carries(one) or topic.adds(one, foreign=foreign))
    }
    about = {framework.id for framework in catalogue.frameworks if _asks_about(framework, one)}
    return [
        control
        for control in catalogue.controls
        if control.strength != "record"
        and control.framework in about
        and not spoken.isdisjoint(control.topics)
    ]


def _asks_about(framework: Framework, one: Observed) -> bool:
    return not framework.kinds or one.kind in framework.kinds


def _stand(
    control: Control,
    framework: Framework,
    observed: Sequence[Observed],
    without: Mapping[str, str],
    catalogue: Catalogue,
    filled: Sequence[FilledIn],
) -> Standing:
    own = [one for one in filled if (control.framework, control.id) in one.controls]
    words, signed = tuple(one.words for one in own), [one for one in own if one.signed]
    if control.strength == "record":
        lacking = _unsigned(control, own)
        return Standing(control, "form_only", missing=(lacking,) if lacking else (), forms=words)
    asked = [one for one in observed if _asks_about(framework, one)]
    carried, partly, missing = 0, 0, []
    speaking: dict[str, Observed] = {}
    for topic in (catalogue.by_topic[word] for word in control.topics):
        carrying = [one for one in asked if topic.carries(one)]
        adding = [one for one in asked if topic.adds(one, foreign=one.check not in catalogue.named)]
        speaking |= {one.check: one for one in (*carrying, *adding)}
        carried += bool(carrying)
        partly += bool(adding)
        if not carrying and not any(one.kind in topic.forms for one in signed):
            missing.append(f"{topic.title}: {_lack(topic, without, part=bool(adding))}")
    status: Status = "form_only" if signed else "not_covered"
    if carried or partly:
        whole = carried == len(control.topics) and control.strength == "direct"
        status = "covered" if whole else "partial"
        if control.strength == "partial" and not missing and not signed:
            missing.append("what cannot be measured, which people add")
    codes = tuple(sorted(speaking))
    found = dict.fromkeys(print_ for one in asked if one.check in speaking for print_ in one.findings)
    return Standing(control, status, codes, tuple(found), tuple(missing), words)


def _unsigned(control: Control, own: Sequence[FilledIn]) -> str:
    """Return what a control that is a form lacks; empty where one was signed by two."""
    if any(one.reviewed for one in own):
        return ""
    if any(one.signed for one in own):
        return "a second person's review"
    if own:
        return "a form that is signed and was not rejected"
    return (
        f"filled in by people: {', '.join(control.evidence)}"
        if control.evidence
        else "a record that people make"
    )


def _lack(topic: Topic, without: Mapping[str, str], *, part: bool) -> str:
    """Return why there is no evidence on a topic, or only part of it."""
    if part:
        return "a part of it alone"
    troubles = [f"{code} {without[code]}" for code in (*topic.checks, *topic.also) if code in without]
    if troubles:
        return ", ".join(troubles[:_FEW]) + (
            f", and {len(troubles) - _FEW} more" if len(troubles) > _FEW else ""
        )
    if not topic.of_a_report:
        return f"not in a report ({topic.today})" if topic.today else "auditkit has nothing for it yet"
    codes = topic.checks or topic.also
    return (
        f"no evidence ({', '.join(codes[:_FEW])}{' ...' if len(codes) > _FEW else ''})"
        if codes
        else "no evidence"
    )
