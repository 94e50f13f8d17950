"""Outcome: how an audit of a plan stands, as the journal tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from auditkit.batch.journal import Entry
    from auditkit.batch.plan import PlannedAudit
    from auditkit.judging import Verdict

__all__ = ["Outcome", "latest"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an audit stands.

    Attributes
    ----------
    audit : PlannedAudit
        Which.
    key : str
        Its content address.
    ended : {"done", "broke", "not_run"}
        Whether there is a report.
    verdict : str
        The gate's; "undecided" where there is no report.
    counts : dict
        Findings by status, of a report.
    not_met : tuple of dict
        The findings that are not met, of a report: fingerprint, check and metric.
    why : str
        Why it broke.
    folder : str
        The name of its folder in ``results``.
    result : str
        The digest of its ``result.json``.
    seconds : float or None
        How long it took.
    memory : int
        Bytes of memory at its most, as far as it was watched.
    """

    audit: PlannedAudit
    key: str
    ended: Literal["done", "broke", "not_run"] = "not_run"
    verdict: Verdict = "undecided"
    counts: dict[str, int] = field(default_factory=dict)
    not_met: tuple[dict[str, str], ...] = ()
    why: str = ""
    folder: str = ""
    result: str = ""
    seconds: float | None = None
    memory: int = 0

    @property
    def word(self) -> str:
        """The verdict, or "broke" or "not_run"."""
        return self.verdict if self.ended == "done" else self.ended


def latest(
    audits: Sequence[PlannedAudit], keys: Mapping[str, str], entries: Iterable[Entry]
) -> tuple[Outcome, ...]:
    """Return how each audit stands by the last entry on its name and key; entries on other keys are of other inputs."""
    last: dict[tuple[str, str], Entry] = {
        (one.data["name"], one.data["key"]): one
        for one in entries
        if one.kind in ("done", "adopted", "broke")
    }
    return tuple(_outcome(one, keys[one.name], last.get((one.name, keys[one.name]))) for one in audits)


def _outcome(audit: PlannedAudit, key: str, entry: Entry | None) -> Outcome:
    if entry is None:
        return Outcome(audit, key)
    said: dict[str, Any] = entry.data
    took: dict[str, Any] = {"seconds": said.get("seconds"), "memory": said.get("memory") or 0}
    if entry.kind == "broke":
        return Outcome(audit, key, "broke", why=said["why"], **took)
    return Outcome(
        audit,
        key,
        "done",
        said["verdict"],
        said["counts"],
        tuple(said.get("not_met") or ()),
        folder=said["folder"],
        result=said["result"],
        **took,
    )
