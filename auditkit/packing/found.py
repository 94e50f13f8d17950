"""Found: what making and verifying a pack give back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from auditkit.packing.layers import NOT_PROVED

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FormSeen", "Made", "PlanMatch", "Problem", "Signer", "Verification"]


@dataclass(frozen=True, slots=True)
class Made:
    """A pack that was written.

    Attributes
    ----------
    path : pathlib.Path
        Where.
    files : int
        How many it holds.
    withheld : int
        Measurements that the public layer does not show.
    roles : tuple of str
        Who must sign.
    """

    path: Path
    files: int
    withheld: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What differs.

    Attributes
    ----------
    kind : str
        "changed", "dropped", "added", "signature", "key", "missing role", "plan", "policy", "report", "public", "verdict", "form" or
        "restricted".
    path : str
        In which file.
    what : str
        In words.
    """

    kind: str
    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed.

    Attributes
    ----------
    role, name, signed_at : str
        By their own word.
    keyid : str
        Digest of their key.
    known : bool
        Whether the key was given to `verify`, and not for another role.
    whose : str
        As whose it was given, in words; empty if it was not.
    """

    role: str
    name: str
    signed_at: str
    keyid: str
    known: bool
    whose: str = ""


@dataclass(frozen=True, slots=True)
class PlanMatch:
    """A plan beside the results.

    Attributes
    ----------
    name, signed_at : str
        Who signed the plan, and when, by their word.
    keyid : str
        Digest of their key.
    differences : tuple of str
        In what the results differ from it.
    precedes : bool or None
        Whether it says to be from before the audit began; None where that cannot be told.
    whose : str
        As whose the key was given, in words; empty if it was not.
    promised : tuple of str
        What was promised, in short.
    texts : dict of str to str
        What was promised, word for word: the files that were signed.
    left_open : tuple of str
        What was not promised.
    """

    name: str
    signed_at: str
    keyid: str
    differences: tuple[str, ...]
    precedes: bool | None
    whose: str = ""
    promised: tuple[str, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    left_open: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormSeen:
    """A form in a pack.

    Attributes
    ----------
    title, state, digest : str
        What it is, how it stands, and the digest of its content.
    signers : tuple of Signer
        Who signed it. Their keys may be others than those under the pack: who signed that vouches for its forms.
    """

    title: str
    state: str
    digest: str
    signers: tuple[Signer, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found in a pack.

    Attributes
    ----------
    problems : tuple of Problem
        What differs; none if all is well.
    signers : tuple of Signer
        Whose signatures fit.
    roles : tuple of str
        Who must sign.
    plan : PlanMatch or None
        The plan that was signed before, if the pack holds one.
    files : int
        Files in the pack.
    checked : tuple of str
        What was looked at, and what could not be, in words.
    verdict : str
        Of the public record; empty where there is none.
    waived : int
        How many findings of the public record are waived: the verdict takes them as accepted.
    does_not_prove : tuple of str
        What a signature does not prove.
    forms : tuple of FormSeen
        Forms of the public record.
    manifest : str
        sha256 of the manifest, by which a register names the pack; empty where there is none.
    """

    problems: tuple[Problem, ...]
    signers: tuple[Signer, ...]
    roles: tuple[str, ...]
    plan: PlanMatch | None
    files: int
    checked: tuple[str, ...] = ()
    verdict: str = ""
    waived: int = 0
    does_not_prove: tuple[str, ...] = NOT_PROVED
    forms: tuple[FormSeen, ...] = ()
    manifest: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"ok": self.ok, **json.loads(json.dumps(asdict(self)))}
