"""A small audit, keys, and a signed pack of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import auditkit as ak
from auditkit import packing

SIZES = {"east": 130, "west": 60, "north": 50, "rare": 4}


@pytest.fixture(scope="session")
def report_folder(tmp_path_factory):
    rng = np.random.default_rng(0)
    region = np.repeat(list(SIZES), list(SIZES.values()))
    n = len(region)
    x = pd.DataFrame({"income": rng.normal(size=n), "debt": rng.normal(size=n)})
    y = (x["income"] + rng.normal(scale=1.5, size=n) > 0).astype(int)
    model = LogisticRegression().fit(x, y)
    test = ak.Dataset(x, y, sensitive_features=pd.DataFrame({"region": region}))
    report = ak.Audit(["AK101"]).run(ak.Subject("bank-secret", model, test=test, positive=1))
    folder = tmp_path_factory.mktemp("audit")
    report.save(folder / "report.json")
    (folder / "report.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    return folder


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("author", "reviewer", "stranger"):
        packing.keygen(folder / name)
    packing.keygen(folder / "restricted", restricted=True)
    packing.keygen(folder / "other", restricted=True)
    return folder


@pytest.fixture(scope="session")
def _signed(report_folder, keys, tmp_path_factory):
    path = tmp_path_factory.mktemp("packs") / "pack"
    packing.make(report_folder, path, restricted_key=keys / "restricted.key")
    packing.sign(path, key=keys / "author.key", role="author", name="Maria")
    packing.sign(path, key=keys / "reviewer.key", role="reviewer", name="Jan")
    return path


@pytest.fixture
def signed(_signed, tmp_path) -> Path:
    """A copy of a pack signed by two persons, to be tampered with."""
    return Path(shutil.copytree(_signed, tmp_path / "pack"))


@pytest.fixture
def known(keys):
    return [keys / "author.pub", keys / "reviewer.pub"]
