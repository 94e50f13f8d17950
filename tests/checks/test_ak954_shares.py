"""AK954: old shares and long links are counted to the day; a hub before 5.0 has none, and that is said."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from auditkit import Audit
from auditkit.data import make_hub
from auditkit.hub.snapshot import Share
from auditkit.loading import load_policy
from auditkit.targets.access import Access

METRICS = ("server_shares", "group_shares", "old_shares", "share_links", "long_share_links")


def audited(snapshot, **options):
    return Audit({"hub_shares": options}, load_policy(None)).run(Access("lab", snapshot))


def values(report):
    return tuple(report.of("AK954").measurement(one).value for one in METRICS)


def test_planted_faults_are_counted_and_fail():
    report = audited(make_hub())
    assert values(report) == (2, 1, 1, 1, 1)
    assert report.verdict == "fail"


def test_the_clean_twin_passes():
    report = audited(make_hub(faults=False))
    assert values(report) == (2, 1, 0, 1, 0)
    assert report.verdict == "pass"


def test_limits_hold_to_the_day():
    hub = make_hub(faults=False)
    given = [Share("a", "", "user", f"u{d}", created=hub.taken - timedelta(days=d)) for d in (9, 10, 11)]
    links = [Share("a", "", "code", f"sc_{d}", expires=hub.taken + timedelta(days=d)) for d in (2, 3, 4)]
    found = values(audited(replace(hub, shares=(*given, *links)), share_days=10, link_days=3))
    assert (found[2], found[4]) == (2, 1)


@pytest.mark.parametrize("version", ["4.1.6", "2.0.0", "unknown"])
def test_an_old_hub_has_no_shares_and_says_so(version):
    found = audited(replace(make_hub(), version=version, shares=())).of("AK954")
    assert found.outcome == "not_applicable"
    assert found.reason == f"JupyterHub {version} has no shares: they came with 5.0"


def test_without_the_scope_it_is_undecided():
    hub = make_hub(faults=False)
    made = replace(hub, scopes=tuple(one for one in hub.scopes if one != "read:shares"), shares=())
    report = audited(made)
    assert all(map(math.isnan, values(report)))
    assert "read:shares" in report.of("AK954").measurement("old_shares").reason
    assert report.verdict == "undecided"
