"""Transfer: decisions flipped by changes that were found on a copy of the model, each tried on the model once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.robustness._threats import (
    AttackedRows,
    Immutable,
    NormOfChange,
    Radius,
    allowed_table,
    allowed_words,
    attacked_rows,
    sized,
    threat_of,
    too_coarse,
)
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import evasion
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.threat import ThreatModel

_RATE, _GAIN, _AGREES = "transfer_success_rate", "transfer_success_difference", "surrogate_agreement"
_FEWEST = 20  # rows a surrogate is trained on at least
_STEPS = 60  # steps of the search on the surrogate; they cost no question to the model
_WORDS = {"linear": "logistic regression", "trees": "boosted trees"}


@dataclass(frozen=True)
class _Tried:
    """What came of the changes found on one surrogate, row by row."""

    kind: Literal["linear", "trees"]
    flipped: np.ndarray
    by_chance: np.ndarray
    agrees: np.ndarray


@check(
    code="AK307",
    title="Decisions changed by changes found on a copy",
    question="How many decisions does an attacker flip who practises on a copy and asks the model only once?",
    dimension="robustness",
    metrics=[_RATE, _GAIN, _AGREES],
)
def transfer_attack(
    subject: Subject,
    *,
    rng: np.random.Generator,
    surrogate: Annotated[
        Literal["both", "linear", "trees"],
        Doc("The copy: a logistic regression, small boosted trees, or one after the other."),
    ] = "both",
    radius: Radius = None,
    norm: NormOfChange = None,
    immutable: Immutable = None,
    rows: AttackedRows = 200,
    pool: Annotated[
        int, Ge(20), Doc("Rows of the attacker's whose decisions the copy is trained on, at most.")
    ] = 500,
    level: common.Level = 0.95,
) -> Evidence:
    """Train a copy on the model's decisions, find changes on it, and show each to the model once.

    Parameters
    ----------
    subject : Subject
        A classifier to ask; its threat model says what is allowed.
    rng : numpy.random.Generator
        Rows drawn, and the search.
    surrogate : {"both", "linear", "trees"}
        What the copy is.
    radius : float, optional
        Largest change, in the units of the threat model.
    norm : {"l1", "l2", "linf", "l0"}, optional
        How changes of several columns add up.
    immutable : list of str, optional
        Columns that stay. Where the subject has no threat model of its own, the sensitive features, and inputs from which one
        follows, when left out.
    rows : int
        Test rows attacked at most.
    pool : int
        Rows asked about to train the copy: test rows that are not attacked; training rows where those are fewer.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each copy ``transfer_success_rate``: share of decisions flipped by one try (Clopper-Pearson), a lower bound;
        ``transfer_success_difference``: that less the share flipped by a random change of about the same size (paired interval of
        Bonett & Price 2012); ``surrogate_agreement``: share of the attacked rows on which the copy decides alike (Clopper-Pearson).
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    data = subject.test
    threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
    coarse = too_coarse(threat)
    chosen = attacked_rows(len(data), rows, rng)
    own, where = _pool(subject, chosen, pool, rng)
    kinds: tuple[Literal["linear", "trees"], ...] = (
        ("linear", "trees") if surrogate == "both" else (surrogate,)
    )
    tried, asked = _tried(subject, threat, data.X.iloc[chosen], own, kinds, rng)
    found = [m for one in tried for m in _measured(one, f"{len(own):,} rows, within {sized(threat)}", level)]
    best = max(tried, key=lambda one: int(one.flipped.sum()))
    n, k = len(chosen), int(best.flipped.sum())
    best_of = ", the better of two" if len(tried) > 1 else ""
    return Evidence(
        "AK307",
        tuple(found),
        {"by_surrogate": _table(found), "allowed": allowed_table(threat)},
        says=(
            f"Changes of at most {sized(threat)} found on a copy ({_WORDS[best.kind]}{best_of}), each shown to the model once, "
            f"flipped {k} of {n} decisions; random changes of about the same size flipped {int(best.by_chance.sum())}."
        ),
        does_not_say="That another copy, or one trained on more decisions, would flip no more.",
        notes=(
            *allowed_words(threat),
            *coarse,
            f"The copies were trained on the decisions about {len(own):,} {where}.",
            f"{asked:,} rows asked in 3 calls.",
        ),
        rows=common.rows_used(n, len(data)),
    )


