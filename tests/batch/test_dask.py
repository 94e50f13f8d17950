from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.batch.dask import DaskCrew
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import faults
from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

distributed = (
    pytest.importorskip("distributed", reason="dask[distributed] is optional")
    if not os.environ.get("CI")
    else __import__("distributed")
)

pytestmark = [pytest.mark.kernel, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_batch_on_a_cluster_gives_what_it_gives_here(place: Path, write_plan: Any, client: Any) -> None:
    from auditkit.report import load_report

    plan = load_plan(write_plan("grid = { model_performance__level = [0.9, 0.95] }"))
    there = run_batch(plan, place / "there", jobs=2, crew=DaskCrew(client))
    here = run_batch(plan, place / "here", jobs=2)
    assert there.verdict == here.verdict == "pass", [one.why for one in there.outcomes]
    for one, other in zip(there.outcomes, here.outcomes, strict=True):
        assert one.folder == other.folder
        a, b = (load_report(result.out / "results" / one.folder / "report.json") for result in (there, here))
        assert a.stable_dict() == b.stable_dict()
    assert faults(place / "there") == []


def test_an_audit_whose_worker_is_lost_is_run_by_another(place: Path, write_plan: Any, client: Any) -> None:
    class Losing(DaskCrew):
        lost = False

        def wait(self, seconds: float) -> Any:
            at_work = [where for where in self._client.processing().values() if where]
            if at_work and not self.lost:
                self.lost = True
                pids = self._client.run(os.getpid)
                address = next(w for w, tasks in self._client.processing().items() if tasks)
                os.kill(pids[address], signal.SIGKILL)
            return super().wait(seconds)

    crew = Losing(client)
    (one,) = run_batch(load_plan(write_plan()), place / "out", crew=crew).outcomes
    assert crew.lost
    assert one.word == "pass", one.why


def test_no_scheduler_is_told_in_words() -> None:
    with pytest.raises(InputError, match="no Dask scheduler answers at"):
        DaskCrew("nonsense://nowhere")
