"""Thresholds: one a group, moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w

from auditkit.explore import Thresholds
from auditkit.render.text import words
from auditkit.widgets.component import session_of
from auditkit.widgets.explorers.live import Dial
from auditkit.widgets.explorers.menus import groups_of, menu
from auditkit.widgets.explorers.mirror import Mirror
from auditkit.widgets.parts import button, said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.explore import Answer
    from auditkit.subject import Subject
    from auditkit.widgets.session import Session

__all__ = ["ThresholdExplorer"]


class ThresholdExplorer(Mirror):
    """Move a threshold for each group; rates, errors, impact ratio and the trade-off follow."""

    title: ClassVar[str] = "Thresholds by group"
    question: ClassVar[str] = "What would another threshold for each group do, and what would it cost?"
    told: ClassVar[str] = "Sorts the scores of the test rows once; the model is asked no more."
    pictures: ClassVar[tuple[str, ...]] = ("rates", "trade_off")
    mirrors: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "AK107": ("least_share", "level"),
        "AK101": ("level",),
        "AK102": ("level",),
    }
    ends: ClassVar[Mapping[str, Mapping[str, tuple[float, float]]]] = {"rates": {"x": (-0.02, 1.02)}}

    def __init__(self, session: Session | Subject) -> None:
        session = session_of(session)
        names = session.as_subject.test.sensitive_names
        self.feature = groups_of(names)
        super().__init__(session)
        self.dials: dict[str, Dial] = {}
        self.feature.observe(self.anew, "value")
        if len(names) > 1:
            self.first(self.feature)

    @classmethod
    def lacks(cls, subject: Subject) -> str:
        """Return that groups or scores are missing."""
        if not subject.test.sensitive_names:
            return "no sensitive features: pass Dataset(X, y, sensitive_features=[...])"
        if subject.task == "multiclass" or (subject.task == "binary" and subject.model.gives_proba is False):
            return "thresholds need a score for each record: a model with probabilities for two classes, or a regression"
        return ""

    def asked(self) -> dict[str, Any]:
        """Return whose groups, and the settings of the threshold sweep (AK107)."""
        return {**super().asked(), "feature": self.feature.value}

    def prepare(self) -> Thresholds:
        """Sort the scores by group."""
        return Thresholds.prepare(self.session.as_subject, **self._begun)

    def offer(self, found: Thresholds) -> Sequence[Any]:
        """Return a dial a group, the notion to compare by, and a button for each notion."""
        notions = ((words(name).capitalize(), name) for name in found.notions)
        self.notion = menu("Compare by", notions, "Which notion of fairness the gap is of")
        self.notion.observe(self.refresh, "value")
        self.dials = {
            group: Dial(group, found.low, found.high, found.start[group], found.step, self.refresh, f"Threshold for {group}")
            for group in found.groups
        }  # fmt: skip
        equal = [
            button(
                words(name).capitalize(),
                f"Set the thresholds so that the groups are as alike as they can be in {words(name)}",
                lambda notion=name: self.equalise(notion),  # type: ignore[misc]
                self._failed,
            )
            for name in found.notions
        ]
        back = button(
            "Start", f"Back to {found.own.words}", self.reset, self._failed, icon="undo"
        )  # fmt: skip
        row = w.HBox([w.HTML(said("Equalise:")), *equal, back], layout=w.Layout(flex_flow="row wrap"))
        return [self.notion, *self.dials.values(), row]

    def ask(self) -> Answer:
        """Return the rates at the dials."""
        return self.found.at({group: dial.value for group, dial in self.dials.items()}, self.notion.value)  # type: ignore[no-any-return]

    def equalise(self, notion: str) -> None:
        """Set the dials so that the groups are alike in a notion."""
        now = {group: dial.value for group, dial in self.dials.items()}
        self._put(self.found.equalised(notion, thresholds=now), notion)

    def reset(self) -> None:
        """Set the dials back to where they stood at first."""
        self._put(self.found.start, self.notion.value)

    def _put(self, thresholds: dict[str, float], notion: str) -> None:
        for group, value in thresholds.items():
            self.dials[group].put(value)
        self.notion.unobserve(self.refresh, "value")
        self.notion.value = notion
        self.notion.observe(self.refresh, "value")
        self.refresh()
