"""Beside: a report beside the controls of a framework: to which it holds evidence, and what that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from auditkit.controls import coverage, load_catalogue
from auditkit.errors import InputError
from auditkit.exports.filled import signed_for
from auditkit.exports.source import Source

if TYPE_CHECKING:
    from auditkit.controls import Catalogue, Framework, Standing
    from auditkit.report import Report

__all__ = ["Beside"]


@dataclass(frozen=True)
class Beside:
    """A report beside a framework.

    Attributes
    ----------
    source : Source
        The report.
    framework : Framework
        Whose controls.
    standings : tuple of Standing
        How each of them stands in the light of the report, in the order of the catalogue.
    disclaimer : str
        What the catalogue says that it does not say.
    """

    source: Source
    framework: Framework
    standings: tuple[Standing, ...]
    disclaimer: str

    @classmethod
    def of(cls, report: Report | Source, framework: str, catalogue: Catalogue | None = None) -> Self:
        """Return a report beside a framework, by its id or name; of the shipped catalogue when none is given.

        Raises
        ------
        InputError
            If there is no such framework, or the report holds no evidence relevant to any control of it.
        """
        source, known = Source.of(report), catalogue or load_catalogue()
        about = known.framework(framework)
        made = cls(source, about, coverage(source.data, known).of(about.id), known.disclaimer)
        if not made.held():
            raise InputError(
                f"no evidence of this report is relevant to a control of {about.name}: auditkit controls --report REPORT tells to which frameworks it is"
            )
        return made

    def held(self) -> list[Standing]:
        """Return the controls to which there is evidence: of checks, or a form that somebody signed."""
        return [one for one in self.standings if one.checks or signed_for(self.source, one)]

    def checks(self) -> list[str]:
        """Return the codes of the checks whose evidence is relevant to some control."""
        return sorted({code for one in self.standings for code in one.checks})

    def forms(self) -> dict[str, dict[str, Any]]:
        """Return the signed forms that are relevant to some control, by digest."""
        every = (form for one in self.standings for form in signed_for(self.source, one))
        return {str(form["digest"]): form for form in every}
