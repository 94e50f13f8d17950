"""The list: built from what is installed, every name there, and nothing on it that opens, imports, compiles or calls by name."""

import importlib
import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
import warnings

import pytest

from auditkit.scanning.artifacts import is_listed, listed_names
from auditkit.scanning.artifacts.allowed import versions

ALLOWED_PACKAGES = {
    "builtins",
    "collections",
    "copyreg",
    "_codecs",
    "joblib",
    "numpy",
    "scipy",
    "sklearn",
    "lightgbm",
    "xgboost",
}


def installed():
    return {name: importlib.metadata.version(name) for name in versions()}


def test_it_is_what_the_installed_packages_give():
    if installed() != versions():
        pytest.skip("the list was built from other versions than are installed")
    lines = "import json; from auditkit.scanning.artifacts import listing; print(json.dumps(listing.build()['models']))"
    fresh = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, check=True
    )  # other imports add estimators
    assert {(m, n) for m, names in json.loads(fresh.stdout).items() for n in names} == listed_names()


def test_every_name_is_there():
    missing = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module, name in listed_names():
            if module.startswith("numpy.core"):
                continue  # as numpy 1 wrote them
            if not hasattr(importlib.import_module(module), name):
                missing.append(f"{module}.{name}")
    assert installed() != versions() or missing == []


def test_nothing_of_another_package_is_on_it():
    assert {module.partition(".")[0] for module, _ in listed_names()} == ALLOWED_PACKAGES
    assert not [name for _, name in listed_names() if "." in name]


@pytest.mark.parametrize(
    "name",
    [
        "numpy._core._ufunc_reconstruct", "numpy.core._ufunc_reconstruct", "numpy.memmap", "numpy.load", "numpy.save", "numpy.fromfile", "numpy.vectorize",
        "numpy.frompyfunc", "scipy.stats._continuous_distns.norm_gen", "scipy.stats._distn_infrastructure.rv_frozen", "joblib.memory.Memory", "joblib.numpy_pickle_compat.NDArrayWrapper",
        "builtins.getattr", "builtins.type", "builtins.eval", "builtins.map", "functools.partial", "operator.attrgetter", "operator.methodcaller",
        "sklearn.utils._set_output.check_library_installed", "sklearn.datasets._base.load_files", "sklearn.utils.metaestimators.available_if", "lightgbm.basic.Dataset",
        "xgboost.core.DMatrix", "copyreg.add_extension", "collections.namedtuple", "collections.UserDict",
    ],
)  # fmt: skip
def test_what_could_do_more_than_arithmetic_is_not_on_it(name):
    module, _, last = name.rpartition(".")
    assert not is_listed(module, last)


def test_no_listed_code_compiles_imports_or_opens_by_a_text_it_is_given():
    """The source of every listed Python class and function: no exec, eval, __import__, import_module, open or system in it."""
    words = re.compile(
        r"(?<![\w.])(?<!def )(exec|eval|__import__|open|compile)\(|import_module\(|os\.system|subprocess|\w\.load\("
    )
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module, name in sorted(listed_names()):
            if module.startswith("numpy.core"):
                continue
            thing = getattr(importlib.import_module(module), name)
            try:
                source = inspect.getsource(thing)
            except (OSError, TypeError):
                continue  # compiled
            told += [f"{module}.{name}" for _ in words.findall(source)]
    assert set(told) == set(VETTED)


VETTED = {
    "joblib.numpy_pickle.NumpyArrayWrapper": "opens what stands inside an array by the find_class of the reader that it belongs to",
    "xgboost.core.Booster": "dump_model writes a file where it is called; opening a file does not call it",
}
"""Places that were read, and why they may stay."""
