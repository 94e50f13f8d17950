"""A report as PDF: what stands in it, and what is said where it cannot be made."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

import auditkit as ak
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.finding import Criterion, Policy
from auditkit.render import views
from auditkit.render.notebook import notebook_html
from auditkit.render.status import verdict_words
from auditkit.runner import run as module
from auditkit.runner.notebook import outputs
from auditkit.runner.pdf import BROWSER, PrintError, browser, print_page
from auditkit.runner.run import run_template

HERE = find_spec("pypdf") and any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
needs_browser = pytest.mark.skipif(
    not HERE and not os.environ.get("CI"), reason="no Chromium, or no pypdf; with CI=true both must be there"
)


@pytest.fixture(scope="module")
def report() -> ak.Report:
    policy = Policy((Criterion("accuracy", at_least=0.999), Criterion("demographic_parity_difference", at_most=0.9)), "p")  # fmt: skip
    return ak.Audit(["model_performance", "demographic_parity"], criteria=policy).run(make_credit(n_train=300, n_test=300))  # fmt: skip


@pytest.fixture(scope="module")
def printed(report: ak.Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two checks, with a long table and a chapter under a toggle, as PDF."""
    folder = tmp_path_factory.mktemp("printed")
    parts = ["verdict", "findings", "performance", "bias", "methods"]
    cells = [{"cell_type": "markdown", "id": "about-plan", "source": "## Plan\n\nTold under a toggle."}]
    cells += [
        {"cell_type": "code", "source": "", "metadata": {}, "outputs": [
            {"output_type": "display_data", "data": bundle, "metadata": {}} for bundle in outputs(report, part)
        ]}
        for part in parts
    ]  # fmt: skip
    rows = {"label": [f"row number {i} of the table" for i in range(120)]}
    table = views.bundle("figure", {"title": "A table of three pages", "columns": rows, "kind": "plain"})
    shown = {"output_type": "display_data", "data": table, "metadata": {}}
    cells.append({"cell_type": "code", "source": "", "metadata": {}, "outputs": [shown]})
    page = folder / "page.html"
    page.write_text(notebook_html({"cells": cells, "metadata": {}}), encoding="utf-8")
    return print_page(page, folder / "page.pdf", browser())


@needs_browser
@pytest.mark.browser
def test_verdict_findings_and_figures_are_in_the_pdf(printed: Path, report: ak.Report) -> None:
    import pypdf

    pages = pypdf.PdfReader(printed).pages
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [595, 842]  # A4 in points
    texts = [" ".join(page.extract_text().split()) for page in pages]
    whole = " ".join(texts)
    assert verdict_words(report.counts).partition(",")[0] in texts[0]
    assert "Not met" in texts[0]
    for title in ("Accuracy", "Demographic parity difference"):
        assert title in whole
    assert "Told under a toggle." in whole  # what is folded on the screen is open on paper
    assert "sex=" in whole or "Selection rate" in whole  # words of a figure: it was drawn, and as text
    assert "was not drawn" not in whole
    assert "Data behind the figure" not in whole
    for at, text in enumerate(texts, 1):
        assert re.search(rf"{at} / {len(pages)}", text)
    assert "Find" not in re.findall(r"\w+", whole)[:5]


@needs_browser
@pytest.mark.browser
def test_a_page_that_does_not_draw_its_figures_says_so(tmp_path: Path) -> None:
    import pypdf

    from auditkit.render._templating import asset

    page = tmp_path / "page.html"
    page.write_text(
        f'<html><style>{asset("style.css")}</style><body class="ak-page"><main class="ak"><div class="ak-plot"></div></main></body></html>'
    )
    text = pypdf.PdfReader(print_page(page, tmp_path / "page.pdf", browser())).pages[0].extract_text()
    assert "This figure was not drawn when the page was printed" in " ".join(text.split())


def fake(folder: Path, body: str) -> Path:
    program = folder / "fake-browser"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    return program


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands in for the browser")
class TestWithoutAPdf:
    def test_no_browser_is_told_before_work_starts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv(BROWSER, raising=False)
        monkeypatch.setattr(module, "_execute", lambda *_: pytest.fail("a kernel was started"))
        with pytest.raises(InputError, match="apt install chromium"):
            run_template("bias", tmp_path / "none.toml", tmp_path / "out", pdf=True)
        monkeypatch.setenv(BROWSER, "no-such-program")
        with pytest.raises(InputError, match="there is no program of that name"):
            browser()
        monkeypatch.setenv(BROWSER, str(fake(tmp_path, "true")))
        assert browser() == tmp_path / "fake-browser"
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            ("echo broken >&2; exit 3", "ended with code 3: broken"),
            ("exit 0", "ended with code 0"),  # and no file
            ('for a; do case $a in --print-to-pdf=*) echo no > "${a#*=}";; esac; done', "ended with code 0"),
        ],
    )
    def test_what_a_browser_does_not_print_is_told(self, tmp_path: Path, body: str, why: str) -> None:
        (tmp_path / "page.html").write_text("x")
        (tmp_path / "page.pdf").write_text("of before")
        with pytest.raises(PrintError, match=why):
            print_page(tmp_path / "page.html", tmp_path / "page.pdf", fake(tmp_path, body))
        assert (tmp_path / "page.pdf").read_text() == "of before"

    def test_a_browser_that_hangs_is_ended_with_what_it_started(self, tmp_path: Path) -> None:
        (tmp_path / "page.html").write_text("x")
        program = fake(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; wait")
        with pytest.raises(PrintError, match="was not done in 5 seconds"):
            print_page(tmp_path / "page.html", tmp_path / "page.pdf", program, lasts=5.0)
        child = (tmp_path / "child").read_text().strip()
        while subprocess.run(["ps", "-o", "stat=", "-p", child], capture_output=True, text=True, check=False).stdout.strip("\n ")[:1] not in ("", "Z"):  # fmt: skip
            time.sleep(0.05)

    def test_it_gets_no_network_and_a_profile_of_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "page.html").write_text("x")
        program = fake(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/given; for a; do case $a in --print-to-pdf=*) printf "%%PDF" > "${{a#*=}}";; esac; done')  # fmt: skip
        print_page(tmp_path / "page.html", tmp_path / "page.pdf", program)
        given = (tmp_path / "given").read_text().splitlines()
        assert "--host-resolver-rules=MAP * ~NOTFOUND" in given
        (profile,) = [one.partition("=")[2] for one in given if one.startswith("--user-data-dir=")]
        assert not Path(profile).exists()
        assert ("--no-sandbox" in given) == (os.geteuid() == 0)
        assert given[-1] == (tmp_path / "page.html").as_uri()
        assert (tmp_path / "page.pdf").read_bytes() == b"%PDF"
