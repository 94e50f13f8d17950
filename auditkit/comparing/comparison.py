"""Comparison: two audits held against each other, and the gate on what changed beyond noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from auditkit.comparing.deciding import settled
from auditkit.comparing.moves import FATES
from auditkit.evidence import jsonable, writable
from auditkit.finding import POLICY, UNJUDGED, Finding
from auditkit.judging import Verdict, verdict

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.comparing.moves import Move, Turn

__all__ = ["SCHEMA", "Comparison", "Pair"]

SCHEMA = "auditkit.comparison/1.0"


@dataclass(frozen=True, eq=False)
class Pair:
    """Two audits of one subject held against each other.

    Attributes
    ----------
    subject, audit : str
        What was audited, and by which audit.
    base, new : dict
        What is known of each record: path, schema, digests, seed, policy, verdict.
    policy : str
        The policy under which both sides are judged.
    moves : tuple of Move
        What became of each measurement.
    turns : tuple of Turn
        What became of each finding that is not met on either side, or was met and is not shown to be now.
    silent : tuple of Finding
        Checks that cannot be compared, and keep the comparison open.
    remarks : tuple of str
        In what the two differ, in words.
    verdicts : tuple of str
        Those of the two audits under the one policy, before and now: of their limits, and not of what changed.
    """

    subject: str
    audit: str
    base: dict[str, Any]
    new: dict[str, Any]
    policy: str
    moves: tuple[Move, ...]
    turns: tuple[Turn, ...]
    silent: tuple[Finding, ...]
    remarks: tuple[str, ...]
    verdicts: tuple[Verdict, Verdict]

    @property
    def opened(self) -> bool:
        """Whether the audit was met and is undecided now."""
        return self.verdicts == ("pass", "undecided")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the gate reads: changes that a criterion speaks of, checks that cannot be compared, and whether the audit became undecided."""
        judged = tuple(move.finding() for move in self.moves if move.status is not None)
        opened = [Finding(POLICY, "inconclusive", reason="the audit was met, and is undecided now")]
        found = (*self.silent, *judged, *(opened if self.opened else ()))
        return found or (Finding(POLICY, "not_applicable", reason=UNJUDGED),)

    @property
    def verdict(self) -> Verdict:
        """``fail``, ``undecided``, ``pass`` or ``not_judged``: the house's gate, on changes; undecided at best where the audit became so."""
        if not self.opened and not any(move.status for move in self.moves) and not self.silent:
            return "not_judged"
        return verdict(self.findings)

    def judged(self, alpha: float, tolerance: float) -> Pair:
        """Return the pair with every change decided."""
        turns = {one.fingerprint: one for one in self.turns}
        return replace(
            self,
            moves=tuple(settled(move, turns.get(move.fingerprint), alpha, tolerance) for move in self.moves),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "subject": self.subject,
            "audit": self.audit,
            "verdict": self.verdict,
            "base": self.base,
            "new": self.new,
            "policy": self.policy,
            "opened": self.opened,
            "remarks": list(self.remarks),
            "silent": [one.to_dict() for one in self.silent],
            "findings": [one.to_dict() for one in self.turns],
            "changes": [one.to_dict() for one in self.moves],
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two audits, or two folders of them, held against each other.

    Attributes
    ----------
    pairs : tuple of Pair
        One for each subject and audit that both sides have.
    gone, come : tuple of str
        Audits that have no report now, with why where that is known; and those that had none before.
    tolerance, alpha : float
        The worsening that is let pass, and the false discovery rate.
    remarks : tuple of str
        What is to be said of the two folders.
    """

    pairs: tuple[Pair, ...]
    gone: tuple[str, ...] = ()
    come: tuple[str, ...] = ()
    tolerance: float = 0.0
    alpha: float = 0.05
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        counted = ", ".join(f"{n} {fate}" for fate, n in self.counts.items() if n) or "no finding turned"
        return f"Comparison({self.verdict}: {counted}; .frame() for the changes, .to_dict() for all of it)"

    @property
    def verdict(self) -> Verdict:
        """The gate: ``fail`` where something became worse beyond noise, ``undecided`` where that cannot be told."""
        verdicts = [pair.verdict for pair in self.pairs]
        if "fail" in verdicts:
            return "fail"
        if "undecided" in verdicts or self.gone:
            return "undecided"
        return "pass" if "pass" in verdicts else "not_judged"

    @property
    def counts(self) -> dict[str, int]:
        """Findings by what became of them, changes by what they are, and what cannot be compared."""
        turns = [turn.fate for pair in self.pairs for turn in pair.turns]
        moves = [move for pair in self.pairs for move in pair.moves]
        return {
            "worse": sum(m.status == "fail" for m in moves),
            "undecided": sum(m.status == "inconclusive" for m in moves)
            + sum(len(pair.silent) + pair.opened for pair in self.pairs)
            + len(self.gone),
            **{str(fate): turns.count(fate) for fate in FATES},
        }

    def frame(self) -> pd.DataFrame:
        """Return the changes as a pandas DataFrame, one row each."""
        import pandas as pd

        rows = [
            {
                "subject": pair.subject,
                "audit": pair.audit,
                "check": m.check,
                "metric": m.metric,
                "group": m.group,
                "before": m.before.value if m.before else None,
                "after": m.after.value if m.after else None,
                "change": m.value,
                "low": m.change.low if m.change else None,
                "high": m.change.high if m.change else None,
                "p_value": m.p_value,
                "p_adjusted": m.p_adjusted,
                "status": m.status,
                "worse": m.worse,
                "criterion": m.criterion.words() if m.criterion else None,
                "reason": m.reason,
                "fingerprint": m.fingerprint,
            }
            for pair in self.pairs
            for m in pair.moves
        ]
        return pd.DataFrame(writable(rows))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        found = {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "counts": self.counts,
            "tolerance": self.tolerance,
            "alpha": self.alpha,
            "gone": list(self.gone),
            "come": list(self.come),
            "remarks": list(self.remarks),
            "pairs": [pair.to_dict() for pair in self.pairs],
        }
        return jsonable(found)  # type: ignore[no-any-return]
