"""Differing: in what two audits are not alike, each in words, so that no difference is taken for a change of the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from auditkit.errors import InputError
from auditkit.targets import KINDS

if TYPE_CHECKING:
    from auditkit.comparing.reading import Saved
    from auditkit.evidence import Evidence

__all__ = ["Records", "differences", "must_be_comparable", "records", "unlike"]

Records = Literal["same", "others", "unknown"]

_RECORDS: dict[Records, str] = {
    "same": ("The test rows are the same (one digest)."),
    "others": (
        "The test rows differ (two digests), so a change may come from the data as well as from the model. The two samples are taken to be "
        "independent."
    ),
    "unknown": (
        "Whether the test rows are the same is not known: a record has no digest of them. Changes are held to intervals that hold for any "
        "dependence."
    ),
}
_NO_MATTER = ("jobs",)  # options that change no number


def must_be_comparable(base: Saved, new: Saved) -> None:
    """Refuse two audits whose numbers do not speak of the same thing.

    Raises
    ------
    InputError
        If the kinds of subject, the tasks, or the labels that count as positive, differ.
    """
    kinds = [str(side.report.subject.get("kind") or "model") for side in (base, new)]
    if kinds[0] != kinds[1]:
        there, here = (KINDS.get(kind, kind) for kind in kinds)
        raise InputError(
            f"{base.path} and {new.path} cannot be compared: what was audited is {there} there and {here} here, and every metric means something else"
        )
    for name in ("task", "positive"):
        one, other = base.report.subject.get(name), new.report.subject.get(name)
        if one != other:
            raise InputError(
                f"{base.path} and {new.path} cannot be compared: {name} is {one!r} there and {other!r} here, and every metric "
                "means something else"
            )


def records(base: Saved, new: Saved) -> Records:
    """Return whether both audits rest on the same test rows, labels and sensitive features included."""
    one, other = (_looked_at(side) for side in (base, new))
    if not one or not other:
        return "unknown"
    return "same" if one == other else "others"


def differences(base: Saved, new: Saved, of_rows: str = "") -> list[str]:
    """Return in what two audits differ, each in a sentence; an empty list would say that nothing was looked at.

    What is the same is said too where it decides how numbers are compared; `of_rows` says it of test rows that are the same.
    """
    said = (
        [_parts(base, new)]
        if new.report.subject.get("kind")
        else [of_rows or _test_rows(base, new), *_train_rows(base, new), _model(base, new)]
    )
    for word, side in (("earlier", base), ("newer", new)):
        if side.others:
            results = f"{side.others + 1} results of {side.audit}"
            which = "that its last run rests on" if side.journaled else "that was started last"
            said.append(f"The {word} folder holds {results}; the one {which} is compared.")
    pairs = [
        ("The subject's name", base.subject, new.subject),
        ("The schema of the record", base.schema, new.schema),
        ("auditkit", *_of(base, new, "auditkit")),
        ("The seed", *_of(base, new, "seed")),
    ]
    said += [f"{name} differs: {one} before, {other} now." for name, one, other in pairs if one != other]
    return [*said, *_versions(base, new), *_columns(base, new)]


def unlike(before: Evidence, after: Evidence) -> str:
    """Return how two runs of a check were set differently; empty where they were set alike."""
    said = []
    for name in dict.fromkeys((*before.params, *after.params)):
        one, other = before.params.get(name, _MISSING), after.params.get(name, _MISSING)
        if name not in _NO_MATTER and one != other:
            said.append(f"{name} was {_short(one)} and is {_short(other)}")
    return "; ".join(said)


_MISSING: Any = object()


def _test_rows(base: Saved, new: Saved) -> str:
    return _RECORDS[records(base, new)]


def _looked_at(side: Saved) -> Any:
    """Return what identifies the rows of a model, or whatever else was looked at."""
    about = side.report.subject
    return about.get("parts") if about.get("kind") else (about.get("test") or {}).get("digest")


def _parts(base: Saved, new: Saved) -> str:
    one, other = (dict(_looked_at(side) or {}) for side in (base, new))
    if not one or not other:
        return "Whether what was looked at is the same is not known: a record has no digest of it."
    if one == other:
        return "What was looked at is the same (one digest each)."
    moved = sum(one[name] != other[name] for name in one.keys() & other.keys())
    return f"Of what was looked at, {moved} of {len(one.keys() & other.keys())} changed, {len(other.keys() - one.keys())} came and {len(one.keys() - other.keys())} went."


def _train_rows(base: Saved, new: Saved) -> list[str]:
    one, other = ((side.report.subject.get("train") or {}).get("digest") for side in (base, new))
    if one == other:
        return []
    if one is None or other is None:
        return [f"Training rows were given only {'now' if one is None else 'before'}."]
    return ["The training rows differ."]


def _model(base: Saved, new: Saved) -> str:
    one, other = ((side.report.subject.get("model") or {}).get("digest") for side in (base, new))
    if not one or not other:
        return "Whether the model is the same is not known: a record has no digest of it."
    return "The model is the same." if one == other else "The model differs (two digests)."


def _of(base: Saved, new: Saved, key: str) -> tuple[Any, Any]:
    return base.report.provenance.get(key), new.report.provenance.get(key)


def _versions(base: Saved, new: Saved) -> list[str]:
    one, other = (dict(found or {}) for found in _of(base, new, "versions"))
    moved = [
        f"{name} {one.get(name, 'none')} → {other.get(name, 'none')}"
        for name in dict.fromkeys((*one, *other))
        if one.get(name) != other.get(name)
    ]
    return [f"Versions differ: {', '.join(moved)}."] if moved else []


def _columns(base: Saved, new: Saved) -> list[str]:
    one, other = ((side.report.subject.get("test") or {}).get("columns") or [] for side in (base, new))
    gone, come = [c for c in one if c not in other], [c for c in other if c not in one]
    said = [f"Columns that are gone: {', '.join(map(str, gone))}."] if gone else []
    return said + ([f"Columns that are new: {', '.join(map(str, come))}."] if come else [])


def _short(value: Any) -> str:
    if value is _MISSING:
        return "not there"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
