"""Registered: how each model of a register stands, as rows of a table and as a page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.exports.paper import Paper, Points, Rows, Section, Words
from auditkit.nouns import counted
from auditkit.render.status import verdict_word, verdict_words
from auditkit.targets.base import KINDS
from auditkit.waiver import today as now

if TYPE_CHECKING:
    from datetime import date

    from auditkit.exports.paper import Block
    from auditkit.exports.register import Register

__all__ = ["Registered", "as_paper", "registered"]


@dataclass(frozen=True, slots=True)
class Registered:
    """A model of a register: its audits, and how it stands by the last of them.

    Attributes
    ----------
    name, kind : str
        What it is called, and what kind of target it is.
    owner, tier : str
        As the last entry that says so.
    audits : tuple of dict
        Entries, in the order in which they were added.
    overdue : bool
        Whether the day by which it is audited again has passed.
    """

    name: str
    kind: str
    owner: str
    tier: str
    audits: tuple[dict[str, Any], ...]
    overdue: bool

    @property
    def last(self) -> dict[str, Any]:
        """The entry of the last audit: by its day, and of one day the last that was added."""
        return max(enumerate(self.audits), key=lambda one: (one[1]["audit"]["day"], one[0]))[1]

    @property
    def verdict(self) -> str:
        """The verdict of the last audit, in words."""
        last = self.last["audit"]
        return verdict_word(last["verdict"], last["counts"])

    def waived(self, on: date) -> list[dict[str, Any]]:
        """Return the waivers of the last audit that hold on a day."""
        return [one for one in self.last["waivers"] if one["holds"] and on.isoformat() <= one["until"]]

    def row(self, on: date) -> dict[str, str]:
        """Return the model as a row of a table, on a day."""
        last, waived = self.last, self.waived(on)
        ends = f"{len(waived)}, the first until {min(one['until'] for one in waived)}" if waived else "none"
        return {
            "model": self.name,
            "kind": KINDS.get(self.kind, self.kind),
            "digest": last["model"]["digest"][:12] or "not told",
            "owner": self.owner or "not told",
            "tier": self.tier or "not told",
            "last audit": last["audit"]["day"],
            "verdict": self.verdict,
            "waivers": ends,
            "pack": last["pack"]["digest"][:12] if last["pack"] else "none",
            "next audit": f"{last['next'] or 'not planned'}{' (overdue)' if self.overdue else ''}",
        }


def registered(register: Register, *, on: date | None = None) -> list[Registered]:
    """Return the models of a register, those whose next audit is overdue first, then by name; on a day, today in UTC when left out."""
    day = (on or now()).isoformat()
    every: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in register.entries:
        every[one["model"]["name"]].append(one)
    found = []
    for name, audits in every.items():
        owner, tier = (
            next((one[key] for one in reversed(audits) if one[key]), "") for key in ("owner", "tier")
        )
        made = Registered(name, audits[-1]["model"]["kind"], owner, tier, tuple(audits), overdue=False)
        due = made.last["next"]
        found.append(
            Registered(name, made.last["model"]["kind"], owner, tier, made.audits, bool(due) and due < day)
        )
    return sorted(found, key=lambda one: (not one.overdue, one.name.casefold()))


def as_paper(register: Register, *, on: date | None = None) -> Paper:
    """Return the page of a register: a table of its models, and the audits of each; on a day, today in UTC when left out."""
    day = on or now()
    models = registered(register, on=day)
    rows = [one.row(day) for one in models]
    heads = tuple(one.capitalize() for one in rows[0]) if rows else ()
    late = sum(one.overdue for one in models)
    said = f"{counted(len(models), 'model')}, {counted(len(register.entries), 'audit')}. Overdue on {day.isoformat()}: the next audit of {late:,}."
    overview: tuple[Block, ...] = (Words(said), Rows(heads, tuple(tuple(one.values()) for one in rows)))
    sections = [Section("Models", overview), *(_section(one) for one in models), _kept(register)]
    notice = "What was audited, when and with which verdict under which policy. It says nothing of models that nobody entered, and not that any model is fit for a use."
    return Paper("Register of audited models", (notice,), tuple(sections))


def _section(model: Registered) -> Section:
    audits = tuple(
        (
            one["audit"]["day"],
            verdict_word(one["audit"]["verdict"], one["audit"]["counts"]),
            verdict_words(one["audit"]["counts"]),
            one["audit"]["policy"]["name"],
        )
        for one in model.audits
    )
    digests = tuple(digest for one in model.audits for digest in _digests(one))
    blocks: list[Block] = [Rows(("Day", "Verdict", "Findings", "Policy"), audits)]
    waived = tuple(_waived(one["audit"]["day"], waiver) for one in model.audits for waiver in one["waivers"])
    signed = tuple(_signed(one["audit"]["day"], given) for one in model.audits for given in one["signatures"])
    approved = tuple(
        f"Audit of {one['audit']['day']}: {given['role']}: {given['name']}, entered by hand"
        for one in model.audits
        for given in one["approvals"]
    )
    blocks += [Words("Waivers:"), Points(waived)] if waived else [Words("No finding was waived.")]
    if signed:
        # who made and examined it: also of an audit whose limits were not met
        blocks += [
            Words("Signatures on evidence packs, which approve no use:"),
            Points(signed),
        ]
    blocks += (
        [Words("Approvals of use:"), Points(approved)] if approved else [Words("No approval is entered.")]
    )
    return Section(model.name, (*blocks, Words("Digests (SHA-256):"), Points(digests)))


def _digests(entry: dict[str, Any]) -> list[str]:
    day, pack = entry["audit"]["day"], entry["pack"]
    said = [f"Audit of {day}: model {entry['model']['digest'] or 'not told'}", f"Audit of {day}: report {entry['audit']['report']}"]  # fmt: skip
    keys = "given" if pack and pack["keys"] == "given" else "any"
    return (
        [*said, f"Audit of {day}: evidence pack {pack['digest']}, verified under {keys} keys"]
        if pack
        else said
    )


def _waived(day: str, waiver: dict[str, Any]) -> str:
    how = "" if waiver["holds"] else "; it had run out"
    return f"Audit of {day}: {waiver['about']}, by {waiver['by']} until {waiver['until']}: {waiver['reason']}{how}"


def _signed(day: str, given: dict[str, str]) -> str:
    when = f" on {given['day']}" if given["day"] else ""
    return f"Audit of {day}: {given['role']}: {given['name']}{when}, key {given['key'][:16]}"


def _kept(register: Register) -> Section:
    return Section(
        "How this register is kept",
        (
            Words("auditkit adds entries and changes none. Each holds the digest of the one before, so that an entry that was changed or dropped alone is told. Whoever rewrites all that follow, and the head beside the file, is not found by the chain."),
            Points((f"Entries: {len(register.entries):,}", f"Digest of the last: {register.digest}")),
            Words("Note the digest elsewhere: auditkit register list FILE --expect DIGEST tells later whether that entry, and all before it, are still there as they were."),
        ),
    )  # fmt: skip
