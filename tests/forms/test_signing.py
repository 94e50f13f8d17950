"""Signatures on a form: two persons, one content; what was changed since is told."""

import base64
import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.errors import InputError
from auditkit.packing.forms import misfits, read_with_signatures, sign_form, signed_place, verify_form

MARIA, JAN = "Maria Rossi", "Jan Novák"


def author(path, keys, **more):
    return sign_form(path, **{"key": keys / "author.key", "role": "author", "name": MARIA, **more})


def reviewer(path, keys, **more):
    return sign_form(path, **{"key": keys / "reviewer.key", "role": "reviewer", "name": JAN, **more})


def verified(path, keys, **more):
    return verify_form(path, author_key=keys / "author.pub", reviewer_key=keys / "reviewer.pub", **more)


@pytest.fixture
def signed(form_file, keys):
    author(form_file, keys)
    reviewer(form_file, keys, remark="Seen with the team")
    return form_file


def test_two_persons_sign_one_content(signed, keys):
    found = verified(signed, keys)
    assert found.problems == ()
    assert found.form.state == "signed by two, approved"
    assert [(one.role, one.name) for one in found.form.signed] == [("author", MARIA), ("reviewer", JAN)]
    assert verified(signed_place(signed), keys).ok  # the record by itself


def test_the_signature_is_of_the_digest_and_names_no_remark(signed):
    form = read_with_signatures(signed)
    said = json.loads(base64.b64decode(json.loads(form.envelopes[1])["payload"]))
    assert {one["digest"]["sha256"] for one in said["subject"]} >= {form.digest}
    assert "Seen with the team" not in json.dumps(said)
    assert said["predicate"]["decision"] == "approved"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "author.key"}, "this is the author's key"),
        ({"name": "  maria ROSSI "}, "reviewed by another person"),
        ({"name": "Ｍaria Rossi"}, "reviewed by another person"),
        ({"name": "M\u0430ria Rossi"}, "reads as the author's name"),  # Cyrillic
        ({"name": "\u039caria R\u03bfssi"}, "reads as the author's name"),  # Greek
        ({"name": "Maria\u00a0R\u00f3ssi."}, "reads as the author's name"),
        ({"name": "Rossi, Maria"}, "reads as the author's name"),
        ({"name": "Mar\u0131a Rossi"}, "reads as the author's name"),
        ({"name": "Maria\u200b Rossi-Bianchi"}, "cannot be seen (U+200B)"),
        ({"name": "\u202eJan"}, "cannot be seen (U+202E)"),
        ({"name": "\x1b[31mJan"}, "cannot be seen (U+001B)"),
        ({"name": "..."}, "it has no letter"),
        ({"name": "J" * 201}, "200 at most"),
        ({"name": " "}, "needs the name"),
        ({"decision": "aproved"}, "Did you mean 'approved'"),
        ({"decision": "rejected"}, "needs a remark"),
        ({"role": "boss"}, "expected author or reviewer"),
    ],
)
def test_the_reviewer_is_another_person_with_another_key(form_file, keys, change, words):
    author(form_file, keys)
    before = signed_place(form_file).read_bytes()
    change = change | ({"key": keys / change["key"]} if "key" in change else {})
    with pytest.raises(InputError, match=re.escape(words)):
        reviewer(form_file, keys, **change)
    assert signed_place(form_file).read_bytes() == before


@pytest.mark.parametrize(
    "name", ["Mario Rossi", "Maria Rossini", "Jan Nov\u00e1k", "\u041c\u0430\u0440\u0438\u044f", "\u738b\u4f1f", "Anne-Marie O'Neill", "Maria A. Rossi"]
)  # fmt: skip
def test_people_of_other_names_review(form_file, keys, name):
    author(form_file, keys)
    reviewer(form_file, keys, name=name)
    assert verified(form_file, keys).ok


def test_one_person_under_a_look_alike_name_is_told_also_where_the_check_was_left_out(
    form_file, keys, monkeypatch
):
    from auditkit.packing import forms

    monkeypatch.setattr(forms, "_two_persons", lambda *_: None)
    author(form_file, keys)
    reviewer(form_file, keys, name="M\u0430ria Rossi")
    assert verified(form_file, keys).problems == ("author and reviewer are one person, or have one key",)


def test_the_reviewer_cannot_come_first_and_nobody_signs_twice(form_file, keys):
    with pytest.raises(InputError, match="the author has not signed yet"):
        reviewer(form_file, keys)
    author(form_file, keys)
    with pytest.raises(InputError, match="a signature is not replaced"):
        author(form_file, keys, key=keys / "stranger.key", name="Somebody")


def test_a_draft_cannot_be_signed(form_file, keys):
    form_file.write_text(form_file.read_text().replace("To lend", ""))
    with pytest.raises(InputError, match=r"is a draft and cannot be signed: 1 open \(purpose\)"):
        author(form_file, keys)
    assert not signed_place(form_file).exists()


def test_an_edit_after_signing_is_told(signed, keys):
    signed.write_text(signed.read_text().replace("To lend", "To lend more"))
    assert verified(signed, keys).problems == ("it was edited after it was signed: changed: purpose",)
    for act in (read_with_signatures, lambda path: reviewer(path, keys)):
        with pytest.raises(InputError, match="was edited after it was signed"):
            act(signed)


