"""Pairing: a template meets the subjects of the kind that its checks ask about; of a plan with several kinds these are not all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditkit.errors import AuditkitError
from auditkit.targets import KINDS, TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from auditkit.batch.asked import PlannedAudit
    from auditkit.batch.fitting import Keys

__all__ = ["of_one_kind"]


def of_one_kind(
    every: Iterable[tuple[PlannedAudit, Keys]], wrong: list[str]
) -> list[tuple[PlannedAudit, Keys]]:
    """Return the audits whose template asks about what their subject is.

    Parameters
    ----------
    every : iterable of (PlannedAudit, Keys)
        All combinations, each with where in the plan it stands.
    wrong : list of str
        A template that no subject is for, and a subject that no template is for, are added to it in words. What cannot be read is kept:
        why is told where it is read.
    """
    asks: dict[str, str | None] = {}
    kinds: dict[Path, str | None] = {}
    kept: list[tuple[PlannedAudit, Keys]] = []
    templates: dict[tuple[str, str | None], bool] = {}
    subjects: dict[tuple[str, str | None], bool] = {}
    for audit, keys in every:
        if audit.template not in asks:
            asks[audit.template] = _asks(audit.template)
        if audit.subject_file not in kinds:
            kinds[audit.subject_file] = _kind(audit.subject_file)
        asked, kind = asks[audit.template], kinds[audit.subject_file]
        fits = asked is None or kind is None or asked == kind
        templates[keys.template, asked] = templates.get((keys.template, asked), False) or fits
        subjects[audit.subject, kind] = subjects.get((audit.subject, kind), False) or fits
        if fits:
            kept.append((audit, keys))
    wrong += [
        f"{key}: it asks about {KINDS[str(asked)]}, and no subject of the plan is such"
        for (key, asked), met in templates.items()
        if not met
    ]
    wrong += [
        f"subject {name}: it is {KINDS.get(str(kind), kind)}, and no template of the plan asks about such{_to_add(kind)}"
        for (name, kind), met in subjects.items()
        if not met
    ]
    return kept


def _to_add(kind: str | None) -> str:
    """Return what to write for a subject that no template is for."""
    named = TEMPLATES.get(str(kind))
    return f': add [[template]] with name = "{named}"' if named else ""


def _asks(template: str) -> str | None:
    from auditkit.runner.templates import find_template

    try:
        checks = find_template(template).resolved_checks()
    except AuditkitError:
        return None
    return checks[0].about if checks else None


def _kind(subject_file: Path) -> str | None:
    from auditkit.loading.schema import read_content

    try:
        said = read_content(subject_file)[0].get("kind", "model")
    except AuditkitError:
        return None
    return said if said in KINDS else None
