from __future__ import annotations

import re

import pytest

from auditkit.errors import InputError
from auditkit.render import page
from auditkit.render._found import _pressing


def words(parsed, html):
    return " ".join(" ".join(parsed(html).text).split())


def test_the_first_screen_says_what_was_audited_and_what_was_not(report, parsed):
    said = words(parsed, page.verdict(report))
    for part in ("credit", "binary", "LGBMClassifier", "16,281 rows", "sex, race, age_band", "1 criterion not met",
                 "What was not examined", "Data drift", "no training data: pass Subject(..., train=...)"):  # fmt: skip
        assert part in said


def test_the_first_screen_names_the_run(report, parsed):
    said = words(parsed, page.verdict(report))
    for part in ("Audited on 2026-11-23", "Policy default", "auditkit 0.1.0", "Seed 0"):
        assert part in said
    report["provenance"]["started"] = "yesterday"
    assert "Audited on" not in words(parsed, page.verdict(report))


def test_every_status_is_an_icon_a_word_and_a_count(report, parsed):
    said = words(parsed, page.verdict(report))
    for part in (
        "✕ 1 not met",
        "! 1 error",
        "? 1 undecided",
        "∅ 1 could not be measured",
        "⚑ 1 waived",
        "– 1 not applicable",
        "✓ 1 met",
        "◌ 1 not found",
    ):
        assert part in said
    assert "“not found”: within the limit as far as the attacks" in said
    report["findings"] = [f for f in report["findings"] if f["status"] == "fail"]
    chips = page.verdict(report).split('class="ak-chips"')[1].split("</ul>")[0]
    assert chips.count("<li") == 1


def test_a_verdict_is_never_a_word_of_praise_or_blame(report, parsed):
    everything = " ".join(
        words(parsed, part(report)) for part in (page.verdict, page.findings, page.methods)
    ).lower()
    assert not any(
        f" {word} " in everything
        for word in ("fair", "unfair", "safe", "unsafe", "private", "biased", "unbiased")
    )


def test_an_audit_with_no_known_gap_does_not_claim_to_be_whole(report, parsed):
    report["provenance"]["not_examined"] = []
    assert "What no check asks about was not examined either" in words(parsed, page.verdict(report))


def test_findings_stand_by_status_then_severity(report, parsed):
    said = words(parsed, page.findings(report))
    order = ["Not met: 1", "Demographic parity difference", "Error: 1", "Undecided: 1", "Equal opportunity difference",
             "Could not be measured: 1", "Waived: 1", "Not applicable: 1", "Not found: 1", "Met: 1"]  # fmt: skip
    places = [said.index(part) for part in order]
    assert places == sorted(places)


def test_of_one_status_the_gravest_stands_first_on_the_page_in_the_box_and_in_a_terminal(report, parsed):
    from auditkit.render.status import summary_lines

    one = report["findings"][1]
    given = {"sex": None, "race": "low", "age_band": "critical", "region": "high"}
    report["findings"] = [
        {**one, "status": "fail", "severity": severity, "measurement": {**one["measurement"], "group": group}}
        for group, severity in given.items()
    ]
    by_hand = ["age_band", "region", "race", "sex"]
    html = page.findings(report)
    headings = [words(parsed, part) for part in html.split("<h4>")[1:]]
    assert [next(g for g in given if f"· {g} " in head) for head in headings] == by_hand
    assert [
        word in head for word, head in zip(("critical s", "high s", "low s"), headings, strict=False)
    ] == [True] * 3
    assert "severity" not in headings[3].split("asked:")[0]
    lines = summary_lines(report)[1:5]
    assert [next(g for g in given if g in line) for line in lines] == by_hand
    assert _pressing(report)["AK101"].index("age_band") < _pressing(report)["AK101"].index("region")
    assert _pressing(report)["AK101"].endswith("and 2 more.")


def test_what_was_written_on_a_finding_is_read_on_its_card(report, parsed):
    met = next(f for f in report["findings"] if f["status"] == "pass")
    met["fingerprint"] = "f" * 16
    waived = next(f for f in report["findings"] if f["status"] == "waived")
    waived |= {
        "was": "fail",
        "waiver": {"by": "anna, model risk", "until": "2999-12-31", "reason": "a pilot"},
    }
    report["notes"] = [
        {
            "text": "Seen <b>twice</b>.",
            "author": "maria",
            "time": "2026-11-28T10:00:00+00:00",
            "about": "f" * 16,
        }
    ]
    html = page.findings(report)
    cards = re.findall(r"<details class=\"ak-finding.*?</details>", html, re.DOTALL)
    noted = next(card for card in cards if "ak-noted" in card)
    said = words(parsed, noted)
    assert "Note: Seen <b>twice</b>." in said
    assert "maria, 2026-11-28 10:00 UTC" in said
    accepted = next(card for card in cards if "ak-waiver" in card)
    assert "Waived by anna, model risk until 2999-12-31: a pilot." in words(parsed, accepted)
    for card in (noted, accepted):
        assert card.partition(">")[0].endswith(" open"), "it is read without a click"
    small = words(parsed, page.fragment(report))
    assert "Note: Seen <b>twice</b>. (maria, 2026-11-28 10:00 UTC)" in small
    assert "Waived by anna, model risk" in small
    report["notes"], report["findings"] = [], [met]
    assert "notes and waivers" not in words(parsed, page.fragment(report))


