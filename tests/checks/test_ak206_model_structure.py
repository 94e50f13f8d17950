"""Model structure: leaves counted a second way, stored rows said plainly, silence where nothing is held."""

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from auditkit.checks.privacy import model_structure
from auditkit.errors import NotApplicable
from auditkit.predictors.boosters import from_booster
from auditkit.predictors.callables import from_callable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject

N = 300
_RNG = np.random.default_rng(4)
X = _RNG.normal(size=(N, 3))
Y = (X[:, 0] + _RNG.normal(size=N) > 0).astype(int)
DATA = Dataset(X, Y)
OTHERS = Dataset(X + 0.001, Y)


def look(model, *, train=True, **options):
    subject = Subject("s", model, OTHERS if train else DATA, DATA if train else None)
    return model_structure(subject, rng=np.random.default_rng(0), **options)


def value(found, metric):
    return found.measurement(metric).value


def in_small(ends, k=5):
    """The share of rows whose leaf has fewer than k rows, and the smallest leaf, from where each row ends; the mean over trees."""
    shares, smallest = [], []
    for column in np.asarray(ends).reshape(N, -1).T:
        sizes = np.unique(column, return_counts=True)[1]
        shares.append(sizes[sizes < k].sum() / N)
        smallest.append(sizes.min())
    return np.mean(shares), min(smallest)


# guilty ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(random_state=0),
        RandomForestClassifier(5, bootstrap=False, random_state=0, n_jobs=1),
        lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=2, n_jobs=1, verbose=-1),
        xgboost.XGBClassifier(n_estimators=3, min_child_weight=0, n_jobs=1),
        make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=3, min_child_weight=0, n_jobs=1)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_small_leaves_are_those_that_the_rows_end_in(model):
    fitted = model.fit(X, Y)
    last, rows = (fitted[-1], fitted[0].transform(X)) if hasattr(fitted, "steps") else (fitted, X)
    ends = last.predict(X, pred_leaf=True) if isinstance(last, lightgbm.LGBMModel) else last.apply(rows)
    found = look(fitted)
    share, smallest = in_small(ends)
    assert share > 0
    assert value(found, "small_leaf_row_share") == pytest.approx(share)
    assert value(found, "smallest_leaf") == smallest
    table = found.tables["leaves"].frame()
    assert table["value"].sum() == pytest.approx(1)
    assert table["value"][table["label"].isin(["1", "2 to 4"])].sum() == pytest.approx(share)
    assert f"{100 * share:.1f}% of the training rows end in a leaf of fewer than 5" in found.says


def test_a_nearest_neighbour_hands_its_rows_to_whoever_holds_the_file():
    found = look(KNeighborsClassifier(3).fit(X, Y))
    assert value(found, "stored_row_share") == 1
    assert (
        "stores 300 training rows as they are (100.0%), and hands them to whoever holds the file"
        in found.says
    )
    assert any("Share the model as you would share the rows" in note for note in found.notes)
    assert {m.metric for m in found.measurements} == {
        "stored_row_share",
        "parameters_per_row",
        "residual_degrees_of_freedom",
    }


def test_support_vectors_are_stored_rows():
    fitted = SVC(kernel="rbf").fit(X, Y)
    assert value(look(fitted), "stored_row_share") == len(fitted.support_) / N


def test_more_numbers_than_rows_leave_no_degrees_of_freedom():
    net = MLPClassifier((200,), max_iter=2000, tol=0.1, random_state=0).fit(X, Y)
    found = look(net)
    fitted = 3 * 200 + 200 + 200 + 1
    assert value(found, "parameters_per_row") == pytest.approx(fitted / N)
    assert value(found, "residual_degrees_of_freedom") == N - fitted
    assert any("more fitted numbers than training rows" in note for note in found.notes)


# innocent ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 5, 20])
def test_a_pruned_tree_has_no_small_leaf_and_nothing_is_stored(k):
    found = look(DecisionTreeClassifier(min_samples_leaf=20, random_state=0).fit(X, Y), k=k)
    assert (
        value(found, "small_leaf_row_share")
        == value(found, "small_leaf_share")
        == value(found, "stored_row_share")
        == 0
    )
    assert value(found, "smallest_leaf") >= 20


def test_a_linear_model_has_no_leaves_to_speak_of():
    found = look(LogisticRegression().fit(X, Y))
    assert value(found, "residual_degrees_of_freedom") == N - 4
    assert "stores no training row" in found.says
    assert found.notes == ()
    assert "leaves" not in found.tables


def test_a_histogram_booster_keeps_its_own_limit():
    with threadpool_limits(1):
        fitted = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=20).fit(X, Y)
    found = look(fitted)
    assert value(found, "smallest_leaf") >= 20
    assert any("Each tree was counted by itself" in note for note in found.notes)


# what is said ------------------------------------------------------------------------------------------


def test_facts_have_no_interval_and_say_why():
    for m in look(DecisionTreeClassifier().fit(X, Y)).measurements:
        assert m.interval is None
        assert "it has no interval" in m.reason


def test_xgboost_without_its_training_rows_is_unknown_and_not_clean():
    found = look(xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, Y), train=False, training_rows=N)
    one = found.measurement("small_leaf_row_share")
    assert np.isnan(one.value)
    assert "no counts of rows" in one.reason
    assert "is not known" in found.says


def test_a_native_booster_is_read():
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(X, Y), 3)
    share, _ = in_small(booster.predict(xgboost.DMatrix(X), pred_leaf=True))
    assert value(look(from_booster(booster, classes=[0, 1])), "small_leaf_row_share") == pytest.approx(share)


def test_rows_that_cannot_be_sent_through_the_trees_are_said():
    class Stubborn(xgboost.XGBClassifier):
        def apply(self, *args, **options):
            raise RuntimeError("could not convert Alice Smith")

    found = look(Stubborn(n_estimators=2, n_jobs=1).fit(X, Y))
    assert np.isnan(value(found, "small_leaf_row_share"))
    assert any("could not be sent through the trees (RuntimeError)" in note for note in found.notes)
    assert "Alice" not in str(found.to_dict())


def test_the_number_of_training_rows_may_be_given_instead():
    fitted = DecisionTreeClassifier(random_state=0).fit(X, Y)
    assert look(fitted, train=False, training_rows=N).measurements == look(fitted).measurements
    with pytest.raises(NotApplicable, match=r"training_rows="):
        look(fitted, train=False)


def test_what_cannot_be_read_is_not_applicable():
    asked = from_callable(lambda X: np.full((len(X), 2), 0.5), classes=[0, 1], output="proba")
    with pytest.raises(NotApplicable, match="cannot be read: give the fitted model itself"):
        look(asked)
    recorded = from_predictions(scores=np.linspace(0, 1, N), classes=[0, 1])
    with pytest.raises(NotApplicable, match="only recorded predictions"):
        look(recorded)
