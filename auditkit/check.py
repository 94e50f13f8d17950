"""Check: a procedure that observes a subject; a plain function, marked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from auditkit.errors import InputError, did_you_mean
from auditkit.naming import no_plan
from auditkit.parameter import Parameter, parameters_of
from auditkit.targets.base import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from auditkit.evidence import Evidence
    from auditkit.subject import Subject
    from auditkit.targets import Target

    Run: TypeAlias = Callable[..., Evidence]

__all__ = ["DIMENSIONS", "Check", "Parameter", "Registry", "check", "find", "fits", "registry", "resolve"]

DIMENSIONS: dict[str, str] = {
    "performance": "How often is the model right, and for whom?",
    "explainability": "What does the model rest its decisions on?",
    "bias": "Whom does the model treat differently?",
    "mitigation": "What would a remedy cost?",
    "membership": "Does the model give away whose records it was trained on?",
    "privacy": "What do model and data give away about the people in them?",
    "robustness": "How little must change before the answer changes?",
    "drift": "Have the data, or the model's answers, moved since training?",
    "external": "What do other programs find on the same records?",
    "artifact": "What would this model file do to whoever opens it?",
    "notebook": "What do these notebooks give away, and what do they ask to be run?",
    "language_model": "What can be talked out of it, and into it?",
    "stack": "Which known weaknesses do the installed software and its settings have?",
    "data": "What is in these records, what is missing or wrong, and what do they give away about people?",
    "access": "Who may do what, and who still needs to?",
}

_GROUP = "auditkit.checks"


@dataclass(frozen=True, slots=True)
class Check:
    """What is known of a check function: its mark and its parameters.

    Attributes
    ----------
    code : str
        Stable: "AK201". Its test, its page and its findings carry it.
    name : str
        The function's name; what people type.
    title, question : str
        For readers.
    dimension : str
        The audit it belongs to.
    metrics : tuple of str
        Every metric it can give; a policy is checked against them.
    function : callable
        ``(subject, *, rng, **params) -> Evidence``.
    parameters : tuple of Parameter
        Its options.
    spreads : bool
        Whether it hands parts of its work to the executor of the audit (`auditkit.spread.each`).
    about : str
        The kind of target it asks about, one of `auditkit.targets.KINDS`.
    """

    code: str
    name: str
    title: str
    question: str
    dimension: str
    metrics: tuple[str, ...]
    function: Run
    parameters: tuple[Parameter, ...]
    spreads: bool = False
    about: str = "model"

    @property
    def page(self) -> str:
        """Where its page stands, relative to the project."""
        return f"docs/checks/{self.code.lower()}.md"

    def describe(self) -> dict[str, str]:
        """Return what a report says of the check."""
        names = ("code", "name", "title", "question", "dimension", "page")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Registry:
    """All checks of this installation.

    Attributes
    ----------
    checks : tuple of Check
        Sorted by dimension and code.
    broken : dict of str to str
        Plug-ins that failed to load, and why. Each becomes an ``error`` finding.
    """

    checks: tuple[Check, ...]
    broken: dict[str, str]

    def about(self, kind: str) -> tuple[Check, ...]:
        """Return the checks that ask about a kind of target, one of `auditkit.targets.KINDS`."""
        return tuple(one for one in self.checks if one.about == kind)

    def metrics(self) -> set[str]:
        """Return every metric some check can give."""
        return {metric for one in self.checks for metric in one.metrics}


def check(
    *plan: Any, code: str = "", title: str = "", question: str = "", dimension: str = "", metrics: Iterable[str] = (),
    spreads: bool = False, about: str = "model", **options: Any,
) -> Callable[[Run], Run]:  # fmt: skip
    """Mark a function as a check. The function itself is returned, unwrapped.

    Parameters
    ----------
    code : str
        Letters and three digits, unique: "AK201".
    title, question : str
        What it is, and what it answers, in plain words.
    dimension : str
        One of `DIMENSIONS`, or a new one.
    metrics : iterable of str
        Every metric its evidence can hold.
    spreads : bool
        Whether it hands parts of its work to the executor of the audit, through `auditkit.spread.each`.
    about : str
        The kind of target it asks about, one of `auditkit.targets.KINDS`; a model with its rows when left out.

    Raises
    ------
    InputError
        If the code is malformed, there are no metrics, the kind is none, or an option of the function is not keyword-only, typed
        and with a default.

    Examples
    --------
    >>> from typing import Annotated
    >>> from annotated_types import Ge
    >>> from auditkit.evidence import Evidence, Measurement
    >>> @check(code="XX001", title="Rows", question="How many rows?", dimension="performance", metrics=["rows"])
    ... def rows(subject, *, rng, at_least: Annotated[int, Ge(0)] = 0) -> Evidence:
    ...     return Evidence("XX001", (Measurement("rows", float(len(subject.test)), len(subject.test)),))
    >>> rows.__auditkit__.parameters[0].low
    0
    """
    no_plan(plan, options)
    given = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    if not re.fullmatch(r"[A-Z]{2,8}[0-9]{3}", str(code)):
        raise InputError(f"a code is capital letters and three digits, as in 'AK201'; got {code!r}")
    if not given or not dimension or not title:
        raise InputError(f"{code}: a check names a title, a dimension and the metrics it can give")
    if about not in KINDS:
        raise InputError(f"{code}: about={about!r} is no kind of target.{did_you_mean(str(about), KINDS)}")

    def mark(function: Run) -> Run:
        words, options = (title, question, dimension, given), parameters_of(function, code)
        known = Check(code, function.__name__, *words, function, options, spreads, about)
        function.__auditkit__ = known  # type: ignore[attr-defined]
        return function

    return mark


@cache
def registry() -> Registry:
    """Return every check that an installed package offers through the entry points ``auditkit.checks``."""
    found: dict[str, Check] = {}
    broken: dict[str, str] = {}
    for entry in sorted(
        entry_points(group=_GROUP), key=lambda e: (not e.value.startswith("auditkit."), e.name)
    ):
        try:
            checks = _marked(entry.load())
            _must_be_new(checks, found)
            found.update({c.code: c for c in checks})
        except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way; that becomes a finding
            broken[f"{entry.name} ({entry.value})"] = f"{type(error).__name__}: {error}"
    rank = {d: i for i, d in enumerate(DIMENSIONS)}
    checks_ = sorted(found.values(), key=lambda c: (rank.get(c.dimension, len(rank)), c.code))
    return Registry(tuple(checks_), broken)


def find(word: str | Run | Check) -> tuple[Check, ...]:
    """Return the checks meant by a name, a code, a dimension, or a marked function.

    Raises
    ------
    InputError
        If there is none; the message names the closest.
    """
    if isinstance(word, Check):
        return (word,)
    if callable(word):
        about = getattr(word, "__auditkit__", None)
        if not isinstance(about, Check):
            raise InputError(f"{word!r} is not a check: mark it with @auditkit.check(code=..., ...)")
        return (about,)
    known = registry().checks
    chosen = tuple(c for c in known if word in (c.name, c.code, c.dimension))
    if not chosen:
        words = [w for c in known for w in (c.name, c.code, c.dimension)]
        raise InputError(f"no check named {word!r}.{did_you_mean(word, words)}")
    return chosen


def resolve(about: Check, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return every parameter of a check, given or default, validated.

    Raises
    ------
    InputError
        For a name the check does not have, or a value that does not fit.
    """
    known = {p.name: p for p in about.parameters}
    for name in params:
        if name not in known:
            raise InputError(f"{about.name} has no parameter {name!r}.{did_you_mean(name, known)}")
    try:
        found = {name: p.validate(params.get(name, p.default)) for name, p in known.items()}
        for p in about.parameters:
            if p.names:
                p.names.planned(p.name, found)
    except InputError as error:
        raise InputError(f"{about.name}: {error}") from None
    return found


