"""Comparing: what changed beyond noise, what is new, fixed or persists, and what cannot be told."""

from __future__ import annotations

import functools
import hashlib
import html
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from auditkit import Audit
from auditkit.cli import app
from auditkit.comparing import compare
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Interval, Measurement
from auditkit.finding import Criterion, Policy
from auditkit.render.comparison import comparison_lines, comparison_markdown, comparison_page
from auditkit.report import Report
from auditkit.statistics import wilson

POLICY = Policy(
    (Criterion("accuracy", at_least=0.7, severity="high"), Criterion("gap", at_most=0.1)),
    "ours",
    unmeasured="ignored",
)
NASTY = "<script>alert(1)</script>|`x`*[a](b)\u202e"


def rate(metric, k, n, group=None):
    low, high = wilson(k, n)
    return Measurement(metric, k / n, n, Interval(float(low), float(high), 0.95, "wilson"), group)


def gap(value, low, high, n=500, group="sex", **more):
    ends = None if low is None else Interval(low, high, 0.95, "newcombe")
    return Measurement("gap", value, n, ends, group, **more)


def evidence(*measurements, check="AK901", **more):
    return Evidence(check, measurements, rows={"how": "all"}, says="x", does_not_say="y", **more)


def sha(word):
    return hashlib.sha256(word.encode()).hexdigest()


@functools.cache
def skeleton():
    """Return what a real record says of its subject and its run."""
    return Audit(["demographic_parity"]).run(make_credit(n_train=60, n_test=60), seed=0)


def report(*found, digest="rows", policy=POLICY, name="credit", **subject):
    real = skeleton()
    model = {**real.subject["model"], "digest": sha("m")}
    about = {
        **real.subject,
        "name": name,
        "test": {**real.subject["test"], "digest": sha(digest)},
        "model": model,
    }
    planned = dict(real.provenance["plan"][0])
    plan = [{**planned, "code": e.check, "name": e.check} for e in found]
    bare = Report({**about, **subject}, (), tuple(found), {**real.provenance, "plan": plan})
    return bare.judge(policy)


@pytest.fixture
def hold(tmp_path):
    def of(base, new, **options):
        for name, one in (("base", base), ("new", new)):
            one.save(tmp_path / f"{name}.json")
        return compare(tmp_path / "base.json", tmp_path / "new.json", **options)

    return of


def only(comparison, metric="accuracy", group=None):
    (pair,) = comparison.pairs
    (move,) = [m for m in pair.moves if m.metric == metric and m.group == group]
    return move


