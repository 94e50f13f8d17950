"""Notebook: what a notebook gives away, reviewed cell by cell, and a copy without what is not to stay."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import traitlets
from markupsafe import Markup, escape

from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.nouns import counted
from auditkit.render.text import clean
from auditkit.scanning.notebooks import read_notebook, redacted, scan_notebook, written
from auditkit.scanning.notebooks.personal import PERSONAL
from auditkit.targets.notebooks import notebook_bytes
from auditkit.widgets.parts import Keys, button, note, problem, said, sheet, status
from auditkit.widgets.static import Static

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from auditkit.scanning.notebooks import Found

__all__ = ["Notebook"]

_WIDE = {"width": "min(44rem, 100%)"}
_SHOWN = 4000  # letters of a cell that are shown


class Notebook(Static, w.VBox):  # type: ignore[misc]
    """Review a notebook cell by cell: keep or redact what was found, then write the redacted copy.

    What was found is told by kind and place. It is not shown, not even where it is to stay: what a widget shows is saved with the notebook that
    shows it.

    Parameters
    ----------
    notebook : path
        The notebook to review. It is not changed.

    Attributes
    ----------
    kept : list of str
        Digests of what is to stay in the copy; a trait.
    cell : int
        Which cell is shown, the first being 1; 0 for the notebook outside its cells. A trait.
    scan : NotebookScan
        What was found.

    Raises
    ------
    InputError
        If it is not there, or is no notebook.
    """

    kept = traitlets.List(traitlets.Unicode())
    cell = traitlets.Int()

    def __init__(self, notebook: str | os.PathLike[str]) -> None:
        self.path = Path(notebook)
        if not self.path.is_file():
            raise InputError(f"no notebook {self.path}")
        self._salt = secrets.token_bytes(16)
        self._content = read_notebook(notebook_bytes(self.path), str(self.path))
        self.scan = scan_notebook(self._content, salt=self._salt)
        self._clean = redacted(self._content).notebook
        self._found = [*self.scan.secrets, *self.scan.personal]
        self._cells = list(dict.fromkeys(_cell(one) for one in sorted(self._found, key=_cell)))
        self._parts()
        super().__init__([sheet(), Keys(), self.head, self.steps, self.stage, self.filing])
        self.add_class("ak-studio")
        self.observe(self._show, ["cell", "kept"])
        self.pick.observe(lambda change: self.set_trait("cell", change["new"]), "value")
        if self._cells:
            self.cell = self._cells[0]
        self._show()

    def _parts(self) -> None:
        self.head = w.HTML(said(f"What does {self.path.name} give away?", tag="h3") + said(self._summary()))
        self.pick = w.Dropdown(
            description="Cell", options=[(_named(one), one) for one in self._cells], layout=w.Layout(**_WIDE),
            tooltip="Which cell is shown; those in which nothing was found are not listed",
        )  # fmt: skip
        self.back = button(
            "Before", "Show the cell before", lambda: self._step(-1), self._failed, icon="arrow-left"
        )
        self.next = button(
            "Next", "Show the next cell", lambda: self._step(1), self._failed, icon="arrow-right"
        )
        self.steps = w.HBox([self.pick, self.back, self.next])
        self.stage = w.VBox([])
        default = self.path.with_name(f"{self.path.stem}-redacted.ipynb")
        self.out = w.Text(
            value=str(default), description="Copy", layout=w.Layout(**_WIDE), tooltip="Where the redacted copy is written; a file that is there is not overwritten",
        )  # fmt: skip
        self.write = button(
            "Write the copy", "Write a copy without what is not kept", self._write, self._failed, icon="save"
        )
        self.told = w.HTML()
        help_ = note("Redacting takes nothing back: revoke a secret that others could have read.")
        self.filing = w.VBox([self.out, help_, self.write, self.told])

    def _summary(self) -> str:
        if not self._found:
            return f"Nothing was found in {counted(self.scan.cells, 'cell')}. That is no proof that nothing is there."
        hidden, personal = len(self.scan.secrets), len(self.scan.personal)
        places = f"{counted(hidden, 'place')} with a secret, {personal} with personal data"
        cells = sum(cell != 0 for cell in self._cells)  # 0 stands for the notebook's own metadata
        inside = f"in {cells} of {self.scan.cells} cells" if cells else ""
        outside = "in the metadata of the notebook" if 0 in self._cells else ""
        return f"{places}, {' and '.join(filter(None, (inside, outside)))}. What was found is not shown."

    def _step(self, by: int) -> None:
        if self._cells:
            at = self._cells.index(self.cell) + by
            self.cell = self._cells[max(0, min(at, len(self._cells) - 1))]

    def _show(self, _: Any = None) -> None:
        if not self._cells:
            return
        self.pick.value = self.cell
        at = self._cells.index(self.cell)
        self.back.disabled, self.next.disabled = at == 0, at == len(self._cells) - 1
        here: dict[str, list[Found]] = {}
        for one in self._found:
            if _cell(one) == self.cell:
                here.setdefault(one.digest, []).append(one)
        self.stage.children = [
            *(self._line(digest, ones) for digest, ones in here.items()),
            w.HTML(self._text()),
        ]

    def _line(self, digest: str, found: list[Found]) -> Any:
        first = found[0]
        kind = PERSONAL.get(first.kind, first.kind)
        where = f"{first.place.part}, line {first.place.line}"
        others = sum(one.digest == digest for one in self._found) - 1
        more = f", and {others} more {'place' if others == 1 else 'places'}" if others else ""
        made = w.Checkbox(
            value=digest not in self.kept, description=f"Redact {kind}: {where}{more}", indent=False, description_allow_html=False,
            layout=w.Layout(**_WIDE), tooltip="Ticked: it is taken out of the copy, wherever it stands. Not ticked: it stays",
        )  # fmt: skip
        made.observe(lambda change, digest=digest: self._decide(digest, redact=change["new"]), "value")
        return made

    def _decide(self, digest: str, *, redact: bool) -> None:
        others = [one for one in self.kept if one != digest]
        self.kept = others if redact else [*others, digest]

    def _text(self) -> str:
        """Return the source of the cell, with marks in place of all that was found."""
        if self.cell == 0:
            return said("It stands in the metadata of the notebook, outside its cells.")
        source = self._clean["cells"][self.cell - 1].get("source", "")
        text = "".join(source) if isinstance(source, list) else str(source)
        cut = f"{text[:_SHOWN]} ..." if len(text) > _SHOWN else text
        return str(
            Markup('<div class="ak"><pre>{}</pre></div>').format(
                escape("\n".join(map(clean, cut.split("\n"))))
            )
        )

    def _write(self) -> None:
        target = Path(self.out.value)
        if target.suffix != ".ipynb":
            raise InputError(f"expected the name of a notebook (.ipynb); got {target}")
        if target.exists():
            raise InputError(f"{target} is there already, and is not overwritten; type another name")
        if not target.parent.is_dir():
            raise InputError(f"no folder {target.parent}")
        made = redacted(self._content, keep=self.kept, salt=self._salt)
        write_whole(target, written(made.notebook))
        kept = f", {len(self.kept)} kept" if self.kept else ""
        self.told.value = status(f"Written: {target}. {counted(made.count, 'place')} redacted{kept}.")

    def _failed(self, why: str) -> None:
        self.told.value = problem(why)

    def __repr__(self) -> str:
        return f"Notebook({self.path}: {self._summary()} Without widgets: auditkit scan notebook {self.path} --redact OUT)"

    def page(self) -> str:
        """Return what was found, as a table of kinds and places."""
        rows = Markup("").join(
            Markup("<tr><td>{}</td><td>{}</td></tr>").format(PERSONAL.get(one.kind, one.kind), str(one.place))
            for one in self._found
        )
        table = Markup(
            "<table><thead><tr><th>Found</th><th>Where</th></tr></thead><tbody>{}</tbody></table>"
        ).format(rows)
        return said(self._summary()) + (
            str(Markup('<div class="ak">{}</div>').format(table)) if self._found else ""
        )

    def still(self) -> Iterator[dict[str, Any]]:
        """Yield what was found, as text and as a table."""
        yield {"text/plain": repr(self), "text/html": self.page()}


def _cell(one: Found) -> int:
    return one.place.cell or 0


def _named(cell: int) -> str:
    return f"Cell {cell}" if cell else "The notebook, outside its cells"
