"""AK952: tokens without an end, unused and wide ones are counted; those of running servers are told apart by what they reach."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from auditkit import Audit
from auditkit.data import make_hub
from auditkit.hub.found import of_server
from auditkit.hub.scopes import wide
from auditkit.hub.snapshot import Token
from auditkit.loading import load_policy
from auditkit.targets.access import Access

METRICS = ("tokens_without_expiry", "unused_tokens", "wide_tokens", "wide_tokens_without_expiry")
SERVER = ("access:servers!server=ada/", "read:users:activity!user=ada", "read:users:groups!user=ada", "read:users:name!user=ada", "users:activity!user=ada")  # fmt: skip


def audited(snapshot, **options):
    return Audit({"hub_api_access": options}, load_policy(None)).run(Access("lab", snapshot))


def values(report):
    return tuple(report.of("AK952").measurement(one).value for one in METRICS)


def test_planted_faults_are_counted_and_fail():
    report = audited(make_hub())
    # ada's, bela's and gus's laptop never end; gus's phone is unused; ada's and bela's act on what is others'
    assert values(report) == (3, 1, 2, 2)
    assert list(report.of("AK952").tables["tokens"].columns["token"]) == ["a1", "a2", "a3", "a5"]
    assert report.verdict == "fail"


def test_the_clean_twin_passes():
    report = audited(make_hub(faults=False))
    assert values(report) == (0, 0, 0, 0)
    assert report.verdict == "pass"


def test_a_token_that_was_never_used_counts_from_when_it_was_made():
    hub = make_hub(faults=False)
    made = [
        Token("ada", f"a{d}", scopes=(), created=hub.taken - timedelta(days=d), expires=hub.taken)
        for d in (9, 10, 11)
    ]
    assert values(audited(replace(hub, tokens=tuple(made)), unused_days=10))[1] == 2


@pytest.mark.parametrize(
    ("scopes", "is_one"),
    [
        (SERVER, True),
        ((*SERVER, "tokens!user=ada"), False),
        (("inherit",), False),
        (None, False),
        ((), False),
    ],
)
def test_a_note_alone_makes_no_token_of_a_server(scopes, is_one):
    assert of_server(Token("ada", "a1", "Server at /user/ada/", scopes=scopes)) is is_one
    assert not of_server(Token("ada", "a1", "mine", scopes=SERVER))


@pytest.mark.parametrize(
    ("scope", "is_wide"),
    [
        ("admin:users", True), ("tokens", True), ("shutdown", True), ("a-new-scope-of-tomorrow", True), ("inherit", True),
        ("admin:users!group=team", True), ("servers!user=bob", True), ("users:shares", True),
        ("servers!user=ada", False), ("tokens!user", False), ("read:users", False), ("list:groups", False), ("admin-ui", False),
        ("access:servers!server=bob/lab", False), ("custom:grades:read", False), ("self", False), ("users:activity", False),
    ],
)  # fmt: skip
def test_what_is_wide(scope, is_wide):
    assert bool(wide([scope], "ada")) is is_wide


def test_scopes_that_are_not_told_are_undecided():
    hub = make_hub(faults=False)
    blank = replace(hub, tokens=tuple(replace(one, scopes=None) for one in hub.tokens[:2]))
    report = audited(blank)
    assert [math.isnan(one) for one in values(report)] == [False, False, True, True]
    assert report.verdict == "undecided"


def test_accounts_that_went_while_the_hub_was_asked_leave_it_undecided():
    report = audited(replace(make_hub(faults=False), unread=("zoe",)))
    assert all(map(math.isnan, values(report)))
    assert "take the snapshot again" in report.of("AK952").measurement("wide_tokens").reason


def test_a_token_of_which_no_time_was_told_is_not_called_used():
    hub = make_hub(faults=False)
    found = audited(replace(hub, tokens=(Token("ada", "a1", scopes=()),))).of("AK952")
    assert math.isnan(found.measurement("unused_tokens").value)
    assert "was not told" in found.measurement("unused_tokens").reason