class TestTheGate:
    def test_a_fall_beyond_noise_fails_though_the_limit_is_still_met(self, hold):
        found = hold(
            report(evidence(rate("accuracy", 900, 1000))),
            report(evidence(rate("accuracy", 800, 1000)), digest="other"),
        )
        move = only(found)
        assert found.verdict == "fail"
        assert (move.status, move.worse) == ("fail", True)
        assert move.p_value == pytest.approx(stats.fisher_exact([[900, 100], [800, 200]]).pvalue)
        assert move.change.high < 0

    @pytest.mark.parametrize(("metric", "status", "verdict"), [("secrets_found", "fail", "fail"), ("k_anonymity", "inconclusive", "undecided")])  # fmt: skip
    def test_a_count_of_what_was_read_is_worse_without_noise_and_one_of_rows_is_not(
        self, hold, metric, status, verdict
    ):
        policy = Policy((Criterion(metric, at_most=1),), "ours", unmeasured="ignored")
        found = hold(
            report(evidence(Measurement(metric, 2, 9)), policy=policy),
            report(evidence(Measurement(metric, 5, 9)), digest="other", policy=policy),
        )
        assert (only(found, metric).status, found.verdict) == (status, verdict)
        assert ">2<" in comparison_page(found.to_dict())
        assert ">3<" in comparison_page(found.to_dict())

    def test_a_rise_beyond_noise_passes(self, hold):
        found = hold(
            report(evidence(rate("accuracy", 800, 1000))),
            report(evidence(rate("accuracy", 900, 1000)), digest="other"),
        )
        assert found.verdict == "pass"
        assert only(found).worse is False

    def test_a_fall_within_noise_passes_and_says_what_would_have_stood_out(self, hold):
        found = hold(
            report(evidence(rate("accuracy", 90, 100))),
            report(evidence(rate("accuracy", 88, 100)), digest="other"),
        )
        assert found.verdict == "pass"
        assert "would have stood out" in only(found).reason

    def test_an_upper_limit_makes_up_the_worse_side(self, hold):
        found = hold(
            report(evidence(gap(0.02, 0.0, 0.04))), report(evidence(gap(0.09, 0.07, 0.11)), digest="other")
        )
        assert only(found, "gap", "sex").status == "fail"

    def test_a_tolerance_lets_a_sure_and_small_worsening_pass(self, hold):
        sides = (
            report(evidence(rate("accuracy", 90_000, 100_000))),
            report(evidence(rate("accuracy", 89_000, 100_000)), digest="other"),
        )
        assert hold(*sides).verdict == "fail"
        assert hold(*sides, tolerance=0.02).verdict == "pass"

    def test_a_limit_broken_anew_within_noise_is_undecided(self, hold):
        found = hold(
            report(evidence(gap(0.11, 0.05, 0.17))), report(evidence(gap(0.13, 0.101, 0.16)), digest="other")
        )
        assert found.verdict == "undecided"
        assert [t.fate for t in found.pairs[0].turns] == ["new"]

    def test_an_audit_that_was_met_and_is_undecided_now_is_undecided_and_said(self, hold):
        """9 of 10 have a Wilson interval from 0.60, across the limit of 0.7; 900 of 1,000 one within."""
        met, few = (report(evidence(rate("accuracy", 9 * n, 10 * n)), digest=str(n)) for n in (100, 1))
        assert (met.verdict, few.verdict) == ("pass", "undecided")
        found = hold(met, few)
        assert only(found).status == "pass"  # the value is the same
        assert found.verdict == "undecided"
        assert (found.counts["opened"], found.counts["undecided"]) == (1, 1)
        for said in (comparison_lines(found.to_dict()), comparison_markdown(found.to_dict()).splitlines()):
            text = "\n".join(said).lower()
            assert "was met, undecided now: the whole audit" in text
            assert "was met, undecided now: accuracy" in text
            assert "reaches across the limit" in text
        assert "Was met, undecided now: the whole audit." in comparison_page(found.to_dict())
        assert hold(few, met).verdict == "pass"
        assert hold(few, few).verdict == "pass"  # undecided on both sides is no change

    def test_a_finding_that_was_met_is_said_where_the_audit_was_undecided_before(self, hold):
        open_ = rate("accuracy", 9, 10, "a")
        sides = [
            report(evidence(open_, rate("accuracy", 9 * n, 10 * n, "b")), digest=str(n)) for n in (100, 1)
        ]
        found = hold(*sides)
        assert found.verdict == "pass"
        assert [(t.fate, t.after.measurement.group) for t in found.pairs[0].turns] == [("opened", "b")]
        text = "\n".join(comparison_lines(found.to_dict()))
        assert "was met, undecided now: accuracy" in text
        assert "the whole audit" not in text

    def test_a_finding_that_persists_does_not_fail_the_comparison_and_is_told(self, hold):
        found = hold(
            report(evidence(rate("accuracy", 50, 100))),
            report(evidence(rate("accuracy", 51, 100)), digest="other"),
        )
        assert found.verdict == "pass"
        assert found.counts["persisting"] == 1

    def test_nothing_that_a_criterion_speaks_of_is_not_judged(self, hold):
        one = report(evidence(rate("other", 5, 10)))
        assert hold(one, one).verdict == "not_judged"

    def test_without_an_interval_a_worse_value_is_undecided_unless_it_broke_a_limit_that_was_met(self, hold):
        exact = [report(evidence(gap(v, None, None)), digest=str(v)) for v in (0.01, 0.02, 0.5)]
        assert hold(exact[0], exact[0]).verdict == "pass"
        assert hold(exact[0], exact[1]).verdict == "undecided"
        assert hold(exact[1], exact[0]).verdict == "pass"
        assert hold(exact[0], exact[2]).verdict == "fail"

    def test_an_interval_without_width_is_none(self, hold):
        found = hold(
            report(evidence(gap(0.01, 0.01, 0.01))), report(evidence(gap(0.02, 0.02, 0.02)), digest="other")
        )
        assert found.verdict == "undecided"

    def test_an_undefined_value_is_undecided(self, hold):
        now = report(evidence(Measurement("accuracy", math.nan, 0, reason="no rows")))
        found = hold(report(evidence(rate("accuracy", 9, 10))), now)
        assert found.verdict == "undecided"
        assert "no rows" in only(found).reason

    def test_what_is_undefined_on_both_sides_for_one_reason_has_not_changed(self, hold):
        unknown = gap(math.nan, None, None, reason="not seen")
        side = report(evidence(rate("accuracy", 900, 1000), unknown))
        found = hold(side, side)
        assert found.verdict == "pass"
        assert found.counts["undecided"] == 0
        (still,) = [one for one in found.pairs[0].moves if one.metric == "gap"]
        assert (still.status, still.value) == (None, None)
        assert still.reason == "no change: undefined before and now, for the same reason: not seen"
        assert "no change: undefined before and now" in comparison_page(found.to_dict())

    @pytest.mark.parametrize(
        ("before", "now"),
        [
            ([gap(math.nan, None, None, reason="not seen")], [gap(math.nan, None, None, reason="no rows")]),
            ([gap(math.nan, None, None)], [gap(math.nan, None, None)]),
            ([gap(0.01, 0, 0.02)], [gap(math.nan, None, None, reason="not seen")]),
            ([gap(math.nan, None, None, reason="not seen")], [gap(0.01, 0, 0.02)]),
        ],
        ids=["another reason", "no reason", "became undefined", "became defined"],
    )
    def test_what_is_undefined_on_one_side_or_for_another_reason_is_undecided(self, hold, before, now):
        found = hold(report(evidence(*before)), report(evidence(*now)))
        assert (found.verdict, only(found, "gap", "sex").status) == ("undecided", "inconclusive")

    def test_what_is_undefined_under_another_setting_is_undecided(self, hold):
        unknown = gap(math.nan, None, None, reason="not seen")
        sides = [report(evidence(unknown, params={"level": level})) for level in (0.9, 0.95)]
        assert hold(*sides).verdict == "undecided"

    def test_nothing_but_what_is_undefined_on_both_sides_is_judged_by_nothing(self, hold):
        one = report(evidence(gap(math.nan, None, None, reason="not seen")))
        assert hold(one, one).verdict == "not_judged"

    def test_both_limits_make_the_way_out_of_the_middle_the_worse_one(self, hold):
        policy = Policy((Criterion("accuracy", at_least=0.4, at_most=0.6),), "band")
        sides = [
            report(evidence(rate("accuracy", k, 1000)), policy=policy, digest=str(k)) for k in (500, 700, 300)
        ]
        assert [hold(sides[0], one).verdict for one in sides[1:]] == ["fail", "fail"]
        assert hold(sides[1], sides[0]).verdict == "pass"


