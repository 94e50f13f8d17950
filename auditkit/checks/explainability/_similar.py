"""Similar: test and training rows as points, and what nearest rows and prototypes say of the model's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.explainability._records import which_row
from auditkit.errors import NotApplicable
from auditkit.evidence import Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import neighbours
from auditkit.methods import prototypes as method

if TYPE_CHECKING:
    from auditkit.subject import Subject

__all__ = ["Chosen", "Rows", "agreements", "chosen_table", "fidelity", "groups_table", "rows_of", "shown"]

AGREEMENT, CHANCE = "neighbour_agreement", "neighbour_agreement_chance"
FIDELITY, ADVANTAGE = "prototype_fidelity", "prototype_advantage"


@dataclass(frozen=True, eq=False)
class Rows:
    """Training and test rows in one system of coordinates, with the model's answers.

    Attributes
    ----------
    train, test : ndarray of int
        Row numbers in their splits, (p,) and (n,).
    near, far : ndarray of shape (p, d) and (n, d)
        Coordinates of the training and of the test rows.
    train_says, test_says : ndarray
        The model's answers.
    """

    train: np.ndarray
    test: np.ndarray
    near: np.ndarray
    far: np.ndarray
    train_says: np.ndarray
    test_says: np.ndarray


@dataclass(frozen=True, eq=False)
class Chosen:
    """The prototypes and criticisms of one answer, as places among the training rows; prototypes in the order chosen."""

    answer: Any
    rows: int
    prototypes: np.ndarray
    criticisms: np.ndarray
    discrepancy: float


def rows_of(subject: Subject, rows: int, pool: int, rng: np.random.Generator) -> Rows:
    """Return up to so many test and training rows as points.

    Raises
    ------
    NotApplicable
        If there are no training rows, or no input varies.
    """
    test, train = subject.test, subject.split("train")
    among, around = common.draw(len(train), pool, rng), common.draw(len(test), rows, rng)
    parts = [train.X.iloc[among], test.X.iloc[around]]
    codec = Codec.of(*parts)
    table = np.concatenate([codec.encode(part) for part in parts])
    points = neighbours.standardised(table, [kind == "categorical" for kind in codec.kinds])
    if points.shape[1] == 0:
        raise NotApplicable("no input varies: nothing says which rows are alike")
    said = [np.asarray(subject.answers(split).labels) for split in ("train", "test")]
    cut = len(among)
    return Rows(among, around, points[:cut], points[cut:], said[0][among], said[1][around])


def agreements(rows: Rows, k: int, level: float) -> list[Measurement]:
    """Return how often the nearest training rows get the same answer: of all test rows, by chance, and by answer."""
    near = method.nearest_of(rows.far, rows.near, k)
    said = np.concatenate([rows.train_says, rows.test_says])
    at = len(rows.train) + np.arange(len(rows.test))
    found = [_agreement(neighbours.agreement(at, near, said), None, level)]
    values, codes = np.unique(rows.test_says, return_inverse=True)
    share = np.array([(rows.train_says == value).mean() for value in values])
    reason = "expected of training rows drawn at random in place of the nearest"
    found.append(Measurement(CHANCE, float(share[codes].mean()), len(at), reason=reason))
    for code, value in enumerate(values.tolist()):
        of = neighbours.agreement(at, near, said, codes == code)
        found.append(_agreement(of, f"answer={value}", level))
    return found


def _agreement(found: neighbours.Agreement, group: str | None, level: float) -> Measurement:
    """Return a measurement with an exact interval for as many independent rows as show as much spread (Korn and Graubard 1998)."""
    spread, square = found.value * (1 - found.value), found.se**2
    records = min(spread / square, found.n) if square > 0 else float(found.n)
    exact = statistics.clopper_pearson(found.value * records, records, level)
    ends = min(float(exact.low), found.value), max(float(exact.high), found.value)
    way = "korn-graubard, variance of pairs that share rows"
    return common.measured(AGREEMENT, found.value, found.n, ends, level, way, group=group)


def choose(rows: Rows, k: int, criticisms: int) -> list[Chosen]:
    """Return prototypes and criticisms of each answer among the training rows."""
    width = method.kernel_width(rows.near)
    found = []
    for answer in np.unique(rows.train_says).tolist():
        own = np.flatnonzero(rows.train_says == answer)
        alike = method.kernel(rows.near[own], width)
        stands = method.prototypes(alike, k)
        badly = method.criticisms(alike, stands, criticisms)
        far = method.discrepancy(alike, stands)
        found.append(Chosen(answer, len(own), own[stands], own[badly], far))
    return found


def fidelity(rows: Rows, chosen: list[Chosen], level: float) -> tuple[list[Measurement], Table]:
    """Return how often the nearest prototype has the model's answer, beside always giving the most frequent, and by how many there are."""
    n = len(rows.test)
    values, counts = np.unique(rows.train_says, return_counts=True)
    always = rows.test_says == values[counts.argmax()]
    most = max(len(one.prototypes) for one in chosen)
    curve: list[Measurement] = []
    right = always
    for many in range(1, most + 1):
        places = np.concatenate([one.prototypes[:many] for one in chosen])
        nearest = places[method.nearest_of(rows.far, rows.near[places], 1)[:, 0]]
        right = rows.train_says[nearest] == rows.test_says
        k = int(right.sum())
        curve.append(common.measured(FIDELITY, k / n, n, statistics.wilson(k, n, level), level, "wilson"))
    won, lost = int((right & ~always).sum()), int((always & ~right).sum())
    ends = statistics.paired_difference(won, lost, n, level)
    reason = f"against {common.percent(float(always.mean()))} for always {str(values[counts.argmax()])!r}"
    gain = common.measured(ADVANTAGE, (won - lost) / n, n, ends, level, "bonett-price", reason=reason)
    columns = {
        "x": tuple(range(1, most + 1)),
        **{key: v for key, v in common.estimates(curve).items() if key != "label"},
    }
    words = {
        "x": "Prototypes of each answer",
        "value": "Share of test rows",
        "n": "records",
        "reference": "always the most frequent answer",
    }
    summary = f"Share of test rows whose nearest prototype has the model's answer: {common.share_with_ends(curve[-1])} with {most} of each answer."
    table = Table(
        "Answers told by the nearest prototype", columns, "curve", words, summary, float(always.mean())
    )
    return [curve[-1], gain], table


