"""Fitting: whether what a plan names can be run, each mistake once and at its key."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from auditkit.errors import AuditkitError, InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from auditkit.audit import Audit
    from auditkit.batch.asked import PlannedAudit
    from auditkit.runner.order import Order
    from auditkit.targets import Target

__all__ = ["RELATIVE", "Keys", "unfit"]

RELATIVE = "paths are relative to the plan"


@dataclass(frozen=True, slots=True)
class Keys:
    """Where in a plan stands what an audit is made of.

    Attributes
    ----------
    template : str
        "template.1".
    subject : str
        "subject.2".
    policy : str
        "policy", "template.1.policy", "subject.2.policy".
    """

    template: str
    subject: str
    policy: str


def unfit(
    audits: list[tuple[PlannedAudit, Keys]],
    seen: Callable[[PlannedAudit, Audit | None, Target | None], None],
) -> list[str]:
    """Return what stands against running these: each mistake once, at its key, with the audits it touches.

    Parameters
    ----------
    audits : list of (PlannedAudit, Keys)
        With the keys that an error names.
    seen : callable
        Told each audit that can be run, with its checks, and its subject where that was loaded.
    """
    wrong: dict[tuple[str, str], list[str]] = {}
    look = _Look()
    for audit, at in audits:
        found = look.at(audit, at)
        for mistake in found.mistakes:
            wrong.setdefault(mistake, []).append(audit.name)
        if not found.mistakes:
            seen(audit, found.audit, found.subject)
    return [f"{key} ({_touched(names)}): {words}" for (key, words), names in wrong.items()]


def _touched(names: list[str]) -> str:
    more = len(names) - 1
    return names[0] + (f" and {more} more {'audit' if more == 1 else 'audits'}" if more else "")


@dataclass(frozen=True, slots=True)
class _Found:
    mistakes: list[tuple[str, str]]
    audit: Audit | None = None
    subject: Target | None = None


class _Look:
    """Looks at each policy, subject file and template once."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def at(self, audit: PlannedAudit, keys: Keys) -> _Found:
        """Return what stands against one audit, each with its key."""
        mistakes: list[tuple[str, str]] = []
        if isinstance(told := self._once(("policy", audit.policy), _policy, audit.policy), str):
            mistakes.append((keys.policy, told))
            audit = replace(audit, policy=None)  # so that the mistakes of the others are told too
        subject = self._once(("subject", audit.subject_file), _subject, audit.subject_file)
        if isinstance(subject, str):
            mistakes.append((keys.subject, subject))
        asked = json.dumps({**audit.to_dict(), "name": "", "tags": []}, sort_keys=True, default=str)
        order = self._once(asked, _template if isinstance(subject, str) else _order, audit)
        if isinstance(order, str):
            mistakes.append((keys.template, order))
        if mistakes:
            return _Found(mistakes)
        if subject is not None and order.audit is not None:
            told = _or_words(order.audit.fits, subject)
            mistakes += [(keys.template, told)] if isinstance(told, str) else []
        return _Found(mistakes, order.audit, subject)

    def _once(self, key: Any, ask: Callable[..., Any], given: Any) -> Any:
        if key not in self._known:
            self._known[key] = _or_words(ask, given)
        return self._known[key]


def _policy(file: Path | None) -> None:
    from auditkit.loading.policy import load_policy
    from auditkit.loading.shipped import shipped_policies

    if file is not None and not file.is_file():
        named = (
            ""
            if file.suffix
            else f", and no policy of that name.{did_you_mean(file.name, shipped_policies())}"
        )
        raise InputError(f"no policy file at {file}{named}; {RELATIVE}")
    load_policy(file)


def _subject(file: Path) -> Target | None:
    from auditkit.runner.order import files_are_there, load_early

    files_are_there(file)
    return load_early(file)


def _template(audit: PlannedAudit) -> None:
    """Hold the parameters to the template alone, where the subject cannot be read."""
    from auditkit.runner.parameters import declared, validate
    from auditkit.runner.templates import find_template

    validate(audit.parameters, declared(find_template(audit.template)))


def _order(audit: PlannedAudit) -> Order:
    from auditkit.runner.order import take_order

    return take_order(
        audit.template, audit.subject_file, ".", audit.parameters, audit.policy, seed=audit.seed, jobs=1
    )


def _or_words(ask: Any, *given: Any) -> Any:
    """Return what was asked for, or the words of the refusal."""
    try:
        return ask(*given)
    except AuditkitError as error:
        return " ".join(str(error).split())
    except OSError as error:
        return f"{error.filename or ''}: {error.strerror or error}"
