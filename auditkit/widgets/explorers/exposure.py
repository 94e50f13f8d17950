"""Exposure: a threshold on the ROC curve of a membership attack, moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from auditkit.explore import Exposure
from auditkit.widgets.component import session_of
from auditkit.widgets.explorers.live import Dial
from auditkit.widgets.explorers.menus import menu
from auditkit.widgets.explorers.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.explore import Answer
    from auditkit.subject import Subject
    from auditkit.widgets.session import Session

__all__ = ["ExposureExplorer"]


class ExposureExplorer(Mirror):
    """Move the rate of false alarms an attacker accepts; who is found out, and in which groups, follows."""

    title: ClassVar[str] = "Who is found out"
    question: ClassVar[str] = "Whose records would an attacker name, for how many false alarms?"
    told: ClassVar[str] = (
        "The model's own confidence costs two calls. Reference models are trained once, and shared with the check that uses them too. With the settings of AK201, or of AK202."
    )
    pictures: ClassVar[tuple[str, ...]] = ("roc", "by_group")

    def __init__(self, session: Session | Subject) -> None:
        session = session_of(session)
        options = [("the model's own confidence", "population")]
        if session.as_subject.model.can_refit:
            options.append(("reference models (RMIA)", "references"))
        self.how = menu("Attack by", options, "What the attacker goes by; press Prepare after a change")
        super().__init__(session)
        self.first(self.how)

    @classmethod
    def lacks(cls, subject: Subject) -> str:
        """Return that training rows or probabilities are missing."""
        if subject.train is None:
            return "training rows: pass Subject(..., train=Dataset(X, y)), or add [data.train] to the subject file"
        if subject.task != "regression" and subject.model.gives_proba is False:
            return "probabilities: this model gives only labels"
        return ""

    def mirrored(self) -> Mapping[str, tuple[str, ...]]:
        """Return the parameters of the check that makes the chosen attack."""
        if self.how.value == "references":
            return {"AK202": ("references", "pool", "rows", "level")}
        return {"AK201": ("signal", "by", "rows", "level")}

    def asked(self) -> dict[str, Any]:
        """Return the attack, with the settings of its check."""
        return {**super().asked(), "how": self.how.value}

    def prepare(self) -> Exposure:
        """Attack once."""
        return Exposure.prepare(self.session.as_subject, **self._begun, seed=self.session.seed)

    def offer(self, found: Exposure) -> Sequence[Any]:
        """Return a dial for the false alarms that are accepted."""
        self.dial = Dial(
            "False positive rate", found.least, 1.0, found.start, 0.001, self.refresh,
            "Which share of the people who were not in the training data is wrongly named", log=True,
        )  # fmt: skip
        return [self.dial]

    def ask(self) -> Answer:
        """Return whom the attack names at the dial."""
        return self.found.at(self.dial.value)  # type: ignore[no-any-return]
