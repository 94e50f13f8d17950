from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SUBJECT = """
name = "credit"
positive = "repaid"
[model]
path = "credit.skops"
trusted = {trusted}
[data.test]
path = "test.parquet"
target = "outcome"
sensitive = ["sex", "age_band"]
exclude = ["sex", "age_band"]
[data.train]
path = "train.parquet"
"""


@pytest.fixture(scope="session")
def credit_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A subject file of a small credit model, with its model and data beside it."""
    import skops.io

    from auditkit.data import make_credit

    folder = tmp_path_factory.mktemp("credit")
    subject = make_credit(n_train=300, n_test=200)
    packed = skops.io.dumps(subject.model.inner.estimator)
    (folder / "credit.skops").write_bytes(packed)
    for name in ("train", "test"):
        data = subject.split(name)
        own = {c: data.sensitive_features[c].to_numpy() for c in data.sensitive_features}
        data.X.assign(outcome=data.y, **own).to_parquet(folder / f"{name}.parquet")
    trusted = json.dumps(sorted(skops.io.get_untrusted_types(data=packed)))
    (folder / "credit.toml").write_text(SUBJECT.format(trusted=trusted))
    return folder / "credit.toml"


@pytest.fixture
def make_template(tmp_path: Path) -> Any:
    """Write a notebook of code cells; the first is its parameters cell."""

    def write(*cells: str, name: str = "own.ipynb", about: dict[str, Any] | None = None) -> Path:
        notebook = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{i}",
                    "execution_count": None,
                    "metadata": {"tags": ["parameters"]} if i == 0 else {},
                    "outputs": [],
                    "source": source,
                }
                for i, source in enumerate(cells)
            ],
            "metadata": {} if about is None else {"auditkit": about},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = tmp_path / name
        path.write_text(json.dumps(notebook))
        return path

    return write
