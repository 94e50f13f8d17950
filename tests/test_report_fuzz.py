"""A report from anywhere is either refused with a clear error, or answers everything a report answers."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace

import pytest

from auditkit import Audit, Criterion, load_report
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.explore import Answer
from auditkit.loading.policy import default_policy
from auditkit.noting import Note
from auditkit.render import page, views

CHECKS = {
    "model_performance": {}, "demographic_parity": {}, "error_rates": {"intersections": False}, "noise_sweep": {"rows": 20}, "population_attack": {},
    "sensitive_reliance": {"rows": 20}, "permutation_importance": {"rows": 20, "repeats": 1}, "decision_attack": {"rows": 10, "max_calls": 12},
}  # fmt: skip
DEEP: list = []
for _ in range(900):
    DEEP = [DEEP]

ODD = [
    None, True, False, 0, 1, -1, 2, 0.5, -7.25, 3.0, 1e300, -1e300, 10**30, 10**400, 5e-324, "", "x", "NaN", "Infinity", "-Infinity", "1",
    "\udce9", "caf\udce9 é", "\x00\x1b[31m", "\u202eabc", "<script>alert(1)</script>", "x" * 5000, "[link](javascript:alert(1))", "$x$", "{{ x }}",
    [], [1], ["a"], [[]], [{}], [None], {}, {"a": 1}, {"": None}, {"\udce9": "\udce9"}, {"check": None}, DEEP,
]  # fmt: skip


@pytest.fixture(scope="module")
def text():
    report = Audit(CHECKS).run(make_credit(n_train=50, n_test=50))
    open_ones = [f for f in report.findings if f.criterion and f.status in ("fail", "inconclusive")]
    seen = Answer("thresholds", {"at": 0.5}, "They differ.", "Why.", dict(report.evidence[0].tables))
    waived = report.waive(open_ones[0], "a pilot", "2999-12-31", by="maria").note(open_ones[1], "Looked at.")
    noted = replace(waived, notes=(*waived.notes, Note.now("See this.", seen=seen.to_dict())))
    return json.dumps(noted.to_dict())


def places(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def shaped(path):
    """Return a place without its numbers, so that every kind of place is as likely as any other."""
    return tuple("#" if isinstance(key, int) else key for key in path)


def mutate(data, rng, kinds):
    path = rng.choice(kinds[rng.choice(list(kinds))])
    holder = data
    try:
        for key in path[:-1]:
            holder = holder[key]
        old = holder[path[-1]]
    except (KeyError, IndexError, TypeError):
        return  # an earlier change took this place away
    change = rng.randrange(6)
    if change == 0:
        del holder[path[-1]]
    elif change == 1 and isinstance(holder, dict):
        holder[rng.choice(["odd", "\udce9", "used", "of"])] = rng.choice(ODD)
    elif change == 2 and isinstance(old, list):
        old *= 2
    elif change == 3 and isinstance(old, (int, float)):
        holder[path[-1]] = rng.choice([-old, old * 1e6, old + 0.5, int(old)])
    else:
        holder[path[-1]] = copy.deepcopy(rng.choice(ODD[:-1])) if rng.random() < 0.97 else DEEP


def answers(report, at=0):
    frame = report.frame()
    assert len(frame) == len([f for f in report.findings if f.shown])
    str(frame), repr(report), report.counts, report.stable_dict()
    again = type(report).from_dict(report.to_dict())
    assert json.dumps(again.to_dict()) == json.dumps(report.to_dict())
    report._repr_html_().encode("utf-8")
    for view in ("findings", "notes"):
        views.draw(view, views.view_data(view, report.to_dict())).encode("utf-8")
    if report.evidence:
        shown = report.evidence[at % len(report.evidence)].check
        page.evidence(report.to_dict(), shown, figures=True).encode("utf-8")
    for policy in (default_policy(), [Criterion("accuracy", at_least=0.5, group="sex=*")]):
        judged = report.judge(policy)
        assert judged.verdict in ("pass", "fail", "undecided")
        judged.to_dict(), judged.frame()
    for one in report.evidence:
        one.frame()
        for table in one.tables.values():
            table.frame()


def test_the_report_itself_is_read(text, tmp_path):
    path = tmp_path / "r.json"
    path.write_text(text)
    answers(load_report(path))


# each seed makes its own changes; more of them find more, and two a run find what breaks often
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(one, marks=pytest.mark.slow) for one in range(2, 8))])
def test_a_changed_report_is_refused_or_answers(text, tmp_path, seed):
    rng = random.Random(seed)
    kinds: dict = {}
    for path in places(json.loads(text)):
        kinds.setdefault(shaped(path), []).append(path)
    file, read, refused = tmp_path / "r.json", 0, []
    for i in range(130):
        data = json.loads(text)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            mutate(data, rng, kinds)
        file.write_text(json.dumps(data))
        try:
            report = load_report(file)
        except InputError as error:
            refused.append(str(error))
            continue
        read += 1
        try:
            answers(report, i)
        except Exception as error:
            raise AssertionError(f"seed {seed}, change {i}: {type(error).__name__}: {error}") from error
    assert 10 < read < 90
    assert max(map(len, refused)) < 1000
