"""The forms that ship with the notebooks: complete, and fit to be signed."""

from pathlib import Path

import pytest

from auditkit.forms import load_form, load_kind, to_toml
from auditkit.forms.reading import read_form
from auditkit.packing.forms import misfits, sign_form

FORMS = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "forms").glob("*.toml"))


def test_there_are_some():
    assert [one.stem for one in FORMS] == ["impact_assessment", "intended_use"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_example_is_complete_and_can_be_signed(path, keys, tmp_path):
    form = load_form(path)
    assert (form.subject, form.open) == ("card offer", ())
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    sign_form(copy, key=keys / "author.key", role="author", name="Maria Rossi")
    made = sign_form(copy, key=keys / "reviewer.key", role="reviewer", name="Jan Novak")
    assert misfits(made) == []
    assert made.digest == form.digest


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_example_is_written_as_auditkit_writes_it(path):
    import tomllib

    form, text = load_form(path), path.read_text()
    kind = load_kind(form.kind)
    assert text.partition("\n")[2] == to_toml(
        kind, form.subject, form.answers
    )  # a line on what it is stands first
    assert read_form(tomllib.loads(text), kind, "f.toml").digest == form.digest
