"""The plug-in: its check and its template keep auditkit's contract, and the check finds what was planted."""

import numpy as np
import pandas as pd
from auditkit_borderline import templates
from auditkit_borderline.checks import borderline

from auditkit import Audit, Dataset, Subject
from auditkit.testing import check_check, check_template


def subject(scores):
    """Return a subject whose scores are these."""
    rows = pd.DataFrame({"score": scores})
    return Subject("planted", score_of, Dataset(rows, np.arange(len(rows)) % 2), positive=1)


def score_of(X):
    return X["score"].to_numpy()


def share(scores):
    """Return the share measured."""
    report = Audit({borderline: {"width": 0.1}}, []).run(subject(scores))
    return report.evidence[0].measurement("borderline_share")


def test_the_check_keeps_the_contract():
    check_check(borderline)


def test_a_planted_share_is_found():
    found = share([0.45] * 30 + [0.9] * 70)
    assert found.value == 0.3
    assert found.interval.low < 0.3 < found.interval.high


def test_a_model_that_is_sure_has_none():
    assert share([0.1, 0.9] * 50).value == 0


def test_the_template_keeps_the_contract():
    check_template(templates() / "borderline.ipynb")
