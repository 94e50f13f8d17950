"""Notes on the page: beside their finding, or among what was added by hand; never as markup."""

from __future__ import annotations

import pytest

from auditkit.render import page, views

BAD = "<img src=x onerror=alert(1)>"


@pytest.fixture
def noted(report):
    fingerprints = [f"{i:016x}" for i in range(len(report["findings"]))]
    for finding, fingerprint in zip(report["findings"], fingerprints, strict=True):
        finding["fingerprint"] = fingerprint
    sign = {"author": BAD, "time": "2026-11-28T18:29:59+00:00"}
    seen = {
        "about": f"thresholds {BAD}", "at": {"z": BAD, "a": [1, 2]}, "says": f"Says {BAD}", "does_not_say": f"Not {BAD}",
        "tables": {"t": {"title": BAD, "columns": {"what": [BAD], "now": [1]}, "kind": "plain", "labels": {}, "summary": BAD, "reference": None}},
    }  # fmt: skip
    waiver = {"reason": f"board {BAD}", "by": BAD, "until": "2027-01-31"}
    waived = next(f for f in report["findings"] if f["status"] == "waived")
    waived |= {"waiver": waiver, "was": "fail"}
    report["notes"] = [
        {"text": f"first {BAD}", "about": fingerprints[1], **sign},
        {"text": "of another audit", "about": "f" * 16, **sign},
        {"text": "on the whole", **sign},
        {"text": "", "seen": seen, **sign},
    ]
    return report


def text(parsed, html):
    return " ".join(" ".join(parsed(html).text).split())


def test_a_note_stands_beside_its_finding(noted, parsed):
    html = page.findings(noted)
    assert "<img" not in html
    said = text(parsed, html)
    assert said.count(f"Note: first {BAD}") == 1
    assert f"{BAD}, 2026-11-28 18:29 UTC" in said
    assert "1 note" in said
    assert f"Waived by {BAD} until 2027-01-31: board {BAD}. Without the waiver: not met." in said
    assert "on the whole" not in said


@pytest.mark.parametrize("figures", [False, True])
def test_what_was_added_by_hand_is_marked_as_such(noted, parsed, figures):
    html = views.draw("notes", views.view_data("notes", noted), figures=figures)
    assert "<img" not in html
    said = text(parsed, html)
    assert said.count("Looked at by hand, outside the plan; not judged.") == 1
    for part in ("It was not judged", f"Thresholds {BAD}", f"Says {BAD}", f"Does not say: Not {BAD}", "About the audit as a whole", "on the whole",
                 "About a finding that is not in this report", "of another audit"):  # fmt: skip
        assert part in said
    assert "first" not in said
    assert said.index("Where the controls stood") < said.index("z")


def test_other_views_do_not_carry_what_was_seen(noted):
    for view in ("verdict", "findings", "methods"):
        notes = views.view_data(view, noted).get("notes", [])
        assert [note["text"] for note in notes] == [f"first {BAD}", "of another audit"]
        assert not any("seen" in note for note in notes)
    bundle = views.bundle("notes", views.view_data("notes", noted))
    assert "thresholds" in bundle["text/plain"]
    assert "Added by hand" in bundle["text/html"]


def test_a_report_without_notes_says_nothing_of_them(report):
    assert "notes" not in views.view_data("findings", report)
    assert "ak-noted" not in page.findings(report)
