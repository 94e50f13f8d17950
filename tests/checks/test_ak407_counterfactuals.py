"""AK407: what would have had to be different for the wanted decision, and who has the longer way?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit import Dataset, Subject
from auditkit.checks._common import Grouping
from auditkit.checks.explainability import _ways, counterfactuals
from auditkit.data import make_multiclass, make_regression
from auditkit.errors import InputError, NotApplicable
from auditkit.threat import Feature, ThreatModel


def run(subject, seed=0, **params):
    return counterfactuals(subject, rng=np.random.default_rng(seed), **params)


def grants(frame):
    """Grant where income reaches 0; debt never matters."""
    return np.where(frame["income"].to_numpy(dtype=float) >= 0, "granted", "refused")


def uneven(n=300, *, far=2.0, seed=0, hold=()):
    """Return refused records: those of A lack up to 1 of income, those of B up to `far`."""
    rng = np.random.default_rng(seed)
    group = np.where(np.arange(n) % 2, "A", "B")
    short = rng.random(n) * np.where(group == "A", 1.0, far)
    income = np.concatenate([-short - 1e-9, rng.random(n) * 2])
    X = pd.DataFrame({"income": income, "debt": rng.normal(size=2 * n)})
    data = Dataset(X, grants(X), {"group": np.tile(group, 2)})
    threat = ThreatModel.draft(data, units="raw").hold(*hold)
    return Subject("uneven", grants, data, positive="granted", threat=threat), short, group


def test_the_longer_way_is_found_at_its_size():
    subject, short, group = uneven()
    found = run(subject, rows=300)
    m = found.measurement("recourse_cost_difference")
    # by hand: the cheapest way is what is missing, U(0, 1) against U(0, 2), so that the means lie 1/2 apart
    assert m.value == pytest.approx(short[group == "B"].mean() - short[group == "A"].mean(), abs=0.01)
    assert m.interval.low < 0.5 < m.interval.high
    assert m.interval.low > 0
    assert m.p_value < 1e-6
    assert m.reason.startswith("highest for group=B")
    assert "differs" in found.says
    assert found.measurement("recourse_cost", "group=A").value == pytest.approx(0.5, abs=0.06)
    whole = [m for m in found.measurements if m.metric == "recourse_rate" and m.group is None]
    assert (whole[0].value, whole[0].n, whole[0].bound) == (1.0, 300, "lower")
    assert found.measurement("recourse_inputs_changed").value == 1.0


def test_the_innocent_twin_is_quiet():
    found = run(uneven(far=1.0)[0], rows=300)
    m = found.measurement("recourse_cost_difference")
    assert m.interval.low == 0
    assert m.p_value > 0.05
    assert "not detected" in found.says


def test_groups_dealt_at_random_raise_an_alarm_as_often_as_stated():
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(400):
        cost = rng.random(120)  # as in the innocent twin
        cost[rng.random(120) < 0.2] = np.nan
        codes = rng.integers(0, 3, 120)
        group = Grouping("g", ["g=a", "g=b", "g=c"], codes)
        m = _ways._cost_gap(group, codes, _ways.Ways(cost, cost), 0.95)
        alarms += m.p_value < 0.05
    assert 0.02 <= alarms / 400 <= 0.08  # 5% within 2.7 standard errors


def test_an_input_that_is_held_is_not_changed():
    found = run(uneven(hold=["debt"])[0], rows=60, examples=60)
    assert set(found.tables["shown"].columns["input"]) == {"income"}
    found = run(uneven(hold=["income"])[0], rows=60)
    assert found.measurement("recourse_rate", "group=A").value == 0
    whole = [m for m in found.measurements if m.metric == "recourse_cost" and m.group is None]
    assert np.isnan(whole[0].value)
    assert "0 records" in whole[0].reason


def test_every_way_shown_is_allowed_and_gets_the_answer():
    subject, _, _ = uneven()
    found = run(subject, rows=40, examples=40)
    shown = found.tables["shown"].frame()
    assert set(shown["record"]) <= set(subject.test.record_ids(np.arange(len(subject.test))))
    final = shown[shown["input"] == "income"]["after"].astype(float)
    assert (final >= 0).all()
    assert (final <= 2).all(), "within the range of the data"


def test_no_record_is_shown_by_default():
    found = run(uneven()[0], rows=40)
    assert "shown" not in found.tables
    assert found.tables["inputs"].columns["label"] == ("income",)


def test_a_way_farther_than_the_radius_does_not_count():
    subject, short, _ = uneven()
    found = run(subject, rows=300, radius=0.5)
    whole = next(m for m in found.measurements if m.metric == "recourse_rate" and m.group is None)
    assert whole.value == pytest.approx((short <= 0.5).mean(), abs=0.01)


def test_a_small_budget_gives_a_smaller_bound():
    found = run(uneven()[0], rows=50, max_calls=10)
    whole = next(m for m in found.measurements if m.metric == "recourse_rate" and m.group is None)
    assert whole.bound == "lower"
    assert whole.reason == "10 calls"
    assert int(found.notes[-1].split(" rows asked in ")[1].split()[0]) <= 10


def test_another_answer_can_be_wanted():
    subject = make_multiclass(n_train=160, n_test=120)
    found = run(subject, rows=40, wanted="low")
    assert "'low'" in found.says
    with pytest.raises(InputError, match="no answer"):
        run(subject, wanted="lowest")


def test_a_range_of_a_regression_can_be_wanted():
    subject = make_regression(n_train=200, n_test=150)  # y = 3 + 2 x0 - x1 + noise
    said = np.asarray(subject.answers("test").labels)
    found = run(subject, rows=150, at_least=3.0)
    assert "not answered at least 3" in found.says
    whole = next(m for m in found.measurements if m.metric == "recourse_rate" and m.group is None)
    assert whole.n == (said < 3).sum()
    assert whole.value > 0.9
    assert found.tables["inputs"].columns["label"][0] == "x0"
    below = run(subject, rows=150, at_least=2.0, at_most=3.0)
    whole = next(m for m in below.measurements if m.metric == "recourse_rate" and m.group is None)
    assert whole.n == ((said < 2) | (said > 3)).sum()
    for wrong in ({"wanted": "3"}, {"at_least": 4.0, "at_most": 3.0}):
        with pytest.raises(InputError):
            run(subject, **wrong)
    with pytest.raises(InputError, match="of a regression"):
        run(uneven()[0], at_least=1.0)


def test_what_has_no_decision_or_no_refusal_is_not_applicable():
    with pytest.raises(NotApplicable, match="at_least="):
        run(make_regression(n_train=100, n_test=100))
    subject, _, _ = uneven()
    X = subject.test.X[300:]
    data = Dataset(X, np.where(np.arange(300) % 2, "granted", "refused"))
    with pytest.raises(NotApplicable, match="every test row"):
        run(Subject("all", grants, data, positive="granted"))
    with pytest.raises(NotApplicable, match="no input may change"):
        run(uneven(hold=["income", "debt"])[0])


def test_the_same_seed_says_the_same():
    subject, _, _ = uneven()
    assert run(subject, seed=2, rows=50) == run(subject, seed=2, rows=50)


def test_blocks_directions_whole_numbers_and_rules_are_kept():
    rng = np.random.default_rng(0)
    n = 400
    kind = rng.integers(0, 3, n)
    X = pd.DataFrame(
        {f"kind_{word}": (kind == at).astype(int) for at, word in enumerate("abc")}
        | {
            "years": rng.integers(0, 20, n),
            "limit": rng.integers(10, 30, n),
            "size": rng.choice(["S", "M", "L"], n),
        }
    )

    def model(frame):
        score = frame["years"] + 6 * frame["kind_c"] + 3 * (frame["size"] == "L") - 0.2 * frame["limit"]
        return (score.to_numpy(dtype=float) > 8).astype(int)

    data = Dataset(X, model(X))
    threat = ThreatModel.draft(data, order={"size": ["S", "M", "L"]}, rules=["years <= limit"])
    threat = threat.edit("years", direction="up").edit("size", direction="up")
    subject = Subject("mixed", model, data, positive=1, threat=threat)
    found = run(subject, rows=80, examples=80)
    assert next(m for m in found.measurements if m.metric == "recourse_rate").value > 0.9
    shown = found.tables["shown"].frame()
    refused = np.flatnonzero(model(X) == 0)
    places = dict(zip(data.record_ids(refused), refused.tolist(), strict=True))
    for (record, _), lines in shown.groupby(["record", "way"]):
        before = X.iloc[[places[record]]].reset_index(drop=True)
        after = before.copy()
        for name, value in zip(lines["input"], lines["after"], strict=True):
            after[name] = value if name == "size" else int(value)
        assert model(after)[0] == 1
        assert after[["kind_a", "kind_b", "kind_c"]].to_numpy().sum() == 1
        assert after["years"][0] >= before["years"][0]
        assert "SML".index(after["size"][0]) >= "SML".index(before["size"][0])
        assert after["years"][0] <= after["limit"][0]


def test_the_table_of_inputs_tells_the_change_in_the_inputs_own_unit():
    subject, short, _ = uneven()
    found = run(subject, rows=300)
    table = found.tables["inputs"]
    change = table.columns["change"][0]
    assert change.startswith("+")
    assert float(change) == pytest.approx(np.median(short), abs=0.02)  # what is missing, by hand
    assert f"income ({change})" in table.summary
    assert "One input was enough for each of them" in found.says
    assert run(uneven(n=30)[0], rows=10, max_calls=150).tables["inputs"].columns["change"][0] != ""


@pytest.mark.parametrize(
    ("values", "after", "said"),
    [
        (None, [3100.0] * 12, "+3,100"),
        (None, [-2.5] * 12, "−2.500"),
        (None, [3100.0] * 9, ""),  # of fewer than 10 records nothing is told
        (("own", "rent"), [1.0] * 11 + [0.0], "to rent"),
        (("own", "rent"), [1.0] * 6 + [0.0] * 6, ""),  # no value that 10 took
    ],
)
def test_a_usual_change_is_told_of_ten_records_or_more(values, after, said):
    one = Feature(
        name="a", columns=("a",), kind="categorical" if values else "continuous", values=values or ()
    )
    assert _ways.usual_change(one, np.zeros(len(after)), np.array(after)) == said


def test_a_usual_change_of_a_one_hot_block_names_the_input_that_is_on():
    hot = ((1.0, 0.0), (0.0, 1.0))
    one = Feature(name="b", columns=("home_own", "home_rent"), kind="categorical", values=hot)
    assert _ways.usual_change(one, np.zeros(10), np.ones(10)) == "to home_rent"


def homes(radius=None, **said):
    """Return what is found for tenants, whom only the home and the credit history keep from being granted."""
    X = pd.DataFrame(
        {"home": ["own", "rent"] * 30, "credit_history": ["good"] * 60, "debt": np.linspace(0, 1, 60)}
    )
    X.loc[::6, "credit_history"] = "bad"

    def model(frame):
        return np.where((frame["home"] == "own") | (frame["debt"] < -1), "granted", "refused")

    data = Dataset(X, model(X))
    return run(Subject("homes", model, data, positive="granted", **said), rows=30, examples=2, radius=radius)


def test_it_says_what_a_change_costs_and_that_a_way_for_all_is_little_news():
    found = homes()
    cost = "one change of category costs 1; a number costs its change in robust standard deviations"
    assert f"the cheapest way costs ≤ 1.000 [1.000, 1.000] on average ({cost})." in found.says
    assert "That all have one is little news: nothing limits what these may become: home" in found.says
    assert "credit_history" not in found.says  # a past fact: the draft holds it, and says why
    assert "Held, as drafted: credit_history (by its name a history, which is past)." in found.notes
    table = found.tables["shown"]
    assert "changes that the drafted rules, which nobody has checked, allow, and no advice" in table.summary
    assert "little news" not in homes(radius=2.0).says
    assert "little news" not in homes(threat={"rules": ["debt <= 1"]}).says


def test_ways_of_a_record_are_shown_the_cheapest_first():
    found = run(uneven()[0], rows=30, examples=10)
    frame = found.tables["shown"].frame().drop_duplicates(["record", "way"])
    for _, ways in frame.groupby("record", sort=False):
        assert ways["way"].tolist() == list(range(1, len(ways) + 1))
        assert ways["cost of the way"].is_monotonic_increasing
