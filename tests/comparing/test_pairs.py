"""Comparing with kept answers: changes told from the pairs, only where the answers give what the reports say, and refused where a file is another's."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import DescrStatsW

import auditkit as ak
from auditkit.comparing import compare
from auditkit.comparing.divided import Divided
from auditkit.errors import InputError
from auditkit.finding import Policy
from auditkit.predictors import from_predictions
from auditkit.render.comparison import comparison_lines, comparison_page
from auditkit.report import load_report
from auditkit.row_answers import RowAnswers, beside, digest_of

POLICY = Policy(
    (
        ak.Criterion("accuracy", group="", at_least=0.5),
        ak.Criterion("auc", at_least=0.5),
        ak.Criterion("brier_score", at_most=0.4),
        ak.Criterion("demographic_parity_difference", at_most=0.6),
        ak.Criterion("equalized_odds_difference", at_most=0.8),
    ),
    "ours",
    unmeasured="ignored",
)
CHECKS = ["model_performance", "demographic_parity", "error_rates"]
PAIRS = "Bonett-Price, McNemar mid-p, from the pairs"


def world(seed=0, n=1500):
    """Return test rows, and what a good model says of them, in log odds."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    z = rng.normal(size=n) + 0.5 * (sex == "m")
    y = (z + rng.normal(size=n) > 0).astype(int)
    return ak.Dataset(pd.DataFrame({"z": z}), y, sensitive_features={"sex": sex}), 1.5 * z, rng


def subject(test, logit, classes=(0, 1), **more):
    scores = 1 / (1 + np.exp(-np.asarray(logit)))
    return ak.Subject(
        "toy", from_predictions(scores=scores, classes=list(classes)), test=test, positive=1, **more
    )


@pytest.fixture
def save(tmp_path):
    def of(name, one, *, checks=CHECKS, keep=True, **options):
        report = ak.Audit(checks, POLICY).run(one, keep_answers=keep, **options)
        return report.save(tmp_path / f"{name}.json")

    return of


def move(comparison, metric, group=None):
    (found,) = [
        m for m in comparison.pairs[0].moves if (m.metric, m.group) == (metric, group) and m.check != "AK103"
    ][:1]
    return found


def without(path):
    beside(path).unlink()
    return path


def rewritten(path, answers):
    """Write other answers beside a report, and their digest into it, as somebody would who wants them believed."""
    content = answers.to_bytes()
    beside(path).write_bytes(content)
    data = json.loads(path.read_text())
    data["provenance"]["answers"]["sha256"] = digest_of(content)
    path.write_text(json.dumps(data))


def answers_of(path):
    return RowAnswers.from_bytes(beside(path).read_bytes(), "it")


class TestGuilty:
    """A worsening that is small and sure: the pairs show it, and two reports alone do not."""

    def test_a_small_fall_in_accuracy(self, save):
        test, logit, rng = world()
        truth = np.where(test.y == 1, 1, -1)
        fallen = rng.permutation(np.flatnonzero(np.sign(logit) == truth))[
            :30
        ]  # right before, wrong now: 2 points of 1,500 rows
        worse = logit.copy()
        worse[fallen] *= -0.1
        base, new = save("base", subject(test, logit)), save("new", subject(test, worse))
        told = compare(base, new)
        fall = move(told, "accuracy")
        assert told.verdict == "fail"
        assert (fall.status, fall.worse, fall.method) == ("fail", True, PAIRS)
        assert fall.value == pytest.approx(-30 / 1500)
        assert fall.change.high < 0
        exact = mcnemar([[0, 30], [0, 0]], exact=True).pvalue - stats.binom.pmf(0, 30, 0.5)
        assert fall.p_value == pytest.approx(exact)
        alone = move(compare(without(base), new), "accuracy")
        assert alone.status == "pass"
        assert alone.change.low < 0 < alone.change.high

    def test_a_small_rise_in_the_gap_between_groups(self, save):
        test, logit, rng = world()
        women = test.sensitive_features["sex"].to_numpy() == "f"
        chosen = rng.permutation(np.flatnonzero(women & (logit > 0)))[:35]
        worse = logit.copy()
        worse[chosen] = -0.1
        base, new = save("base", subject(test, logit)), save("new", subject(test, worse))
        rise = move(compare(base, new), "demographic_parity_difference", "sex")
        assert rise.status == "fail"
        assert rise.value == pytest.approx(35 / women.sum())
        assert rise.change.low > 0
        alone = move(compare(without(base), new), "demographic_parity_difference", "sex")
        assert alone.status == "pass"

    def test_scores_that_grew_worse(self, save):
        test, logit, rng = world()
        worse = logit + rng.normal(0, 0.8, size=len(logit))
        base, new = save("base", subject(test, logit)), save("new", subject(test, worse))
        told = compare(base, new)
        for metric, sign, method in (
            ("auc", -1, "DeLong, from the pairs"),
            ("brier_score", 1, "Student's t of the pairs"),
        ):
            found = move(told, metric)
            assert (found.status, found.method) == ("fail", method)
            assert np.sign(found.value) == sign
        first, second = ((1 / (1 + np.exp(-one)) - test.y) ** 2 for one in (logit, worse))
        found, theirs = move(told, "brier_score"), DescrStatsW(second - first)
        assert (found.change.low, found.change.high) == pytest.approx(theirs.tconfint_mean())
        assert found.p_value == pytest.approx(theirs.ttest_mean()[1])
        alone = compare(without(base), new)
        assert {move(alone, metric).status for metric in ("auc", "brier_score")} == {"pass"}

    def test_a_rise_the_better_way_is_no_worsening(self, save):
        test, logit, rng = world()
        worse = logit + rng.normal(0, 0.8, size=len(logit))
        told = compare(save("base", subject(test, worse)), save("new", subject(test, logit)))
        assert told.verdict == "pass"
        assert move(told, "auc").value > 0


