"""Gradients: how many decisions still stand against an attacker who knows the model and follows its slopes."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.robustness import _easiest as easiest
from auditkit.checks.robustness._gradient_tables import attacks_table, by_radius, examples_table
from auditkit.checks.robustness._threats import (
    AttackedRows,
    Immutable,
    allowed_table,
    allowed_words,
    attacked_rows,
    sized,
    threat_of,
    too_coarse,
)
from auditkit.checks.robustness._white_box import Found, attacked, setting_of
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement
from auditkit.methods.feature_space import Norm
from auditkit.subject import Subject


@check(
    code="AK305",
    title="Decisions changed by following gradients",
    question="How many decisions stand against an attacker who knows the model and follows its gradients?",
    dimension="robustness",
    metrics=["adversarial_accuracy", "gradient_attack_success_rate", "black_box_only_rate", *easiest.METRICS],
)
def gradient_attack(
    subject: Subject,
    *,
    rng: np.random.Generator,
    radius: Annotated[
        float | None,
        Gt(0),
        Doc("Changes up to this count, in spreads of a column. The threat model's when left out."),
    ] = None,
    norm: Annotated[
        Norm | None,
        Doc("How changes of several columns add up, linf, l2 or l1; the threat model's when left out."),
    ] = None,
    immutable: Immutable = None,
    rows: AttackedRows = 200,
    steps: Annotated[int, Ge(2), Doc("Gradients of a row in one climb.")] = 50,
    restarts: Annotated[int, Ge(1), Doc("Climbs of a row by each attack, while it stands.")] = 1,
    max_calls: Annotated[
        int,
        Ge(10),
        Doc("Calls to the model at most, by each search without gradients, for all rows together."),
    ] = 150,
    examples: Annotated[
        int,
        Ge(0),
        Doc(
            "Rows to show before and after, at most 6. These are real records: show only data you may share."
        ),
    ] = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Attack along gradients, by several attacks in turn, and search without gradients on the same rows.

    Parameters
    ----------
    subject : Subject
        A classifier that gives gradients; its threat model says what is allowed.
    rng : numpy.random.Generator
        Rows drawn, starts, and searches.
    radius : float, optional
        Largest change that counts as small, in the units of the threat model.
    norm : {"linf", "l2", "l1"}, optional
        How changes of several columns add up.
    immutable : list of str, optional
        Columns that stay. Where the subject has no threat model of its own, the sensitive features, and inputs from which one
        follows, when left out.
    rows : int
        Test rows attacked at most.
    steps, restarts : int
        Budget of each gradient attack.
    max_calls : int
        Budget of each search without gradients.
    examples : int
        Rows to show.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``adversarial_accuracy``: share of rows answered rightly that no attack flipped within the radius, an upper bound of the
        robust accuracy (Clopper-Pearson); ``gradient_attack_success_rate``: share of the decisions, right or wrong, that
        gradient attacks flipped, a lower bound; ``black_box_only_rate``: share that only a search without gradients flipped.
        Where such a search flips more, `reason` and a note say that gradients may be masked.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    data = subject.test
    threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
    chosen = attacked_rows(len(data), rows, rng)
    setting = setting_of(subject, threat, chosen, rng)
    found = attacked(setting, rng, steps=steps, restarts=restarts, max_calls=max_calls)
    if not found.n:
        raise NotApplicable("the model answers no row the same way twice: there is no decision to flip")
    right = common.correct(subject)[chosen] & found.attacked
    measured = _measured(found, right, level)
    for_whom, by_group = easiest.by_group(
        subject, chosen[found.attacked], found.flipped[found.attacked], level, rng
    )
    curve = by_radius(setting, found, right, rng, steps, level)
    accuracy, rate, _ = measured
    shown = examples_table(setting, found, examples)
    return Evidence(
        "AK305",
        (*measured, *for_whom),
        {
            "by_radius": curve,
            "attacks": attacks_table(found),
            **({} if by_group is None else {"by_group": by_group}),
            **({} if shown is None else {"images" if shown.kind == "images" else "examples": shown}),
            "allowed": allowed_table(setting.threat),
        },
        says=(
            f"Of {found.n} rows {common.share_with_ends(accuracy)} are answered rightly and kept their answer under every attack "
            f"up to {sized(setting.threat)}; gradient attacks flipped {common.share_with_ends(rate)} of the decisions."
        ),
        does_not_say="That the other decisions cannot be flipped: accuracy under attack is an upper bound, and a stronger attack may flip more.",
        notes=(
            *(f"Gradients may be masked: {why}." for why in found.marks),
            *found.notes,
            *allowed_words(setting.threat),
            "Gradients move numbers alone: categories, and inputs that only change together, stayed as they are.",
            *too_coarse(setting.threat),
        ),
        rows=common.rows_used(found.n, len(data)),
    )


def _measured(found: Found, right: np.ndarray, level: float) -> list[Measurement]:
    n, way = found.n, "clopper-pearson"
    masks = f"gradients may be masked: {'; '.join(found.marks)}" if found.marks else None
    counts = {
        "adversarial_accuracy": (int((right & ~found.flipped).sum()), "upper"),
        "gradient_attack_success_rate": (int(found.white.sum()), "lower"),
        "black_box_only_rate": (int((found.black & ~found.white).sum()), "lower"),
    }
    return [
        common.measured(
            metric, k / n, n, statistics.clopper_pearson(k, n, level), level, way, bound=bound, reason=masks
        )
        for metric, (k, bound) in counts.items()
    ]
