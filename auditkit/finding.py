"""Finding: evidence judged against a requirement."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from auditkit.errors import InputError
from auditkit.evidence import Measurement, json_number
from auditkit.ranges import range_of
from auditkit.render.status import NOT_JUDGED, POLICY, shown_status, waiver_words
from auditkit.waiver import Waiver, waivers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

__all__ = [
    "POLICY",
    "SEVERITIES",
    "STATUSES",
    "UNJUDGED",
    "Criterion",
    "Finding",
    "Policy",
    "Severity",
    "Status",
    "reason_in_full",
]

Severity = Literal["low", "medium", "high", "critical"]
Status = Literal["pass", "fail", "inconclusive", "not_applicable", "error", "waived"]
Unmeasured = Literal["undecided", "ignored"]

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
STATUSES: tuple[Status, ...] = ("fail", "error", "inconclusive", "not_applicable", "waived", "pass")

UNJUDGED = f"{NOT_JUDGED}: no criterion of the policy speaks of it"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A requirement, written as data.

    Attributes
    ----------
    metric : str
        The metric it speaks of: "demographic_parity_difference".
    at_most, at_least : float, optional
        The limit; at least one of them. In the unit of the metric.
    severity : {"low", "medium", "high", "critical"}
        How much it matters when it is not met.
    group : str, optional
        Only measurements of this group; shell-style wildcards ("sex=*"). None for all.
    check : str, optional
        Only measurements of the check of this code.
    why : str
        Where the limit comes from. Every limit says why it is there.
    who : str
        Who should change it: a role, no person.
    """

    metric: str
    at_most: float | None = None
    at_least: float | None = None
    severity: Severity = "medium"
    group: str | None = None
    check: str | None = None
    why: str = ""
    who: str = ""

    def __post_init__(self) -> None:
        limits = [v for v in (self.at_most, self.at_least) if v is not None]
        if not limits:
            raise InputError(f"a criterion on {self.metric!r} needs at_most or at_least")
        if any(math.isnan(v) for v in limits):
            raise InputError(f"a limit on {self.metric!r} must be a number, got nan")
        for name in ("at_most", "at_least"):  # 1 and 1.0 are one limit, and give one fingerprint
            if (limit := getattr(self, name)) is not None:
                object.__setattr__(self, name, float(limit))
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise InputError(f"at_least={self.at_least} is above at_most={self.at_most} for {self.metric!r}")
        self._within_range()
        if self.severity not in SEVERITIES:
            raise InputError(f"severity must be one of {', '.join(SEVERITIES)}; got {self.severity!r}")

    def _within_range(self) -> None:
        """Refuse a limit that the metric can never reach: a percentage where a share is meant."""
        ends = range_of(self.metric)
        for word, limit in (("at_most", self.at_most), ("at_least", self.at_least)):
            if ends is not None and limit is not None and not ends[0] <= limit <= ends[1]:
                cure = f"; {limit:g}% is {limit / 100:g}" if 1 < limit <= 100 else ""
                raise InputError(
                    f"{self.metric!r} lies between {ends[0]:g} and {ends[1]:g}: expected a limit in between, got {word} = {limit:g}{cure}"
                )

    def speaks_of(self, check: str, measurement: Measurement) -> bool:
        """Whether this requirement is about that measurement."""
        if measurement.metric != self.metric or (self.check is not None and self.check != check):
            return False
        return self.group is None or fnmatchcase(measurement.group or "", self.group)

    def words(self) -> str:
        """Return the requirement as a phrase: "at most 0.1"."""
        parts = [f"at least {self.at_least:g}"] if self.at_least is not None else []
        return " and ".join(parts + ([f"at most {self.at_most:g}"] if self.at_most is not None else []))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; who should change it only where that is said."""
        said = {k: v for k, v in asdict(self).items() if k != "who" or v}
        return said | {"at_most": json_number(self.at_most), "at_least": json_number(self.at_least)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        limits = {k: None if data.get(k) is None else float(data[k]) for k in ("at_most", "at_least")}
        return cls(**{**data, **limits})


@dataclass(frozen=True, slots=True)
class Policy:
    """Criteria with a name: what an organisation requires.

    Attributes
    ----------
    criteria : tuple of Criterion
        The requirements.
    name, description : str
        For the report.
    unmeasured : {"undecided", "ignored"}
        What a criterion becomes that nothing in the audit measured: a finding that keeps the audit undecided, or a
        line that names it. Silence never reads as met.
    waivers : tuple of Waiver
        What is accepted although it is not met.
    """

    criteria: tuple[Criterion, ...]
    name: str = "criteria given in code"
    description: str = ""
    unmeasured: Unmeasured = "undecided"
    waivers: tuple[Waiver, ...] = ()

    def __post_init__(self) -> None:
        given: Any = self.criteria
        if isinstance(given, (str, os.PathLike)):
            raise InputError(
                f"criteria= takes Criterion(metric, at_most=...) or a policy, got a path: load_policy({os.fspath(given)!r}) reads it"
            )
        criteria = (given,) if isinstance(given, Criterion) else tuple(given)
        for one in criteria:
            if not isinstance(one, Criterion):
                raise InputError(
                    f"criteria= takes Criterion(metric, at_most=...), or load_policy(path); got {one!r}"
                )
        object.__setattr__(self, "criteria", criteria)
        object.__setattr__(self, "waivers", waivers_of(self.waivers))
        if self.unmeasured not in get_args(Unmeasured):
            raise InputError(f"unmeasured must be 'undecided' or 'ignored'; got {self.unmeasured!r}")

    def __iter__(self) -> Iterator[Criterion]:
        return iter(self.criteria)

    def __len__(self) -> int:
        return len(self.criteria)

    def frame(self) -> pd.DataFrame:
        """Return one row a criterion; who should change it is a column where any says so."""
        import pandas as pd

        owned = any(c.who for c in self.criteria)
        columns = [f.name for f in fields(Criterion) if owned or f.name != "who"]
        return pd.DataFrame([asdict(c) for c in self.criteria], columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, with a digest over the criteria; a report keeps the waivers beside it."""
        criteria = [c.to_dict() for c in self.criteria]
        decides = [criteria, self.unmeasured]
        digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        about = {"name": self.name, "description": self.description, "unmeasured": self.unmeasured}
        return {**about, "digest": digest, "criteria": criteria}


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence judged.

    Attributes
    ----------
    check : str
        Code of the check.
    status : {"pass", "fail", "inconclusive", "not_applicable", "error", "waived"}
        The judgement.
    severity : {"low", "medium", "high", "critical"} or None
        That of the criterion; None where nothing was judged.
    measurement : Measurement or None
        What was judged.
    criterion : Criterion or None
        Against what.
    reason : str
        Why this status, in one sentence; of a waived finding, why it would be what it `was`.
    p_adjusted : float or None
        The p-value after Benjamini-Hochberg over all tests of the audit.
    waiver : Waiver or None
        The waiver that speaks of it: it holds if the status is "waived", else it has run out.
    was : {"fail", "inconclusive"} or None
        The status a waived finding would have without its waiver.
    """

    check: str
    status: Status
    severity: Severity | None = None
    measurement: Measurement | None = None
    criterion: Criterion | None = None
    reason: str = ""
    p_adjusted: float | None = None
    waiver: Waiver | None = None
    was: Status | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InputError(f"status must be one of {', '.join(STATUSES)}; got {self.status!r}")
        if self.severity is not None and self.severity not in SEVERITIES:
            raise InputError(f"severity must be one of {', '.join(SEVERITIES)}; got {self.severity!r}")

    @property
    def fingerprint(self) -> str:
        """A short digest of what the finding is about; the same in every run of the same plan."""
        m, c = self.measurement, self.criterion
        about = [self.check, m and (m.metric, m.group), c and (c.metric, c.group, c.at_most, c.at_least)]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]

    @property
    def shown(self) -> str | None:
        """The status as every face shows and counts it; None for a remark about the policy, which is no finding of a check.

        ``not_judged`` is what was measured and no criterion speaks of; ``not_found`` what passes as a bound alone; ``by_construction`` what could
        not have failed. A page tells of what is inconclusive apart what could not be measured at all.
        """
        shown = shown_status(self.to_dict())
        return "inconclusive" if shown == "unmeasured" else shown

    @property
    def judged(self) -> bool:
        """Whether a criterion was applied."""
        return self.criterion is not None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "check": self.check,
            "status": self.status,
            "severity": self.severity,
            "measurement": None if self.measurement is None else self.measurement.to_dict(),
            "criterion": None if self.criterion is None else self.criterion.to_dict(),
            "reason": self.reason,
            "p_adjusted": json_number(self.p_adjusted),
            "fingerprint": self.fingerprint,
            **({"waiver": self.waiver.to_dict(), "was": self.was} if self.waiver else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises
        ------
        InputError
            If it is waived and does not say by which waiver and what it was, or says what it was and is not waived: a status that follows from nothing.
        """
        raw = {k: v for k, v in data.items() if k != "fingerprint"}
        waived, was = raw["status"] == "waived", raw.get("was")
        if waived != (was is not None) or (waived and raw.get("waiver") is None):
            raise InputError(
                f"{raw['check']} is {raw['status']!r}, and was {was!r} before: expected a waiver and what it was of a finding that is waived, "
                "and of no other what it was"
            )
        if raw["measurement"] is not None:
            raw["measurement"] = Measurement.from_dict(raw["measurement"])
        if raw["criterion"] is not None:
            raw["criterion"] = Criterion.from_dict(raw["criterion"])
        if raw.get("waiver") is not None:
            raw["waiver"] = Waiver.from_dict(raw["waiver"])
        return cls(**raw)


def reason_in_full(finding: Finding) -> str:
    """Return why this status, what must be known to read the number, and what a waiver says."""
    m = finding.measurement
    known = m.reason if m and m.reason and m.reason not in finding.reason else ""
    reason = f"{finding.reason} ({known})" if known else finding.reason
    waiver = waiver_words(finding.to_dict())
    return f"{reason}; {waiver[:1].lower()}{waiver[1:]}" if waiver else reason
