from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditkit import load_subject
from auditkit.data import load_adult
from auditkit.errors import InputError
from auditkit.runner.demo import write_demo

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_subject_loads_from_its_file_and_is_the_data_it_says(tmp_path: Path) -> None:
    file = write_demo(tmp_path / "demo", rows=2000)
    assert sorted(p.name for p in file.parent.iterdir()) == [
        "adult.skops",
        "adult.toml",
        "test.parquet",
        "train.parquet",
    ]
    subject = load_subject(file)
    _train, test = load_adult()
    assert subject.task == "binary"
    assert subject.positive == ">50K"
    assert subject.test.sensitive_names == ["sex", "race", "age"]
    assert list(subject.test.X.columns) == list(test.X.columns)
    assert (subject.test.y == test.y[:2000]).all()
    assert len(subject.split("train")) == 2000
    assert (subject.answers().labels == subject.test.y).mean() > 0.8


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    models = [load_subject(write_demo(tmp_path / name, rows=1000, seed=3)) for name in ("a", "b")]
    assert (models[0].scores() == models[1].scores()).all()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(InputError, match="--out"):
        write_demo(tmp_path / "demo")
