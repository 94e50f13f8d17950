"""What a number of all records, of rows or of a group gives away beside the others; each with its innocent twin."""

from __future__ import annotations

import pytest

from auditkit import packing
from auditkit.check import registry
from auditkit.evidence import Evidence, Measurement
from auditkit.packing.suppression import ALL, ROWS, hidden_cells
from auditkit.report import Report

ALL_ROWS = {"used": 300, "of": 300, "split": "test", "how": "all"}


def report_of(*evidence, test=300, train=None, dimension="robustness"):
    plan = [
        {**next(c for c in registry().checks if c.code == one.check).describe(), "dimension": dimension}
        for one in evidence
    ]  # fmt: skip
    subject = {
        "name": "s", "task": "classification", "positive": None, "classes": None,
        "model": {"kind": "", "trust": "data", "digest": "", "description": ""},
        "test": {"rows": test, "columns": [], "digest": ""},
        "train": train and {"rows": train, "columns": [], "digest": ""},
        "sensitive_features": ["g"],
    }  # fmt: skip
    about = {
        "auditkit": "0", "seed": 0, "versions": {}, "plan": plan, "not_examined": [],
        "policy": {"name": "", "description": "", "digest": "", "criteria": [{"metric": "twins", "at_most": 9}]},
    }  # fmt: skip
    return Report(subject, (), evidence, about)


def public(*measurements, rows=ALL_ROWS, **more):
    made = packing.public_form(report_of(Evidence("AK101", measurements, rows=rows), **more)).report
    return {(m.metric, m.group) for m in made.evidence[0].measurements}, made.evidence[0].rows


def values_of(*measurements):
    """The values that are shown, in their order, with their groups."""
    made = packing.public_form(report_of(Evidence("AK101", measurements, rows=ALL_ROWS))).report
    return [(m.value, m.group) for m in made.evidence[0].measurements]


@pytest.mark.parametrize(
    ("n", "is_shown"), [(300, True), (297, False), (291, False), (290, True), (9, False)]
)
def test_a_number_of_all_but_a_few_records_is_withheld(n, is_shown):
    # 300 test rows are public: a number of 297 says that 3 have something
    shown, _ = public(Measurement("auc", 0.8123, n))
    assert shown == ({("auc", None)} if is_shown else set())


@pytest.mark.parametrize(("half_pairs", "positives"), [(2501, 6), (2501, 294), (9001, 17)])
def test_an_area_is_shown_and_its_digits_do_not_tell_how_few_positives_there_are(half_pairs, positives):
    # 2501 / (2 * 6 * 294) fits no other number of positives among 300 than 6, or 294
    area = half_pairs / (2 * positives * (300 - positives))
    fitting = [p for p in range(1, 300) if abs(area * 2 * p * (300 - p) % 1 - 0.5) > 0.5 - 1e-7]
    assert fitting == sorted((positives, 300 - positives))
    ((value, _),) = values_of(Measurement("auc", area, 300))
    assert abs(value - area) <= 0.025
    assert value == round(value * 20) / 20  # ten of 300 records are 0.033: the step is 0.05


@pytest.mark.parametrize("selected", [0, 4, 9, 296])
def test_what_chance_gives_does_not_tell_how_few_were_selected(selected):
    # two of 300 records drawn at random have unlike decisions in 2 * selected * refused of 300 * 299 cases
    chance = [1 - 2 * n * (300 - n) / (300 * 299) for n in range(301)]
    ((value, _),) = values_of(Measurement("consistency_chance", chance[selected], 300))
    fitting = [n for n, one in enumerate(chance) if abs(one - value) <= 0.025]
    assert {n for n in fitting if n < 150} in (set(range(4)), set(range(4, 12)))


def by_group(metric, *values):
    return [Measurement(metric, v, 150, group=f"g={name}") for name, v in zip("ab", values, strict=True)]


@pytest.mark.parametrize("positives", [0, 5, 45, 145])
def test_a_mean_score_beside_its_calibration_does_not_tell_how_many_are_positive(positives):
    means = by_group("mean_score", 0.3171, 0.4019)
    off = by_group("calibration_in_the_large", positives / 150 - 0.3171, 60 / 150 - 0.4019)
    (score, of), (gap, same) = values_of(*means, *off)[::2]
    assert of == same == "g=a"
    assert abs(score + gap - positives / 150) <= 0.1  # ten of 150 records are 0.067: each is rounded to 0.1


def test_a_group_with_few_positives_is_shown_with_its_area_and_comparisons():
    areas = by_group("auc", 1201 / (2 * 7 * 143), 9007 / (2 * 53 * 97))
    apart = Measurement("auc_difference", abs(areas[0].value - areas[1].value), 300, group="g")
    shown = values_of(*areas, apart)
    assert [group for _, group in shown] == ["g=a", "g=b", "g"]
    assert not {value for value, _ in shown} & {one.value for one in (*areas, apart)}