def _pool(
    subject: Subject, chosen: np.ndarray, most: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, str]:
    """Return the rows an attacker has, and in words where they are from."""
    rest = np.setdiff1d(np.arange(len(subject.test)), chosen)
    train = subject.train
    if len(rest) >= most or train is None or len(rest) >= len(train):
        if len(rest) < _FEWEST:
            raise NotApplicable(
                f"{len(rest)} test rows are left to train a copy on, and {_FEWEST} are needed: attack fewer rows, or pass "
                "Subject(..., train=Dataset(X, y))"
            )
        return subject.test.X.iloc[
            rest[common.draw(len(rest), most, rng)]
        ], "test rows that were not attacked"
    return train.X.iloc[common.draw(len(train), most, rng)], "training rows"


def _tried(
    subject: Subject,
    threat: ThreatModel,
    original: pd.DataFrame,
    own: pd.DataFrame,
    kinds: tuple[Literal["linear", "trees"], ...],
    rng: np.random.Generator,
) -> tuple[list[_Tried], int]:
    """Train the copies, search on them, and ask the model about every change in one call; return the rows asked about too."""
    import pandas as pd

    labels = subject.class_index(subject.model.predict(own))
    if len(np.unique(labels)) < 2:
        raise NotApplicable(
            f"the model decides all of {len(own):,} rows alike: there is nothing to train a copy on"
        )
    start = subject.class_index(subject.model.predict(original))
    X, known, space = threat.encode(original), threat.encode(own), threat.space
    classes = 0 if subject.classes is None else len(subject.classes)
    moved: list[np.ndarray] = []
    agree: list[np.ndarray] = []
    for kind in kinds:
        scores = evasion.surrogate_scores(known, labels, space, classes, kind, seed=int(rng.integers(2**31)))
        agree.append(np.asarray(scores(X).argmax(axis=1) == start))
        found = evasion.margin_search(
            scores, X, start, space, threat.radius, rng=rng, norm=threat.norm, max_calls=_STEPS
        )
        chance = evasion.random_changes(X, found, space, threat.radius, rng=rng, norm=threat.norm)
        moved += [found, chance]
    frames = [threat.decode(rows) for rows in moved]
    answers = subject.class_index(subject.model.predict(pd.concat(frames, ignore_index=True)))
    flips = []
    for frame, rows, answer in zip(frames, moved, np.split(answers, len(moved)), strict=True):
        allowed = ~threat.violations(original, frame).to_numpy().any(axis=1)
        allowed &= space.distance(X, rows, threat.norm) <= threat.radius
        flips.append((answer != start) & allowed & space.changed(X, rows).any(axis=1))
    tried = [_Tried(kind, flips[2 * at], flips[2 * at + 1], agree[at]) for at, kind in enumerate(kinds)]
    return tried, len(own) + len(original) * (1 + len(moved))


def _measured(one: _Tried, budget: str, level: float) -> list[Measurement]:
    n, k, group = len(one.flipped), int(one.flipped.sum()), f"surrogate={_WORDS[one.kind]}"
    exact, same = "clopper-pearson", int(one.agrees.sum())
    lost, won = int((one.flipped & ~one.by_chance).sum()), int((~one.flipped & one.by_chance).sum())
    return [
        common.measured(
            _RATE, k / n, n, statistics.clopper_pearson(k, n, level), level, exact, group=group, bound="lower", reason=budget
        ),
        common.measured(
            _GAIN, (lost - won) / n, n, statistics.paired_difference(lost, won, n, level), level, "bonett-price", group=group,
            reason=f"random changes flipped {int(one.by_chance.sum())} of {n}",
        ),
        common.measured(_AGREES, same / n, n, statistics.clopper_pearson(same, n, level), level, exact, group=group),
    ]  # fmt: skip


def _table(found: list[Measurement]) -> Table:
    rates = [m for m in found if m.metric == _RATE]
    summary = "Share of the decisions flipped by one try, by the copy on which the change was found."
    words = {"label": "Copy", "value": "Share flipped", "n": "records"}
    return Table(
        "Flips found on a copy", common.estimates(rates, prefix="surrogate="), "estimates", words, summary
    )
