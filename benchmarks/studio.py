"""How soon words and pictures follow a move: as the browser sees it in a real JupyterLab, and in the kernel alone.

python benchmarks/studio.py [--rows 10000 1000000] [--moves 20] [--only NAME] [--kernel] prints medians and worst moves in milliseconds, what
the machine does besides, and the size of the widgets' state; at the end a table of them for a page of Markdown. It needs Chromium, playwright and JupyterLab; with --kernel none of them.
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
    from collections.abc import Callable, Iterator

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

# a model that can be trained again and explained exactly, on numbers alone
FITTED = """
from sklearn.linear_model import LogisticRegression

def numbers(rows, seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(rows, 6)), columns=list("abcdef"))
    group = rng.integers(0, 2, rows)
    y = (X["a"] + X["b"] + 0.7 * group + rng.normal(scale=0.7, size=rows) > 0.3).astype(int)
    return ak.Dataset(X, y, {"sex": np.where(group == 0, "m", "f")})

train, test = numbers(ROWS, 2), numbers(ROWS, 1)
fitted = ak.Subject("fitted", LogisticRegression().fit(train.X[:20000], train.y[:20000]), test=test, train=train)
"""


@dataclass(frozen=True)
class Case:
    """An explorer, and the control that is moved.

    Attributes
    ----------
    name : str
        What to call it.
    source : str
        After PEOPLE, what makes the explorer, as `shown`.
    control : str
        The Python expression of the control, from `shown`.
    label : str
        Of the control on the page; empty where its slider is dragged.
    most : int
        Rows beyond which preparing takes longer than is of use here.
    """

    name: str
    source: str
    control: str
    label: str = ""
    most: int = 10**9


QUICK = """
from auditkit.explore import remedies
for slow in ("private training", "exponentiated gradient", "adversarial training", "smoothing"):
    del remedies.KINDS[slow]
