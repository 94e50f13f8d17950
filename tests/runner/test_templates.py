from __future__ import annotations

import ast
import json
import re
import runpy
import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.errors import InputError
from auditkit.runner import templates
from auditkit.runner.templates import find_template, list_templates, read_template, refresh

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "full", "explainability", "bias", "mitigation", "membership", "privacy", "privacy_mitigation", "distillation", "robustness",
    "poisoning", "robustness_mitigation", "drift", "incident", "nyc_ll144", "artifact", "notebooks", "llm", "data", "table", "stack", "access",
]  # fmt: skip
SHIPPED = [t for t in list_templates() if t.origin == "auditkit"]


def _cells(template: templates.Template, kind: str) -> list[str]:
    return ["".join(c["source"]) for c in template.notebook["cells"] if c["cell_type"] == kind]


def test_the_shipped_templates_are_found_in_order() -> None:
    assert [t.name for t in SHIPPED] == NAMES


@pytest.mark.parametrize("template", SHIPPED, ids=lambda t: t.name)
def test_a_shipped_template_is_fresh(template: templates.Template) -> None:
    assert refresh(template.notebook) == template.notebook, "run: python -m auditkit.runner.templates"


@pytest.mark.parametrize("template", SHIPPED, ids=lambda t: t.name)
def test_a_shipped_template_is_a_clean_notebook(template: templates.Template) -> None:
    import nbformat

    node = nbformat.read(template.path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(node)
    assert all(
        c.get("execution_count") is None and not c.get("outputs") for c in node.cells if c.cell_type == "code"
    )
    for source in _cells(template, "code"):
        ast.parse(source)


@pytest.mark.parametrize("template", SHIPPED, ids=lambda t: t.name)
def test_a_shipped_template_shows_each_of_its_checks_once_and_no_widget(template: templates.Template) -> None:
    code = "\n".join(_cells(template, "code"))
    shown = re.findall(r'show\(report, "(\w+)"\)', code)
    assert shown == ["verdict", "findings", *template.checks, "methods"]
    assert "widget" not in code


@pytest.mark.parametrize("template", SHIPPED, ids=lambda t: t.name)
def test_a_shipped_template_says_purpose_scope_method_and_limits_and_claims_no_more(
    template: templates.Template,
) -> None:
    prose = "\n".join(_cells(template, "markdown"))
    for part in ("**Purpose.**", "**In scope.**", "**Not in scope.**", "## How to reproduce"):
        assert part in prose
    for part in ("**Method.**", "**Limits.**", "**How to read it.**"):
        assert prose.count(part) == len(template.checks)
    assert not re.search(r"\b(is|are|was) (fair|unfair|biased|unbiased|private|safe|secure|robust)\b", prose)


@pytest.mark.parametrize("template", SHIPPED, ids=lambda t: t.name)
def test_a_shipped_template_says_nothing_that_its_page_or_its_figures_contradict(
    template: templates.Template,
) -> None:
    prose = " ".join(" ".join(_cells(template, "markdown")).split())
    for stale in ("SUBJECT.toml", "SEED", "cell below", "should fall", "the check does not apply"):
        assert stale not in prose
    assert "the command of this run" in prose


def test_full_is_performance_and_the_first_parts_of_the_other_audits() -> None:
    parts = {
        "bias": {"demographic_parity", "error_rates", "adverse_impact", "worst_slice"},
        "membership": {"population_attack", "reference_attacks"},
        "robustness": {"noise_sweep", "missing_sweep", "input_faults", "decision_attack", "robust_accuracy"},
        "poisoning": {"split_leakage"},
        "explainability": {
            "calibration",
            "shap_importance",
            "permutation_importance",
            "sensitive_reliance",
        },
    }
    for name, first in parts.items():
        assert first < set(find_template(name).checks)
    whole = {"model_performance"}.union(*parts.values())
    assert set(find_template("full").checks) == whole


@pytest.mark.parametrize("template", SHIPPED, ids=lambda t: t.name)
def test_a_shipped_template_counts_and_names_its_checks(template: templates.Template) -> None:
    prose = " ".join(" ".join(_cells(template, "markdown")).split())
    codes = [about.code for about in template.resolved_checks()]
    said = re.search(r"This audit runs (\d+) checks?: (.*?)\. Each is measured first", prose)
    assert said is not None
    assert int(said[1]) == len(codes)
    assert re.findall(r"\(([A-Z]+\d+)\)", said[2]) == codes


def test_papermill_reads_the_parameters_cell_as_it_was_written() -> None:
    import papermill

    template = find_template("bias")
    found = papermill.inspect_notebook(str(template.path))
    assert {"subject_file", "policy_file", "seed", "jobs", "out_dir"} <= set(found)
    for about in template.resolved_checks():
        for p in about.parameters:
            assert ast.literal_eval(found[f"{about.name}__{p.name}"]["default"]) == p.default


def test_refresh_touches_the_two_generated_cells_only() -> None:
    notebook = find_template("bias").notebook
    spoilt = json.loads(json.dumps(notebook))
    spoilt["cells"][0]["source"] = "# Our own words"
    for cell in spoilt["cells"]:
        if cell["metadata"].get("tags"):
            cell["source"] = "old"
    fresh = refresh(spoilt)
    assert fresh["cells"][0]["source"] == "# Our own words"
    assert fresh["cells"][1:] == notebook["cells"][1:]
    assert any(c["source"] == "old" for c in spoilt["cells"]), "the notebook given is left alone"


def test_refresh_says_what_a_notebook_lacks() -> None:
    notebook = find_template("bias").notebook
    without = {
        **notebook,
        "cells": [c for c in notebook["cells"] if "plan" not in c["metadata"].get("tags", [])],
    }
    with pytest.raises(InputError, match="no cell tagged 'plan'"):
        refresh(without)
    with pytest.raises(InputError, match="names no checks"):
        refresh({**notebook, "metadata": {}})
    with pytest.raises(InputError, match="Did you mean 'performance'"):
        refresh({**notebook, "metadata": {"auditkit": {"checks": ["perfomance"]}}})


@pytest.mark.filterwarnings("ignore:.*found in sys.modules.*:RuntimeWarning")
def test_the_module_refreshes_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = find_template("bias").notebook
    stale = json.loads(json.dumps(notebook))
    next(c for c in stale["cells"] if "plan" in c["metadata"].get("tags", []))["source"] = "old"
    path = tmp_path / "bias.ipynb"
    path.write_text(json.dumps(stale))
    monkeypatch.setattr(sys, "argv", ["templates", str(path)])
    runpy.run_module("auditkit.runner.templates", run_name="__main__")
    assert path.read_text() == find_template("bias").path.read_text()


def test_a_template_that_is_not_there_gets_the_closest_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Did you mean 'membership'"):
        find_template("membersip")
    with pytest.raises(InputError, match="no template at"):
        find_template(tmp_path / "mine.ipynb")


def test_a_word_for_checks_is_told_what_to_type() -> None:
    with pytest.raises(InputError) as told:
        find_template("performance")
    assert str(told.value) == (
        "'performance' is a dimension, not a template: run `auditkit run explainability`, which has all 4 of its checks among others, "
        "or write a template with "
        "`auditkit template new mine --check performance`; in Python ak.Audit(['performance'])."
    )
    for word in ("threshold_sweep", "AK107"):
        with pytest.raises(
            InputError,
            match=f"'{word}' is a check, not a template: run `auditkit run bias`, which has it among",
        ):
            find_template(word)


def test_what_no_template_runs_is_not_said_to_be_run_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        templates, "catalogue", lambda: templates.Catalogue((), {"far (away)": "OSError: lost"})
    )
    with pytest.raises(
        InputError,
        match=r"not a template: write a template with .* The plug-in far \(away\) could not be read",
    ):
        find_template("performance")


