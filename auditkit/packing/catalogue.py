"""Catalogue: which words of a report are auditkit's own, so that they hold no value of the data, and what stands for others."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from auditkit.check import DIMENSIONS, registry
from auditkit.left_out import OUTSIDE
from auditkit.render import status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.check import Check

__all__ = ["is_own", "known_metrics", "named_gap", "planned"]

WITHHELD = f"{status.WITHHELD}; the full report holds it"

_PLANNED = ("code", "name", "title", "question", "dimension", "page")
_PLAIN_REASONS = ("planned, but not run yet", "not part of this audit's plan")


@cache
def _own() -> dict[str, Check]:
    """Return auditkit's own checks, by code; those of plug-ins and notebooks are written by others."""
    return {
        one.code: one for one in registry().checks if one.function.__module__.startswith("auditkit.checks.")
    }


def is_own(one: Mapping[str, Any]) -> bool:
    """Whether a check in the plan of a report is one of auditkit's, by its code and its name."""
    found = _own().get(str(one.get("code")))
    return found is not None and found.name == one.get("name")


def known_metrics(criteria: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the metrics whose names are public: those of auditkit's checks, and those on which the policy sets a limit."""
    own = {metric for one in _own().values() for metric in one.metrics}
    return frozenset(own | {str(one["metric"]) for one in criteria})


def planned(one: Mapping[str, Any]) -> dict[str, str]:
    """Return what a public form says of a check: the catalogue's words, or that somebody else wrote it."""
    code = str(one["code"])
    if is_own(one):
        return _own()[code].describe()
    dimension = str(one.get("dimension"))
    return {
        "code": code,
        "name": code.lower(),
        "title": f"{code}, a check that is not auditkit's own",
        "question": WITHHELD,
        "dimension": dimension if dimension in DIMENSIONS else "other",
        "page": "",
    }


def named_gap(full: Mapping[str, Any], plan: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return one entry of what was not examined; words that are not auditkit's are replaced."""
    titles = {one.title for one in _own().values()} | {what for what, _ in OUTSIDE}
    dimensions = "|".join(re.escape(name[:1].upper() + name[1:]) for name in DIMENSIONS)
    own = full["what"] in titles or re.fullmatch(
        rf"(?:{dimensions}) \((?:[0-9]+ of )?[0-9]+ checks?\)", str(full["what"])
    )
    code = next((str(one["code"]) for one in plan if one["title"] == full["what"]), "")
    what = str(full["what"]) if own else f"{code or 'Something'}, a check that is not auditkit's own"
    plain = full["why"] in (*_PLAIN_REASONS, *(why for _, why in OUTSIDE))
    return {"what": what, "why": str(full["why"]) if plain else WITHHELD}