def test_a_report_is_held_against_what_was_signed(signed, keys, tmp_path, report):
    form = read_with_signatures(signed)
    alone = replace(form, signed=form.signed[:1], envelopes=form.envelopes[:1])
    for name, held in (("whole", (form,)), ("half", (alone,)), ("none", ())):
        report.with_forms(*held).save(tmp_path / f"{name}.json")
    assert verified(signed, keys, report=tmp_path / "whole.json").ok
    (told,) = verified(signed, keys, report=tmp_path / "half.json").problems
    assert "with other signatures: there it is signed by its author, not reviewed" in told
    (told,) = verified(signed, keys, report=tmp_path / "none.json").problems
    assert "holds no form of this digest" in told


def test_another_layout_is_no_edit(signed, keys):
    signed.write_text("# a remark\n" + signed.read_text().replace("\n", "\r\n"))
    assert verified(signed, keys).ok


def test_other_words_of_a_question_are_told(signed, keys):
    kind = signed.with_name("short.toml")
    kind.write_text(kind.read_text().replace("What for?", "What not for?"))
    assert verified(signed, keys).problems == (
        "it was edited after it was signed: what is asked was changed",
    )


@pytest.mark.parametrize(
    "change",
    [
        ("Maria Rossi", "Mario Rossi"),
        ("Seen with the team", "Not seen"),
        ('"decision": "approved"', '"decision": "rejected"'),
        ('"time": "20', '"time": "19'),
        ("To lend", "To sell"),
        ('"role": "reviewer"', '"role": "author"'),
        ('"open": []', '"open": ["again"]'),
    ],
)
def test_a_record_that_was_changed_by_hand_is_told(signed, keys, change):
    place = signed_place(signed)
    assert change[0] in place.read_text()
    place.write_text(place.read_text().replace(*change))
    with pytest.raises(InputError):
        read_with_signatures(place)


def test_a_signature_of_another_form_does_not_fit(signed, keys, tmp_path):
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "use.toml"
    other.write_text(signed.read_text().replace('"short.toml"', '"../short.toml"').replace("lend", "sell"))
    made = author(other, keys)
    form = read_with_signatures(signed)
    assert misfits(form) == []
    from dataclasses import replace

    assert "another content" in misfits(replace(form, envelopes=(made.envelopes[0], form.envelopes[1])))[0]


def test_whose_key_it_is_must_be_said(signed, keys):
    assert len(verify_form(signed).problems) == 2
    assert verify_form(signed, any_key=True).ok
    swapped = verify_form(signed, author_key=keys / "reviewer.pub", reviewer_key=keys / "author.pub")
    assert len(swapped.problems) == 2
    strange = verify_form(signed, author_key=keys / "stranger.pub", any_key=True)
    assert strange.problems[0].startswith("signed as author with another key")


def test_a_missing_reviewer_is_told(form_file, keys):
    author(form_file, keys)
    assert verify_form(form_file, author_key=keys / "author.pub").problems == (
        "nobody has signed as reviewer",
    )
    assert verify_form(form_file, author_key=keys / "author.pub", one_person=True).ok


def test_a_rejected_form_is_no_good_end(form_file, keys):
    author(form_file, keys)
    made = reviewer(form_file, keys, decision="rejected", remark="No harm to applicants is named")
    assert made.state == "signed by two, rejected"
    assert verified(form_file, keys).problems == ("'Jan Novák' rejected it",)


def test_the_public_form_of_a_signed_form_can_still_be_verified(signed):
    public = read_with_signatures(signed).without_answers("audited subject")
    assert misfits(public) == []
    text = json.dumps(public.to_dict())
    assert not any(words in text for words in ("To lend", "Seen with", "credit", "What for?"))
    assert public.digest == read_with_signatures(signed).digest
    assert public.state == "signed by two, approved"


def test_as_a_user_types_it(form_file, keys):
    def form(*args):
        return CliRunner().invoke(app, ["form", *map(str, args)])

    by = ("sign", form_file, "--key", keys / "author.key", "--role", "author", "--name", MARIA)
    done = form(*by)
    assert done.exit_code == 0, done.output
    assert "signed by its author, not reviewed" in done.stdout
    again = form("sign", form_file, "--key", keys / "reviewer.key", "--role", "reviewer", "--name", MARIA)
    assert again.exit_code == 2
    conditions = ("--decision", "approved with conditions", "--remark", "Again in May")
    form("sign", form_file, "--key", keys / "reviewer.key", "--role", "reviewer", "--name", JAN, *conditions)
    checked = form("check", form_file)
    assert "signed by two, approved with conditions" in checked.stdout
    public = ("--author-key", keys / "author.pub", "--reviewer-key", keys / "reviewer.pub")
    found = form("verify", form_file, *public)
    assert found.exit_code == 0, found.output
    assert "approved with conditions: Again in May" in found.stdout
    form_file.write_text(form_file.read_text().replace("lend", "sell"))
    told = form("verify", form_file, *public, "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["problems"] == ["it was edited after it was signed: changed: purpose"]
