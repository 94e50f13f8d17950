"""The table of membership attacks: signs, twins and null audits; the script behind it; and the page that shows it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import types
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "membership.md"
SMALL = ["--members", "300", "--others", "900", "--references", "4", "--label-rows", "300", "--copies", "4"]
TINY = ["--members", "40", "--others", "160", "--references", "4", "--copies", "2", "--models", "boosted"]
ATTACKS = {
    "AK201 population threshold",
    "AK201 threshold by class",
    "AK202 RMIA, offline",
    "AK202 RMIA, online",
    "AK202 LiRA, offline",
    "AK202 LiRA, online",
    "AK202 Attack-R",
    "AK202 difficulty calibration",
    "AK202 Attack-S",
    "AK203 gap",
    "AK203 noise robustness",
    "AK203 boundary distance",
    "AK204 quantile regression",
}


def loaded():
    spec = importlib.util.spec_from_file_location("attacks", ROOT / "benchmarks" / "attacks.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["attacks"] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


attacks = loaded()


@pytest.fixture(scope="module")
def forest():
    """Every attack on a small forest, its regularised twin, and the forest with members it never saw."""
    args = attacks.arguments(SMALL)
    made = attacks.subjects("forest", args.members, args.others, args.seed)
    return {
        twin: {row.attack: row for row in attacks.ours("forest", twin, make, args)} for twin, make in made
    }


# signs -------------------------------------------------------------------------------------------------


def test_every_attack_is_made_on_every_twin(forest):
    assert {twin: set(rows) for twin, rows in forest.items()} == dict.fromkeys(attacks.TWINS, ATTACKS)


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_every_attack_points_to_the_members_of_an_overfit_forest(forest, attack):
    assert forest["overfit"][attack].auc[1] > 0.5


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_every_attack_finds_less_on_the_regularised_twin(forest, attack):
    assert not forest["regularised"][attack].auc[0] >= forest["overfit"][attack].auc[0]


def test_the_attack_named_beforehand_tells_the_twins_apart(forest):
    overfit, twin = (forest[twin][attacks.FIXED] for twin in ("overfit", "regularised"))
    assert overfit.auc[1] > twin.auc[2]
    assert overfit.tpr_at_1pct_fpr[1] > twin.tpr_at_1pct_fpr[2]


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_a_null_audit_is_quiet(forest, attack):
    row = forest["null"][attack]
    # the standard error of the area of guessed scores (Mann and Whitney 1947); four of them in one of 16,000
    guessing = np.sqrt((row.members + row.others + 1) / (12 * row.members * row.others))
    assert row.auc[0] == pytest.approx(0.5, abs=4 * guessing)
    assert not row.tpr_at_1pct_fpr[1] > 0.05  # the limit of the default policy


# the script --------------------------------------------------------------------------------------------


def called(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["attacks.py", *map(str, words)])
    attacks.main()
    return capsys.readouterr().out


def test_the_same_seed_gives_the_same_table_times_aside(monkeypatch, capsys, tmp_path):
    text = called(monkeypatch, capsys, *TINY, "--json", tmp_path / "figures.json")
    found = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert len(found["rows"]) == 3 * len(ATTACKS)
    args = attacks.arguments(TINY)
    make = dict(attacks.subjects("boosted", args.members, args.others, args.seed))["overfit"]
    again = [asdict(row) for row in attacks.ours("boosted", "overfit", make, args)]
    first = [row for row in found["rows"] if row["twin"] == "overfit"]
    for row in (*first, *again):
        assert row.pop("seconds") >= 0
    assert json.dumps(first) == json.dumps(again)
    assert f"Made by `{attacks.called(args)}`, with auditkit" in text
    for title in ("The models", "The strongest", "Boosted, overfit", "Boosted, regularised", "Null audits"):
        assert f"### {title}" in text
    assert "ART" not in text


def test_the_call_it_names_is_the_call_it_was():
    for words in (TINY, SMALL):
        args = attacks.arguments(words)
        assert attacks.arguments(attacks.called(args).split()[2:]) == args


def test_what_to_install_is_said_where_art_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(attacks, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        called(monkeypatch, capsys, "--art")
    assert "pip install" in capsys.readouterr().err


class Learner:
    """Stands in for ART's learnt attack: remembers what it was told, and finds the model's confidence telling."""

    told: tuple[np.ndarray, ...] = ()

    def __init__(self, target, *, input_type, attack_model_type):
        assert input_type == "prediction"

    def fit(self, *, y, test_y, pred, test_pred):
        Learner.told = np.concatenate([pred, test_pred]), np.concatenate([y, test_y])

    def infer(self, x, y, *, pred, probabilities):
        Learner.asked = pred, y
        return pred[np.arange(len(y)), y][:, None]


class Rule:
    def __init__(self, target):
        self.target = target

    def infer(self, x, y):
        return (self.target(x).argmax(axis=1) == y).astype(int)


def test_arts_attacks_are_measured_on_records_whose_membership_they_were_not_told(monkeypatch):
    inference = types.ModuleType("art.attacks.inference.membership_inference")
    inference.MembershipInferenceBlackBox = Learner
    inference.MembershipInferenceBlackBoxRuleBased = Rule
    classification = types.ModuleType("art.estimators.classification")
    classification.BlackBoxClassifier = lambda answer, shape, classes: answer
    for module in (inference, classification):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("art", "art.attacks", "art.attacks.inference", "art.estimators"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setattr(attacks, "LEARNERS", {"lr": "logistic regression"})

    make = dict(attacks.subjects("forest", 60, 200, 0))["overfit"]
    rule, learnt = attacks.arts("forest", "overfit", make, 0)
    subject = make()
    p = np.concatenate([subject.proba("train"), subject.proba("test")])
    index = np.concatenate([subject.class_index(subject.train.y), subject.class_index(subject.test.y)])
    truth = np.repeat([1, 0], [60, 200])
    right = p.argmax(axis=1) == index
    assert (rule.members, rule.others) == (60, 200)
    assert rule.auc[0] == pytest.approx(roc_auc_score(truth, right))
    # what it was told and what it was asked are all the records together, each once
    both = np.concatenate([Learner.told[0], Learner.asked[0]])
    assert np.array_equal(np.sort(both[:, 0]), np.sort(p[:, 0]))
    assert len(Learner.asked[0]) == learnt.members + learnt.others == 130
    assert learnt.auc[1] > 0.5


# the page ----------------------------------------------------------------------------------------------


def table_of(title):
    """Return the cells of the page's table under a heading, without its header."""
    text = PAGE.read_text("utf-8").split(f"### {title}")[1].split("\n###")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


