"""Mitigations on and off, and two subjects compared, without a browser: boxes lead, pictures and words follow, names are text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import auditkit as ak
from auditkit.errors import InputError
from auditkit.explore import Remedies
from auditkit.widgets import Compare, Session
from auditkit.widgets.explorers import RemedyExplorer
from auditkit.widgets.explorers import remedies as module

if TYPE_CHECKING:
    from pathlib import Path

SEX = "<i>sex</i>"


def subject(model: Any = None, name: str = "small", n: int = 300) -> ak.Subject:
    """Return a subject that learnt from labels which favour a group; its names are markup."""
    rng = np.random.default_rng(1)

    def draw() -> ak.Dataset:
        group, able = rng.integers(2, size=n), rng.normal(size=n)
        y = (able + 1.2 * group + rng.normal(scale=0.5, size=n) > 0.6).astype(int)
        X = pd.DataFrame({"able": able, "group": group.astype(float)})
        return ak.Dataset(
            X, y, {SEX: np.where(group == 1, "<b>m</b>", "f"), "old": rng.integers(2, size=n) > 0}
        )

    train, test = draw(), draw()
    model = LogisticRegression() if model is None else model
    return ak.Subject(name, model.fit(train.X, train.y), test, train)


def inside(widget: Any) -> list[Any]:
    return [widget, *(deep for child in getattr(widget, "children", ()) for deep in inside(child))]


@pytest.fixture(scope="module")
def quick() -> Any:
    """Few mitigations, so that a test is quick."""
    plain = Remedies.prepare.__func__  # type: ignore[attr-defined]
    few = ["reweighing", "correlation remover", "early stopping", "rounding", "ensemble"]
    patch = pytest.MonkeyPatch()
    patch.setattr(
        module.Remedies, "prepare",
        classmethod(lambda cls, subject, feature=None, **more: plain(cls, subject, feature, mitigations=few, copies=3, **more)),
    )  # fmt: skip
    yield
    patch.undo()


def prepared(explorer: Any) -> Any:
    assert explorer.work.wait(120)
    assert explorer.work.state == "done", explorer.work.message
    return explorer


@pytest.fixture
def explorer(quick: Any) -> Any:
    made = RemedyExplorer(Session(subject(), ["mitigation"]))
    assert made.stage.layout.display == "none"
    made.going.run.click()
    return prepared(made)


def values(explorer: Any, table: str) -> list[float]:
    return [float(x) for trace in explorer.canvases[table].figure.data for x in trace.x]


def test_a_tick_moves_pictures_and_words(explorer: Any) -> None:
    assert "Nothing is switched on." in explorer.words.value
    assert explorer.canvases["overview"].layout.display == ""
    assert explorer.canvases["change"].layout.display == "none"
    before = explorer.words.value
    explorer.boxes["reweighing"].value = True
    assert explorer.canvases["overview"].layout.display == "none"
    assert explorer.answer.at["mitigations"] == {"reweighing": 1.0}
    assert "With reweighing." in explorer.words.value
    full, figure = values(explorer, "change"), explorer.canvases["change"].figure
    explorer.boxes["reweighing"].value = False
    explorer.boxes["rounding"].value = True
    assert values(explorer, "change") != full
    explorer.boxes["rounding"].value = False
    explorer.boxes["reweighing"].value = True
    assert values(explorer, "change") == full
    assert explorer.canvases["change"].figure is figure
    explorer.strengths["reweighing"].value = 0.5
    assert explorer.answer.at["mitigations"] == {"reweighing": 0.5}
    assert values(explorer, "change") != full
    explorer.none()
    assert explorer.answer.at["mitigations"] == {}
    assert explorer.words.value == before


def test_what_excludes_each_other_is_closed_and_said(explorer: Any) -> None:
    explorer.boxes["reweighing"].value = True
    assert explorer.boxes["correlation remover"].disabled
    assert explorer.boxes["ensemble"].disabled
    assert not explorer.boxes["rounding"].disabled
    assert "correlation remover, ensemble" in explorer.closed.value
    explorer.boxes["reweighing"].value = False
    assert not any(box.disabled for box in explorer.boxes.values())
    assert explorer.closed.value == ""


def test_together_is_trained_on_request_and_ticks_stay(explorer: Any) -> None:
    assert explorer.together.disabled
    explorer.boxes["reweighing"].value = True
    explorer.strengths["reweighing"].value = 0.5
    explorer.boxes["rounding"].value = True
    assert "not trained together yet" in explorer.trouble.value
    assert explorer.answer is None
    with pytest.raises(InputError, match="nothing is shown"):
        explorer.keep()
    assert not explorer.together.disabled
    explorer.together.click()
    prepared(explorer)
    assert explorer.chosen() == {"reweighing": 0.5, "rounding": 1.0}
    assert explorer.answer.at["mitigations"] == {"reweighing": 0.5, "rounding": 1.0}
    assert explorer.trouble.value == ""
    assert explorer.together.disabled
    explorer.boxes["rounding"].value = False
    assert explorer.answer.at["mitigations"] == {"reweighing": 0.5}


def test_what_could_not_be_tried_says_why(explorer: Any) -> None:
    assert "early stopping" not in explorer.boxes
    told = " ".join(one.value for one in inside(explorer.controls) if isinstance(one, w.HTML))
    assert "Not here. Early stopping: LogisticRegression is not trained in rounds" in told


def test_another_feature_is_prepared_anew(explorer: Any) -> None:
    explorer.feature.value = "old"
    prepared(explorer)
    assert explorer.answer.at["feature"] == "old"
    explorer.constraint.value = "equalized_odds"
    prepared(explorer)
    assert "equalized odds difference of old" in explorer.words.value


def test_kept_and_names_are_text(explorer: Any) -> None:
    explorer.boxes["reweighing"].value = True
    explorer.why.value = "narrower, and no worse"
    explorer.keep()
    (kept,) = explorer.session.notes
    assert kept.seen["at"]["mitigations"] == {"reweighing": 1.0}
    explorer.switch.value = True
    shown = explorer.words.value + explorer.data.value
    assert "<i>" not in shown
    assert "&lt;i&gt;sex" in shown
    for one in inside(explorer):
        if isinstance(one, (w.Checkbox, w.Dropdown, w.Text)):
            assert one.description, one
            assert one.tooltip, one
            assert one.description_allow_html is False


def test_who_lacks_what_it_needs_is_told() -> None:
    made = subject()
    bare = ak.Subject("s", made.model.inner.estimator, made.test)
    assert "training rows" in RemedyExplorer.lacks(bare)
    function = ak.Subject("f", lambda X: (X["able"] > 0).astype(int).to_numpy(), made.test, made.train)
    assert "cannot be trained again" in RemedyExplorer.lacks(function)
    assert RemedyExplorer.lacks(made) == ""
    step = ak.widgets.Studio(made, ["AK114"]).steps["mitigation"]
    assert [type(one) for one in step.explorers] == [RemedyExplorer]


def test_two_subjects_side_by_side() -> None:
    first, second = subject(), subject(DecisionTreeClassifier(random_state=0), "<script>tree</script>")
    compare = Compare(first, second)
    explorer = compare.explorer
    explorer.going.run.click()
    prepared(explorer)
    assert "&lt;script&gt;tree" in explorer.words.value
    assert "<script>" not in explorer.words.value
    before = values(explorer, "disagreement")
    assert len([one for one in explorer.canvases.values() if one.figure is not None]) == 3
    explorer.feature.value = "old"
    assert values(explorer, "disagreement") != before
    assert explorer.answer.at == {
        "first": "small", "second": "<script>tree</script>", "feature": "old", "constraint": "demographic_parity"
    }  # fmt: skip
    explorer.constraint.value = "equalized_odds"
    assert "equalized odds difference of old" in explorer.words.value
    explorer.keep()
    assert compare.session.notes[0].seen["about"] == "two subjects compared"
    bundle = compare._repr_mimebundle_()
    assert "Pair.prepare(first, second)" in bundle["text/plain"]
    assert "<script>" not in bundle["text/html"]
    assert "Who is right" in bundle["text/html"]


def test_a_comparison_is_in_the_exported_report(tmp_path: Path) -> None:
    first, second = subject(), subject(DecisionTreeClassifier(random_state=0), "tree")
    session = ak.widgets.Session(first, ["AK001"], seed=4)
    assert {check.dimension for check in Compare(first, second).session.checks} == {"performance"}
    compare = Compare(ak.widgets.Findings(session), second)
    assert compare.session is session
    compare.explorer.start()
    prepared(compare.explorer)
    compare.explorer.keep()
    compare.report.runner.run.click()
    assert session.wait(300)
    saving = compare.report.saving
    saving.folder.value = str(tmp_path)
    saving.export.click()
    assert saving.work.wait(120)
    assert "report.html" in saving.told.value
    notes = json.loads((tmp_path / "report.json").read_text())["notes"]
    assert [note["seen"]["about"] for note in notes] == ["two subjects compared"]
    assert "tree against small" in (tmp_path / "report.html").read_text()


def test_subjects_of_other_records_are_refused_at_once() -> None:
    first = subject()
    other = ak.Subject("other", first.model.inner.estimator, first.train, None)
    with pytest.raises(InputError, match="not the same records"):
        Compare(first, other)
    with pytest.raises(InputError, match="expected two subjects"):
        Compare(first, "other")  # type: ignore[arg-type]
