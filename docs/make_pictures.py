"""Make the README's picture of a report: ``python docs/make_pictures.py auditkit-demo/report.html``.

The picture of the studio is a part of what ``tests/browser/test_threshold_explorer.py`` photographs.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HERE = Path(__file__).parent


def main(report: Path) -> None:
    """Photograph the first screen of the report."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1160, "height": 900})
        page.goto(report.resolve().as_uri())
        page.wait_for_timeout(2000)
        page.screenshot(path=HERE / "images" / "report.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
