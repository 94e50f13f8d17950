"""Hands and eyes: what a person without a mouse does in a studio, and what is seen of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from auditkit_tests_jupyterlab import PATIENCE, until  # loaded from beside this file, see conftest.py

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
THEMES = ("JupyterLab Light", "JupyterLab Dark")
# every width the bars in sight had, since a poll from outside misses some
_BARS = """() => {
  window.akBars = new Set();
  new MutationObserver(() => document.querySelectorAll(".ak-studio .progress-bar").forEach(one => {
    if (one.getClientRects().length && getComputedStyle(one).visibility === "visible") window.akBars.add(one.style.width);
  })).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["style"] });
}"""
# what reaches beyond its studio and cannot be scrolled to, and whether the page or the notebook scrolls sideways
_CUT = """() => {
  const found = [];
  const scrolls = one => ["auto", "scroll"].includes(getComputedStyle(one).overflowX);
  for (const studio of document.querySelectorAll(".ak-studio")) {
    const shown = studio.closest(".jp-OutputArea-output") || document.body;
    const edge = shown.getBoundingClientRect().left + shown.clientWidth + 3;  // controls have margins of two pixels
    for (const one of studio.querySelectorAll("*")) {
      const box = one.getBoundingClientRect();
      if (box.width < 1 || box.height < 1 || box.right <= edge || one.closest("svg") || one.closest(".noUi-target")) continue;
      if (getComputedStyle(one).visibility === "hidden") continue;
      let within = one.parentElement;
      while (within !== studio && !scrolls(within)) within = within.parentElement;
      if (within === studio) found.push(`${one.tagName}.${one.className} by ${Math.round(box.right - edge)}: ${one.textContent.slice(0, 40)}`);
    }
  }
  for (const one of [document.documentElement, document.querySelector(".jp-WindowedPanel-outer, .jp-Notebook")])
    if (one && one.scrollWidth > one.clientWidth + 1) found.push(`${one.className || one.tagName} scrolls sideways by ${one.scrollWidth - one.clientWidth}`);
  return found;
}"""


def button(within: Any, name: str, *, exact: bool = False) -> Any:
    """Return the first button of that name in sight, when it can be pressed."""
    found = within.get_by_role("button", name=name, exact=exact).locator("visible=true").first
    found.wait_for()
    until(found.is_enabled, PATIENCE, f"the button {name} cannot be pressed")
    return found


def press(within: Any, name: str, key: str = "Enter", *, exact: bool = False) -> None:
    """Activate a button as a person without a mouse does."""
    found = button(within, name, exact=exact)
    found.focus()
    found.press(key)


def field(within: Any, label: str) -> Any:
    """Return the first control of that label in sight, when it can be used."""
    found = within.get_by_label(label, exact=True).locator("visible=true").first
    found.wait_for()
    until(found.is_enabled, PATIENCE, f"{label} cannot be used")
    return found


def fill(within: Any, label: str, text: str) -> None:
    """Type into a field, in the place of what stands there, and leave it."""
    found = field(within, label)
    found.focus()
    found.press("ControlOrMeta+a")
    found.press_sequentially(text)
    found.press("Tab")


def choose_next(within: Any, label: str) -> None:
    """Choose what stands beneath in a closed menu, by one key that the notebook must not take for its own."""
    found = field(within, label)
    found.focus()
    within.page.keyboard.press("ArrowDown")
    assert found.evaluate("one => one === document.activeElement")


def type_at(within: Any, name: str, keys: str) -> None:
    """Press keys while a button has the focus; to the notebook they would mean a new cell, or one gone."""
    button(within, name).focus()
    cells = within.page.locator(".jp-Cell").count()
    for key in keys:
        within.page.keyboard.press(key)
    assert within.page.locator(".jp-Cell").count() == cells


def explore(within: Any) -> None:
    """Turn to what can be tried out live in the step that is in sight."""
    press(within, "Explore", exact=True)


def says(within: Any, words: str, seconds: float = PATIENCE) -> None:
    """Wait until words stand there, wherever."""
    until(lambda: words in within.inner_text(), seconds, lambda: f"no {words!r} in: {within.inner_text()}")


def drawn(within: Any, part: str = ".trace") -> None:
    """Wait for a part of a picture, attached: a line of no height is no sight to a browser."""
    within.locator(f".js-plotly-plot .main-svg {part}").first.wait_for(state="attached")


def noted(within: Any, text: str) -> None:
    """Add what an explorer shows to the report, with a note."""
    fill(within, "Your note", text)
    press(within, "Add to report")
    within.get_by_text("Added to the report.").locator("visible=true").first.wait_for()


def exported(within: Any, root: Path, name: str) -> dict[str, Any]:
    """Export the report, and return what stands in ``report.json``."""
    press(within, "Export report")
    within.get_by_text("Written:").first.wait_for()
    folder = root / "reports" / name
    assert "Content-Security-Policy" in (folder / "report.html").read_text()
    assert (folder / "template.ipynb").is_file()
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def watch_bars(page: Any) -> Callable[[], list[str]]:
    """Return what gives the widths that bars in sight had from now on."""
    page.evaluate(_BARS)
    return lambda: sorted(page.evaluate("() => [...window.akBars]"))


def violations(page: Any, axe: Any) -> list[tuple[str, str, Any]]:
    """Return what axe-core holds against the studios on the page, by the rules of WCAG 2.2 AA; nothing where there is no axe.

    A slider of ipywidgets has no name; the box before it does, and does the same. So its handle is left out.
    """
    if axe is None:
        return []
    within = {"include": [[".ak-studio"]], "exclude": [[".noUi-handle"]]}
    options = {"runOnly": {"type": "tag", "values": list(RULES)}}
    found = axe.run(page, within, options).response["violations"]
    return [(v["id"], v["help"], [(n["target"], n["html"][:120]) for n in v["nodes"][:5]]) for v in found]


def accessible(browser: Any, axe: Any, shots: Path | None = None) -> None:
    """Hold what is in sight to axe-core's rules, in the light and in the dark theme."""
    for theme in THEMES:
        browser.theme(theme)
        # colours fade from one theme to the next
        until(
            lambda: not violations(browser.page, axe),
            3,
            lambda theme=theme: f"{theme}: {violations(browser.page, axe)}",  # type: ignore[misc]
        )
        if shots is not None:
            browser.shot(shots / f"{theme.split()[-1].lower()}.png")
    browser.theme(THEMES[0])


