"""The shipped tables: counts that the literature gives, nothing lost, nothing leaked."""

import json

import numpy as np
import pandas as pd
import pytest

from auditkit.data import describe, load_adult, load_german_credit
from auditkit.data._statlog import CODES, SEX
from auditkit.errors import InputError


@pytest.fixture(scope="module")
def adult():
    return load_adult()


@pytest.fixture(scope="module")
def german():
    return load_german_credit(seed=0)


def test_adult_keeps_the_division_and_the_counts_of_its_documentation(adult):
    train, test = adult
    assert (len(train), len(test)) == (32_561, 16_281)
    assert int((train.y == ">50K").sum()) == 7_841  # adult.names: 24.08% of 32,561
    assert int((test.y == ">50K").sum()) == 3_846
    assert set(train.y) == set(test.y) == {">50K", "<=50K"}


def test_adult_inputs_hold_neither_weight_nor_target(adult):
    for part in adult:
        assert part.X.shape[1] == 13
        assert not {"fnlwgt", "income", "split"} & set(part.X.columns)
        assert {"sex", "race", "age"} <= set(part.X.columns)


def test_adult_missing_values_stay_missing(adult):
    train, test = adult
    missing = train.X.isna().sum() + test.X.isna().sum()
    assert missing[missing > 0].to_dict() == {"workclass": 2_799, "occupation": 2_809, "native_country": 857}


def test_adult_sensitive_features_agree_with_the_inputs(adult):
    for part in adult:
        who = part.sensitive_features
        assert who["sex"].tolist() == part.X["sex"].tolist()
        assert who["race"].tolist() == part.X["race"].tolist()
        bands = part.X["age"].groupby(who["age"].astype(str).to_numpy()).agg(["min", "max"])
        assert bands.loc["under 25", "max"] == 24
        assert bands.loc["25 to under 40"].tolist() == [25, 39]
        assert bands.loc["40 to under 60"].tolist() == [40, 59]
        assert bands.loc["60 or more", "min"] == 60
        assert not who.isna().any().any()


def test_adult_splits_share_their_categories(adult):
    train, test = adult
    assert train.X.dtypes.to_dict() == test.X.dtypes.to_dict()


def test_the_figures_in_the_limits_of_adult_are_those_of_the_data(adult):
    train, test = adult
    said = " ".join(describe("adult")["limits"])
    key = lambda part: pd.util.hash_pandas_object(part.X.assign(y=part.y).astype(str), index=False)  # noqa: E731
    assert f"{int(key(test).isin(key(train)).sum()):,} of the 16,281 test rows" in said
    X = pd.concat([train.X, test.X])
    y = np.concatenate([train.y, test.y]) == ">50K"
    assert f"99,999 for {int((X['capital_gain'] == 99_999).sum())} rows" in said
    assert f"90 for {int((X['age'] == 90).sum())}:" in said
    assert [
        round(100 * (1 - y[at].mean())) for at in (y == y, X["race"] == "Black", X["sex"] == "Female")
    ] == [76, 88, 89]
    assert "76th percentile of all rows, at the 88th of Black and the 89th of female" in said


def test_german_division_is_stratified_and_loses_no_row(german):
    train, test = german
    assert (len(train), len(test)) == (700, 300)
    assert int((train.y == "good").sum()) == 490
    assert int((test.y == "good").sum()) == 210
    whole = pd.concat([train.X, test.X])
    again = pd.concat([part.X for part in load_german_credit(seed=1)])
    order = list(whole.columns)
    left = whole.astype(str).sort_values(order).reset_index(drop=True)
    right = again.astype(str).sort_values(order).reset_index(drop=True)
    pd.testing.assert_frame_equal(left, right)


def test_german_division_is_by_seed(german):
    assert load_german_credit(seed=0)[1].digest == german[1].digest
    assert load_german_credit(seed=1)[1].digest != german[1].digest
    with pytest.raises(InputError, match="seed must be a whole number of at least 0"):
        load_german_credit(seed=-1)


def test_german_sensitive_features_have_the_counts_of_the_codes(german):
    who = pd.concat([part.sensitive_features for part in german])
    assert who["sex"].value_counts().to_dict() == {"male": 690, "female": 310}  # A91 + A93 + A94, and A92
    assert who["age"].value_counts().to_dict() == {"26 or more": 810, "under 26": 190}
    assert who["foreign_worker"].value_counts().to_dict() == {"yes": 963, "no": 37}


def test_german_codes_all_have_words(german):
    X = pd.concat([part.X for part in german])
    assert not X.isna().any().any()
    assert X.shape == (1000, 20)
    for column, words in CODES.items():
        assert len(set(words.values())) == len(words)
        assert set(X[column]) <= set(words.values())
    assert "female, single" not in set(X["personal_status_sex"])
    assert set(SEX) == set(CODES["personal_status_sex"])


@pytest.mark.parametrize("name", ["adult", "german_credit"])
def test_describe_gives_licence_citation_and_limits_as_plain_json(name):
    said = describe(name)
    assert said["licence"] == "CC BY 4.0"
    assert "doi:10.24432/" in said["citation"]
    assert len(said["limits"]) >= 5
    assert json.loads(json.dumps(said)) == said


def test_describe_fits_what_the_loaders_give(adult, german):
    for name, (train, test) in (("adult", adult), ("german_credit", german)):
        said = describe(name)
        assert said["sensitive_features"] == train.sensitive_names
        assert said["rows"] == len(train) + len(test)
        assert said["positive"] in set(train.y)


def test_describe_gives_a_copy_and_helps_with_names():
    describe("adult")["limits"].clear()
    assert describe("adult")["limits"]
    with pytest.raises(InputError, match="Did you mean 'german_credit'"):
        describe("german_credits")