class TestSilence:
    def test_a_check_that_is_gone_keeps_it_open(self, hold):
        both = report(evidence(rate("accuracy", 9, 10)), evidence(gap(0, 0, 0.1), check="AK902"))
        found = hold(both, report(evidence(rate("accuracy", 9, 10))))
        assert found.verdict == "undecided"
        assert "not part of this one" in found.pairs[0].silent[0].reason

    @pytest.mark.parametrize(
        ("outcome", "verdict"), [("error", "undecided"), ("not_applicable", "undecided")]
    )
    def test_a_check_that_no_longer_speaks_keeps_it_open(self, hold, outcome, verdict):
        now = report(Evidence("AK901", outcome=outcome, reason="it broke"))
        assert hold(report(evidence(rate("accuracy", 9, 10))), now).verdict == verdict

    def test_a_criterion_that_nothing_measures_keeps_it_open_unless_the_policy_ignores_such(self, hold):
        for unmeasured, verdict in (("undecided", "undecided"), ("ignored", "pass")):
            asked = (Criterion("accuracy", at_least=0.5), Criterion("auc", at_least=0.6))
            one = report(
                evidence(rate("accuracy", 9, 10)), policy=Policy(asked, "both", unmeasured=unmeasured)
            )
            found = hold(one, one)
            assert found.verdict == verdict
            assert [f.reason.split(":")[0] for f in found.pairs[0].silent] == (
                ["AUC"] if verdict == "undecided" else []
            )

    def test_a_check_that_never_applied_is_said(self, hold):
        silent = Evidence("AK902", outcome="not_applicable", reason="no training data")
        one = report(evidence(rate("accuracy", 9, 10)), silent)
        found = hold(one, one)
        assert found.verdict == "pass"
        assert any("no training data" in said for said in found.pairs[0].remarks)

    def test_a_measurement_that_is_gone_keeps_it_open(self, hold):
        groups = [rate("accuracy", 9, 10, g) for g in ("a", "b")]
        assert hold(report(evidence(*groups)), report(evidence(groups[0]))).verdict == "undecided"

    def test_a_check_set_differently_is_not_held_against_itself(self, hold):
        sides = [
            report(evidence(rate("accuracy", k, 1000), params={"noise": p}))
            for k, p in ((900, 0.1), (500, 0.2))
        ]
        found = hold(*sides)
        assert found.verdict == "undecided"
        assert any("noise was 0.1 and is 0.2" in said for said in found.pairs[0].remarks)

    def test_a_group_broken_and_never_measured_before_is_undecided(self, hold):
        old, now = (
            [rate("accuracy", 900, 1000, "a")],
            [rate("accuracy", 900, 1000, "a"), rate("accuracy", 100, 1000, "b")],
        )
        assert hold(report(evidence(*old)), report(evidence(*now))).verdict == "undecided"
        fine = [now[0], rate("accuracy", 950, 1000, "b")]
        assert hold(report(evidence(*old)), report(evidence(*fine))).verdict == "pass"


