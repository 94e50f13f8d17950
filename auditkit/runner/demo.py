"""Demo: a gradient-boosting model trained on the Adult census data, with its subject file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from auditkit.dataset import Dataset

__all__ = ["write_demo"]

_SUBJECT = """\
# A subject: a model and its data. Paths are relative to this file.
name = "adult"
task = "binary"
positive = ">50K"                         # the favourable outcome

[model]
path = "adult.skops"
# made here and by nobody else: with its digest it is opened in the kernel, where explanations read its trees
sha256 = "{digest}"
# what skops does not open by itself, named exactly
trusted = {trusted}

[data.test]
path = "test.parquet"
target = "income"
sensitive = ["sex", "race", "age"]
bands = {{ age = [25, 40, 60] }}             # groups of age are compared in bands; the model has the number

[data.train]
path = "train.parquet"
"""


def write_demo(folder: str | os.PathLike[str], *, seed: int = 0, rows: int | None = None) -> Path:
    """Train the demo's model and write it with its data and subject file.

    Parameters
    ----------
    folder : path
        Where to write ``adult.toml``, ``adult.skops``, ``train.parquet`` and ``test.parquet``; made if it is not there.
    seed : int
        Of the training.
    rows : int, optional
        Rows of each split at most, for a quick look; all when left out.

    Returns
    -------
    pathlib.Path
        The subject file.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    from auditkit import _skops as skops
    from auditkit.data import load_adult
    from auditkit.runner.paths import writable_folder

    place = writable_folder(folder)
    train, test = (_first(data, rows) for data in load_adult())
    model = _model(train, seed).fit(train.X, train.y)
    packed = skops.io.dumps(model)
    (place / "adult.skops").write_bytes(packed)
    for name, data in (("train", train), ("test", test)):
        _frame(data).to_parquet(place / f"{name}.parquet", index=False)
    trusted = sorted(skops.io.get_untrusted_types(data=packed))
    target = place / "adult.toml"
    target.write_text(
        _SUBJECT.format(trusted=json.dumps(trusted), digest=hashlib.sha256(packed).hexdigest()),
        encoding="utf-8",
    )
    return target


def _first(data: Dataset, rows: int | None) -> Dataset:
    import numpy as np

    return data if rows is None else data.take(np.arange(min(rows, len(data))))


def _model(train: Dataset, seed: int) -> Any:
    import numpy as np
    from lightgbm import LGBMClassifier
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    words = [c for c in train.X.columns if train.X[c].dtype.kind not in "biuf"]
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=np.nan
    )
    columns = ColumnTransformer([("words", encoder, words)], remainder="passthrough")
    booster = LGBMClassifier(
        n_estimators=150, num_leaves=31, learning_rate=0.08, random_state=seed, n_jobs=1, verbose=-1
    )
    return Pipeline([("columns", columns), ("model", booster)])


def _frame(data: Dataset) -> Any:
    own = data.sensitive_features
    extra = {} if own is None else {c: own[c].to_numpy() for c in own.columns if c not in data.X.columns}
    return data.X.assign(**extra, income=data.y)
