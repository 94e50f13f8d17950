"""skops, imported without what it does not need: its list of scikit-learn's classes would import PyTorch and Dask too, for seconds."""

from __future__ import annotations

import sys

__all__ = ["io"]

_HELD = [
    name
    for library in ("cupy", "dask", "torch")
    if (name := f"sklearn.externals.array_api_compat.{library}") not in sys.modules
]
# None makes an import fail, as documented, and scikit-learn's walk over its own packages passes over what fails
sys.modules.update(dict.fromkeys(_HELD))  # type: ignore[arg-type]
try:
    from skops import io
finally:
    for _name in _HELD:
        sys.modules.pop(_name, None)
