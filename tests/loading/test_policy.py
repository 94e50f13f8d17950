"""Policy files: what is wrong is named, by key."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit, Dataset, Subject
from auditkit.check import registry
from auditkit.errors import InputError
from auditkit.finding import SEVERITIES, Criterion
from auditkit.loading import load_policy
from auditkit.predictors import from_predictions
from auditkit.waiver import Waiver


def written(tmp_path, text):
    path = tmp_path / "policy.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


ONE = '[[criterion]]\nmetric = "attack_auc"\nat_most = 0.6\n'


def test_a_policy_file_is_read_whole(tmp_path):
    policy = load_policy(
        written(
            tmp_path,
            'name = "house"\ndescription = "ours"\n'
            + ONE
            + 'severity = "critical"\ngroup = "sex=*"\ncheck = "AK201"\nwhy = "so"\n'
            '[[criterion]]\nmetric = "accuracy"\nat_least = 0.7\nat_most = 1\n',
        )
    )
    assert (policy.name, policy.description) == ("house", "ours")
    assert policy.criteria == (
        Criterion("attack_auc", at_most=0.6, severity="critical", group="sex=*", check="AK201", why="so"),
        Criterion("accuracy", at_least=0.7, at_most=1.0),
    )
    assert load_policy(written(tmp_path, ONE)).name == "policy.toml"


WRONG = {
    "not TOML": ("criterion = [", "is not TOML"),
    "binary": (b"\xff\xfe\x00", "not UTF-8"),
    "deep": ("a = " + "[" * 100_000, "is not TOML"),
    "empty": ("", "criterion is missing"),
    "no criteria": ("criterion = []", "criterion: "),
    "criterion is a table": ('[criterion]\nmetric = "x"\nat_most = 1', r"write \[\[criterion\]\], with two"),
    "criterion is text": ('criterion = "all"', "criterion: "),
    "unknown top key": ("nmae = 'x'\n" + ONE, "no key 'nmae'. Did you mean 'name'"),
    "unknown key": (ONE + "at_mots = 1", r"no key 'criterion.1.at_mots'. Did you mean 'at_most'"),
    "unknown key in the second": (ONE + ONE + "hello = 1", r"criterion.2.hello"),
    "no metric": ("[[criterion]]\nat_most = 1", "criterion.1.metric is missing"),
    "no limit": ('[[criterion]]\nmetric = "x"', "criterion 1: a criterion on 'x' needs at_most or at_least"),
    "limit is text": ('[[criterion]]\nmetric = "x"\nat_most = "0.5"', "criterion.1.at_most: .* got '0.5'"),
    "limit is a bool": ('[[criterion]]\nmetric = "x"\nat_most = true', "criterion.1.at_most"),
    "limit is nan": ('[[criterion]]\nmetric = "x"\nat_most = nan', "criterion.1.at_most"),
    "limit is inf": ('[[criterion]]\nmetric = "x"\nat_least = -inf', "criterion.1.at_least"),
    "crossed limits": (
        '[[criterion]]\nmetric = "x"\nat_most = 0\nat_least = 1',
        "criterion 1: at_least=1.0 is above",
    ),
    "severity": (ONE + 'severity = "urgent"', "criterion.1.severity"),
    "metric is a number": ("[[criterion]]\nmetric = 3\nat_most = 1", "criterion.1.metric"),
    "group is a list": (ONE + "group = ['a']", "criterion.1.group"),
    "why is a date": (ONE + "why = 2020-01-01", "criterion.1.why"),
    "twice the same key": (ONE + "at_most = 1", "is not TOML"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        load_policy(written(tmp_path, text))
    assert "policy.toml" in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_missing_file_is_said(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(InputError, match="no policy file at"):
            load_policy(path)


def test_a_metric_that_no_check_gives_is_refused_by_the_audit(tmp_path):
    policy = load_policy(written(tmp_path, ONE.replace("attack_auc", "atack_auc")))
    with pytest.raises(InputError, match="Did you mean 'attack_auc'"):
        Audit("membership", policy)


def test_the_default_policy_says_why_and_speaks_of_what_is_measured():
    policy = load_policy()
    assert policy.name
    assert "not law" in policy.description
    assert len({(c.metric, c.group, c.check) for c in policy}) == len(policy)
    for criterion in policy:
        assert criterion.why.endswith(".")
        assert criterion.severity in SEVERITIES
        assert criterion.metric in registry().metrics()
    assert load_policy() is policy


def test_groups_and_pairs_are_written_as_the_page_says():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"sex": rng.choice(["Female", "Male"], 400), "race": rng.choice(["Black", "White"], 400)}
    )
    answers = from_predictions(labels=rng.integers(0, 2, 400))
    subject = Subject("s", answers, Dataset(None, rng.integers(0, 2, 400), frame))
    evidence = Audit(["group_metrics"]).run(subject).evidence[0]

    def found(metric, group):
        one = Criterion(metric, at_least=0, group=group)
        return {m.group for m in evidence.measurements if one.speaks_of("AK103", m)}

    singles = {"sex=Female", "sex=Male"}
    pairs = {f"sex={sex}, race={race}" for sex in ("Female", "Male") for race in ("Black", "White")}
    assert found("selection_rate", "sex=Female, race=Black") == {"sex=Female, race=Black"}
    assert found("selection_rate", "sex=*") == singles | pairs
    assert found("selection_rate", "sex=*, race=*") == pairs
    assert found("selection_rate", "*, *") == pairs
    assert found("selection_rate_difference", "sex × race") == {"sex × race"}
    assert found("selection_rate_difference", "* × *") == {"sex × race"}
    assert found("selection_rate_difference", "sex=Female × race=Black") == set()


WAIVED = ONE + '[[waiver]]\nmetric = "attack_auc"\nreason = "a pilot"\nby = "maria"\nuntil = 2027-01-31\n'


def test_waivers_are_read(tmp_path):
    policy = load_policy(written(tmp_path, WAIVED))
    assert policy.waivers == (
        Waiver(metric="attack_auc", reason="a pilot", by="maria", until=date(2027, 1, 31)),
    )
    assert load_policy(written(tmp_path, WAIVED.replace("2027-01-31", '"2027-01-31"'))) == policy
    assert policy.to_dict() == load_policy(written(tmp_path, ONE)).to_dict()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            WAIVED.replace('reason = "a pilot"\n', ""),
            "waiver.1.reason is missing: a ..waiver.. says a reason",
        ),
        (WAIVED.replace("a pilot", " "), "waiver 1: a waiver needs a reason"),
        (WAIVED.replace("until = 2027-01-31\n", ""), "waiver.1.until is missing"),
        (WAIVED.replace("2027-01-31", "2027-01-31T12:00:00"), "waiver 1: a waiver needs the day it ends"),
        (WAIVED.replace("by =", "from ="), "no key 'waiver.1.from'|waiver.1.by is missing"),
        (WAIVED.replace("[[waiver]]", "[waiver]"), r"\[waiver\] is one table; write \[\[waiver\]\]"),
        (WAIVED.replace("[[waiver]]", "[[waivers]]"), "no key 'waivers'. Did you mean 'waiver'"),
        (WAIVED + 'finding = "0123456789abcdef"\n', "waiver 1: a waiver names a finding, or a metric"),
    ],
)
def test_what_is_wrong_with_a_waiver_is_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        load_policy(written(tmp_path, text))


def test_a_waiver_of_a_metric_no_check_gives_is_refused(tmp_path):
    path = written(
        tmp_path, WAIVED.replace('[[waiver]]\nmetric = "attack_auc"', '[[waiver]]\nmetric = "attack_auk"')
    )
    with pytest.raises(InputError, match=r"a waiver speaks of 'attack_auk'.*Did you mean 'attack_auc'"):
        Audit(["bias"], path)
