"""What Privacy Meter said when it ran is what its definitions say, record by record; malformed answers are refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from auditkit.errors import InputError, NotApplicable, ToolError
from auditkit.tools.catalogue import PRIVACY_METER
from auditkit.tools.privacy_meter import AUDITS, ask_privacy_meter, read_answer
from auditkit.tools.tool import Limits

NAMES = ("target", "members", "population", "references", "masks")


@pytest.fixture
def recorded(recording):
    def read(run):
        given = recording.given(run)
        return given, read_answer(recording.RECORDED / run, given["members"])

    return read


@pytest.mark.parametrize("run", ["leak_linear", "leak_gaussian", "no_leak_linear"])
def test_every_recorded_decision_is_that_of_the_definitions(recorded, by_hand, run):
    given, answer = recorded(run)
    kind = "gaussian" if "gaussian" in run else "linear"
    assert answer.versions["privacy-meter"] == "1.0.1"
    assert list(answer.audits) == list(AUDITS)
    for name in ("population", "reference"):
        one = answer.audits[name]
        np.testing.assert_allclose(one.asked, by_hand.ASKED)
        np.testing.assert_array_equal(one.decisions, by_hand.decide(name, given, kind))
        assert one.auc == pytest.approx(by_hand.area(one.decisions, given["members"]))
        np.testing.assert_allclose(one.accuracy, (one.decisions == given["members"]).mean(axis=1))
    shadow = answer.audits["shadow"]
    np.testing.assert_allclose(shadow.scores, by_hand.shadow(given), rtol=1e-4)
    assert shadow.auc == pytest.approx(roc_auc_score(given["members"], shadow.scores))


def test_the_sign_is_right_in_every_audit(recorded):
    """Release 1.0.1 does not have the inverted sign of the later repository's LOSS attack."""
    given, answer = recorded("leak_linear")
    exact = roc_auc_score(given["members"], -given["target"])
    for one in answer.audits.values():
        assert roc_auc_score(given["members"], one.scores) > 0.6
    assert answer.audits["shadow"].auc == pytest.approx(exact), "one signal: the classifier changes no rank"


def test_the_defects_that_are_labelled_are_there(recorded):
    given, answer = recorded("leak_linear")
    others = ~given["members"]
    reference = answer.audits["reference"]
    one_percent = int(np.argmin(np.abs(reference.asked - 0.01)))
    assert reference.decisions[one_percent, others].mean() > 0.1, "asked for 1% false positives"
    inverted = recorded("leak_gaussian")[1].audits["reference"]
    fpr = inverted.decisions[:, others].mean(axis=1)
    assert fpr[0] > 0.9
    assert fpr[-1] == 0.0
    assert answer.audits["population"].named == "reference_metric"
    assert len(np.unique(reference.decisions[:, others].mean(axis=1))) < 50


def damage(recording, tmp_path, **changes):
    """Copy a recorded answer, change it, and return its folder."""
    folder = tmp_path / "answer"
    shutil.copytree(recording.RECORDED / "leak_linear", folder)
    figures = json.loads((folder / "figures.json").read_text("utf-8"))
    with np.load(folder / "decisions.npz") as file:
        arrays = {name: file[name] for name in file.files}
    for name, change in changes.items():
        change({"figures": figures, "arrays": arrays}[name])
    (folder / "figures.json").write_text(json.dumps(figures), "utf-8")
    np.savez(folder / "decisions.npz", **arrays)
    return folder


