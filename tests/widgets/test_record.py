"""From play to record: notes, waivers, templates and code, in the session and in its views."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import pytest

from auditkit import progress
from auditkit.errors import InputError
from auditkit.explore import Answer
from auditkit.finding import Criterion, Policy
from auditkit.runner.parameters import declared
from auditkit.runner.templates import read_template
from auditkit.waiver import Waiver
from auditkit.widgets import Findings, Report, Session, Studio

if TYPE_CHECKING:
    from collections.abc import Iterator

CRITERIA = [Criterion("gap", at_most=0.01, severity="high", why="a <b>test</b>")]
LAST = "2999-12-31"


@pytest.fixture
def session(small: Any) -> Any:
    made: Any = Session(small.subject(), [small.gap, small.slow, small.broken], criteria=CRITERIA, seed=3)
    made.set("XX101", draws=1)
    made.set("XX301", ticks=2)
    return made


@pytest.fixture
def measured(session: Any) -> Any:
    session.start()
    assert session.wait(300)
    session.author = "maria"
    return session


def gap(session: Any) -> Any:
    return next(f for f in session.report.findings if f.check == "XX101")


# --- the session


def test_nothing_is_said_of_what_was_not_measured(session: Any) -> None:
    for what in (lambda: session.note("0" * 16, "x"), lambda: session.waive("0" * 16, "x", LAST)):
        with pytest.raises(InputError, match="run a check first"):
            what()
    assert session.author


def test_notes_and_waivers_are_in_the_report_and_stay_there(measured: Any) -> None:
    about = gap(measured)
    seen: list[Any] = []
    measured.observe(lambda change: seen.append(change["new"]), "report")
    measured.note(about, "Looked at.")
    measured.keep(Answer("thresholds", {"at": 0.5}, "They differ.", "Why."), "See <i>this</i>.")
    measured.waive(about.fingerprint, "a pilot", LAST)
    assert len(seen) == 3
    assert [(n.text, n.author, bool(n.seen)) for n in measured.report.notes] == [
        ("Looked at.", "maria", False),
        ("See <i>this</i>.", "maria", True),
    ]
    assert (gap(measured).status, gap(measured).waiver.by) == ("waived", "maria")
    measured.set("XX301", ticks=3)
    measured.start("robustness")
    assert measured.wait(300)
    assert gap(measured).status == "waived"
    assert measured.report.notes == measured.notes
    assert set(measured.report.provenance["timings"]) == {"XX101", "XX301", "XX302"}
    with pytest.raises(InputError, match="no finding"):
        measured.note("0" * 16, "x")
    with pytest.raises(InputError, match="a note needs words"):
        measured.note(about, " ")
    broken = next(f for f in measured.report.findings if f.check == "XX302")
    with pytest.raises(InputError, match="only what breaks a limit"):
        measured.waive(broken, "why not", LAST)


def test_what_was_kept_before_anything_was_measured_is_in_the_report(session: Any) -> None:
    session.keep(Answer("thresholds", {}, "They differ.", "Why."))
    session.start("bias")
    assert session.wait(300)
    assert session.report.notes == session.notes != ()


@pytest.mark.parametrize("seen", ["They differ.", None, {"says": "They differ."}])
def test_only_what_an_explorer_shows_is_kept(session: Any, seen: Any) -> None:
    with pytest.raises(InputError, match=f"what an explorer shows.*got {type(seen).__name__}.*session.note"):
        session.keep(seen)
    assert session.notes == ()


def test_waivers_of_the_policy_hold_in_the_session(small: Any) -> None:
    policy = Policy(
        tuple(CRITERIA), waivers=(Waiver(metric="gap", reason="a pilot", by="board", until=LAST),)
    )
    session: Any = Session(small.subject(), [small.gap], criteria=policy)
    session.set("XX101", draws=1)
    session.start()
    assert session.wait(300)
    assert gap(session).status == "waived"
    assert session.report.waivers == policy.waivers


def test_what_is_left_out_is_no_part_of_the_audit_but_what_was_measured_is(measured: Any) -> None:
    measured.include("XX101", run=False)
    measured.include("XX301", run=False)
    assert {c.code for c in measured.planned} == {"XX101", "XX301", "XX302"}
    measured.set("XX301", ticks=5)
    assert {c.code for c in measured.planned} == {"XX101", "XX302"}
    report = measured.settled()
    assert report is measured.report
    assert [e.check for e in report.evidence][:2] == ["XX101", "XX302"]
    assert [p["code"] for p in report.provenance["plan"]] == ["XX101", "XX302"]
    assert report.provenance["timings"]


# --- template and code


def test_every_setting_stands_in_the_template(session: Any, tmp_path: Any) -> None:
    path = session.save_template(tmp_path / "new" / "gap.ipynb", title="Gaps, <b>again</b>")
    template = read_template(path)
    assert template.title == "Gaps, <b>again</b>"
    known = declared(template)
    assert known["gap__draws"].default == 1
    assert known["slow__ticks"].default == 2
    assert known["gap__level"].default == 0.95
    source = template.source_of("parameters")
    assert "seed = 3 " in source
    plan = template.source_of("plan")
    assert "import gap" in plan
    assert 'why="a <b>test</b>"' in plan
    words = "\n".join(
        "".join(c["source"]) for c in template.notebook["cells"] if c["cell_type"] == "markdown"
    )
    assert "# Gaps, \\<b\\>again\\</b\\>\n" in words
    assert "## Bias" in words
    assert "Whom does the model treat differently?" in words


def test_a_shipped_check_brings_its_narrative(tmp_path: Any) -> None:
    from auditkit.data import make_credit
    from auditkit.runner.order import take_order

    session: Any = Session(make_credit(n_train=60, n_test=60), ["model_performance", "bias"], seed=2)
    session.set("AK101", level=0.9)
    notebook = session.template()
    assert notebook["metadata"]["auditkit"]["title"] == "Performance and bias audit"
    words = "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    for check in session.checks:
        assert f"({check.code})" in words
    assert words.count("**Method.**") == len(session.checks)
    assert words.count("\n## ") == len({"Settings", "Subject", "Plan", "Verdict", "Findings", "Performance", "Bias", "Methods", "How"})  # fmt: skip
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    (tmp_path / "rows.csv").write_text("a,y\n1,0\n")
    (tmp_path / "subject.toml").write_text(
        '[model]\npython = "a.b:c"\n[data.test]\npath = "rows.csv"\ntarget = "y"\n'
    )
    path = session.save_template(tmp_path / "own.ipynb")
    order = take_order(
        path, tmp_path / "subject.toml", tmp_path, {"error_rates__level": 0.8}, None, seed=None, jobs=1
    )
    assert order.parameters["seed"] == 2
    assert order.parameters["error_rates__level"] == 0.8
    assert order.audit is not None


def test_every_installed_check_can_stand_in_a_template(tmp_path: Any) -> None:
    import nbformat

    from auditkit.data import make_credit

    session: Any = Session(make_credit(n_train=60, n_test=60))
    notebook = session.template()
    nbformat.validate(nbformat.from_dict(notebook))
    assert notebook["metadata"]["auditkit"]["title"] == "Saved audit"
    template = read_template(session.save_template(tmp_path / "all.ipynb"))
    assert {check.code for check in template.resolved_checks()} == {check.code for check in session.checks}
    defaults = {name: p.default for name, p in declared(template).items()}
    for check in session.checks:
        for name, value in session.settings[check.code].items():
            assert defaults[f"{check.name}__{name}"] == value
    dimensions = ", ".join(f'"{name}"' for name in session.dimensions)
    assert f"    [{dimensions}]," in session.code()


def test_a_template_is_a_notebook(session: Any, tmp_path: Any) -> None:
    with pytest.raises(InputError, match=r"ends in \.ipynb"):
        session.save_template(tmp_path / "gap.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="give another path"):
        session.save_template(tmp_path / "file" / "gap.ipynb")


def test_code_holds_what_differs(small: Any) -> None:
    from auditkit.data import make_credit

    session: Any = Session(make_credit(n_train=60, n_test=60), ["model_performance", "bias"], seed=2)
    assert 'ak.Audit(\n    ["model_performance", "bias"],\n)' in session.code()
    session.set("AK101", level=0.9)
    code = session.code()
    assert '"demographic_parity": {"level": 0.9},' in code
    assert '"model_performance": {},' in code
    assert '"performance"' not in code
    assert "criteria" not in code
    own: Any = Session(small.subject(), [small.gap], criteria=[Criterion("gap", at_most=float("inf"))])
    assert f"from {small.gap.__module__} import gap" in own.code()
    assert "[gap]," in own.code()
    assert 'ak.Criterion(metric="gap", at_most=1e999),' in own.code()
    compile(own.code(), "code", "exec")


def test_a_check_of_a_notebook_is_said_to_need_a_module(small: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(small.gap, "__module__", "__main__")
    session: Any = Session(small.subject(), [small.gap])
    assert "put it into a module my_checks.py" in session.code()


# --- the views


def inside(widget: Any) -> Any:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


@pytest.fixture
def findings(measured: Any) -> Any:
    return Findings(measured)


def test_a_finding_is_noted_and_waived_in_the_view(findings: Any) -> None:
    say, session = findings.say, findings.session
    assert say.author.value == "maria"
    assert [label.split(":")[0] for label, _ in say.pick.options][:2] == ["✕ not met", "! error"]
    assert say.pick.value == gap(session).fingerprint
    say.remark.value = "Looked at <b>twice</b>."
    say.add.click()
    assert say.remark.value == ""
    assert "stands beside the finding" in say.noted.value
    assert "Note of maria: Looked at &lt;b&gt;twice&lt;/b&gt;." in say.about.value
    assert "Looked at &lt;b&gt;twice&lt;/b&gt;." in findings.text.value
    say.accept.click()
    assert "choose it under Until" in say.told.value
    say.until.value = date(2999, 12, 31)
    say.accept.click()
    assert "a waiver needs a reason" in say.told.value
    say.reason.value, say.author.value = "a <i>pilot</i>", "jo"
    say.accept.click()
    assert "Waived until 2999-12-31." in say.told.value
    assert (say.reason.value, say.until.value) == ("", None)
    assert (
        "Waived by jo until 2999-12-31: a &lt;i&gt;pilot&lt;/i&gt;. Without the waiver: not met."
        in findings.text.value
    )
    assert say.pick.value == gap(session).fingerprint
    assert say.pick.label.startswith("⚑ waived")


def test_what_presses_most_is_offered_until_a_person_chooses(measured: Any) -> None:
    say, session = Findings(measured).say, measured
    assert say.pick.value == gap(session).fingerprint
    session.waive(gap(session), "a pilot", LAST)
    assert say.pick.label.startswith("! error"), "nobody chose the other"
    say.pick.value = gap(session).fingerprint
    session.withdraw(gap(session))
    session.waive(gap(session), "a pilot", LAST)
    assert say.pick.value == gap(session).fingerprint


def test_what_is_typed_of_a_finding_waits_for_it_and_is_filed_on_no_other(findings: Any) -> None:
    say, session = findings.say, findings.session
    one, other = gap(session).fingerprint, say.pick.options[1][1]
    say.remark.value, say.reason.value, say.until.value = "of the gap", "a pilot", date(2999, 12, 31)
    say.pick.value = other
    assert (say.remark.value, say.reason.value, say.until.value) == ("", "", None)
    say.add.click()
    assert "a note needs words" in say.noted.value
    assert session.notes == ()
    say.remark.value = "of the other"
    say.pick.value = one
    assert (say.remark.value, say.reason.value, say.until.value) == (
        "of the gap",
        "a pilot",
        date(2999, 12, 31),
    )
    assert say.noted.value == ""
    say.add.click()
    assert [(n.text, n.about) for n in session.notes] == [("of the gap", one)]
    assert "stands beside the finding" in say.noted.value
    assert say.reason.value == "a pilot", "not filed yet"
    say.accept.click()
    assert "Waived until" in say.told.value
    say.pick.value = other
    assert (say.noted.value, say.told.value) == ("", "")
    assert (say.remark.value, say.reason.value) == ("of the other", "")
    say.pick.value = one
    assert (say.remark.value, say.reason.value, say.until.value) == ("", "", None)


def test_what_is_written_of_stays_when_another_comes_to_press_more(measured: Any) -> None:
    say, about = Findings(measured).say, gap(measured).fingerprint
    say.reason.value = "a pilot"
    measured.waive(about, "by code", LAST)
    assert say.pick.options[0][1] != about
    assert (say.pick.value, say.reason.value) == (about, "a pilot")


def test_a_template_does_not_excuse_another_subject(measured: Any, small: Any) -> None:
    measured.waive(gap(measured), "a pilot", LAST)
    audit = measured.audit
    again = audit.run(measured.subject, seed=measured.seed)
    assert [f.status for f in again.findings if f.waiver] == ["waived"]
    other = audit.run(replace(measured.subject, name="another"), seed=measured.seed)
    assert not [f for f in other.findings if f.waiver]
    assert other.verdict == "fail"
    (why,) = [f.reason for f in other.findings if f.reason.startswith("the waiver of")]
    assert why.endswith(f"was given for {measured.subject.name!r} and does not cover 'another'")


def test_a_waiver_given_here_can_be_withdrawn(findings: Any) -> None:
    say, session = findings.say, findings.session
    assert say.withdraw in [*inside(say)], "it can be reached"
    assert say.withdraw.layout.display == "none"
    session.waive(gap(session), "a pilot", LAST)
    say.pick.value = gap(session).fingerprint
    assert say.withdraw.layout.display == ""
    say.withdraw.click()
    assert (session.waivers, gap(session).status) == ((), "fail")
    assert "counts again" in say.told.value
    with pytest.raises(InputError, match="no waiver of this finding was given here"):
        session.withdraw(gap(session))


def test_what_was_added_is_shown_and_can_be_taken_back(measured: Any) -> None:
    view = Report(measured)
    assert view.back.layout.display == "none"
    measured.keep(Answer("thresholds", {"at": 0.5}, "They <b>differ</b>.", "Why."), "See this.")
    assert "Looked at by hand, outside the plan" in view.added.value
    assert "They &lt;b&gt;differ&lt;/b&gt;." in view.added.value
    view.back.click()
    assert measured.notes == measured.report.notes == ()
    assert view.added.value == ""


def test_what_cannot_be_waived_says_so(findings: Any) -> None:
    say = findings.say
    say.pick.value = next(f.fingerprint for f in findings.session.report.findings if f.check == "XX302")
    assert say.accept.disabled
    assert "cannot be waived" in say.about.value
    say.remark.value = "It broke."
    say.add.click()
    assert findings.session.notes[-1].about == say.pick.value


def test_every_control_of_the_views_can_be_named(measured: Any) -> None:
    kinds = (w.Button, w.Dropdown, w.Text, w.Textarea, w.DatePicker)
    controls = [
        x for made in (Findings(measured), Report(measured)) for x in inside(made) if isinstance(x, kinds)
    ]
    assert len(controls) > 14
    assert all(x.description and x.tooltip for x in controls)


@pytest.mark.parametrize(
    "step", ["judging what was measured", "writing the data", "writing the page", "writing the template"]
)
@pytest.mark.parametrize("there", [True, False])
def test_an_export_that_is_cancelled_leaves_all_as_it_was_and_says_so(
    measured: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, step: str, *, there: bool
) -> None:
    out, files = tmp_path / "out", ("report.html", "report.json", "template.ipynb")
    if there:
        out.mkdir()
        for name in files:
            (out / name).write_text("old")
    saving = Report(measured).saving
    saving.folder.value = str(out)
    said = progress.step

    def cancelled_at(fraction: float | None = None, what: str = "") -> None:
        if what == step:
            saving.work.cancel()
        said(fraction, what)

    monkeypatch.setattr(progress, "step", cancelled_at)
    saving.export.click()
    assert saving.work.wait(300)
    assert (saving.work.state, saving.told.value) == ("cancelled", "")
    kept = f"; what stood in {out} before is as it was" if there else ""
    assert saving.work.message == f"Cancelled. Nothing was written{kept}."
    assert saving.work.message in saving.exporting.state.value
    if there:
        assert {path.name: path.read_text() for path in out.iterdir()} == dict.fromkeys(files, "old")
    else:
        assert not out.exists()


def test_an_export_that_is_cancelled_too_late_is_told_as_written(
    measured: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditkit import files

    saving, move = Report(measured).saving, files.move_together
    saving.folder.value = str(tmp_path)

    def and_cancel(moves: Any) -> None:
        move(moves)
        saving.work.cancel()

    monkeypatch.setattr(files, "move_together", and_cancel)
    saving.export.click()
    assert saving.work.wait(300)
    assert (saving.work.state, saving.work.message) == ("done", "It was done before the cancel was heard.")
    assert "report.html" in saving.told.value
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "report.html",
        "report.json",
        "template.ipynb",
    ]


def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_is_written(
    measured: Any, tmp_path: Any
) -> None:
    (tmp_path / "template.ipynb").mkdir()
    (tmp_path / "report.json").write_text("old")
    with pytest.raises(InputError, match="is a folder: give another"):
        measured.export(tmp_path)
    assert (tmp_path / "report.json").read_text() == "old"
    assert not (tmp_path / "report.html").exists()


def test_the_report_view_writes_report_template_and_code(
    measured: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = Report(measured)
    saving = view.saving
    saving.folder.value = str(tmp_path / "out")
    begun, go_on = threading.Event(), threading.Event()
    export = type(measured).export

    def slow(*args: Any) -> Any:
        begun.set()
        go_on.wait(10)
        return export(*args)

    monkeypatch.setattr(type(measured), "export", slow)
    saving.export.click()
    assert begun.wait(10), "in a thread: the kernel is free, and the button came back"
    assert saving.export.disabled
    assert saving.exporting.bar.layout.visibility == "visible"
    go_on.set()
    assert saving.work.wait(300)
    assert "report.html" in saving.told.value
    saving.folder.value = str(tmp_path / "out" / "report.html")
    saving.export.click()
    assert saving.work.wait(300)
    assert "folder must be a folder" in saving.exporting.trouble.value
    assert saving.told.value == ""
    saving.path.value = str(tmp_path / "own.txt")
    saving.save.click()
    assert "ends in .ipynb" in saving.said_template.value
    saving.path.value = str(tmp_path / "own.ipynb")
    saving.save.click()
    assert "own.ipynb" in saving.said_template.value
    assert json.loads((tmp_path / "own.ipynb").read_text()) == measured.template()
    saving.show.click()
    assert saving.code.value == measured.code()
    assert saving.code.layout.display == ""


def test_what_is_missing_is_named_and_can_be_left_out(session: Any) -> None:
    session.start("bias")
    assert session.wait(300)
    view = Report(session)
    assert "Slow look (XX301); Broken (XX302)" in view.missing.value
    assert session.report.verdict == "fail"
    view.drop.click()
    assert view.missing.value == ""
    assert session.left_out == {"XX301", "XX302"}
    assert "no part of this audit now" in view.told.value
    assert [p["code"] for p in session.settled().provenance["plan"]] == ["XX101"]
    session.set("XX101", level=0.8)
    assert view.told.value == "", "it spoke of how things stood before"
    assert view.again.layout.display == ""
    view.again.click()
    assert session.left_out == set()
    assert "part of this audit again" in view.told.value
    assert view.again.layout.display == "none"


def test_boxes_of_the_steps_follow_what_is_left_out(small: Any) -> None:
    studio: Any = Studio(small.subject(), [small.gap, small.slow], CRITERIA)
    studio.session.include("XX301", run=False)
    assert not studio.steps["robustness"].chosen["XX301"].value
    assert studio.steps["bias"].chosen["XX101"].value


@pytest.mark.parametrize("component", [Findings, Report])
def test_components_take_a_session_a_view_or_a_subject(component: Any, small: Any, session: Any) -> None:
    assert component(session).session is session
    studio = Studio(small.subject(), [small.gap])
    assert component(studio).session is studio.session
    made = component(small.subject())
    assert made.session.report is None
    assert "0 of" in made._repr_mimebundle_()["text/plain"]
    assert "ak-studio" in made._dom_classes
    with pytest.raises(InputError, match=r"expected a Session, a Subject, or a view.*got str"):
        component("credit.toml")


def test_a_component_without_a_front_end_shows_the_static_page(measured: Any) -> None:
    bundle = Findings(measured)._repr_mimebundle_()
    assert "3 of 3 checks run" in bundle["text/plain"]
    assert "Audit report" in bundle["text/html"]


# --- two threads: a person adds while checks end


def test_what_is_added_while_checks_end_is_in_the_report(
    measured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report is put together from the waivers so far; one that is given just then is neither lost nor shown without effect."""
    from auditkit.widgets import record

    begun, added = threading.Event(), threading.Event()
    judged = record.waive

    def slow(findings: Any, waivers: Any, **more: Any) -> Any:
        if threading.current_thread() is ending:
            begun.set()
            added.wait(0.5)
        return judged(findings, waivers, **more)

    monkeypatch.setattr(record, "waive", slow)
    ending = threading.Thread(target=measured.adopt, args=(measured.report,))
    ending.start()
    assert begun.wait(10)
    measured.waive(gap(measured), "a pilot", LAST)
    measured.note(gap(measured), "seen")
    added.set()
    ending.join(10)
    assert gap(measured).status == "waived"
    assert [n.text for n in measured.report.notes] == ["seen"]
    assert len(measured.report.waivers) == 1