class TestFates:
    def test_each(self, hold):
        names = ["new", "fixed", "persisting", "opened", "unsettled", "lost", "fine"]
        bad, good, open_ = (
            (lambda g: rate("accuracy", 300, 1000, g)),
            (lambda g: rate("accuracy", 900, 1000, g)),
            (lambda g: rate("accuracy", 7, 10, g)),
        )
        before = {
            "new": good,
            "fixed": bad,
            "persisting": bad,
            "unsettled": bad,
            "lost": bad,
            "fine": good,
            "opened": good,
        }
        after = {
            "new": bad,
            "fixed": good,
            "persisting": bad,
            "opened": open_,
            "unsettled": open_,
            "fine": good,
        }
        sides = [
            report(evidence(*(make(g) for g, make in side.items())), digest=str(i))
            for i, side in enumerate((before, after))
        ]
        found = hold(*sides)
        fates = {(t.after or t.before).measurement.group: t.fate for t in found.pairs[0].turns}
        assert fates == {name: name for name in names if name != "fine"}

    def test_a_waiver_accepts_a_finding_and_does_not_fix_it(self, hold):
        bad = report(evidence(rate("accuracy", 300, 1000)))
        waived = bad.waive(bad.findings[0], "a pilot", "2999-01-01", by="maria")
        assert waived.findings[0].status == "waived"
        assert [t.fate for t in hold(bad, waived).pairs[0].turns] == ["persisting"]

    def test_the_fingerprint_knows_nothing_of_the_value(self, hold):
        found = hold(
            report(evidence(rate("accuracy", 300, 1000))),
            report(evidence(rate("accuracy", 310, 900)), digest="other"),
        )
        (turn,) = found.pairs[0].turns
        assert (
            turn.before.fingerprint == turn.after.fingerprint == turn.fingerprint == only(found).fingerprint
        )


class TestSameRows:
    def test_rates_of_the_same_rows_are_paired_at_the_worst(self, hold):
        found = hold(
            report(evidence(rate("accuracy", 800, 1000))), report(evidence(rate("accuracy", 740, 1000)))
        )
        assert only(found).method == "Bonett-Price at the most discordant records"

    def test_what_is_no_rate_of_fixed_records_is_held_for_any_dependence(self, hold):
        found = hold(report(evidence(gap(0.02, 0.0, 0.04))), report(evidence(gap(0.03, 0.01, 0.05))))
        assert only(found, "gap", "sex").method == "distances added, for any dependence"

    def test_rows_that_were_drawn_are_not_the_same_rows(self, hold):
        drawn = [
            report(replace(evidence(rate("accuracy", k, 1000)), rows={"how": "drawn at random"}))
            for k in (800, 740)
        ]
        assert only(hold(*drawn)).method == "distances added, for any dependence"

    def test_rows_without_a_digest_are_held_for_any_dependence_and_that_is_said(self, hold):
        found = hold(
            report(evidence(rate("accuracy", 800, 1000))),
            unknown(report(evidence(rate("accuracy", 740, 1000)))),
        )
        assert only(found).method == "distances added, for any dependence"
        assert any("is not known" in said for said in found.pairs[0].remarks)


