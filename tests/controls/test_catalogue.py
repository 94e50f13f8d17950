"""The catalogue: what is shipped, held against a table of its own, and a team's own file."""

import re
import tomllib
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.check import registry
from auditkit.controls import load_catalogue
from auditkit.controls._written import File, read
from auditkit.controls.catalogue import _parsed, _with
from auditkit.errors import InputError

CATALOGUE = load_catalogue()

# framework -> how many controls, a part of its edition, how it was checked, what applies from when
SHIPPED = {
    "nist_ai_rmf": (30, "AI 100-1, 1.0 (Jan 2023)", "source", {}),
    "nist_ai_600_1": (12, "Jul 2024", "secondary", {}),
    "nist_ai_100_2": (17, "E2025 (24 Mar 2025)", "secondary", {}),
    "eu_ai_act": (
        27,
        "2024/1689 as amended by the Digital Omnibus on AI (Council 29 Jun 2026)",
        "source and secondary",
        {"Annex III": date(2027, 12, 2), "Annex I": date(2028, 8, 2), "Art. 50": date(2026, 8, 2)},
    ),
    "gdpr": (11, "Reg. (EU) 2016/679", "source", {}),
    "hipaa": (15, "45 CFR 164 subparts C and E", "secondary", {}),
    "ccpa": (
        7,
        "11 CCR 7000 ff.",
        "secondary",
        {"the regulations": date(2026, 1, 1), "duties on automated decisions": date(2027, 1, 1)},
    ),
    "iso_42001": (13, "2023 Annex A", "source", {}),
    "iso_23894": (2, "2023 (ISO 31000 structure)", "memory", {}),
    "owasp_ml": (10, "2023 draft (v0.3 line)", "source", {}),
    "owasp_llm": (10, "2026 (published 2026-08-04)", "source", {}),
    "mitre_atlas": (25, "5.6.0 (2026-04-30)", "source", {}),
    "ugesp": (1, "29 CFR 1607", "source", {}),
    "nyc_ll144": (6, "6 RCNY 5-300..5-304", "secondary", {}),
    "us_mrm": (4, "SR 26-2 / OCC Bulletin 2026-13 (17 Apr 2026), replaces SR 11-7", "secondary", {}),
    "colorado": (2, "SB 26-189 (signed 14 May 2026)", "secondary", {"the act": date(2027, 1, 1)}),
}

# framework -> id, strength, how checked, aliases
SAMPLE = {
    "nist_ai_rmf": ("MEASURE 2.11", "direct", "source", ()),
    "nist_ai_600_1": ("Confabulation", "partial", "secondary", ()),
    "nist_ai_100_2": ("NISTAML.05", "direct", "secondary", ()),
    "eu_ai_act": ("Art. 15(5)", "direct", "source and secondary", ()),
    "gdpr": ("Art. 35(7)", "partial", "source", ()),
    "hipaa": ("164.316(b)(2)(i)", "partial", "source", ()),
    "ccpa": ("7120-7124", "partial", "secondary", ()),
    "iso_42001": ("A.6.2.4", "direct", "source", ()),
    "iso_23894": ("6.4", "partial", "memory", ()),
    "owasp_ml": ("ML01:2023", "direct", "source", ()),
    "owasp_llm": ("LLM03:2026", "partial", "source", ("LLM06:2025",)),
    "mitre_atlas": ("AML.T0115.000", "partial", "source", ("AML.T0019",)),
    "ugesp": ("1607.4(D)", "direct", "secondary", ()),
    "nyc_ll144": ("5-302", "record", "secondary", ()),
    "us_mrm": ("vendor", "partial", "secondary", ()),
    "colorado": ("developer-documentation", "partial", "secondary", ()),
}

# what OWASP called in 2025 by another number, of every entry of 2026
RENUMBERED = {1: 1, 2: 2, 3: 6, 4: 3, 5: 4, 6: 10, 7: 9, 8: 7, 9: 8, 10: 5}


