"""The pages over a batch and over a comparison in a real browser: what is to be seen is seen on a screen and on a phone, and filters filter."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import product

import pytest

from auditkit.render.batch import WORDS, batch_html
from auditkit.render.comparison import comparison_page

pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WHY = "it took longer than its limit of 3,600 seconds and was ended with all of its processes, among them the kernel"
SUBJECTS = ("credit", "credit_v2", "fraud_gradient_boosting_with_a_very_long_name_2026")
VARIANTS = ("bias", "membership-references=8", "membership-references=16")


def audits():
    """Return 18 audits, three of each word; those of an even place are tagged retail, and every third was not accepted before."""
    words, found = list(WORDS), []
    for at, (subject, variant, seed) in enumerate(product(SUBJECTS, VARIANTS, (0, 1))):
        word = words[(at + at // 6) % 6]
        done = word not in ("broke", "not_run")
        found.append(
            {"name": f"{subject}-{variant}-seed={seed}", "subject": subject, "template": variant.partition("-")[0],
             "settings": f"reference_attacks__references = 16, seed {seed}", "tags": ["nightly", *(["retail"] if at % 2 == 0 else [])],
             "word": word, "counts": {"pass": 8, "fail": 1, "inconclusive": 2} if done else {}, "why": WHY if word == "broke" else "",
             "href": "results/x/report.html" if done else "", "before": "pass" if at % 3 else None, "seconds": 1234.5}
        )  # fmt: skip
    return found


@contextmanager
def opened(path, width):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(path.as_uri())
        yield page
        browser.close()


@pytest.fixture
def index(tmp_path):
    accepted = {"by": "maria", "day": "2026-11-03", "reason": "reviewed"}
    said = {"name": "nightly", "verdict": "fail", "audits": audits(), "accepted": accepted, "excluded": []}
    path = tmp_path / "index.html"
    path.write_text(batch_html(said), encoding="utf-8")
    return path


def test_on_a_screen_no_column_is_cut_off(index):
    with opened(index, 1280) as page:
        wide = page.evaluate(
            "[...document.querySelectorAll('.ak-scroll')].map(one => one.scrollWidth - one.clientWidth)"
        )
        assert wide == [0, 0]
        assert page.locator(".ak-why").first.bounding_box()["width"] > 200  # why it broke is no narrow pillar


def test_on_a_phone_an_audit_and_its_outcome_stand_side_by_side(index):
    with opened(index, 420) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 420
        for table in (".ak-matrix", ".ak-audits"):
            for chip in page.locator(f"{table} tbody tr > :nth-child(2) .ak-chip").all():
                box = chip.bounding_box()
                assert box["x"] + box["width"] <= 420
        page.locator(".ak-audits").evaluate("table => { table.parentElement.scrollLeft = 1000 }")
        name = page.locator(".ak-audits tbody th").first.bounding_box()
        assert name["x"] >= 0  # it stays in sight while the rest is moved
        assert page.locator(".ak-audits tbody tr").first.locator("td").last.bounding_box()["x"] < 420


def test_each_filter_leaves_what_it_says_and_together_they_leave_what_fits_all(index):
    every = audits()

    def fit(**asked):
        return [one["name"] for one in every if all(test(one) for test in asked.values())]

    with opened(index, 1280) as page:

        def shown():
            found = page.locator("#rows > tr:visible").count()
            assert page.inner_text("#shown") == f"{found} of {len(every)} shown"
            return found

        assert shown() == 18
        asked = {"find": lambda one: "references=16" in one["name"]}
        page.fill("#find", "References=16 ")
        assert shown() == len(fit(**asked)) == 6
        asked["word"] = lambda one: one["word"] != "pass"
        page.uncheck("input[value=pass]")
        assert shown() == len(fit(**asked)) == 5
        asked["tag"] = lambda one: "retail" in one["tags"]
        page.select_option("#tag", "retail")
        assert shown() == len(fit(**asked))
        asked["changed"] = lambda one: one["before"] is not None and one["before"] != one["word"]
        page.check("#changed")
        assert shown() == len(fit(**asked))
        page.fill("#find", "no such audit")
        assert shown() == 0


def test_a_comparison_on_a_phone_has_rows_of_a_rows_height(tmp_path):
    interval = {"low": -0.0123, "high": 0.0456, "level": 0.95, "method": "newcombe"}
    measured = {"metric": "accuracy", "value": 0.8123, "n": 500, "interval": interval, "group": "age_band=60 and over", "bound": "two-sided",
                "by_construction": False, "p_value": None, "p_adjusted": None, "unit": ""}  # fmt: skip
    move = {"check": "AK101", "metric": "accuracy", "group": "age_band=60 and over", "before": measured, "after": measured, "value": 0.0123,
            "change": interval, "p_value": 0.5, "p_adjusted": 0.6, "method": "Newcombe, Fisher exact", "criterion": None, "status": None,
            "worse": None, "reason": "no worsening beyond noise; alone, a change of 0.058 would have stood out", "fingerprint": "0" * 16}  # fmt: skip
    side = {"path": "x/report.json", "schema": "s", "subject": "credit", "started": None, "auditkit": "0.1.0", "seed": 0, "policy": None,
            "verdict": "pass", "rows": 500, "model_digest": "a" * 64, "test_digest": "b" * 64, "train_digest": None}  # fmt: skip
    pair = {"subject": "credit", "audit": "credit-bias", "verdict": "pass", "base": side, "new": side, "policy": "p", "remarks": ["The model is the same."],
            "opened": False, "silent": [], "findings": [], "changes": [{**move, "p_adjusted": 0.01}] * 6}  # fmt: skip
    counts = {
        "worse": 0,
        "undecided": 1,
        "new": 0,
        "persisting": 0,
        "opened": 0,
        "fixed": 0,
        "unsettled": 0,
        "lost": 0,
    }
    data = {"verdict": "undecided", "counts": counts, "tolerance": 0.0, "alpha": 0.05, "gone": ["credit: credit-membership (it was not run)"],
            "come": [], "remarks": ["The newer folder says <b>something</b>."], "pairs": [pair]}  # fmt: skip
    path = tmp_path / "compare.html"
    path.write_text(comparison_page(data), encoding="utf-8")
    with opened(path, 420) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 420
        rows = page.locator(".ak-wide tbody tr:visible").all()
        assert len(rows) == 6
        assert all(row.bounding_box()["height"] < 160 for row in rows)
        text = page.inner_text("body")
        assert "No report now, and not compared" in text
        assert "The newer folder says <b>something</b>." in text
