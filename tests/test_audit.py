"""The engine: whatever a check does, the audit ends in a report that says so."""

from __future__ import annotations

import functools
import multiprocessing
import re
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit, Criterion, Dataset, Subject, progress
from auditkit import check as mark
from auditkit.audit import Completed, Finished, Progress, Started
from auditkit.check import find, registry
from auditkit.checks.bias import demographic_parity
from auditkit.engine import Step, in_executor, serial
from auditkit.errors import Cancelled, InputError, NotApplicable
from auditkit.evidence import Evidence, Measurement
from auditkit.finding import Policy
from auditkit.left_out import OUTSIDE

ROWS = 40


def named(value):
    """Name a case the same in every process: addresses of objects differ."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def by_a(frame):
    return (frame["a"] > 0).astype(int).to_numpy()


def subject_of(model=by_a):
    X = pd.DataFrame({"a": np.linspace(-1, 1, ROWS), "b": np.arange(ROWS) % 3})
    return Subject("s", model, Dataset(X, by_a(X)))


def a_check(function, code="XX001", metrics=("value",)):
    return mark(code=code, title="T", question="Q?", dimension="performance", metrics=metrics)(function)


def drawn(subject, *, rng) -> Evidence:
    return Evidence(
        "XX900", (Measurement("value", rng.random(), len(subject.test)),), says="s", does_not_say="d"
    )


fine = a_check(drawn, code="XX900")


def outcome_of(function, **more):
    """Run a check beside one that is fine; return its evidence."""
    report = Audit([function, fine], []).run(subject_of(), **more)
    broken, other = report.evidence
    assert other.outcome == "observed", "the rest must stand"
    return broken


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        MemoryError("no"),
        RecursionError("no"),
        SystemExit("no"),
        Cancelled("no"),
        KeyError("no"),
        OSError("no"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_a_check_that_raises_is_an_error_finding(error):
    @a_check
    def bad(subject, *, rng) -> Evidence:
        raise error

    found = outcome_of(bad)
    assert (found.outcome, found.check, found.seed) == ("error", "XX001", "0/XX001")
    assert type(error).__name__ in found.reason
    assert "no" in found.reason or found.reason == "KeyError: '…' (values are left out here)"


class Panic(BaseException):
    """As compiled Rust raises it through pyo3: no Exception."""


def panics(frame):
    raise Panic("index out of bounds")


def test_a_panic_in_a_check_is_an_error_finding():
    @a_check
    def bad(subject, *, rng) -> Evidence:
        raise Panic("no")

    for more in ({}, {"executor": ThreadPoolExecutor(1)}):
        found = outcome_of(bad, **more)
        assert (found.outcome, found.reason) == ("error", "Panic: no")


def test_a_panic_in_the_model_is_an_error_finding():
    @a_check
    def asks(subject, *, rng) -> Evidence:
        subject.answers()
        return Evidence("x")

    report = Audit([asks, fine], []).run(subject_of(panics))
    assert [e.outcome for e in report.evidence] == ["error", "observed"]
    assert "index out of bounds" in report.evidence[0].reason


class Panicking:
    """Cannot be taken out of its parcel."""

    def __reduce__(self):
        return _panic, ()


def _panic():
    raise Panic("torn")


def test_a_panic_on_the_way_to_another_process_is_an_error_finding():
    subject = subject_of()
    object.__setattr__(subject, "name", Panicking())
    step = Step(0, find(fine)[0], {}, 0)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        *_, finished = in_executor([step], subject, pool)
    assert finished.evidence.outcome == "error"
    assert "Panic: torn" in finished.evidence.reason


@pytest.mark.parametrize("stop", [KeyboardInterrupt, GeneratorExit])
def test_who_wants_to_stop_is_not_held_up(stop):
    @a_check
    def stopped(subject, *, rng) -> Evidence:
        raise stop

    with pytest.raises(stop):
        list(serial([Step(0, find(stopped)[0], {}, 0)], subject_of()))


@pytest.mark.parametrize("executor", [2, "processes", ProcessPoolExecutor], ids=named)
def test_what_is_no_executor_is_refused_before_anything_runs(executor):
    asked = []
    subject = subject_of(lambda frame: asked.append(1) or by_a(frame))
    before = len(asked)
    with pytest.raises(InputError, match=r"executor= takes a concurrent.futures.Executor"):
        Audit([fine], []).stream(subject, executor=executor)
    with pytest.raises(InputError, match=r"such as ProcessPoolExecutor\(2\)"):
        Audit([fine], []).run(subject, executor=executor)
    assert len(asked) == before


GARBAGE = {
    "nothing": None,
    "a number": 3.0,
    "another check's metric": Evidence("x", (Measurement("other", 1.0, 1),)),
    "no measurement": Evidence("x", ("value",)),
    "what JSON cannot hold twice": Evidence("x", (Measurement("value", 1.0, 1),), tables={"t": "no table"}),
    "rows that are no numbers": Evidence("x", rows={"used": "all", "of": "x"}),
    "a cost that is no number": Evidence("x", cost={"model_calls": "many"}, says=3),
    "rows that are no mapping": Evidence("x", tables={"t": {"columns": 3}}),
}


@pytest.mark.parametrize("returned", GARBAGE.values(), ids=GARBAGE)
def test_a_check_that_returns_garbage_is_an_error_finding(returned):
    @a_check
    def bad(subject, *, rng) -> Evidence:
        return returned

    assert outcome_of(bad).outcome == "error"


@pytest.mark.parametrize(
    "more",
    [
        {"p_value": 1.5},
        {"p_value": -0.1},
        {"value": "high"},
        {"value": None},
        {"n": "many"},
        {"bound": "sideways"},
        {"interval": (0, 1)},
    ],
    ids=named,
)
def test_an_impossible_measurement_is_an_error_of_its_check_not_of_the_audit(more):
    @a_check
    def bad(subject, *, rng) -> Evidence:
        return Evidence("x", (Measurement(**{"metric": "value", "value": 1.0, "n": 1} | more),))

    assert outcome_of(bad).outcome == "error"


def test_what_does_not_apply_says_what_is_missing():
    @a_check
    def needs(subject, *, rng) -> Evidence:
        raise NotApplicable("no training data: pass Subject(..., train=...)")

    report = Audit([needs], []).run(subject_of())
    assert report.findings[0].status == "not_applicable"
    assert report.findings[0].reason == "no training data: pass Subject(..., train=...)"
    assert report.verdict == "undecided"
    assert {"what": "T", "why": "no training data: pass Subject(..., train=...)"} in report.provenance[
        "not_examined"
    ]


def test_a_check_cannot_change_the_parameters_that_are_recorded():
    @a_check
    def meddler(subject, *, rng, words: list[str] = ["one"]) -> Evidence:  # noqa: B006
        words.append("two")
        return Evidence("x")

    assert Audit([meddler], []).run(subject_of()).evidence[0].params == {"words": ["one"]}


def test_a_model_that_fails_is_an_error_of_each_check_that_asks():
    def broken(frame):
        raise RuntimeError("the model is ill")

    X = pd.DataFrame({"a": np.arange(20.0)})
    from auditkit.predictors import from_callable

    model = from_callable(broken, output="proba", classes=[0, 1])
    report = Audit(["model_performance", "permutation_importance"]).run(
        Subject("ill", model, Dataset(X, [0, 1] * 10))
    )
    assert [e.outcome for e in report.evidence] == ["error", "error"]
    assert all("the model is ill" in e.reason for e in report.evidence)


CHECKS_IN_A_FILE = """
import os, time
from auditkit.check import check
from auditkit.evidence import Evidence, Measurement

