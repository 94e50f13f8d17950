"""The default policy's limits on tampered training rows: planted faults are not met, their clean twins are not broken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import auditkit as ak

LIMITS = ("duplicate_share_excess", "leaky_feature_auc", "label_noise_excess", "trigger_isolation")


def statuses(subject: ak.Subject, check: str) -> dict[str, str]:
    report = ak.Audit([check]).run(subject)
    return {
        f.criterion.metric: f.status for f in report.findings if f.criterion and f.criterion.metric in LIMITS
    }


def copied(share: float) -> ak.Subject:
    """Return the credit subject with a share of its test rows taken from its training rows."""
    clean = ak.data.make_credit(n_train=1500, n_test=1500)
    n = round(share * 1500)
    rows = pd.concat([clean.test.X[n:], clean.train.X[:n]]).reset_index(drop=True)
    labels = [*clean.test.y[n:], *clean.train.y[:n]]
    train = ak.Dataset(clean.train.X, clean.train.y)
    return ak.Subject("copied", clean.model, ak.Dataset(rows, labels), train, positive="repaid")


def test_copied_test_rows_break_the_limit_and_a_clean_split_meets_it():
    assert statuses(copied(0.2), "split_leakage")["duplicate_share_excess"] == "fail"
    assert statuses(copied(0.0), "split_leakage") == {
        "duplicate_share_excess": "pass",
        "leaky_feature_auc": "pass",
    }


def test_a_column_that_was_written_down_after_the_answer_breaks_the_limit():
    clean = copied(0.0)
    later = [
        ak.Dataset(data.X.assign(reminders=np.where(np.asarray(data.y) == "repaid", 0, 3)), data.y)
        for data in (clean.test, clean.train)
    ]
    answers = ak.predictors.from_callable(
        lambda X: np.where(X["reminders"] > 0, "defaulted", "repaid"),
        output="labels",
        classes=["defaulted", "repaid"],
    )
    subject = ak.Subject("late", answers, *later, positive="repaid")
    assert statuses(subject, "split_leakage")["leaky_feature_auc"] == "fail"


@pytest.mark.parametrize("planted", [True, False])
def test_a_trigger_breaks_the_limit_and_a_clean_model_is_only_said_not_to_show_one(planted):
    made = ak.data.make_backdoored(rate=0.02 if planted else 0, n_train=2000, n_test=600)
    found = statuses(made.subject, "trigger_search")
    assert found == {"trigger_isolation": "fail" if planted else "pass"}


@pytest.mark.parametrize("share", [0.35, 0.0])
def test_labels_flipped_in_training_alone_break_the_limit_and_untouched_ones_do_not(share):
    clean = ak.data.make_credit(n_train=1500, n_test=1500)
    labels = np.array(clean.train.y, dtype=object)
    hit = np.random.default_rng(0).random(len(labels)) < share
    labels[hit] = np.where(labels[hit] == "repaid", "defaulted", "repaid")
    subject = ak.Subject(
        "flipped",
        clean.model,
        ak.Dataset(clean.test.X, clean.test.y),
        ak.Dataset(clean.train.X, labels),
        positive="repaid",
    )
    found = statuses(subject, "label_noise")["label_noise_excess"]
    assert found == "fail" if share else found != "fail"
