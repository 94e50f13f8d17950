"""What the suites say: the page names every rule, and outcomes read as sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditkit.testing import Broken, Conformance, Outcome, checks, predictors, templates
from auditkit.testing.conformance import LeftOut, held_to

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text("utf-8")
ONES = [
    checks.leaves_alone_what_is_not_its_own,
    checks.reads_back_as_written,
    checks.is_judged_again,
]
SUITES = [checks.DECLARATION, checks.EVIDENCE, ONES, templates.WRITTEN, templates.RUN, predictors.RULES]


@pytest.mark.parametrize("rule", [rule for suite in SUITES for rule in suite], ids=lambda r: r.__name__)
def test_the_page_names_every_rule_and_each_says_what_holds(rule):
    assert f"`{rule.__name__}`" in PAGE
    assert rule.__doc__.strip().endswith(".")


@pytest.mark.parametrize(
    "name",
    [
        "speaks_of_a_subject", "repeats_under_its_seed", "says_the_same_in_a_worker_process", "runs_without_hands",
    ],
)  # fmt: skip
def test_the_page_names_the_rules_that_need_more_than_one_run(name):
    assert f"`{name}`" in PAGE


def keeps(_case):
    return ""


def breaks(_case):
    return "expected 1, got 2: give 1"


def raises(_case):
    raise KeyError("age")


def abstains(_case):
    raise LeftOut("nothing to say")


def test_outcomes_are_kept_broken_or_left_out():
    found = Conformance("thing", held_to([keeps, breaks, raises, abstains], 1, on="credit"))
    assert [o.status for o in found.outcomes] == ["kept", "broken", "broken", "left out"]
    assert [o.why for o in found.outcomes][2:] == ["it raised KeyError: 'age'", "nothing to say"]
    assert repr(found) == "Conformance(thing: 2 of 4 broken: breaks, raises)"
    with pytest.raises(
        Broken, match=r"thing breaks 2 of 4 rules:\n  - breaks \(on credit\): expected 1, got 2"
    ):
        found.require()
    assert Conformance("thing", (Outcome("a", "kept"),)).require().kept
