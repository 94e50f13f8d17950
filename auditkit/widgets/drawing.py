"""Drawing: plotly's FigureWidget, of which views can come and go, and which says what each of them drew."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from traitlets import observe

__all__ = ["UNASKED", "figure_widget"]

UNASKED = -1
"""The number of an edit whose echo from the browser is of no interest."""

_EXPORT = re.compile(r"export\s*\{[^{}]*?([\w$]+)\s+as\s+default\s*\}\s*;?")

_NOTES = re.compile(r"/\*.*?\*/", re.DOTALL)  # licences stand at the end, and stay

# plotly lets every view listen to the model for ever: one that is gone fails at each message, and none that came later hears it
_VIEWS_OF_THEIR_OWN = """
export default () => {
  const plotly = typeof NAME === "function" ? NAME() : NAME;
  let view = null;
  return {
    initialize: ({ model }) => plotly.initialize({ model: {
      get: (name) => model.get(name), set: (name, value) => model.set(name, value), save_changes: () => model.save_changes(),
      on: (name, heard) => (view ?? model).on(name, heard), off: (name, heard) => model.off(name, heard),
    } }),
    render: ({ model, el }) => { view = model; try { return plotly.render({ model, el }); } finally { view = null; } },
  };
};
"""


@cache
def figure_widget() -> Any:
    """Return the class; plotly is imported here.

    It sends its state and none of plotly's own steps, and calls ``_drew`` with the identifiers of the traces that a view has drawn.
    """
    from plotly.graph_objects import FigureWidget

    def unsent(*_: Any, **__: Any) -> None:
        """Send nothing: each step is a message of its own, and in the browser they overtake one another."""

    class Figure(FigureWidget):  # type: ignore[misc]
        """A figure whose canvas is told what was drawn."""

        _esm = _script(FigureWidget._esm)  # noqa: SLF001 - anywidget's name for it
        _send_addTraces_msg = _send_deleteTraces_msg = _send_moveTraces_msg = unsent  # noqa: N815 - plotly's names
        _send_restyle_msg = _send_update_msg = _send_relayout_msg = unsent

        _drew: Any = None

        @observe("_js2py_traceDeltas")
        def _handler_js2py_traceDeltas(self, change: Any) -> None:  # noqa: N802 - in place of plotly's, which reads defaults back
            said = change["new"]
            if said and said.get("trace_edit_id") != UNASKED and self._drew is not None:
                self._drew([one.get("uid") for one in said["trace_deltas"]])

    return Figure


def _script(source: Any) -> str:
    """Return plotly's script with views whose listeners go with them; as it is where it ends in another way than is known."""
    text = source.read_text("utf-8") if isinstance(source, Path) else str(source)
    found = list(_EXPORT.finditer(text))
    if not found or _NOTES.sub("", text[found[-1].end() :]).strip():
        return text
    last = found[-1]
    return text[: last.start()] + _VIEWS_OF_THEIR_OWN.replace("NAME", last.group(1)) + text[last.end() :]
