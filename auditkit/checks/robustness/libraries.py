"""Libraries: attacks of other toolboxes, made within the subject's threat model and measured as auditkit's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.robustness._queries import median_distance
from auditkit.checks.robustness._shown import Examples, shown
from auditkit.checks.robustness._threats import (
    Immutable,
    NormOfChange,
    Radius,
    allowed_only,
    allowed_table,
    allowed_words,
    attacked_rows,
    sized,
    threat_of,
    too_coarse,
)
from auditkit.checks.robustness._white_box import setting_of
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence
from auditkit.methods import evasion
from auditkit.naming import NameOf
from auditkit.predictors._torch_predictor import TorchPredictor
from auditkit.predictors.base import Predictor
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from auditkit.methods.evasion import AttackResult
    from auditkit.methods.evasion.art import Slope
    from auditkit.threat import ThreatModel

_RATE, _MEDIAN = "art_attack_success_rate", "art_attack_median_distance"


def _attacks(options: Mapping[str, Any]) -> list[str] | None:
    """Return the names of a library's attacks; None for the default, which needs no library to be known, or without the library."""
    asked = options["library"], options["attack"]
    if asked == ("art", "HopSkipJump"):
        return None
    try:
        return (
            evasion.art_attacks(gradients=True) if asked[0] == "art" else evasion.foolbox_attacks(every=True)
        )
    except NotApplicable:
        return None


