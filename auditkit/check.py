"""Check: a procedure that observes a subject; a plain function, marked."""

from __future__ import annotations

import inspect
import json
import re
import types
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

from auditkit.errors import InputError, did_you_mean
from auditkit.naming import NameOf, RowNumbers, no_plan, type_this

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from auditkit.evidence import Evidence
    from auditkit.subject import Subject

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
}

_GROUP = "auditkit.checks"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One option of a check, read from its signature.

    Attributes
    ----------
    name : str
        Keyword of the check function.
    annotation : type
        Its type, with bounds.
    default : object
        Used when nothing is given.
    description : str
        One sentence for forms, flags and help.
    choices : tuple
        The allowed values, where they are listed.
    low, high : float or None
        Bounds of a number.
    low_open, high_open : bool
        Whether a bound itself is excluded.
    names : NameOf, RowNumbers or None
        What its value names, where that is known before the check runs.
    """

    name: str
    annotation: Any = field(hash=False)
    default: Any = field(hash=False)
    description: str = ""
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    names: NameOf | RowNumbers | None = None

    @property
    def bounds(self) -> str:
        """In words what values it takes; empty where anything of its type will do."""
        if self.choices:
            return "one of " + ", ".join(map(repr, self.choices))
        found = []
        if self.low is not None:
            found.append(f"{'above' if self.low_open else 'from'} {self.low:g}")
        if self.high is not None:
            found.append(f"{'below' if self.high_open else 'to'} {self.high:g}")
        return ", ".join(found)

    def validate(self, value: Any) -> Any:
        """Return the value as the check wants it.

        Raises
        ------
        InputError
            If the type or a bound does not fit.
        """
        from pydantic import ConfigDict, TypeAdapter, ValidationError

        if isinstance(self.names, RowNumbers):
            self.names.whole(self.name, value)
        try:
            adapter = TypeAdapter(self.annotation, config=ConfigDict(allow_inf_nan=False))
            return adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            takes = f"it takes values {self.bounds}, and is" if self.bounds and not self.choices else "it is"
            raise InputError(
                f"{self.name}={value!r}: {first['msg'][0].lower()}{first['msg'][1:]}; {takes} {self.default!r} when left out{type_this(self.name, value, adapter.validate_python)}"
            ) from None

    def parse(self, text: str) -> Any:
        """Return the value written as text on a command line: JSON, else the text itself."""
        if self.annotation is str or getattr(self.annotation, "__origin__", None) is str:
            return self.validate(text)
        try:
            value = json.loads(text)
        except ValueError:
            return self.validate(text)
        try:
            return self.validate(value)
        except InputError:
            with suppress(InputError):  # a word that happens to read as JSON: null, 1, true
                return self.validate(text)
            raise


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

    def metrics(self) -> set[str]:
        """Return every metric some check can give."""
        return {metric for one in self.checks for metric in one.metrics}


def check(
    *plan: Any, code: str = "", title: str = "", question: str = "", dimension: str = "", metrics: Iterable[str] = (),
    spreads: bool = False, **options: Any,
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

    Raises
    ------
    InputError
        If the code is malformed, there are no metrics, or an option of the function is not keyword-only, typed
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

    def mark(function: Run) -> Run:
        words, options = (title, question, dimension, given), _parameters(function, code)
        about = Check(code, function.__name__, *words, function, options, spreads)
        function.__auditkit__ = about  # type: ignore[attr-defined]
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


def fits(about: Check, params: Mapping[str, Any], subject: Subject) -> None:
    """See that what a check is to look at by name is there in the subject.

    Raises
    ------
    InputError
        For a name the subject does not have; the message tells the closest.
    """
    try:
        for p in about.parameters:
            if p.names:
                p.names.met(p.name, params, subject)
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


def _parameters(function: Run, code: str) -> tuple[Parameter, ...]:
    signature = list(inspect.signature(function).parameters.values())
    if len(signature) < 2 or signature[0].name != "subject" or "rng" not in (p.name for p in signature[1:]):
        raise InputError(
            f"{code}: a check is (subject, *, rng, ...) -> Evidence; got {inspect.signature(function)}"
        )
    options = [p for p in signature[1:] if p.name != "rng"]
    for p in options:
        if p.kind is not p.KEYWORD_ONLY or p.default is p.empty or p.annotation is p.empty:
            raise InputError(f"{code}: {p.name} must be keyword-only, typed, and have a default")
    return tuple(_parameter(p.name, _type_of(p.annotation, function, code), p.default) for p in options)


def _type_of(annotation: Any, function: Run, code: str) -> Any:
    """Evaluate the annotation of one option; those of `subject` and `rng` may be known to type checkers only."""
    probe = type("probe", (), {"__annotations__": {"option": annotation}})
    try:
        return get_type_hints(probe, function.__globals__, include_extras=True)["option"]
    except NameError as error:
        raise InputError(
            f"{code}: {error}; import it at the top of the module, not under TYPE_CHECKING"
        ) from None


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    found: dict[str, Any] = {}
    inner: Any = annotation
    notes: tuple[Any, ...] = ()
    if hasattr(annotation, "__metadata__"):
        inner, notes = annotation.__origin__, annotation.__metadata__
    for note in notes:
        if isinstance(note, Doc):
            found["description"] = note.documentation
        if isinstance(note, (NameOf, RowNumbers)):
            found["names"] = note
        for kind, key, is_open in (
            (Ge, "low", False),
            (Gt, "low", True),
            (Le, "high", False),
            (Lt, "high", True),
        ):
            if isinstance(note, kind):
                found[key] = getattr(note, kind.__name__.lower())
                found[f"{key}_open"] = is_open
    if get_origin(inner) in (Union, types.UnionType):  # what may be left out has choices all the same
        inner = next((one for one in get_args(inner) if get_origin(one) is Literal), inner)
    if get_origin(inner) is Literal:
        found["choices"] = get_args(inner)
    return Parameter(name, annotation, default, **found)
