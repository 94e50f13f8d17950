"""docs/policy.md says what policy files take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditkit import Audit, load_policy
from auditkit.data import make_credit
from auditkit.loading import policy as module

if TYPE_CHECKING:
    from auditkit.report import Report

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policy.md"
TEXT = PAGE.read_text("utf-8")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (block,) = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text(block, "utf-8")
    return path


@pytest.fixture(scope="module")
def report() -> Report:
    return Audit(["model_performance", "bias"]).run(make_credit(n_train=200, n_test=300))


def test_every_key_is_on_the_page() -> None:
    tables = {"criterion", "waiver"}
    files = (module._PolicyFile, module._CriterionFile, module._WaiverFile)
    keys = {key for file in files for key in file.model_fields} - tables
    assert [key for key in keys if f"`{key}`" not in TEXT] == []
    assert [name for name in tables if f"[[{name}]]" not in TEXT] == []


def test_the_example_is_accepted_with_every_metric_and_check_in_it(example: Path) -> None:
    policy = load_policy(example)
    Audit(["model_performance"], policy)
    assert policy.unmeasured == "undecided"
    assert [c.metric for c in policy] == [
        "accuracy",
        "demographic_parity_difference",
        "true_positive_rate",
        "attack_auc",
    ]


def test_groups_mean_what_the_page_says(example: Path, report: Report) -> None:
    judged = report.judge(load_policy(example))
    groups: dict[str, set[str | None]] = {}
    for finding in judged.findings:
        if finding.criterion is not None and finding.measurement is not None:
            groups.setdefault(finding.criterion.metric, set()).add(finding.measurement.group)
    assert groups["accuracy"] == {None}
    assert groups["demographic_parity_difference"] == {"sex"}
    assert groups["true_positive_rate"]
    assert all(str(group).startswith("sex=") for group in groups["true_positive_rate"])


def test_what_was_not_measured_is_open_or_named_as_the_page_says(
    example: Path, report: Report, tmp_path: Path
) -> None:
    alone = "\n[[criterion]]\nmetric = 'accuracy'\ngroup = ''\nat_least = 0.0\n"
    beside = "\n[[criterion]]\nmetric = 'attack_auc'\nat_most = 0.6\n"
    path = tmp_path / "policy.toml"
    found = {}
    for name, text in {
        "alone": alone,
        "left out": alone + beside,
        "undecided": f"unmeasured = 'undecided'{alone}{beside}",
        "ignored": f"unmeasured = 'ignored'{alone}{beside}",
    }.items():
        path.write_text(text)
        found[name] = report.judge(load_policy(path))
    assert {name: one.verdict for name, one in found.items()} == {
        "alone": "pass",
        "left out": "undecided",
        "undecided": "undecided",
        "ignored": "pass",
    }
    (said,) = [f.reason for f in found["ignored"].findings if "attack_auc" in f.reason]
    assert "did not measure" in said