def test_a_finding_says_all_it_must(report, parsed):
    said = words(parsed, page.findings(report))
    for part in ("0.182 [0.165, 0.199]", "n = 16,281", "asked: at most 0.100", "internal lending policy 4.2", "Evidence for",
                 "Evidence against", "Does not say:", "a stronger attack may find more"):  # fmt: skip
        assert part in said
    links = [a["href"] for tag, a in parsed(page.findings(report)).found if tag == "a"]
    assert links.count("docs/checks/ak101.md") == 3


def test_every_finding_is_shown_once(report, parsed):
    found = [
        a for tag, a in parsed(page.findings(report)).found if a.get("class", "").startswith("ak-finding ")
    ]
    assert len(found) == len(report["findings"])


def test_an_unknown_status_reads_as_an_error_and_not_as_a_pass(report, parsed):
    report["findings"] = [{**report["findings"][0], "status": "great"}]
    assert "✓" not in words(parsed, page.findings(report))


def test_evidence_shows_words_tables_and_notes(report, parsed):
    said = words(parsed, page.evidence(report, "AK101"))
    for part in ("Differences between groups", "Who does this model refuse more often?", "What was found.", "14 rows without a label",
                 "500 of 16,281 rows, random, without replacement", "Newcombe, 95%"):  # fmt: skip
        assert part in said
    assert not parsed(page.evidence(report, "AK101")).scripts


def test_evidence_with_figures_has_their_data_and_alternatives(report, parsed):
    drawn = parsed(page.evidence(report, "AK101", figures=True))
    assert [kind for kind, _ in drawn.scripts] == ["application/vnd.plotly.v1+json"] * 3
    plots = [a for tag, a in drawn.found if a.get("role") == "img"]
    assert (
        plots[0]["aria-label"]
        == "How often does the model say yes, by group?. Men are selected 2.7 times as often as women"
    )
    assert sum(tag == "table" for tag, _ in drawn.found) >= 3


def test_unknown_evidence_is_an_error_with_what_there_is(report):
    with pytest.raises(InputError, match=r"AK999.*AK101"):
        page.evidence(report, "AK999")


def test_methods_say_how_to_do_it_again(report, parsed):
    said = words(parsed, page.methods(report, parameters={"epsilon": [0.1, 0.2], "note": "<b>"}))
    for part in ("Seed 0", "12.3 s", "sha256:77aa", "auditkit run TEMPLATE --subject SUBJECT.toml --seed 0", "scikit-learn 1.9.0", "[0.1, 0.2]",
                 "most_groups = 30", "32,562 model rows"):  # fmt: skip
        assert part in said
    assert "0 refits" not in said
    assert "How to reproduce" not in said  # a chapter of the templates, over this section


def test_a_check_without_calls_of_its_own_says_so(report, parsed):
    report["evidence"][0]["cost"] = {"model_calls": 0, "model_rows": 0, "refits": 0}
    said = words(parsed, page.methods(report))
    assert "none of its own" in said
    assert "0 model calls" not in said


def test_a_seed_that_is_no_number_never_reaches_a_command(report):
    report["provenance"]["seed"] = "0; rm -rf /"
    report["provenance"]["plan"][0]["code"] = "$(id)"
    html = page.methods(report)
    assert "--seed SEED" in html
    assert "# checks: AK102" in html


def test_fragment_is_static_and_names_the_gaps(report, parsed):
    html = page.fragment(report)
    said = words(parsed, html)
    assert not parsed(html).scripts
    assert "1 criterion not met" in said
    assert "Not examined (2)" in said
    assert len(html) < 30_000


@pytest.mark.parametrize("part", [page.verdict, page.findings, page.methods, page.fragment])
def test_a_hostile_report_is_dead(hostile_report, parsed, part):
    parsed(part(hostile_report))


def test_hostile_evidence_is_dead(hostile_report, parsed):
    for one in hostile_report["evidence"]:
        page_ = parsed(page.evidence(hostile_report, one["check"], figures=True))
        assert all("<" not in source for _, source in page_.scripts)


