"""Certified: between which bounds the accuracy lies where every record may be changed within the radius."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.robustness import _bracket as bracket
from auditkit.checks.robustness import _smoothed as smoothed
from auditkit.checks.robustness._bounded import bounded
from auditkit.checks.robustness._threats import (
    AttackedRows,
    Immutable,
    NormOfChange,
    Radius,
    allowed_table,
    allowed_words,
    sized,
    threat_of,
    too_coarse,
)
from auditkit.evidence import Evidence
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.evidence import Measurement
    from auditkit.threat import ThreatModel


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
    found = bounded(subject, threat, rng, rows=rows, max_calls=max_calls, boxes=boxes, nodes=nodes)
    case, right, grid = found.case, found.right, found.grid
    both = bracket.between(grid, right, found.lower, found.nearest, threat, level)
    bounds = bracket.at_radius(both, threat, len(right), found.why_not, level)
    cloud = smoothed.vote(case, grid, sigma=sigma, samples=samples, level=level)
    tables = {
        "bracket": both,
        "methods": bracket.methods(found.found, found.inside, right, grid, threat.radius, cloud),
    }
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
            *bracket.about_certificate(found.lower, found.nearest, found.white, found.why_not, threat),
            *bracket.weaker(found.found, float(grid[-1])),
            *cloud.notes,
            *common.undecided(found.drawn - len(right)),
        ),
        rows=common.rows_used(len(right), len(subject.test)),
    )


def _says(bounds: tuple[Measurement, Measurement], threat: ThreatModel) -> str:
    certified, attacked = bounds
    most = f"at most {common.share_with_ends(attacked)}, as far as the searches found"
    if np.isnan(certified.value):
        return f"With changes of at most {sized(threat)} the accuracy is {most}; nothing is certified from below."
    least = f"at least {common.share_with_ends(certified)}, certified"
    return f"With changes of at most {sized(threat)} the accuracy is {least}, and {most}."
