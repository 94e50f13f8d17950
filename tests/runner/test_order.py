from __future__ import annotations

import json
import os
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.check import Parameter
from auditkit.errors import InputError
from auditkit.runner import order as module
from auditkit.runner.order import load_early, take_order
from auditkit.runner.parameters import assignment, declared, parse_assignments
from auditkit.runner.templates import find_template

PIN = 'sha256 = "' + "0" * 64 + '"\n'


def _take(subject: Path | str, out: Path | str = "out", **more: Any) -> module.Order:
    asked: dict[str, Any] = {"template": "full", "parameters": {}, "policy": None, "seed": 0, "jobs": 1}
    return take_order(subject_file=subject, out=out, **(asked | more))


class TestCommand:
    def test_holds_everything_that_decides_the_numbers_and_no_folder(
        self, credit_file: Path, tmp_path: Path
    ) -> None:
        policy = tmp_path / "our policy.toml"
        policy.write_text("[[criterion]]\nmetric = 'attack_auc'\nat_most = 0.6")
        given_ = {"demographic_parity__level": 0.9, "reference_attacks__references": 4}
        order = _take(credit_file, tmp_path / "out", parameters=given_, policy=policy, seed=7, jobs=2)
        assert shlex.join(order.command) == (
            "auditkit run full --subject credit.toml -p demographic_parity__level=0.9 "
            "-p reference_attacks__references=4 --policy 'our policy.toml' --seed 7 --out reports"
        )
        assert str(tmp_path) not in " ".join(order.command)

    def test_names_a_notebook_given_by_its_path_as_a_file(
        self, credit_file: Path, make_template: Any
    ) -> None:
        template = make_template('subject_file = "s.toml"\nwords = "a b"')
        order = _take(credit_file, template=template, parameters={"words": "it's 1"})
        assert order.command[2] == "own.ipynb"
        assert order.command[5:7] == ("-p", "words=it's 1")

    def test_asks_for_the_same_order_again(
        self, credit_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given_ = {
            "demographic_parity__features": ["sex", "é"],
            "decision_attack__norm": "l1",
            "decision_attack__immutable": None,
            "population_attack__by": "class",
        }
        order = _take(credit_file, tmp_path / "reports", parameters=given_, seed=3)
        words = shlex.split(shlex.join(order.command))
        said = [b for a, b in pairwise(words) if a == "-p"]
        again = parse_assignments(said, declared(find_template("full")))
        assert again == given_
        assert list(again) == list(given_)

    @given(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.text(),
            st.floats(allow_nan=False, allow_infinity=False),
        )
    )
    def test_a_value_of_any_type_comes_back_as_it_was(self, value: Any) -> None:
        parameter = Parameter("rows", Any, 1)
        name, _, text = assignment(parameter, value).partition("=")
        found = parameter.parse(text)
        assert (name, found, type(found)) == ("rows", value, type(value))

    @given(st.text())
    def test_text_comes_back_where_only_text_is_taken(self, value: str) -> None:
        parameter = Parameter("word", str, "")
        assert parameter.parse(assignment(parameter, value).partition("=")[2]) == value


