"""Factories: code that the subject file names, and clear words where it is not there."""

import sys

import pytest

from auditkit.errors import InputError
from auditkit.loading.factory import call_factory

CODE = """
def model():
    return lambda X: X

def takes(path):
    return path

def nothing():
    return None

def breaks():
    return 1 / 0

number = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "their_models_ak.py").write_text(CODE)
    (tmp_path / "their_broken_ak.py").write_text("raise RuntimeError('no licence')")
    (tmp_path / "their_needs_ak.py").write_text("import surely_not_installed_ak")
    (tmp_path / "json.py").write_text("raise SystemExit('took the place of the standard library')")
    yield tmp_path
    for name in [n for n in sys.modules if n.startswith("their_")]:
        del sys.modules[name]


def test_a_factory_beside_the_file_is_called(folder):
    before = list(sys.path)
    assert callable(call_factory("their_models_ak:model", beside=folder))
    assert sys.path == before
    assert call_factory("json:JSONDecoder", beside=folder) is not None, "what is installed comes first"


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("their_models_ak", "must look like 'package.module:function'"),
        ("their_models_ak:model()", "must look like"),
        ("their_models_ak:modle", "Did you mean 'model'"),
        ("their_model_ak:model", "no module 'their_model_ak'. It was looked for"),
        ("their_needs_ak:model", "no module 'surely_not_installed_ak', which 'their_needs_ak' imports"),
        ("their_broken_ak:model", "fails on import: RuntimeError: no licence"),
        ("their_models_ak:takes", "must take no arguments"),
        ("their_models_ak:nothing", "returned None"),
        ("their_models_ak:breaks", "failed: ZeroDivisionError"),
        ("their_models_ak:number", "is int, not a function"),
    ],
)
def test_what_goes_wrong_is_told(folder, name, match):
    with pytest.raises(InputError, match=match):
        call_factory(name, beside=folder)