def test_every_framework_has_its_controls_edition_and_dates():
    counts = Counter(one.framework for one in CATALOGUE.controls)
    assert dict(counts) == {name: row[0] for name, row in SHIPPED.items()}
    assert sum(counts.values()) == 192
    for one in CATALOGUE.frameworks:
        _, edition, checked, applies = SHIPPED[one.id]
        assert (edition in one.edition, one.checked, dict(one.applies)) == (True, checked, applies), one.id
    assert CATALOGUE.version == "2026-11"


def test_a_sample_of_ids_stands_as_in_the_table():
    for framework, (id_, strength, checked, aliases) in SAMPLE.items():
        one = next(c for c in CATALOGUE.of(framework) if c.id == id_)
        assert (one.strength, one.checked, one.aliases) == (strength, checked, aliases), framework


def test_what_is_from_memory_is_told_as_not_checked():
    own = [c for c in CATALOGUE.controls if c.checked == "memory"]
    by = Counter(c.framework for c in own)
    # all of ISO/IEC 23894, whose text is not open; what else was from memory has been read since
    assert by == {"iso_23894": 2}
    assert all("not checked against the text" in c.remarks() for c in own)
    assert "not checked against the text" in CATALOGUE.framework("iso_23894").words()
    letter = next(c for c in CATALOGUE.of("nyc_ll144") if c.id == "5-301(d)")
    assert "letter (d) is not checked" in letter.remarks()


def test_contested_and_replaced_guidance_says_so():
    assert CATALOGUE.framework("Uniform Guidelines").status == "contested"
    assert "contested" in CATALOGUE.framework("ugesp").words()
    assert "out of its scope" in CATALOGUE.framework("us_mrm").words()


def test_the_entries_of_owasp_keep_their_numbers_of_2025():
    found = {c.id: c.aliases for c in CATALOGUE.of("owasp_llm")}
    assert found == {f"LLM{new:02d}:2026": (f"LLM{old:02d}:2025",) for new, old in RENUMBERED.items()}
    assert sorted(RENUMBERED.values()) == list(range(1, 11))


def test_every_check_speaks_to_a_topic_and_every_topic_names_checks_that_are_there():
    codes = {one.code: one for one in registry().checks}
    assert set(codes) == CATALOGUE.named
    metrics = registry().metrics()
    for topic in CATALOGUE.topics:
        assert set(topic.metrics) <= metrics, topic.id
        assert topic.evidence, topic.id
        assert not set(topic.checks) & set(topic.also), topic.id


def test_every_topic_of_a_control_resolves_and_only_remedies_are_named_by_none():
    named = {word for one in CATALOGUE.controls for word in one.topics}
    assert named <= set(CATALOGUE.by_topic)
    assert set(CATALOGUE.by_topic) - named == {"remedies"}
    assert all(one.topics for one in CATALOGUE.controls if one.strength != "record")


def test_no_text_of_the_catalogue_promises_anything():
    texts = [t for one in CATALOGUE.controls for t in (one.title, one.note, *one.evidence)]
    texts += [t for one in CATALOGUE.frameworks for t in (one.title, one.words())]
    texts += [t for one in CATALOGUE.topics for t in (one.title, one.evidence, one.today)] + [
        CATALOGUE.disclaimer
    ]
    assert [t for t in texts if re.search(r"complian|conform|satisf", t, re.IGNORECASE)] == []


OWN = """
[[topic]]
id = "latency"
title = "time of an answer"
checks = ["XY001"]

[[framework]]
id = "bank"
name = "Bank policy"
title = "Our own policy"
edition = "4.2 (March 2026)"
applies = { "new models" = 2026-04-01 }

[[control]]
id = "4.2.1"
framework = "bank"
title = "Answers in time"
topics = ["latency", "performance"]
strength = "direct"

[[control]]
id = "Art. 22"
framework = "gdpr"
title = "As our counsel reads it"
topics = ["explain"]
strength = "partial"
replaces = true
"""