def cut_off(page: Any) -> list[str]:
    """Return what reaches beyond a studio and cannot be scrolled to."""
    found: list[str] = page.evaluate(_CUT)
    return found


_WITHIN = """() => [...document.querySelectorAll(".js-plotly-plot")].filter(one => {
  if (!one.offsetParent || !one.querySelector(".legend") || !one.querySelector(".nsewdrag")) return false;
  return one.querySelector(".legend").getBoundingClientRect().bottom > one.querySelector(".nsewdrag").getBoundingClientRect().top + 2;
}).length"""


def fits(browser: Any, shots: Path, widths: Sequence[int] = (640, 480)) -> None:
    """Hold the page to narrow windows; the first is what 200% zoom makes of 1280 pixels."""
    size = browser.page.viewport_size
    for width in widths:
        browser.page.set_viewport_size({**size, "width": width})
        until(lambda: not cut_off(browser.page), 10, lambda width=width: f"{width}: {cut_off(browser.page)}")  # type: ignore[misc]
        browser.shot(shots / f"narrow-{width}.png")
    browser.page.set_viewport_size(size)
    until(
        lambda: not browser.page.evaluate(_WITHIN),
        10,
        "a legend stands within its plot once the window is wide again",
    )


def contrast(page: Any) -> float:
    """Return the contrast of the figure's words against the page, after WCAG 2.2."""
    fill, ground = page.evaluate(
        """() => [getComputedStyle(document.querySelector('.js-plotly-plot .xtitle, .js-plotly-plot .ytick text')).fill,
                  getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor]"""
    )

    def luminance(colour: str) -> float:
        parts = [float(v) / 255 for v in colour[colour.index("(") + 1 :].rstrip(")").split(",")[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(fill), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)
