"""LL144: the impact-ratio table that New York City's rules on automated employment decision tools describe."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _impact as impact
from auditkit.checks.bias import _published as published
from auditkit.checks.bias import _scopes as scopes
from auditkit.errors import NO_SENSITIVE, InputError, NotApplicable, did_you_mean
from auditkit.evidence import Evidence, Measurement
from auditkit.methods.impact_ratios import above_median
from auditkit.naming import NameOf, sensitive_of
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WORDS = {"sex": {"sex", "gender"}, "race": {"race", "ethnicity", "ethnic", "raceethnicity"}}
# how the words begin by which people say that they do not say, and what files hold where nothing was said
_UNKNOWN = re.compile(
    r"\b(?:missing|unknown|unspecif|undisclos|disclos|declin|wish|refus|(?:prefer|rather) not|not (?:disclosed|given|known|"
    r"provided|reported|specified|stated|to (?:say|answer))|no (?:answer|response))"
)
_ALONE = {
    "",
    "?",
    "-",
    "n/a",
    "na",
    "n.a.",
    "nan",
    "none",
    "null",
    "nil",
    "<na>",
    "empty",
    "(empty)",
    "blank",
    "(blank)",
}
_NAMED = 5
_DOUBTFUL = re.compile(r"\bnot?\b|\bunk|\bn/?a\b|\banswer|\bsay\b|^\W*$")

Named = Annotated[
    str | None,
    NameOf(what="sensitive feature", of=sensitive_of),
    Doc("The sensitive feature that holds it; found by its name when left out."),
]
When = Annotated[str | None, Doc("A date as year-month-day, for the published summary.")]


@check(
    code="AK108",
    title="NYC Local Law 144 table",
    question="What are the impact ratios by sex, race and their intersection, and would the published summary be complete?",
    dimension="bias",
    metrics=["ll144_impact_ratio", "ll144_selection_rate", "ll144_scoring_rate", "ll144_unknown_share"],
)
def nyc_ll144(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - every check is called alike
    sex: Named = None,
    race: Named = None,
    output: Annotated[
        Literal["auto", "selections", "scores"],
        Doc("Whether the tool selects or scores; automatic: scores for a regression, else selections."),
    ] = "auto",
    exclude_below: Annotated[
        float,
        Ge(0),
        Le(0.02),
        Doc("Categories under this share of the records get no impact ratio; 0 excludes none."),
    ] = 0.02,
    exclusion_reason: Annotated[
        str | None, Doc("The auditor's justification for the categories that were excluded.")
    ] = None,
    unknown: Annotated[
        list[str] | None,
        Doc(
            "Values that mean an unknown category, beside missing ones; found by the usual words when left out."
        ),
    ] = None,
    audit_date: When = None,
    distribution_date: When = None,
    data_source: Annotated[
        str | None, Doc("Source and explanation of the data, for the published summary.")
    ] = None,
    level: common.Level = 0.95,
) -> Evidence:
    """Make the table of rates and impact ratios by sex, race/ethnicity and both, and list what the summary lacks.

    Parameters
    ----------
    subject : Subject
        Binary, or multiclass with `positive` set (selections); binary with probabilities, or a regression (scores).
    rng : numpy.random.Generator
        Not used.
    sex, race : str, optional
        Sensitive features. Found by the words sex or gender, race or ethnicity in their names.
    output : {"auto", "selections", "scores"}
        Selection rates, or scoring rates: the share of a category above the median score of all records.
    exclude_below : float
        The rules leave it to the auditor to leave out categories under 2% of the data.
    exclusion_reason, audit_date, distribution_date, data_source : str, optional
        For the list of what a published summary must hold.
    unknown : list of str, optional
        Compared without regard to case.
    level : float
        Confidence level. The rules ask for no intervals; they are shown so that small categories are not overread.

    Returns
    -------
    Evidence
        ``ll144_selection_rate`` or ``ll144_scoring_rate`` of each category (Wilson), ``ll144_impact_ratio`` of each
        category but the highest (MOVER-R for all pairs), ``ll144_unknown_share`` of each division. A table for each division, and
        ``published summary``: what is present and what is missing. No p-value: see `adverse_impact`.
    """
    dates = {"audit_date": audit_date, "distribution_date": distribution_date}
    dates = {name: _date(name, given) for name, given in dates.items()}
    _can_be_made(subject)
    names, notes = _features(subject.test.sensitive_names, sex, race)
    scored = output == "scores" or (output == "auto" and subject.task == "regression")
    selected, more = _selected(subject, scored=scored)
    divisions = _divisions(subject, names, selected, unknown, exclude_below)
    found = [m for one in divisions for m in published.measured(one, level, scored=scored)]
    tables = {one.name: published.table(one, level, scored=scored) for one in divisions}
    found += [] if divisions else [_unnamed(subject)]
    given = {**dates, "data_source": data_source, "exclusion_reason": exclusion_reason}
    tables["published summary"] = published.summary(divisions, names, given, scored=scored)
    return Evidence(
        "AK108",
        tuple(found),
        tables,
        says=published.says(divisions, tables["published summary"], level),
        does_not_say=(
            "Whether the law applies to this tool or is met: the rules ask also for an independent auditor, a date within a year, notices, and data "
            "of the tool's own use. The ratios carry no test of chance."
        ),
        notes=(*notes, *more, *_on_unknowns(divisions), *_absent(divisions), *scopes.unused(subject.test)),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _can_be_made(subject: Subject) -> None:
    """Raise `NotApplicable` where the table cannot be made."""
    if _weights.uneven(subject.test):
        raise NotApplicable(
            "the rules count people, and sample_weight says that a row stands for several: for this table give the data without it"
        )
    if subject.test.sensitive_features is None:
        raise NotApplicable(NO_SENSITIVE)


def _unnamed(subject: Subject) -> Measurement:
    why = (
        f"no sensitive feature is named as sex or as race or ethnicity, of {', '.join(subject.test.sensitive_names)}: "
        'type nyc_ll144 with sex="..." and race="..."'
    )
    return Measurement("ll144_impact_ratio", math.nan, len(subject.test), reason=why)


def _divisions(
    subject: Subject,
    names: dict[str, str | None],
    selected: np.ndarray,
    unknown: list[str] | None,
    exclude_below: float,
) -> list[published.Division]:
    """Count the categories by sex, by race, and by both; without what was not found."""
    is_unknown = _unknown if unknown is None else _one_of(unknown)
    return [
        published.divide(subject.test, part, selected, is_unknown, exclude_below)
        for part in ([names["sex"]], [names["race"]], [names["sex"], names["race"]])
        if all(part)
    ]


def _unknown(value: str) -> bool:
    """Return whether a value says that the category is not known, by how its words begin.

    Examples
    --------
    >>> [_unknown(v) for v in ("Decline to self-identify", "I do not wish to answer", "N/A", "Jewish", "None of these")]
    [True, True, True, False, False]
    """
    said = value.strip().lower()
    return said in _ALONE or _UNKNOWN.search(said) is not None


def _one_of(given: list[str]) -> Callable[[str], bool]:
    words = {one.strip().lower() for one in (*given, "missing", "missing (no value)")}
    return lambda value: value.strip().lower() in words


def _on_unknowns(divisions: Sequence[published.Division]) -> tuple[str, ...]:
    """Return which values were counted as unknown, and which categories look as if they should have been."""
    notes = []
    for one in divisions:
        if one.of_both:
            continue
        if one.unknown_values:
            notes.append(f"{one.name}: counted as unknown: {'; '.join(one.unknown_values[:_NAMED])}.")
        looks = [v for v in one.labels if _unknown(v) or _DOUBTFUL.search(v.strip().lower())]
        if looks:
            notes.append(
                f"{one.name}: categories that look unknown and are counted as known: {'; '.join(looks[:_NAMED])}. "
                "If they are unknown, type nyc_ll144 with unknown=[...] and all such values."
            )
    return tuple(notes)


def _date(name: str, given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return date.fromisoformat(given.strip()).isoformat()
    except ValueError:
        raise InputError(
            f"{name} must be a date as year-month-day, such as '2026-03-31'; got {given!r}"
        ) from None


def _features(known: list[str], sex: str | None, race: str | None) -> tuple[dict[str, str | None], list[str]]:
    """Return the features that hold sex and race, and a note on each that was found by its name."""
    names: dict[str, str | None] = {}
    notes = []
    for role, given in (("sex", sex), ("race", race)):
        if given is not None and given not in known:
            raise InputError(f"{given!r} is no sensitive feature.{did_you_mean(given, known)}")
        fits = [n for n in known if _WORDS[role] & set(re.findall(r"[a-z]+", n.lower()))]
        names[role] = given or (fits[0] if fits else None)
        if given is None and fits:
            others = f" (not {', '.join(fits[1:])})" if len(fits) > 1 else ""
            notes.append(
                f"{role.capitalize()} is read from the feature {fits[0]!r}, found by its name{others}."
            )
    if names["sex"] is not None and names["sex"] == names["race"]:
        raise InputError(f"sex and race must be two features; both are {names['sex']!r}")
    return names, notes


def _selected(subject: Subject, *, scored: bool) -> tuple[np.ndarray, list[str]]:
    """Return who was selected, or scored above the median, and what must be known of it."""
    if not scored:
        selected = np.asarray(subject.answers().labels == common.positive_of(subject))
        has_scores = impact.scores_of(subject) is not None
        return selected, [
            "The subject also gives scores: output='scores' gives scoring rates."
        ] if has_scores else []
    scores = impact.scores_of(subject)
    if scores is None:
        raise NotApplicable("no scores: output='scores' needs probabilities of two classes, or a regression")
    above, median = above_median(scores)
    ties = int((scores == median).sum())
    said = f"The median score of all {len(scores):,} records is {median:.6g}."
    return above, [
        said + (f" {ties:,} records score exactly that and count as not above it." if ties else "")
    ]


def _absent(divisions: Sequence[published.Division]) -> tuple[str, ...]:
    """Return a note on intersections that no record has; nothing is known of these."""
    return tuple(
        f"{d.name}: no record has {'; '.join(d.absent[:5])}"
        + (f"; nor {len(d.absent) - 5} more" if len(d.absent) > 5 else "")
        for d in divisions
        if d.absent
    )
