"""Reference models: attacks that know how sure other models of the same kind are of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

import numpy as np
from annotated_types import Ge, Le, MultipleOf
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.membership._evidence import METRICS, attack_evidence, repeats
from auditkit.checks.membership._exposure import METRICS as EXPOSURE
from auditkit.checks.membership._exposure import Records
from auditkit.checks.membership._refits import reference_set
from auditkit.checks.membership._view import View, finer, in_and_out, means_of, offline_scores, view_of
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Table
from auditkit.methods.lira import Variance, lira_offline, lira_online
from auditkit.methods.reference_attack import difficulty_calibrated, smooth_reference_score
from auditkit.methods.references import in_mean, out_mean
from auditkit.methods.rmia import likelihood_ratio, rmia_online
from auditkit.methods.shadow import fit_shadow_classifier
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

Attack = Literal[
    "rmia_offline",
    "rmia_online",
    "lira_offline",
    "lira_online",
    "reference",
    "difficulty",
    "shadow_classifier",
]
_NAMES: dict[str, str] = {
    "rmia_offline": "RMIA, offline",
    "rmia_online": "RMIA, online",
    "lira_offline": "LiRA, offline",
    "lira_online": "LiRA, online",
    "reference": "Attack-R",
    "difficulty": "difficulty calibration",
    "shadow_classifier": "Attack-S",
}
_OWN_SPREAD_FROM = (
    64  # reference models from which LiRA gives each record a spread of its own (Carlini et al. 2022)
)


@check(
    code="AK202",
    title="Membership inference, with reference models",
    question="Can an attacker who trains models of the same kind name training records?",
    dimension="membership",
    metrics=[*METRICS, *EXPOSURE],
    spreads=True,
)
def reference_attacks(
    subject: Subject,
    *,
    rng: np.random.Generator,
    attacks: Annotated[
        list[Attack] | None,
        Doc("Attacks to make with the same reference models, in the order of the report; all when left out."),
    ] = None,
    references: Annotated[int, Ge(4), Le(256), MultipleOf(2), Doc("Reference models to train; even.")] = 8,
    pool: Annotated[
        int,
        Ge(40),
        Doc("Rows shared out to train the reference models at most; drawn at random where there are more."),
    ] = 20_000,
    rows: Annotated[
        int, Ge(10), Doc("Rows of each side that are attacked at most; drawn at random where there are more.")
    ] = 5_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Attack with reference models: is the model surer of a record than models that never saw it.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows that gives probabilities and can be trained again.
    rng : numpy.random.Generator
        Rows, halves, the seeds of the reference models, and the shuffles.
    attacks : list of str, optional
        Which attacks; all when left out. They share the reference models.
    references : int
        Reference models; each is trained on half of the pool, complementary in pairs.
    pool : int
        Rows, half of them members, that reference models are trained on.
    rows : int
        Members, and non-members, attacked at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each attack, as its group, what `population_attack` gives, with a p-value by shuffled membership. RMIA of
        Zarifzadeh et al. 2024, LiRA of Carlini et al. 2022, Attack-R of Ye et al. 2022 under a smooth density,
        difficulty calibration of Watson et al. 2022, Attack-S of Shokri et al. 2017 in the form of Salem et al. 2019.

    Raises
    ------
    InputError
        If `attacks` is empty or names one twice.

    Notes
    -----
    All records are compared with one population, so the paper's `gamma` of RMIA moves every score and no rank: it is no
    option here. Halves are drawn without looking at who is a member. On a model that leaks nothing any relabelling
    of members and non-members is then as likely as any other, so that 0.5 lies outside the interval of the AUC as
    rarely as it says, although the scores share their reference models.
    """
    chosen: list[str] = list(get_args(Attack)) if attacks is None else list(attacks)
    if not chosen or len(set(chosen)) < len(chosen):
        raise InputError(f"attacks= names each attack once, at least one of {', '.join(get_args(Attack))}")
    plan, asked = reference_set(subject, references=references, pool=pool, rows=rows, rng=rng)
    view = view_of(subject, plan, asked, rng)
    truth = plan.truth[plan.attacked]
    scores = {_NAMES[name]: _ATTACKS[name](view) for name in chosen}
    records = Records(subject, plan.inside, plan.outside)
    first = int(np.argmax(np.where(truth, next(iter(scores.values())), -np.inf)))
    return attack_evidence(
        "AK202",
        scores,
        truth,
        level,
        rng=rng,
        rows={
            "members": int(truth.sum()),
            "non_members": int((~truth).sum()),
            "population": len(view.z_target),
            "pool": len(plan.truth),
            "how": "drawn at random",
        },
        budget=f"{len(asked.masks)} reference models",
        notes=(
            (
                f"Each reference model was trained on {int(asked.masks[0].sum()):,} of {len(plan.truth):,} rows, the model "
                f"itself on {len(subject.split('train')):,}."
            ),
            *(
                (f"RMIA, offline: a = {view.a:g} was chosen on a reference model.",)
                if "rmia_offline" in chosen
                else ()
            ),
            *repeats(subject, plan.outside),
            *asked.failures,
        ),
        records=records,
        tables={"one_record": _one_record(view, first, records, level)},
    )


