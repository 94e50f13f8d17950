from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditkit import Audit
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.runner.rejudge import rejudge

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    report = Audit(["model_performance"]).run(make_credit(n_train=200, n_test=150))
    return report.save(tmp_path_factory.mktemp("saved") / "report.json")


def _policy(folder: Path, limit: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(f"[[criterion]]\nmetric = 'accuracy'\n{limit}\nwhy = 'a test'")
    return path


@pytest.mark.parametrize(("limit", "verdict"), [("at_least = 0.0", "pass"), ("at_least = 1.0", "fail")])
def test_the_same_evidence_under_another_policy(
    saved: Path, tmp_path: Path, limit: str, verdict: str
) -> None:
    assert rejudge(saved, _policy(tmp_path, limit)).verdict == verdict


def test_the_page_or_the_notebook_beside_the_record_is_told_from_it(saved: Path, tmp_path: Path) -> None:
    policy = _policy(tmp_path, "at_least = 0.0")
    page, notebook = saved.with_name("report.html"), saved.with_name("report.ipynb")
    page.write_text("\ufeff\n<!doctype html><title>x</title>", encoding="utf-8")
    notebook.write_text('{"cells": [], "metadata": {}, "nbformat": 4}')
    for path, kind in ((page, "an HTML page"), (notebook, "a notebook")):
        with pytest.raises(InputError, match=rf"give report\.json \(got {kind}") as told:
            rejudge(path, policy)
        assert str(saved) in str(told.value)
    alone = tmp_path / "other.html"
    alone.write_text("<html>")
    with pytest.raises(InputError, match=r"give report\.json \(got an HTML page: .*other\.html\)\.$"):
        rejudge(alone, policy)


def test_a_folder_stands_for_the_record_in_it(saved: Path, tmp_path: Path) -> None:
    policy = _policy(tmp_path, "at_least = 0.0")
    assert rejudge(saved.parent, policy).verdict == "pass"
    with pytest.raises(InputError, match=r"is a folder without a report\.json"):
        rejudge(tmp_path, policy)


def test_a_policy_on_a_metric_nobody_gives_is_refused(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("[[criterion]]\nmetric = 'acuracy'\nat_least = 0.5")
    with pytest.raises(InputError, match="Did you mean 'accuracy'"):
        rejudge(saved, path)