def chosen_table(chosen: list[Chosen]) -> Table:
    """Return how many rows stand for each answer; no row is shown."""
    columns: dict[str, tuple[Any, ...]] = {
        "answer": tuple(str(one.answer) for one in chosen),
        "training rows": tuple(one.rows for one in chosen),
        "prototypes": tuple(len(one.prototypes) for one in chosen),
        "criticisms": tuple(len(one.criticisms) for one in chosen),
        "discrepancy": tuple(one.discrepancy for one in chosen),
    }
    labels = {"discrepancy": "squared MMD of the prototypes to all rows of the answer"}
    summary = (
        "How many training rows stand for each answer; at a discrepancy of 0 they are spread as all are."
    )
    return Table("Rows that stand for each answer", columns, labels=labels, summary=summary)


def groups_table(subject: Subject, rows: Rows, chosen: list[Chosen]) -> dict[str, Table]:
    """Return how many prototypes and criticisms each group of a sensitive feature has; nothing without such features."""
    train = subject.train
    if train is None or not train.sensitive_names:
        return {}
    stands = np.concatenate([one.prototypes for one in chosen])
    badly = np.concatenate([one.criticisms for one in chosen])
    lines: list[tuple[Any, ...]] = []
    for group in common.groupings(train, None, intersections=False, like=subject.test):
        if group.too_many:
            continue
        codes = group.codes[rows.train]
        counts = [
            np.bincount(part, minlength=len(group.labels)) for part in (codes, codes[stands], codes[badly])
        ]
        lines += zip(group.labels, *(part.tolist() for part in counts), strict=True)
    header = ("group", "training rows", "prototypes", "criticisms")
    columns = {name: tuple(line[at] for line in lines) for at, name in enumerate(header)}
    summary = (
        "Whose rows stand for the answers, and for whose they stand badly; with few of them chance decides."
    )
    return {"groups": Table("Prototypes and criticisms by group", columns, summary=summary)}


def shown(subject: Subject, rows: Rows, chosen: list[Chosen], examples: int) -> dict[str, Table]:
    """Return up to so many prototypes and criticisms of each answer under pseudonyms; nothing where none were asked for."""
    train = subject.train
    if not examples or train is None:
        return {}
    parts = [(one.answer, word, places[:examples]) for one in chosen
             for word, places in (("prototype", one.prototypes), ("criticism", one.criticisms))]  # fmt: skip
    at = rows.train[np.concatenate([places for _, _, places in parts])]
    columns: dict[str, tuple[Any, ...]] = {
        "record": tuple(train.record_ids(at)),
        "answer": tuple(str(answer) for answer, _, places in parts for _ in places),
        "stands as": tuple(word for _, word, places in parts for _ in places),
    }
    for name, values in train.X.iloc[at].items():
        columns[f"input {name}"] = tuple(map(str, values))
    summary = which_row("train", len(train), train.record_ids(at[:1]))
    return {
        "shown": Table(
            "Prototypes and criticisms", columns, labels={"record": "Record (pseudonym)"}, summary=summary
        )
    }