def scores_of(
    subject: Subject, attack: Attack, *, references: int, pool: int, rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Records, int]:
    """Return what one attack says of each record, who of them is a member, who they are, and how many reference models there were.

    With the numbers that `reference_attacks` has, and its reference models, where an audit of the same seed trained them.
    """
    plan, asked = reference_set(subject, references=references, pool=pool, rows=rows, rng=rng)
    scores = _ATTACKS[attack](view_of(subject, plan, asked, rng))
    records = Records(subject, plan.inside, plan.outside)
    return scores, plan.truth[plan.attacked], records, len(asked.masks)


def _one_record(view: View, row: int, records: Records, level: float) -> Table:
    """Return how sure models that saw a training record are of it, models that did not, and the model under audit."""
    columns = means_of(in_and_out(view, row), level)
    (pseudonym,) = records.subject.split("train").record_ids(records.inside[row : row + 1])
    labels = {"label": "Asked", "value": "Logit of the confidence in its label, mean", "n": "models"}
    summary = (
        f"Record {pseudonym}, the training record that looks most like a member: an attacker compares how sure the model is of "
        "it with models that saw it and models that did not. The intervals are of the mean over models."
    )
    return Table("One training record, in and out", columns, "estimates", labels, summary)


def _rmia_online(v: View) -> np.ndarray:
    p_in, p_out = in_mean(v.references, v.masks), out_mean(v.references, v.masks)
    scores = rmia_online(v.target, p_in, p_out, v.z_target, v.z_mean)
    return finer(scores, likelihood_ratio(v.target, (p_in + p_out) / 2, a=1.0), len(v.z_target))


def _variance(v: View) -> Variance:
    return "per_record" if len(v.logits) >= _OWN_SPREAD_FROM else "fixed"


def _shadow(v: View) -> np.ndarray:
    attack = fit_shadow_classifier(v.probas, v.index, v.masks[: len(v.probas)], v.rng)
    return attack.scores(v.proba, v.index)


_ATTACKS: dict[str, Callable[[View], np.ndarray]] = {
    "rmia_offline": offline_scores,
    "rmia_online": _rmia_online,
    "lira_offline": lambda v: lira_offline(v.logit, v.logits, v.masks, variance=_variance(v)),
    "lira_online": lambda v: lira_online(v.logit, v.logits, v.masks, variance=_variance(v)),
    "reference": lambda v: smooth_reference_score(v.logit, v.logits, v.masks),
    "difficulty": lambda v: difficulty_calibrated(v.logit, v.logits, v.masks),
    "shadow_classifier": _shadow,
}
