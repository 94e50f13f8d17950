"""Registering: the entry that a register gets of an audit, from its report, its evidence pack and what people say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.exports.filled import stands
from auditkit.exports.source import Source
from auditkit.noting import logged_in
from auditkit.packing.manifest import MANIFEST, sha256
from auditkit.render.status import shown_counts
from auditkit.render.text import cut, of_group, one_line, words

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from auditkit.report import Report

__all__ = ["KINDS", "Said", "entry_of"]

KINDS = ("model", "language_model", "artifact")
"""Kinds of target that a register of models holds."""

_LONG = 300
_MOST_DAYS = 36_525  # a hundred years
_ROLES = "as in --approved-by 'model risk: Maria Example'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What people say of a model and its audit.

    Attributes
    ----------
    owner, tier : str
        Who answers for it, and how much depends on it; as the signed form on intended use says when left out.
    approvals : tuple of str
        Who approved its use, each as ``role: name``.
    next_due : str
        The day by which it is audited again, as year-month-day; as the form says when left out.
    every : int, optional
        Instead: days after this audit.
    by : str
        Who adds the entry; whoever is logged in when left out.
    """

    owner: str = ""
    tier: str = ""
    approvals: tuple[str, ...] = ()
    next_due: str = ""
    every: int | None = None
    by: str = ""


