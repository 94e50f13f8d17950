"""Listing: builds the allow-list from the installed scikit-learn, LightGBM and XGBoost; `python -m auditkit.scanning.artifacts.listing`.

A name goes on the list if it is of one of the sorts below, each vetted as a sort: what it does when it is called with any arguments,
and when its state is set to anything, is arithmetic. What compiles, imports, opens or calls by name stays off, however common:
`numpy._core._ufunc_reconstruct` (imports any module), `scipy.stats` distributions (run a text kept in their state),
`joblib.memory.Memory` and `numpy.memmap` (touch files), `functools.partial`, `operator.*`, `builtins.getattr` and `builtins.type`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import pickle
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.scanning.artifacts.recording import record

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["build", "main"]

Name = tuple[str, str]

_PLAIN: dict[str, tuple[str, ...]] = {
    "builtins": (
        "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object", "range", "set", "slice",
        "str", "tuple",
    ),
    "collections": ("OrderedDict", "defaultdict"),
    "copyreg": ("_reconstructor",),
    "_codecs": ("encode",),
    "joblib.numpy_pickle": ("NumpyArrayWrapper",),
    "numpy": ("dtype", "ndarray"),
    "numpy._core.multiarray": ("_reconstruct", "scalar"),
    "numpy.core.multiarray": ("_reconstruct", "scalar"),
    "numpy._core.numeric": ("_frombuffer",),
    "numpy.core.numeric": ("_frombuffer",),
    "numpy.ma": ("MaskedArray",),
    "numpy.ma.core": ("MaskedArray", "_mareconstruct", "MaskedConstant"),
    "numpy.random": ("RandomState",),
    "numpy.random._pickle": ("__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"),
    "numpy.random._generator": ("Generator",),
    "numpy.random.mtrand": ("RandomState",),
    "numpy.random.bit_generator": ("SeedSequence", "__pyx_unpickle_SeedSequence"),
    "scipy._lib.array_api_compat.numpy._aliases": ("asarray",),
    "scipy.interpolate._bsplines": ("BSpline",),
    "sklearn.neighbors._kd_tree": ("KDTree", "KDTree32", "KDTree64", "newObj"),
    "sklearn.neighbors._ball_tree": ("BallTree", "BallTree32", "BallTree64", "newObj"),
    "sklearn.tree._tree": ("Tree",),
    "sklearn.utils._bunch": ("Bunch",),
    "sklearn.compose._column_transformer": ("make_column_selector",),
    "lightgbm.basic": ("Booster",),
    "lightgbm.sklearn": ("LGBMClassifier", "LGBMModel", "LGBMRanker", "LGBMRegressor"),
    "xgboost.core": ("Booster",),
    "xgboost.sklearn": ("XGBClassifier", "XGBModel", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker", "XGBRegressor"),
}  # fmt: skip
"""What is named by hand: plain values, arrays, random states, and the boosters."""

_CLASSES_OF = (
    "sklearn._loss._loss", "sklearn._loss.link", "sklearn._loss.loss", "sklearn.calibration", "sklearn.cluster._birch",
    "sklearn.cluster._bisect_k_means", "sklearn.ensemble._hist_gradient_boosting.binning",
    "sklearn.ensemble._hist_gradient_boosting.predictor", "sklearn.gaussian_process._gpc", "sklearn.gaussian_process.kernels", "sklearn.linear_model._sgd_fast",
    "sklearn.metrics._dist_metrics", "sklearn.metrics._scorer", "sklearn.model_selection._split",
    "sklearn.neural_network._stochastic_optimizers", "sklearn.utils._metadata_requests",
)  # fmt: skip
"""Modules of scikit-learn whose classes fitted estimators are made of."""

_FUNCTIONS_OF = (
    "sklearn.feature_selection._mutual_info", "sklearn.feature_selection._univariate_selection", "sklearn.metrics._classification",
    "sklearn.metrics._ranking", "sklearn.metrics._regression", "sklearn.metrics.pairwise",
)  # fmt: skip
"""Modules of scikit-learn whose functions are arithmetic on arrays, and are kept inside scorers, selectors and kernels."""

_TORCH = {
    "collections": ("OrderedDict",),
    "torch._utils": ("_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state"),
    "torch": (
        "BFloat16Storage", "BoolStorage", "ByteStorage", "CharStorage", "DoubleStorage", "FloatStorage", "HalfStorage", "IntStorage",
        "LongStorage", "ShortStorage", "Size", "bfloat16", "bool", "float16", "float32", "float64", "int16", "int32", "int64", "int8",
        "uint8",
    ),
    "torch.storage": ("UntypedStorage",),
}  # fmt: skip
"""What a file of PyTorch weights asks for; the file is opened with `weights_only=True`, whatever this list says."""


def build() -> dict[str, Any]:
    """Return the list: names by module, and the versions it was built from."""
    names: dict[str, set[str]] = defaultdict(set)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old names of numpy, and estimators on their way out
        for module, name in (
            *_by_hand(),
            *_estimators(),
            *_parts(),
            *_types_of_numpy(),
            *_sparse(),
            *_ufuncs(),
        ):
            names[module].add(name)
    packages = ("scikit-learn", "numpy", "scipy", "joblib", "lightgbm", "xgboost")
    return {
        "versions": {package: importlib.metadata.version(package) for package in packages},
        "models": {module: sorted(names[module]) for module in sorted(names)},
        "weights": {module: sorted(found) for module, found in sorted(_TORCH.items())},
    }


def main() -> None:
    """Write the list beside this module."""
    text = json.dumps(build(), indent=1, ensure_ascii=False)
    Path(__file__).with_name("listed.json").write_text(text + "\n", "utf-8")


def _by_hand() -> Iterator[Name]:
    for module, names in _PLAIN.items():
        for name in names:
            yield module, name


def _estimators() -> Iterator[Name]:
    from sklearn.utils import all_estimators

    for _, estimator in all_estimators():
        yield estimator.__module__, estimator.__qualname__


def _parts() -> Iterator[Name]:
    for place in _CLASSES_OF:
        module = importlib.import_module(place)
        for name, value in vars(module).items():
            own = inspect.isclass(value) and (value.__module__, value.__qualname__) == (place, name)
            if (
                (own and not name.endswith(("Mixin", "Display")))
                or name.startswith("__pyx_unpickle_")
                or name == "newObj"
            ):
                yield place, name
    for place in _FUNCTIONS_OF:
        module = importlib.import_module(place)
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == place and not name.startswith("_"):
                yield place, name


def _types_of_numpy() -> Iterator[Name]:
    import numpy as np

    for kind in {scalar for scalar in np.sctypeDict.values() if scalar is not np.object_}:
        if kind.__module__ == "numpy":  # other packages add types of their own when they are imported
            yield "numpy", kind.__name__
    for name in dir(np.random):
        value = getattr(np.random, name)
        if (
            inspect.isclass(value)
            and issubclass(value, np.random.BitGenerator)
            and value is not np.random.BitGenerator
        ):
            yield value.__module__, name


def _sparse() -> Iterator[Name]:
    import scipy.sparse

    for name in dir(scipy.sparse):
        value = getattr(scipy.sparse, name)
        if inspect.isclass(value) and name.partition("_")[0] in (
            "bsr",
            "coo",
            "csc",
            "csr",
            "dia",
            "dok",
            "lil",
        ):
            yield value.__module__, name


def _ufuncs() -> Iterator[Name]:
    import numpy as np
    import scipy.special

    for place in (np, scipy.special):
        for name in dir(place):
            value = getattr(place, name)
            if isinstance(value, np.ufunc):
                yield from ((one.module, one.name) for one in record(pickle.dumps(value)).asks)


if __name__ == "__main__":
    main()