def alarms(seeds, tmp_path):
    """Return how many of so many pairs of models alike are said to have become worse."""
    found = 0
    for seed in seeds:
        test, logit, rng = world(seed, 400)
        paths = [
            ak.Audit(CHECKS, POLICY)
            .run(subject(test, logit + rng.normal(0, 0.4, size=400)), keep_answers=True)
            .save(tmp_path / f"{name}.json")
            for name in ("base", "new")
        ]
        told = compare(*paths)
        assert move(told, "accuracy").method == PAIRS
        found += told.verdict == "fail"
    return found


class TestInnocent:
    def test_models_alike_seldom_fail(self, tmp_path):
        assert alarms(range(25), tmp_path) <= stats.binom.ppf(0.999, 25, 0.05)

    @pytest.mark.slow
    @pytest.mark.timeout(3000)
    def test_models_alike_fail_in_at_most_one_comparison_of_twenty(self, tmp_path):
        assert alarms(range(400), tmp_path) <= stats.binom.ppf(0.999, 400, 0.05)

    def test_the_same_model_has_not_changed(self, save):
        test, logit, _ = world()
        told = compare(save("base", subject(test, logit)), save("new", subject(test, logit)))
        assert told.verdict == "pass"
        assert {m.value for m in told.pairs[0].moves if m.value is not None} == {0.0}
        assert all(m.p_value in (None, 1.0) for m in told.pairs[0].moves)

    def test_the_same_two_reports_give_the_same_numbers(self, save):
        test, logit, rng = world()
        paths = (
            save("base", subject(test, logit)),
            save("new", subject(test, logit + rng.normal(0, 0.3, len(logit)))),
        )
        assert compare(*paths).to_dict() == compare(*paths).to_dict()


