"""How soon words and pictures follow a drag: as the browser sees it in a real JupyterLab, and in the kernel alone.

python benchmarks/studio.py [--rows 10000 1000000] [--moves 20] [--only NAME] [--kernel] prints medians and worst moves in milliseconds, what
the machine does besides, and the size of the widgets' state. It needs Chromium, playwright and JupyterLab; with --kernel none of them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

HARNESS = Path(__file__).resolve().parent.parent / "tests" / "browser" / "jupyterlab.py"

PEOPLE = """
import numpy as np, pandas as pd
import auditkit as ak
from auditkit.widgets import explorers

def people(rows, seed):
    rng = np.random.default_rng(seed)
    group, able = rng.integers(0, 2, rows), rng.normal(size=rows)
    y = (able + rng.normal(scale=0.7, size=rows) > 0).astype(int)
    score = (1 - 0.15 * group) / (1 + np.exp(-1.5 * able))
    return ak.Dataset(pd.DataFrame({"x": score, "sex": np.where(group == 0, "m", "f")}), y, sensitive_features=["sex"])

def proba(X):
    return np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])]

subject = ak.Subject("benchmark", proba, test=people(ROWS, 1), train=people(ROWS, 2))
"""


@dataclass(frozen=True)
class Case:
    """An explorer, and the dial that is dragged.

    Attributes
    ----------
    name : str
        What to call it.
    source : str
        After PEOPLE, what makes the explorer, as `shown`.
    dial : str
        The Python expression of its dial, from `shown`.
    """

    name: str
    source: str
    dial: str


# one line a further explorer
CASES = (
    Case("thresholds by group", "shown = explorers.ThresholdExplorer(subject)", "[*shown.dials.values()][0]"),
    Case("who is found out", "shown = explorers.ExposureExplorer(subject)", "shown.dial"),
)


def in_kernel(case: Case, rows: int, moves: int) -> dict[str, Any]:
    """Return the processor's milliseconds of asking and of asking and redrawing, and the bytes of the widgets' state."""
    import ipywidgets

    ipywidgets.Widget.close_all()
    about: dict[str, Any] = {}
    begin = time.perf_counter()
    exec(PEOPLE.replace("ROWS", str(rows)) + case.source, about)
    shown = about["shown"]
    shown.start()
    shown.work.wait()
    prepared = time.perf_counter() - begin
    dial = eval(case.dial, about)
    places = np.linspace(dial.box.min, dial.box.max, moves + 2)[1:-1].round(3).tolist()
    asked, moved = [], []
    for move in range(moves):
        begin = time.process_time()
        shown.ask()
        asked.append(1000 * (time.process_time() - begin))
        begin = time.process_time()
        dial.box.value = places[move]
        moved.append(1000 * (time.process_time() - begin))
    states = ipywidgets.Widget.get_manager_state(drop_defaults=False)["state"]
    scripts = sum(len(s["state"].get("_esm", "")) for s in states.values())
    total = len(json.dumps(states, default=str))
    return {
        "prepared (s)": prepared, "asked": asked, "moved": moved, "state (MB)": (total - scripts) / 1e6, "plotly.js (MB)": scripts / 1e6,
    }  # fmt: skip


def in_browser(case: Case, rows: int, moves: int, shot: Path | None = None) -> list[tuple[float, float]]:
    """Return what `Browser.follows` measured: words and picture, for each move of the mouse."""
    harness = _harness()
    source = PEOPLE.replace("ROWS", str(rows)) + case.source
    # the style sheet and the class that a studio gives
    source += "\nfrom auditkit.widgets.parts import sheet\nimport ipywidgets\nbox = ipywidgets.VBox([sheet(), shown])"
    source += "\nbox.add_class('ak-studio')\nbox"
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder, "root"), Path(folder, "home")
        root.mkdir()
        home.mkdir()
        (root / "drag.ipynb").write_text(json.dumps(_notebook(source)))
        with harness.serving(root, home) as lab, harness.browsing() as browser:
            browser.open(lab, "drag.ipynb")
            browser.run_all()
            return list(_dragged(browser, moves, shot))


def _dragged(browser: Any, moves: int, shot: Path | None) -> Iterator[tuple[float, float]]:
    page = browser.page
    button = page.get_by_role("button", name="Prepare")
    button.wait_for(timeout=240_000)
    button.press("Enter")
    page.locator(".ak-studio .js-plotly-plot .main-svg .trace").first.wait_for(
        state="attached", timeout=120_000
    )
    page.wait_for_timeout(2_000)
    handle = page.locator(".ak-studio .noUi-handle").first
    handle.scroll_into_view_if_needed()
    at = handle.bounding_box()
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    # the first move warms up, and is not counted
    found = browser.follows(
        lambda step: page.mouse.move(x + 3 * (step + 1), y), moves + 1, ".ak-studio .ak-live", ".ak-studio .js-plotly-plot"
    )  # fmt: skip
    page.mouse.up()
    if shot is not None:
        browser.shot(shot)
    yield from found[1:]


def _harness() -> Any:
    name = "auditkit_tests_jupyterlab"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HARNESS)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def _notebook(source: str) -> dict[str, Any]:
    cell = {
        "cell_type": "code", "id": "cell", "source": source, "metadata": {}, "outputs": [], "execution_count": None,
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _line(what: str, values: list[float]) -> str:
    return f"  {what:<28} median {statistics.median(values):7.1f} ms   worst {max(values):7.1f} ms"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--only", default="", help="part of an explorer's name")
    parser.add_argument("--kernel", action="store_true", help="without a browser")
    parser.add_argument("--shot", type=Path, help="where to put a picture of the page after the drag")
    asked = parser.parse_args()
    for case in (case for case in CASES if asked.only in case.name):
        for rows in asked.rows:
            print(f"{case.name}, {rows:,} rows")
            kernel = in_kernel(case, rows, asked.moves)
            print(_line("kernel: asked", kernel["asked"]))
            print(_line("kernel: asked and redrawn", kernel["moved"]))
            print(
                f"  prepared in {kernel['prepared (s)']:.1f} s; state {kernel['state (MB)']:.2f} MB, and plotly.js {kernel['plotly.js (MB)']:.1f} MB"
            )
            if asked.kernel:
                continue
            before = os.getloadavg()[0]
            followed = in_browser(case, rows, asked.moves, asked.shot)
            print(_line("browser: words", [words for words, _ in followed]))
            print(_line("browser: picture", [picture for _, picture in followed]))
            load = f"{before:.1f} before, {os.getloadavg()[0]:.1f} after"
            print(f"  load of the machine: {load}, on {os.cpu_count()} processors", flush=True)


if __name__ == "__main__":
    main()
