"""Quality: what is missing, and for whom; what comes twice; what says nothing; what is hardly meant."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Gt, Le
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.tables._parts import FACT, groups_of
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.nouns import counted
from auditkit.progress import step
from auditkit.scanning.tables.quality import IMPLAUSIBLE, Implausible, Profile, absent, profile
from auditkit.targets.table import Table as Records

if TYPE_CHECKING:
    import pandas as pd

_MOST_COLUMNS = 50  # with missing values, that are compared between groups
_MOST_VALUES = 1000  # different ones of a column that may be another in other words


@check(
    code="AK914",
    title="Quality of the values",
    question="What is missing, and for whom; what comes twice, says nothing, or is hardly meant?",
    dimension="data",
    metrics=[
        "complete_record_share",
        "missing_share",
        "missing_share_difference",
        "duplicate_record_share",
        "constant_columns",
        "near_constant_columns",
        "redundant_columns",
        "implausible_columns",
        "implausible_share",
    ],
    about="table",
)
def table_quality(
    subject: Records,
    *,
    rng: np.random.Generator,
    near_constant: Annotated[
        float,
        Gt(0.5),
        Le(1),
        Doc("A column says next to nothing where so large a share of its values is one."),
    ] = 0.995,
    as_of: Annotated[
        str | None,
        Doc(
            "Day after which dates lie in the future, as 2024-01-31; the day of the run when left out, and the report says which."
        ),
    ] = None,
    level: common.Level = 0.95,
) -> Evidence:
    """Count missing values by column and group, duplicates, columns that say nothing, and values that are hardly meant.

    Parameters
    ----------
    subject : Table
        Records.
    rng : numpy.random.Generator
        Permutations, where groups are small.
    near_constant : float
        Share of the most common value from which a column is nearly constant.
    as_of : str, optional
        The last day that is no future; that of the run when left out, where on earth it is latest.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``missing_share`` of each column that lacks values, ``complete_record_share`` and ``duplicate_record_share`` (Wilson: as a draw of what makes such
        records); ``missing_share_difference`` of each such column over each sensitive feature, with an interval over all pairs of groups and a test;
        counts of columns that are constant, nearly constant, or another column in other words; ``implausible_share`` by column and kind.
    """
    last = _day(as_of)
    frame = subject.frame
    n, d = frame.shape
    profiles = []
    for j, name in enumerate(frame.columns):
        profiles.append(profile(str(name), frame.iloc[:, j], last))
        step(0.7 * (j + 1) / d, f"{j + 1} of {d} columns")
    complete = n - int(
        np.any(
            [absent(frame.iloc[:, j]) for j, p in enumerate(profiles) if p.missing]
            or [np.zeros(n, dtype=bool)],
            axis=0,
        ).sum()
    )
    again = int(frame.duplicated().sum())
    lacking = [one for one in profiles if one.missing]
    gaps = _gaps(subject, lacking, level, rng)
    found = [one for p in profiles for one in p.found]
    twins = _redundant(frame, profiles)
    constant = [p.name for p in profiles if p.constant()]
    nearly = [p.name for p in profiles if p.constant(near_constant) and not p.constant()]
    counts = {
        "constant_columns": constant,
        "near_constant_columns": nearly,
        "redundant_columns": twins,
        "implausible_columns": sorted({one.column for one in found}),
    }
    shares = [
        _share("complete_record_share", complete, n, level),
        _share("duplicate_record_share", again, n, level),
        *(_share("missing_share", one.missing, n, level, one.name) for one in lacking),
        *gaps,
        *(_share("implausible_share", one.rows, n, level, f"{one.column}: {one.kind}") for one in found),
    ]
    return Evidence(
        "AK914",
        (
            *shares,
            *(Measurement(metric, float(len(names)), d, reason=FACT) for metric, names in counts.items()),
        ),
        _tables(subject, profiles, lacking, found, counts, level),
        says=_says(n, lacking, again, found, gaps),
        does_not_say=(
            "That the other values are right, nor that what was found is wrong: a cap, a rare category and a repeated record may all be meant. Why values are "
            "missing is not in the table."
        ),
        notes=_notes(subject, profiles, lacking, last, as_of),
        rows={"used": n, "of": n, "split": "records", "how": "all"},
    )


def _day(as_of: str | None) -> Any:
    """Return the last day that is no future; that of the place on earth where it is latest when left out."""
    import pandas as pd

    if as_of is None:
        return (pd.Timestamp.now(tz="UTC") + pd.Timedelta(hours=14)).normalize()
    found = pd.to_datetime(as_of, errors="coerce", utc=True, format="ISO8601")
    if pd.isna(found):
        raise InputError(f"as_of: expected a day as 2024-01-31; got {as_of!r}")
    return found.normalize()


def _share(metric: str, k: int, n: int, level: float, group: str | None = None) -> Measurement:
    return common.measured(metric, k / n, n, statistics.wilson(k, n, level), level, "wilson", group=group)


def _gaps(
    subject: Records, lacking: list[Profile], level: float, rng: np.random.Generator
) -> list[Measurement]:
    """Return by how much columns miss values more often in one group than in another."""
    found = []
    groupings = [one for one in groups_of(subject, subject.frame) if len(one.labels) > 1 and not one.too_many]
    for one in sorted(lacking, key=lambda p: -p.missing)[:_MOST_COLUMNS]:
        missing = _absent(subject, one.name)
        for groups in groupings:
            if groups.features == (one.name,):
                continue
            x = np.bincount(groups.codes[missing], minlength=len(groups.labels))
            gap = statistics.largest_gap(x, groups.sizes, level, rng=rng)
            if not np.isfinite(gap.value):
                continue
            high, low = groups.labels[gap.highest_index], groups.labels[gap.lowest_index]
            found.append(
                common.measured(
                    "missing_share_difference", gap.value, len(missing), (gap.low, gap.high), level, gap.method, group=f"{one.name} by {groups.name}",
                    p_value=gap.p_value, p_method=gap.p_method,
                    reason=f"{common.percent(x[gap.highest_index] / groups.sizes[gap.highest_index])} of {high}, {common.percent(x[gap.lowest_index] / groups.sizes[gap.lowest_index])} of {low}",
                )
            )  # fmt: skip
    return found


def _absent(subject: Records, name: str) -> np.ndarray:
    return absent(subject.column(name))


def _redundant(frame: pd.DataFrame, profiles: list[Profile]) -> list[str]:
    """Return columns that say what an earlier one says in other words: each value of the one stands for one of the other."""
    first: dict[bytes, int] = {}
    found = []
    for j, p in enumerate(profiles):
        if 1 < p.different <= _MOST_VALUES and p.different < p.rows / 2:
            one = first.setdefault(_pattern(frame.iloc[:, j]), j)
            if one != j:
                found.append(f"{p.name} (as {profiles[one].name})")
    return found


def _pattern(column: pd.Series[Any]) -> bytes:
    """Return a digest of which records agree, a missing value being one like others; the same for a column that says it in other words."""
    import pandas as pd

    codes = pd.factorize(pd.factorize(column)[0])[0]  # numbered in the order of the records, gaps too
    return hashlib.sha256(codes.astype(np.int32).tobytes()).digest()


def _tables(
    subject: Records, profiles: list[Profile], lacking: list[Profile], found: list[Implausible], counts: dict[str, list[str]], level: float
) -> dict[str, Table]:  # fmt: skip
    tables: dict[str, Table] = {}
    if lacking:
        n = len(subject.frame)
        ordered = sorted(lacking, key=lambda p: -p.missing)[:30]
        shown = [_share("missing_share", one.missing, n, level, one.name) for one in ordered]
        words = {"label": "Column", "value": "Share of records without a value", "n": "records"}
        summary = f"{counted(len(lacking), 'column')} of {len(profiles)} {'lacks' if len(lacking) == 1 else 'lack'} values; {ordered[0].name} most often."
        tables["missing"] = Table(
            "Missing values by column", common.estimates(shown), "estimates", words, summary
        )
        tables |= _by_group(subject, ordered[0], level)
    if found:
        ordered_ = sorted(found, key=lambda one: -one.rows)
        columns = {
            "column": tuple(one.column for one in ordered_),
            "kind": tuple(IMPLAUSIBLE[one.kind] for one in ordered_),
            "told": tuple(one.told for one in ordered_),
            "rows": tuple(one.rows for one in ordered_),
        }
        words = {"column": "Column", "kind": "What it is", "told": "In this column", "rows": "Records"}
        summary = f"{counted(len(found), 'kind')} of values that are hardly meant."
        tables["implausible"] = Table("Values that are hardly meant", columns, "plain", words, summary)
    return tables | {"columns": _columns(profiles, counts)}


def _by_group(subject: Records, one: Profile, level: float) -> dict[str, Table]:
    missing = _absent(subject, one.name)
    shown = []
    for groups in groups_of(subject, subject.frame):
        if groups.too_many or groups.features == (one.name,):
            continue
        x = np.bincount(groups.codes[missing], minlength=len(groups.labels))
        shown += [
            _share("missing_share", int(k), int(m), level, label)
            for k, m, label in zip(x, groups.sizes, groups.labels, strict=True)
        ]
    if not shown:
        return {}
    words = {"label": "Group", "value": f"Share of records without {one.name}", "n": "records"}
    summary = f"How often {one.name}, which is missing most often, is missing in each group."
    table = Table(
        f"Missing {one.name} by group",
        common.estimates(shown),
        "estimates",
        words,
        summary,
        one.missing / one.rows,
    )
    return {"missing_by_group": table}


def _columns(profiles: list[Profile], counts: dict[str, list[str]]) -> Table:
    twins = {
        one.partition(" (as ")[0]: one.partition(" (as ")[2].rstrip(")")
        for one in counts["redundant_columns"]
    }
    said = []
    for p in profiles:
        words = ["one value"] if p.name in counts["constant_columns"] else []
        words += ["nearly one value"] if p.name in counts["near_constant_columns"] else []
        words += [f"says what {twins[p.name]} says"] if p.name in twins else []
        words += [IMPLAUSIBLE[one.kind] for one in p.found]
        said.append("; ".join(words))
    columns = {
        "column": tuple(p.name for p in profiles),
        "different": tuple(p.different for p in profiles),
        "missing": tuple(p.missing for p in profiles),
        "most_common": tuple(p.most_common / max(p.rows - p.missing, 1) for p in profiles),
        "said": tuple(said),
    }
    labels = {
        "column": "Column",
        "different": "Different values",
        "missing": "Missing",
        "most_common": "Share of the most common value",
        "said": "To look at",
    }
    summary = f"{sum(bool(one) for one in said)} of {counted(len(profiles), 'column')} to look at."
    return Table("What each column holds", columns, "plain", labels, summary)


def _says(
    n: int, lacking: list[Profile], again: int, found: list[Implausible], gaps: list[Measurement]
) -> str:
    most = max(lacking, key=lambda p: p.missing, default=None)
    said = (
        "No value is missing"
        if most is None
        else f"{counted(len(lacking), 'column')} {'lacks' if len(lacking) == 1 else 'lack'} values, {most.name} in {common.percent(most.missing / n)} of {n:,} records"
    )
    sure = [m for m in gaps if m.interval is not None and m.interval.low > 0]
    if sure:
        top = max(sure, key=lambda m: m.value)
        said += f"; missing values differ most in {top.group}, by {common.share_with_ends(top)}"
    said += f"; {counted(again, 'record')} {'equals' if again == 1 else 'equal'} an earlier one"
    if found:
        told = ", ".join(f"{one.column} ({one.told})" for one in sorted(found, key=lambda one: -one.rows)[:3])
        return (
            f"{said}; values that are hardly meant stand in {told}{' and others' if len(found) > 3 else ''}."
        )
    return f"{said}; no value was found that is hardly meant."


def _notes(
    subject: Records, profiles: list[Profile], lacking: list[Profile], last: Any, as_of: str | None
) -> tuple[str, ...]:
    notes = []
    if not subject.sensitive and lacking:
        notes.append(
            'Missing values are not compared between groups: name them, sensitive = ["COLUMN"] in the subject file.'
        )
    if len(lacking) > _MOST_COLUMNS:
        notes.append(f"Groups are compared in the {_MOST_COLUMNS} columns that lack most values.")
    if any(one.dated for one in profiles):
        day = last.date().isoformat()
        same = f'; as_of = "{day}" gives the same on another day' if as_of is None else ""
        notes.append(f"Dates count as future after {day}{same}.")
    return tuple(notes)
