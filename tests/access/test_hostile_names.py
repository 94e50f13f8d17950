"""Hostile names: whoever names an account, a note, a group, a service or a server writes nothing into a page, a terminal or a file."""

from __future__ import annotations

import json

import pytest

from auditkit import Audit
from auditkit.data import make_hub
from auditkit.hub import of_text
from auditkit.hub.decisions import Decided, Decisions
from auditkit.hub.lines import lines_of
from auditkit.loading import load_policy
from auditkit.render.page import verdict
from auditkit.targets.access import Access

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
NAMES = (
    "dora",
    "bela",
    "nightly job",
    "chiefs",
    "culler",
    "lab",
    "jupyterhub.auth.DummyAuthenticator",
    "6.1.1",
)


def hub_of(name):
    """Return the hub with a hostile name wherever somebody names something."""
    text = make_hub().text()
    for old in NAMES:
        text = text.replace(json.dumps(old), json.dumps(f"{name}{old}"))
    return of_text(text, "a hub")


@pytest.mark.parametrize("name", [MARKUP, "\x1b[31m\x07", "\u202eevil", "a\nb", "**bold** [a](javascript:b)"])
def test_no_name_reaches_a_page_as_it_is(name):
    hub = hub_of(name)
    before = Decisions(
        "0" * 64, tuple(Decided(one.id, "revoke", f"{name} left") for one in lines_of(hub)), b""
    )
    report = Audit(["access"], load_policy(None)).run(Access(f"{name}hub", hub, before))
    assert not [one.reason for one in report.evidence if one.outcome == "error"]
    pages = report._repr_html_() + verdict(report.to_dict())
    assert len(pages) > 5_000
    for raw in ("<script>alert", "<img src=x", "\x1b", "\x07", "\u202e", "<strong>bold", 'href="javascript'):
        assert raw not in pages