def entry_of(
    report: Report | Source,
    said: Said | None = None,
    *,
    pack: str | os.PathLike[str] | None = None,
    keys: Iterable[str | os.PathLike[str]] = (),
) -> dict[str, Any]:
    """Return the entry of an audit.

    Parameters
    ----------
    report : Report or Source
        About a model, a language model or a model file.
    said : Said, optional
        What people say of it.
    pack : path, optional
        The evidence pack of the audit: it is verified, and its digest and who signed it are noted.
    keys : iterable of path
        Public keys of who should have signed; any key is taken when there are none, and the entry says so.

    Raises
    ------
    InputError
        If the report is about something else or does not say when it was made, a day is none or lies before the audit, an approval has no role or
        name, or the pack differs from what was signed, or is not of this report.
    """
    source, told = Source.of(report), said or Said()
    source.hold(KINDS, "an entry of the register of models")
    source.dated("an entry of the register of models")
    ran = source.data["provenance"]
    policy = ran.get("policy") or {}
    held, signed = _pack(source, pack, list(keys)) if pack is not None else (None, [])
    signed_ones = [one for one in source.forms("intended_use") if stands(one)]
    form = (signed_ones or [{}])[-1].get("answers") or {}
    return {
        "schema": "auditkit.register/1.0",
        "model": {"name": cut(source.name, _LONG), "kind": source.kind, "digest": _digest(source)},
        "owner": cut(told.owner or _answer(form, "owner"), _LONG),
        "tier": cut(told.tier or _answer(form, "tier"), _LONG),
        "audit": {
            "day": source.day,
            "report": source.digest,
            "auditkit": one_line(ran.get("auditkit")),
            "seed": one_line(ran.get("seed")),
            "policy": {"name": cut(policy.get("name"), _LONG), "digest": one_line(policy.get("digest"))},
            "checks": [cut(one["check"], _LONG) or "unnamed" for one in source.data["evidence"]],
            "verdict": source.data["verdict"],
            "counts": {status: n for status, n in shown_counts(source.data).items() if n},
        },
        "waivers": [_waiver(one) for one in source.data["findings"] if one.get("waiver")],
        "pack": held,
        "signatures": signed,
        "approvals": [*map(_approval, told.approvals)],
        "next": _next(source, told, _answer(form, "review_by")),
        "added": {
            "by": cut(told.by, _LONG) or one_line(logged_in()) or "unknown",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    }


def _answer(form: Mapping[str, Any], name: str) -> str:
    """Return an answer of a form in one line; several, as owners are, one after the other."""
    said = form.get(name)
    every = said if isinstance(said, (list, tuple)) else [said] if said is not None else []
    return "; ".join(filter(None, map(one_line, every)))


def _digest(source: Source) -> str:
    """Return the digest of a model, or of the one file that was looked at; empty where there is none."""
    about = source.data["subject"]
    parts = list((about.get("parts") or {}).values())
    given = one_line((about.get("model") or {}).get("digest") or (parts[0] if len(parts) == 1 else ""))
    return given if len(given) == 64 and set(given) <= set("0123456789abcdef") else ""


def _waiver(finding: Mapping[str, Any]) -> dict[str, Any]:
    waiver = finding["waiver"]
    m = finding.get("measurement") or finding.get("criterion") or {}
    about = of_group(m.get("metric"), m.get("group")) if m.get("metric") else words(finding["check"])
    return {
        "about": cut(f"{about} ({finding['check']})", _LONG),
        "by": cut(waiver.get("by"), _LONG),
        "until": str(waiver["until"]),
        "reason": cut(waiver.get("reason"), _LONG),
        "holds": finding["status"] == "waived",
    }


def _approval(text: str) -> dict[str, str]:
    role, _, name = (part.strip() for part in one_line(text).partition(":"))
    if not role or not name:
        raise InputError(f"an approval is a role and a name, {_ROLES}; got {text!r}")
    return {"role": cut(role, _LONG), "name": cut(name, _LONG)}


def _day(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"{what} must be a day as year-month-day, such as 2027-01-31; got {text!r}"
        ) from None


def _next(source: Source, told: Said, of_form: str) -> str:
    if told.next_due and told.every is not None:
        raise InputError("say when it is audited again once: by a day, or by days after this audit")
    if told.every is not None:
        if not 1 <= told.every <= _MOST_DAYS:
            raise InputError(
                f"it is audited again after 1 day or more, at most {_MOST_DAYS:,}; got {told.every}"
            )
        return (source.started.date() + timedelta(days=told.every)).isoformat()
    if told.next_due:
        day = _day(told.next_due, "when it is audited again")
        if day <= source.started.date():
            raise InputError(
                f"when it is audited again must be after this audit, which was on {source.day}; got {day.isoformat()}"
            )
        return day.isoformat()
    return _day(of_form, "review_by of the form on intended use").isoformat() if of_form else ""


def _apart(source: Source, packed: bytes) -> str:
    """Return in what the public record of a pack is not that of a report; empty where nothing of it contradicts the report."""
    from auditkit.packing.recomputing import record_beside
    from auditkit.report import Report

    if source.public:
        return "" if source.digest == sha256(packed) else "its public/report.json is another file"
    public = Report.from_dict(json.loads(packed))
    ran, told = source.data["provenance"], public.provenance
    if any(ran.get(key) != told.get(key) for key in ("seed", "started")):
        return "its seed or its time is another"
    return next((one.what for one in record_beside(source.report, public)), "")


def _pack(
    source: Source, path: str | os.PathLike[str], keys: list[Any]
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the digest of a pack's manifest, and who signed it, after seeing that nothing in it differs and that it is of this report."""
    from auditkit.packing.layers import REPORT
    from auditkit.packing.reading import read_pack
    from auditkit.packing.verifying import verify

    found = verify(path, keys=keys, any_key=not keys)
    if not found.ok:
        first = found.problems[0]
        raise InputError(
            f"the evidence pack {path} is not as it was signed: {first.path}: {first.what}; auditkit verify {path} tells all"
        )
    files = read_pack(path).files
    if why := _apart(source, files[REPORT]):
        raise InputError(
            f"the evidence pack {path} is of another audit than this report: {why}; give the pack that was made of it"
        )
    signed = [
        {"role": cut(one.role, _LONG), "name": cut(one.name, _LONG) or "unnamed", "day": one_line(one.signed_at)[:10], "key": one.keyid}
        for one in found.signers
    ]  # fmt: skip
    return {"digest": sha256(files[MANIFEST]), "keys": "given" if keys else "any"}, signed