def of(name, key, value):
    def change(figures):
        figures["audits"][name][key] = value

    return change


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"figures": lambda f: f.pop("audits")}, "holds no audits"),
        ({"figures": lambda f: f["audits"].update(magic={})}, "holds no audits"),
        ({"figures": lambda f: f.update(versions=[])}, "holds no audits"),
        ({"figures": lambda f: f["audits"].update(shadow=3)}, "shadow is no object"),
        ({"figures": of("population", "auc", "0.9")}, "auc of population"),
        ({"figures": of("population", "auc", float("nan"))}, "auc of population"),
        ({"figures": of("population", "auc", 10**400)}, "auc of population"),
        ({"figures": of("population", "accuracy", [0.5])}, "1 accuracies, has 100 thresholds"),
        ({"figures": of("population", "asked", [2.0] * 100)}, "reports 100 rates"),
        ({"figures": of("population", "asked", [True] * 100)}, "asked of population"),
        ({"figures": of("population", "tp", [0] * 100)}, "tp of population are not those of its decisions"),
        ({"figures": of("reference", "fp", [0] * 100)}, "fp of reference are not those of its decisions"),
        ({"arrays": lambda a: a.pop("reference")}, "no decisions of reference"),
        ({"arrays": lambda a: a.update(reference=a["reference"].astype(float))}, "no decisions of reference"),
        ({"arrays": lambda a: a.update(reference=a["reference"][:, :-1])}, "no decisions of reference"),
        ({"arrays": lambda a: a.update(reference=a["reference"][:0])}, "0 thresholds"),
        ({"arrays": lambda a: a.update(shadow_score=a["shadow_score"] * np.inf)}, "scores of shadow"),
        ({"arrays": lambda a: a.update(shadow_score=a["shadow_score"].astype(str))}, "scores of shadow"),
    ],
)
def test_answers_that_do_not_hold_together_are_refused(recording, tmp_path, changes, said):
    members = recording.given("leak_linear")["members"]
    with pytest.raises(InputError, match=said):
        read_answer(damage(recording, tmp_path, **changes), members)


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, '{"audits": 1}', " " * 5_000_000])
def test_figures_that_are_no_figures_are_refused(recording, tmp_path, text):
    folder = damage(recording, tmp_path)
    (folder / "figures.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"figures\.json"):
        read_answer(folder, recording.given("leak_linear")["members"])


def test_a_run_in_an_environment_of_its_own_says_what_was_recorded(meter, recording, recorded):
    given, answer = recorded("leak_linear")
    found = ask_privacy_meter(*(given[name] for name in NAMES))
    for name, one in answer.audits.items():
        np.testing.assert_array_equal(found.audits[name].decisions, one.decisions)
        np.testing.assert_allclose(found.audits[name].scores, one.scores, rtol=1e-4)
    alone = ask_privacy_meter(*(given[name] for name in NAMES), audits=["reference"], threshold="gaussian")
    assert list(alone.audits) == ["reference"]


def test_what_cannot_be_asked_is_refused_before_anything_starts(recording):
    given = recording.losses(0.8)

    def said(match, **changes):
        words = {k: v for k, v in changes.items() if k in ("audits", "threshold")}
        arrays = given | {k: v for k, v in changes.items() if k in NAMES}
        with pytest.raises(InputError, match=match):
            ask_privacy_meter(*(arrays[name] for name in NAMES), **words)

    said("got none", audits=[])
    said("magic", audits=["magic"])
    said("threshold= is one of", threshold="magic")
    said("target holds values that are not finite", target=given["target"] * np.nan)
    said("members must be of shape", members=given["members"][1:])
    said("both members and others", members=given["members"] | True)
    said("population holds one loss", population=[])
    said("as many reference models as any other", masks=given["masks"] | (np.arange(240) == 3))
    said("masks must be of shape|references must be of shape", masks=given["masks"].T)


def test_absent_it_says_what_installs_it(recording):
    with pytest.raises(NotApplicable, match="auditkit tools install privacy-meter"):
        ask_privacy_meter(*(recording.losses(0.8)[name] for name in NAMES))


def test_a_hostile_answer_is_an_error_in_words(meter, tmp_path, monkeypatch, recording):
    from auditkit.tools import privacy_meter as parser

    hostile = tmp_path / "hostile.py"
    hostile.write_text(
        "import sys, pickle\nfrom pathlib import Path\nimport numpy as np\nfolder = Path(sys.argv[1])\n"
        '(folder / \'figures.json\').write_text(\'{"audits": {"shadow": {}}, "versions": {}}\')\n'
        "class B:\n    def __reduce__(self):\n        return (exit, (9,))\n"
        "np.savez(folder / 'decisions.npz', shadow=np.array([B()], dtype=object))\n",
        "utf-8",
    )
    monkeypatch.setattr(parser, "PRIVACY_METER", replace(meter, script=hostile))
    with pytest.raises(ToolError, match="cannot be read: 'shadow' in decisions"):
        ask_privacy_meter(*(recording.losses(0.8)[name] for name in NAMES), limits=Limits(seconds=60.0))


@pytest.mark.tools
def test_privacy_meter_itself_says_what_was_recorded(recording, recorded, tmp_path):
    """The real run, on demand: `pytest -m tools`, after `auditkit tools install privacy-meter`."""
    for run in recording.RUNS:
        given, before = recorded(run)
        recording.record(run, tmp_path / run)
        now = read_answer(tmp_path / run, given["members"])
        assert now.versions["privacy-meter"] == PRIVACY_METER.version
        for name, one in before.audits.items():
            np.testing.assert_array_equal(now.audits[name].decisions, one.decisions)
            np.testing.assert_allclose(now.audits[name].scores, one.scores, rtol=1e-6)
            assert now.audits[name].auc == pytest.approx(one.auc)
