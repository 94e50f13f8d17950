"""Topic: what evidence is about; a control names topics, and checks speak to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from auditkit.controls.observed import Observed

__all__ = ["RestsOn", "Topic"]

RestsOn: TypeAlias = Literal["checks", "any", "judged"]


@dataclass(frozen=True, slots=True)
class Topic:
    """What evidence is about.

    Attributes
    ----------
    id : str
        What a control names it by.
    title : str
        In words.
    checks : tuple of str
        Codes of checks of which one, observed, is evidence on the topic.
    also : tuple of str
        Codes of checks that add to it, and are part of it alone.
    dimensions : tuple of str
        Checks of plug-ins in these dimensions add to it too: what they measure is not known here.
    metrics : tuple of str
        Where there are any, a check speaks to the topic only by one of these with a value.
    rests_on : {"checks", "any", "judged"}
        On the checks named; on every observed check; on every observed check that a criterion was asked of.
    forms : tuple of str
        Kinds of forms whose answers are on the topic.
    evidence : str
        What would be evidence.
    today : str
        What auditkit has for it today where no check gives it; empty where it has nothing.
    """

    id: str
    title: str
    checks: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    rests_on: RestsOn = "checks"
    forms: tuple[str, ...] = ()
    evidence: str = ""
    today: str = ""

    @property
    def of_a_report(self) -> bool:
        """Whether some report can speak to it at all."""
        return bool(self.rests_on != "checks" or self.checks or self.also or self.dimensions)

    def carries(self, one: Observed) -> bool:
        """Whether a check, observed, is evidence on the topic by itself."""
        if self.rests_on != "checks":
            return self.rests_on == "any" or one.judged
        return one.check in self.checks and self._measures(one)

    def adds(self, one: Observed, *, foreign: bool) -> bool:
        """Whether a check, observed, is part of the evidence on the topic; `foreign` checks are named by no topic."""
        named = one.check in self.also or (foreign and one.dimension in self.dimensions)
        return named and self._measures(one)

    def _measures(self, one: Observed) -> bool:
        return not self.metrics or not one.metrics.isdisjoint(self.metrics)
