"""Live: what every explorer is made of, from "Prepare" to "Add to report"."""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, cast

import ipywidgets as w
from markupsafe import Markup

from auditkit.errors import InputError, NotApplicable, in_words
from auditkit.render import views
from auditkit.render.tables import table_html
from auditkit.render.text import clean
from auditkit.widgets.canvas import Canvas
from auditkit.widgets.component import session_of
from auditkit.widgets.explorers.dial import Dial
from auditkit.widgets.explorers.standing import put_back, stood
from auditkit.widgets.parts import Keys, button, note, problem, said, sheet, status
from auditkit.widgets.static import Static
from auditkit.widgets.working import Preparing, Work, while_idle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auditkit.evidence import Table
    from auditkit.explore import Answer
    from auditkit.subject import Subject
    from auditkit.widgets.session import Session

__all__ = ["Dial", "Explorer"]


class Explorer(Static, w.VBox):  # type: ignore[misc]
    """A question, controls, pictures that follow them, what they say, the data, and "Add to report".

    A subclass prepares (in a thread, once), makes its controls from what was prepared, and gives the answer at where they stand.

    Parameters
    ----------
    session : Session or Subject
        Whose subject is explored; the session also keeps what is added to the report.
    """

    children: Any
    title: ClassVar[str]
    question: ClassVar[str]
    told: ClassVar[str] = ""
    """What preparing does, and what it costs."""
    pictures: ClassVar[tuple[str, ...]]
    """Which tables of the answer are drawn, in order, one canvas each."""
    slot: ClassVar[int] = 0
    """From which figure on it borrows: explorers that are in sight together borrow different ones."""
    ends: ClassVar[Mapping[str, Mapping[str, tuple[float, float]]]] = {}
    """Of the axes ("x", "y") of these that stay as they are while the picture changes."""

    def __init__(self, session: Session | Subject) -> None:
        self.session, self.work = session_of(session), Work()
        # of whoever changes what is shown: the kernel's thread, or that of the work
        self._turn = threading.RLock()
        self.found: Any = None
        self.answer: Answer | None = None
        self.going = Preparing(self.session, self.work, "Prepare", f"Prepare: {self.title}", start=self.start)
        self.controls, self.words, self.beneath = w.VBox(), w.HTML(), w.HTML()
        self.lost = w.HTML()
        self._first: dict[Any, Any] = {}  # where the controls stood before anybody moved one
        self._quiet = False
        self.captions = {name: (w.HTML(), w.HTML()) for name in self.pictures}
        self.canvases = {
            name: Canvas(self.session, f"live {i}") for i, name in enumerate(self.pictures, self.slot)
        }
        self.trouble = w.HTML()
        self.stage = w.VBox(
            [
                self.controls,
                self.lost,
                self.words,
                *self._shown(),
                self.beneath,
                *self._data(),
                self._keep(),
                self.trouble,
            ],
            layout=w.Layout(display="none"),
        )
        head = [w.HTML(said(self.title, tag="h4")), w.HTML(said(self.question))]
        super().__init__([*head, *([note(self.told)] if self.told else []), self.going, self.stage])
        self.add_class("ak-check")
        self.words.add_class("ak-live")
        self.work.observe(self._follow, "state")

    def _ipython_display_(self) -> None:
        if "ak-studio" not in self._dom_classes:  # shown alone, in no studio that brings these
            self.children = (sheet(), Keys(), *self.children)
            self.add_class("ak-studio")
        super()._ipython_display_()

    @classmethod
    def lacks(cls, subject: Subject) -> str:  # noqa: ARG003 - most subjects have all that most explorers need
        """Return what the subject would have to have; empty where nothing is missing. Asks the model nothing."""
        return ""

    @abstractmethod
    def prepare(self) -> Any:
        """Return what the answers come from; runs in a thread, and says how far it is by `progress.step`."""

    @abstractmethod
    def offer(self, found: Any) -> Sequence[Any]:
        """Return the controls for what was prepared; each calls `refresh` when it is moved."""

    @abstractmethod
    def ask(self) -> Answer:
        """Return the answer at where the controls stand."""

    def ends_of(self, name: str) -> Mapping[str, tuple[float, float]]:
        """Return the ends of a picture's axes that stay as they are."""
        return self.ends.get(name, {})

    def start(self) -> None:
        """Prepare, in a thread.

        Raises
        ------
        InputError
            If it is being prepared already, or checks are running.
        """
        while_idle(self.session)
        self.work.start(self.prepare, seed=self.session.seed)

    def anew(self, _: Any = None) -> None:
        """Prepare because a control was moved; that it cannot be just now is shown beneath "Prepare"."""
        try:
            self.start()
        except InputError as error:
            self.going.failed(str(error))

    def refresh(self, _: Any = None) -> None:
        """Show the answer at where the controls stand; one at a time: a control can be heard while a picture is still made in a thread."""
        with self._turn:
            if not self._quiet:
                self._show()

    def movable(self) -> Sequence[Any]:
        """Return within what the controls are that are made by `offer`, and put back where they stood when they are made anew."""
        return [self.controls]

    def _show(self) -> None:
        try:
            self.answer = self.ask()
        except (InputError, NotApplicable) as error:
            self.trouble.value = problem(str(error))
            return
        self.trouble.value = ""
        self.words.value = str(
            Markup('<div class="ak"><p role="status" aria-live="polite"><b>Says:</b> {}</p></div>').format(
                clean(self.answer.says)
            )
        )
        self.beneath.value = str(
            Markup('<div class="ak"><p><b>Does not say:</b> {}</p></div>').format(
                clean(self.answer.does_not_say)
            )
        )
        for name in self.pictures:
            self._draw(name, self.answer.tables.get(name))
        self._fill()

    def still(self) -> Iterator[dict[str, Any]]:
        """Yield what would be kept for the report as the controls stand at their start, or what is lacking."""
        why = self.lacks(cast("Any", self.session.subject))
        if not why:
            self.start()
            self.work.wait()
            why = self.work.message if self.work.state == "failed" else "nothing came of it"
        if self.answer is None:
            yield {
                "text/plain": f"{self.title}: not here. {why}",
                "text/html": said(f"{self.title}: not here. {why}"),
            }
            return
        shown = self.kept(self.answer)
        words = f"{self.title}. {shown.says} Does not say: {shown.does_not_say}"
        yield {"text/plain": words, "text/html": said(words)}
        for table in shown.tables.values():
            yield views.bundle("figure", table.to_dict())

    def resume(self) -> None:
        """Take up the pictures again, after another step had the figures."""
        for canvas in self.canvases.values():
            canvas.resume()

    def _follow(self, _: Any = None) -> None:
        work = self.work
        if work.state != "done":
            return
        with self._turn:
            if work.result is not self.found:
                try:
                    self._take(work.result)
                except Exception as error:
                    self.going.failed(in_words(error))
                    raise

    def _take(self, found: Any) -> None:
        """Make the controls of what was prepared, put back where those before were moved to, and show the answer."""
        before = {key: at for key, at in stood(*self.movable()).items() if self._first.get(key) != at}
        self.found, self._quiet = found, True
        try:
            self.controls.children = tuple(self.offer(found))
            self._first = stood(*self.movable())
            lost = put_back(before, *self.movable())
        finally:
            self._quiet = False
        self.lost.value = status(f"Not as it stood before: {'; '.join(lost)}.") if lost else ""
        self.stage.layout.display = ""
        self.going.run.description = "Prepare again"
        self.refresh()

    def _shown(self) -> list[Any]:
        """Return the pictures, each under its title and over its text alternative."""
        return [
            part
            for name in self.pictures
            for part in (self.captions[name][0], self.canvases[name], self.captions[name][1])
        ]

    def _draw(self, name: str, table: Table | None) -> None:
        drawn = self.canvases[name].show(table.to_dict() if table else None, self.ends_of(name), moves=True)
        above, below = self.captions[name]
        above.value = said(table.title, tag="h5") if table and drawn else ""
        below.value = said(table.summary, kind="ak-small") if table and drawn else ""

    def _data(self) -> list[Any]:
        self.switch = w.ToggleButton(
            description="Show the data",
            icon="table",
            tooltip="Show or hide the numbers behind the pictures as tables",
            layout=w.Layout(width="auto"),
        )
        self.data = w.HTML(layout=w.Layout(display="none"))

        def turn(change: Any) -> None:
            self.switch.description = "Hide the data" if change["new"] else "Show the data"
            self.data.layout.display = "" if change["new"] else "none"
            self._fill()

        self.switch.observe(turn, "value")
        return [self.switch, self.data]

    def _fill(self) -> None:
        """Write the tables, when they are in sight."""
        if self.switch.value and self.answer is not None:
            tables = "".join(table_html(table.to_dict()) for table in self.answer.tables.values())
            self.data.value = f'<div class="ak">{tables}</div>'

    def _keep(self) -> Any:
        self.why = w.Text(
            description="Your note",
            description_allow_html=False,
            placeholder="what you conclude, and why",
            tooltip="Goes into the report with what is shown",
            continuous_update=False,
            layout=w.Layout(width="min(36rem, 100%)"),
        )
        add = button(
            "Add to report", "Keep what is shown now, with your note, for the report", self.keep, self._failed, icon="plus"
        )  # fmt: skip
        return w.HBox([self.why, add], layout=w.Layout(flex_flow="row wrap"))

    def keep(self) -> None:
        """Keep what is shown now, with the note, for the report; once, however often the button is pressed."""
        with self._turn:
            if self.answer is None:
                raise InputError("nothing is shown yet: prepare first")
            kept = self.kept(self.answer)
        if self.session.has(kept, self.why.value):
            self.trouble.value = status(
                "It is in the report already: what is shown did not change, nor the note."
            )
            return
        self.session.keep(kept, self.why.value)
        self.trouble.value = said(f"Added to the report. {self.session.unnamed()}".strip())
        self.why.value = ""

    def kept(self, answer: Answer) -> Answer:
        """Return what of the answer leaves this place, for the report or a page: all of it, where a subclass does not say otherwise."""
        return answer

    def _failed(self, why: str) -> None:
        self.trouble.value = problem(why)
