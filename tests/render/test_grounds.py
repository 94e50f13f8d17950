from __future__ import annotations

from auditkit.render.grounds import grounds


def of(report, metric):
    found = next(f for f in report["findings"] if f["measurement"] and f["measurement"]["metric"] == metric)
    evidence = next(e for e in report["evidence"] if e["check"] == found["check"])
    return grounds(found, evidence)


def test_a_failure_has_the_interval_for_it_and_the_sample_against_it(report):
    said = of(report, "demographic_parity_difference")
    margin = "its nearer end 0.065 from the limit"  # 0.165 - 0.1
    assert (
        f"The whole 95% interval [0.165, 0.199] lies outside what was asked (at most 0.100), {margin}."
        in said["for"]
    )
    assert not any("from the limit" in line for line in said["against"])
    assert "500 of 16,281 rows were used (random, without replacement)." in said["against"]


def test_an_undecided_one_says_what_would_decide_it(report):
    said = " ".join(of(report, "equal_opportunity_difference")["against"])
    assert "about 900 in all, mixed as these, would be needed" in said
    assert "p = 0.310 (p = 0.300 before it): chance alone stays possible" in said
    assert "0.380 wide" in said  # 0.27 - -0.11


def test_an_attack_that_found_little_says_another_may_find_more(report):
    assert any("a stronger attack may find more" in line for line in of(report, "tpr_at_fpr_0.01")["against"])


def test_a_missing_interval_is_held_against_a_value_and_an_undefined_one_has_no_grounds(report):
    said = grounds(failure(interval=None))
    assert "There is no interval: how far chance could move the value is not known." in said["against"]
    assert of(report, "selection_rate_ratio") == {"for": [], "against": []}


def test_a_count_is_whole_and_exact_and_chance_is_not_held_against_it():
    asked = {"metric": "secrets_found", "at_most": 0.0}
    counted = {"metric": "secrets_found", "value": 1.0, "n": 12, "interval": None}
    said = grounds({"status": "fail", "measurement": counted, "criterion": asked})
    assert said == {
        "for": ["The count is 1; asked was at most 0."],
        "against": ["It is a count of what was read: exact, no interval."],
    }
    share = grounds(failure(metric="personal_record_share", value=1.0, interval=None))
    assert "There is no interval: how far chance could move the value is not known." in share["against"]


def test_both_sides_always_speak_when_something_was_measured(report):
    for finding in report["findings"]:
        said = grounds(finding)
        valued = (finding["measurement"] or {}).get("value") is not None
        assert bool(said["for"]) == bool(said["against"]) == valued


def failure(**own):
    m = {
        "metric": "gap",
        "value": 0.3,
        "n": 5000,
        "interval": {"low": 0.28, "high": 0.32, "level": 0.95},
        **own,
    }
    return {"status": "fail", "measurement": m, "criterion": {"metric": "gap", "at_most": 0.1}}


def test_a_margin_over_the_limit_is_no_evidence_against():
    against = grounds(failure())["against"]
    assert against == ["Nothing measured here; such intervals miss the true value in up to 5% of audits."]


def test_few_records_in_a_group_speak_against():
    said = grounds(failure(reason="a against b; smallest group: 21 records"))["against"]
    assert said == ["The smallest group has 21 records."]
    one = grounds(failure(reason="smallest group: 1 record"))["against"]
    assert one == ["The smallest group has 1 record."]
    assert "smallest" not in " ".join(grounds(failure(reason="smallest group: 5,421 records"))["against"])


def test_the_width_of_an_interval_beyond_its_limit_is_no_evidence_against():
    wide = failure(interval={"low": 0.11, "high": 0.25, "level": 0.95})
    (said,) = grounds(wide)["against"]
    assert said.startswith("Nothing measured here")
    (said,) = grounds({**wide, "status": "inconclusive"})["against"]
    assert said == "The interval is 0.140 wide; the limit is 0.100."


def test_an_adjusted_p_near_its_bound_speaks_against():
    said = grounds(failure(p_value=0.01) | {"p_adjusted": 0.03})["against"]
    assert said == [
        "After correction over the whole audit p = 0.030 (p = 0.010 before it): small, but not far from 0.05."
    ]


def test_a_p_of_nothing_is_never_written_as_zero():
    said = " ".join(grounds(failure(p_value=0.0) | {"p_adjusted": 0.0})["for"])
    assert "p < 1e-300" in said
    assert "0.000" not in said


def test_records_needed_have_two_digits():
    m = failure(n_needed=3_722_592)["measurement"]
    said = " ".join(grounds({**failure(), "status": "inconclusive", "measurement": m})["against"])
    assert "about 3.7 million in all" in said


def test_an_upper_bound_that_is_met_says_another_may_need_less():
    met = {**failure(bound="upper"), "status": "pass", "criterion": {"metric": "gap", "at_least": 0.1}}
    assert "a stronger attack may need less" in " ".join(grounds(met)["against"])
