"""Outcome: how an audit of a plan stands, as the journal tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from auditkit.batch.journal import Entry
    from auditkit.batch.plan import PlannedAudit
    from auditkit.judging import Verdict

__all__ = ["Outcome", "ends", "latest"]


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
    made_as : str
        The name under which the result was made, which a plan that was edited can have changed.
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
    made_as: str = ""
    seconds: float | None = None
    memory: int = 0

    @property
    def word(self) -> str:
        """The verdict, or "broke" or "not_run"."""
        return self.verdict if self.ended == "done" else self.ended

    def called_in(self, names: Container[str]) -> str:
        """Return what the audit is called among names from before; its own name where it is in them under none."""
        return self.made_as if self.audit.name not in names and self.made_as in names else self.audit.name


def latest(
    audits: Sequence[PlannedAudit], keys: Mapping[str, str], entries: Iterable[Entry]
) -> tuple[Outcome, ...]:
    """Return how each audit stands by the last entry on its name and key; entries on other keys are of other inputs.

    A result of the same key that was made under another name counts as well: the name decides no number.
    """
    found = ends(keys, entries)
    return tuple(_outcome(one, keys[one.name], found[one.name]) for one in audits)


def ends(keys: Mapping[str, str], entries: Iterable[Entry]) -> dict[str, Entry | None]:
    """Return for each name and its key the entry that says how the audit ended; None where it did not."""
    own: dict[tuple[str, str], Entry] = {}
    of_key: dict[str, Entry] = {}
    for one in entries:
        if one.kind in ("done", "adopted", "broke"):
            own[one.data["name"], one.data["key"]] = one
        if one.kind in ("done", "adopted"):
            of_key[one.data["key"]] = one
    return {name: own.get((name, key), of_key.get(key)) for name, key in keys.items()}


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
        made_as=said["name"],
        **took,
    )
