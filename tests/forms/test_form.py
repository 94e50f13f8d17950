"""Forms: mistakes together, drafts open, one digest for one content, and TOML that holds what was written."""

import hashlib
import json
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.forms import Form, kind_names, load_form, load_kind, to_toml
from auditkit.forms.reading import filled, read_form


def written(path, text):
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("name", kind_names())
def test_a_new_form_is_a_draft_without_mistakes(name, tmp_path):
    kind = load_kind(name)
    form = load_form(written(tmp_path / "f.toml", to_toml(kind, "credit")))
    assert form.subject == "credit"
    assert dict(form.answers) == {}
    required = [one.id for one in kind.questions() if one.required and not one.asked_if]
    assert list(form.open) == required
    assert form.state == f"draft, not signed, {len(required)} open"


def test_all_mistakes_are_told_at_once(tmp_path):
    text = to_toml(load_kind("intended_use"), "credit")
    text = text.replace('tier = ""', 'tier = "mush"').replace('people_told = ""', 'people_told = "yes"')
    text = text.replace("[limits]", "[limit]").replace('review_by = ""', 'review_by = "soon"')
    text += 'purpos = "x"\nowner = ["A"]\n[[control.requirements]]\nmesure = "auc"\n'
    with pytest.raises(InputError) as told:
        load_form(written(tmp_path / "f.toml", text))
    said = str(told.value)
    assert said.splitlines()[0].endswith("7 mistakes")
    for words in (
        "control.tier cannot be 'mush'. Did you mean 'much'?",
        "told.people_told needs true or false, without quotes, got 'yes'. Write true",
        "no section 'limit' in intended_use. Did you mean 'limits'?",
        "control.review_by needs a day: 2026-11-29, got 'soon'",
        "told asks no 'purpos'",
        "told asks no 'owner'. It belongs under [control]",
        "control.requirements[1] has no column 'mesure'. Did you mean 'measure'?",
    ):
        assert words in said


def test_an_answer_to_what_is_not_asked_is_a_mistake():
    kind = load_kind("oversight")
    answers, missing, wrong = filled({"without_person": False, "safeguards": "they call"}, kind)
    assert answers == {"without_person": False}
    assert "safeguards" not in missing
    assert wrong == [
        "automated.safeguards is answered and not asked: it is asked if without_person is true. Change that answer, or remove this one"
    ]


def test_what_is_asked_follows_from_the_answers_before():
    kind = load_kind("oversight")
    assert {"weighty", "safeguards"} <= set(filled({"without_person": True}, kind)[1])
    assert "allowed_by" not in filled({"without_person": True, "weighty": False}, kind)[1]
    assert "allowed_by" in filled({"without_person": True, "weighty": True}, kind)[1]
    # an answer that is withdrawn takes what rests on it along
    assert "allowed_by" not in filled({"without_person": False}, kind)[1]


def test_a_choice_of_several_asks_on_where_one_of_them_is_chosen():
    kind = load_kind("data_protection")
    assert "balance" in filled({"basis": ["contract", "legitimate interests"]}, kind)[1]
    assert "balance" not in filled({"basis": ["contract"]}, kind)[1]


def test_a_cell_that_is_missing_leaves_the_form_open():
    kind = load_kind("impact_assessment")
    _, missing, wrong = filled(
        {"groups": [{"group": "applicants", "how": "refused", "number": "9000"}]}, kind
    )
    assert wrong == []
    assert "groups[1].weak_position" in missing


