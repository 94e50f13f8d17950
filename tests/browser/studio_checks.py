"""Small marked checks and a subject for the studio's tests; importable from a notebook beside this file."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

from auditkit import progress
from auditkit.check import check
from auditkit.evidence import Evidence, Interval, Measurement, Table
from auditkit.subject import Dataset, Subject


def columns(**given: Any) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(values) for name, values in given.items()}


@check(
    code="XX101",
    title="Gap",
    question="Who is <i>selected</i> more often?",
    dimension="bias",
    metrics=["gap"],
)
def gap(
    subject: Subject,
    *,
    rng: np.random.Generator,
    level: Annotated[float, Gt(0.5), Lt(1), Doc("Confidence level <i>of</i> the interval.")] = 0.95,
    shown: Annotated[Literal["rates", "counts"], Doc("What to show.")] = "rates",
    draws: Annotated[int, Ge(1), Le(50), Doc("Draws.")] = 20,
    strict: Annotated[bool, Doc("Be strict.")] = False,
    features: Annotated[list[str] | None, Doc("Which features.")] = None,
) -> Evidence:
    groups = subject.test.sensitive_features["sex"].astype(str)
    labels = np.asarray(subject.answers().labels)
    names = sorted(groups.unique())
    rates = [float(labels[groups == g].mean()) for g in names]
    counts = [int((groups == g).sum()) for g in names]
    for i in range(draws):
        progress.step(i / draws, f"draw {i + 1} of {draws}")
        time.sleep(0.05)
    value = max(rates) - min(rates) + rng.normal() * 1e-6
    table = Table(
        "Selection rate by <i>sex</i>",
        columns(
            label=names, value=rates, low=[r - 0.1 for r in rates], high=[r + 0.1 for r in rates], n=counts
        ),
        "estimates",
        {"value": "selection rate"},
        "The rates of the groups differ <script>window.hacked = true</script>.",
    )
    curve = Table(
        "Rate by threshold",
        columns(x=[0, 1, 2], value=[0.1, 0.5, 0.9], low=[0.0, 0.4, 0.8], high=[0.2, 0.6, 1.0], n=[9, 9, 9]),
        "curve",
        {"x": "threshold", "value": "rate"},
        "The rate rises with the threshold.",
    )
    cells = Table(
        "Rate by sex and year",
        columns(row=["a", "a", "b", "b"], column=[1, 2, 1, 2], value=[0.05, 0.9, 0.4, 1.0], n=[9, 9, 9, 9]),
        "matrix",
        {"value": "rate", "row": "sex", "column": "year"},
        "The rate was highest for b in the second year.",
    )
    m = Measurement(
        "gap", value, len(labels), Interval(value - 0.05, value + 0.05, level, "wald"), group="sex"
    )
    return Evidence(
        "XX101",
        (m,),
        {"rates": table, "curve": curve, "cells": cells},
        says="One group is selected more often.",
        does_not_say="Why that is so.",
    )


@check(
    code="XX301",
    title="Slow look",
    question="How long does it last?",
    dimension="robustness",
    metrics=["ticks"],
)
def slow(
    subject: Subject,
    *,
    rng: np.random.Generator,
    ticks: Annotated[int, Ge(1), Le(100_000), Doc("A hundredth of a second each.")] = 3000,
) -> Evidence:
    for i in range(ticks):
        progress.step(i / ticks, f"tick {i + 1} of {ticks}")
        time.sleep(0.01)
    return Evidence("XX301", (Measurement("ticks", float(ticks), ticks),), says="It lasted.")


@check(
    code="XX302", title="Broken", question="What if it breaks?", dimension="robustness", metrics=["nothing"]
)
def broken(subject: Subject, *, rng: np.random.Generator) -> Evidence:
    raise RuntimeError("the <b>model</b> is not there")


def answer(X: Any) -> Any:
    return (X["income"] > 50).astype(int).to_numpy()


def subject(name: str = "small <b>credit</b>") -> Subject:
    rng = np.random.default_rng(0)
    sex = np.where(np.arange(200) % 2, "<img src=x onerror=window.hacked=1>", "F")
    income = rng.uniform(0, 100, 200) + 15 * (np.arange(200) % 2)
    return Subject(
        name,
        answer,
        Dataset({"income": income, "sex": sex}, (income > 55).astype(int), sensitive_features=["sex"]),
    )