def unknown(one):
    return replace(one, subject={**one.subject, "test": {**one.subject["test"], "digest": ""}})


class TestWords:
    def test_another_policy_is_said_and_one_judges_both(self, hold):
        old = report(
            evidence(rate("accuracy", 300, 1000)),
            policy=Policy((Criterion("accuracy", at_least=0.1),), "lax"),
        )
        found = hold(old, report(evidence(rate("accuracy", 300, 1000))))
        assert any("The policies differ (lax before, ours now)" in said for said in found.pairs[0].remarks)
        assert [t.fate for t in found.pairs[0].turns] == ["persisting"]

    def test_a_given_policy_judges_both(self, hold, tmp_path):
        (tmp_path / "p.toml").write_text('[[criterion]]\nmetric = "accuracy"\nat_least = 0.99\n', "utf-8")
        one = report(evidence(rate("accuracy", 900, 1000)))
        found = hold(one, one, policy=tmp_path / "p.toml")
        assert found.counts["persisting"] == 1

    def test_a_policy_on_a_metric_that_nobody_gives_is_refused(self, hold, tmp_path):
        (tmp_path / "p.toml").write_text('[[criterion]]\nmetric = "acuracy"\nat_least = 0.9\n', "utf-8")
        one = report(evidence(rate("accuracy", 900, 1000)))
        with pytest.raises(InputError, match="Did you mean 'accuracy'"):
            hold(one, one, policy=tmp_path / "p.toml")

    def test_other_data_another_model_and_other_versions_are_said(self, hold):
        old = report(evidence(rate("accuracy", 90, 100)))
        now = report(
            evidence(rate("accuracy", 90, 100)),
            digest="other",
            model={**skeleton().subject["model"], "digest": sha("n")},
        )
        now = replace(
            now,
            provenance={
                **now.provenance,
                "seed": 7,
                "auditkit": "9.9",
                "versions": {**now.provenance["versions"], "numpy": "3"},
            },
        )
        said = " ".join(hold(old, now).pairs[0].remarks)
        for words in (
            "The test rows differ",
            "The model differs",
            "The seed differs: 0 before, 7 now",
            "0.1.0 before, 9.9 now",
            "→ 3.",
        ):
            assert words in said

    def test_a_record_of_a_later_schema_is_refused_in_words(self, hold, tmp_path):
        one = report(evidence(rate("accuracy", 90, 100)))
        hold(one, one)
        data = json.loads((tmp_path / "new.json").read_text("utf-8")) | {"schema": "auditkit.report/1.7"}
        (tmp_path / "new.json").write_text(json.dumps(data), "utf-8")
        with pytest.raises(InputError, match=r"written by a later auditkit \(schema 1.7\)"):
            compare(tmp_path / "base.json", tmp_path / "new.json")

    @pytest.mark.parametrize("other", [{"task": "regression"}, {"positive": 0}])
    def test_another_task_is_refused(self, hold, other):
        with pytest.raises(InputError, match="every metric means something else"):
            hold(
                report(evidence(rate("accuracy", 9, 10))), report(evidence(rate("accuracy", 9, 10)), **other)
            )

    def test_a_model_and_notebooks_are_refused_in_words(self, hold):
        model = report(evidence(rate("accuracy", 9, 10)))
        notebooks = report(evidence(rate("accuracy", 9, 10)), kind="notebooks", facts={}, parts={})
        said = "what was audited is a model with its rows there and notebooks here"
        with pytest.raises(InputError, match=said):
            hold(model, notebooks)
        with pytest.raises(InputError, match="is notebooks there and a model with its rows here"):
            hold(notebooks, model)


