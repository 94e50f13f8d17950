"""The suite for checks: each rule finds the check that breaks it, and an ordinary one keeps them all."""

from __future__ import annotations

import random
import sys
from types import ModuleType
from typing import Annotated

import numpy as np
import pytest
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import check
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Evidence, Interval, Measurement, Table
from auditkit.testing import Broken, check_check, check_declaration, small_subjects

ABOUT = {
    "code": "XX901",
    "title": "Rows",
    "question": "How many?",
    "dimension": "x",
    "metrics": ["rows_seen"],
}
AROUND = Interval(0, 1e6, 0.95, "exact")


def evidence(
    value, *, interval=AROUND, says="Rows were counted.", metric="rows_seen", reason=None, tables=None
):
    one = Measurement(metric, float(value), 9, interval, reason=reason)
    return Evidence("XX901", (one,), tables or {}, says=says, does_not_say="Why.", rows={"used": 9, "of": 9})


def marked(observe, **about):
    def rows(subject, *, rng, at_least: Annotated[int, Ge(0), Doc("Rows at least.")] = 0):
        return observe(subject, rng)

    return check(**ABOUT | about)(rows)


def broken(function, **options):
    found = check_check(function, raises=False, **{"processes": False} | options)
    return {one.rule for one in found.broken}


def test_an_ordinary_check_keeps_every_rule():
    found = check_check("model_performance")  # in a worker process too
    assert found.kept, found.broken
    assert {one.on for one in found.outcomes} == {"", *small_subjects()}
    assert list(found.frame().columns) == ["rule", "on", "status", "why"]
    assert {"says_the_same_in_a_worker_process", "repeats_under_its_seed"} <= set(found.frame()["rule"])
    assert found.require() is found


def only_with_scores(subject, rng):
    subject.scores()
    return evidence(rng.random())


def test_what_a_check_refuses_with_a_sentence_is_no_fault():
    assert broken(marked(only_with_scores)) == set()


def global_numpy(_subject, _rng):
    return evidence(np.random.random())  # noqa: NPY002 - the fault


def global_python(_subject, _rng):
    random.random()
    return evidence(1)


def changes_rows(subject, _rng):
    if subject.test.X.shape[1]:
        subject.test.X.iloc[0, 0] = -1.5
    return evidence(1)


def breaks(_subject, _rng):
    raise KeyError("age")


def refuses_in_a_word(_subject, _rng):
    raise NotApplicable("no")


CLOCK = iter(range(10_000))

FAULTS = [
    (global_numpy, {"leaves_alone_what_is_not_its_own", "repeats_under_its_seed"}),
    (global_python, {"leaves_alone_what_is_not_its_own"}),
    (breaks, {"runs_or_says_what_is_missing", "speaks_of_a_subject"}),
    (refuses_in_a_word, {"runs_or_says_what_is_missing", "speaks_of_a_subject"}),
    (lambda _s, _r: evidence(next(CLOCK)), {"repeats_under_its_seed"}),
    (lambda _s, _r: evidence(1, interval=None), {"doubts_its_numbers"}),
    (lambda _s, _r: evidence(1, interval=None, reason="a count has none"), set()),
    (lambda _s, _r: evidence(1, says=""), {"says_what_it_found_and_what_not"}),
    (lambda _s, _r: evidence(1, tables={"t": Table("", {"a": (1,)})}), {"gives_tables_that_are_frames"}),
    (lambda _s, _r: evidence(1, metric="others"), {"runs_or_says_what_is_missing", "speaks_of_a_subject"}),
    (
        lambda _s, _r: Evidence("XX901", says="Nothing.", does_not_say="Why.", rows={"used": 1, "of": 1}),
        {"gives_what_it_declares"},
    ),
]


@pytest.mark.parametrize(("observe", "rules"), FAULTS)
def test_a_fault_is_found_by_its_rule_and_by_no_other(observe, rules):
    state = random.getstate(), np.random.get_state()  # noqa: NPY002 - put back what the fault moved
    try:
        assert broken(marked(observe)) == rules
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])  # noqa: NPY002


def test_rows_that_were_changed_are_named():
    with pytest.raises(
        Broken, match="it changed the test rows of the subject: draw from rng, and work on a copy"
    ):
        check_check(marked(changes_rows), processes=False)


def test_a_check_that_a_worker_cannot_import_is_told_so(monkeypatch):
    home = ModuleType("a_notebook_of_mine")
    monkeypatch.setitem(sys.modules, home.__name__, home)
    function = marked(only_with_scores)
    function.__module__, function.__qualname__, home.rows = home.__name__, "rows", function
    found = check_check(function, raises=False)
    assert {one.rule for one in found.broken} == {"says_the_same_in_a_worker_process"}
    assert "cannot be rebuilt in another process" in found.broken[0].why


def test_the_message_lists_every_rule_that_is_broken():
    def rows(subject, *, rng, most: int = 5, least: Annotated[int, Ge(0), Doc("no stop")] = 0):
        return evidence(1)

    function = check(**ABOUT | {"question": "Rows"})(rows)
    with pytest.raises(Broken) as told:
        check_declaration(function)
    words = str(told.value)
    assert words.startswith("check XX901 rows breaks 3 of 4 rules:\n  - asks_a_question: give @check a title")
    assert "documents_its_options: most, least: say what it is in a sentence" in words
    assert "bounds_its_numbers: most: bound it" in words
    assert isinstance(told.value, AssertionError)
    assert repr(check_declaration(function, raises=False)).startswith(
        "Conformance(check XX901 rows: 3 of 4 broken:"
    )


def test_a_default_out_of_its_bounds_is_found():
    def rows(subject, *, rng, least: Annotated[int, Ge(1), Doc("Rows at least.")] = 0):
        return evidence(1)

    (one,) = check_declaration(check(**ABOUT)(rows), raises=False).broken
    assert one.rule == "has_defaults_that_fit"
    assert "least=0" in one.why


def test_options_that_no_small_subject_knows_leave_it_out_and_of_ones_own_it_is_a_fault():
    found = check_check("demographic_parity", params={"features": ["height"]}, processes=False, raises=False)
    assert {one.rule for one in found.broken} == {"speaks_of_a_subject"}
    own = small_subjects()["credit"]
    object.__setattr__(own, "name", "own")
    found = check_check(
        "demographic_parity", own, params={"features": ["height"]}, processes=False, raises=False
    )
    assert ("runs_or_says_what_is_missing", "own") in {(one.rule, one.on) for one in found.broken}


def test_a_dimension_is_more_than_one_check():
    with pytest.raises(InputError, match=r"'bias' means .* checks: hold one at a time"):
        check_check("bias")
