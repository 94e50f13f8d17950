"""Weights: plain tensors open, and what asks for more is refused."""

import pickle

import numpy as np
import pytest
from safetensors.numpy import save_file

from auditkit.errors import InputError
from auditkit.loading import load_model, load_weights

W = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2)}


def same(found):
    assert set(found) == set(W)
    for name, array in W.items():
        np.testing.assert_array_equal(found[name], array)


def test_safetensors(tmp_path):
    save_file(W, tmp_path / "w")
    same(load_weights(tmp_path / "w"))
    with pytest.raises(InputError, match="holds weights and no model to ask"):
        load_model(tmp_path / "w")
    data = (tmp_path / "w").read_bytes()
    (tmp_path / "w").write_bytes(data + b"more")
    with pytest.raises(InputError, match="safetensors-broken"):
        load_weights(tmp_path / "w")


@pytest.mark.parametrize("new", [True, False])
def test_torch(tmp_path, new):
    torch = pytest.importorskip("torch")
    state = {name: torch.from_numpy(array) for name, array in W.items()}
    torch.save(state, tmp_path / "w", _use_new_zipfile_serialization=new)
    same(load_weights(tmp_path / "w"))
    torch.save(torch.nn.Linear(2, 1), tmp_path / "m", _use_new_zipfile_serialization=new)
    with pytest.raises(InputError, match=r"torch-global.*torch.nn.modules.linear.Linear"):
        load_weights(tmp_path / "m")
    torch.save([1], tmp_path / "l", _use_new_zipfile_serialization=new)
    with pytest.raises(InputError, match="expected a state dict"):
        load_weights(tmp_path / "l")


def test_a_model_is_no_weights(tmp_path):
    (tmp_path / "m").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InputError, match="pickle is no file of weights"):
        load_weights(tmp_path / "m")
