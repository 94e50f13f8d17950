"""Converging: trainings that end early are told in a note, and every other warning is left as it is."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from auditkit import Dataset, Subject
from auditkit.checks._converging import converging
from auditkit.checks.mitigation import robustness_mitigation_lab


def rows(n, seed):
    X = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, 3)) * [1, 100, 1e4], columns=list("abc"))
    return Dataset(X, (X["a"] + X["b"] / 100 > 0).to_numpy().astype(int))


def early(data):
    return LogisticRegression(max_iter=2).fit(data.X, data.y)


def test_what_has_not_converged_is_counted_and_other_warnings_pass():
    def trained():
        with converging() as notes:
            early(rows(60, 0))
            early(rows(60, 1))
            warnings.warn("of something else", UserWarning, stacklevel=1)
        return notes

    with pytest.warns(UserWarning, match="of something else"):
        notes = trained()
    assert len(notes) == 1
    assert notes[0].startswith("Models trained for this check say 2 times that their training ended before")


def test_outside_the_warning_is_as_it_was():
    with converging() as notes:
        LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    assert notes == []
    with pytest.warns(ConvergenceWarning):
        early(rows(60, 0))


def test_a_laboratory_tells_it_in_its_notes():
    train, test = rows(120, 0), rows(90, 1)
    with pytest.warns(ConvergenceWarning):
        model = early(train)
    evidence = robustness_mitigation_lab(
        Subject("early", model, test, train), rng=np.random.default_rng(0), defences=["ensemble"], rows=20,
        max_calls=20, members=3,
    )  # fmt: skip
    assert any(
        "say 4 times that their training ended" in note for note in evidence.notes
    )  # three, and one without