@pytest.mark.parametrize(("used", "is_shown"), [(300, True), (297, False), (280, True), (4, False)])
def test_rows_used_are_told_unless_few_were_not(used, is_shown):
    # a check of the records that are right says by them how many are wrong
    measured = Measurement("certified_accuracy", 0.51234, used)
    shown, rows = public(measured, rows={"used": used, "of": 300, "split": "test"})
    assert rows.get("used") == (used if is_shown else None)
    assert rows["of"] == 300
    assert bool(shown) == is_shown


def test_members_and_others_are_told_unless_one_follows_small_from_the_rest():
    said = {"used": 600, "of": 600, "members": 595, "non_members": 5}
    assert public(Measurement("auc", 0.51234, 600), rows=said, test=600)[1] == {"used": 600, "of": 600}
    said = {"used": 600, "of": 600, "members": 300, "non_members": 300}
    assert public(Measurement("auc", 0.51234, 600), rows=said, test=600)[1] == said


@pytest.mark.parametrize(
    ("value", "is_shown"),
    [(3, False), (-3, False), (1, False), (0, True), (12, True), (297, False), (2.5, True), (300, True)],
)
def test_a_number_that_is_itself_a_small_count_is_withheld(value, is_shown):
    shown, _ = public(Measurement("k_anonymity", value, 300))
    assert bool(shown) == is_shown


@pytest.mark.parametrize(("metric", "value"), [("accuracy", 1.0), ("impact_ratio", 2.0), ("r2", 1.0)])
def test_a_whole_share_or_ratio_counts_nothing(metric, value):
    assert public(Measurement(metric, value, 300))[0] == {(metric, None)}


def test_a_small_count_in_one_group_is_withheld_with_a_partner_where_groups_add_up():
    def twins(a, b, c):
        found = [
            Measurement("twins", n, 100, group=f"g={name}") for name, n in zip("abc", (a, b, c), strict=True)
        ]
        return public(*found, Measurement("twins", a + b + c, 300))[0]

    assert twins(20, 30, 40) == {("twins", "g=a"), ("twins", "g=b"), ("twins", "g=c"), ("twins", None)}
    # 4 would follow from the total and the two others
    assert len(twins(4, 30, 40) & {("twins", "g=a"), ("twins", "g=b"), ("twins", "g=c")}) == 1


def test_two_rates_that_differ_by_a_few_records_are_withheld():
    def around(after):
        before = Measurement("robust_accuracy_before", 240 / 300, 300)
        return public(before, Measurement("robust_accuracy_after", after / 300, 300))[0]

    assert len(around(220)) == 2
    assert around(237) == set()  # three records were turned
    assert len(around(240)) == 2  # none was


def test_a_small_group_of_whom_nobody_is_counted_takes_a_partner_with_some():
    def hidden(selected):
        cells = {
            frozenset({("g", name)}): {ROWS: rows, "selected": n, "refused": rows - n}
            for name, (rows, n) in selected.items()
        }
        total = {q: sum(c[q] for c in cells.values()) for q in (ROWS, "selected", "refused")}
        return sorted(v for cell in hidden_cells({**cells, ALL: total}, k=10) for _, v in cell)

    # of a and b together, nobody is selected: whoever adds up knows that of each in a
    assert hidden({"a": (4, 0), "b": (30, 0), "c": (60, 20), "d": (70, 30)}) == ["a", "c"]
    assert hidden({"a": (4, 4), "b": (30, 30), "c": (60, 20), "d": (70, 30)}) == ["a", "c"]
    assert hidden({"a": (4, 0), "b": (30, 12), "c": (60, 20), "d": (70, 30)}) == ["a", "b"]
    # nobody at all is selected, and the total says so: another partner would hide nothing
    assert hidden({"a": (4, 0), "b": (30, 0), "c": (60, 0)}) == ["a", "b"]


def test_what_a_rate_leaves_out_of_its_group_counts():
    def groups(negatives):
        found = [Measurement("auc", 0.81234, 100, group=f"g={name}") for name in "abc"]
        rates = [
            Measurement("true_positive_rate", 0.5, n, group=f"g={name}")
            for name, n in zip("abc", (100 - negatives, 60, 50), strict=True)
        ]
        return {group for _, group in public(*found, *rates, dimension="bias")[0]}

    assert groups(20) == {"g=a", "g=b", "g=c"}
    assert groups(4) in ({"g=b"}, {"g=c"})  # 96 positives of 100: four are not