class Slowly(tuple[Any, ...]):
    """Notes that take a while to be read."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        time.sleep(0.1)
        return super().__iter__()


def test_notes_of_several_threads_are_all_kept(session: Any) -> None:
    seen = Answer("x", {}, "It is so.", "Not why.")
    session._trait_values["notes"] = Slowly()
    several = [threading.Thread(target=session.keep, args=(seen,)) for _ in range(3)]
    for one in several:
        one.start()
    for one in several:
        one.join(10)
    assert len(session.notes) == 3


def test_settling_while_checks_end_loses_nothing(measured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export takes the report as it is; a check that ends meanwhile stays in it."""
    measured.set("XX301", ticks=3)
    measured.left_out = {"XX302"}
    streamed = type(measured.audit).stream
    times: list[int] = []

    def meanwhile(audit: Any, *args: Any, **kw: Any) -> Any:
        yield from streamed(audit, *args, **kw)

    def first(audit: Any, *args: Any, **kw: Any) -> Any:
        events = list(streamed(audit, *args, **kw))
        times.append(len(events))
        if len(times) == 1:
            monkeypatch.setattr(type(audit), "stream", meanwhile)
            measured.start("robustness")
            assert measured.wait(300)
        return iter(events)

    monkeypatch.setattr(type(measured.audit), "stream", first)
    report = measured.settled()
    assert report.of("XX301").params["ticks"] == 3
    assert measured.settled() is report


def test_a_name_given_later_signs_what_the_login_name_signed(small: Any) -> None:
    from auditkit.noting import logged_in

    session: Any = Session(small.subject(), [small.gap], criteria=CRITERIA, seed=3)
    session.start()
    assert session.wait(300)
    session.note(gap(session), "before the name")
    assert session.notes[0].author == logged_in()
    assert "your login name" in session.unnamed()
    session.waive(gap(session), "a pilot", "2999-12-31")
    session.author = "maria"
    assert [n.author for n in session.report.notes] == ["maria"]
    assert [v.by for v in session.report.waivers] == ["maria"]
    assert session.unnamed() == ""
    session.author = "jo"
    assert [n.author for n in session.notes] == ["maria"], "what a person signed stays"