@pytest.mark.parametrize(
    "content", ["", "not json", "[]", "{}", '{"cells": [], "nbformat": 3, "metadata": {}}', "[" * 100_000]
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.ipynb"
    path.write_text(content)
    with pytest.raises(InputError, match="not a Jupyter notebook"):
        read_template(path)


def test_damaged_metadata_are_refused(make_template: Any) -> None:
    with pytest.raises(InputError, match="metadata"):
        read_template(make_template("x = 1", about={"checks": "model_performance"}))


def _entry_points(monkeypatch: pytest.MonkeyPatch, **loaded: Any) -> None:
    class Fake(EntryPoint):
        def load(self) -> Any:
            if isinstance(loaded[self.name], Exception):
                raise loaded[self.name]
            return loaded[self.name]

    found = [Fake(name, f"{name}.module", "auditkit.templates") for name in loaded]
    monkeypatch.setattr(templates, "entry_points", lambda group: found)


def test_plug_ins_add_templates_and_a_broken_one_is_named(
    make_template: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_template(
        'subject_file = "s.toml"',
        name="house.ipynb",
        about={"title": "House rules", "checks": ["model_performance"]},
    )
    _entry_points(monkeypatch, good=lambda: tmp_path, broken=RuntimeError("no luck"))
    found = templates.catalogue()
    assert [t.name for t in found.templates] == [*NAMES, "house"]
    assert find_template("house").title == "House rules"
    assert found.broken == {"broken (broken.module)": "RuntimeError: no luck"}


def test_a_plug_in_cannot_take_the_place_of_a_shipped_template(
    make_template: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_template("x = 1", name="bias.ipynb")
    _entry_points(monkeypatch, rival=str(path))
    found = templates.catalogue()
    assert next(t for t in found.templates if t.name == "bias").origin == "auditkit"
    assert "is taken by" in found.broken["rival (rival.module)"]


def test_a_module_stands_for_its_folder(
    make_template: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import types

    make_template("x = 1", name="house.ipynb")
    package, module = types.ModuleType("house"), types.ModuleType("house.one")
    package.__path__, module.__file__ = [str(tmp_path)], str(tmp_path / "one.py")
    _entry_points(monkeypatch, package=package)
    assert find_template("house").origin == "plug-in"
    _entry_points(monkeypatch, module=module)
    assert find_template("house").origin == "plug-in"


def test_a_template_has_one_digest_however_its_file_is_laid_out(tmp_path):
    given = find_template("bias")
    (tmp_path / "same.ipynb").write_text(json.dumps(given.notebook, indent=7))
    assert find_template(str(tmp_path / "same.ipynb")).digest == given.digest
    other = {**given.notebook, "cells": given.notebook["cells"][:-1]}
    (tmp_path / "other.ipynb").write_text(json.dumps(other))
    assert find_template(str(tmp_path / "other.ipynb")).digest != given.digest
