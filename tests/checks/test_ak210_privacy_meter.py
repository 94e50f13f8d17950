"""Privacy Meter's figures stand beside auditkit's, with the defects that the run shows, and cry wolf as rarely as stated."""

import importlib.util
import json
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auditkit import Audit
from auditkit.checks.membership import privacy_meter, reference_attacks
from auditkit.checks.membership.meter import evidence_of
from auditkit.data import make_leaky, make_regression
from auditkit.errors import InputError, NotApplicable, ToolError
from auditkit.methods.membership import population_threshold
from auditkit.methods.reference_attack import smooth_reference_score
from auditkit.statistics import auc
from auditkit.tools import privacy_meter as parser
from auditkit.tools.catalogue import PRIVACY_METER
from auditkit.tools.home import STAMP, VARIABLE, python_of
from auditkit.tools.privacy_meter import MeterAnswer, MeterAudit, read_answer

TOOLS = Path(__file__).parents[1] / "tools"
THEIRS = ("Privacy Meter, population", "Privacy Meter, reference", "Privacy Meter, shadow")


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recording, by_hand = load("record_privacy_meter"), load("stand_in_meter")


def native(given):
    return {
        "population": population_threshold(-given["target"], -given["population"]),
        "reference": smooth_reference_score(-given["target"], -given["references"], given["masks"]),
        "shadow": -given["target"],
    }


def observed(run):
    given = recording.given(run)
    answer = read_answer(recording.RECORDED / run, given["members"])
    return given, evidence_of(
        answer,
        native(given),
        given["members"],
        0.95,
        rng=np.random.default_rng(0),
        population=100,
        budget="8 reference models",
    )


# guilty, innocent ---------------------------------------------------------------------------------------


def test_a_planted_leak_is_found_by_both_on_the_same_records():
    _given, found = observed("leak_linear")
    for name in ("population threshold", "Attack-R", "Attack-S", *THEIRS):
        area = found.measurement("attack_auc", name)
        assert area.interval.low > 0.5
        assert area.n == 240
        assert area.bound == "lower"
    # the same loss under the same definition: the tool's 100 thresholds give nearly the exact ranks
    for own, theirs in (("population threshold", THEIRS[0]), ("Attack-R", THEIRS[1])):
        pair = [found.measurement("attack_auc", name).value for name in (own, theirs)]
        assert pair[0] == pytest.approx(pair[1], abs=0.05)
    assert found.rows == {"members": 120, "non_members": 120, "population": 100, "how": "drawn at random"}


def test_the_figures_are_those_of_its_decisions():
    given, found = observed("leak_linear")
    with np.load(recording.RECORDED / "leak_linear" / "decisions.npz") as file:
        counts = file["reference"].sum(axis=0)
    by_pairs = np.mean(
        [
            (counts[i] > counts[j]) + 0.5 * (counts[i] == counts[j])
            for i in np.flatnonzero(given["members"])
            for j in np.flatnonzero(~given["members"])
        ]
    )
    assert found.measurement("attack_auc", THEIRS[1]).value == pytest.approx(by_pairs)


def test_nothing_is_said_to_leak_where_nothing_does():
    _given, found = observed("no_leak_linear")
    for m in found.measurements:
        if m.metric == "attack_auc" and not np.isnan(m.value):
            assert m.interval.low < 0.5


def test_it_cries_wolf_as_rarely_as_the_level_says():
    """Its rules, which the recorded runs were seen to follow, on 400 draws without a leak."""
    draws, wrong = 400, {"population": 0, "reference": 0}
    for seed in range(draws):
        given = recording.losses(0.0, n=60, m=60, seed=1000 + seed)
        for name in wrong:
            found = auc(by_hand.decide(name, given, "linear").sum(axis=0).astype(float), given["members"])
            wrong[name] += found.low > 0.5
    # one-sided 2.5% of 400 is 10; 20 or more come once in five hundred times
    assert max(wrong.values()) < 20


# what is labelled ---------------------------------------------------------------------------------------


def test_what_is_wrong_is_said_where_the_run_shows_it():
    _given, found = observed("leak_linear")
    notes = " ".join(found.notes)
    assert "reference audit does not keep its rates: asked for" in notes
    assert "population audit calls itself 'reference_metric'" in notes
    assert "tries 100 thresholds; they give" in notes
    assert "is the highest of 100, chosen after looking" in notes
    assert "inverted" not in notes
    _given, turned = observed("leak_gaussian")
    assert (
        "reference audit is inverted under this test function: asked for 0.001% false positives it makes 9"
        in " ".join(turned.notes)
    )
    assert "of a curve whose ends are missing" in " ".join(turned.notes)
    assert turned.measurement("attack_auc", THEIRS[1]).value > 0.7


