"""Privacy Meter's folders are read as they were written, by numpy as by us; malformed ones are refused in words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from auditkit.errors import InputError
from auditkit.loading import read_privacy_meter, write_privacy_meter
from auditkit.loading.privacy_meter import MeterFolder, read_privacy_meter_result, write_privacy_meter_result
from auditkit.methods.privacy_meter import rmia_as_privacy_meter
from auditkit.methods.references import complementary_halves


def content(n=40, models=6, m=15, seed=0, leak=0.3):
    rng = np.random.default_rng(seed)
    masks = complementary_halves(n, models, rng)
    signals = np.clip(rng.random((n, models)) * 0.7 + leak * masks.T, 0, 1)
    return MeterFolder(signals, masks, rng.random((m, models)) if m else None)


def same(a, b):
    np.testing.assert_array_equal(a.signals, b.signals)
    np.testing.assert_array_equal(a.memberships, b.memberships)
    assert (a.population is None) == (b.population is None)
    if a.population is not None:
        np.testing.assert_array_equal(a.population, b.population)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 20), st.integers(2, 4), st.integers(0, 5), st.sampled_from(["rmia", "loss"]))
def test_what_is_written_is_read_back(tmp_path_factory, n, pairs, m, algorithm):
    folder = tmp_path_factory.mktemp("meter")
    whole = content(n, 2 * pairs, m)
    written = write_privacy_meter(folder, whole, algorithm=algorithm)
    assert len(written) == 2 + (m > 0)
    same(read_privacy_meter(folder, algorithm=algorithm), whole)


def test_files_are_where_and_what_the_repository_says(tmp_path):
    """(records, models) in signals/, (models, records) of booleans in models/, in numpy's own format."""
    whole = content()
    write_privacy_meter(tmp_path, whole)
    assert np.load(tmp_path / "signals" / "rmia_signals.npy", allow_pickle=False).shape == (40, 6)
    assert np.load(tmp_path / "signals" / "rmia_signals_pop.npy", allow_pickle=False).shape == (15, 6)
    memberships = np.load(tmp_path / "models" / "memberships.npy", allow_pickle=False)
    assert memberships.shape == (6, 40)
    assert memberships.dtype == np.bool_


def test_signals_in_single_precision_are_taken(tmp_path):
    whole = content()
    write_privacy_meter(tmp_path, whole)
    np.save(tmp_path / "signals" / "rmia_signals.npy", np.full((40, 6), 1.0000001, dtype=np.float32))
    assert read_privacy_meter(tmp_path).signals.max() == 1.0


def test_a_target_is_seen_with_neither_itself_nor_its_pair_among_the_references():
    whole = content()
    seen = whole.target(3)
    np.testing.assert_array_equal(seen.own, whole.signals[:, 3])
    np.testing.assert_array_equal(seen.references, whole.signals[:, [0, 1, 4, 5]].T)
    np.testing.assert_array_equal(seen.masks, whole.memberships[[0, 1, 4, 5]])
    np.testing.assert_array_equal(seen.population_references, whole.population[:, [0, 1, 4, 5]].T)
    assert (seen.masks.sum(axis=0) == 2).all()
    scores = rmia_as_privacy_meter(
        seen.own, seen.references, seen.masks, seen.population, seen.population_references, a=0.3
    )
    assert roc_auc_score(seen.members, scores) > 0.5
    with pytest.raises(InputError, match="numbered from 0; got 6"):
        whole.target(6)
    with pytest.raises(InputError, match="leave 0 reference models"):
        content(models=2).target()


def test_fewer_audited_than_trained_on_takes_memberships_of_these(tmp_path):
    whole = content()
    write_privacy_meter(tmp_path, whole)
    np.save(tmp_path / "signals" / "rmia_signals.npy", whole.signals[:10])
    with pytest.raises(InputError, match="give memberships= of these"):
        read_privacy_meter(tmp_path)
    found = read_privacy_meter(tmp_path, memberships=whole.memberships[:, :10])
    assert found.signals.shape == (10, 6)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("signals/rmia_signals.npy", np.full((40, 6), 1.5), "probabilities of the true class"),
        ("signals/rmia_signals.npy", np.full((40, 6), -1.0), "probabilities of the true class"),
        ("signals/rmia_signals.npy", np.full((40, 6), np.nan), "not finite"),
        ("signals/rmia_signals.npy", np.zeros(40), r"\(records, models\)"),
        ("signals/rmia_signals.npy", np.zeros((0, 6)), r"\(records, models\)"),
        ("signals/rmia_signals.npy", np.full((40, 6), "a"), "must be numbers"),
        ("signals/rmia_signals_pop.npy", np.zeros((15, 5)), "of 6 models, those of the population of 5"),
        ("models/memberships.npy", np.full((6, 40), 2), "true or false"),
        ("models/memberships.npy", np.zeros((40, 6), dtype=bool), "memberships must be"),
        ("models/memberships.npy", np.array([object()]), "objects are not read"),
    ],
)
def test_malformed_files_are_refused(tmp_path, name, values, said):
    write_privacy_meter(tmp_path, content())
    np.save(tmp_path / name, values)
    with pytest.raises(InputError, match=said):
        read_privacy_meter(tmp_path)


def test_missing_files_and_wrong_words_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"memberships\.npy cannot be read"):
        read_privacy_meter(tmp_path)
    for call in (
        lambda: read_privacy_meter(tmp_path, algorithm="../x"),
        lambda: write_privacy_meter(tmp_path, content(), algorithm="x"),
    ):
        with pytest.raises(InputError, match="'rmia' or 'loss'"):
            call()


def test_a_result_is_read_back_and_is_that_of_scikit_learn(tmp_path):
    rng = np.random.default_rng(0)
    members = np.repeat([True, False], 60)
    scores = rng.normal(size=120) + members
    path = write_privacy_meter_result(tmp_path / "report" / "exp" / "attack_result_0.npz", scores, members)
    found = read_privacy_meter_result(path)
    np.testing.assert_array_equal(found.scores, scores)
    np.testing.assert_array_equal(found.members, members)
    fpr, tpr, _ = roc_curve(members, scores)
    assert found.auc == pytest.approx(roc_auc_score(members, scores))
    assert found.zero_fpr == pytest.approx(tpr[fpr <= 0].max())
    assert found.one_tenth_fpr == pytest.approx(tpr[fpr <= 0.001].max())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scores": None}, "lacks scores"),
        ({"auc": np.array([0.5, 0.6])}, "auc must be one number"),
        ({"auc": np.float64(7)}, "auc must be one number"),
        ({"scores": np.zeros(3)}, "3 scores and 4 memberships"),
        ({"memberships": np.full(4, 0.5)}, "true or false"),
        ({"scores": np.full(4, np.inf)}, "not finite"),
    ],
)
def test_malformed_results_are_refused(tmp_path, change, said):
    parts = {
        "scores": np.zeros(4),
        "memberships": np.array([True, True, False, False]),
        "auc": np.float64(0.5),
        "one_tenth_fpr": np.float64(0),
        "zero_fpr": np.float64(0),
    } | change
    np.savez(tmp_path / "r.npz", **{k: v for k, v in parts.items() if v is not None})
    with pytest.raises(InputError, match=said):
        read_privacy_meter_result(tmp_path / "r.npz")
