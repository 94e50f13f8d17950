"""Parts: what an audit on a cluster hands out runs on any of its workers, or here, and gives the numbers of the serial run."""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import sys
import weakref
from concurrent.futures import BrokenExecutor, Future
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from auditkit import spread
from auditkit.batch.dask import DaskCrew
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.report import load_report
from auditkit.runner.cluster import CLUSTER, ClusterExecutor, _modules, part, to_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

distributed = (
    pytest.importorskip("distributed", reason="dask[distributed] is optional")
    if not os.environ.get("CI")
    else __import__("distributed")
)

pytestmark = [pytest.mark.kernel, pytest.mark.filterwarnings("default")]

PARAMETERS = 'subject_file = "s.toml"\npolicy_file = None\nseed = 0\nout_dir = "."'
AUDIT = """\
import auditkit as ak
from auditkit.runner.notebook import observe, show
plan = {"reference_attacks": {"references": 8, "rows": 40}, "explanation_stability": {"rows": 10, "background": 10, "permutations": 2, "repeats": 2}}
report = observe(ak.Audit(plan, criteria=ak.load_policy(policy_file)), ak.load_subject(subject_file), seed=seed, out_dir=out_dir)
show(report, "verdict")"""
SUBJECT = """
name = "noise"
positive = 1
[model]
path = "model.skops"
trusted = ["sklearn.tree._tree.Tree"]
[data.test]
path = "test.csv"
target = "y"
[data.train]
path = "train.csv"
"""


def cluster(workers: int) -> Any:
    gc.collect()  # as `forget_old_clients` says: those of tests before
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
    )


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with cluster(2) as two, distributed.Client(two) as client:
        yield client


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of one audit that trains models: a forest that learned labels at random."""
    import pandas as pd
    import skops.io
    from sklearn.ensemble import RandomForestClassifier

    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for name in ("train", "test"):
        X = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
        X.assign(y=rng.integers(2, size=200)).to_csv(folder / f"{name}.csv", index=False)
    rows = pd.read_csv(folder / "train.csv")
    model = RandomForestClassifier(10, max_depth=4, random_state=0).fit(rows[list("abc")], rows["y"])
    skops.io.dump(model, folder / "model.skops")
    (folder / "noise.toml").write_text(SUBJECT)
    cells = [
        {"cell_type": "code", "id": f"cell-{at}", "execution_count": None, "outputs": [], "source": source,
         "metadata": {} if at else {"tags": ["parameters"]}}
        for at, source in enumerate((PARAMETERS, AUDIT))
    ]  # fmt: skip
    about = {"auditkit": {"checks": ["reference_attacks", "explanation_stability"], "title": "trains"}}
    notebook = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    (folder / "trains.ipynb").write_text(json.dumps(notebook))
    (folder / "plan.toml").write_text(
        '[[subject]]\nfile = "noise.toml"\n[[template]]\nname = "trains.ipynb"\n'
    )
    return folder


def test_a_call_into_code_of_a_teams_own_is_made_here(
    tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def module(level: int) -> Any:
        (tmp_path / "teamown.py").write_text(f"LEVEL = {level}\n\ndef level(): return LEVEL\n")
        return importlib.reload(importlib.import_module("teamown"))

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    client.run(lambda: sys.path.insert(0, str(tmp_path)))
    address, asked = client.scheduler.address, str(tmp_path / "asked")
    found = {}
    for level in (1, 22):
        made = module(level)
        for own in ((), ("teamown",)):
            with ClusterExecutor(address, asked, {}, own=own) as executor:
                calls = [executor.submit(made.level) for _ in range(4)]
                found[level, own] = {one.result(60) for one in calls}, executor.sent
    client.run(lambda: sys.path.remove(str(tmp_path)))
    assert found[1, ()] == ({1}, 4)
    assert 1 in found[22, ()][0]  # the workers imported it when it was another
    assert found[22, ("teamown",)] == ({22}, 0)


def record(out: Path, crew: Any = None) -> Any:
    result = run_batch(load_plan(out.parent / "plan.toml"), out, crew=crew)
    (one,) = result.outcomes
    assert one.ended == "done", one.why
    return load_report(out / "results" / one.folder / "report.json")


@pytest.fixture(scope="module")
def serial(noise: Path) -> bytes:
    return stable(record(noise / "here"))


def stable(report: Any) -> bytes:
    return json.dumps(report.stable_dict(), sort_keys=True).encode()


def test_models_that_an_audit_trains_are_trained_on_all_workers(
    noise: Path, serial: bytes, client: Any
) -> None:
    from distributed.diagnostics.task_stream import TaskStreamPlugin  # noqa: F401 - needs no dashboard

    with distributed.get_task_stream(client, plot=False) as seen:
        report = record(noise / "there", DaskCrew(client))
    parts = [one for one in seen.data if str(one["key"]).startswith("auditkit-part-")]
    # 8 reference models, and 2 models on resampled rows
    assert len(parts) == 8 + 2
    # also on the one whose only thread the audit itself had
    assert len({one["worker"] for one in parts}) == 2
    assert report.provenance["engine"] == "serial, parts in ClusterExecutor"
    assert stable(report) == serial


@pytest.mark.slow  # that an audit makes way for its parts is seen above, where one of two workers has it
def test_one_worker_with_one_thread_is_enough(noise: Path, serial: bytes) -> None:
    with cluster(1) as one, distributed.Client(one) as client:
        assert stable(record(noise / "alone", DaskCrew(client))) == serial


PARTS_IN_A_FILE = """
import os

