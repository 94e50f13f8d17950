"""Kinds: the five are sound and name controls that exist; a kind of one's own is read, and its mistakes are told together."""

import re

import pytest

from auditkit.controls import load_catalogue
from auditkit.errors import InputError
from auditkit.forms import kind_names, load_kind

OWN = """
kind = "house_rules"
title = "House rules"
edition = "1"
[[section]]
id = "first"
title = "First"
[[section.question]]
id = "cleared"
words = "Cleared?"
answer = "yes_no"
[[section.question]]
id = "by"
words = "By whom?"
answer = "people"
asked_if = { cleared = true }
"""


@pytest.mark.parametrize("name", kind_names())
class TestShipped:
    def test_it_is_named_as_its_file_and_says_why_it_is_there(self, name):
        kind = load_kind(name)
        assert kind.kind == name
        assert re.fullmatch(r"\d{4}-\d{2}", kind.edition)
        assert kind.why
        assert 20 <= sum(1 for _ in kind.questions()) <= 50

    def test_each_control_is_in_the_catalogue(self, name):
        known = {(one.framework, one.id) for one in load_catalogue().controls}
        named = {pair for section in load_kind(name).sections for pair in section.controls}
        assert named - known == set()
        assert named

    def test_it_claims_nothing(self, name):
        kind = load_kind(name)
        words = " ".join([kind.why, *(f"{one.words} {one.help}" for one in kind.questions())])
        assert re.search(r"complian|conform|\bsafe\b", words, re.IGNORECASE) is None


def test_every_control_that_is_a_form_about_use_impact_oversight_or_incidents_has_one():
    catalogue = load_catalogue()
    topics = {"governance_form", "impact_form", "incident"}
    asked = {
        (one.framework, one.id)
        for one in catalogue.controls
        if one.strength == "record" and not topics.isdisjoint(one.topics)
    }
    named = {
        pair for name in kind_names() for section in load_kind(name).sections for pair in section.controls
    }
    assert asked - named == set()


@pytest.mark.parametrize(
    ("kind", "article", "words"),
    [
        # GDPR Art. 35(7): (a) operations, purposes, interests; (b) necessity; (c) risks; (d) measures
        ("data_protection", "35(7)(a)", ("operations", "purposes", "interests")),
        ("data_protection", "35(7)(b)", ("suited", "minimal", "basis")),
        ("data_protection", "35(7)(c)", ("register",)),
        ("data_protection", "35(7)(d)", ("by_design", "security")),
        ("data_protection", "35(2), 35(9), 36", ("officer_advice", "views", "authority")),
        # EU AI Act Art. 27(1)(a)-(f)
        ("impact_assessment", "27(1)(a)-(b)", ("processes", "period")),
        ("impact_assessment", "27(1)(c)-(d)", ("groups", "risks")),
        ("impact_assessment", "27(1)(e)-(f)", ("overseen", "complaints", "when_it_happens")),
        # EU AI Act Art. 14(4)(a)-(e): understand, automation bias, interpret, overrule, stop
        ("oversight", "14(4)", ("shown", "over_reliance", "overrule", "stop")),
        (
            "incident",
            "33(3)",
            ("personal_data_which", "contact", "personal_data_risk", "put_right", "duties"),
        ),
    ],
)
def test_what_the_law_names_is_asked(kind, article, words):
    assert set(words) <= {one.id for one in load_kind(kind).questions()}, article


def test_a_kind_of_ones_own_is_read(tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    kind = load_kind(tmp_path / "own.toml")
    assert [one.id for one in kind.questions()] == ["cleared", "by"]
    assert not list(kind.questions())[1].is_asked({"cleared": False})
    assert list(kind.questions())[1].is_asked({"cleared": True})


def test_all_its_mistakes_are_told_at_once(tmp_path):
    bad = OWN.replace("{ cleared = true }", "{ claered = true }").replace('"people"', '"choice"')
    (tmp_path / "own.toml").write_text(bad)
    with pytest.raises(InputError) as told:
        load_kind(tmp_path / "own.toml")
    assert "'by' is a choice and needs options" in str(told.value)
    assert "Did you mean 'cleared'?" in str(told.value)


def test_unknown_keys_and_wrong_types_are_told_at_once(tmp_path):
    bad = OWN.replace('words = "Cleared?"', 'word = "Cleared?"').replace('edition = "1"', "edition = 1")
    (tmp_path / "own.toml").write_text(bad)
    with pytest.raises(InputError) as told:
        load_kind(tmp_path / "own.toml")
    assert "Did you mean 'words'?" in str(told.value)
    assert "edition" in str(told.value)


def test_a_misspelt_name_is_told():
    with pytest.raises(InputError, match="Did you mean 'incident'"):
        load_kind("incidnet")
