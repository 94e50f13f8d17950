"""Trees beside the Adversarial Robustness Toolbox: its clique bound never exceeds the minimal change, and meets it with large cliques.

Compared on gradient boosting without an initial score: the toolbox (1.20) leaves that score out, and takes the probabilities of a
forest of two classes for scores around 0; for both it reports bounds above changes that turn the model.
"""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from auditkit.methods.evasion.trees import cells_of, read_classifier, tree_minimal_distance
from auditkit.methods.evasion.trees.bound import leaf_distances, single_bound
from auditkit.methods.feature_space import FeatureSpace


@pytest.fixture(scope="module")
def verify():
    """Return a function that gives the toolbox's bound for one row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if os.environ.get("CI") != "true":
            pytest.importorskip("art", reason="adversarial-robustness-toolbox is optional")
        from art.estimators.classification.scikitlearn import SklearnClassifier
        from art.metrics.verification_decisions_trees import RobustnessVerificationTreeModelsCliqueMethod

    def bound(model, row, label, size, steps=16):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one = RobustnessVerificationTreeModelsCliqueMethod(SklearnClassifier(model), verbose=False)
            found, _ = one.verify(
                row[None],
                np.array([label]),
                eps_init=0.3,
                nb_search_steps=steps,
                max_clique=size,
                max_level=1,
            )
        return found

    return bound


@pytest.mark.parametrize("model", [
    GradientBoostingClassifier(n_estimators=4, max_depth=2, init="zero", random_state=0),
    GradientBoostingClassifier(n_estimators=3, max_depth=3, init="zero", random_state=0),
], ids=["four of depth 2", "three of depth 3"])  # fmt: skip
def test_the_toolbox_agrees(model, verify):
    rng = np.random.default_rng(0)
    X = rng.random((300, 3)).astype(np.float32).astype(float)
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0.75).astype(int)
    model.fit(X, y)
    rows = X[:8]
    labels = model.predict(rows)
    # the toolbox knows no ends of a column, and counts changes in its own unit
    space = FeatureSpace(
        names=("a", "b", "c"), kind=("continuous",) * 3, low=np.full(3, -9.0), high=np.full(3, 9.0), step=np.zeros(3),
        n_categories=np.zeros(3), mutable=np.ones(3, dtype=bool), direction=np.zeros(3), scale=np.ones(3),
    )  # fmt: skip
    found, scores = read_classifier(model)
    cells = cells_of(found.based_on(scores(X), X), lambda Z: Z, space, rows, np.zeros(3, dtype=bool))
    exact = tree_minimal_distance(cells, model.predict, rows, labels, norm="linf")
    assert exact.proved.all()
    single = single_bound(cells, leaf_distances(cells, cells.costs(rows)[0], "linf"), labels)
    seen = exact.upper < 0.9  # beyond 1 the toolbox looks no further
    assert seen.sum() >= 6
    for i in np.flatnonzero(seen):
        alone, together = (verify(model, rows[i], labels[i], size) for size in (1, 4))
        assert alone <= exact.upper[i] + 1e-6
        assert together == pytest.approx(exact.upper[i], abs=2e-4)
        assert alone == pytest.approx(single[i], abs=2e-4)
