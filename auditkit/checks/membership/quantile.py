"""Quantile regression: told by how sure the model is of a record, next to records like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.membership._evidence import FEWEST, METRICS, attack_evidence, repeats
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence
from auditkit.frames import Codec
from auditkit.methods import membership
from auditkit.methods.membership import SignalKind
from auditkit.methods.quantile_attack import quantile_score
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.dataset import Dataset

FEWEST_POPULATION = 40  # records from which the regressions learn a quantile
MOST_LEVELS = 254  # of a category; the regressions bin no more


@check(
    code="AK204",
    title="Membership inference, quantile regression",
    question="Can training records be told from others by how sure the model is of them, next to records like them?",
    dimension="membership",
    metrics=METRICS,
)
def quantile_attack(
    subject: Subject,
    *,
    rng: np.random.Generator,
    signal: Annotated[
        SignalKind, Doc("What is compared: how sure the model is of the true label.")
    ] = "logit",
    rows: Annotated[
        int,
        Ge(10),
        Doc("Rows of each side that are attacked, and rows to learn from, at most; drawn at random."),
    ] = 10_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Attack by the place of the model's confidence among what non-members with such inputs would get.

    Parameters
    ----------
    subject : Subject
        With training rows and inputs; recorded predictions suffice where they cover the training rows.
    rng : numpy.random.Generator
        Which rows are attacked, and which serve as population.
    signal : str
        What is compared; for a regression always the squared error.
    rows : int
        Members, non-members, and population rows, at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        What `population_attack` gives. The population is one half of the test rows, the other half is attacked.
        No reference models are trained. Bertran et al. 2023.
    """
    train, test = subject.split("train"), subject.test
    if test.X.shape[1] == 0:
        raise NotApplicable("this attack compares records with like inputs; the data set has no features")
    order = rng.permutation(len(test))
    population, outside = order[: len(order) // 2][:rows], order[len(order) // 2 :][:rows]
    inside = common.draw(len(train), rows, rng)
    if min(len(outside), len(inside)) < FEWEST or len(population) < FEWEST_POPULATION:
        raise NotApplicable(
            f"too few rows to attack: {len(inside)} members, {len(outside)} non-members and {len(population)} rows of "
            f"population, of which at least {FEWEST_POPULATION} are needed"
        )
    of_members, of_others = _signal(subject, "train", signal), _signal(subject, "test", signal)
    codec = Codec.of(train.X, test.X)
    tables = [
        _table(subject, codec, data, some)
        for data, some in ((train, inside), (test, outside), (test, population))
    ]
    members, others, known = (np.where(np.isfinite(one), one, np.nan) for one in tables)
    categorical = np.array([kind == "categorical" for kind in codec.kinds] + [subject.task != "regression"])
    known, attacked = _coded(known, np.concatenate([members, others]), categorical)
    scores = quantile_score(
        np.concatenate([of_members[inside], of_others[outside]]),
        attacked,
        of_others[population],
        known,
        seed=int(rng.integers(2**31)),
        categorical=categorical,
        rows=np.concatenate([len(test) + inside, outside]),
        population_rows=population,
    )
    truth = np.repeat([True, False], [len(inside), len(outside)])
    return attack_evidence(
        "AK204",
        {"The quantile regression attack": scores},
        truth,
        level,
        rng=rng,
        rows={
            "members": len(inside),
            "non_members": len(outside),
            "population": len(population),
            "how": "drawn at random",
        },
        notes=(
            *(("For a regression the signal is the squared error.",) if subject.task == "regression" else ()),
            *repeats(subject, outside),
        ),
    )


def _signal(subject: Subject, split: Literal["train", "test"], kind: SignalKind) -> np.ndarray:
    data = subject.split(split)
    if subject.task == "regression":
        return membership.regression_signal(subject.answers(split).labels, data.y)
    return membership.signal(subject.proba(split), subject.class_index(data.y), kind)


def _table(subject: Subject, codec: Codec, data: Dataset, rows: np.ndarray) -> np.ndarray:
    """Return the inputs as numbers with the label, or the target, as last column, shape (n, d + 1)."""
    y = data.y[rows].astype(float) if subject.task == "regression" else subject.class_index(data.y[rows])
    return np.column_stack([codec.encode(data.X.iloc[rows]), y])


def _coded(known: np.ndarray, asked: np.ndarray, categorical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the commonest categories of the population codes from 0; others, of which little can be learnt, are missing."""
    for j in np.flatnonzero(categorical):
        values, counts = np.unique(known[:, j][~np.isnan(known[:, j])], return_counts=True)
        common_first = values[np.argsort(-counts, kind="stable")][:MOST_LEVELS]
        number = {value: code for code, value in enumerate(common_first.tolist())}
        for table in (known, asked):
            table[:, j] = [number.get(value, np.nan) for value in table[:, j].tolist()]
    return known, asked
