"""Laid out: the rows that every mitigated model is asked about, drawn once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks import _common as common
from auditkit.checks import _weights as weights
from auditkit.checks.robustness._threats import sized, threat_of, too_coarse
from auditkit.errors import NotApplicable
from auditkit.explore._workshop import Rows, Workshop
from auditkit.methods.evasion import edge_rows
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.checks._common import Grouping
    from auditkit.methods.mitigation import Constraint
    from auditkit.threat import ThreatModel

__all__ = ["laid_out"]

_MOST_MEMBERS = 2_000
_MOST_CHANGED = 300
_FEWEST = 20


def laid_out(
    subject: Subject, feature: str | None, constraint: Constraint, rows: int, copies: int, seed: int
) -> tuple[Workshop, Grouping | None, tuple[str, ...]]:
    """Return where models are trained and asked, the groups that are compared, and what a reader must know.

    Raises
    ------
    NotApplicable
        If something is missing that no mitigation can do without.
    """
    positive = common.positive_of(subject)
    if subject.task != "binary":
        raise NotApplicable(f"mitigations are compared on binary decisions; this subject is {subject.task}")
    common.needs_model(subject)
    data = subject.split("train")
    rng = np.random.default_rng(seed)
    drawn, kept = common.draw(len(data), rows, rng), common.draw(len(subject.test), rows, rng)
    part = Subject(
        subject.name, subject.model.inner, subject.test.take(kept), data.take(drawn), subject.task, positive, subject.threat
    )  # fmt: skip
    test, train = part.test, part.split("train")
    if min(len(test), len(train)) < _FEWEST or len(np.unique(train.y)) < 2:
        raise NotApplicable(
            f"too few rows, or rows of one label only: {len(train)} to train on, {len(test)} to measure on"
        )
    grouping, own, notes = _groups(part, feature)
    threat, changed, attacked, told = _changed(part, copies, rng)
    members, others = common.draw(len(train), _MOST_MEMBERS, rng), common.draw(len(test), _MOST_MEMBERS, rng)
    frame = _stacked(train.X, test.X, train.X.iloc[members], changed)
    who = np.zeros(len(test), dtype="U1") if grouping is None else np.array(grouping.labels)[grouping.codes]
    whose = np.zeros(len(train), dtype="U1") if own is None else np.array(own.labels)[own.codes]
    everybody = np.concatenate([who, whose[members], np.tile(who[attacked], copies if len(attacked) else 0)])
    laid = Rows(
        frame, everybody, test.y == positive, members, train.y[members] == positive, others, attacked, copies
    )  # fmt: skip
    recipe = subject.model.recipe(seed % (2**31 - 1))
    shop = Workshop(part, recipe, whose, laid, threat, constraint, seed % (2**31 - 1))
    if (len(train), len(test)) != (len(data), len(subject.test)):
        notes += (
            f"Trained on {len(train):,} of {len(data):,} rows and measured on {len(test):,} of {len(subject.test):,}.",
        )
    return shop, grouping, (*notes, *told, *(weights.ignored(subject.test) or weights.ignored(data)))


def _groups(part: Subject, feature: str | None) -> tuple[Grouping | None, Grouping | None, tuple[str, ...]]:
    """Return the groups of test and training rows; none where there are none to compare."""
    if feature is None and not part.test.sensitive_names:
        return None, None, ("No sensitive features are known, so no gap between groups is measured.",)
    (grouping,) = common.groupings(part.test, None if feature is None else [feature], intersections=False)[:1]
    if grouping.too_many or len(grouping.labels) < 2:
        raise NotApplicable(grouping.too_many or f"the test rows hold one group of {grouping.name}")
    train = part.split("train")
    if grouping.name not in train.sensitive_names:
        return (
            grouping,
            None,
            (f"The training rows do not say {grouping.name}: mitigations that need it cannot be tried.",),
        )
    (own,) = common.groupings(train, [grouping.name], intersections=False, like=part.test)
    return grouping, own, common.notes_on([grouping])


def _changed(
    part: Subject, copies: int, rng: np.random.Generator
) -> tuple[ThreatModel | None, pd.DataFrame, np.ndarray, tuple[str, ...]]:
    """Return what may change, changed copies of some test rows one copy after the other, which rows, and notes.

    The changes are drawn as far away as the threat model allows, whatever any model says of them.
    """
    nothing = part.test.X.iloc[:0], np.zeros(0, dtype=np.intp)
    try:
        threat = threat_of(part, immutable=None, radius=None, norm=None)
        coarse = too_coarse(threat)
    except NotApplicable as why:
        return None, *nothing, (f"Small changes were not tried: {why}.",)
    attacked = common.draw(len(part.test), _MOST_CHANGED, rng)
    frame = part.test.X.iloc[attacked].reset_index(drop=True)
    X = np.tile(threat.encode(frame), (copies, 1))
    moved = edge_rows(X, threat.space, threat.radius, threat.norm, rng)
    many = frame.iloc[np.tile(np.arange(len(frame)), copies)].reset_index(drop=True)
    bad = threat.violations(many, threat.decode(moved)).to_numpy().any(axis=1)
    moved[bad] = X[bad]
    return threat, threat.decode(moved), attacked, (f"Small changes lie within {sized(threat)}.", *coarse)


def _stacked(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return all tables but the first after each other, categories kept as such, those of the first in front."""
    import pandas as pd

    first, *rest = tables
    columns: dict[Any, Any] = {}
    for name, column in first.items():
        parts = [table[name] for table in rest]
        if isinstance(column.dtype, pd.CategoricalDtype):
            known = list(column.cat.categories)
            seen = [
                v for p in parts for v in (p.cat.categories if hasattr(p, "cat") else p.dropna().unique())
            ]
            kind = pd.CategoricalDtype(list(dict.fromkeys([*known, *seen])), column.cat.ordered)
            parts = [p.astype(kind) for p in parts]
        columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns, columns=first.columns)
