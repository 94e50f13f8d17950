"""Answers of single records: what is kept, who may read it, and that a file that is not theirs is refused."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import auditkit as ak
from auditkit.errors import InputError
from auditkit.keeping import row_answers
from auditkit.predictors import from_callable, from_predictions
from auditkit.report import load_report, schema
from auditkit.row_answers import RowAnswers, beside, digest_of
from auditkit.runner.notebook import observe

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")


def subject(said=(1, 0, 1, 0), **data):
    test = ak.Dataset(
        None, np.array(["yes", "no", "no", "no"]), sensitive_features={"sex": ["f", "m", None, "f"]}, **data
    )
    scores = np.array([0.9, 0.2, 0.6, 0.1])
    model = from_predictions(labels=np.array(["no", "yes"])[list(said)], scores=scores, classes=["no", "yes"])
    return ak.Subject("toy", model, test=test, positive="yes")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class TestWhatIsKept:
    def test_truth_decision_score_and_group_of_each_row(self):
        kept = row_answers(subject())
        assert kept.classes == ("no", "yes")
        assert kept.positive == 1
        assert kept.truth.tolist() == [1, 0, 0, 0]
        assert kept.decision.tolist() == [1, 0, 1, 0]
        assert kept.score.tolist() == [0.9, 0.2, 0.6, 0.1]
        codes, words = kept.groups["sex"]
        assert [words[code] for code in codes] == ["f", "m", "missing", "f"]
        assert kept.rows == subject().test.digest
        assert not kept.weighted

    def test_a_regression_keeps_values(self):
        test = ak.Dataset(None, np.array([1.5, 2.5, 3.25]))
        kept = row_answers(
            ak.Subject("r", from_predictions(labels=[1.0, 2.0, 3.0]), test=test, task="regression")
        )
        assert (kept.task, kept.classes, kept.positive, kept.score) == ("regression", (), -1, None)
        assert kept.truth.tolist() == [1.5, 2.5, 3.25]
        assert kept.decision.tolist() == [1.0, 2.0, 3.0]

    def test_numbers_are_in_the_bands_that_the_checks_compare(self):
        rng = np.random.default_rng(0)
        ages = rng.uniform(18, 90, size=400)
        y = rng.integers(0, 2, size=400)
        test = ak.Dataset(None, y, sensitive_features={"age": ages})
        one = ak.Subject("t", from_predictions(labels=y, classes=[0, 1]), test=test)
        _, words = row_answers(one).groups["age"]
        report = ak.Audit(["demographic_parity"]).run(one)
        named = {m.group for m in report.evidence[0].measurements if m.metric == "selection_rate"}
        assert {f"age={word}" for word in words} == named

    def test_a_feature_that_names_the_records_is_left_out(self):
        y = np.arange(300) % 2
        test = ak.Dataset(None, y, sensitive_features={"name": [f"person {i}" for i in range(300)]})
        assert (
            row_answers(ak.Subject("t", from_predictions(labels=y, classes=[0, 1]), test=test)).groups == {}
        )

    def test_weights_are_told_and_not_kept(self):
        assert row_answers(subject(sample_weight=[1.0, 1.0, 1.0, 2.0])).weighted
        assert not row_answers(subject(sample_weight=[2.0, 2.0, 2.0, 2.0])).weighted


class TestTheFile:
    def test_what_is_written_is_read_back_and_the_same_answers_give_the_same_bytes(self):
        kept = row_answers(subject())
        content = kept.to_bytes()
        assert content == row_answers(subject()).to_bytes()
        again = RowAnswers.from_bytes(content, "it")
        assert again.to_bytes() == content
        assert again.groups["sex"][1] == kept.groups["sex"][1]
        np.testing.assert_array_equal(again.score, kept.score)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("form", np.array("auditkit.answers/2")),
            ("truth", np.array([0, 1, 0], dtype=np.int32)),
            ("truth", np.array([0, 1, 0, 2], dtype=np.int32)),
            ("decision", np.array([0.0, 1.0, 0.0, 1.0])),
            ("codes_0", np.array([0, 1, 0, -1], dtype=np.int32)),
            ("score", np.array([[0.1, 0.2, 0.3, 0.4]])),
            ("task", None),
        ],
    )
    def test_what_does_not_fit_together_is_refused(self, name, value):
        with np.load(io.BytesIO(row_answers(subject()).to_bytes())) as held:
            arrays = {key: held[key] for key in held.files}
        arrays |= {name: value}
        made = io.BytesIO()
        np.savez(made, **{key: one for key, one in arrays.items() if one is not None})
        with pytest.raises(InputError, match="holds no answers of an audit"):
            RowAnswers.from_bytes(made.getvalue(), "it")

    def test_no_pickle_is_read(self):
        made = io.BytesIO()
        np.savez(made, form=np.array([{}], dtype=object))
        with pytest.raises(InputError, match="objects are not read"):
            RowAnswers.from_bytes(made.getvalue(), "it")


class TestTheReport:
    def test_names_the_digest_and_saves_the_file_beside_it(self, tmp_path):
        report = ak.Audit(["model_performance"]).run(subject(), keep_answers=True)
        path = report.save(tmp_path / "october.json")
        content = beside(path).read_bytes()
        assert beside(path).name == "october.answers.npz"
        assert report.provenance["answers"] == {"sha256": hashlib.sha256(content).hexdigest(), "rows": 4}
        assert load_report(path).provenance["answers"]["sha256"] == digest_of(content)
        assert "answers" in schema()["$defs"]["provenance"]["properties"]

    def test_takes_away_answers_of_another_report_where_it_is_saved_and_leaves_its_own(self, tmp_path):
        asked = ak.Audit(["model_performance"]).run(subject(), keep_answers=True)
        path = asked.save(tmp_path / "report.json")
        load_report(path).save(path)  # what is read holds no answers, and knows those beside it
        assert beside(path).is_file()
        (tmp_path / "other.answers.npz").write_bytes(b"of another")
        ak.Audit(["model_performance"]).run(subject()).save(path)
        assert sorted(one.name for one in tmp_path.iterdir()) == ["other.answers.npz", "report.json"]

    def test_holds_none_unless_asked(self, tmp_path):
        report = ak.Audit(["model_performance"]).run(subject())
        report.save(tmp_path / "report.json")
        assert report.answers is None
        assert "answers" not in report.provenance
        assert [one.name for one in tmp_path.iterdir()] == ["report.json"]

    def test_says_nothing_of_a_record_and_differs_in_the_digest_alone(self):
        audit = ak.Audit(["model_performance"])
        with_, without = (audit.run(subject(), keep_answers=keep).stable_dict() for keep in (True, False))
        del with_["provenance"]["answers"]
        assert with_ == without

    def test_keeps_them_through_notes_and_another_policy(self, tmp_path):
        report = ak.Audit(["model_performance"]).run(subject(), keep_answers=True)
        later = report.judge([ak.Criterion("accuracy", at_least=0.1)])
        later.note(later.findings[0], "seen", author="maria").save(tmp_path / "report.json")
        assert beside(tmp_path / "report.json").is_file()

    @POSIX
    def test_only_the_owner_may_read_the_file_whatever_was_there(self, tmp_path):
        there = tmp_path / "report.answers.npz"
        there.write_bytes(b"older")
        there.chmod(0o644)
        ak.Audit(["model_performance"]).run(subject(), keep_answers=True).save(tmp_path / "report.json")
        assert mode(there) == 0o600
        assert mode(tmp_path / "report.json") != 0o600

    def test_says_why_there_are_none_where_the_model_gives_none_without_a_value(self):
        def broken(_X):
            raise ValueError("secret value 4711")

        test = ak.Dataset(pd.DataFrame({"a": [1.0, 2.0]}), [0, 1])
        one = ak.Subject("t", from_callable(broken, classes=[0, 1]), test=test, positive=1)
        report = ak.Audit(["model_performance"]).run(one, keep_answers=True)
        assert report.answers is None
        assert "ModelError" in report.provenance["answers"]["reason"]
        assert "4711" not in report.provenance["answers"]["reason"]

    def test_a_notebook_keeps_them_where_it_is_asked_to(self, tmp_path):
        audit = ak.Audit(["model_performance"])
        observe(audit, subject(), out_dir=tmp_path, keep_answers=True)
        assert (tmp_path / "report.answers.npz").is_file()
        assert replace(load_report(tmp_path / "report.json")).answers is None
