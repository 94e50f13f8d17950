"""A hostile report in a real browser: nothing runs, nothing is fetched, everything is drawn."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from auditkit.render import views
from auditkit.render.notebook import notebook_html

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def cell(kind, *outputs, source=""):
    return {
        "cell_type": kind,
        "source": source,
        "metadata": {},
        **({"outputs": list(outputs), "execution_count": 1} if kind == "code" else {}),
    }


def out(data):
    return {"output_type": "display_data", "data": data, "metadata": {}}


@pytest.fixture
def hostile_page(hostile_report, hostile_words, tmp_path) -> Path:
    cells = [
        cell("code", out(views.bundle(v, views.view_data(v, hostile_report))))
        for v in ("verdict", "findings", "methods")
    ]
    for one in hostile_report["evidence"]:
        cells.append(  # noqa: PERF401
            cell(
                "code",
                out(views.bundle("evidence", views.view_data("evidence", hostile_report, one["check"]))),
            )
        )
    foreign = {"data": [{"type": "bar", "x": hostile_words, "y": [1] * len(hostile_words), "name": hostile_words[0]}],
               "layout": {"title": {"text": hostile_words[9]}, "images": [{"source": "https://evil.example/i.png"}]}}  # fmt: skip
    cells.append(cell("code", out({views.PLOTLY: foreign})))
    for word in hostile_words:
        cells += [
            cell("markdown", source=word),
            cell("code", out({"text/html": word}), out({"text/markdown": word}), out({"text/plain": word})),
        ]
    path = tmp_path / "report.html"
    path.write_text(notebook_html({"cells": cells, "metadata": {}}, include_code=True), encoding="utf-8")
    return path


def test_nothing_runs_nothing_is_fetched_everything_is_drawn(hostile_page):
    from playwright.sync_api import sync_playwright

    asked, complaints = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="dark")

        def decide(route):
            own = route.request.url == hostile_page.as_uri()
            asked.extend([] if own else [route.request.url])
            route.continue_() if own else route.abort()

        page.route("**/*", decide)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(hostile_page.as_uri())
        page.wait_for_selector("html[data-drawn=yes]", state="attached", timeout=60_000)
        for plot in page.locator(".ak-plot").all():
            plot.hover()
        pwned = page.evaluate("window.__pwned")
        plots, drawn = (
            page.locator(".ak-plot").count(),
            page.locator(".js-plotly-plot svg.main-svg:first-child").count(),
        )
        links = page.evaluate("[...document.querySelectorAll('svg a')].length")
        ink = page.evaluate("getComputedStyle(document.querySelector('.ak-plot .xtick text')).fill")
        pdf = page.pdf(format="A4")
        browser.close()
    assert pwned is None
    assert asked == []
    assert complaints == []
    assert plots == drawn == 8
    assert links == 0
    assert ink == "rgb(230, 233, 238)"  # the dark theme's ink, #e6e9ee
    assert pdf.startswith(b"%PDF")


@pytest.fixture
def whole_page(report, tmp_path) -> Path:
    cells = [
        cell("code", out(views.bundle(v, views.view_data(v, report))))
        for v in ("verdict", "findings", "methods")
    ]
    cells += [cell("markdown", source=f"## A section of some length, {i}") for i in range(8)]
    for one in report["evidence"]:
        data = views.view_data("evidence", report, one["check"])
        cells.append(cell("code", out(views.bundle("evidence", data))))
    long = {"title": "A long table", "columns": {"label": [f"row {i}" for i in range(60)]}, "kind": "plain"}
    cells.append(cell("code", out(views.bundle("figure", long))))
    pages = {p["code"]: f"# {p['code']}\n\nThe page of {p['code']}.\n" for p in report["provenance"]["plan"]}
    path = tmp_path / "whole.html"
    path.write_text(notebook_html({"cells": cells, "metadata": {}}, pages=pages), encoding="utf-8")
    return path


@contextmanager
def opened(path, width, height):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-drawn=yes]", state="attached", timeout=60_000)
        yield page
        browser.close()


def test_on_paper_everything_but_data_tables_is_open(whole_page):
    with opened(whole_page, 1200, 900) as page:
        page.emulate_media(media="print")
        seen = page.evaluate("document.body.innerText")
        for part in ("The page of AK101.", "The page of AK302.", "scikit-learn", "Evidence for", "Signature",
                     "A long table, left out on paper", "Left out on paper"):  # fmt: skip
            assert part.lower() in seen.lower(), part
        for part in ("Data behind the figure", "All measurements", "Show the table", "row 59"):
            assert part not in seen


def test_on_a_phone_the_menu_is_one_line_and_nothing_sticks_out(whole_page):
    with opened(whole_page, 390, 844) as page:
        assert page.locator(".ak-nav").bounding_box()["height"] < 60
        faded = page.locator(".ak-nav ul").evaluate("menu => getComputedStyle(menu).maskImage")
        assert faded.startswith("linear-gradient")  # a word at the edge is seen to go on
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_jump_to_a_page_shows_its_title(whole_page):
    with opened(whole_page, 1200, 900) as page:
        page.evaluate("location.hash = '#page-ak201'")
        page.wait_for_timeout(300)
        title = page.locator("details:has(> #page-ak201) > summary").bounding_box()
        menu = page.locator(".ak-nav").bounding_box()
        assert title["y"] >= menu["y"] + menu["height"]


def test_on_a_phone_no_label_of_a_figure_is_cut(tmp_path):
    names = [f"race={r}, age_band={a}" for r in ("Amer-Indian-Eskimo", "Asian-Pac-Islander") for a in ("under 25", "60 and over")]  # fmt: skip
    names.append("race=" + "a_name_without_a_blank_" * 4 + ", age_band=x & <b>y</b>")
    columns = {"label": names, "value": [0.1, 0.2, 0.3, 0.4, 0.5], "n": [3_000_000] * 5}
    columns |= {"low": [0.0] * 5, "high": [0.6] * 5}
    label = "A title of an axis that is longer than a phone is wide, in units"
    table = {"title": "t", "kind": "estimates", "columns": columns, "labels": {"value": label}}
    path = tmp_path / "labels.html"
    book = {"cells": [cell("code", out(views.bundle("figure", table)))], "metadata": {}}
    path.write_text(notebook_html(book), encoding="utf-8")
    with opened(path, 390, 844) as page:
        texts = page.locator(".ytick text, .xtitle, .ytitle").all()
        plot = page.locator(".ak-plot").bounding_box()
        boxes = [text.bounding_box() for text in texts]
        assert len(boxes) == 7
        for box in boxes:
            assert box["x"] >= plot["x"] - 1
            assert box["x"] + box["width"] <= plot["x"] + plot["width"] + 1
        rows = sorted((box["y"], box["y"] + box["height"]) for box in boxes[:5])
        assert all(above[1] <= below[0] + 2 for above, below in pairwise(rows))
        assert any("<b>y</b>" in text.text_content() for text in texts)
