"""Conformance: which rules of a contract something keeps, and which it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from auditkit.errors import AuditkitError, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

__all__ = ["Broken", "Conformance", "LeftOut", "Outcome", "held_to"]

Status = Literal["kept", "broken", "left out"]


class Broken(AuditkitError, AssertionError):  # noqa: N818 - what a test reports, as an assertion
    """Something breaks rules of its contract; the message lists each with what to do."""


class LeftOut(Exception):  # noqa: N818 - no mistake: the rule does not speak of this case
    """A rule says nothing here; the message tells why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule, held against one thing.

    Attributes
    ----------
    rule : str
        Its name: "repeats_under_its_seed".
    status : {"kept", "broken", "left out"}
        How it came out.
    why : str
        What was expected, what came, what to do; of a rule left out, why; empty where it is kept.
    on : str
        The subject it was held on; empty where there is none.
    """

    rule: str
    status: Status
    why: str = ""
    on: str = ""

    def __str__(self) -> str:
        return f"{self.rule}{f' (on {self.on})' if self.on else ''}: {self.why or self.status}"


@dataclass(frozen=True, slots=True)
class Conformance:
    """How something keeps its contract.

    Attributes
    ----------
    of : str
        What was held to it: "check XX001 rows".
    outcomes : tuple of Outcome
        One for each rule and subject.
    """

    of: str
    outcomes: tuple[Outcome, ...]

    @property
    def broken(self) -> tuple[Outcome, ...]:
        """The rules it breaks."""
        return tuple(one for one in self.outcomes if one.status == "broken")

    @property
    def kept(self) -> bool:
        """Whether it breaks none."""
        return not self.broken

    def __repr__(self) -> str:
        named = ", ".join(sorted({one.rule for one in self.broken}))
        return f"Conformance({self.of}: {len(self.broken)} of {len(self.outcomes)} broken{f': {named}' if named else ''})"

    def frame(self) -> pd.DataFrame:
        """Return one row for each outcome: rule, status, why, on."""
        import pandas as pd

        rows = [(one.rule, one.on, one.status, one.why) for one in self.outcomes]
        return pd.DataFrame(rows, columns=["rule", "on", "status", "why"])

    def require(self) -> Conformance:
        """Return itself.

        Raises
        ------
        Broken
            If a rule is broken; the message lists them all.
        """
        if self.broken:
            listed = "\n".join(f"  - {one}" for one in self.broken)
            raise Broken(f"{self.of} breaks {len(self.broken)} of {len(self.outcomes)} rules:\n{listed}")
        return self


def held_to(rules: Iterable[Callable[..., str]], *case: Any, on: str = "") -> tuple[Outcome, ...]:
    """Hold a case to each rule; one that raises is broken, and says how.

    Parameters
    ----------
    rules : iterable of callable
        Each gives in words what is broken, or an empty text. It may raise `LeftOut`.
    case : object
        What each is given.
    on : str
        The subject.
    """
    return tuple(_one(rule, case, on) for rule in rules)


def _one(rule: Callable[..., str], case: tuple[Any, ...], on: str) -> Outcome:
    try:
        why = rule(*case)
    except LeftOut as reason:
        return Outcome(rule.__name__, "left out", str(reason), on)
    except Exception as error:  # noqa: BLE001 - an author's code may fail in any way; that is what is told
        why = f"it raised {in_words(error)}"
    return Outcome(rule.__name__, "broken" if why else "kept", why, on)