class TestFolders:
    @pytest.fixture
    def folder(self, tmp_path):
        def write(name, reports):
            for i, one in enumerate(reports):
                place = tmp_path / name / "results" / f"{i:04d}"
                place.mkdir(parents=True)
                one.save(place / "report.json")
            return tmp_path / name

        return write

    def test_reports_are_paired_by_subject_and_audit_and_those_alone_keep_it_open(self, folder):
        good = {name: report(evidence(rate("accuracy", 900, 1000)), name=name) for name in "abc"}
        base, new = folder("base", [good["a"], good["b"]]), folder("new", [good["c"], good["b"]])
        found = compare(base, new)
        assert [pair.subject for pair in found.pairs] == ["b"]
        assert (found.gone, found.come) == (("a: AK901",), ("c: AK901",))
        assert found.verdict == "undecided"
        assert "no report now, and not compared: a: AK901" in "\n".join(comparison_lines(found.to_dict()))

    def test_two_of_one_name_cannot_be_told_apart(self, folder):
        one = report(evidence(rate("accuracy", 900, 1000)))
        with pytest.raises(InputError, match="cannot be told apart"):
            compare(folder("base", [one, one]), folder("new", [one]))

    def test_a_batch_names_its_audits_and_of_older_results_the_newest_counts_and_that_is_said(self, folder):
        def dated(k, day):
            one = report(evidence(rate("accuracy", k, 1000)), digest=str(k))
            return replace(one, provenance={**one.provenance, "started": f"2026-11-{day}T00:00:00+00:00"})

        base, new = folder("base", [dated(900, "01")]), folder("new", [dated(100, "20"), dated(899, "28")])
        for place in (base, new):
            for file in place.glob("results/*/report.json"):
                file.with_name("result.json").write_text('{"name": "credit-bias"}', "utf-8")
        (base / "results" / "0001").mkdir()
        extra = report(evidence(rate("accuracy", 900, 1000)), name="other").save(
            base / "results" / "0001" / "report.json"
        )
        found = compare(base, new)
        assert [pair.audit for pair in found.pairs] == ["credit-bias"]
        assert found.pairs[0].moves[0].after.value == 0.899
        assert any("2 results of credit-bias" in said for said in found.pairs[0].remarks)
        assert found.gone == ("other: AK901",)
        extra.with_name("result.json").write_text("[]", "utf-8")
        with pytest.raises(InputError, match="it should name the audit"):
            compare(base, new)

    def test_nothing_in_common_is_refused(self, folder):
        sides = [[report(evidence(rate("accuracy", 9, 10)), name=n) for n in names] for names in ("ab", "cd")]
        with pytest.raises(InputError, match=r"nothing in .* is of a subject and audit in"):
            compare(folder("base", sides[0]), folder("new", sides[1]))

    def test_an_empty_folder_says_what_it_should_hold(self, tmp_path):
        with pytest.raises(InputError, match=r"results/\*/report.json"):
            compare(tmp_path, tmp_path)

    def test_changes_of_all_pairs_are_one_family(self, folder):
        def side(shift):
            return [
                report(evidence(rate("accuracy", 900 - shift, 1000)), name=f"m{i}", digest=str(shift))
                for i in range(3)
            ]

        found = compare(folder("base", side(0)), folder("new", side(25)))
        p = stats.fisher_exact([[900, 100], [875, 125]]).pvalue
        assert [only_of.moves[0].p_adjusted for only_of in found.pairs] == pytest.approx(
            [p] * 3
        )  # BH of equal values
        alone = [m for pair in found.pairs for m in pair.moves]
        assert len(alone) == 3


