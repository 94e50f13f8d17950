"""A form filled in, without a browser: steps, questions that matter, what is open, saved and gone on with."""

from __future__ import annotations

import datetime as dt
import tomllib

import ipywidgets as w
import pytest

import auditkit as ak
from auditkit.errors import InputError
from auditkit.forms import kind_names, load_form
from auditkit.widgets import Form


def asked(made):
    """Return the ids of the questions in sight."""
    return [one.question.id for one in made.stage.children if hasattr(one, "question")]


def field(made, name):
    return made._asked[name]


def press(made, words):
    found = next(b for b in every(made) if isinstance(b, w.Button) and b.description == words)
    found.click()


def every(one):
    yield one
    for inner in getattr(one, "children", ()):
        yield from every(inner)


@pytest.mark.parametrize("name", kind_names())
def test_each_kind_opens_and_walks_through_its_sections(name):
    made = Form(name, "credit")
    for at, section in enumerate(made.kind.sections):
        assert made.tabs.at == at
        assert set(asked(made)) <= {one.id for one in section.questions}
        press(made, "Next")
    assert made.tabs.at == len(made.kind.sections) - 1
    for one in every(made):
        if isinstance(one, (w.Text, w.Textarea, w.Dropdown, w.Checkbox, w.DatePicker)):
            assert one.description


def test_questions_come_and_go_with_the_answers_before():
    made = Form("oversight", "credit")
    made.tabs.go(1)
    assert asked(made) == ["without_person"]
    kept, head = field(made, "without_person"), made.stage.children[0]
    kept.control.widget.value = True
    assert asked(made) == ["without_person", "weighty", "safeguards"]
    # all up to who answers stay as they are: JupyterLab draws anew what comes after the first that changed
    assert made.stage.children[:2] == (head, kept)
    field(made, "weighty").control.widget.value = True
    assert asked(made) == ["without_person", "weighty", "allowed_by", "safeguards"]
    field(made, "safeguards").control.widget.value = "They call"
    kept.control.widget.value = False
    assert asked(made) == ["without_person"]
    assert made.form().answers == {"without_person": False}
    kept.control.widget.value = True
    assert made.form().answers["safeguards"] == "They call"


def test_it_says_what_is_open_and_what_is_done():
    made = Form("oversight", "credit")
    required = sum(one.required and not one.asked_if for one in made.kind.questions())
    made.tabs.go(1)
    assert f"Open: {required} questions." in made.open.value
    assert not made.tabs.buttons[1].description.endswith("✓")
    field(made, "without_person").control.widget.value = False
    assert made.tabs.buttons[1].description.endswith("✓")
    assert f"Open: {required - 1} questions." in made.open.value


def test_what_does_not_fit_is_told_beside_it_and_not_saved(tmp_path):
    made = Form("oversight", "credit")
    made.tabs.go(5)
    one = field(made, "log_months")
    one.control.widget.value = "-3"
    assert "is 0 at least, got -3" in one.trouble.value
    made.place.value = str(tmp_path / "o.toml")
    press(made, "Save")
    assert "Not possible" in made.told.value
    assert not (tmp_path / "o.toml").exists()
    one.control.widget.value = "6"
    assert one.trouble.value == ""
    press(made, "Save")
    assert load_form(tmp_path / "o.toml").answers == {"log_months": 6}


def test_rows_are_added_and_taken_away():
    made = Form("incident", "credit")
    made.tabs.go(5)
    rows = field(made, "decisions").control
    press(made, "Add a row")
    rows.rows[0]["decision"].widget.value = "Stopped <b>it</b>"
    assert made.answers["decisions"] == [{"decision": "Stopped <b>it</b>"}]
    assert "Open" in made.open.value
    press(made, "Add a row")
    rows.rows[1]["by"].widget.value = "Jan"
    press(made, "Remove row 1")
    assert made.answers["decisions"] == [{"by": "Jan"}]
    press(made, "Remove row 1")
    assert "decisions" not in made.answers


