"""The review of a notebook, without a browser: cell by cell, keep or redact, write."""

from __future__ import annotations

import json

import ipywidgets as w
import pytest

from auditkit.errors import InputError
from auditkit.scanning.notebooks import scan_notebook
from auditkit.widgets import Notebook

pytestmark = pytest.mark.needs("detect_secrets", extra="scan")
TOKEN = "ghp_" + "Ab1" * 12


@pytest.fixture
def path(tmp_path):
    blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [
        blank | {"id": "a", "source": "x = 1 < 2"},
        blank | {"id": "b", "source": f"# by ada@lovelace.org\nif x < 2:\n    key = '{TOKEN}'"},
        blank | {"id": "c", "source": f"login('{TOKEN}')"},
    ]
    found = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"note": TOKEN}, "cells": cells}
    (tmp_path / "<mine>.ipynb").write_text(json.dumps(found))
    return tmp_path / "<mine>.ipynb"


def boxes(made):
    return [one for one in made.stage.children if isinstance(one, w.Checkbox)]


def shown(made):
    """Return all words of the review, as its widgets hold them."""
    held = [made.head.value, made.told.value, made.page(), repr(made)]
    for one in made.stage.children:
        held += [str(one.value), getattr(one, "description", "")]
    return "".join(held)


def test_the_metadata_of_the_notebook_is_no_cell(path):
    everywhere = Notebook(path).head.value  # the token in two cells and the metadata, the address in one
    assert "3 places with a secret, 1 with personal data, in 2 of 3 cells and in the metadata of the notebook." in everywhere  # fmt: skip
    held = json.loads(path.read_text())
    path.write_text(json.dumps(held | {"metadata": {}}))
    assert "2 places with a secret, 1 with personal data, in 2 of 3 cells. " in Notebook(path).head.value
    path.write_text(json.dumps(held | {"cells": held["cells"][:1]}))
    assert "1 place with a secret, 0 with personal data, in the metadata of the notebook." in Notebook(path).head.value  # fmt: skip


def written(path):
    return [cell["source"] for cell in json.loads(path.read_text())["cells"]]


def test_cells_with_findings_are_shown_one_by_one(path):
    made = Notebook(path)
    assert [value for _, value in made.pick.options] == [0, 2, 3]
    assert (made.cell, made.back.disabled, made.next.disabled) == (0, True, False)
    made.next.click()
    assert (made.cell, len(boxes(made))) == (2, 2)
    assert "if x &lt; 2" in shown(made)
    made.pick.value = 3
    assert (made.cell, made.next.disabled) == (3, True)
    assert boxes(made)[0].description == "Redact GitHub Token: source, line 1, and 2 more places"
    made.back.click()
    assert made.cell == 2


def test_nothing_that_was_found_is_in_any_widget_kept_or_not(path):
    made = Notebook(path)
    for cell in (0, 2, 3):
        made.cell = cell
        for box in boxes(made):
            box.value = False
        said = shown(made)
        assert [TOKEN[at : at + 8] for at in range(len(TOKEN) - 7) if TOKEN[at : at + 8] in said] == []
        assert "lovelace" not in said
    assert "&lt;mine&gt;" in made.head.value


def test_what_is_kept_stays_and_the_rest_is_redacted(path):
    made = Notebook(path)
    made.cell = 2
    [_, address] = sorted(boxes(made), key=lambda box: "mail" in box.description)
    address.value = False
    assert len(made.kept) == 1
    assert not next(box for box in boxes(made) if "mail" in box.description).value
    made.write.click()
    copy = path.with_name("<mine>-redacted.ipynb")
    assert written(copy) == [
        "x = 1 < 2",
        "# by ada@lovelace.org\nif x < 2:\n    key = '[redacted]'",
        "login('[redacted]')",
    ]
    assert "Written" in made.told.value
    made.write.click()
    assert "is there already" in made.told.value
    next(box for box in boxes(made) if "mail" in box.description).value = True
    assert made.kept == []
    made.out.value = str(path.with_name("all.ipynb"))
    made.write.click()
    scan = scan_notebook(json.loads(path.with_name("all.ipynb").read_text()))
    assert scan.secrets == scan.personal == ()


@pytest.mark.parametrize(
    ("name", "why"), [("copy.txt", "expected the name of a notebook"), ("no/copy.ipynb", "no folder")]
)
def test_a_copy_that_cannot_be_written_is_told(path, name, why):
    made = Notebook(path)
    made.out.value = str(path.parent / name)
    made.write.click()
    assert why in made.told.value
    assert len(list(path.parent.iterdir())) == 1


def test_a_notebook_without_findings_says_so_and_can_be_copied(tmp_path):
    (tmp_path / "clean.ipynb").write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []})
    )
    made = Notebook(tmp_path / "clean.ipynb")
    assert "Nothing was found" in made.head.value
    assert made.stage.children == ()
    made.next.click()
    made.write.click()
    assert "0 places redacted" in made.told.value
    with pytest.raises(InputError, match="no notebook"):
        Notebook(tmp_path / "none.ipynb")


def test_where_no_widget_is_shown_the_findings_are_a_table(path):
    [bundle] = Notebook(path).still()
    assert "GitHub Token" in bundle["text/html"]
    assert "auditkit scan notebook" in bundle["text/plain"]