class TestFalseAlarms:
    def test_fresh_rows_of_one_model_rarely_fail(self, tmp_path):
        """200 comparisons of 12 limits each, nothing changed: an alarm in at most 5%, by simulation."""
        rng, alarms, runs = np.random.default_rng(0), 0, 200
        for i in range(runs):
            sides = []
            for side in ("base", "new"):
                counts = rng.binomial(300, 0.8, 12)
                one = report(
                    evidence(*(rate("accuracy", int(k), 300, f"g{j}") for j, k in enumerate(counts))),
                    digest=f"{i}{side}",
                )
                sides.append(one.save(tmp_path / f"{side}.json"))
            alarms += compare(*sides).verdict == "fail"
        assert stats.binomtest(alarms, runs, 0.05, alternative="greater").pvalue > 0.001

    def test_a_real_audit_held_against_itself_passes_and_against_a_worse_model_fails(self, tmp_path):
        checks, policy = ["model_performance", "demographic_parity"], [Criterion("accuracy", at_least=0.5)]
        good = make_credit(n_train=400, n_test=1500)
        rng = np.random.default_rng(0)

        def asked(X):
            p = good.model.inner.predict_proba(X)
            return np.where(rng.random(len(p))[:, None] < 0.5, p[:, ::-1], p)

        from auditkit.predictors import from_callable

        worse = replace(good, model=from_callable(asked, classes=good.classes.tolist()))
        paths = [
            Audit(checks, policy).run(s, seed=0).save(tmp_path / f"{i}.json")
            for i, s in enumerate((good, worse))
        ]
        assert compare(paths[0], paths[0]).verdict == "pass"
        found = compare(*paths)
        assert found.verdict == "fail"
        assert {m.metric for m in found.pairs[0].moves if m.status == "fail"} == {"accuracy"}


class TestShown:
    @pytest.fixture
    def data(self, hold):
        sides = [
            report(evidence(rate("accuracy", k, 1000, NASTY), check="AK901"), name=NASTY, digest=d)
            for k, d in ((900, "x"), (300, "y"))
        ]
        return hold(*sides).to_dict()

    def test_names_are_data_on_the_page(self, data):
        page = comparison_page(data)
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "default-src 'none'; script-src 'none'" in html.unescape(page)
        assert "Worse beyond noise" in page

    def test_names_are_data_in_markdown_and_in_the_terminal(self, data):
        text = comparison_markdown(data)
        assert "<script>" not in text.replace(r"\<script\>", "")
        assert r"\[a\]\(b\)" in text
        assert "\u202e" not in text + "".join(comparison_lines(data))

    def test_the_page_does_not_tell_where_the_records_lie(self, data, tmp_path):
        assert str(tmp_path.parent) not in comparison_page(data) + json.dumps(data)

    def test_the_dictionary_is_json(self, data):
        assert json.loads(json.dumps(data, allow_nan=False)) == data

    def test_the_frame_has_a_row_a_change(self, hold):
        found = hold(report(evidence(rate("accuracy", 9, 10))), report(evidence(rate("accuracy", 8, 10))))
        assert found.frame()[["metric", "before", "after"]].to_numpy().tolist() == [["accuracy", 0.9, 0.8]]
        assert repr(found).startswith("Comparison(pass: ")


class TestCommand:
    @pytest.fixture
    def files(self, tmp_path):
        def write(k, name):
            return str(
                report(evidence(rate("accuracy", k, 1000)), digest=name).save(tmp_path / f"{name}.json")
            )

        return write

    @pytest.mark.parametrize(("now", "code"), [(895, 0), (800, 1)])
    def test_the_exit_code_is_that_of_the_gate(self, files, now, code, tmp_path):
        page, text = tmp_path / "c.html", tmp_path / "c.md"
        words = ["compare", files(900, "a"), files(now, "b"), "--html", str(page), "--markdown", str(text)]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == code, result.output
        assert page.read_text("utf-8").startswith("<!doctype html>")
        assert text.read_text("utf-8").startswith("## ")
        assert str(page) in result.output

    def test_json(self, files):
        result = CliRunner().invoke(app, ["compare", files(900, "a"), files(800, "b"), "--json"])
        data = json.loads(result.stdout)
        assert (data["schema"], data["verdict"], data["exit_code"]) == ("auditkit.comparison/1.0", "fail", 1)

    def test_bad_input_and_an_open_comparison_have_codes_of_their_own(self, files, tmp_path):
        one = files(900, "a")
        assert CliRunner().invoke(app, ["compare", one, str(tmp_path / "none.json")]).exit_code == 2
        assert (
            CliRunner()
            .invoke(app, ["compare", one, one, "--html", str(tmp_path / "no" / "x.html")])
            .exit_code
            == 2
        )
        gone = report(Evidence("AK901", outcome="error", reason="it broke")).save(tmp_path / "e.json")
        assert CliRunner().invoke(app, ["compare", one, str(gone)]).exit_code == 3