class Sum:
    def __init__(self, n):
        self.n = n
    def __call__(self, k):
        if k == 3:
            raise ValueError("three")
        return self.n + k
"""


def executor(client: Any, folder: Path, **releases: str) -> ClusterExecutor:
    return ClusterExecutor(client.scheduler.address, str(folder / "asked"), releases)


def test_parts_end_on_a_cluster_as_they_end_here(client: Any, tmp_path: Path) -> None:
    jobs = [(7, 2), (9, 4), (1, 0), (8, 3)]
    here = spread.each(divmod, jobs)
    with executor(client, tmp_path) as there, spread.over(there):
        found = spread.each(divmod, jobs)
    assert there.sent == 4
    assert (tmp_path / "asked").exists()
    assert [one.value for one in found] == [one.value for one in here] == [(3, 1), (2, 1), None, (2, 2)]
    assert isinstance(found[2].error, ZeroDivisionError)


def test_what_a_worker_cannot_do_is_done_here(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text(PARTS_IN_A_FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    from only_here import Sum

    with executor(client, tmp_path) as there, spread.over(there):
        found = spread.each(Sum(10), [(1,), (2,), (3,)])  # of a module that workers do not have
        made = spread.each(lambda n: n + 1, [(1,)])  # not to be packed at all
    assert [one.value for one in (*found, *made)] == [11, 12, None, 2]
    assert str(found[2].error) == "three"
    other = executor(client, tmp_path, numpy="0.1")
    with other, spread.over(other):
        assert [one.value for one in spread.each(divmod, [(7, 2)])] == [(3, 1)]
    assert part(b"", {"numpy": "0.1"}) == ("elsewhere", "other releases of numpy")


def installed(folder: Path, release: str) -> None:
    """A package as pip leaves it, in place of an earlier release of it."""
    for old in folder.glob("aklib-*"):
        shutil.rmtree(old)
    about = folder / f"aklib-{release}.dist-info"
    about.mkdir()
    (folder / "aklib.py").write_text(f"__version__ = {release!r}\n")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: aklib\nVersion: {release}\n")
    (about / "RECORD").write_text(f"aklib.py,,\naklib-{release}.dist-info/METADATA,,\n")
    (about / "top_level.txt").write_text("aklib\n")
    importlib.invalidate_caches()


def test_the_release_of_a_worker_is_that_of_what_it_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fits(release: str) -> bool:
        return "other releases" not in str(part(b"", {"aklib": release})[1])

    _modules.cache_clear()
    installed(tmp_path, "1.0")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert (fits("1.0"), fits("2.0")) == (True, False)
    installed(tmp_path, "2.0")
    assert (fits("1.0"), fits("2.0")) == (False, True)  # not loaded: what is on the disk is what will be
    monkeypatch.setitem(sys.modules, "aklib", SimpleNamespace(__version__="1.0"))
    assert (fits("1.0"), fits("2.0")) == (True, False)
    monkeypatch.setitem(sys.modules, "aklib", SimpleNamespace())
    assert (fits("1.0"), fits("2.0")) == (False, False)  # it cannot be told: the call is made elsewhere
    _modules.cache_clear()


def test_a_scheduler_that_does_not_answer_costs_time_and_no_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"address": "nonsense://nowhere", "asked": str(tmp_path / "asked"), "releases": {}}
    monkeypatch.setenv(CLUSTER, json.dumps(said))
    with to_cluster():
        assert isinstance(spread.where(), ClusterExecutor)
        assert [one.value for one in spread.each(divmod, [(7, 2), (9, 4)])] == [(3, 1), (2, 1)]
    assert spread.where() is None
    assert not (tmp_path / "asked").exists()
    monkeypatch.delenv(CLUSTER)
    with to_cluster():
        assert spread.where() is None


ENDING_IN_A_FILE = """
import os