def ends(cell):
    return [float(word) for word in re.findall(r"\d\.\d+", cell)]


def test_the_page_is_of_the_whole_table():
    text = PAGE.read_text("utf-8")
    models = [f"{model}, {twin}" for model in attacks.MODELS for twin in ("overfit", "regularised")]
    assert [row[0] for row in table_of("The strongest by AUC")] == models
    for model in models:
        found = [row[0] for row in table_of(model.capitalize())]
        assert {name for name in found if name.startswith("AK")} == ATTACKS
        assert sum(name.startswith("ART") for name in found) == 1 + len(attacks.LEARNERS)
    assert "--art" in text.split(attacks.BEGIN)[1].splitlines()[2]


def test_the_strongest_attack_of_the_page_is_at_least_as_strong_as_arts_on_every_model():
    for model, _, strongest, named, _, arts in table_of("The strongest by AUC"):
        assert ends(strongest)[0] >= ends(named)[0] >= ends(arts)[0], model
        if model.endswith("overfit"):
            assert ends(strongest)[1] > ends(arts)[2], model


def test_every_attack_of_the_page_finds_overfit_models_and_less_on_their_twins():
    for model in attacks.MODELS:
        overfit, twin = (
            {row[0]: ends(row[1]) for row in table_of(f"{model.capitalize()}, {kind}") if row[0] in ATTACKS}
            for kind in ("overfit", "regularised")
        )
        for attack in ATTACKS:
            assert overfit[attack][1] > 0.5, (model, attack)
            assert not twin[attack] >= overfit[attack], (model, attack)


def test_the_null_audits_of_the_page_are_as_quiet_as_it_says():
    rows = table_of("Null audits")
    loud = {row[0]: [not low <= 0.5 <= high for _, low, high in map(ends, row[1:])] for row in rows[:-2]}
    assert sum(sum(loud[attack]) for attack in ATTACKS) == 0
    assert rows[-2][1:] == ["0 of 13"] * 3
    assert "No interval of 39 left out 0.5" in PAGE.read_text("utf-8")


@pytest.mark.parametrize("code", ["ak201", "ak202", "ak203", "ak204"])
def test_the_page_of_each_attack_leads_to_the_table(code):
    assert "(../membership.md)" in (ROOT / "docs" / "checks" / f"{code}.md").read_text("utf-8")
