"""Export: an executed notebook as one HTML file that opens anywhere, offline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import Exporter
from traitlets import Bool

from auditkit.controls.shown import on_page
from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.render.notebook import notebook_html
from auditkit.runner.pages import check_pages

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["ReportExporter", "export_report"]


class ReportExporter(Exporter):
    """nbconvert's door to the report: ``jupyter nbconvert --to auditkit audit.ipynb``.

    Attributes
    ----------
    include_code : bool
        Whether to show source code, folded; ``--ReportExporter.include_code=True``.
    """

    export_from_notebook = "Audit report"
    output_mimetype = "text/html"

    include_code = Bool(default_value=False, help="Show source code, folded.").tag(config=True)

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own exporters: text
        self, nb: NotebookNode, resources: Any | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and nbconvert's resources."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        name = str((resources.get("metadata") or {}).get("name") or "")
        page = notebook_html(
            nb, include_code=self.include_code, title=name, pages=check_pages(), controls=on_page
        )
        return page, resources


def export_report(
    notebook: str | os.PathLike[str] | NotebookNode,
    out_path: str | os.PathLike[str],
    *,
    include_code: bool = False,
) -> Path:
    """Write an executed notebook as a self-contained HTML report.

    Parameters
    ----------
    notebook : path or NotebookNode
        The notebook, with its outputs; it is not run.
    out_path : path
        The file to write; its folder must exist. It appears whole or not at all.
    include_code : bool, default False
        Whether to show source code, folded.

    Returns
    -------
    pathlib.Path
        `out_path`.

    Raises
    ------
    InputError
        If the notebook cannot be read, or the folder is missing.
    """
    out = Path(out_path)
    if not out.parent.is_dir():
        raise InputError(f"the folder of the report must exist; {str(out.parent)!r} does not")
    node, name = (
        (_read(Path(notebook)), Path(notebook).stem)
        if isinstance(notebook, (str, os.PathLike))
        else (notebook, "")
    )
    exporter = ReportExporter(include_code=include_code)  # type: ignore[no-untyped-call]
    page, _ = exporter.from_notebook_node(node, {"metadata": {"name": name or out.stem}})
    return write_whole(out, page.encode())


def _read(path: Path) -> NotebookNode:
    import nbformat

    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-any-return, no-untyped-call]
    except FileNotFoundError as problem:
        raise InputError(
            f"no notebook at {str(path)!r}: give the path of an executed .ipynb file"
        ) from problem
    except (OSError, ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError) as problem:
        first = str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
        raise InputError(f"{str(path)!r} is not a Jupyter notebook (.ipynb): {first}") from problem
