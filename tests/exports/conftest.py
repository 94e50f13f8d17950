"""A small audit of a model, in which one group is too small to speak of, and what makes names hostile."""

from __future__ import annotations

import functools
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

import auditkit as ak

ROOT = Path(__file__).parents[2]

HOSTILE = '</script><img src=x onerror=alert(1)> [x](http://evil.test) www.evil.test a@evil.test "\n---\nlicense: mit\n# |`*_~<!--'

hostile_text = st.lists(
    st.sampled_from(
        [*"ab1 <>[]()!|`*_~#-+.:/@\\&;$={}\"'\n\r\t", "www.", "http://", "---\n", "\u202e", "\ud800"]
    ),
    min_size=1,
    max_size=30,
).map("".join)


@pytest.fixture(scope="session")
def report():
    rng = np.random.default_rng(0)
    region = np.repeat(["east", "west", "rare"], [150, 140, 4])
    n = len(region)
    groups = pd.DataFrame({"region": region, "sex": rng.choice(["female", "male"], n)})
    x = pd.DataFrame({"income": rng.normal(size=2 * n), "debt": rng.normal(size=2 * n)})
    y = (x["income"] + rng.normal(scale=1.2, size=2 * n) > 0).astype(int)
    test = ak.Dataset(x[:n], y[:n], sensitive_features=groups)
    model = LogisticRegression().fit(x[n:], y[n:])
    subject = ak.Subject("credit", model, test=test, train=ak.Dataset(x[n:], y[n:]), positive=1)
    checks = ["model_performance", "calibration", "demographic_parity", "population_attack", "noise_sweep", "permutation_importance"]  # fmt: skip
    return ak.Audit(checks).run(subject)


@pytest.fixture
def saved(report, tmp_path):
    """The folder of a saved report."""
    folder = tmp_path / "audit"
    folder.mkdir()
    report.save(folder / "report.json")
    return folder


@pytest.fixture(scope="session")
def of_stack():
    from auditkit.targets.stack import Stack

    return ak.Audit(["known_advisories"]).run(Stack("lab", {"joblib": "1.1.0"}))


def with_form(report, kind="intended_use", *, signed=True, **answers):
    """Return the report with the worked example of a form, signed by its author or not; `answers` replace those of the example."""
    from auditkit.forms import load_form
    from auditkit.forms.form import Signed
    from auditkit.packing.forms import with_signature

    form = load_form(ROOT / "notebooks" / "forms" / f"{kind}.toml")
    made = replace(form, subject="credit", answers={**form.answers, **answers}, signed=(), envelopes=())
    if signed:
        by = _key()
        who = Signed("author", "Maria Example", "2026-11-02T10:00:00Z", by.public.keyid)
        made = with_signature(made, by, who)
    return report.with_forms(made)


@functools.cache
def _key():
    from auditkit import packing
    from auditkit.packing.signing import signing_key

    with tempfile.TemporaryDirectory() as folder:
        return signing_key(packing.keygen(Path(folder) / "author").private)


def renamed(report, name):
    """Return a report whose subject, groups, inputs and policy have a hostile name."""
    data = json.loads(json.dumps(report.to_dict()))
    data["subject"]["name"] = name
    data["subject"]["test"]["columns"] = [name, *data["subject"]["test"]["columns"][1:]]
    data["provenance"]["policy"]["name"] = name
    for one in [*data["evidence"], *data["findings"]]:
        for m in one.get("measurements") or [one.get("measurement")]:
            if m and m.get("group") == "region=east":
                m["group"] = f"region={name}"
    for one in data["evidence"]:
        one["says"] = name
    return ak.Report.from_dict(data)
