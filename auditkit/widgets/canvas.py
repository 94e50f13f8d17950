"""Canvas: the place of one picture; few figures are made, and lent to what is in sight, for each keeps all that it draws.

A picture reaches the page in one of two ways. A new one is put into the state of the widget and drawn by a new view, which
answers with the identifiers of the traces it drew. One that moves while a person drags is changed in place, by a message of what differs; that
is safe only where the view has answered, for a message that comes while the front end still reads its script, or draws, is lost.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import ipywidgets as w

from auditkit.render.figures import figure
from auditkit.widgets.drawing import UNASKED, figure_widget

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Canvas"]

_CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True}


@dataclass(slots=True)
class _Lent:
    """A figure, the canvas that has it, what it was given last, and how far its view is."""

    figure: Any
    holder: Canvas
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    drawn: bool = False
    """Whether the view has answered that it drew the picture as it is: it can be changed in place."""
    awaited: bool = True
    """Whether a view was asked for that is not on the page yet."""


@dataclass(slots=True)
class _Pool:
    """The figures of one owner, by slot."""

    lent: dict[str, _Lent] = field(default_factory=dict)
    turn: Any = field(default_factory=threading.RLock)  # canvases of one owner are drawn in several threads
    """Whoever draws asks for no other lock but that of plotly.js, in `drawing`."""


_pools: WeakKeyDictionary[Any, _Pool] = WeakKeyDictionary()


class Canvas(w.VBox):  # type: ignore[misc]
    """The place of one picture.

    Parameters
    ----------
    owner : object
        The studio, or the session: canvases of one owner and slot share a figure, which the one that draws last has.
    slot : str
        Pictures that are in sight at once have different ones.
    """

    children: Any

    def __init__(self, owner: Any, slot: str = "first") -> None:
        super().__init__(layout=w.Layout(width="100%", min_width="0", display="none"))
        self._pool, self._slot = _pools.setdefault(owner, _Pool()), slot
        self._drawn: dict[str, Any] | None = None
        self._moves = False

    @property
    def figure(self) -> Any:
        """The figure that stands here; None if none does."""
        return self.children[0] if self.children else None

    def show(
        self,
        table: Mapping[str, Any] | None,
        ends: Mapping[str, tuple[float, float]] | None = None,
        *,
        moves: bool = False,
    ) -> bool:
        """Draw a table, and return whether there is a picture of it.

        Parameters
        ----------
        table : mapping or None
            What ``Table.to_dict()`` returned.
        ends : mapping of str to (float, float), optional
            Of "x" and "y" axes that are to stay as they are while the picture changes.
        moves : bool, default False
            Whether this is the picture that stands here, moved by a dial, and not another.
        """
        self._moves = moves
        self._drawn = figure(table, title=False) if table else None
        for axis, (low, high) in (ends or {}).items() if self._drawn else ():
            self._drawn["layout"].setdefault(f"{axis}axis", {})["range"] = [low, high]  # type: ignore[index]
        self.layout.display = "" if self._drawn else "none"
        if self._drawn is None:
            return False
        self._put(self._drawn)
        return True

    def resume(self) -> None:
        """Take the figure back, where another canvas had it meanwhile, and give it the width of its place."""
        if self._drawn is None:
            return
        if not self.children:
            self._put(self._drawn)
        self.fit()

    def fit(self) -> None:
        """Give the figure the width of its place, which it cannot know while it is hidden."""
        lent = self._pool.lent.get(self._slot)
        if lent is not None and lent.holder is self and lent.drawn:
            lent.figure._py2js_relayout = {  # noqa: SLF001 - setting it again would send nothing
                "relayout_data": {"autosize": True}, "layout_edit_id": UNASKED, "source_view_id": None,
            }  # fmt: skip
            lent.figure._py2js_relayout = None  # noqa: SLF001

    def _put(self, drawn: Mapping[str, Any]) -> None:
        # named where there are none, so that those of the picture before go
        layout = {"shapes": [], "annotations": [], **drawn["layout"]}
        layout.pop("autosize", None)
        data, pool = drawn["data"], self._pool
        with pool.turn:
            lent = pool.lent.get(self._slot)
            if lent is None:
                pool.lent[self._slot] = self._first(data, layout)
                return
            mine = lent.holder is self
            if mine and lent.drawn and self._moves and _alike(lent.data, data):
                _change(lent, data, layout)
            else:
                _redraw(lent, data, layout)
                if not mine:
                    lent.holder.children = ()
                    lent.holder = self
                if lent.drawn or not mine:  # else a view is on its way, and its answer tells what it drew
                    _view_anew(lent)
            lent.data, lent.layout = data, layout

    def _first(self, data: Any, layout: dict[str, Any]) -> _Lent:
        """Make the figure of this slot, and have it here."""
        pool, lent = self._pool, _Lent(_made(data, layout), self, data, layout)
        lent.figure._drew = lambda drew: _heard(pool, lent, drew)  # noqa: SLF001
        lent.figure.observe(lambda change: _looked_at(lent, change), "_view_count")
        self.children = (lent.figure,)
        return lent


def _heard(pool: _Pool, lent: _Lent, drew: list[Any]) -> None:
    """Take the answer of a view: what it drew, by the identifiers of the traces; one that drew an older picture is made anew."""
    with pool.turn:
        if drew != [trace.get("uid") for trace in lent.figure._data]:  # noqa: SLF001
            if not lent.drawn:
                _view_anew(lent)
        elif not lent.drawn:
            lent.drawn = True
            lent.holder.fit()


def _looked_at(lent: _Lent, change: Mapping[str, Any]) -> None:
    """Wait for the answer of a view that comes on the page unasked: the cell is shown again."""
    if (change["new"] or 0) > (change["old"] or 0):
        lent.drawn = lent.drawn and lent.awaited
        lent.awaited = False


def _view_anew(lent: _Lent) -> None:
    """Let a new view draw the picture as it is."""
    lent.drawn, lent.awaited = False, True
    lent.holder.children = ()
    lent.holder.children = (lent.figure,)


def _made(data: Any, layout: Mapping[str, Any]) -> Any:
    made = figure_widget()({"data": data, "layout": layout})
    made._config = _CONFIG  # noqa: SLF001 - its only door
    made._view_count = 0  # noqa: SLF001 - ipywidgets counts the views from here on
    return made


def _alike(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> bool:
    """Whether these are as many traces of the same sorts."""
    return [one.get("type", "scatter") for one in old] == [one.get("type", "scatter") for one in new]


def _redraw(lent: _Lent, data: list[dict[str, Any]], layout: dict[str, Any]) -> None:
    """Put another picture into the widget and its state."""
    made = lent.figure
    with made.batch_update():
        made.data = []
        made.layout = layout
    made.add_traces(data)
    with made.hold_sync():
        made._widget_data = copy.deepcopy(made._data)  # noqa: SLF001
        made._widget_layout = copy.deepcopy(made._layout)  # noqa: SLF001


def _change(lent: _Lent, data: list[dict[str, Any]], layout: dict[str, Any]) -> None:
    """Send the few properties that a drag changes, in one message.

    By `FigureWidget.update` plotly would validate all traces, and read back what the browser filled in, ten times as long as an answer takes.
    """
    made = lent.figure
    differ = [dict(_differing(new, old)) for new, old in zip(data, lent.data, strict=True)]
    moved = dict(_differing(layout, lent.layout))
    touched = [at for at, change in enumerate(differ) if change]
    if not touched and not moved:
        return
    paths = dict.fromkeys(path for change in differ for path in change)
    style = {path: [_within(data[at], path) for at in touched] for path in paths}
    # what it is in Python, and what a page that is loaded anew is told
    for traces, whole in ((made._data, made._layout), (made._widget_data, made._widget_layout)):  # noqa: SLF001
        for path, values in style.items():
            for at, value in zip(touched, values, strict=True):
                _write(traces[at], path, value)
        for path, value in moved.items():
            _write(whole, path, value)
    made._py2js_update = {  # noqa: SLF001 - the message that plotly's own update sends
        "style_data": style, "layout_data": moved, "style_traces": touched,
        "trace_edit_id": UNASKED, "layout_edit_id": UNASKED, "source_view_id": None,
    }  # fmt: skip
    made._py2js_update = None  # noqa: SLF001


def _differing(new: Mapping[str, Any], old: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path of each property that differs and its new value, None where it is gone."""
    for key in {**old, **new}:
        now, before = new.get(key), old.get(key)
        if now == before:
            continue
        if isinstance(now, dict) and isinstance(before, dict):
            yield from _differing(now, before, f"{within}{key}.")
        else:
            yield f"{within}{key}", now


def _within(tree: Mapping[str, Any], path: str) -> Any:
    found: Any = tree
    for key in path.split("."):
        found = found.get(key) if found else None
    return found


def _write(tree: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for key in way:
        tree = tree.setdefault(key, {})
    if value is None:
        tree.pop(last, None)
    else:
        tree[last] = value
