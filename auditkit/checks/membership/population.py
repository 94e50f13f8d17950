"""Population threshold: told by how sure the model is of a record, and nothing else."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.membership._evidence import FEWEST, METRICS, attack_evidence, repeats
from auditkit.checks.membership._exposure import METRICS as EXPOSURE
from auditkit.checks.membership._exposure import Records
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence
from auditkit.methods import membership as attacks
from auditkit.methods.groups import codes_of
from auditkit.methods.membership import SignalKind
from auditkit.subject import Subject

By = Literal["all", "class", "group"]


@check(
    code="AK201",
    title="Membership inference, population threshold",
    question="Can records it was trained on be told from others by how sure the model is of them?",
    dimension="membership",
    metrics=[*METRICS, *EXPOSURE],
)
def population_attack(
    subject: Subject,
    *,
    rng: np.random.Generator,
    signal: Annotated[SignalKind, Doc("What is compared: how sure the model is of the true label.")] = "loss",
    by: Annotated[
        By,
        Doc(
            "Whom a record is compared with: everybody, or held-out records of its own class or group; "
            "half of the held-out ones then serve as population."
        ),
    ] = "all",
    rows: Annotated[
        int, Ge(10), Doc("Rows of each side that are attacked at most; drawn at random where there are more.")
    ] = 10_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Attack with the model's own confidence: a record it is surer of than of outsiders is called a member.

    Parameters
    ----------
    subject : Subject
        With training rows; predictions alone suffice where they cover the training rows.
    rng : numpy.random.Generator
        Which rows are attacked, and which serve as population.
    signal : str
        What is compared; for a regression always the squared error.
    by : {"all", "class", "group"}
        One threshold for all; or one a class, or one for each combination of the sensitive features, read off held-out
        records of that kind.
    rows : int
        Members, and non-members, at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``attack_auc`` (DeLong) and the true positive rate at 10, 1 and 0.1% false positives (Clopper-Pearson).
        All are lower bounds of what can be found; ``nan`` where the model is surer of non-members, so that the attack
        has nothing to say. ``group_attack_auc`` and ``attack_auc_difference`` say who is most exposed. Attack-P of Ye
        et al. 2022.
    """
    scores, truth, records, population = scored(subject, signal=signal, by=by, rows=rows, rng=rng)
    return attack_evidence(
        "AK201",
        {"The population threshold attack": scores},
        truth,
        level,
        rng=rng,
        rows={
            "members": len(records.inside),
            "non_members": len(records.outside),
            "population": population,
            "how": "drawn at random",
        },
        notes=(
            *(("For a regression the signal is the squared error.",) if subject.task == "regression" else ()),
            *repeats(subject, records.outside),
        ),
        records=records,
    )


def scored(
    subject: Subject, *, signal: SignalKind, by: By, rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Records, int]:
    """Return what the attack says of each record, who of them is a member, who they are, and how many rows serve as population.

    Parameters are those of `population_attack`.

    Raises
    ------
    NotApplicable
        If there are too few rows, or none of the kinds to compare by.
    """
    if by == "class" and subject.task == "regression":
        raise NotApplicable("by='class' compares records of one class; the subject is a regression")
    members, others = signals(subject, signal)
    order = rng.permutation(len(others))
    population, targets = (order[:0], order) if by == "all" else np.split(order, [len(order) // 2])
    if min(len(targets), len(members)) < FEWEST or (by != "all" and len(population) < FEWEST):
        raise NotApplicable(f"too few rows to attack: {len(members)} members and {len(others)} non-members")
    inside, outside = common.draw(len(members), rows, rng), targets[:rows]
    scores = np.concatenate([members[inside], others[outside]])
    if by != "all":
        train_by, test_by = _kinds(subject, by)
        kinds = np.concatenate([train_by[inside], test_by[outside]])
        scores = attacks.population_threshold(
            scores, others[population], by=kinds, population_by=test_by[population]
        )
    truth = np.repeat([True, False], [len(inside), len(outside)])
    return scores, truth, Records(subject, inside, outside), len(population)


def _kinds(subject: Subject, by: By) -> tuple[np.ndarray, np.ndarray]:
    """Return the class, or the group, of the training rows and of the test rows."""
    both = subject.split("train"), subject.test
    if by == "class":
        common.needs_classes(subject)
        return subject.class_index(both[0].y), subject.class_index(both[1].y)
    words = []
    for data in both:
        frame = data.sensitive_features
        if frame is None:
            raise NotApplicable(
                "by='group' compares records of one group: pass Dataset(X, y, sensitive_features=[...]) for both splits"
            )
        codes, values = codes_of({str(name): frame[name] for name in frame.columns})
        words.append(np.array([" · ".join(value) for value in values])[codes])
    return words[0], words[1]


def signals(subject: Subject, kind: SignalKind) -> tuple[np.ndarray, np.ndarray]:
    """Return the membership signal of the training rows and of the test rows."""
    found = []
    for name in ("train", "test"):
        data = subject.split(name)
        if subject.task == "regression":
            found.append(attacks.regression_signal(subject.answers(name).labels, data.y))
        else:
            found.append(attacks.signal(subject.proba(name), subject.class_index(data.y), kind))
    return found[0], found[1]