def test_a_tool_without_defects_is_not_blamed():
    rng = np.random.default_rng(0)
    truth = np.repeat([True, False], 2000)
    score = rng.random(4000) + 0.2 * truth
    asked = np.linspace(0.001, 1.0, 400)
    bars = np.quantile(score[~truth], 1 - asked)
    decisions = score >= bars[:, None]
    decisions[-1] = True
    counts = decisions.sum(axis=0).astype(float)
    one = MeterAudit(
        asked, decisions, counts, float(auc(counts, truth).value), np.array([0.6]), "reference_metric"
    )
    found = evidence_of(
        MeterAnswer({"reference": one}, {}),
        {"reference": score},
        truth,
        0.95,
        rng=rng,
        population=1,
        budget="",
    )
    notes = " ".join(found.notes)
    assert not any(
        word in notes
        for word in ("inverted", "does not keep", "calls itself", "ends are missing", "accuracy")
    )


def test_its_own_figures_are_shown_as_it_reports_them():
    _given, found = observed("leak_linear")
    said = json.loads((recording.RECORDED / "leak_linear" / "figures.json").read_text("utf-8"))["audits"]
    table = found.tables["own_figures"].columns
    assert table["audit"] == THEIRS
    assert table["auc"] == tuple(said[name]["auc"] for name in ("population", "reference", "shadow"))
    assert table["best_accuracy"][0] == max(said["population"]["accuracy"])
    rates = found.tables["asked"].columns
    at = int(np.argmin(np.abs(np.log(np.array(said["reference"]["asked"]) / 0.01))))
    assert said["reference"]["fp"][at] / 120 == pytest.approx(rates["fpr"][4])
    assert rates["asked"][4] == said["reference"]["asked"][at]


# the whole way -------------------------------------------------------------------------------------------


@pytest.fixture
def meter(tmp_path, monkeypatch):
    """Put a stand-in, which answers by the same rules, where Privacy Meter would be."""
    folder = tmp_path / "home" / PRIVACY_METER.name
    base = Path(sys.executable).resolve()
    packages = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for parent in (packages.parent, python_of(folder).parent):
        parent.mkdir(parents=True)
    python_of(folder).symlink_to(base)
    packages.symlink_to(sysconfig.get_path("purelib"), target_is_directory=True)
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\nversion = {sys.version.split()[0]}\n", "utf-8")
    (folder / STAMP).write_text(json.dumps({"requirements": list(PRIVACY_METER.requirements)}), "utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr(parser, "PRIVACY_METER", replace(PRIVACY_METER, script=TOOLS / "stand_in_meter.py"))


def leaky():
    return make_leaky(memorise=1.0, n_train=200, n_test=200).subject


def test_a_subject_is_audited_beside_auditkits_own(meter):
    found = privacy_meter(leaky(), rng=np.random.default_rng(0), references=4)
    areas = {m.group: m for m in found.measurements if m.metric == "attack_auc"}
    assert list(areas) == ["population threshold", THEIRS[0], "Attack-R", THEIRS[1], "Attack-S", THEIRS[2]]
    assert all(m.interval.low > 0.5 and m.reason == "4 reference models" for m in areas.values())
    # the same rows, halves and seeds as the check of auditkit's own attacks
    own = reference_attacks(leaky(), rng=np.random.default_rng(0), references=4, attacks=["reference"])
    assert own.rows["members"] == found.rows["members"]
    assert own.measurement("attack_auc").value == pytest.approx(areas["Attack-R"].value, abs=0.05)


def test_audits_are_chosen_and_named_once(meter):
    only = privacy_meter(
        leaky(), rng=np.random.default_rng(0), references=4, audits=["reference"], threshold="gaussian"
    )
    assert {m.group for m in only.measurements} == {"Attack-R", THEIRS[1]}
    for wrong in ([], ["shadow", "shadow"]):
        with pytest.raises(InputError, match="names each audit once"):
            privacy_meter(leaky(), rng=np.random.default_rng(0), audits=wrong)


def test_a_tool_that_fails_is_an_error_finding_and_the_audit_goes_on(meter, monkeypatch, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('out of order')\n", "utf-8")
    monkeypatch.setattr(parser, "PRIVACY_METER", replace(PRIVACY_METER, script=broken))
    with pytest.raises(ToolError, match="out of order"):
        privacy_meter(leaky(), rng=np.random.default_rng(0), references=4)
    report = Audit({"population_attack": {}, "privacy_meter": {"references": 4}}).run(leaky())
    assert report.of("AK210").outcome == "error"
    assert "out of order" in report.of("AK210").reason
    assert report.of("AK201").outcome == "observed"


def test_absent_it_is_not_applicable_and_says_what_installs_it():
    report = Audit(["privacy_meter"]).run(leaky())
    own = [one for one in report.findings if one.check == "AK210"]
    assert own
    for one in own:
        assert one.status == "not_applicable"
        assert "auditkit tools install privacy-meter" in one.reason
    assert report.of("AK210").cost.get("refits", 0) == 0, "nothing is trained for nothing"


def test_what_cannot_be_trained_again_is_refused_first():
    with pytest.raises(NotApplicable, match="classes"):
        privacy_meter(make_regression(n_train=60, n_test=60), rng=np.random.default_rng(0))