"""
OTHER = "other = ak.Subject('other', LogisticRegression(C=1e-3).fit(train.X[:20000], train.y[:20000]), test=test, train=train)\n"
CASES = (
    Case("thresholds by group", "shown = explorers.ThresholdExplorer(subject)", "[*shown.dials.values()][0]"),
    Case("who is found out", "shown = explorers.ExposureExplorer(subject)", "shown.dial"),
    Case("one record", FITTED + "shown = explorers.RecordExplorer(fitted)", "shown.form.controls['a']"),
    Case("exposure of one record", FITTED + "shown = explorers.RecordExposureExplorer(fitted)", "shown.pick.place", "Place"),
    Case("attack radius", FITTED + "shown = explorers.RadiusExplorer(ak.widgets.Session(fitted))", "shown.dial"),
    Case("mitigations on and off", FITTED + QUICK + "shown = explorers.RemedyExplorer(fitted)", "shown.boxes['reweighing']", "Reweighing", 10_000),
    Case("two subjects compared", FITTED + OTHER + "shown = explorers.PairExplorer(fitted, other)", "shown.constraint", "Compare"),
)  # fmt: skip


def in_kernel(case: Case, rows: int, moves: int) -> dict[str, Any]:
    """Return the processor's milliseconds of asking and of asking and redrawing, and the bytes of the widgets' state."""
    import ipywidgets

    ipywidgets.Widget.close_all()
    about: dict[str, Any] = {}
    begin = time.perf_counter()
    exec((PEOPLE + case.source).replace("ROWS", str(rows)), about)
    shown = about["shown"]
    shown.start()
    shown.work.wait()
    prepared = time.perf_counter() - begin
    control = eval(case.control, about)
    places, box = _places(control, moves), getattr(control, "box", control)
    asked, moved = [], []
    for move in range(moves):
        begin = time.process_time()
        shown.ask()
        asked.append(1000 * (time.process_time() - begin))
        _answered(shown)
        begin = time.process_time()
        box.value = places[move]
        moved.append(1000 * (time.process_time() - begin))
    states = ipywidgets.Widget.get_manager_state(drop_defaults=False)["state"]
    scripts = sum(len(s["state"].get("_esm", "")) for s in states.values())
    total = len(json.dumps(states, default=str))
    return {
        "prepared (s)": prepared, "asked": asked, "moved": moved, "state (MB)": (total - scripts) / 1e6, "plotly.js (MB)": scripts / 1e6,
    }  # fmt: skip


def _answered(shown: Any) -> None:
    """Answer as views do once they have drawn: from then on pictures move by messages."""
    for figure in (canvas.figure for canvas in shown.canvases.values() if canvas.figure is not None):
        drawn = [{"uid": trace["uid"]} for trace in figure._widget_data]  # noqa: SLF001 - what the page is told
        figure._js2py_traceDeltas = None  # noqa: SLF001
        figure._js2py_traceDeltas = {"trace_deltas": drawn, "trace_edit_id": 0}  # noqa: SLF001


def _places(control: Any, moves: int) -> list[Any]:
    """Return where a control goes to: over its whole length, on and off, or through its menu."""
    if hasattr(control, "ends"):  # a dial
        return list(np.linspace(*control.ends, moves + 2)[1:-1].round(3).tolist())
    if isinstance(control.value, bool):
        return [not at % 2 for at in range(moves)]
    if isinstance(control.value, int):
        return [control.value + 1 + at for at in range(moves)]
    values = [value for _, value in control.options]
    return [values[(at + 1) % len(values)] for at in range(moves)]


def in_browser(case: Case, rows: int, moves: int, shot: Path | None = None) -> list[tuple[float, float]]:
    """Return what `Browser.follows` measured: words and picture, for each move of the mouse."""
    harness = _harness()
    source = (PEOPLE + case.source).replace("ROWS", str(rows))
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
            return list(_moved(browser, case.label, moves, shot))


# pixels of a move, towards where there is more room, so that twelve of them do not come to the end
_ROOM = """handle => {
  const own = handle.getBoundingClientRect(), all = handle.closest(".noUi-target").getBoundingClientRect();
  const at = own.left + own.width / 2 - all.left, left = at > all.width / 2;
  return (left ? -1 : 1) * Math.min(6, ((left ? at : all.width - at) - 4) / 12);
}"""


def _moved(browser: Any, label: str, moves: int, shot: Path | None) -> Iterator[tuple[float, float]]:
    page = browser.page
    button = page.get_by_role("button", name="Prepare").locator("visible=true").first
    button.wait_for(timeout=240_000)
    button.press("Enter")
    page.locator(f"{_harness().DRAWN} .main-svg .trace").first.wait_for(state="attached", timeout=300_000)
    page.wait_for_timeout(2_000)
    # the first two moves warm up, and are not counted: one of them may draw another picture, made by a new view
    if not label:
        handle = page.locator(".ak-studio .noUi-handle").first
        by = handle.evaluate(_ROOM)
        handle.hover()
        at = handle.bounding_box()
        page.mouse.down()
        page.mouse.move(at["x"] + at["width"] / 2 + by, at["y"] + at["height"] / 2)
        page.mouse.up()
        page.wait_for_timeout(2_000)
        found = browser.drag(handle, by, moves + 1)
    else:
        control = page.locator(".ak-studio").get_by_label(label, exact=True).locator("visible=true").first
        control.focus()
        move = _mover(control)
        move(0)
        page.wait_for_timeout(2_000)
        harness = _harness()
        found = browser.follows(lambda step: move(step + 1), moves + 1, harness.SAID, harness.DRAWN)
    if shot is not None:
        browser.shot(shot)
    yield from found[1:]


def _mover(control: Any) -> Callable[[int], Any]:
    """Return what moves a control that has a name on the page, by the number of the move."""
    kind = control.evaluate("one => one.type")
    if kind == "select-one":
        values = control.locator("option").all_inner_texts()
        return lambda step: control.select_option(values[(step + 1) % len(values)])
    key = "Space" if kind == "checkbox" else "ArrowUp"
    return lambda _: control.press(key)


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


def _row(case: Case, rows: int, kernel: list[float], followed: list[tuple[float, float]]) -> str:
    """Return a row of the table: of the kernel, the words and the picture, the median and the worst move."""
    parts = [kernel, *(list(one) for one in zip(*followed, strict=True))] if followed else [kernel]
    cells = [f"{statistics.median(one):.0f} ({max(one):.0f})" for one in parts]
    return f"| {' | '.join([case.name, f'{rows:,}', *cells, *[''] * (3 - len(cells))])} |"


HEAD = """
Milliseconds, the median move and in brackets the worst; in the kernel of the processor, in the browser from the move to what the page shows.

| explorer | rows | kernel | browser, words | browser, picture |
|---|---:|---:|---:|---:|"""


def main() -> None:
    """Measure, and print."""
    table = [HEAD]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--only", default="", help="part of an explorer's name")
    parser.add_argument("--kernel", action="store_true", help="without a browser")
    parser.add_argument("--shot", type=Path, help="where to put a picture of the page after the drag")
    asked = parser.parse_args()
    for case in (case for case in CASES if asked.only in case.name):
        for rows in (rows for rows in asked.rows if rows <= case.most):
            print(f"{case.name}, {rows:,} rows")
            kernel = in_kernel(case, rows, asked.moves)
            print(_line("kernel: asked", kernel["asked"]))
            print(_line("kernel: asked and redrawn", kernel["moved"]))
            print(
                f"  prepared in {kernel['prepared (s)']:.1f} s; state {kernel['state (MB)']:.2f} MB, and plotly.js {kernel['plotly.js (MB)']:.1f} MB"
            )
            if asked.kernel:
                table.append(_row(case, rows, kernel["moved"], []))
                continue
            before = os.getloadavg()[0]
            followed = in_browser(case, rows, asked.moves, asked.shot)
            print(_line("browser: words", [words for words, _ in followed]))
            print(_line("browser: picture", [picture for _, picture in followed]))
            load = f"{before:.1f} before, {os.getloadavg()[0]:.1f} after"
            print(f"  load of the machine: {load}, on {os.cpu_count()} processors", flush=True)
            table.append(_row(case, rows, kernel["moved"], followed))
    print("\n".join(table))


if __name__ == "__main__":
    main()
