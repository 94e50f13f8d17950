"""Drawing: plotly's FigureWidget, with plotly.js once for all of them, views that can come and go, and word of what each drew."""

from __future__ import annotations

import re
import threading
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as w
import traitlets as t

__all__ = ["UNASKED", "bring", "figure_widget"]

UNASKED = -1
"""The number of an edit whose echo from the browser is of no interest."""

_EXPORT = re.compile(r"export\s*\{[^{}]*?([\w$]+)\s+as\s+default\s*\}\s*;?")
_NOTES = re.compile(r"/\*.*?\*/", re.DOTALL)  # licences stand at the end, and stay

_GIVEN = """
globalThis["KEY"] = NAME;
globalThis.dispatchEvent(new Event("KEY"));
export default {};
"""

# anywidget waits two seconds for a widget, which the reading of plotly.js can exceed: so each figure is there at once, and its views
# wait. Plotly lets every view listen to the model for ever: one that is gone fails at each message, and none that came later
# hears it; so each view listens by the model it was given, and its listeners go with it. What it has begun to draw it ends,
# out of sight, before it is cleared.
_FIGURE = """
const library = new Promise((found) => {
  const look = () => { if (globalThis["KEY"]) { globalThis.removeEventListener("KEY", look); found(globalThis["KEY"]); } };
  globalThis.addEventListener("KEY", look);
  look();
});
export default () => {
  let view = null, plotly = null;
  const begin = async (model) => {
    const given = await library;
    const made = typeof given === "function" ? given() : given;
    made.initialize({ model: {
      get: (name) => model.get(name), set: (name, value) => model.set(name, value), save_changes: () => model.save_changes(),
      on: (name, heard) => (view ?? model).on(name, heard), off: (name, heard) => model.off(name, heard),
    } });
    return made;
  };
  return {
    initialize: ({ model }) => { plotly ??= begin(model); },
    render: async ({ model, el }) => {
      const made = await (plotly ??= begin(model));
      view = model;
      let end = null;
      try { end = made.render({ model, el }); } finally { view = null; }
      return () => { setTimeout(() => end?.(), 2000); };
    },
  };
};
"""


_one = threading.RLock()
"""Held while the class or plotly.js is made: `bring` and the first figure can want them at once. Whoever holds it asks for no other lock."""


def figure_widget() -> Any:
    """Return the class; plotly is imported here.

    It sends its state and none of plotly's own steps, and calls ``_drew`` with the identifiers of the traces that a view has drawn.
    """
    with _one:
        return _figure_widget()


@cache
def _figure_widget() -> Any:
    from plotly.graph_objects import FigureWidget

    whole, small = _scripts(FigureWidget._esm)  # noqa: SLF001 - anywidget's name for it

    class Library(anywidget.AnyWidget):
        """plotly.js, on the page once."""

        _esm = whole

    library: list[Library] = []

    def there() -> Library | None:
        """Return the one there is; None where each figure brings it all."""
        with _one:
            if small and (not library or library[-1].comm is None):  # none yet, or all widgets were closed
                library[:] = [Library()]
            return library[-1] if small else None

    def unsent(*_: Any, **__: Any) -> None:
        """Send nothing: each step is a message of its own, and in the browser they overtake one another."""

    class Figure(FigureWidget):  # type: ignore[misc]
        """A figure whose canvas is told what was drawn."""

        _esm = small or whole
        _library = t.Any().tag(
            sync=True, **w.widget_serialization
        )  # so that it is on every page that has the figure
        _send_addTraces_msg = _send_deleteTraces_msg = _send_moveTraces_msg = unsent  # noqa: N815 - plotly's names
        _send_restyle_msg = _send_update_msg = _send_relayout_msg = unsent

        _drew: Any = None

        library = staticmethod(there)

        @t.default("_library")
        def _the_library(self) -> Any:
            return there()

        @t.observe("_js2py_traceDeltas")
        def _handler_js2py_traceDeltas(self, change: Any) -> None:  # noqa: N802 - in place of plotly's, which reads defaults back
            said = change["new"]
            if said and said.get("trace_edit_id") != UNASKED and self._drew is not None:
                # taken, as plotly does: a page that is loaded anew says the same again, which would be no change
                self._js2py_traceDeltas = None
                self._drew([one.get("uid") for one in said["trace_deltas"]])

    return Figure


def bring() -> threading.Thread:
    """Bring plotly.js to the page in a thread, before the first figure is there: a browser is busy while it reads it."""
    bringing = threading.Thread(target=lambda: figure_widget().library(), name="auditkit-plotly", daemon=True)
    bringing.start()
    return bringing


def _scripts(source: Any) -> tuple[str, str]:
    """Return plotly's script that gives itself to the page, and that of a figure, which takes it.

    Where plotly's ends in another way than is known: as it is, and nothing; each figure then brings it all.
    """
    import plotly

    text = source.read_text("utf-8") if isinstance(source, Path) else str(source)
    found = list(_EXPORT.finditer(text))
    if not found or _NOTES.sub("", text[found[-1].end() :]).strip():
        return text, ""
    last, key = found[-1], f"auditkit-plotly-{plotly.__version__}"
    given = _GIVEN.replace("NAME", last.group(1)).replace("KEY", key)
    return text[: last.start()] + given + text[last.end() :], _FIGURE.replace("KEY", key)