class TestWhatIsPaired:
    def test_rates_and_gaps_of_every_check_of_the_house_that_names_them(self, save):
        rng = np.random.default_rng(5)
        n = 1200
        z = rng.normal(size=n)
        who = {"sex": rng.choice(["f", "m"], n), "race": rng.choice(["a", "b", "c, d=e"], n)}
        test = ak.Dataset(
            pd.DataFrame({"z": z}), (z + rng.normal(size=n) > 0).astype(int), sensitive_features=who
        )
        checks = [*CHECKS, "calibration", "AK103", "AK104", "AK105", "AK106"]
        paths = [
            save(name, subject(test, z + rng.normal(0, 0.4, size=n)), checks=checks)
            for name in ("base", "new")
        ]
        told = compare(*paths)
        assert not [said for said in told.pairs[0].remarks if "do not give" in said]
        moves = [m for m in told.pairs[0].moves if m.change is not None]
        unpaired = {m.metric for m in moves if "pairs" not in m.method}
        paired = {m.metric for m in moves if "pairs" in m.method}
        assert unpaired <= {
            "auc_difference", "bnsp_auc", "bpsn_auc", "cross_auc_difference", "calibration_slope", "expected_calibration_error",
            "expected_calibration_error_difference", "precision_score", "false_discovery_rate", "false_omission_rate",
            "negative_predictive_value", "balanced_accuracy_score", "score_eta_squared", "impact_ratio",
        }  # fmt: skip
        assert {
            "accuracy", "selection_rate", "true_positive_rate", "false_positive_rate", "true_negative_rate", "false_negative_rate",
            "auc", "brier_score", "calibration_in_the_large", "demographic_parity_difference", "demographic_parity_ratio",
            "equalized_odds_difference", "equal_opportunity_difference", "accuracy_difference", "impact_ratio",
        } <= paired  # fmt: skip
        assert any(m.group == "sex=f, race=c, d=e" for m in moves if m.method == PAIRS)
        for m in moves:
            assert m.change.low <= m.value <= m.change.high
            assert m.value == pytest.approx(m.after.value - m.before.value)

    def test_a_regression_by_means(self, save):
        rng = np.random.default_rng(1)
        y = rng.normal(size=900)
        test = ak.Dataset(None, y, sensitive_features={"sex": rng.choice(["f", "m"], 900)})
        off = rng.normal(0, 0.5, size=900)
        said = [y + off, y + off + 0.1 * np.sign(off)]
        paths = [
            save(
                name,
                ak.Subject("r", from_predictions(labels=one), test=test, task="regression"),
                checks=[*CHECKS, "AK103"],
            )
            for name, one in zip(("base", "new"), said, strict=True)
        ]
        told = compare(*paths)
        found = move(told, "mean_absolute_error")
        assert found.method == "Student's t of the pairs"
        assert found.value == pytest.approx(0.1)
        gap = [m for m in told.pairs[0].moves if m.metric == "standardised_mean_error_difference"]
        assert {m.method for m in gap} == {"paired means over all pairs of groups, from the pairs"}

    def test_labels_in_another_order_are_the_same_labels(self, save):
        test, logit, _ = world()
        base = save("base", subject(test, logit))
        scores = 1 / (1 + np.exp(-logit))
        model = from_predictions(scores=np.column_stack([scores, 1 - scores]), classes=[1, 0])
        new = save("new", ak.Subject("toy", model, test=test, positive=1))
        found = move(compare(base, new), "auc")
        assert (found.value, found.method) == (0.0, "DeLong, from the pairs")

    def test_several_classes_by_accuracy(self, save):
        rng = np.random.default_rng(2)
        y = rng.choice(["a", "b", "c"], 600)
        test = ak.Dataset(None, y, sensitive_features={"sex": rng.choice(["f", "m"], 600)})
        said = [np.where(rng.random(600) < p, y, "a") for p in (0.9, 0.85)]
        paths = [
            save(name, ak.Subject("m", from_predictions(labels=one, classes=["a", "b", "c"]), test=test))
            for name, one in zip(("base", "new"), said, strict=True)
        ]
        told = compare(*paths)
        assert {move(told, "accuracy", group).method for group in (None, "sex=f")} == {PAIRS}
        assert "pairs" in move(told, "accuracy_difference", "sex").method


class TestWhereTheyAreNot:
    """What is not known from pairs is held as before, and a page says what to do."""

    def two(self, save):
        test, logit, rng = world(n=400)
        return save("base", subject(test, logit)), save(
            "new", subject(test, logit + rng.normal(0, 0.3, size=400))
        )

    def told(self, base, new):
        found = compare(base, new)
        assert move(found, "accuracy").method == "Bonett-Price at the most discordant records"
        return " ".join(found.pairs[0].remarks)

    def test_a_side_that_kept_none(self, save, tmp_path):
        base, new = self.two(save)
        report = load_report(base)
        bare = {k: v for k, v in report.provenance.items() if k != "answers"}
        replace(report, provenance=bare).save(base)
        said = self.told(base, new)
        assert "The earlier audit kept none." in said
        assert "auditkit run --keep-answers, or keep_answers = true in a plan" in said

    def test_a_file_that_is_not_there(self, save):
        base, new = self.two(save)
        assert "Those of the newer audit are not beside its report, as new.answers.npz." in self.told(
            base, without(new)
        )

    def test_a_file_that_cannot_be_read(self, save):
        base, new = self.two(save)
        beside(without(new)).mkdir()
        assert "Those of the newer audit cannot be read (" in self.told(base, new)

    def test_rows_with_weights(self, save):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, size=300)
        test = ak.Dataset(None, y, sample_weight=rng.uniform(1, 3, size=300))
        paths = [
            save(name, subject(test, y + rng.normal(size=300)), checks=["AK001"]) for name in ("base", "new")
        ]
        found = compare(*paths)
        assert any("have weights" in said for said in found.pairs[0].remarks)
        assert "pairs" not in move(found, "accuracy").method

    def test_other_rows_and_the_same_rows_in_another_order_are_other_rows(self, save):
        test, logit, _ = world(n=400)
        base = save("base", subject(test, logit))
        turned = save("turned", subject(test.take(np.arange(400)[::-1]), logit[::-1]))
        other, again, _ = world(seed=1, n=400)
        for new in (turned, save("other", subject(other, again))):
            found = compare(base, new)
            assert move(found, "accuracy").method == "Newcombe, Fisher exact"
            assert any("The test rows differ" in said for said in found.pairs[0].remarks)

    def test_a_value_that_the_answers_do_not_give_is_not_told_from_them(self, save):
        base, new = self.two(save)
        data = json.loads(new.read_text())
        (checked,) = [one for one in data["evidence"] if one["check"] == "AK001"]
        (accuracy,) = [m for m in checked["measurements"] if m["metric"] == "accuracy" and m["group"] is None]
        accuracy["value"] = round(accuracy["value"] * 400 - 1) / 400  # one record fewer
        new.write_text(json.dumps(data))
        said = self.told(base, new)
        assert "do not give what the reports say of accuracy: the check counts otherwise" in said
        assert move(compare(base, new), "auc").method == "DeLong, from the pairs"

    def test_of_rows_drawn_there_are_no_pairs(self, save):
        base, new = self.two(save)
        for path in (base, new):
            data = json.loads(path.read_text())
            for one in data["evidence"]:
                one["rows"]["how"] = "drawn at random without replacement"
            path.write_text(json.dumps(data))
        assert "pairs" not in move(compare(base, new), "auc").method


