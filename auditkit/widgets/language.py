"""LanguageModel: the audit of a language model in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w

from auditkit.widgets.parts import said
from auditkit.widgets.studio import Studio

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from auditkit.targets.language_model import LanguageModel as Target

__all__ = ["LanguageModel"]

_HIDDEN = {"AK803": 1.2}  # a fifth as many prompts are added that are not disguised


class LanguageModel(Studio):
    """What can be talked into a language model, and out of it: a studio of one step, with prompts to try by hand.

    Parameters
    ----------
    target : LanguageModel
        What to audit; of `auditkit.targets.language_model`.
    checks : names, codes or check functions, optional
        As for `Audit`; all of language models when left out.
    criteria : Policy or iterable of Criterion, optional
        What is required; the default policy when left out.
    seed : int, default 0
        Root of all random numbers.
    executor : concurrent.futures.Executor, optional
        Where checks run; in a thread of this kernel when left out.

    Raises
    ------
    InputError
        If the target is no language model, or a check or criterion does not exist.
    """

    children: Any
    only: ClassVar[Any] = ("language_model",)

    def __init__(
        self,
        target: Target | None = None,
        checks: Any = None,
        criteria: Any = None,
        seed: int = 0,
        executor: Executor | None = None,
    ) -> None:
        super().__init__(target, checks, criteria, seed, executor)
        self.questions = w.HTML()
        at = self.children.index(self.stage)
        self.children = (*self.children[:at], self.questions, *self.children[at:])
        self.session.observe(self._count, ["settings", "left_out"])
        self._count()

    def _count(self, _: Any = None) -> None:
        """Say how many questions what is ticked asks: each may cost money, and time."""
        asked = 0.0
        for check in self.session.checks:
            own = self.session.settings[check.code]
            if (
                check.code not in self.session.left_out
                and {"prompts", "tries"} <= set(own)
                and check.code != "AK807"
            ):
                asked += own["prompts"] * own["tries"] * _HIDDEN.get(check.code, 1.0)
        told = f"With these settings auditkit's own checks ask the model about {round(asked):,} questions."
        self.questions.value = said(told, kind="ak-help")
