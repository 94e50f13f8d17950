"""Advisories: ranges by hand, OSV records read and evaluated as the schema says, malformed ones survived, the shipped table in order."""

from __future__ import annotations

import json
import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.scanning.advisories import SEVERITIES, Advisories, Advisory, matches
from auditkit.scanning.osv import events_of, of_folder, of_records
from auditkit.scanning.stack import shipped

BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work


def between(*pairs):
    """Return the ranges of some pairs of a first release with the fault, and the first without."""
    return tuple(
        events_of([{"introduced": low}, *([] if high is None else [{"fixed": high}])])[0]
        for low, high in pairs
    )


def record(name="Left.Pad", events=None, versions=(), **more):
    ranges = [] if events is None else [{"type": "ECOSYSTEM", "events": events}]
    affected = [
        {"package": {"ecosystem": "PyPI", "name": name}, "ranges": ranges, "versions": list(versions)}
    ]
    return {"id": "PYSEC-2024-1", "modified": "2024-05-06T00:00:00Z", "affected": affected, **more}


ROW = Advisory("jupyterlab", "X-1", between(("0", "3.6.7"), ("4.0.0", "4.0.11")), "high")


@pytest.mark.parametrize(
    ("version", "affected", "fixed"),
    [("3.6.6", True, "3.6.7"), ("3.6.7", False, ""), ("3.9", False, ""), ("4.0.0", True, "4.0.11"), ("4.0.10", True, "4.0.11"),
     ("4.0.11", False, ""), ("4.0.0rc1", False, ""), ("4.0.11.dev0", True, "4.0.11"), ("0.dev0", True, "3.6.7"), ("not a version", None, "")],
)  # fmt: skip
def test_a_release_lies_in_a_range_or_not(version, affected, fixed):
    assert ROW.affects(version) is affected
    if affected is not False:
        assert ROW.fixed(version) == fixed


def test_a_fix_that_another_range_holds_is_none():
    """Of two ranges that overlap, the end of the first lies in the second."""
    row = Advisory("a", "X-1", between(("0", "1.2"), ("1.1", "2.0")))
    assert row.fixed("1.0") == "2.0"


def test_a_local_label_is_of_its_release_and_no_fix_is_known_of_some():
    row = Advisory("ray", "X-2", between(("0", None)))
    assert row.affects("2.9.0+cpu")
    assert row.fixed("2.9.0") == ""
    [last] = of_records([record(events=[{"introduced": "0"}, {"last_affected": "2.9.0"}])]).rows
    assert last.affects("2.9.0+cpu")
    assert not last.affects("2.9.1+cpu")
    [named] = of_records([record(versions=["2.9.0"])]).rows
    assert named.affects("2.9.0+cpu")


@pytest.mark.parametrize(
    ("events", "affected", "clear"),
    [
        ([{"introduced": "0"}, {"fixed": "1.2"}], ["0.1", "1.1.9", "1.2rc1"], ["1.2", "2"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.2"}], ["1.0", "1.2"], ["0.9", "1.2.1"]),
        ([{"introduced": "0"}, {"fixed": "1"}, {"introduced": "2"}, {"fixed": "2.5"}], ["0.5", "2.4"], ["1.5", "2.5"]),
        ([{"introduced": "1"}], ["1", "99"], ["0.9"]),
        ([{"fixed": "1.2"}, {"introduced": "0"}], ["1.1"], ["1.2"]),
        ([{"introduced": "0", "fixed": "1.2"}], ["1.1"], ["1.2"]),
        ([{"introduced": "1"}, {"limit": "3"}], ["1", "2.9"], ["0.9", "3"]),
        ([{"introduced": "1"}, {"limit": "*"}], ["1", "99"], ["0.9"]),
        ([{"introduced": "1"}, {"fixed": "3"}, {"introduced": "3"}, {"fixed": "5"}], ["1", "3", "4"], ["5"]),
    ],
)  # fmt: skip
def test_a_range_is_evaluated_as_the_schema_says(events, affected, clear):
    [row] = of_records([record(events=events)]).rows
    assert [row.affects(one) for one in affected] == [True] * len(affected)
    assert [row.affects(one) for one in clear] == [False] * len(clear)
    assert row.verified


@pytest.mark.parametrize(
    ("events", "affected"),
    [
        ([{"introduced": "odd one"}, {"fixed": "2"}], "0.1"),
        ([{"introduced": "1"}, {"fixed": "odd one"}], "9"),
        ([{"introduced": "1"}, {"fixed": None}], "9"),
        ([{"fixed": "2"}], "0.1"),
        ([{"introduced": "0"}, "odd one", {"fixed": "2"}], "1"),
    ],
)
def test_an_end_that_cannot_be_read_never_hides_a_fault_and_is_told(events, affected):
    [row] = of_records([record(events=events)]).rows
    assert row.affects(affected)
    assert not row.verified


NUMBERS = st.integers(0, 6)


@BUSY
@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3), NUMBERS)
def test_a_version_is_affected_where_an_interval_holds_it(intervals, asked):
    records = [
        record(id=f"X-{at}", events=[{"introduced": str(low)}, {"fixed": str(low + size)}])
        for at, (low, size) in enumerate(intervals)
    ]
    inside = sum(low <= asked < low + size for low, size in intervals)
    assert len(of_records(records).about("Left_Pad", str(asked))) == inside