class TestAFileThatIsAnothers:
    def two(self, save):
        test, logit, rng = world(n=400)
        return save("base", subject(test, logit)), save(
            "new", subject(test, logit + rng.normal(0, 0.3, size=400))
        )

    def test_swapped(self, save):
        base, new = self.two(save)
        beside(new).write_bytes(beside(base).read_bytes())
        with pytest.raises(InputError, match=r"new\.answers\.npz is not the file its report was made with"):
            compare(base, new)

    def test_changed_by_a_byte(self, save):
        base, new = self.two(save)
        content = bytearray(beside(new).read_bytes())
        content[len(content) // 2] ^= 1
        beside(new).write_bytes(content)
        with pytest.raises(InputError, match="another sha256"):
            compare(base, new)

    def test_with_its_digest_written_into_the_report_and_rows_in_another_order(self, save):
        base, new = self.two(save)
        kept = answers_of(new)
        turned = replace(
            kept,
            truth=kept.truth[::-1].copy(),
            decision=kept.decision[::-1].copy(),
            score=kept.score[::-1].copy(),
        )
        rewritten(new, turned)
        with pytest.raises(InputError, match="does not hold the rows of the earlier audit in their order"):
            compare(base, new)

    def test_with_decisions_changed_and_its_digest_written_into_the_report(self, save):
        base, new = self.two(save)
        kept = answers_of(new)
        rewritten(new, replace(kept, decision=kept.truth.copy()))
        told = compare(base, new)
        assert move(told, "accuracy").method == "Bonett-Price at the most discordant records"
        assert any("do not give what the reports say" in said for said in told.pairs[0].remarks)

    def test_about_other_rows(self, save):
        base, new = self.two(save)
        rewritten(new, replace(answers_of(new), rows="0" * 64))
        with pytest.raises(InputError, match="answers about other rows"):
            compare(base, new)


def test_a_page_names_the_method_and_holds_nothing_of_a_record(save):
    test, logit, rng = world(n=400)
    base, new = (
        save("base", subject(test, logit)),
        save("new", subject(test, logit + rng.normal(0, 0.3, size=400))),
    )
    data = compare(base, new).to_dict()
    page, lines = comparison_page(data), "\n".join(comparison_lines(data))
    assert PAIRS in page
    assert "both audits kept the answers of single records" in page
    assert "both audits kept the answers of single records" in lines
    scores = answers_of(new).score
    assert not [one for one in scores.tolist() if repr(one) in page or repr(one) in json.dumps(data)]


def test_groups_are_found_by_the_words_of_a_report():
    codes = np.array([0, 1, 0, 1])
    found = Divided({"sex": (codes, ("f", "m")), "a × b": (np.array([0, 0, 1, 1]), ("x", "y, sex=m"))})
    assert found.rows("sex=m").tolist() == [False, True, False, True]
    assert found.rows("sex=m, a × b=y, sex=m").tolist() == [False, False, False, True]
    assert found.rows("sex=z") is None
    assert found.rows("nobody") is None
    assert found.codes("sex")[1] == ["sex=f", "sex=m"]
    assert found.codes("age") is None
    assert math.prod(found.codes("sex × a × b")[0].shape) == 4
