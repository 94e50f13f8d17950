"""Make the pictures of the README and the docs: ``python docs/make_pictures.py [--report auditkit-demo/report.html] [--only NAME]``.

The report's first screen is photographed from a finished report; the studio's parts in a real JupyterLab, which tests/browser brings.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
BROWSER = HERE.parent / "tests" / "browser"

PEOPLE = """
import studio_subjects

subject = studio_subjects.scored(4000)
"""
RECORD = """
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
import auditkit as ak

train, test = ak.data.load_german_credit()
kept = ["checking_status", "duration_months", "credit_amount", "savings", "age", "housing"]
words = [name for name in kept if not pd.api.types.is_numeric_dtype(train.X[name])]
numbers = [name for name in kept if name not in words]
encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), words), (StandardScaler(), numbers))
train, test = (ak.Dataset(data.X[kept], data.y, data.sensitive_features) for data in (train, test))
model = make_pipeline(encoded, LogisticRegression(max_iter=500)).fit(train.X, train.y)
subject = ak.Subject("German credit", model, test=test, train=train, positive="good")
"""
REMEDIES = """
import studio_subjects
from sklearn.tree import DecisionTreeClassifier

subject = studio_subjects.fitted("tree", DecisionTreeClassifier(random_state=0), 1200)
"""


def _load(stem: str) -> Any:
    """Load a module of the browser's tests, under the name by which they know each other."""
    name = f"auditkit_tests_{stem}"
    spec = importlib.util.spec_from_file_location(name, BROWSER / f"{stem}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(stem)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def thresholds(hands: Any, studio: Any) -> None:
    """Set the thresholds so that the groups are alike."""
    hands.drawn(studio)
    hands.press(studio, "Equal opportunity")
    hands.says(studio, "The gap of equal opportunity")


def record(hands: Any, studio: Any) -> None:
    """Change a record until something is said of it."""
    hands.drawn(studio)
    hands.fill(studio, "duration_months", "36")
    hands.says(studio, "Contributions before and after the change")


def remedies(hands: Any, studio: Any) -> None:
    """Switch one mitigation on."""
    hands.drawn(studio, ".xtick")
    hands.field(studio, "Regularisation").press("Space")
    hands.says(studio, "With regularisation.")


# by the picture's name: the subject, what is shown, what is done, where the picture begins, and how many pixels of it are kept
STUDIO: dict[str, tuple[str, str, Callable[[Any, Any], None], str, int]] = {
    "studio": (PEOPLE, "ThresholdExplorer(subject)", thresholds, "h4", 1090),
    "record": (RECORD, "RecordExplorer(subject)", record, "h4", 1100),
    "remedies": (REMEDIES, "RemedyExplorer(subject)", remedies, ".ak-live", 1130),
}


def of_studio(name: str) -> None:
    """Photograph one explorer as it stands after a move."""
    harness, hands = _load("jupyterlab"), _load("hands")
    source, shown, act, begin, height = STUDIO[name]
    source += "import ipywidgets\nfrom auditkit.widgets import explorers\nfrom auditkit.widgets.parts import sheet\n"
    source += f"box = ipywidgets.VBox([sheet(), explorers.{shown}])\nbox.add_class('ak-studio')\nbox"
    cell = {"cell_type": "code", "id": "cell", "source": source, "metadata": {}, "outputs": [], "execution_count": None}  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        root.mkdir()
        home.mkdir()
        shutil.copy(BROWSER / "studio_subjects.py", root)
        (root / "picture.ipynb").write_text(json.dumps(made))
        with harness.serving(root, home) as lab, harness.browsing(width=1060, height=2600) as browser:
            browser.open(lab, "picture.ipynb")
            browser.run_all()
            studio = browser.page.locator(".ak-studio").first
            hands.press(studio, "Prepare")
            act(hands, studio)
            browser.page.wait_for_timeout(1500)  # a figure is drawn in several frames
            box = studio.bounding_box()
            top = studio.locator(begin).first.bounding_box()["y"]
            clip = {**box, "y": top, "height": min(box["y"] + box["height"] - top, height)}
            browser.page.screenshot(path=HERE / "images" / f"{name}.png", clip=clip)


def of_report(report: Path) -> None:
    """Photograph the first screen of a report."""
    harness = _load("jupyterlab")
    with harness.browsing(width=1160, height=900) as browser:
        browser.page.unroute("**/*")  # a file is no host
        browser.page.goto(report.resolve().as_uri())
        browser.page.wait_for_timeout(2000)
        browser.page.screenshot(path=HERE / "images" / "report.png")


def main() -> None:
    """Make those asked for, or all of the studio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, help="a finished report, for its own picture")
    parser.add_argument("--only", choices=sorted(STUDIO), nargs="+", default=list(STUDIO))
    asked = parser.parse_args()
    if asked.report:
        of_report(asked.report)
        return
    for name in asked.only:
        of_studio(name)


if __name__ == "__main__":
    main()
