"""Certified: between which bounds the accuracy lies where every record may be changed within the radius."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.robustness import _attackers as attackers
from auditkit.checks.robustness import _bracket as bracket
from auditkit.checks.robustness import _smoothed as smoothed
from auditkit.checks.robustness._inside import settle
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
from auditkit.evidence import Evidence
from auditkit.methods.evasion import AttackResult
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.checks.robustness._attackers import Case, Found
    from auditkit.evidence import Measurement
    from auditkit.methods.evasion import MinimalDistance
    from auditkit.threat import ThreatModel

_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # radii shown, as multiples of the one judged


@check(
    code="AK304",
    title="Robust accuracy, between bounds",
    question="Between which bounds does the accuracy lie if every record may be changed within the radius?",
    dimension="robustness",
    metrics=[*bracket.METRICS, *smoothed.METRICS],
)
def robust_accuracy(
    subject: Subject,
    *,
    rng: np.random.Generator,
    radius: Radius = None,
    norm: NormOfChange = None,
    immutable: Immutable = None,
    rows: AttackedRows = 200,
    max_calls: Annotated[int, Ge(10), Doc("Calls to the model at most, for each search.")] = 100,
    boxes: Annotated[
        int,
        Ge(0),
        Doc("Boxes looked at for a row at most, where the trees of a model are merged; 0 merges none."),
    ] = 20_000,
    nodes: Annotated[
        int,
        Ge(0),
        Doc(
            "Nodes at most of the integer program for a row that merging trees did not settle; 0 leaves it out."
        ),
    ] = 0,
    samples: Annotated[
        int, Ge(0), Doc("Noisy copies of a row by which the smoothed model is certified; 0 leaves it out.")
    ] = 1000,
    sigma: Annotated[
        float | None,
        Gt(0),
        Doc("Standard deviation of the noise, in spreads; as long as the radius when left out."),
    ] = None,
    level: common.Level = 0.95,
) -> Evidence:
    """Bracket the accuracy under attack: certified from below, attacked from above.

    Parameters
    ----------
    subject : Subject
        A classifier to ask; its threat model says what is allowed.
    rng : numpy.random.Generator
        Rows drawn, the searches, the noise.
    radius, norm, immutable
        As `decision_attack`.
    rows : int
        Test rows at most.
    max_calls : int
        Budget of each search.
    boxes, nodes : int
        Budget of each row in the exact search for sums of trees.
    samples, sigma
        Of the noise by which the smoothed model is certified.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``certified_accuracy``: share of records that are right and that no allowed change within the radius turns, as far as that was
        proved of the model's own structure (trees, linear models); nan where it cannot be read. ``attacked_accuracy``: share that
        is right and that no search turned. The robust accuracy lies between. ``smoothed_accuracy`` and
        ``smoothed_certified_accuracy`` are of another model, the vote of this one over noise. All with Clopper-Pearson intervals.

    Raises
    ------
    ModelError
        If a search finds a change nearer than the certified bound.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
    coarse = too_coarse(threat)
    case = _case(subject, threat, rows, max_calls, rng)
    right = case.labels(case.X) == case.y
    grid = _grid(threat)
    found = [attackers.attack(one, case) for one in attackers.ATTACKERS]
    drawn, (case, right, found) = len(right), attackers.decided(case, right, found)
    nearest = np.fmin.reduce([one.distance for one in found])
    inside, white, why_not = _inside(case, nearest, float(grid[-1]), boxes, nodes)
    lower = np.full(len(right), np.nan)
    if inside is not None and white is not None:
        lower = np.where(right, np.nan_to_num(inside.lower, nan=0.0, posinf=np.inf), np.nan)
        for one in found:
            attackers.contradictions(lower, one)
        found, nearest = [white, *found], np.fmin(nearest, white.distance)
    both = bracket.between(grid, right, lower, nearest, threat, level)
    bounds = bracket.at_radius(both, threat, len(right), why_not, level)
    cloud = smoothed.vote(case, grid, sigma=sigma, samples=samples, level=level)
    tables = {"bracket": both, "methods": bracket.methods(found, inside, right, grid, threat.radius, cloud)}
    if cloud.table is not None:
        tables["smoothed"] = cloud.table
    return Evidence(
        "AK304",
        (*bounds, *cloud.measurements),
        {**tables, "allowed": allowed_table(threat)},
        says=_says(bounds, threat),
        does_not_say=(
            "Where between the bounds the robust accuracy lies, nor anything about changes the threat model does not allow."
        ),
        notes=(
            *allowed_words(threat),
            *coarse,
            *bracket.about_certificate(lower, nearest, white, why_not, threat),
            *bracket.weaker(found, float(grid[-1])),
            *cloud.notes,
            *common.undecided(drawn - len(right)),
        ),
        rows=common.rows_used(len(right), len(subject.test)),
    )


def _case(subject: Subject, threat: ThreatModel, rows: int, max_calls: int, rng: np.random.Generator) -> Case:
    data = subject.test
    chosen = attacked_rows(len(data), rows, rng)
    original = data.X.iloc[chosen]
    source = subject.train if subject.train is not None else data
    pool = threat.encode(source.X.iloc[common.draw(len(source), 2000, rng)])
    y = subject.class_index(data.y[chosen])
    return attackers.Case(subject, threat, original, threat.encode(original), y, pool, max_calls, rng)


def _grid(threat: ThreatModel) -> np.ndarray:
    """Return the radii shown, 0 and the judged one among them."""
    if threat.norm == "l0":
        return np.unique(np.append(np.arange(np.floor(2 * threat.radius) + 1), threat.radius))
    return np.array([threat.radius * step for step in _STEPS])


def _inside(
    case: Case, nearest: np.ndarray, within: float, boxes: int, nodes: int
) -> tuple[MinimalDistance | None, Found | None, str]:
    """Return bounds from the model's own structure, what was found on the way, and why not where there are none."""
    try:
        words, found = settle(
            case.subject, case.threat, case.labels, case.X, case.y,
            norm=case.threat.norm, within=within, known=nearest, boxes=boxes, nodes=nodes,
        )  # fmt: skip
    except NotApplicable as error:
        return None, None, str(error)
    n = len(case.X)
    attack = AttackResult(
        found.adversarial,
        np.isfinite(found.upper),
        found.upper,
        np.zeros(n, dtype=np.int64),
        found.calls,
        np.full(n, ""),
    )
    distance = attackers.measured(case, attack)
    return found, attackers.Found(f"minimal change ({words})", "the model", distance, found.calls), ""


def _says(bounds: tuple[Measurement, Measurement], threat: ThreatModel) -> str:
    certified, attacked = bounds
    most = f"at most {common.share_with_ends(attacked)}, as far as the searches found"
    if np.isnan(certified.value):
        return f"With changes of at most {sized(threat)} the accuracy is {most}; nothing is certified from below."
    least = f"at least {common.share_with_ends(certified)}, certified"
    return f"With changes of at most {sized(threat)} the accuracy is {least}, and {most}."
