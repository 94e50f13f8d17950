"""Logs of a model of credit: in control, or with a change of known size from some week on."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
PLAN = """
name = "credit"
[log]
files = "log.csv"
time = "time"
score = "score"
label = "label"
positive = 1
sensitive = ["sex"]
inputs = ["age", "job"]
[reference]
file = "reference.parquet"
[windows]
every = "week"
"""


def people(rng, n, *, shift=0.0, against=0.0):
    """Return rows: `shift` makes people older, and `against` lowers the scores of women, but not what comes true."""
    age = rng.normal(40 + shift, 12, n).round(1)
    job, sex = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]), rng.choice(["f", "m"], n)
    logit = (age - 40) / 10 + (job == "a") * 0.5 - 0.5
    label = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
    score = (1 / (1 + np.exp(-(logit - against * (sex == "f"))))).round(6)
    return pd.DataFrame({"age": age, "job": job, "sex": sex, "score": score, "label": label})


def weeks(rng, n, rows, **changes):
    """Return so many weeks of rows from Monday the 5th of January 2026 on, in order of time; a change begins with `changes['since']`."""
    since = changes.pop("since", 10**6)
    parts = []
    for week in range(n):
        part = people(rng, rows, **(changes if week >= since else {}))
        start = pd.Timestamp("2026-01-05", tz="UTC") + pd.Timedelta(weeks=week)
        times = start + pd.to_timedelta(np.sort(rng.random(rows)) * 7 * 86400, unit="s")
        parts.append(part.assign(time=times.strftime("%Y-%m-%dT%H:%M:%SZ")))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def made():
    """Return a reference of 1,500 rows and a log of seven weeks of 300, from the sixth on scores against women."""
    rng = np.random.default_rng(3)
    return people(rng, 1500), weeks(rng, 7, 300, since=5, against=1.2)


@pytest.fixture
def place(tmp_path, made):
    """Return a folder with plan, reference and log."""
    reference, log = made
    reference.to_parquet(tmp_path / "reference.parquet")
    log.to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "plan.toml").write_text(PLAN, "utf-8")
    return tmp_path


def planned(folder, *changes, text=PLAN):
    """Write a plan with some words replaced, and return its path."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "plan.toml"
    path.write_text(text, "utf-8")
    return path


def without_time(record):
    """Return what must be the same however a log was read."""
    return {key: value for key, value in record.items() if key not in ("made", "log")} | {
        "rows": record["log"]["rows"], "not_used": record["log"]["not_used"],
    }  # fmt: skip