def written(tmp_path, text):
    file = tmp_path / "own.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_team_adds_its_own_and_replaces_what_it_says_it_replaces(tmp_path):
    own = load_catalogue(written(tmp_path, OWN))
    assert len(own.controls) == 193
    assert len(own.frameworks) == 17
    assert own.of("Bank Policy")[0].checked == "own"
    assert own.framework("bank").words() == "4.2 (March 2026); new models from 2026-04-01"
    [article] = [c for c in own.of("gdpr") if c.id == "Art. 22"]
    assert (article.title, article.topics) == ("As our counsel reads it", ("explain",))
    assert len(own.of("gdpr")) == 11
    assert load_catalogue() is CATALOGUE  # and what is shipped stays


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("replaces = true", ""), "control 'Art. 22' is there already: choose another id, or say replaces = true"),
        (('id = "Art. 22"', 'id = "Art. 222"'), "there is none of this id. Did you mean 'Art. 22'?"),
        (('framework = "gdpr"', 'framework = "gpdr"'), "no framework 'gpdr'. Did you mean 'gdpr'?"),
        (('"performance"', '"performence"'), "no topic 'performence'. Did you mean 'performance'?"),
        (('strength = "direct"', 'strenght = "direct"'), "no key 'control.1.strenght'. Did you mean 'strength'?"),
        (('strength = "direct"', ""), "control.1.strength is missing"),
        (('strength = "direct"', 'strength = "full"'), "control.1.strength: input should be 'direct', 'partial' or 'record'"),
        (('topics = ["explain"]', ""), '"partial" needs topics, as in topics = ["bias"]'),
        (("2026-04-01", '"soon"'), "framework.1.applies.new models: input should be a valid date, got 'soon'"),
        (("[[framework]]", "[framework]"), "[framework] is one table; write [[framework]]"),
        (("[[framework]]", "[[frameworks]]"), "no key 'frameworks'. Did you mean 'framework'?"),
        (('edition = "4.2', 'kinds = ["modell"]\nedition = "4.2'), "'modell' is no kind of target. Did you mean 'model'?"),
        (("[[topic]]", "[[topic"), "is not TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_to_type(tmp_path, change, said):
    assert change[0] in OWN
    at = OWN.rindex(change[0]) if change[0] == 'topics = ["explain"]' else OWN.index(change[0])
    file = written(tmp_path, OWN[:at] + change[1] + OWN[at + len(change[0]) :])
    with pytest.raises(InputError) as error:
        load_catalogue(file)
    assert said in str(error.value)
    assert str(file) in str(error.value)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path):
    with pytest.raises(InputError, match="no catalogue at"):
        load_catalogue(tmp_path / "none.toml")
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        load_catalogue(file)


def refused(content):
    try:
        read(content, "own.toml")
    except InputError as error:
        return str(error)
    return ""


plain = st.sampled_from(
    [None, True, 0, -1.5, float("nan"), "", "a", "direct", date(2026, 1, 1), [], {}, ["a"], [1], {"a": "b"}]
)
keys = st.sampled_from([*File.model_fields, "id", "title", "topics", "strength", "framework", "x"])


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(keys, plain | st.lists(st.dictionaries(keys, plain, max_size=4), max_size=2), max_size=4)
)
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(content):
    said = refused(content)
    assert not said or said.startswith("own.toml: ")


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=60).filter(lambda text: text.strip()))
def test_any_title_and_id_arrive_as_they_were_written(text):
    content = {
        "framework": [{"id": "own", "name": "Own", "title": text, "edition": "1"}],
        "control": [
            {"id": text, "framework": "own", "title": text, "topics": ["bias"], "strength": "direct"}
        ],
    }
    [one] = _with(CATALOGUE, read(content, "own"), "own").of("own")
    assert (one.id, one.title) == (text, text)


def test_the_shipped_files_are_read_in_the_form_that_a_team_writes():
    assert tomllib.loads(OWN)
    with pytest.raises(InputError, match="is there already"):
        _with(CATALOGUE, _parsed('[[topic]]\nid = "bias"\ntitle = "again"\n', "own"), "own")
