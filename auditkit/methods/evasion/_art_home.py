"""Art home: ART's settings, loaded without the folder that ART makes in the home folder."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.methods.evasion._borrowed import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["no_folder_at_home"]

_SETTINGS = "art.config"


@contextlib.contextmanager
def no_folder_at_home() -> Iterator[None]:
    """Load ART's settings with the home folder elsewhere, so that none is made at home; the block imports the rest of ART.

    ART has no variable for this: the folder follows from the home folder alone. Only the one module of settings is loaded while it
    lies elsewhere. Data that ART is environment to fetch later goes where it always goes. A folder that is there is used as it is.
    """
    package = importlib.util.find_spec("art")
    home = Path("~").expanduser() / ".art"
    if _SETTINGS in sys.modules or package is None or not package.submodule_search_locations or home.exists():
        yield
        return
    file = Path(package.submodule_search_locations[0]) / "config.py"
    spec = importlib.util.spec_from_file_location(_SETTINGS, file) if file.exists() else None
    if spec is None or spec.loader is None:
        yield
        return
    settings = importlib.util.module_from_spec(spec)
    with tempfile.TemporaryDirectory() as elsewhere, environment(HOME=elsewhere, USERPROFILE=elsewhere):
        spec.loader.exec_module(settings)
    vars(settings)["ART_DATA_PATH"] = str(home / "data")
    sys.modules[_SETTINGS] = settings
    try:
        yield
    except BaseException:
        sys.modules.pop(_SETTINGS, None)
        raise
    vars(sys.modules["art"])["config"] = settings