class TestPathsInErrors:
    def test_are_those_that_were_typed(
        self, credit_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        typed = os.path.relpath(credit_file)
        order = _take(typed, "reports/bias")
        seen = order.parameters["subject_file"]
        assert seen == f"../../{Path(typed).as_posix()}"
        folder, typed_folder = seen.removesuffix("/credit.toml"), Path(typed).parent.as_posix()
        assert order.as_typed(
            f"{seen}: {folder}/credit.skops: refused: see {folder}/../x and a{folder}/y"
        ) == (f"{typed}: {typed_folder}/credit.skops: refused: see {typed_folder}/../x and a{folder}/y")

    def test_beside_the_report(self, credit_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        order = _take(credit_file, credit_file.parent)
        assert order.parameters["subject_file"] == "credit.toml"
        assert order.as_typed("credit.toml: credit.skops: refused") == f"{credit_file}: credit.skops: refused"
        monkeypatch.chdir(credit_file.parent)
        assert (
            _take("credit.toml", ".").as_typed("credit.toml: credit.skops: no")
            == "credit.toml: credit.skops: no"
        )
        assert _take("credit.toml", "a").as_typed("../credit.toml: ../credit.skops: no") == (
            "credit.toml: credit.skops: no"
        )


class TestLoadEarly:
    def test_a_column_that_is_not_there_is_told_before_a_kernel_starts(
        self, credit_file: Path, tmp_path: Path
    ) -> None:
        from auditkit.runner.run import run_template

        wrong = {"demographic_parity__features": ["sexx"]}
        assert _take(credit_file, parameters=wrong).audit is not None  # the data are not opened yet
        with pytest.raises(
            InputError, match=r"'sexx' is no sensitive feature\. Did you mean 'sex'"
        ) as caught:
            run_template("full", credit_file, tmp_path / "out", parameters=wrong)
        assert str(caught.value).startswith("demographic_parity: features: ")
        assert not (tmp_path / "out").exists()

    def test_a_good_subject_passes_without_a_word(self, credit_file: Path) -> None:
        load_early(credit_file)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ('target = "outcome"', 'target = "outcomes"', "Did you mean 'outcome'"),
            ('positive = "repaid"', 'positive = "repayed"', "repayed"),
            ('"credit.skops"', '"program.skops"', r"program\.skops: refused"),
            ('exclude = ["sex", "age_band"]', "", "not trained with"),
        ],
    )
    def test_a_mistake_is_told_with_the_paths_as_typed(
        self, credit_file: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
    ) -> None:
        text = credit_file.read_text()
        credit_file.with_name("program.skops").write_bytes(b"#!/bin/sh")
        assert old in text
        bad = credit_file.with_name("early.toml")
        bad.write_text(text.replace(old, new))
        monkeypatch.chdir(credit_file.parent)
        with pytest.raises(InputError, match=said) as told:
            load_early(Path("early.toml"))
        assert str(told.value).startswith("early.toml: ")

    def test_what_runs_code_of_its_own_or_is_large_is_left_to_the_kernel(
        self, credit_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = credit_file.read_text().replace('target = "outcome"', 'target = "none"')
        late = credit_file.with_name("late.toml")
        model, _, rest = text.partition("[data.test]")
        factory = model.partition("path =")[0] + 'python = "no_such_module:load"\n'
        for head in (model + PIN, factory):
            late.write_text(f"{head}[data.test]{rest}")
            load_early(late)
        late.write_text(text)
        with pytest.raises(InputError):
            load_early(late)
        monkeypatch.setattr(module, "_SMALL", 100)
        load_early(late)

    def test_what_is_no_bad_input_is_left_to_the_kernel(
        self, credit_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(_: Path) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("auditkit.loading.subject_file.load_target", broken)
        load_early(credit_file)


def test_a_missing_file_of_training_predictions_is_named(credit_file: Path) -> None:
    text = credit_file.read_text().partition("[model]")[0]
    bad = credit_file.with_name("recorded.toml")
    predictions = {"path": "test.parquet", "train_path": "nowhere.parquet"}
    bad.write_text(
        text
        + "[model.predictions]\n"
        + "".join(f"{k} = {json.dumps(v)}\n" for k, v in predictions.items())
        + '[data.test]\npath = "test.parquet"\ntarget = "outcome"\n'
    )
    with pytest.raises(InputError, match=r"model\.predictions\.train_path.*nowhere"):
        _take(bad)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("../models/nope.onnx", ""), ("../models/credti.joblib", r"\. Did you mean 'credit.joblib'\?")],
)
def test_a_file_that_is_not_there_is_told_as_typed_with_its_key(
    tmp_path: Path, typed: str, hint: str
) -> None:
    for folder in ("art", "models"):
        (tmp_path / folder).mkdir()
    (tmp_path / "models" / "credit.joblib").touch()
    subject = tmp_path / "art" / "nope.toml"
    subject.write_text(f'kind = "artifact"\npath = "{typed}"\n')
    told = (
        rf"nope\.toml: path: there is no file {typed}; paths are from the folder of the subject file{hint}$"
    )
    with pytest.raises(InputError, match=told):
        module.files_are_there(subject)
    subject.write_text('kind = "artifact"\npath = "../models/credit.joblib"\n')
    module.files_are_there(subject)
