"""Before and after: joint counts give back the counts of each decision."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from auditkit.errors import InputError
from auditkit.methods import before_after
from auditkit.methods.fairness import demographic_parity_difference, equalized_odds_difference
from auditkit.methods.groups import group_confusion


def drawn(seed, n=400, k=3):
    rng = np.random.default_rng(seed)
    return rng.integers(k, size=n), *(rng.random((3, n)) < [[0.4], [0.5], [0.6]])


@pytest.mark.parametrize("seed", range(3))
def test_each_decision_keeps_its_own_counts(seed):
    who, truth, first, second = drawn(seed)
    cells = before_after.joint_counts(who, 3, truth, first, second)
    assert cells.sum() == 400
    np.testing.assert_array_equal(before_after.before(cells), group_confusion(truth, first, who, 3))
    np.testing.assert_array_equal(before_after.after(cells), group_confusion(truth, second, who, 3))
    changed = cells[:, [1, 2, 5, 6]].sum()
    assert changed == (first != second).sum()


def test_replicates_go_through_as_one():
    who, truth, first, second = drawn(4)
    cells = before_after.joint_counts(who, 3, truth, first, second)
    both = np.stack([cells, 2 * cells])
    assert before_after.after(both).shape == (2, 3, 4)
    assert before_after.balanced_accuracy(before_after.before(both)) == pytest.approx(
        [balanced_accuracy_score(truth, first)] * 2, abs=1e-12
    )
    counts = before_after.after(both)
    np.testing.assert_array_equal(
        before_after.gap(counts, "demographic_parity"), demographic_parity_difference(counts)
    )
    np.testing.assert_array_equal(
        before_after.gap(counts, "equalized_odds"), equalized_odds_difference(counts)
    )


def test_one_label_only_has_no_balanced_accuracy():
    assert np.isnan(before_after.balanced_accuracy([[3, 1, 0, 0]]))


def test_what_is_not_boolean_is_refused():
    with pytest.raises(InputError, match="first must be 2 booleans"):
        before_after.joint_counts([0, 0], 1, np.array([True, False]), [0, 1], np.array([True, False]))