def test_a_form_is_saved_and_gone_on_with(tmp_path):
    made = Form("data_protection", "credit")
    field(made, "signs").control.boxes["large scale"].value = True
    field(made, "need_conclusion").control.widget.value = 'Two "signs"\nand more'
    made.tabs.go(9)
    field(made, "decided_by").control.widget.value = "Maria Rossi, head\n\nJan Novak"
    field(made, "review_by").control.widget.value = dt.date(2027, 5, 1)
    made.place.value = str(tmp_path / "d.toml")
    press(made, "Save")
    assert "Draft, not signed, 32 open" in made.told.value
    again = Form(tmp_path / "d.toml")
    assert again.subject == "credit"
    assert again.form() == made.form()
    assert again.form().answers == {
        "signs": ["large scale"],
        "need_conclusion": 'Two "signs"\nand more',
        "decided_by": ["Maria Rossi, head", "Jan Novak"],
        "review_by": "2027-05-01",
    }
    press(again, "Save")  # its own file is replaced
    assert "Saved" in again.told.value
    other = Form("data_protection", "another")
    other.place.value = str(tmp_path / "d.toml")
    press(other, "Save")
    assert "is there already" in other.told.value
    assert tomllib.loads((tmp_path / "d.toml").read_text())["subject"] == "credit"


def test_answers_can_be_set_by_code_and_a_subject_gives_its_name():
    subject = ak.data.make_biased(gap=0.2, n=60).subject
    made = Form("intended_use", subject)
    assert made.subject == subject.name
    with pytest.raises(InputError, match="expected a name, or a Subject"):
        Form("intended_use", 7)
    with pytest.raises(InputError, match="Did you mean 'oversight'"):
        Form("oversigth")


def test_where_a_program_runs_the_notebook_the_form_is_shown_as_in_a_report():
    made = Form("oversight", "<script>x</script>")
    made.tabs.go(1)
    field(made, "without_person").control.widget.value = False
    (bundle,) = made.still()
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "<script>x" not in bundle["text/html"]
    assert "Draft, not signed" in bundle["text/html"]
    assert made.page() in bundle["text/html"]


def test_a_kind_of_ones_own(tmp_path):
    (tmp_path / "own.toml").write_text(
        'kind = "own"\ntitle = "Own"\nedition = "1"\n[[section]]\nid = "a"\ntitle = "A"\n'
        '[[section.question]]\nid = "b"\nwords = "B?"\n'
    )
    made = Form(tmp_path / "own.toml", "credit")
    field(made, "b").control.widget.value = "yes"
    (tmp_path / "forms").mkdir()
    made.place.value = str(tmp_path / "forms" / "f.toml")
    press(made, "Save")
    assert load_form(tmp_path / "forms" / "f.toml").answers == {"b": "yes"}


def test_what_was_changed_elsewhere_since_is_not_overwritten(tmp_path):
    made = Form("oversight", "credit")
    made.place.value = str(tmp_path / "o.toml")
    press(made, "Save")
    press(made, "Save")
    assert "Saved" in made.told.value
    (tmp_path / "o.toml").write_text((tmp_path / "o.toml").read_text() + "# by hand\n")
    press(made, "Save")
    assert "was changed elsewhere" in made.told.value
    assert (tmp_path / "o.toml").read_text().endswith("# by hand\n")


def test_a_row_is_added_and_taken_away_and_the_others_stay_as_they_are():
    made = Form("oversight", "credit")
    made.tabs.go(2)
    rows = field(made, "roles").control
    around = rows.children
    press(made, "Add a row")
    (first,) = rows.boxes.children
    press(made, "Add a row")
    press(made, "Add a row")
    assert rows.children == around
    assert rows.boxes.children[0] is first
    for at, cells in enumerate(rows.rows):
        cells["role"].widget.value = f"role {at}"
    press(made, "Remove row 2")
    assert [one["role"] for one in rows.read()] == ["role 0", "role 2"]
    assert rows.boxes.children[0] is first
    assert [box.children[-1].description for box in rows.boxes.children] == ["Remove row 1", "Remove row 2"]
