"""Subjects: small ones of every task, and one as files, for contract tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.dataset import Dataset
from auditkit.predictors import from_predictions
from auditkit.subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["small_subjects", "write_subject"]

_FILE = """\
name = "credit"
positive = "repaid"
[model]
path = "credit.skops"
trusted = {trusted}
[data.test]
path = "test.parquet"
target = "outcome"
sensitive = {sensitive}
exclude = {sensitive}
[data.train]
path = "train.parquet"
"""


def small_subjects(*, n_train: int = 160, n_test: int = 120) -> dict[str, Subject]:
    """Return one small subject of each sort: binary, three classes, a regression, and recorded predictions alone.

    Parameters
    ----------
    n_train, n_test : int
        Rows, at least 50 each.

    Examples
    --------
    >>> list(small_subjects())
    ['credit', 'multiclass', 'regression', 'predictions']
    """
    sizes = {"n_train": n_train, "n_test": n_test}
    credit = make_credit(**sizes)
    recorded = from_predictions(
        scores=credit.scores(), classes=[] if credit.classes is None else credit.classes.tolist()
    )
    rows = Dataset(None, credit.test.y, credit.test.sensitive_features)
    alone = Subject("predictions", recorded, rows, positive="repaid")
    made = (credit, make_multiclass(**sizes), make_regression(**sizes), alone)
    return {subject.name: subject for subject in made}


def write_subject(folder: Path, *, n_train: int = 160, n_test: int = 120) -> Path:
    """Write a small credit model and its rows; return the subject file.

    Parameters
    ----------
    folder : pathlib.Path
        Where to; it must exist.
    n_train, n_test : int
        Rows, at least 50 each.
    """
    from auditkit import _skops as skops

    subject = make_credit(n_train=n_train, n_test=n_test)
    packed = skops.io.dumps(subject.model.estimator)
    (folder / "credit.skops").write_bytes(packed)
    for name, data in (("train", subject.split("train")), ("test", subject.test)):
        people = data.sensitive_features
        own = {} if people is None else {str(c): people[c].to_numpy() for c in people}
        data.X.assign(outcome=data.y, **own).to_parquet(folder / f"{name}.parquet")
    trusted = json.dumps(sorted(skops.io.get_untrusted_types(data=packed)))
    words = json.dumps(subject.test.sensitive_names)
    (folder / "credit.toml").write_text(_FILE.format(trusted=trusted, sensitive=words), encoding="utf-8")
    return folder / "credit.toml"