def test_a_nearly_empty_report_still_has_a_page(parsed):
    bare = {"findings": [], "evidence": [], "counts": {}, "subject": {"name": "x"}, "provenance": {}}
    assert "Nothing was judged" in words(parsed, page.verdict(bare))
    assert "There are no findings" in words(parsed, page.findings(bare))
    parsed(page.methods(bare))
    parsed(page.fragment(bare))


def test_what_was_not_measured_says_why_without_being_opened(report, parsed):
    html = page.findings(report)
    summaries = html.split("<summary>")[1:]
    unmeasured = next(s.split("</summary>")[0] for s in summaries if "Robust membership inference" in s)
    assert "no training data: pass Subject(..., train=...)" in unmeasured


def test_a_card_without_a_value_says_why_once(report, parsed):
    said = words(parsed, page.findings(report))
    assert said.count("no positives in one group") == 1
    assert "There is no interval" not in said
    assert "undefined" not in said
    screen = words(parsed, page.verdict(report))
    assert "Could not be measured: selection rate ratio (AK102) because: no positives in one group" in screen


def test_a_figure_in_which_nothing_is_known_is_left_out(report, parsed):
    table = {"title": "Nothing known", "kind": "estimates", "labels": {}, "summary": "", "columns": {"label": ["a"], "value": [None], "low": [None], "high": [None], "n": [3]}}  # fmt: skip
    report["evidence"][0]["tables"] = {"t": table}
    code = report["evidence"][0]["check"]
    assert "Nothing known" not in words(parsed, page.evidence(report, code, figures=True))


def test_names_under_several_gaps_say_whose_they_are(report, parsed):
    gaps = [{"what": "Bias (2 of 3 checks)", "why": "no plan", "names": ["a", "b"]}]
    report["provenance"]["not_examined"] = gaps
    assert "By name (2)" in words(parsed, page.verdict(report))
    report["provenance"]["not_examined"] = [*gaps, {"what": "Privacy (3 checks)", "why": "no plan"}]
    assert "By name, of what was audited in part (2)" in words(parsed, page.verdict(report))


def six(report, statuses):
    one = report["findings"][1]
    groups = ("sex", "race", "age_band", "sex × race", "sex × age_band", "race × age_band")
    report["findings"] = [
        {**one, "status": status, "measurement": {**one["measurement"], "group": group}}
        for status, group in zip(statuses, groups, strict=True)
    ]
    return report


def test_one_story_over_many_groupings_is_one_set_with_a_line_each(report, parsed):
    html = page.findings(six(report, ["pass", *["fail"] * 4, "inconclusive"]))
    said = words(parsed, html)
    for part in ("Not met: 4", "Undecided: 1", "Met: 1"):
        assert part in said
    assert said.count("Demographic parity difference Differences between groups 4 high severity") == 1
    assert said.count("asked: at most 0.100") == 3  # once for each status
    assert html.count('class="ak-finding ak-line') == 4
    assert html.count('ak-line ak-edge-fail" open') == 1
    assert said.index("Demographic parity difference · sex ") > said.index(
        "· race × age_band "
    )  # met stands last


def test_attacks_of_one_metric_are_told_apart_in_their_headings(report, parsed):
    m = {"metric": "attack_auc", "value": 0.5, "n": 100, "interval": None}
    report["findings"] = [
        {
            "check": code,
            "status": "pass",
            "severity": "high",
            "measurement": m,
            "criterion": None,
            "reason": "",
        }
        for code in ("AK201", "AK202")
    ]
    html = page.findings(report)
    headings = [part.split("</h4>")[0] for part in html.split("<h4>")[1:]]
    assert len(headings) == len(set(headings)) == 2
    assert "Population threshold attack" in headings[0]


def test_what_only_lacks_a_criterion_has_a_chip_of_its_own(report, parsed):
    report["findings"] = [
        {"check": "AK402", "status": "not_applicable", "severity": None, "measurement": None, "criterion": None,
         "reason": "measured, not judged: no criterion of the policy speaks of it"}
    ]  # fmt: skip
    report["counts"] = {"not_applicable": 1}
    assert "ak-chip ak-not_judged" in page.findings(report)
    assert "○ 1 measured, not judged" in words(parsed, page.verdict(report))
    assert "not applicable" not in words(parsed, page.verdict(report))


def test_a_reason_has_no_more_digits_than_it_knows(report, parsed):
    report["findings"][2]["reason"] = (
        "84 records cannot decide it; about 3,722,592 records in all would be needed"
    )
    assert "about 3.7 million records in all" in words(parsed, page.findings(report))


def test_a_criterion_that_nothing_measured_is_named(report, parsed):
    report["findings"] = [
        {"check": "policy", "status": "inconclusive", "severity": "high", "measurement": None,
         "criterion": {"metric": "equal_opportunity_difference", "at_most": 0.1}, "reason": "nothing measured it"}
    ]  # fmt: skip
    assert "Equal opportunity difference" in words(parsed, page.findings(report))