@check(
    code="AK318",
    title="Decisions changed by an attack of ART or Foolbox",
    question="For how many records does a named attack of the Adversarial Robustness Toolbox or of Foolbox flip the decision?",
    dimension="robustness",
    metrics=[_RATE, _MEDIAN],
)
def art_attack(
    subject: Subject,
    *,
    rng: np.random.Generator,
    library: Annotated[
        Literal["art", "foolbox"], Doc("Whose attack it is; Foolbox's are made on PyTorch models.")
    ] = "art",
    attack: Annotated[
        str,
        NameOf(what="attack of this library on tables", among=_attacks),
        Doc(
            "The attack, by its name in the library; looked up before the run where the library is installed."
        ),
    ] = "HopSkipJump",
    options: Annotated[
        dict[str, Any] | None,
        Doc("The attack's own parameters, by the library's names; its defaults when left out."),
    ] = None,
    radius: Radius = None,
    norm: NormOfChange = None,
    immutable: Immutable = None,
    rows: Annotated[
        int,
        Ge(10),
        Doc(
            "Rows attacked at most; drawn at random where there are more. The default is for a look: take 100 or more for a figure."
        ),
    ] = 10,
    queries: Annotated[
        int,
        Ge(10),
        Doc(
            "Rows the model is asked about on behalf of a record, at most. The default is for a look: take 500 or more for a figure; "
            "ART asks in many calls."
        ),
    ] = 100,
    examples: Examples = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Make an attack of ART or Foolbox on a subject, among the rows that its threat model allows.

    Parameters
    ----------
    subject : Subject
        A classifier to ask; its threat model says what is allowed.
    rng : numpy.random.Generator
        Rows drawn, and the seed of the generators that the library draws from.
    library : {"art", "foolbox"}
        Whose attack.
    attack : str
        One of `auditkit.methods.evasion.art_attacks`; those that need gradients where the model gives some (PyTorch). Or one of
        `auditkit.methods.evasion.foolbox_attacks`.
    options : dict, optional
        The attack's parameters.
    radius : float, optional
        Largest change that counts, in the units of the threat model.
    norm : {"l1", "l2", "linf", "l0"}, optional
        How changes of several columns add up.
    immutable : list of str, optional
        Columns that stay. Where the subject has no threat model of its own, the sensitive features, and inputs from which one
        follows, when left out.
    rows : int
        Test rows attacked at most.
    queries : int
        Rows the model is asked about for each.
    examples : int
        Changed rows shown at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``art_attack_success_rate``: share of decisions flipped within the radius, a lower bound (Clopper-Pearson);
        ``art_attack_median_distance`` over all rows attacked, an upper bound. Each flip is held against the threat model and asked
        again. The names are the same for both libraries; the note of the rate tells which.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
    by = _by_art if library == "art" else _by_foolbox
    made = by(subject, threat, attack, options, rows, queries, rng)
    threat, found = made.threat, allowed_only(made.found, made.threat, made.original)
    attacked = ~np.isnan(found.distance)
    within = found.success & (found.distance <= threat.radius)
    n, k = int(attacked.sum()), int(within.sum())
    if n == 0:
        raise NotApplicable("the model answers no row the same way twice: there is no decision to flip")
    budget = f"{attack} of {made.library}, {queries:,} queries a row, within {sized(threat)}"
    interval = statistics.clopper_pearson(k, n, level)
    rate = common.measured(_RATE, k / n, n, interval, level, "clopper-pearson", bound="lower", reason=budget)
    return Evidence(
        "AK318",
        (rate, median_distance(_MEDIAN, found.distance[attacked], level)),
        {
            **shown(found, threat, made.original, made.chosen, examples),
            "allowed": allowed_table(threat),
        },
        says=(
            f"{attack} of {made.library} flipped {k} of {n} decisions, {common.share_with_ends(rate)}, with changes of at most "
            f"{sized(threat)}."
        ),
        does_not_say="That the other decisions cannot be flipped: another attack, or more queries, may find more.",
        notes=(
            *allowed_words(threat),
            *too_coarse(threat),
            *made.notes,
            f"{int(found.queries.max()):,} rows at most were asked for one record, in {made.calls:,} calls for all.",
        ),
        rows=common.rows_used(n, len(subject.test)),
    )


@dataclass(frozen=True, eq=False)
class _Made:
    """What a library's attack did, on which rows, within which threat model."""

    library: str
    found: AttackResult
    threat: ThreatModel
    original: pd.DataFrame
    chosen: np.ndarray
    calls: int
    notes: tuple[str, ...]


def _by_art(
    subject: Subject,
    threat: ThreatModel,
    attack: str,
    options: dict[str, Any] | None,
    rows: int,
    queries: int,
    rng: np.random.Generator,
) -> _Made:
    too_coarse(threat)
    data, slope = subject.test, _slope(subject, threat)
    evasion.art_attacks()  # said before the model is asked: what is not installed
    chosen = attacked_rows(len(data), rows, rng)
    original = data.X.iloc[chosen]
    own = subject.train if subject.train is not None else data
    pool = threat.encode(own.X.iloc[common.draw(len(own), 500, rng)])
    ask = _asker(subject, threat, probabilities=slope is not None or attack == "ZooAttack")
    start = ask(threat.encode(original)).argmax(axis=1)
    found = evasion.art_attack(
        attack, ask, threat.encode(original), start, threat.space, pool, threat.radius, rng=rng, norm=threat.norm,
        queries=queries, options=options, slope=slope,
    )  # fmt: skip
    used = "The model's gradients were used." if slope is not None else "The model's answers alone were used."
    return _Made("ART", found, threat, original, chosen, found.calls + 1, (used,))


def _by_foolbox(
    subject: Subject,
    threat: ThreatModel,
    attack: str,
    options: dict[str, Any] | None,
    rows: int,
    queries: int,
    rng: np.random.Generator,
) -> _Made:
    evasion.foolbox_attacks()
    if not isinstance(subject.model.inner, TorchPredictor):
        raise NotApplicable(
            f"Foolbox attacks PyTorch models, and this one is none ({subject.model.kind}): pass library='art', which asks any classifier"
        )
    chosen = attacked_rows(len(subject.test), rows, rng)
    setting = setting_of(subject, threat, chosen, rng)
    found = evasion.foolbox_attack(
        attack, setting.model, setting.X, setting.start, setting.threat.space, setting.pool, threat.radius, rng=rng,
        ask_labels=setting.labels, norm=threat.norm, queries=queries, options=options,
    )  # fmt: skip
    used = (
        "The model's gradients were used."
        if found.gradients.any()
        else "The model's answers alone were used."
    )
    return _Made("Foolbox", found, setting.threat, setting.frame, chosen, found.calls + 1, (used,))


def _asker(
    subject: Subject, threat: ThreatModel, *, probabilities: bool
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that answers ART: probabilities where it needs and the model gives them, else labels, one-hot."""
    eye = np.eye(0 if subject.classes is None else len(subject.classes))

    def ask(matrix: np.ndarray) -> np.ndarray:
        frame = threat.decode(matrix)
        if probabilities and subject.model.has_proba:
            return np.asarray(subject.model.predict_proba(frame))
        return np.asarray(eye[subject.class_index(subject.model.predict(frame))])

    return ask


def _slope(subject: Subject, threat: ThreatModel) -> Slope | None:
    """Return the gradient of the loss by the features, where the model gives one and features are single inputs."""
    inner = subject.model.inner
    if type(inner).loss_gradient is Predictor.loss_gradient or subject.classes is None:
        return None
    if any(one.joint for one in threat.features):
        return None
    classes = subject.classes

    def slope(matrix: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return np.asarray(subject.model.loss_gradient(threat.decode(matrix), classes[labels]))

    return slope
