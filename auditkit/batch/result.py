"""Result: what is told of a batch while it runs, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from auditkit.judging import verdict_over

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.batch.outcomes import Outcome
    from auditkit.judging import Verdict

__all__ = ["BatchNews", "BatchResult"]


@dataclass(frozen=True, slots=True)
class BatchNews:
    """What happened to an audit of a batch.

    Attributes
    ----------
    kind : {"kept", "started", "progress", "ended"}
        "kept" is a result that was there.
    name : str
        Of the audit.
    what : str
        In a few words: the verdict, why it broke, or what it does.
    done, total : int
        Audits that have an outcome, and all.
    fraction : float
        Of this audit, from 0 to 1.
    """

    kind: Literal["kept", "started", "progress", "ended"]
    name: str
    what: str
    done: int
    total: int
    fraction: float = 0.0


@dataclass(frozen=True)
class BatchResult:
    """What a batch came to.

    Attributes
    ----------
    out : pathlib.Path
        Its folder.
    outcomes : tuple of Outcome
        One an audit of the plan, in its order.
    began : str
        When, in UTC.
    sent : tuple of str
        Addresses that copies were sent to.
    unprinted : tuple of str
        Why reports could not be printed.
    """

    out: Path
    outcomes: tuple[Outcome, ...]
    began: str = ""
    sent: tuple[str, ...] = ()
    unprinted: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the gate says of all audits together; an audit without a report leaves it undecided at best."""
        return verdict_over(one.verdict for one in self.outcomes)

    @property
    def counts(self) -> dict[str, int]:
        """How many audits came to each verdict; "broke" are those without a report."""
        found = dict.fromkeys(("fail", "undecided", "pass", "not_judged", "broke", "not_run"), 0)
        for one in self.outcomes:
            found[one.word] += 1
        return found

    def __repr__(self) -> str:
        said = ", ".join(f"{n} {word}" for word, n in self.counts.items() if n)
        return f"BatchResult({self.verdict}: {said}; open {self.out / 'index.html'})"
