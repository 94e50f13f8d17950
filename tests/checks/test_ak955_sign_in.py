"""AK955: the class of the authenticator decides what is said; an unknown one is undecided, and a second factor is never claimed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from auditkit import Audit
from auditkit.data import make_hub
from auditkit.loading import load_policy
from auditkit.targets.access import Access


def audited(authenticator, **more):
    made = replace(make_hub(faults=False), authenticator=authenticator, **more)
    return Audit(["hub_sign_in"], load_policy(None)).run(Access("lab", made))


@pytest.mark.parametrize(
    ("authenticator", "anybody", "without", "verdict"),
    [
        ("jupyterhub.auth.DummyAuthenticator", 1, 1, "fail"),
        ("jupyterhub.authenticators.shared.SharedPasswordAuthenticator", 1, 1, "fail"),
        ("jupyterhub.auth.PAMAuthenticator", 0, 1, "fail"),
        ("nativeauthenticator.nativeauthenticator.NativeAuthenticator", 0, 1, "fail"),
        ("ldapauthenticator.ldapauthenticator.LDAPAuthenticator", 0, 1, "fail"),
        ("jupyterhub.auth.NullAuthenticator", 0, 0, "pass"),
        ("oauthenticator.generic.GenericOAuthenticator", 0, 0, "pass"),
        ("oauthenticator.azuread.AzureAdOAuthenticator", 0, 0, "pass"),
        ("ltiauthenticator.lti13.auth.LTI13Authenticator", 0, 0, "pass"),
    ],
)
def test_known_classes(authenticator, anybody, without, verdict):
    report = audited(authenticator)
    found = report.of("AK955")
    assert found.measurement("open_sign_in").value == anybody
    assert found.measurement("sign_in_without_provider").value == without
    assert report.verdict == verdict
    assert "second factor" in found.says


@pytest.mark.parametrize("authenticator", ["__main__.Ours", "oauthenticators.fake.OAuthenticator", "Ours"])
def test_an_unknown_class_is_undecided(authenticator):
    report = audited(authenticator)
    assert math.isnan(report.of("AK955").measurement("open_sign_in").value)
    assert authenticator in report.of("AK955").measurement("open_sign_in").reason
    assert report.verdict == "undecided"


def test_without_the_scope_it_is_undecided():
    scopes = tuple(one for one in make_hub().scopes if one != "read:hub")
    report = audited("", scopes=scopes)
    assert "read:hub" in report.of("AK955").measurement("open_sign_in").reason
    assert report.verdict == "undecided"