def called(function, *given):
    return function(*given)

def ends_another(test):
    if os.getpid() == test:
        raise AssertionError("made in the process of the tests")
    os._exit(1)
"""


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that processes started from here can import, which they cannot a file of tests: it is not installed."""
    (tmp_path / "ending.py").write_text(ENDING_IN_A_FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "ending", raising=False)
    return importlib.import_module("ending")


def test_a_client_that_nobody_holds_is_gone_before_another_begins(
    tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Collected while another begins, it would wait for that one's lock, and that one for it."""
    old = distributed.Client(client.scheduler.address, set_as_default=False)
    old.close()
    seen, begin = weakref.ref(old), distributed.Client
    old.itself = old  # a circle, which only the collector breaks
    gc.disable()
    try:
        del old
        assert seen() is not None
        there: list[bool] = []

        def begins(*given: Any, **more: Any) -> Any:
            there.append(seen() is not None)
            return begin(*given, **more)

        monkeypatch.setattr(distributed, "Client", begins)
        with executor(client, tmp_path) as sends, spread.over(sends):
            assert [one.value for one in spread.each(divmod, [(7, 2)])] == [(3, 1)]
        assert there == [False]
    finally:
        gc.enable()


def test_a_part_that_ends_its_workers_fails_alone(
    tmp_path: Path, ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"distributed.scheduler.allowed-failures": 0}
    import dask

    monkeypatch.setattr(
        "auditkit.runner.cluster._PATIENCE", "300s"
    )  # a call that is not sent is made in this process
    with (
        dask.config.set(options),
        cluster(1) as one,
        distributed.Client(one) as client,
        executor(client, tmp_path) as there,
        spread.over(there),
    ):
        dies, lives = spread.each(ending.called, [(ending.ends_another, os.getpid()), (divmod, 7, 2)])
    assert isinstance(dies.error, BrokenExecutor)
    assert lives.value == (3, 1)


def test_a_call_that_was_sent_and_lost_is_never_made_in_this_process(tmp_path: Path, ending: Any) -> None:
    def lost() -> Any:
        raise OSError("Timed out during handshake")

    with ClusterExecutor("nonsense://nowhere", str(tmp_path / "asked"), {}) as there:
        gone, told = Future[Any](), Future[Any]()
        there._landed(SimpleNamespace(result=lost), gone, (ending.ends_another, (os.getpid(),), {}))
        there._landed(SimpleNamespace(result=lambda: ("elsewhere", "why")), told, (os.getpid, (), {}))
        assert isinstance(gone.exception(60), BrokenExecutor)
        assert told.result(60) == os.getpid()  # no worker began it: it ends nothing