@BUSY
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=3), NUMBERS)
def test_the_fix_is_the_least_later_end_that_no_interval_holds(intervals, asked):
    [row] = of_records([
        record(events=[one for low, size in sorted(intervals) for one in ({"introduced": str(low)}, {"fixed": str(low + size)})])
    ]).rows  # fmt: skip
    inside = [row.affects(str(at)) for at in range(14)]
    ends = sorted({low + size for low, size in intervals})
    expected = next((str(end) for end in ends if end > asked and not inside[end]), "")
    assert row.fixed(str(asked)) == expected


def test_listed_versions_count_and_what_is_withdrawn_malformed_or_of_elsewhere_does_not():
    npm = record(events=[{"introduced": "0"}])
    npm["affected"][0]["package"]["ecosystem"] = "npm"
    found = of_records([
        record(versions=["1.0", "odd version"], aliases=["CVE-2024-1", "<script>"], database_specific={"severity": "MODERATE"}),
        record(events=[{"introduced": "0"}], withdrawn="2024-01-01T00:00:00Z"),
        npm, None, [], {"id": "x"}, record(id="<b>", events=[{"introduced": "0"}]), record(events="no"),
    ])  # fmt: skip
    assert (found.records, found.unread, found.date) == (1, 6, "2024-05-06")
    [one] = found.about("left-pad", "1.0.0")
    assert (one.advisory.id, one.advisory.aliases, one.advisory.name, one.advisory.severity) == (
        "PYSEC-2024-1", ("CVE-2024-1",), "CVE-2024-1", "medium",
    )  # fmt: skip
    assert found.about("left-pad", "odd version")[0].comparable
    assert not found.about("left-pad", "another odd version")[0].comparable
    assert found.about("left-pad", "1.1") == found.about("other", "1") == ()


@pytest.mark.parametrize("package", [None, "torch", 3, [], ["torch"], {}, {"ecosystem": "PyPI", "name": 3}, {"ecosystem": ["PyPI"], "name": "a"}])  # fmt: skip
def test_a_package_that_is_no_mapping_is_survived_in_a_folder(tmp_path, package):
    """Once such a file ended the scan of the whole folder."""
    osv(tmp_path)
    osv(tmp_path, "odd", id="B-2", affected=[{"package": package, "versions": ["1"]}])
    table = of_folder(tmp_path)
    assert ([one.name for one in table.rows], table.unread) == (["CVE-2022-21797"], 1)


def test_two_records_of_one_fault_are_one_and_the_graver_is_told():
    """The index's own record has no rating; that of the other database, of the same CVE, has one."""
    events = [{"introduced": "0"}, {"fixed": "1.2"}]
    table = of_records([
        record(events=events, aliases=["CVE-2024-1", "GHSA-a"]),
        record(events=events, id="GHSA-a", aliases=["CVE-2024-1"], database_specific={"severity": "HIGH"}),
        record(events=events, id="PYSEC-2024-2", aliases=["CVE-2024-2"]),
    ])  # fmt: skip
    found = table.about("left-pad", "1.0")
    assert [(one.advisory.name, one.advisory.severity) for one in found] == [
        ("CVE-2024-1", "high"),
        ("CVE-2024-2", "unknown"),
    ]


def osv(folder, name="a", **more):
    said = {
        "id": "PYSEC-2022-288", "modified": "2022-10-10T13:42:48Z", "aliases": ["CVE-2022-21797"], "summary": "eval of an option",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "Joblib"},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]}],
    }  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(said | more))


def test_a_folder_is_read_with_its_date_and_what_is_of_interest(tmp_path):
    osv(tmp_path)
    (tmp_path / "within").mkdir()
    osv(tmp_path / "within", id="PYSEC-2030-1", aliases=[], modified="2030-01-02T00:00:00Z")
    osv(tmp_path, "odd", id="PYSEC-3", modified="zzzz", affected=[{"package": {"ecosystem": "PyPI", "name": "other"}, "versions": ["1"]}])  # fmt: skip
    table = of_folder(tmp_path, ["JobLib"])
    assert (table.date, table.records, len(table.rows)) == ("2030-01-02", 3, 2)
    assert {one.advisory.name for one in matches({"joblib": "1.1"}, table)} == {
        "CVE-2022-21797",
        "PYSEC-2030-1",
    }
    assert all(one.verified for one in table.rows)


def test_withdrawn_foreign_and_strange_files_are_left_out(tmp_path):
    osv(tmp_path)
    osv(tmp_path, "gone", id="B-1", withdrawn="2024-01-01T00:00:00Z")
    osv(tmp_path, "npm", id="C-1", affected=[{"package": {"ecosystem": "npm", "name": "joblib"}}])
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    table = of_folder(tmp_path)
    assert [one.name for one in table.rows] == ["CVE-2022-21797"]
    assert (table.records, table.unread) == (1, 6)


