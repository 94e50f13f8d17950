"""The session: what a guided audit knows, without a browser."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from auditkit.audit import Audit
from auditkit.errors import InputError
from auditkit.finding import Criterion
from auditkit.report import load_report
from auditkit.widgets.component import session_of
from auditkit.widgets.session import Session

CRITERIA = [Criterion("gap", at_most=0.1, severity="high", why="a test")]


@pytest.fixture
def session(small: Any) -> Any:
    made = Session(small.subject(), [small.gap, small.slow, small.broken], criteria=CRITERIA, seed=3)
    made.set("XX101", draws=2)
    made.set("XX301", ticks=3)
    return made


def finish(session: Any, dimension: str = "") -> None:
    session.start(dimension)
    assert session.wait(120)


def test_dimensions_stand_in_the_order_of_the_walk(session: Any) -> None:
    assert session.dimensions == ("bias", "robustness")
    assert (session.state, session.report, session.dimension) == ("idle", None, "bias")
    assert "small" in repr(session)
    assert ".start('bias')" in repr(session)


def test_parts_in_any_order_add_up_to_the_audit_made_at_once(small: Any, session: Any) -> None:
    finish(session, "robustness")
    assert [e.check for e in session.report.evidence][:2] == ["XX301", "XX302"]
    finish(session, "bias")
    at_once = session.audit.run(session.subject, seed=3)
    assert session.report.evidence == at_once.evidence
    assert session.report.findings == at_once.findings
    by_hand = Audit({small.gap: {"draws": 2}, small.slow: {"ticks": 3}, small.broken: {}}, CRITERIA).run(
        small.subject(), seed=3
    )
    assert session.report.evidence == by_hand.evidence


def test_states_and_progress_are_told_in_order(session: Any) -> None:
    states, fractions, messages = [], [], []
    session.observe(lambda c: states.append(c["new"]), "state")
    session.observe(lambda c: fractions.append(c["new"]), "fraction")
    session.observe(lambda c: messages.append(c["new"]), "message")
    session.set("XX301", ticks=40)
    finish(session, "robustness")
    assert states == ["running", "done"]
    assert fractions == sorted(fractions)
    assert len(fractions) > 3
    assert fractions[-1] == 1.0
    assert any("tick" in m and "check 1 of 2" in m for m in messages)
    assert session.message.startswith("Done: 2 checks were run, 1 of which ended in an error. It took ")


def test_cancel_stops_at_the_next_step_and_keeps_what_was_measured(session: Any) -> None:
    finish(session, "bias")
    before = session.report
    session.set("XX301", ticks=100_000)
    session.start("robustness")
    started = time.monotonic()
    while "tick" not in session.message:
        time.sleep(0.01)
        assert time.monotonic() < started + 60, session.message
    clock = time.monotonic()
    session.cancel()
    assert session.state == "stopping"
    assert session.wait(300)
    assert time.monotonic() - clock < 10, "100,000 ticks would take a thousand seconds"
    assert session.state == "cancelled"
    assert session.report is before
    assert not [t for t in threading.enumerate() if t.name in ("auditkit-session", "XX301")]
    session.set("XX301", ticks=3)
    finish(session, "robustness")
    assert session.state == "done"


def test_each_check_is_kept_as_it_ends_and_after_a_cancel(small: Any) -> None:
    session: Any = Session(small.subject(), [small.gap, small.slow], criteria=CRITERIA, seed=3)
    session.set("XX301", ticks=100_000)
    seen: list[Any] = []
    session.observe(lambda c: seen.append((session.state, c["new"])), "report")
    session.start()
    started = time.monotonic()
    while not seen:
        time.sleep(0.01)
        assert time.monotonic() < started + 60, session.message
    state, report = seen[0]
    assert state == "running"
    assert {e.check for e in report.evidence} >= {"XX101"}
    assert "XX101" in report.provenance["timings"]
    assert report.findings
    session.note(report.findings[0], "seen while the others run")
    session.cancel()
    assert session.wait(300)
    assert session.message.startswith("Cancelled. 1 of 2 checks had ended and are kept.")
    assert session.missing() == ("XX301",)
    assert [n.text for n in session.report.notes] == ["seen while the others run"]


def test_a_cancel_of_a_second_run_keeps_the_first(small: Any) -> None:
    session: Any = Session(small.subject(), [small.slow, small.broken], criteria=[], seed=3)
    session.set("XX301", ticks=60)
    finish(session)
    before = session.report
    session.start("robustness")
    while "tick" not in session.message:
        time.sleep(0.005)
    session.cancel()
    assert session.wait(300)
    assert session.state == "cancelled"
    assert session.report.evidence == before.evidence


def test_nothing_else_starts_while_checks_run(session: Any) -> None:
    session.set("XX301", ticks=100_000)
    session.start("robustness")
    with pytest.raises(InputError, match="wait for them, or cancel"):
        session.start("bias")
    session.cancel()
    session.wait(300)


def test_cancel_without_a_run_changes_nothing(session: Any) -> None:
    session.cancel()
    assert session.state == "idle"


def test_a_check_that_breaks_becomes_evidence_and_the_session_goes_on(session: Any) -> None:
    finish(session, "robustness")
    assert session.report.of("XX302").outcome == "error"
    assert "the <b>model</b> is not there" in session.report.of("XX302").reason
    assert session.state == "done"


def test_what_breaks_outside_a_check_is_said(session: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(Session, "_merge", lambda *_: 1 / 0)
    finish(session, "bias")
    assert (session.state, session.message) == ("failed", "ZeroDivisionError: division by zero")


@pytest.mark.parametrize("ending", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_what_ends_the_thread_is_said_and_checks_can_be_run_again(
    session: Any, monkeypatch: Any, ending: BaseException
) -> None:
    def ends(*_: Any) -> None:
        raise ending

    with monkeypatch.context() as patched:
        patched.setattr(Session, "_through", ends)
        finish(session, "bias")
    told = f"the model's code ended the thread: {ending!r}"
    assert (session.state, session.message) == ("failed", told)
    finish(session, "bias")
    assert session.state == "done"


@pytest.mark.parametrize("trait", ["state", "fraction", "message", "report"])
def test_who_listens_and_breaks_changes_no_state_and_is_seen(session: Any, capsys: Any, trait: str) -> None:
    later: list[str] = []

    def breaks(_: Any) -> None:
        raise ZeroDivisionError("while drawing")

    session.observe(breaks, trait)
    session.observe(lambda change: later.append(change["new"]), "state")
    finish(session, "bias")
    assert session.state == "done"
    assert session.message.startswith("Done: 1 check was run.")
    assert session.report.of("XX101").outcome == "observed"
    assert later == ["running", "done"]
    assert "ZeroDivisionError: while drawing" in capsys.readouterr().err
    session.unobserve(breaks, trait)
    finish(session, "bias")
    assert not capsys.readouterr().err


def test_changed_settings_make_evidence_stale_and_missing(session: Any) -> None:
    finish(session)
    assert session.missing() == ()
    session.set("XX101", level=0.8)
    assert session.stale("bias") == ("XX101",)
    assert session.stale("robustness") == ()
    assert session.missing() == ("XX101",)
    ran: list[str] = []
    session.observe(lambda c: ran.append(c["new"]), "message")
    finish(session)
    assert session.message.startswith("Done: 1 check was run. It took ")
    assert not any("tick" in m for m in ran)
    assert session.report.of("XX101").measurements[0].interval.level == 0.8
    assert len(session.report.evidence) >= 3


def test_a_stale_part_is_left_out_of_the_next_report(session: Any) -> None:
    finish(session, "bias")
    session.set("XX101", level=0.8)
    finish(session, "robustness")
    assert "XX101" not in {e.check for e in session.report.evidence}
    assert {"what": "Gap", "why": "planned, but not run yet"} in session.report.provenance["not_examined"]


def test_a_check_left_out_is_not_run_and_named(session: Any) -> None:
    session.include("XX301", run=False)
    finish(session, "robustness")
    assert {e.check for e in session.report.evidence} & {"XX301", "XX302"} == {"XX302"}
    session.include("XX302", run=False)
    finish(session, "robustness")
    assert (session.state, session.message) == ("failed", "No check is chosen: tick one.")


def test_values_that_do_not_fit_are_refused_and_change_nothing(session: Any) -> None:
    before = session.settings
    with pytest.raises(InputError, match="less than 1"):
        session.set("XX101", level=1.0)
    with pytest.raises(InputError, match="Did you mean 'level'"):
        session.set("XX101", levell=0.9)
    assert session.settings is before


def test_a_check_is_given_by_its_code_its_name_or_itself(small: Any, session: Any) -> None:
    session.set("gap", draws=3)
    assert session.settings["XX101"]["draws"] == 3
    session.set(small.gap, draws=4)
    session.set("XX101", level=0.9)
    assert (session.settings["XX101"]["draws"], session.settings["XX101"]["level"]) == (4, 0.9)
    session.include("gap", run=False)
    assert session.left_out == {"XX101"}
    session.include(small.gap, run=True)
    assert session.left_out == set()
    assert session.one(session.one("gap")).code == "XX101"


@pytest.mark.parametrize(
    ("word", "match"),
    [
        ("XX1O1", "no check 'XX1O1' here. Did you mean 'XX101'?"),
        ("gapp", "no check 'gapp' here. Did you mean 'gap'?"),
        ("AK101", "no check 'AK101' here."),
        (None, "no check None here."),
    ],
)
def test_a_check_that_is_not_there_is_refused_and_changes_nothing(
    session: Any, word: Any, match: str
) -> None:
    before = dict(session.settings)
    for ask in (lambda: session.set(word, draws=3), lambda: session.include(word, run=False)):
        with pytest.raises(InputError, match=re.escape(match)):
            ask()
    assert (session.settings, session.left_out) == (before, set())


def test_an_executor_gives_the_same_evidence(small: Any, session: Any) -> None:
    finish(session)
    with ThreadPoolExecutor(2) as pool:
        other: Any = Session(
            small.subject(), [small.gap, small.slow, small.broken], criteria=CRITERIA, seed=3, executor=pool
        )
        other.settings = session.settings
        finish(other)
    assert other.report.evidence == session.report.evidence


def test_export_writes_its_files_whole(session: Any, tmp_path: Any) -> None:
    with pytest.raises(InputError, match="run a check first"):
        session.export(tmp_path)
    finish(session, "bias")
    as_data, as_page, _ = session.export(tmp_path / "new" / "folder")
    assert load_report(as_data).evidence == session.report.evidence
    page = as_page.read_text()
    assert "One group is selected more often." in page
    assert "<img src=x" not in page
    assert "docs/checks/xx101.md" in page
    assert json.loads(as_data.read_text())["subject"]["name"] == "small <b>credit</b>"
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="must be a folder"):
        session.export(tmp_path / "file")


def test_every_installed_check_by_default(small: Any) -> None:
    from auditkit.check import registry

    assert {c.code for c in Session(small.subject()).checks} == {c.code for c in registry().about("model")}


@pytest.mark.parametrize(("given", "match"), [("x", "expected a Subject"), (None, "expected a Subject")])
def test_only_subjects(given: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        Session(given)


def test_unknown_dimension(session: Any) -> None:
    with pytest.raises(InputError, match="Did you mean 'bias'"):
        session.start("bia")


def test_the_subject_offers_its_columns(small: Any) -> None:
    from auditkit.check import Parameter, find

    session = Session(small.subject(), [small.gap])
    assert session.options(small.gap.__auditkit__) == {"features": ("sex",)}
    inputs = tuple(map(str, session.subject.test.X.columns))
    assert session.options(find("AK303")[0]) == {"immutable": inputs}
    sliced = Parameter("features", list[str] | None, None, "Columns that form slices.")
    about = replace(small.gap.__auditkit__, parameters=(sliced,))
    assert session.options(about) == {"features": tuple(dict.fromkeys(["sex", *inputs]))}


def test_the_exported_template_and_the_code_run_the_same_audit_again(tmp_path: Any, monkeypatch: Any) -> None:
    import auditkit as ak

    made = ak.data.make_credit(n_train=80, n_test=80)
    session = Session(made, ["model_performance", "demographic_parity", "noise_sweep"], seed=3)
    session.set("AK301", strength=0.2)
    session.include("AK101", run=False)
    session.start()
    assert session.wait(300)
    failing = next(f for f in session.report.findings if f.criterion and f.status != "pass")
    session.author = "maria"
    session.waive(failing, "a 'pilot'\n of 60 days", "2999-12-31")
    *_, template = session.export(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ak, "load_subject", lambda _: made)
    cells = json.loads(template.read_text())["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code" and "show(" not in "".join(cell["source"]):
            exec("".join(cell["source"]), names)
    assert names["report"].stable_dict() == session.report.stable_dict()
    assert [e.check for e in names["report"].evidence] == ["AK001", "AK301"]
    by_code: dict[str, Any] = {}
    exec(session.code(), by_code)
    assert by_code["report"].stable_dict() == session.report.stable_dict()
    assert session.settled() is session.report


def test_cancel_waits_for_nobody_who_is_told_of_the_end(session: Any) -> None:
    told, go_on = threading.Event(), threading.Event()

    def slow(change: Any) -> None:
        if change["new"] == "done":
            told.set()
            go_on.wait(10)

    session.observe(slow, "state")
    session.start("bias")
    assert told.wait(300)
    clock = time.monotonic()
    session.cancel()
    assert time.monotonic() - clock < 1
    assert session.state == "done"
    go_on.set()
    assert session.wait(10)


def test_a_path_is_refused_with_the_line_that_loads_it():
    with pytest.raises(
        InputError, match=r"got str; load what a file describes: .*load_target\('lab\.toml'\)"
    ):
        session_of("lab.toml")
    with pytest.raises(InputError, match=r"got int$"):
        session_of(1)
