"""AK953: services, groups and accounts with wide roles are counted; a role that is not known leaves a count of nothing undefined."""

from __future__ import annotations

import math
from dataclasses import replace

from auditkit import Audit
from auditkit.data import make_hub
from auditkit.hub.snapshot import Account, Group, Service
from auditkit.loading import load_policy
from auditkit.targets.access import Access

METRICS = ("wide_services", "wide_groups", "wide_role_accounts", "roles_of_unknown_scope")


def audited(snapshot):
    return Audit(["hub_roles"], load_policy(None)).run(Access("lab", snapshot))


def values(report):
    return tuple(report.of("AK953").measurement(one).value for one in METRICS)


def test_planted_faults_are_counted_and_fail():
    report = audited(make_hub())
    assert values(report) == (1, 1, 0, 0)  # culler by the flag, chiefs by the role admin
    assert report.verdict == "fail"


def test_the_clean_twin_passes():
    report = audited(make_hub(faults=False))
    assert values(report) == (0, 0, 0, 0)
    assert report.verdict == "pass"


def test_a_role_is_wide_by_its_scopes_and_reaches_through_groups():
    hub = make_hub(faults=False)
    roles = {**hub.roles, "culling": ("list:users", "admin:servers"), "looking": ("read:users",)}
    people = (Account("ada", roles=("user",), groups=("ops",)), Account("bob", roles=("culling",), groups=()), Account("eve", roles=("looking",), groups=()))  # fmt: skip
    made = replace(
        hub, accounts=people, roles=roles, groups=(Group("ops", ("culling",), ("ada", "gone")),),
        services=(Service("a", roles=("culling",)), Service("b", roles=("looking",))),
    )  # fmt: skip
    assert values(audited(made)) == (1, 1, 2, 0)


def test_an_unknown_role_is_undecided_until_its_scopes_are_given():
    hub = replace(make_hub(faults=False), roles={})
    report = audited(hub)
    services, groups, accounts, unknown = values(report)
    assert math.isnan(services)
    assert (groups, accounts, unknown) == (0, 0, 1)
    assert "--roles" in report.of("AK953").measurement("wide_services").reason
    assert report.verdict == "undecided"
    assert audited(replace(hub, roles={"review": ("read:users",)})).verdict == "pass"
    assert audited(replace(hub, roles={"review": ("shutdown",)})).verdict == "fail"


def test_roles_that_were_not_told_are_undecided():
    hub = make_hub(faults=False)
    scopes = tuple(one for one in hub.scopes if one != "read:roles:services")
    made = replace(hub, scopes=scopes, services=(Service("review", roles=None),))
    report = audited(made)
    assert math.isnan(report.of("AK953").measurement("wide_services").value)
    assert "read:roles:services" in report.of("AK953").measurement("wide_services").reason


def test_the_reviews_own_service_reaches_as_far_as_its_token_says():
    hub = replace(make_hub(faults=False), roles={}, own="review")
    report = audited(hub)
    assert values(report) == (0, 0, 0, 0)
    assert report.verdict == "pass"
    assert values(audited(replace(hub, scopes=(*hub.scopes, "tokens"))))[0] == 1
    named_alike = replace(hub, own="another")
    assert audited(named_alike).verdict == "undecided"
