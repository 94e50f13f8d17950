"""Record parts: what takes a while for one record, each with its own button: contributions, ways to another answer, exposure."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.explore import RecordExposure
from auditkit.explore.record_inputs import word_of
from auditkit.explore.record_ways import middle_answer
from auditkit.render.tables import table_html
from auditkit.render.text import one_line
from auditkit.widgets.explorers.mirror import Since, settings_of
from auditkit.widgets.parts import button, note, problem, said
from auditkit.widgets.working import Preparing, Work, while_idle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditkit.explore import Records, RecordWays
    from auditkit.subject import Split, Subject
    from auditkit.widgets.session import Session

__all__ = ["EXPOSURE", "AskedReasons", "ExposurePart", "WaysPart", "lacks_exposure"]

EXPOSURE = {"AK202": ("references", "pool", "rows", "level")}
"""The settings that exposure goes by."""

_WIDE = {"description_width": "11rem"}


class _Part(w.VBox):  # type: ignore[misc]
    """A heading, a button that starts, and what came of it; what was started for a record that is no longer looked at is dropped.

    Parameters
    ----------
    session : Session
        Whose seed is used.
    title, label, tooltip, told : str
        Of the part and its button, and what it does and costs.
    """

    def __init__(self, session: Session, title: str, label: str, tooltip: str, told: str) -> None:
        self.session, self.work = session, Work()
        self._taken: Any = None
        self.going = Preparing(session, self.work, label, tooltip, start=self.start)
        self.words = w.HTML()
        self.table = w.HTML(layout=w.Layout(max_width="100%", overflow="auto"))
        found = [self.words, self.table, *self.more()]
        super().__init__([w.HTML(said(title, tag="h5")), note(told), *self.asked(), self.going, *found])
        self.work.observe(self._follow, "state")

    def asked(self) -> list[Any]:
        """Return controls above the button."""
        return []

    def more(self) -> list[Any]:
        """Return controls beneath what was found."""
        return []

    @abstractmethod
    def about(self) -> Any:
        """Return what it is about just now; what was started about something else is dropped."""

    @abstractmethod
    def job(self) -> Callable[[], Any]:
        """Return what is to be made; it runs in a thread."""

    @abstractmethod
    def take(self, about: Any, found: Any) -> None:
        """Show what was found, and what it is about."""

    def start(self) -> None:
        """Begin; what comes of it says what it is about, for by then another record may be looked at.

        Raises
        ------
        InputError
            If it is at work already, or checks are running.
        """
        while_idle(self.session)
        job, about = self.job(), self.about()
        self.work.start(lambda: (about, job()), seed=self.session.seed)

    def failed(self, why: str) -> None:
        """Show what went wrong."""
        self.going.trouble.value = problem(why)

    def _follow(self, _: Any = None) -> None:
        if self.work.state == "done" and self.work.result is not self._taken:
            self._taken = self.work.result
            about, found = self._taken
            if about == self.about():
                self.take(about, found)


class AskedReasons(_Part):
    """Contributions of the record as it stands in the form, for a model that has to be asked often for them.

    Parameters
    ----------
    session : Session
        Whose seed is used.
    found : Records
        What was prepared.
    place : callable
        Gives row, data and changes as they stand.
    moved : callable
        Called when they are there.
    """

    def __init__(
        self,
        session: Session,
        found: Records,
        place: Callable[[], tuple[int, Split, Mapping[str, Any]]],
        moved: Callable[[], None],
    ) -> None:
        self.found, self.place, self.moved = found, place, moved
        super().__init__(
            session, "Why", "Explain this record", "Ask the model often enough to tell what each input contributes, as the form stands",
            "No exact explainer fits this model, so contributions are not made at each change.",
        )  # fmt: skip

    def about(self) -> Any:
        """Return the record and its changes."""
        return repr(self.place())

    def job(self) -> Callable[[], Any]:
        """Return what explains the record as it stands."""
        row, split, changes = self.place()

        return lambda: self.found.explain(row, changes, split=split)

    def take(self, about: Any, found: Any) -> None:  # noqa: ARG002 - they are remembered where they were made
        """Show the record anew."""
        self.moved()


class WaysPart(_Part):
    """What would flip the answer for the record, and a button that puts a way into the form.

    Parameters
    ----------
    session : Session
        Whose seed is used.
    found : Records
        What was prepared.
    place : callable
        Gives row, data and changes as they stand.
    put : callable
        Puts changes into the form.
    """

    def __init__(
        self,
        session: Session,
        found: Records,
        place: Callable[[], tuple[int, Split, Mapping[str, Any]]],
        put: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.found, self.place, self.put = found, place, put
        self._ways: tuple[Any, RecordWays | None] = (None, None)
        super().__init__(
            session, "What would flip it", "Look for ways", "Search for allowed changes of the record as it is that get the wanted answer",
            "Searches within the threat model: few inputs first, then little cost, several that differ; each is asked about again.",
        )  # fmt: skip

    def asked(self) -> list[Any]:
        """Return the wanted answer, or the wanted values of a regression."""
        subject = self.found.subject
        known = settings_of(self.session, {"AK407": ("wanted", "at_least", "at_most")})
        if subject.task == "regression":
            end = "at_most" if known.get("at_most") is not None else "at_least"
            value = known.get(end)
            self.end = w.Dropdown(
                options=[("at least", "at_least"), ("at most", "at_most")], value=end, description="Wanted", style=_WIDE,
                description_allow_html=False, tooltip="Whether values from here up or down are wanted",
            )  # fmt: skip
            self.value = w.FloatText(
                value=middle_answer(subject) if value is None else value, description="Value", style=_WIDE,
                description_allow_html=False, tooltip="The value that is wanted; what AK407 is set to, else the middle of the answers, at first",
            )  # fmt: skip
            return [w.HBox([self.end, self.value], layout=w.Layout(flex_flow="row wrap"))]
        classes = [] if subject.classes is None else [str(one) for one in subject.classes.tolist()]
        wanted = known.get("wanted")
        self.wanted = w.Dropdown(
            options=[("the likeliest other answer", ""), *((one_line(one), one) for one in classes)],
            value=wanted if wanted in classes else "", description="Wanted", style=_WIDE, description_allow_html=False, tooltip="The answer that is looked for",
            layout=w.Layout(width="28rem", max_width="100%"),
        )  # fmt: skip
        return [self.wanted]

    def more(self) -> list[Any]:
        """Return the menu of the ways that were found."""
        self.which = w.Dropdown(
            description="Way", style=_WIDE, description_allow_html=False, tooltip="One of the ways that were found",
            layout=w.Layout(width="34rem", max_width="100%"),
        )  # fmt: skip
        take = button(
            "Put into the form", "Set the form to this way, and look at what changes", self.choose, self.failed, icon="arrow-up"
        )  # fmt: skip
        self.row = w.HBox([self.which, take], layout=w.Layout(flex_flow="row wrap", display="none"))
        return [self.row]

    def about(self) -> Any:
        """Return the record."""
        return self.place()[:2]

    @property
    def ways(self) -> RecordWays | None:
        """What was found for the record that is looked at now; None where nothing was looked for."""
        about, ways = self._ways
        return ways if about == self.about() else None

    def clear(self) -> None:
        """Forget the ways of another record."""
        self._ways, self.words.value, self.table.value, self.row.layout.display = (None, None), "", "", "none"

    def job(self) -> Callable[[], Any]:
        """Return the search."""
        row, split, _ = self.place()
        wanted: dict[str, Any] = (
            {self.end.value: self.value.value}
            if self.found.subject.task == "regression"
            else {"wanted": self.wanted.value or None}
        )
        return lambda: self.found.ways(row, split=split, **wanted)

    def take(self, about: Any, found: RecordWays) -> None:
        """Show the ways."""
        self._ways, answer = (about, found), found.answer()
        tables = "".join(table_html(table.to_dict()) for table in answer.tables.values())
        self.words.value = said(answer.says) + said(
            f"It does not say: {answer.does_not_say}", kind="ak-small"
        )
        self.table.value = f'<div class="ak">{tables}</div>' if tables else ""
        self.which.options = [
            (
                one_line(
                    f"Way {at + 1}: " + ", ".join(f"{name} to {word_of(b)}" for name, _, b in way.moved)
                ),
                at,
            )
            for at, way in enumerate(found.ways)
        ]
        self.which.value = 0 if found.ways else None
        self.row.layout.display = "" if found.ways else "none"
        if about != self.about():  # another record was picked, in the kernel's thread, while this one wrote
            self.clear()

    def choose(self) -> None:
        """Put the chosen way into the form."""
        ways = self.ways
        if ways is not None and self.which.value is not None:
            self.put(ways.ways[self.which.value].changes)


class ExposurePart(_Part):
    """How exposed the record is as a training record: reference models are trained once, and shared with the membership checks.

    Parameters
    ----------
    session : Session
        Whose seed and settings are used.
    moved : callable
        Called when it is there.
    """

    def __init__(self, session: Session, moved: Callable[[], None]) -> None:
        self.moved = moved
        self.exposure: RecordExposure | None = None
        self.under: dict[str, Any] = {}
        super().__init__(
            session, "How exposed it is", "Prepare exposure", "Train reference models, or take those that the membership checks trained",
            "Trains reference models on halves of the data, the same as the membership checks, once for all records.",
        )  # fmt: skip

    def more(self) -> list[Any]:
        """Return where is said that other settings are wanted now."""
        self.since = Since()
        self.session.observe(self.compare, "settings")
        return [self.since]

    def about(self) -> Any:
        """Return nothing: it is of all records."""

    def job(self) -> Callable[[], Any]:
        """Return what trains the reference models, with the settings of AK202 where the session has it."""
        options = settings_of(self.session, EXPOSURE)
        return lambda: (options, RecordExposure.prepare(self.session.as_subject, **options))

    def take(self, about: Any, found: Any) -> None:  # noqa: ARG002 - it is of all records
        """Let it be shown."""
        self.under, self.exposure = found
        self.going.run.description = "Prepare exposure again"
        self.compare()
        self.moved()

    def compare(self, _: Any = None) -> None:
        """Say whether exposure was prepared under other settings than those of now."""
        self.since.compare(None if self.exposure is None else self.under, settings_of(self.session, EXPOSURE))


def lacks_exposure(subject: Subject) -> str:
    """Return what exposure would need; empty where nothing is missing."""
    return (
        "training rows: pass Subject(..., train=Dataset(X, y))"
        if subject.train is None
        else RecordExposure.lacks(subject)
    )
