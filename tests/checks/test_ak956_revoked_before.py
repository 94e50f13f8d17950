"""AK956: what was to be revoked and is still there is told with its reason and what to do; what is gone is not."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from auditkit import Audit
from auditkit.data import make_hub
from auditkit.errors import NotApplicable
from auditkit.hub.decisions import Decided, Decisions
from auditkit.hub.lines import lines_of
from auditkit.loading import load_policy
from auditkit.targets.access import Access


def decisions(snapshot, *revoked):
    every = [(one, (one.kind, one.who) in revoked) for one in lines_of(snapshot)]
    decided = tuple(Decided(one.id, "revoke" if out else "keep", "because") for one, out in every)
    return Decisions(snapshot.digest, decided, b"file")


def audited(snapshot, before):
    return Audit(["hub_revocations"], load_policy(None)).run(Access("lab", snapshot, before))


def test_what_is_still_there_is_told_and_fails():
    hub = make_hub()
    before = decisions(hub, ("administrator", "dora"), ("account", "kurt"), ("service", "culler"))
    later = replace(hub, accounts=tuple(one for one in hub.accounts if one.name != "kurt"))
    report = audited(later, before)
    found = report.of("AK956")
    assert (found.measurement("revoked_before").value, found.measurement("revoked_still_there").value) == (
        3,
        2,
    )
    table = found.tables["revoked"].frame()
    assert list(table["who"]) == ["dora", "culler"]
    assert set(table["reason"]) == {"because"}
    assert "/hub/api/users/dora" in table["revoke"][0]
    assert report.verdict == "fail"
    assert report.subject["parts"]["decisions before"] == before.digest


def test_what_is_gone_passes_and_what_was_kept_may_stay():
    hub = make_hub()
    before = decisions(hub, ("account", "kurt"))
    report = audited(replace(hub, accounts=tuple(one for one in hub.accounts if one.name != "kurt")), before)
    assert report.of("AK956").measurement("revoked_still_there").value == 0
    assert report.verdict == "pass"


def test_what_cannot_be_seen_any_more_is_not_gone():
    hub = make_hub()
    before = decisions(hub, ("token", "bela"))
    blind = replace(hub, tokens=(), scopes=tuple(one for one in hub.scopes if one != "read:tokens"))
    report = audited(blind, before)
    assert math.isnan(report.of("AK956").measurement("revoked_still_there").value)
    assert report.verdict == "undecided"


def test_without_an_earlier_review_it_does_not_apply():
    from auditkit.checks.access import hub_revocations

    with pytest.raises(NotApplicable, match="no earlier decisions"):
        hub_revocations(Access("lab", make_hub()), rng=None)


def test_decisions_of_another_hub_pass_nothing():
    hub = make_hub()
    named = replace(hub, accounts=tuple(replace(one, name=f"x-{one.name}") for one in hub.accounts))
    other = replace(named, tokens=(), groups=(), services=(), shares=())
    report = audited(
        other, decisions(replace(hub, tokens=(), groups=(), services=(), shares=()), ("account", "kurt"))
    )
    assert math.isnan(report.of("AK956").measurement("revoked_still_there").value)
    assert "of another one" in report.of("AK956").says
    assert report.verdict == "undecided"
