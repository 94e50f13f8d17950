"""What the model would say of single records, if one answer were another."""

import numpy as np
import pandas as pd
import pytest

from auditkit.checks.explainability import input_effects
from auditkit.errors import InputError
from auditkit.predictors.callables import from_callable
from auditkit.subject import Dataset, Subject


def subject(n=200):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "kind": rng.choice(["x", "y"], n)})
    model = from_callable(
        lambda X: 2 * X["a"].to_numpy() + np.where(X["kind"] == "y", 5.0, 0.0), output="values"
    )
    return Subject("s", model, Dataset(X, np.zeros(n) + X["a"].to_numpy()), task="regression")


def run(**options):
    return input_effects(subject(), rng=np.random.default_rng(0), **options)


def test_no_record_is_shown_unless_that_is_asked_for():
    assert "what_if" not in run().tables


def test_each_line_is_what_the_model_says_of_the_record_with_that_value():
    table = run(examples=3, bins=5).tables["what_if"].frame()
    assert sorted(table.record.unique()) == ["A", "B", "C"]
    own = table[table["as it is"]]
    assert (own.groupby("record").size() == 2).all()  # each input as it is
    assert own.groupby("record").output.nunique().eq(1).all()  # and then the output is what it is
    for _, of_record in table.groupby("record"):
        kind = of_record[(of_record.input == "kind") & of_record["as it is"]].value.iloc[0]
        a = float(of_record[(of_record.input == "a") & of_record["as it is"]].value.iloc[0].replace("−", "-"))
        moved = of_record[of_record.input == "a"]
        said = [float(v.replace("−", "-")) for v in moved.value]
        assert moved.output.to_numpy() == pytest.approx(2 * np.array(said) + 5 * (kind == "y"), abs=0.01)
        other = of_record[(of_record.input == "kind") & ~of_record["as it is"]]
        assert other.output.iloc[0] == pytest.approx(2 * a + 5 * (kind != "y"), abs=0.01)


def test_a_misspelt_input_is_refused():
    with pytest.raises(InputError, match="kind"):
        run(inputs=["kynd"])
