"""Shape: says of any data what jsonschema says of them, and names the place."""

from __future__ import annotations

import copy
import json
import random

import jsonschema
import pytest

from auditkit import Audit
from auditkit.data import make_credit
from auditkit.report import schema
from auditkit.shape import MAX_DEPTH, misfit, short


@pytest.fixture(scope="module")
def data():
    report = Audit({"model_performance": {}, "demographic_parity": {}, "noise_sweep": {"rows": 20}}).run(
        make_credit(n_train=60, n_test=60)
    )
    return json.loads(json.dumps(report.to_dict()))


ODD = [None, True, False, 0, -1, 1, 2, 0.5, 3.0, -7.25, 10**30, "", "x", "Infinity", "pass", [], [1], ["a"], [[]], {}, {"a": 1},
       {"check": None}]  # fmt: skip


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def mutated(data, rng, every):
    """Change one place: put something odd there, leave it out, or add beside it."""
    path = rng.choice(every)
    data = copy.deepcopy(data)
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    if rng.random() < 0.2:
        del holder[path[-1]]
    elif rng.random() < 0.2 and isinstance(holder, dict):
        holder["odd"] = rng.choice(ODD)
    else:
        holder[path[-1]] = rng.choice(ODD)
    return data


def test_it_agrees_with_jsonschema(data):
    judge = jsonschema.Draft202012Validator(schema())
    rng, every = random.Random(0), [p for p in places(data) if p]
    refused = 0
    assert misfit(data, schema()) is None
    for _ in range(250):
        one = mutated(data, rng, every)
        found = misfit(one, schema())
        assert (found is None) == judge.is_valid(one), found
        refused += found is not None
    assert 50 < refused < 250


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["evidence"][1].update(check={"a": 1}), "evidence[1].check: expected text, got {'a': 1}"),
        (lambda d: d["provenance"]["plan"][1].update(code=[1]), "provenance.plan[1].code: expected text, got [1]"),
        (lambda d: d["findings"][0].update(p_adjusted=[]), "findings[0].p_adjusted: expected a number, got []"),
        (lambda d: d["findings"][0].update(p_adjusted=2), "findings[0].p_adjusted: expected at most 1, got 2"),
        (lambda d: d["subject"].update(test="x"), "subject.test: expected an object, got 'x'"),
        (lambda d: d["evidence"][0]["rows"].update(of="x"), "evidence[0].rows.of: expected a whole number, got 'x'"),
        (lambda d: d["provenance"].update(not_examined=-1), "provenance.not_examined: expected a list, got -1"),
        (lambda d: d.pop("findings"), "(top): 'findings' is missing"),
        (lambda d: d.update({"x" * 500: 1}), "is not known here"),
        (lambda d: d["evidence"][0]["cost"].update({"a b": -1}), "evidence[0].cost['a b']: expected at least 0, got -1"),
    ],
)  # fmt: skip
def test_the_place_is_named(data, change, message):
    odd = copy.deepcopy(data)
    change(odd)
    found = misfit(odd, schema())
    assert message in found
    assert len(found) < 200


def nested(levels):
    inner = 1
    for _ in range(levels):
        inner = [inner]
    return inner


def test_what_is_too_deep_is_not_printed():
    assert misfit(nested(MAX_DEPTH), {}) is None
    for levels in (MAX_DEPTH + 1, 900, 100_000):
        assert misfit(nested(levels), {}) == f"(top): nested deeper than {MAX_DEPTH} levels"


def test_values_are_said_in_few_characters():
    for value in ("x" * 10_000, [[[[1]]]] * 1000, {i: i for i in range(1000)}, 10**5000, nested(60)):
        assert len(short(value)) < 100


def test_what_is_no_json_number_is_none():
    for value in (float("nan"), float("inf")):
        assert misfit(value, {"type": "number"}) is not None
    assert misfit({3: 1}, {}) == "(top): expected names that are text, got 3"


def test_numbers_that_no_float_holds_are_refused_wherever_they_are():
    assert misfit({"params": {"free": [10**308]}}, {}) is None
    assert misfit({"params": {"free": [-(10**309)]}}, {}) == "(top): numbers lie within 1.8e+308 of 0 at most"
