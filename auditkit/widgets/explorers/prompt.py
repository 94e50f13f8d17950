"""Prompt: one prompt tried by hand on a language model, as it stands or changed, and what the detectors say of the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w
from markupsafe import Markup

from auditkit.explore.prompts import Prompts, Said
from auditkit.render.text import one_line
from auditkit.widgets.component import session_of
from auditkit.widgets.parts import note, said
from auditkit.widgets.working import Preparing, Work, while_idle

if TYPE_CHECKING:
    from auditkit.targets import Target
    from auditkit.widgets.session import Session

__all__ = ["PromptTrial", "readable"]

_LONGEST = 4_000  # characters of a reply that are shown


class PromptTrial(w.VBox):  # type: ignore[misc]
    """Pick a prompt of the checks, change it, say it to the model, and see the reply with what each detector says of it.

    Parameters
    ----------
    session : Session
        Whose language model is asked; each press of the button asks it once.
    """

    title: ClassVar[str] = "Try a prompt"

    def __init__(self, session: Session) -> None:
        self.session, self.work = session_of(session), Work()
        target: Any = self.session.subject
        self.prompts = Prompts.prepare(target, self.session.seed)
        self.asked = 0
        self.family = w.Dropdown(
            options=[(name.capitalize(), name) for name in self.prompts.probes], description="Family"
        )
        self.number = w.Dropdown(description="Prompt", layout=w.Layout(width="min(40rem, 96%)"))
        self.text = w.Textarea(description="What is said", rows=6, layout=w.Layout(width="min(46rem, 96%)"))
        self.text.add_class("ak-code")
        self.text.add_class("ak-wrap")
        self.going = Preparing(
            self.session, self.work, "Ask", "Say this to the model, once", start=self.start
        )
        self.reply, self.verdicts = w.HTML(), w.HTML()
        told = "Asks the model once for each press; nothing of it enters the report. The system prompt, and what is planted in it, stay as the checks have them."
        super().__init__(
            [
                w.HTML(said(self.title, tag="h4")),
                w.HTML(said("What does the model say to one prompt, as it stands or as you write it?")),
                note(told),
                self.family,
                self.number,
                self.text,
                self.going,
                self.verdicts,
                self.reply,
            ]
        )
        self.add_class("ak-check")
        self.family.observe(self._families, "value")
        self.number.observe(self._prompts, "value")
        self.work.observe(self._follow, "state")
        self._families()

    @classmethod
    def lacks(cls, subject: Target) -> str:
        """Return that it is no language model; empty where it is one."""
        return "" if subject.kind == "language_model" else "a language model"

    def start(self) -> None:
        """Ask, in a thread.

        Raises
        ------
        InputError
            If the model is being asked already, or checks are running.
        """
        while_idle(self.session)
        family, number, text, seed = self.family.value, self.number.value, self.text.value, self.asked
        self.asked += 1
        self.work.start(lambda: self.prompts.say(family, number, text, seed=seed), seed=self.session.seed)

    def resume(self) -> None:
        """Take up what comes into sight: there is no picture here."""

    def _families(self, _: Any = None) -> None:
        many = self.prompts.probes[self.family.value]
        self.number.options = [(f"{i + 1}: {one.technique}", i) for i, one in enumerate(many)]
        self.number.value = 0
        self._prompts()

    def _prompts(self, _: Any = None) -> None:
        if self.number.value is not None:
            self.text.value = self.prompts.one(self.family.value, self.number.value).messages[-1].content

    def _follow(self, change: Any) -> None:
        if change["new"] == "running":
            self.reply.value = self.verdicts.value = ""
        elif change["new"] == "done" and isinstance(self.work.result, Said):
            self.verdicts.value, self.reply.value = _shown(self.work.result)


def readable(text: str) -> str:
    r"""Return a reply as it can be looked at: what cannot be seen, or turns the direction of text, as its code.

    Examples
    --------
    >>> print(readable("a\x1b[31mb"))
    a\x1b[31mb
    """
    shown = "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text[:_LONGEST]
    )
    return shown if len(text) <= _LONGEST else f"{shown}…"


def _shown(found: Said) -> tuple[str, str]:
    """Return the verdicts and the reply, all of it as text."""
    lines = Markup("").join(
        Markup("<li>{}: <b>{}</b></li>").format(one_line(what), answer)
        for what, answer in found.verdicts.items()
    )
    verdicts = Markup('<div class="ak" role="status"><p>What the detectors say:</p><ul>{}</ul></div>').format(
        lines
    )
    text = Markup("<br>").join(readable(found.reply).split("\n")) if found.reply else "(an empty reply)"
    reply = Markup('<div class="ak"><p>The reply, as text:</p><p><code>{}</code></p></div>').format(text)
    return str(verdicts), str(reply)