def _mark(code):
    return check(code=code, title="T", question="Q?", dimension="performance", metrics=["value"])

@_mark("XX101")
def killer(subject, *, rng) -> Evidence:
    os._exit(9)

@_mark("XX102")
def quitter(subject, *, rng) -> Evidence:
    raise SystemExit("leaving")

def _fine(subject, *, rng) -> Evidence:
    return Evidence("x", (Measurement("value", rng.random(), 1),))

def one(subject, *, rng) -> Evidence:
    time.sleep(0.2)
    return _fine(subject, rng=rng)

def two(subject, *, rng) -> Evidence:
    return _fine(subject, rng=rng)

one, two = _mark("XX103")(one), _mark("XX104")(two)

def model(frame):
    return (frame["a"] > 0).astype(int).to_numpy()
"""


@pytest.fixture
def in_a_file(tmp_path, monkeypatch):
    """Return a module that other processes can import too."""
    (tmp_path / "checks_in_a_file.py").write_text(CHECKS_IN_A_FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    import checks_in_a_file

    yield checks_in_a_file
    sys.modules.pop("checks_in_a_file")


def spawned(workers=2):
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def test_a_check_that_kills_its_worker_takes_no_other_along(in_a_file):
    audit = Audit([in_a_file.one, in_a_file.killer, in_a_file.two, in_a_file.quitter], [])
    with spawned() as pool:
        report = audit.run(subject_of(in_a_file.model), executor=pool)
    assert [e.outcome for e in report.evidence] == ["observed", "error", "observed", "error"]
    assert "a worker died" in report.evidence[1].reason
    assert "leaving" in report.evidence[3].reason
    # and the numbers are those of a run here
    alone = Audit([in_a_file.one, in_a_file.two], []).run(subject_of(in_a_file.model))
    assert report.evidence[0].measurements == alone.evidence[0].measurements


def test_a_pool_that_was_shut_down_gives_error_findings():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    report = Audit([fine], []).run(subject_of(), executor=pool)
    assert report.evidence[0].outcome == "error"
    assert "shutdown" in report.evidence[0].reason


def test_a_subject_that_cannot_be_sent_says_what_to_do(in_a_file):
    with spawned(1) as pool:
        report = Audit([in_a_file.two], []).run(subject_of(lambda frame: by_a(frame)), executor=pool)
    assert report.evidence[0].outcome == "error"
    assert "cannot be sent to another process" in report.evidence[0].reason
    assert "without executor=" in report.evidence[0].reason


def test_a_check_that_the_worker_cannot_import_is_its_own_error(in_a_file, monkeypatch):
    lost = type(sys)("lost_module")
    exec(
        "from checks_in_a_file import _mark, _fine\ndef lost(subject, *, rng):\n    return _fine(subject, rng=rng)\nlost = _mark('XX105')(lost)",
        lost.__dict__,
    )
    monkeypatch.setitem(sys.modules, "lost_module", lost)
    with spawned(1) as pool:
        report = Audit([lost.lost, in_a_file.two], []).run(subject_of(in_a_file.model), executor=pool)
    assert [e.outcome for e in report.evidence] == ["error", "observed"]
    assert "cannot be rebuilt in another process" in report.evidence[0].reason


def test_threads_and_serial_draw_the_same(in_a_file):
    audit = Audit([in_a_file.one, in_a_file.two], [])
    with ThreadPoolExecutor(2) as pool:
        report = audit.run(subject_of(), executor=pool, seed=5)
    assert report.stable_dict() == audit.run(subject_of(), seed=5).stable_dict()


# --- seeds


def test_each_check_draws_from_a_branch_named_by_its_code(in_a_file):
    report = Audit([in_a_file.one, in_a_file.two], []).run(subject_of(), seed=7)
    codes = [e.check for e in report.evidence]
    branches = [np.random.SeedSequence(7, spawn_key=(zlib.crc32(code.encode()),)) for code in codes]
    assert [e.measurements[0].value for e in report.evidence] == [
        np.random.default_rng(one).random() for one in branches
    ]
    assert [e.seed for e in report.evidence] == [f"7/{code}" for code in codes]
    assert len({e.measurements[0].value for e in report.evidence}) == 2


def test_the_rest_of_the_plan_changes_no_number(in_a_file):
    alone = Audit([in_a_file.two], []).run(subject_of(), seed=7)
    after = Audit([fine, in_a_file.one, in_a_file.two], []).run(subject_of(), seed=7)
    assert alone.evidence[0].to_dict() == after.evidence[-1].to_dict()


def test_no_two_checks_share_a_branch():
    codes = [check.code for check in registry().checks]
    assert len({zlib.crc32(code.encode()) for code in codes}) == len(codes)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True, np.float64(2)])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InputError, match="seed must be a whole number"):
        Audit([fine], []).run(subject_of(), seed=seed)


# --- events, progress and cancelling


@a_check
def slow(subject, *, rng) -> Evidence:
    for i in range(100):
        progress.step(i / 100, f"step {i}")
        time.sleep(0.02)
    return Evidence("x")


def test_events_come_in_order():
    events = list(Audit([fine, "model_performance"], []).stream(subject_of()))
    assert [type(e) for e in events] == [Started, Finished, Started, Finished, Completed]
    assert [e.index for e in events[:-1]] == [0, 0, 1, 1]
    assert {e.total for e in events[:-1]} == {2}


def test_progress_comes_and_never_falls():
    @a_check
    def wavering(subject, *, rng) -> Evidence:
        for fraction in (0.2, 0.1, None, float("nan"), 0.5, 7.0, -3.0, 0.3):
            progress.step(fraction, "step")
            time.sleep(0.06)
        return Evidence("x")

    told = [e for e in Audit([wavering], []).stream(subject_of()) if isinstance(e, Progress)]
    fractions = [e.fraction for e in told if e.fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.2
    assert fractions[-1] == 1.0
    assert None in [e.fraction for e in told]


def test_calls_to_the_model_are_signs_of_life():
    def sluggish(frame):
        time.sleep(0.06)
        return by_a(frame)

    events = Audit(["permutation_importance"]).stream(subject_of(sluggish))
    assert any(isinstance(e, Progress) for e in events)


def test_closing_the_stream_stops_the_running_check():
    before = set(threading.enumerate())
    events = Audit([slow, fine], []).stream(subject_of())
    while not isinstance(next(events), Progress):
        pass
    events.close()
    assert set(threading.enumerate()) == before


def test_closing_stops_a_check_that_only_asks_the_model():
    calls = []

    def sluggish(frame):
        calls.append(len(frame))
        time.sleep(0.03)
        return by_a(frame)

    subject = subject_of(sluggish)
    audit = Audit({"shap_importance": {"permutations": 4096, "rows": 40}})
    events = audit.stream(subject)
    while not isinstance(next(events), Progress):
        pass
    events.close()
    made = len(calls)
    time.sleep(0.1)
    assert len(calls) == made


def test_an_interrupt_stops_the_check_and_leaves_no_thread():
    before = set(threading.enumerate())

    def run():
        for event in Audit([slow], []).stream(subject_of()):
            if isinstance(event, Progress):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    # the generator is closed when it is collected
    deadline = time.monotonic() + 2
    while set(threading.enumerate()) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert set(threading.enumerate()) == before


def test_ctrl_c_in_the_middle_of_a_run_ends_it(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent("""
        import signal, threading, time
        from auditkit import Audit, progress
        from auditkit import check as mark
        from auditkit.data import make_regression
        from auditkit.evidence import Evidence

        @mark(code="XX001", title="T", question="Q?", dimension="performance", metrics=["value"])
        def slow(subject, *, rng) -> Evidence:
            for i in range(6000):
                if i == 20:  # the audit is under way, however busy the machine
                    signal.raise_signal(signal.SIGINT)
                progress.step()
                time.sleep(0.01)

        audit, subject = Audit([slow], []), make_regression(n_train=50, n_test=50)
        clock = time.monotonic()
        try:
            audit.run(subject)
        except KeyboardInterrupt:
            left = [t.name for t in threading.enumerate()]
            print("stopped", left == ["MainThread"], time.monotonic() - clock < 30)
        """).replace(
            "from auditkit import Audit, progress",
            "from auditkit import Audit\nfrom auditkit import progress",
        )
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["stopped", "True", "True"], done.stderr


def test_closing_an_executor_stream_drops_what_has_not_begun():
    ran = []

    def make(i):
        def waits(subject, *, rng) -> Evidence:
            ran.append(i)
            time.sleep(0.1)
            return Evidence("x")

        waits.__name__ = f"waits{i}"
        return a_check(waits, code=f"XX2{i:02d}")

    with ThreadPoolExecutor(1) as pool:
        events = Audit([make(i) for i in range(8)], []).stream(subject_of(), executor=pool)
        while not isinstance(next(events), Finished):
            pass
        events.close()
    assert len(ran) < 5


# --- the plan


def test_a_plan_takes_names_codes_dimensions_functions_and_partials():
    for word in (
        "demographic_parity",
        "AK101",
        demographic_parity,
        functools.partial(demographic_parity, level=0.9),
    ):
        (planned,) = Audit([word]).plan
        assert planned[0].name == "demographic_parity"
    assert {c.dimension for c, _ in Audit("bias").plan} == {"bias"}
    assert Audit(demographic_parity).plan == Audit([demographic_parity]).plan


def test_parameters_come_by_dict_and_by_partial():
    assert Audit({"AK101": {"level": 0.9}}).plan[0][1]["level"] == 0.9
    assert Audit([functools.partial(demographic_parity, level=0.9)]).plan[0][1]["level"] == 0.9
    both = Audit({functools.partial(demographic_parity, level=0.9): {"matters": 0.2}}).plan[0][1]
    assert (both["level"], both["matters"]) == (0.9, 0.2)


def test_a_check_asked_for_twice_is_run_once():
    bias = [c.code for c in registry().checks if c.dimension == "bias"]
    assert [c.code for c, _ in Audit(["bias", "demographic_parity", "AK102"]).plan] == bias
    with pytest.raises(InputError, match="twice with different parameters"):
        Audit(["demographic_parity", functools.partial(demographic_parity, level=0.9)])


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        (["membersip"], "Did you mean 'membership'"),
        (["AK3O3"], "Did you mean 'AK303'"),
        ({"AK101": {"levl": 0.9}}, "Did you mean 'level'"),
        ({"AK101": {"level": 1.5}}, "less than 1"),
        ({"AK101": {"level": float("nan")}}, "level=nan"),
        ({"AK101": None}, "are a dict of name to value"),
        ([], "an audit needs checks"),
        (5, "checks= takes names"),
        ([len], "is not a check"),
        ([functools.partial(demographic_parity, None)], "by name"),
        ([None], "no check named None"),
    ],
    ids=named,
)
def test_a_wrong_plan_is_refused_before_anything_runs(checks, message):
    with pytest.raises(InputError, match=message):
        Audit(checks)


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        (
            [Criterion("demographic_parity_diference", at_most=1)],
            "Did you mean 'demographic_parity_difference'",
        ),
        ([Criterion("attack_auc", at_most=1, check="AK999")], "the check 'AK999'"),
        ([Criterion("attack_auc", at_most=1, check="AK101")], "AK101 does not give"),
        (["attack_auc"], "criteria= takes Criterion"),
        ("no/policy.toml", "no policy file at no/policy.toml"),
        ([None], "criteria= takes Criterion"),
    ],
    ids=named,
)
def test_wrong_criteria_are_refused_before_anything_runs(criteria, message):
    with pytest.raises(InputError, match=message):
        Audit(["bias"], criteria)


def test_one_criterion_needs_no_list():
    assert len(Audit(["bias"], Criterion("selection_rate", at_most=1)).criteria) == 1


def test_a_check_of_ones_own_may_be_judged_by_its_own_metric():
    report = Audit([fine], Policy((Criterion("value", at_most=1),))).run(subject_of())
    assert report.verdict == "pass"


def test_the_subject_must_be_one():
    with pytest.raises(InputError, match=r"an audit needs a Subject\(name, model"):
        Audit(["bias"]).run("credit")


# --- parts


def test_parts_are_named_by_codes_of_the_plan():
    audit = Audit(["bias"])
    for wrong in (["AK10"], "AK10", ["model_performance"]):
        with pytest.raises(InputError, match="only= takes codes of this plan"):
            audit.stream(subject_of(), only=wrong)
    assert isinstance(next(audit.stream(subject_of(), only="AK101")), Started)


def test_known_evidence_must_be_of_this_plan():
    audit = Audit([fine], [])
    known = audit.run(subject_of(), seed=1).evidence
    for other, seed in ((audit, 2), (Audit(["model_performance"], []), 1)):
        with pytest.raises(InputError, match="run it again"):
            other.stream(subject_of(), seed=seed, known=known)


def test_no_pass_while_a_planned_check_has_not_run():
    audit = Audit([fine, "model_performance"], [Criterion("value", at_most=1)])
    *_, last = audit.stream(subject_of(), only=["XX900"])
    assert last.report.verdict == "undecided"
    assert last.report.counts["pass"] == 1
    assert {"what": "Performance", "why": "planned, but not run yet"} in last.report.provenance[
        "not_examined"
    ]
    *_, last = audit.stream(subject_of(), known=last.report.evidence)
    assert last.report.verdict == "pass"


# --- plug-ins


def test_a_broken_plug_in_is_an_error_finding(tmp_path):
    info = tmp_path / "badplug-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: badplug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[auditkit.checks]\ngone = badplug_missing\nempty = badplug_empty\nthief = badplug_thief\ngood = badplug_good\n"
    )
    (tmp_path / "badplug_empty.py").write_text("")
    body = (
        "from auditkit.check import check\nfrom auditkit.evidence import Evidence\n"
        "@check(code={code!r}, title='T', question='Q?', dimension='own', metrics=['value'])\n"
        "def {name}(subject, *, rng) -> Evidence:\n    return Evidence('x')\n"
    )
    (tmp_path / "badplug_thief.py").write_text(body.format(code="AK101", name="thief"))
    (tmp_path / "badplug_good.py").write_text(body.format(code="GP001", name="good"))
    script = textwrap.dedent("""
        from auditkit import Audit
        from auditkit.data import make_regression
        audit = Audit(["model_performance", "good"])
        report = audit.run(make_regression(n_train=60, n_test=60))
        for f in report.findings:
            if f.status == "error":
                print(f.check, "|", f.reason)
        print(report.verdict, "AK101" in {c.code for c, _ in Audit("bias").plan})
        *_, last = audit.stream(make_regression(n_train=60, n_test=60), known=report.evidence)
        print(last.report.stable_dict() == report.stable_dict())
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True,
        env={"PYTHONPATH": f"{tmp_path}:{':'.join(p for p in sys.path if p)}", "PATH": ""},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    assert [line.partition(" ")[0] for line in lines[:3]] == ["empty", "gone", "thief"]
    assert "No module named 'badplug_missing'" in lines[1]
    assert "holds no check" in lines[0]
    assert "AK101 is taken by auditkit.checks.bias" in lines[2]
    assert lines[3:] == ["undecided True", "True"]


