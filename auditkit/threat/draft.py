"""Draft: the features of a threat model, read from data; what data cannot know is for the analyst to say."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, did_you_mean
from auditkit.frames import Codec, to_pandas
from auditkit.methods.feature_space import FeatureSpace
from auditkit.threat.coding import Coding
from auditkit.threat.feature import Feature, FeatureKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["drafted", "inferred", "of_a_life", "one_hot_blocks"]

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PERSON = frozenset(
    ["of", "person", "applicant", "client", "customer", "borrower", "patient", "employee", "candidate"]
)
_OF_AGE = frozenset(["age", "in", "years", "year", "yrs"]) | _PERSON
_ORIGIN = "by its name of where somebody comes from, which a person does not change"
_SELF = "by its name who somebody is, which nobody is asked to change"
_OF_SELF = _PERSON | {
    "is",
    "has",
    "and",
    "at",
    "birth",
    "status",
    "group",
    "code",
    "identity",
    "self",
    "reported",
    "identified",
}
# words of which one is there, or two together; words that may stand beside it; and why such an input stays
_WHO = (
    (frozenset(["sex", "gender", "male", "female"]), _OF_SELF | {"personal", "marital", "assigned"}, _SELF),
    (frozenset(["race", "ethnicity", "ethnic"]), _OF_SELF | {"origin", "background"}, _SELF),
    (frozenset(["skin colour", "skin color", "caste"]), _OF_SELF, _SELF),
    (frozenset(["religion", "religious"]), _OF_SELF | {"affiliation", "denomination", "belief"}, _SELF),
    (frozenset(["disability", "disabilities", "disabled", "handicap", "handicapped"]), _OF_SELF, _SELF),
    (frozenset(["sexuality", "sexual orientation"]), _OF_SELF, _SELF),
    (frozenset(["pregnant", "pregnancy"]), _OF_SELF, _SELF),
    (
        frozenset(["marital", "maritalstatus", "married", "marriage", "personal status", "civil status"]),
        _OF_SELF,
        _SELF,
    ),
)
_PAST = (  # the same of what is past
    (
        frozenset(["birth", "birthdate", "birthday", "birthyear", "birthplace", "dob", "yob"]),
        frozenset(["date", "year", "month", "day", "place", "country", "of"]),
        "by its name of a birth, which does not change",
    ),
    (
        frozenset(["history"]),
        frozenset(["credit", "loan", "payment", "repayment", "employment", "medical", "criminal", "past"]) | _PERSON,
        "by its name a history, which is past",
    ),
    (frozenset(["foreign", "foreigner"]), frozenset(["is", "worker", "born", "national", "citizen"]) | _PERSON, _ORIGIN),
    (frozenset(["nationality"]), _PERSON, _ORIGIN),
    (frozenset(["native"]), frozenset(["country", "language"]) | _PERSON, _ORIGIN),
)  # fmt: skip
MOST_TOGETHER = 100_000  # combinations of inputs that change together


def drafted(
    tables: Sequence[Any],
    *,
    together: Sequence[Sequence[str]],
    order: Mapping[str, Sequence[Any]],
    raw: bool,
) -> tuple[tuple[Feature, ...], Coding]:
    """Return the features of tables with the same columns, and their coding; ranges are those of the first table.

    Raises
    ------
    InputError
        If a name or an order does not fit, or inputs stand in two groups.
    """
    frames = [to_pandas(table) for table in tables]
    if not len(frames[0]) or not frames[0].shape[1]:
        raise InputError("ThreatModel.draft: expected rows and columns, got an empty table")
    codec = Codec.of(*frames)
    names = [str(column) for column in codec.columns]
    codec, ordered = _ordered(codec, frames[0], names, order)
    inputs = [codec.encode(frame) for frame in frames]
    groups = _groups(names, together, inputs, ordered)
    space = inferred(codec, inputs[0])
    features: list[Feature] = []
    at: list[NDArray[np.intp]] = []
    combinations: list[NDArray[np.float64] | None] = []
    for group in groups:
        places = np.array([names.index(name) for name in group])
        at.append(places)
        if len(group) > 1:
            rows = np.concatenate([part[:, places] for part in inputs])
            feature, table = _joint(group, places, rows, codec)
            features.append(feature)
            combinations.append(table)
            continue
        features.append(_single(group[0], int(places[0]), codec, space, ranked=group[0] in ordered, raw=raw))
        combinations.append(None)
    return tuple(features), Coding(codec, tuple(at), tuple(combinations))


def of_a_life(one: Feature) -> Feature:
    """Return a feature that by its name is a person's age as one that only rises, a past fact or who somebody is as one that stays; others as they are.

    As Ustun, Spangher & Liu (2019) treat them in their examples. Only whole words are read, and only names that say nothing else: an average
    age of accounts, or the age of the youngest child, can fall, the length of a history grows, and Essex is no sex. Of inputs that change
    together, such as a one-hot block, the beginning that all share is read for who somebody is.

    Examples
    --------
    >>> names = ["AgeInYears", "average_age", "year_of_birth", "credit_history", "personal_status_sex", "essex"]
    >>> found = [of_a_life(Feature(name=name, columns=(name,), kind="integer")) for name in names]
    >>> [(one.mutable, one.direction) for one in found]
    [(True, 'up'), (True, 'both'), (False, 'both'), (False, 'both'), (False, 'both'), (True, 'both')]
    """
    if not one.mutable or one.said:
        return one
    shared = {_prefix(name) for name in one.columns} if one.joint else {one.name}
    words = {word.lower() for word in _WORD.findall(shared.pop())} if len(shared) == 1 else set()
    for of, beside, because in _WHO if one.joint else (*_WHO, *_PAST):
        every = [frozenset(term.split()) for term in of]
        if any(term <= words for term in every) and words <= beside.union(*every):
            return replace(one, mutable=False, because=because)
    if not one.joint and "age" in words and words <= _OF_AGE and one.kind in ("continuous", "integer"):
        return replace(one, direction="up", because="by its name an age, which only rises")
    return one


def inferred(codec: Codec, X: NDArray[np.float64]) -> FeatureSpace:
    """Return what rows, as the codec writes them, show of each input by itself; one without any value cannot change."""
    names = [str(column) for column in codec.columns]
    sizes = {name: len(known) for name, known in zip(names, codec.categories, strict=True) if known}
    return FeatureSpace.infer(X, codec.kinds, names, n_categories=sizes)


def one_hot_blocks(names: Sequence[str], inputs: Sequence[NDArray[np.float64]]) -> list[list[str]]:
    """Return the groups of 0/1 inputs with one prefix, up to ``_``, ``=`` or ``__``, of which exactly one is 1 in every row."""
    every = np.concatenate(list(inputs))
    binary = np.atleast_1d(np.isin(every, (0.0, 1.0)).all(axis=0))
    by_prefix: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        prefix = _prefix(name)
        if binary[place] and prefix:
            by_prefix.setdefault(prefix, []).append(place)
    return [
        [names[place] for place in places]
        for places in by_prefix.values()
        if len(places) > 1 and (every[:, places].sum(axis=1) == 1).all()
    ]


def _prefix(name: str) -> str:
    for mark in ("=", "__", "_"):
        if mark in name:
            return name.rpartition(mark)[0] + mark
    return ""


def _ordered(
    codec: Codec, frame: pd.DataFrame, names: list[str], order: Mapping[str, Sequence[Any]]
) -> tuple[Codec, set[str]]:
    """Return the codec with the categories that have an order in it, and which these are."""
    import pandas as pd

    categories, ordered = list(codec.categories), set()
    for place, name in enumerate(names):
        dtype = frame.iloc[:, place].dtype
        if (
            isinstance(dtype, pd.CategoricalDtype)
            and dtype.ordered
            and set(dtype.categories) == set(categories[place])
        ):
            categories[place] = tuple(dtype.categories)
            ordered.add(name)
    for name, values in order.items():
        if name not in names:
            raise InputError(f"threat model, order: no input named {name!r}.{did_you_mean(name, names)}")
        place = names.index(name)
        if codec.kinds[place] != "categorical":
            raise InputError(f"threat model, order: {name!r} holds numbers, which have an order already")
        known = {str(value): value for value in categories[place]}
        if isinstance(values, str) or sorted(map(str, values)) != sorted(known):
            raise InputError(
                f"threat model, order of {name!r}: expected each of its values once, from low to high: {', '.join(known)}"
            )
        categories[place] = tuple(known[str(value)] for value in values)
        ordered.add(name)
    return replace(codec, categories=tuple(categories)), ordered


def _groups(
    names: list[str], together: Sequence[Sequence[str]], inputs: list[NDArray[np.float64]], ordered: set[str]
) -> list[list[str]]:
    """Return the inputs of each feature, in the order of the inputs."""
    asked: list[list[str]] = []
    for group in together:
        if isinstance(group, str) or len(group) < 2:
            raise InputError(f"threat model, together: expected lists of two inputs or more, got {group!r}")
        for name in group:
            if name not in names:
                raise InputError(
                    f"threat model, together: no input named {name!r}.{did_you_mean(name, names)}"
                )
            if any(name in other for other in asked):
                raise InputError(f"threat model, together: {name!r} stands in two groups")
        asked.append([str(name) for name in group])
    taken = {name for group in asked for name in group}
    asked += [
        block
        for block in one_hot_blocks(names, inputs)
        if not taken & set(block) and not ordered & set(block)
    ]
    of = {name: group for group in asked for name in group}
    return [
        of.get(name, [name]) for name in names if name not in of or name == min(of[name], key=names.index)
    ]


def _joint(
    group: list[str], places: NDArray[np.intp], rows: NDArray[np.float64], codec: Codec
) -> tuple[Feature, NDArray[np.float64]]:
    """Return inputs that change together as one feature, and their combinations; in order where one of the numbers tells them apart."""
    filled = np.unique(np.where(np.isnan(rows), -np.inf, rows), axis=0)
    if len(filled) > MOST_TOGETHER:
        raise InputError(
            f"threat model, together: {', '.join(group)} have {len(filled):,} combinations; numbers of many values do not belong there"
        )
    table = np.where(np.isneginf(filled), np.nan, filled)
    numeric = [k for k, place in enumerate(places) if codec.kinds[place] != "categorical"]
    hot = bool(np.isin(table, (0.0, 1.0)).all()) and bool((table.sum(axis=1) == 1).all())
    told = [
        k for k in numeric if not np.isnan(table[:, k]).any() and len(np.unique(table[:, k])) == len(table)
    ]
    kind: FeatureKind = "categorical"
    if hot:
        table = table[np.argsort(-table @ np.arange(table.shape[1], 0, -1.0), kind="stable")]
    elif told:
        table, kind = table[np.argsort(table[:, told[0]])], "ordinal"
    shown = _values(codec, places, table)
    mutable = len(table) > 1
    return Feature(
        name=" × ".join(group), columns=tuple(group), kind=kind, mutable=mutable, values=shown
    ), table


def _values(codec: Codec, places: NDArray[np.intp], table: NDArray[np.float64]) -> tuple[Any, ...]:
    """Return combinations as the inputs write them."""
    columns = []
    for k, place in enumerate(places):
        known = codec.categories[place]
        columns.append(
            [
                None if np.isnan(v) else (known[int(v)] if codec.kinds[place] == "categorical" else float(v))
                for v in table[:, k]
            ]
        )
    return tuple(zip(*columns, strict=True))


def _single(name: str, place: int, codec: Codec, space: FeatureSpace, *, ranked: bool, raw: bool) -> Feature:
    kind = codec.kinds[place]
    if kind == "categorical":
        known = codec.categories[place]
        return Feature(
            name=name,
            columns=(name,),
            kind="ordinal" if ranked else "categorical",
            mutable=len(known) > 1,
            values=known,
        )
    return Feature(
        name=name,
        columns=(name,),
        kind=kind,
        mutable=bool(space.mutable[place]),
        low=float(space.low[place]),
        high=float(space.high[place]),
        step=float(space.step[place]),
        unit=1.0 if raw else float(space.scale[place]),
    )