def fits(about: Check, params: Mapping[str, Any], subject: Target) -> None:
    """See that what a check is to look at by name is there in the subject.

    Raises
    ------
    InputError
        For a name the subject does not have; the message tells the closest.
    """
    try:
        for p in about.parameters:
            if p.names:
                p.names.met(p.name, params, cast("Subject", subject))  # `about` says that it is one
    except InputError as error:
        raise InputError(f"{about.name}: {error}") from None


def _must_be_new(checks: list[Check], found: Mapping[str, Check]) -> None:
    """Refuse a code or a name that stands for two functions; a check imported from elsewhere is no second one."""
    known = list(found.values())
    for one in checks:
        for other in known:
            if one.function is not other.function and (one.code == other.code or one.name == other.name):
                word = one.code if one.code == other.code else one.name
                raise InputError(
                    f"{word} is taken by {other.function.__module__}.{other.name} ({other.code})"
                )
        known.append(one)


def _marked(module: Any) -> list[Check]:
    if isinstance(getattr(module, "__auditkit__", None), Check):
        return [module.__auditkit__]
    own = [getattr(v, "__auditkit__", None) for v in vars(module).values()]
    checks = [c for c in own if isinstance(c, Check)]
    if not checks:
        raise InputError(f"{module!r} holds no check: mark its functions with @auditkit.check(code=..., ...)")
    return checks
