"""Restraint: for each family the parameter it has, on a path that ends where it is said to end."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from auditkit.errors import InputError, NotApplicable
from auditkit.methods.restraint import restrained, shortened

FULL = {
    "tree": (DecisionTreeClassifier(), {"min_samples_leaf": 50}),
    "forest": (RandomForestClassifier(), {"min_samples_leaf": 50}),
    "histograms": (HistGradientBoostingClassifier(), {"min_samples_leaf": 50}),
    "linear": (LogisticRegression(), {"C": 0.001}),
    "network": (MLPClassifier(), {"alpha": 50.0}),
    "neighbours": (KNeighborsClassifier(weights="distance"), {"n_neighbors": 50, "weights": "uniform"}),
    "lightgbm": (LGBMClassifier(), {"num_leaves": 4, "min_child_samples": 50, "reg_lambda": 10.0}),
    "pipeline": (make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": 0.001}),
}


@pytest.mark.parametrize("name", FULL)
def test_every_family_ends_where_it_is_said_to(name):
    model, expected = FULL[name]
    assert restrained(model, 1.0, 1000) == expected
    model.set_params(**expected)  # the estimator knows them all


def test_the_path_is_geometric():
    assert restrained(DecisionTreeClassifier(), 0.5, 1000) == {"min_samples_leaf": round(np.sqrt(50))}
    assert restrained(LogisticRegression(C=10), 0.5, 1000) == {"C": 0.1}


def test_what_is_restrained_further_stays():
    with pytest.raises(NotApplicable, match="as strong as"):
        restrained(ExtraTreesClassifier(min_samples_leaf=0.2), 1.0, 1000)
    with pytest.raises(NotApplicable, match="GaussianNB"):
        restrained(GaussianNB(), 1.0, 1000)


def test_rounds_are_fewer():
    assert shortened(HistGradientBoostingClassifier(), 1.0) == {"max_iter": 10}
    assert shortened(MLPClassifier(), 1.0) == {"max_iter": 20}
    assert shortened(RandomForestClassifier(3), 1.0) == {"n_estimators": 1}
    for model in (LogisticRegression(), RandomForestClassifier(1)):
        with pytest.raises(NotApplicable, match="rounds, trees or epochs"):
            shortened(model, 1.0)


@pytest.mark.parametrize("strength", [0.0, 1.1, float("nan")])
def test_other_strengths_are_refused(strength):
    with pytest.raises(InputError, match="strength"):
        restrained(DecisionTreeClassifier(), strength, 10)
