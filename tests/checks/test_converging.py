"""Converging: trainings that end early are told in a note, and every other warning is left as it is."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from auditkit import Audit, Dataset, Subject
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


def test_what_runs_side_by_side_is_counted_by_itself_and_leaves_nothing_behind():
    before, turn, found = warnings.showwarning, threading.Barrier(2, timeout=20), {}

    def first():
        with converging() as found["first"]:
            turn.wait()  # both are inside
            turn.wait()  # the other has left
            warnings.warn("early", ConvergenceWarning, stacklevel=1)

    def second():
        with converging() as found["second"]:
            turn.wait()
        turn.wait()

    both = [threading.Thread(target=one) for one in (first, second)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert found["second"] == []
    assert "say once" in found["first"][0]
    assert warnings.showwarning is before
    with pytest.warns(ConvergenceWarning):
        early(rows(60, 0))


def test_the_note_is_the_same_in_every_engine():
    train, test = rows(90, 0), rows(60, 1)
    with pytest.warns(ConvergenceWarning):
        subject = Subject("early", early(train), test, train)
    audit, notes = Audit({"label_noise": {"folds": 3}}), []
    for pool in (None, ThreadPoolExecutor(2), ProcessPoolExecutor(2)):
        notes.append(audit.run(subject, seed=1, executor=pool).of("AK312").notes)
        if pool is not None:
            pool.shutdown()
    assert any("say 3 times" in note for note in notes[0])
    assert notes[1] == notes[0]
    assert notes[2] == notes[0]