def test_no_folder_and_an_empty_one_are_told(tmp_path):
    with pytest.raises(InputError, match="no folder of OSV files"):
        of_folder(tmp_path / "none")
    with pytest.raises(InputError, match="no OSV file about a package of PyPI"):
        of_folder(tmp_path)


WORDS = st.one_of(
    st.sampled_from(["PyPI", "joblib", "ECOSYSTEM", "SEMVER", "introduced", "fixed", "0", "1.2", "2!1.0+x", "1.0.*", "CVE-2024-1", "HIGH", "*", "2024-01-01"]),
    st.text(max_size=6),
)  # fmt: skip
KEYS = st.sampled_from(["id", "modified", "withdrawn", "aliases", "summary", "details", "affected", "package", "ecosystem", "name", "ranges", "type", "events",
                        "introduced", "fixed", "last_affected", "limit", "versions", "database_specific", "severity"])  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=10,
)


def odd(good):
    """Return what is nearly always as the schema asks, and sometimes anything."""
    return st.one_of(good, good, good, JSON)


EVENTS = st.lists(odd(st.dictionaries(st.sampled_from(["introduced", "fixed", "last_affected", "limit"]), odd(WORDS), min_size=1, max_size=2)), max_size=4)  # fmt: skip
RANGES = st.lists(odd(st.fixed_dictionaries({"type": odd(st.sampled_from(["ECOSYSTEM", "GIT"])), "events": odd(EVENTS)})), max_size=2)  # fmt: skip
PACKAGE = st.fixed_dictionaries({"ecosystem": odd(st.just("PyPI")), "name": odd(st.sampled_from(["joblib", "Ray", "a b", ""]))})  # fmt: skip
AFFECTED = st.lists(odd(st.fixed_dictionaries({"package": odd(PACKAGE)}, optional={"ranges": odd(RANGES), "versions": odd(st.lists(odd(WORDS), max_size=3))})), max_size=3)  # fmt: skip
RECORD = st.fixed_dictionaries(
    {"id": odd(st.sampled_from(["PYSEC-1", "GHSA-a-b-c", "CVE-2024-1"])), "affected": odd(AFFECTED)},
    optional={"modified": odd(st.just("2024-05-06T00:00:00Z")), "withdrawn": JSON, "aliases": odd(st.lists(odd(WORDS), max_size=2)), "summary": JSON, "details": JSON,
              "database_specific": JSON},
)  # fmt: skip


@settings(parent=BUSY, max_examples=100)
@given(st.lists(st.one_of(RECORD, JSON), max_size=4), WORDS)
def test_any_json_is_read_or_counted_and_nothing_raises(records, version):
    table = of_records(records)
    withdrawn = sum(isinstance(one, dict) and bool(one.get("withdrawn")) for one in records)
    assert table.records + table.unread + withdrawn == len(records)
    assert re.fullmatch(r"(\d{4}-\d\d-\d\d)?", table.date)
    for row in table.rows:
        assert row.severity in SEVERITIES
        assert row.source == f"https://osv.dev/vulnerability/{row.id}"
        assert re.fullmatch(r"[A-Za-z0-9._:-]+", "".join((row.id, *row.aliases)))
        fixed = row.fixed(version)
        assert not fixed or row.affects(fixed) is False
    for one in matches({"joblib": version, "Ray": "1.0"}, table):
        assert one.advisory.affects(one.version) is not False


@BUSY
@given(st.dictionaries(st.sampled_from(["torch", "ray", "joblib"]), st.text(max_size=12)))
def test_any_version_is_survived(installed):
    matches(installed, shipped())
    matches(installed, Advisories("none", "", ()))


def test_guilty_and_innocent_environments():
    old = {"torch": "2.5.1+cpu", "Jupyter_Server": "2.14.0", "numpy": "2.0", "keras": "3.8.0"}
    found = {(one.package, one.advisory.id): one.fixed for one in matches(old, shipped())}
    assert found[("torch", "CVE-2025-32434")] == "2.6.0"
    assert found[("Jupyter_Server", "CVE-2024-35178")] == "2.14.1"
    assert ("keras", "CVE-2025-1550") in found
    assert not matches(
        {"torch": "2.13.0", "jupyter-server": "2.20.0", "joblib": "1.5.0", "numpy": "2.0"}, shipped()
    )
    [odd_one] = matches({"joblib": "trunk"}, shipped())
    assert not odd_one.comparable


def test_the_shipped_table_is_dated_and_every_row_has_a_source():
    table = shipped()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", table.date)
    assert len({(one.package, one.id) for one in table.rows}) == len(table.rows)
    for one in table.rows:
        assert one.ranges
        assert all(any(event.what == "introduced" for event in events) for events in one.ranges)
        assert one.severity in {"critical", "high", "medium", "low"}
        assert one.source.startswith(
            (
                "https://nvd.nist.gov/vuln/detail/CVE-",
                "https://osv.dev/vulnerability/",
                "https://github.com/advisories/GHSA-",
            )
        )
        assert one.affects("0.0.1") is not None
    assert any(one.verified for one in table.rows)
