"""Asked: one audit of a batch, with all that it is to be run with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Limits", "PlannedAudit"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one audit may take.

    Attributes
    ----------
    seconds : float or None
        Of time by the clock, from the start of its process.
    memory : int or None
        Bytes of resident memory of the audit's processes together.
    """

    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedAudit:
    """One audit of a batch.

    Attributes
    ----------
    name : str
        Unique in the plan: "credit-bias", "credit-membership-references=16-seed=1".
    subject : str
        The name of the subject in the plan.
    subject_file : pathlib.Path
        Absolute.
    template : str
        The template's name, or the absolute path of a notebook.
    parameters : dict
        Values that are not the template's own.
    policy : pathlib.Path or None
        Criteria; auditkit's default policy when None.
    seed : int or None
        Root of all random numbers; the template's own when None.
    limits : Limits
        What it may take.
    tags : tuple of str
        Words to find it by.
    keep_answers : bool
        Whether the answers of single records are to be kept beside the report.
    """

    name: str
    subject: str
    subject_file: Path
    template: str
    parameters: dict[str, Any] = field(default_factory=dict)
    policy: Path | None = None
    seed: int | None = None
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()
    keep_answers: bool = False

    @property
    def template_name(self) -> str:
        """The template as a page names it: a notebook without its folder."""
        return Path(self.template).stem if self.template.endswith(".ipynb") else self.template

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; files as paths."""
        return {
            "name": self.name,
            "subject": self.subject,
            "subject_file": str(self.subject_file),
            "template": self.template,
            "parameters": self.parameters,
            "policy": None if self.policy is None else str(self.policy),
            "seed": self.seed,
            "tags": list(self.tags),
            "keep_answers": self.keep_answers,
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> PlannedAudit:
        """Return the audit that `to_dict` wrote, without its limits."""
        policy = None if said["policy"] is None else Path(said["policy"])
        file, tags = Path(said["subject_file"]), tuple(said["tags"])
        return cls(
            said["name"], said["subject"], file, said["template"], dict(said["parameters"]), policy, said["seed"], tags=tags
        )  # fmt: skip
