"""AK951: administrators and accounts that nobody uses are counted to the day, also through groups; what was not told is undecided."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from auditkit import Audit
from auditkit.data import make_hub
from auditkit.hub.scopes import NEEDED
from auditkit.hub.snapshot import Account
from auditkit.loading import load_policy
from auditkit.targets.access import Access

METRICS = ("hub_administrators", "stale_administrators", "stale_accounts", "never_used_accounts")


def audited(snapshot, **options):
    return Audit({"hub_accounts": options}, load_policy(None)).run(Access("lab", snapshot))


def values(report):
    return {m.metric: m.value for m in report.of("AK951").measurements}


def test_planted_faults_are_counted_and_fail():
    report = audited(make_hub())
    # ada and dora by the flag, bela by the group; dora, emil, frida were not used for 90 days; kurt never
    assert values(report) == dict(zip(METRICS, (3, 1, 3, 1), strict=True))
    rows = report.of("AK951").tables["accounts"].frame()
    assert list(rows["account"]) == ["dora", "ada", "bela", "kurt", "emil", "frida"]
    assert (
        dict(zip(rows["account"], rows["administrator"], strict=True))["bela"] == "through the group chiefs"
    )
    assert report.verdict == "fail"


def test_the_clean_twin_passes():
    report = audited(make_hub(faults=False))
    assert values(report) == dict(zip(METRICS, (1, 0, 0, 0), strict=True))
    assert report.verdict == "pass"


def test_limits_hold_to_the_day():
    hub = make_hub(faults=False)
    at = [Account(f"u{days}", created=hub.taken - timedelta(days=500), last_activity=hub.taken - timedelta(days=days), knows_activity=True, roles=(), groups=()) for days in (29, 30, 31)]  # fmt: skip
    made = [Account(f"n{days}", created=hub.taken - timedelta(days=days), knows_activity=True, roles=(), groups=()) for days in (6, 7, 8)]  # fmt: skip
    report = audited(replace(hub, accounts=(*at, *made)), stale_days=30, new_days=7)
    assert (values(report)["stale_accounts"], values(report)["never_used_accounts"]) == (2, 2)
    future = Account(
        "f", last_activity=hub.taken + timedelta(days=400), knows_activity=True, roles=(), groups=()
    )
    assert values(audited(replace(hub, accounts=(future,))))["stale_accounts"] == 0


@pytest.mark.parametrize(
    ("part", "undefined"),
    [
        ("activity", METRICS[1:]),
        ("accounts", METRICS),
        ("groups", METRICS[1:2]),  # one administrator was found: at least that
    ],
)
def test_without_a_scope_nothing_found_is_undecided_and_the_scope_is_named(part, undefined):
    hub = make_hub(faults=False)
    scopes = tuple(one for one in hub.scopes if one not in NEEDED[part])
    kept = (
        ()
        if part == "accounts"
        else tuple(replace(one, knows_activity=part != "activity") for one in hub.accounts)
    )
    report = audited(replace(hub, scopes=scopes, accounts=kept))
    for metric in METRICS:
        one = report.of("AK951").measurement(metric)
        assert math.isnan(one.value) == (metric in undefined)
        if metric in undefined:
            assert all(scope in one.reason for scope in NEEDED[part])
    assert report.verdict == "undecided"


def test_what_was_found_in_a_part_still_fails():
    hub = make_hub()
    scopes = tuple(f"{one}!group=team" if one == "list:users" else one for one in hub.scopes)
    report = audited(replace(hub, scopes=scopes))
    one = report.of("AK951").measurement("stale_accounts")
    assert (one.value, one.bound) == (3, "lower")
    assert report.verdict == "fail"