class TestDigest:
    TEXT = 'form = "incident"\nedition = "2026-11"\nsubject = "credit"\n[facts]\nname = "I-7"\nnoticed = 2026-11-29T14:05:00Z\n'

    def form(self, text):
        return read_form(tomllib.loads(text), load_kind("incident"), "f.toml")

    def test_it_is_the_sha256_of_what_was_asked_and_answered_as_canonical_json(self):
        form = self.form(self.TEXT)
        record = {k: v for k, v in form.to_dict().items() if k not in ("digest", "state", "signed")}
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert form.digest == hashlib.sha256(text.encode()).hexdigest()

    def test_layout_comments_and_line_ends_do_not_change_it(self):
        other = self.TEXT.replace("\n", "\r\n").replace('"I-7"', '"""\r\nI-7  \r\n"""  # a remark')
        assert self.form(other).digest == self.form(self.TEXT).digest

    @pytest.mark.parametrize("change", [("I-7", "I-8"), ("credit", "Credit"), ("14:05", "14:06")])
    def test_a_changed_answer_changes_it(self, change):
        assert self.form(self.TEXT.replace(*change)).digest != self.form(self.TEXT).digest

    def test_other_words_of_a_question_change_it(self):
        form = self.form(self.TEXT)
        sections = json.loads(json.dumps(form.sections))
        sections[0]["questions"][0]["words"] += "!"
        assert replace(form, sections=tuple(sections)).digest != form.digest

    def test_a_record_that_was_changed_is_refused(self):
        record = self.form(self.TEXT).to_dict()
        assert Form.from_dict(json.loads(json.dumps(record))) == self.form(self.TEXT)
        with pytest.raises(InputError, match="was changed"):
            Form.from_dict(record | {"subject": "another"})


def test_another_edition_is_told(tmp_path):
    text = to_toml(load_kind("oversight"), "credit").replace('edition = "2026-11"', 'edition = "2020-01"')
    with pytest.raises(InputError, match="here is of '2026-11', got '2020-01'"):
        load_form(written(tmp_path / "f.toml", text))


def test_a_file_that_is_no_form_is_told(tmp_path):
    with pytest.raises(InputError, match="auditkit form new KIND"):
        load_form(tmp_path / "none.toml")
    with pytest.raises(InputError, match="is not TOML"):
        load_form(written(tmp_path / "f.toml", "a = "))
    with pytest.raises(InputError, match="no key form"):
        load_form(written(tmp_path / "f.toml", "a = 1"))


def answer_to(asked):
    """Return a strategy of answers that can be given to a question."""
    texts = st.text(min_size=1, max_size=60).filter(lambda text: text.strip())
    if asked.answer == "rows":
        row = st.fixed_dictionaries({column.id: answer_to(column) for column in asked.columns})
        return st.lists(row, min_size=1, max_size=2)
    return {
        "text": texts,
        "choice": st.sampled_from(asked.options or ("",)),
        "choices": st.lists(st.sampled_from(asked.options or ("",)), min_size=1),
        "date": st.dates().map(lambda day: day.isoformat()),
        "moment": st.datetimes().map(lambda time: f"{time.isoformat()}+01:00"),
        "number": st.integers(0, 10**9) | st.floats(0, 1e9),
        "yes_no": st.booleans(),
        "people": st.lists(texts, min_size=1, max_size=3),
    }[asked.answer]


@st.composite
def forms(draw):
    """Draw a kind, and answers to what they ask in turn."""
    kind = load_kind(draw(st.sampled_from(kind_names())))
    answers = {}
    for one in kind.questions():
        if one.is_asked(answers) and draw(st.booleans()):
            answers[one.id] = draw(answer_to(one))
    return kind, answers


@settings(max_examples=60, deadline=None)
@given(forms(), st.text(max_size=20))
def test_what_was_answered_is_read_back_from_its_toml(made, subject):
    kind, given_ = made
    answers, _, wrong = filled(given_, kind)
    assert wrong == []
    form = read_form(tomllib.loads(to_toml(kind, subject, answers)), kind, "f.toml")
    assert dict(form.answers) == answers
    assert (
        read_form(tomllib.loads(to_toml(kind, form.subject, form.answers)), kind, "f.toml").digest
        == form.digest
    )


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(), lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3), max_leaves=6))  # fmt: skip
def test_nothing_that_can_be_written_breaks_it(value):
    for name in kind_names():
        kind = load_kind(name)
        answers, _, _ = filled({one.id: value for one in kind.questions()}, kind)
        json.dumps(answers, allow_nan=False)
