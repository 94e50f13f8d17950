"""Saving: papermill's own engine, but a notebook is written when it ends rather than twice for every cell.

A report's notebook grows with its figures, so that saving all of it at each cell takes time that grows with the square of their number.
What there is of a notebook that fails is written all the same, at its end.
"""

from __future__ import annotations

from typing import Any

from papermill.engines import NBClientEngine, papermill_engines

__all__ = ["ENGINE"]

ENGINE = "auditkit"
"""The engine's name among papermill's."""


class _SavedOnce(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        nb_man.save = lambda **_said: None
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            del nb_man.save  # papermill's own: it saves when the notebook is complete, or has failed


papermill_engines.register(ENGINE, _SavedOnce)
