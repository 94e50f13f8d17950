"""Static: a component where nobody can press a button shows what it would have come to."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from auditkit.runner.front_end import front_end
from auditkit.widgets.drawing import bring

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Static"]


class Static:
    """Mixed into a component: under papermill, nbconvert and `auditkit run` its results are shown as plain outputs, and no widget.

    A widget's view in a notebook that a program runs would be a blank place in every page made of it.
    """

    @abstractmethod
    def still(self) -> Iterable[dict[str, Any]]:
        """Yield MIME bundles of what the component comes to with its settings as they are; runs what it needs."""

    def _ipython_display_(self) -> None:
        from IPython.display import display

        live = front_end().mode != "static"
        if live:
            bring()
        for bundle in (self._repr_mimebundle_(),) if live else self.still():
            display(bundle, raw=True)  # type: ignore[no-untyped-call]

    def page(self) -> str:
        """Return what is shown where no widget can be, as HTML; empty where there is nothing yet."""
        return ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if page := self.page():
            bundle["text/html"] = page
        if self._view_name is not None:
            bundle["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            }
        return bundle

    _view_name: str | None
    model_id: str
