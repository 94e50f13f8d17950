"""The studio's views, without a browser: they follow the session and show text as text."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import pytest

from auditkit.data import make_brittle
from auditkit.finding import Criterion
from auditkit.widgets import Bias, Explainability, Membership, Robustness, Studio

if TYPE_CHECKING:
    from collections.abc import Iterator

CRITERIA = [Criterion("gap", at_most=0.1, severity="high", why="a <b>test</b>")]
ALLOWED = {
    "div",
    "p",
    "b",
    "span",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "section",
    "details",
    "summary",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
}
ALLOWED |= {"table", "thead", "tbody", "tr", "th", "td", "caption", "code", "style"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        self.handlers += [k for k, _ in attrs if k.startswith("on") or k in ("href", "src")]


def inside(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


@pytest.fixture
def studio(small: Any) -> Any:
    made = Studio(small.subject(), [small.gap, small.slow, small.broken], CRITERIA, seed=1)
    made.steps["bias"].forms["XX101"].controls["draws"].widget.value = 2
    made.steps["robustness"].forms["XX301"].controls["ticks"].widget.value = 3
    return made


def run(studio: Any, dimension: str) -> Any:
    step = studio.steps[dimension]
    step.runner.run.click()
    assert studio.session.wait(300)
    return step


def test_the_walk(studio: Any) -> None:
    assert [name for name, _ in studio.pages] == ["Subject", "Bias", "Robustness", "Findings", "Report"]
    assert studio.back.disabled
    seen = []
    for _ in studio.pages:
        seen.append([name for name, page in studio.pages if page.layout.display != "none"])
        studio.next.click()
    assert seen == [[name] for name, _ in studio.pages]
    assert studio.next.disabled
    tab = studio.tabs.children[2]
    tab.click()
    assert studio.session.dimension == "robustness"
    assert tab.icon == "chevron-right"
    assert "where you are" in tab.tooltip
    assert "You are at: 3 Robustness." in studio.tabs.heard.value, "heard by a screen reader"
    assert 'role="status"' in studio.tabs.heard.value


def test_every_step_begins_with_its_question(studio: Any) -> None:
    heads = [next(x for x in inside(page) if isinstance(x, w.HTML)).value for _, page in studio.pages]
    assert all(re.fullmatch(r'<div class="ak"><h3 class="">[^<]+\?</h3></div>', head) for head in heads), (
        heads
    )
    assert len(set(heads)) == len(heads)


def test_a_step_measures_or_explores() -> None:
    studio = Studio(make_brittle(n=60).subject, ["robust_accuracy"])
    studio.go(1)
    step = studio.steps["robustness"]
    measure, explore = step.tabs.buttons
    shown = lambda: [page.layout.display != "none" for page in step.pages]  # noqa: E731
    assert shown() == [True, False]
    explore.click()
    assert shown() == [False, True]
    assert "ak-here" in explore._dom_classes
    assert "ak-here" not in measure._dom_classes
    assert step.pages[1].children == tuple(step.explorers)
    studio.next.click()
    studio.back.click()
    assert shown() == [False, True], "a step stays where it was left"
    measure.click()
    assert shown() == [True, False]


def test_a_run_shows_figure_words_data_and_findings(studio: Any) -> None:
    step = run(studio, "bias")
    results = step.results
    assert results.layout.display == ""
    labels = [label for label, _ in results.pick.options]
    assert labels == ["Selection rate by <i>sex</i>", "Rate by threshold", "Rate by sex and year"]
    assert results.of.options == (("Gap", "XX101"),)
    assert results.of.layout.display == "none", "of one check there is nothing to choose"
    assert len(results.picture.figure.data) == 1
    assert "One group is selected more often." in results.words.value
    assert "<b>Says, over all its tables:</b> One group is selected more often." in results.words.value
    assert "Why that is so." in results.words.value
    assert results.data.layout.display == "none"
    results.switch.value = True
    assert results.data.layout.display == ""
    assert "<caption>Selection rate by &lt;i&gt;sex&lt;/i&gt;</caption>" in results.data.value
    assert "XX101 · Gap</summary>" in results.findings.value
    assert "docs/checks" not in results.findings.value
    assert studio.session.report.of("XX101").params["draws"] == 2


def test_a_sentence_over_one_table_is_that_tables() -> None:
    from auditkit.widgets.results import _words

    table = {"title": "Selection rate by sex", "summary": "", "columns": {}}
    for tables, word in (
        ({"sex": table}, "Says"),
        ({"sex": table, "age": table}, "Says, over all its tables"),
    ):
        said = _words({"says": "Most over age.", "tables": tables}, table)
        assert f"<p><b>{word}:</b> Most over age.</p>" in said
    assert "<b>Says:</b>" in _words({"says": "Nothing to show.", "tables": {}}, None)


def test_another_table_is_drawn_by_the_same_figure(studio: Any) -> None:
    results = run(studio, "bias").results
    first = results.picture.figure
    results.pick.index = 1
    assert results.picture.figure is first
    assert results.picture.figure.layout.xaxis.title.text == "threshold"
    assert "The rate rises with the threshold." in results.words.value
    run(studio, "bias")
    assert results.pick.index == 1


def test_a_check_that_broke_says_why(studio: Any) -> None:
    results = run(studio, "robustness").results
    assert [label for label, _ in results.of.options] == ["Slow look", "Broken"]
    results.of.value = "XX302"
    assert results.pick.layout.display == "none"
    assert "<b>Error:</b>" in results.words.value
    assert "the &lt;b&gt;model&lt;/b&gt; is not there" in results.words.value
    assert results.picture.layout.display == "none"
    assert results.picture.figure is None


def test_nothing_shown_is_markup_from_data(studio: Any) -> None:
    run(studio, "bias")
    run(studio, "robustness")
    studio.steps["bias"].results.switch.value = True
    for widget in inside(studio):
        if isinstance(widget, (w.HTML, w.HTMLMath)):
            tags = Tags()
            tags.feed(widget.value)
            assert tags.seen <= ALLOWED, tags.seen - ALLOWED
            assert tags.handlers == []
        elif hasattr(widget, "description_allow_html"):
            assert not widget.description_allow_html or "<" not in widget.description


def test_every_control_can_be_named(studio: Any) -> None:
    run(studio, "bias")
    controls = [
        x
        for x in inside(studio)
        if isinstance(x, (w.Button, w.ToggleButton, w.Checkbox, w.Dropdown, w.Text, w.IntText, w.FloatText))
    ]
    assert len(controls) > 15
    assert all(x.description and x.tooltip for x in controls)


def test_buttons_follow_the_session(studio: Any) -> None:
    runner = studio.steps["robustness"].runner
    other = studio.steps["bias"].runner
    studio.session.state = "running"
    studio.session.active = "robustness"
    studio.session.fraction, studio.session.message = 0.25, "Slow <b>look</b>"
    assert runner.run.disabled
    assert not runner.cancel.disabled
    assert runner.bar.value == 0.25
    assert runner.bar.layout.visibility == "visible"
    assert "Slow &lt;b&gt;look&lt;/b&gt;, 25%" in runner.state.value
    assert other.run.disabled
    assert other.bar.layout.visibility == "visible"
    assert "Robustness is running: Slow &lt;b&gt;look&lt;/b&gt;, 25%" in other.state.value
    assert "Robustness is running" not in runner.state.value
    assert all(c.widget.disabled for c in studio.steps["bias"].forms["XX101"].controls.values())
    studio.session.state = "cancelled"
    assert not runner.run.disabled
    assert runner.cancel.disabled
    assert "running" not in other.state.value
    assert other.bar.layout.visibility == "hidden"


def test_a_value_that_does_not_fit_keeps_a_run_from_starting(studio: Any) -> None:
    step = studio.steps["bias"]
    step.forms["XX101"].controls["level"].widget.value = 1.0
    step.runner.run.click()
    assert studio.session.state == "idle"
    assert "Gap: level=1.0: input should be less than 1" in step.runner.trouble.value
    step.forms["XX101"].controls["level"].widget.value = 5.0
    assert step.forms["XX101"].controls["level"].widget.value == 5.0, "what was typed stays"
    step.forms["XX101"].controls["level"].widget.value = 0.95
    assert step.runner.trouble.value == ""


def test_what_fails_is_told(studio: Any) -> None:
    step = studio.steps["bias"]
    step.chosen["XX101"].value = False
    assert step.forms["XX101"].layout.display == "none"
    step.runner.run.click()
    assert "No check is chosen" in step.runner.trouble.value
    saving = studio.pages[-1][1].saving
    saving.export.click()
    assert saving.work.wait(300)
    assert "run a check first" in saving.exporting.trouble.value


def test_changed_settings_are_told(studio: Any) -> None:
    step = run(studio, "bias")
    assert step.changed.value == ""
    step.forms["XX101"].controls["level"].widget.value = 0.8
    assert "XX101 changed since this was measured" in step.changed.value
    run(studio, "bias")
    assert step.changed.value == ""


def test_findings_and_export(studio: Any, tmp_path: Any) -> None:
    findings, report = studio.pages[-2][1], studio.pages[-1][1]
    export = report.saving
    assert "run a check first" in findings.text.value
    assert export.folder.value == "reports/small-b-credit-b"
    report.runner.run.click()
    assert studio.session.wait(300)
    assert "What was not examined" in findings.text.value
    export.folder.value = str(tmp_path / "out")
    export.export.click()
    assert export.work.wait(300)
    assert str(tmp_path / "out" / "report.html") in export.told.value
    assert (tmp_path / "out" / "report.json").is_file()
    assert "replaced" not in export.told.value
    export.export.click()
    assert export.work.wait(300)
    assert "what stood there before is replaced" in export.told.value


def test_without_a_front_end_the_next_step_is_named(studio: Any) -> None:
    bundle = studio._repr_mimebundle_()
    assert "small <b>credit</b>: 0 of 3 checks run" in bundle["text/plain"]
    assert "auditkit.Audit([...]).run(subject)" in bundle["text/plain"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == studio.model_id
    assert "text/html" not in bundle
    run(studio, "bias")
    bundle = studio._repr_mimebundle_()
    assert "1 of 3 checks run" in bundle["text/plain"]
    assert "Audit report" in bundle["text/html"]


@pytest.mark.parametrize("component", [Explainability, Bias, Membership, Robustness])
def test_a_component_is_a_studio_of_one_step(component: Any, small: Any) -> None:
    made = component(small.subject(), seed=2)
    assert [name for name, _ in made.pages] == [component.__name__, "Findings", "Report"]
    assert made.session.dimensions == component.only


def test_importing_auditkit_does_not_import_widgets() -> None:
    code = "import sys, auditkit; assert 'ipywidgets' not in sys.modules; auditkit.widgets.Studio; assert 'plotly' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_all_can_be_run_from_the_first_step(studio: Any) -> None:
    start = studio.pages[0][1]
    assert start.runner.run.description == "Run all"
    start.runner.run.click()
    assert studio.session.wait(300)
    assert {e.check for e in studio.session.current()} == {"XX101", "XX301", "XX302"}
    assert studio.session.report.of("XX101").params["draws"] == 2


def test_a_value_that_does_not_fit_keeps_all_from_starting(studio: Any) -> None:
    studio.steps["bias"].forms["XX101"].controls["level"].widget.value = 1.0
    start = studio.pages[0][1]
    start.runner.run.click()
    assert studio.session.state == "idle"
    assert "Gap: level=1.0" in start.runner.trouble.value


def test_the_page_of_a_check_can_be_read_where_its_findings_are() -> None:
    from auditkit.check import find
    from auditkit.widgets.parts import explained

    told = explained(find("AK101"))
    assert "<summary>AK101 · " in told
    assert "How the check works" in told
    assert "What it does not say" in told or "Does not say" in told
    assert " id=" not in told
    assert " open" not in told.split("</summary>")[0]


def test_a_step_of_many_checks_asks_once_and_runs_from_the_top() -> None:
    from auditkit.data import make_credit

    step = Bias(make_credit(n_train=60, n_test=60)).steps["bias"]
    # at the top: Run, what is shared; every check's own settings are folded
    assert step.pages[0].children[0] is step.runner
    assert step.asked.inner.children[0] is step.shared
    assert len(step.shared.of["features"]) > 5
    assert len(step.shared.of["intersections"]) > 5
    for code, form in step.forms.items():
        switches = [c for c in form.children if isinstance(c, w.ToggleButton)]
        assert [c.description for c in switches] == [f"Settings ({len(form.controls)})"], code
        rest = form.children[1]
        assert rest.layout.display == "none"


def test_what_is_shared_reaches_every_check_and_can_differ_afterwards() -> None:
    from auditkit.data import make_credit

    studio = Bias(make_credit(n_train=60, n_test=60))
    step, settings = studio.steps["bias"], studio.session.settings
    step.shared.controls["features"].widget.value = ("sex",)
    for code in step.shared.of["features"]:
        assert studio.session.settings[code]["features"] == ["sex"]
    others = set(settings) - set(step.shared.of["features"])
    assert all(studio.session.settings[code] == settings[code] for code in others)
    step.forms["AK101"].controls["features"].widget.value = ("age_band",)
    assert studio.session.settings["AK101"]["features"] == ["age_band"]
    assert studio.session.settings["AK102"]["features"] == ["sex"]


def test_a_shared_value_that_does_not_fit_is_said_once_and_goes_nowhere() -> None:
    from auditkit.data import make_credit

    studio = Bias(make_credit(n_train=60, n_test=60))
    step, settings = studio.steps["bias"], studio.session.settings
    field = step.shared.controls["level"].widget
    before = field.value
    field.value = 5
    assert studio.session.settings == settings
    assert field.value == 5
    told = [x.value for x in inside(step) if isinstance(x, w.HTML) and "Not possible" in x.value]
    assert len(told) == 1
    step.runner.run.click()
    assert studio.session.state == "idle"
    assert "Level" in step.runner.trouble.value
    field.value = before
    assert step.runner.trouble.value == ""
    assert not [x for x in inside(step) if isinstance(x, w.HTML) and "Not possible" in x.value]


def test_a_step_of_few_checks_shows_its_first_settings(studio: Any) -> None:
    step = studio.steps["robustness"]
    assert step.shared.children == ()
    parts = step.pages[0].children
    assert parts[0] is step.runner


def test_checks_fold_after_a_run_and_the_step_is_ticked(studio: Any) -> None:
    step = studio.steps["bias"]
    tab = studio.tabs.buttons[1]
    assert step.asked.inner.layout.display in (None, "")
    assert tab.description == "2 Bias"
    width = tab.layout.width
    run(studio, "bias")
    assert step.asked.inner.layout.display == "none", "what was found is in sight"
    assert (tab.description, tab.layout.width) == ("2 Bias ✓", width)
    assert studio.tabs.buttons[2].description == "3 Robustness"
    step.asked.switch.value = True
    assert step.asked.inner.layout.display == ""
    step.forms["XX101"].controls["level"].widget.value = 0.8
    assert tab.description == "2 Bias", "not under these settings"
    studio.session.left_out = {"XX101"}
    assert tab.description == "2 Bias"


def test_a_step_of_which_some_checks_ran_is_marked_as_begun(studio: Any) -> None:
    step = next(one for one in studio.steps.values() if len(one.checks) > 1)
    tab = studio.tabs.buttons[[*studio.steps].index(step.dimension) + 1]
    name = tab.description
    _first, *others = (check.code for check in step.checks)
    studio.session.left_out = set(others)
    run(studio, step.dimension)
    assert tab.description == f"{name} ✓"
    studio.session.left_out = set()
    assert tab.description == f"{name} ◐"


def test_what_is_missing_can_be_run_as_long_as_something_is(studio: Any) -> None:
    runner = studio.pages[0][1].runner
    assert not runner.run.disabled
    runner.run.click()
    studio.session.wait()
    assert studio.session.missing() == ()
    assert runner.run.disabled
    assert "Nothing is missing" in runner.state.value
    studio.session.set("XX101", level=0.7)
    assert not runner.run.disabled
    assert "Nothing is missing" not in runner.state.value


def test_a_step_whose_checks_broke_is_not_ticked(studio: Any) -> None:
    at = [*studio.steps].index("robustness") + 1
    run(studio, "robustness")
    assert "error" in [e.outcome for e in studio.session.report.evidence]
    assert not studio.tabs.buttons[at].description.endswith("✓")


def test_a_studio_of_nothing_says_what_it_needs() -> None:
    from auditkit.errors import InputError

    with pytest.raises(InputError, match=r"expected a subject: Bias\(Subject\("):
        Bias()


def test_the_checks_are_counted_and_named_when_asked(studio: Any) -> None:
    told = studio.pages[0][1].children[1].value
    assert "3 checks in 2 steps" in told
    assert "<details><summary>Which checks these are</summary>" in told