def test_a_plug_in_that_does_not_load_is_listed(monkeypatch):
    class Entry:
        name, value = "ill", "ill.plug"

        def load(self):
            raise SyntaxError("bad file")

    monkeypatch.setattr(sys.modules["auditkit.check"], "entry_points", lambda group: [Entry()])
    registry.cache_clear()
    try:
        assert registry().broken == {"ill (ill.plug)": "SyntaxError: bad file"}
    finally:
        registry.cache_clear()


def test_what_cannot_be_described_fails_before_anything_runs():
    class Unspeakable(type(subject_of().model.inner)):
        def description(self):
            raise RuntimeError("no words")

    ran = []

    @a_check
    def counts(subject, *, rng) -> Evidence:
        ran.append(1)
        return Evidence("x")

    subject = subject_of()
    subject.model.inner.__class__ = Unspeakable
    with pytest.raises(RuntimeError, match="no words"):
        Audit([counts], []).run(subject)
    assert not ran


def test_help_on_the_constructor_says_what_an_audit_takes():
    assert "functools.partial" in Audit.__init__.__doc__
    assert 'Audit({"demographic_parity": {"level": 0.9}})' in Audit.__doc__


def test_repr_says_what_it_is_and_what_comes_next():
    assert (
        repr(Audit(["AK101", "AK102"], []))
        == "Audit(demographic_parity, error_rates; 0 criteria; .run(subject) to run)"
    )


def test_what_no_check_examines_is_not_said_of_what_checks_examine():
    words = " ".join(what for what, _ in OUTSIDE).lower()
    assert words
    assert [word for word in ("poison", "backdoor", "stolen", "copies") if word in words] == []


def test_a_pair_in_a_list_is_answered_with_the_dict_that_was_meant():
    with pytest.raises(InputError, match=r"Audit\(\{'noise_sweep': \{'rows': 50\}\}\)"):
        Audit([("noise_sweep", {"rows": 50})])
