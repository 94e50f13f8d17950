"""Templates under schedulers that are not ours: run as jupyter-scheduler and as Airflow's papermill operator run a notebook."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from auditkit.report import load_report
from auditkit.runner.rejudge import rejudge
from auditkit.runner.run import run_template
from auditkit.runner.templates import find_template, list_templates

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = [one for one in list_templates() if one.origin == "auditkit"]
NAME = "drift"  # two checks: seconds


def with_tag(notebook: Any, tag: str) -> list[int]:
    return [at for at, cell in enumerate(notebook.cells) if tag in cell.metadata.get("tags", ())]


def as_a_job(notebook: Any, parameters: dict[str, str]) -> Any:
    """Set parameters as jupyter-scheduler does: a cell of lines NAME = VALUE, as they were typed, in place of an earlier one or below the defaults."""
    cell = nbformat.v4.new_code_cell("\n".join(f"{name} = {value}" for name, value in parameters.items()))  # type: ignore[no-untyped-call]
    cell.metadata["tags"] = ["injected-parameters"]
    earlier, defaults = with_tag(notebook, "injected-parameters"), with_tag(notebook, "parameters")
    if earlier:
        notebook.cells[earlier[0]] = cell
    else:
        notebook.cells.insert(defaults[0] + 1 if defaults else 0, cell)
    return notebook


def executed_as_a_job(notebook: Any, staging: Path) -> Any:
    """Run it as jupyter-scheduler does: the kernel that the notebook names, in the folder of the copy; then the two pages it offers."""
    from nbconvert import get_exporter
    from nbconvert.preprocessors import ExecutePreprocessor

    # it gives cwd= too, which nbconvert does not know, and warns of
    run = ExecutePreprocessor(kernel_name=notebook.metadata.kernelspec["name"], store_widget_state=True)
    run.preprocess(notebook, {"metadata": {"path": str(staging)}})
    return {kind: get_exporter(kind)().from_notebook_node(notebook)[0] for kind in ("ipynb", "html")}


@pytest.fixture(scope="module")
def ours(credit_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `auditkit run` makes of the template with seed 3."""
    return run_template(NAME, credit_file, tmp_path_factory.mktemp("ours"), seed=3)


def same(report: Any, ours: Any) -> bool:
    first, second = report.stable_dict(), ours.report.stable_dict()
    return bool(first["findings"] == second["findings"] and first["evidence"] == second["evidence"])


@pytest.mark.kernel
def test_a_template_is_a_job_of_jupyter_scheduler(credit_file: Path, ours: Any, tmp_path: Path) -> None:
    shutil.copy(find_template(NAME).path, tmp_path / "job.ipynb")
    notebook: Any = nbformat.read(tmp_path / "job.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    typed = {"subject_file": f'"{credit_file}"', "policy_file": "None", "seed": "3", "out_dir": '"."'}
    pages = executed_as_a_job(as_a_job(notebook, typed), tmp_path)
    assert same(load_report(tmp_path / "report.json"), ours)
    assert "Traceback" not in pages["html"]
    # auditkit's own page is made from what the job leaves
    from auditkit.runner.export import export_report

    (tmp_path / "out.ipynb").write_text(pages["ipynb"])
    export_report(tmp_path / "out.ipynb", tmp_path / "page.html")
    assert "credit" in (tmp_path / "page.html").read_text()


@pytest.mark.kernel
def test_the_notebook_of_a_run_is_a_job_too(credit_file: Path, ours: Any) -> None:
    """Its cells say what those of the template say under the same parameters, and that job is run above."""
    typed = {"subject_file": f'"{credit_file}"', "seed": "3", "out_dir": '"."'}
    jobs: list[Any] = [
        as_a_job(nbformat.read(path, as_version=4), typed)  # type: ignore[no-untyped-call]
        for path in (ours.notebook_path, find_template(NAME).path)
    ]
    ran, fresh = ([(cell.cell_type, cell.source) for cell in job.cells] for job in jobs)
    assert ran == fresh
    assert jobs[0].metadata.kernelspec["name"] == "python3"


@pytest.mark.kernel
def test_text_without_quotes_is_a_job_that_fails(tmp_path: Path) -> None:
    from nbconvert.preprocessors import CellExecutionError

    notebook: Any = nbformat.read(find_template(NAME).path, as_version=4)  # type: ignore[no-untyped-call]
    with pytest.raises(CellExecutionError, match=r"SyntaxError|NameError"):
        executed_as_a_job(as_a_job(notebook, {"subject_file": "/srv/credit.toml"}), tmp_path)
    assert not (tmp_path / "report.json").exists()


@pytest.mark.kernel
def test_a_template_runs_under_the_papermill_operator_of_airflow(
    credit_file: Path, ours: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import papermill

    worker, out = tmp_path / "worker", tmp_path / "2026-11-02"
    worker.mkdir()
    out.mkdir()
    monkeypatch.chdir(worker)
    papermill.execute_notebook(
        str(find_template(NAME).path),
        str(tmp_path / "drift-2026-11-02.ipynb"),
        parameters={"subject_file": str(credit_file), "policy_file": None, "out_dir": str(out), "seed": 3},
        progress_bar=False,
        report_mode=True,
        log_output=False,
        kernel_name="python3",
        language=None,
        engine_name=None,
    )
    assert same(load_report(out / "report.json"), ours)
    assert list(worker.iterdir()) == []
    # and the gate is asked afterwards
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[criterion]]\nmetric = "no_such"\nat_most = 1.0\nwhy = "x"\n'.replace("no_such", _a_metric(ours))
    )
    assert rejudge(out / "report.json", policy).verdict in ("pass", "fail", "undecided")


def _a_metric(ours: Any) -> str:
    return str(next(m.metric for one in ours.report.evidence for m in one.measurements))


@pytest.mark.parametrize("template", SHIPPED, ids=lambda one: one.name)
def test_what_is_set_stands_below_the_defaults_and_above_all_that_uses_them(template: Any) -> None:
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    names = {"subject_file", "policy_file", "seed", "jobs", "out_dir"}

    def read() -> Any:
        return nbformat.read(template.path, as_version=4)  # type: ignore[no-untyped-call]

    set_by = {
        "jupyter-scheduler": as_a_job(read(), {"subject_file": '"/x.toml"', "seed": "3"}),
        "papermill": parameterize_notebook(
            load_notebook_node(str(template.path)), {"subject_file": "/x.toml", "seed": 3}, report_mode=True
        ),
    }
    for notebook in set_by.values():
        (defaults,), (given,) = with_tag(notebook, "parameters"), with_tag(notebook, "injected-parameters")
        assert given == defaults + 1
        told: dict[str, Any] = {}
        for at in (defaults, given):
            exec(notebook.cells[at].source, {}, told)
        assert names <= set(told)
        assert (told["subject_file"], told["seed"]) == ("/x.toml", 3)
        assert not any(
            name in cell.source
            for cell in notebook.cells[:defaults]
            if cell.cell_type == "code"
            for name in names
        )
        assert notebook.metadata.kernelspec["name"] == "python3"
