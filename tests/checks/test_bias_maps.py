"""The map of two sensitive features holds the rate and the count of every cell, and no cell that nobody is in."""

import math

import numpy as np

import auditkit as ak
from auditkit.checks.bias import demographic_parity


def subject(sex, area, said):
    recorded = ak.predictors.from_predictions(labels=np.array(said))
    data = ak.Dataset(None, np.array(said), {"sex": sex, "area": area})
    return ak.Subject("s", recorded, data, positive=1)


def maps_of(one):
    found = demographic_parity(one, rng=np.random.default_rng(0))
    return {name: table for name, table in found.tables.items() if table.kind == "matrix"}


def test_each_cell_holds_its_rate_its_interval_and_its_count():
    sex, area = ["f", "f", "f", "m", "m", "m"], ["x", "x", "y", "x", "y", "y"]
    (table,) = maps_of(subject(sex, area, [1, 0, 1, 0, 1, 1])).values()
    rows = {(r, c): (v, n) for r, c, v, n in zip(*(table.columns[k] for k in ("row", "column", "value", "n")), strict=True)}  # fmt: skip
    assert rows == {("f", "x"): (0.5, 2), ("f", "y"): (1.0, 1), ("m", "x"): (0.0, 1), ("m", "y"): (1.0, 2)}
    low, high = (dict(zip(rows, table.columns[k], strict=True)) for k in ("low", "high"))
    z2 = 1.959963984540054**2  # Wilson's interval of 0 of 1
    assert low["m", "x"] == 0
    assert math.isclose(high["m", "x"], z2 / (1 + z2), rel_tol=1e-9)
    assert table.labels["row"] == "sex"
    assert table.labels["column"] == "area"
    assert "smallest cell has 1 record:" in table.summary


def test_a_combination_without_records_is_no_cell():
    (table,) = maps_of(subject(["f", "f", "m"], ["x", "y", "x"], [1, 0, 1])).values()
    assert ("m", "y") not in set(zip(table.columns["row"], table.columns["column"], strict=True))
    assert len(table.columns["row"]) == 3


def test_names_that_look_like_two_features_do_no_harm():
    said = np.array([1, 0, 1, 0])
    data = ak.Dataset(None, said, {"a × b": ["x", "x", "y", "y"], "c, d": ["p=1, q", "r", "r", "p=1, q"]})
    one = ak.Subject("s", ak.predictors.from_predictions(labels=said), data, positive=1)
    (table,) = maps_of(one).values()
    assert set(table.columns["row"]) == {"x", "y"}
    assert set(table.columns["column"]) == {"p=1, q", "r"}


def test_a_single_feature_has_no_map():
    data = ak.Dataset(None, np.array([1, 0]), {"sex": ["f", "m"]})
    assert (
        maps_of(ak.Subject("s", ak.predictors.from_predictions(labels=np.array([1, 0])), data, positive=1))
        == {}
    )
