"""Front end: what will show the output of this kernel, and whether it can run widgets."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from auditkit.errors import InputError
from auditkit.runner.kernel import RUN_FOLDER, in_notebook

__all__ = ["DISPLAY", "FrontEnd", "Mode", "front_end"]

Mode = Literal["widgets", "static", "text"]

DISPLAY = "AUDITKIT_DISPLAY"
"""Environment variable that settles the mode where it cannot be told: "widgets", "static" or "text"."""

_MODES: tuple[Mode, ...] = ("widgets", "static", "text")
_BY_PROGRAM = (
    "username"  # what jupyter_client's sessions call themselves; front ends in a browser give no name
)


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """How components show themselves here.

    Attributes
    ----------
    mode : {"widgets", "static", "text"}
        Live widgets; results as plain HTML; or a line of text.
    name : str
        Which front end, as far as it can be told.
    why : str
        In words.
    advice : str
        What to do about it; empty where nothing is to do.
    """

    mode: Mode
    name: str
    why: str
    advice: str = ""


def front_end() -> FrontEnd:
    """Return what shows the output of this kernel.

    Raises
    ------
    InputError
        If the environment variable AUDITKIT_DISPLAY holds another word.
    """
    asked = os.environ.get(DISPLAY, "")
    if asked and asked not in _MODES:
        raise InputError(f"{DISPLAY} must be one of {', '.join(_MODES)}, or not be set; got {asked!r}")
    if asked:
        return FrontEnd(asked, _name(), f"{DISPLAY} asks for it")
    if os.environ.get(RUN_FOLDER):
        return FrontEnd("static", "auditkit run", "a report is being made, which holds results only")
    if not in_notebook():
        return FrontEnd("text", "Python", "not in a notebook")
    lacking = [name for name in ("ipywidgets", "anywidget") if find_spec(name) is None]
    if lacking:
        names = " and ".join(lacking)
        return FrontEnd("static", _name(), f"{names} not installed", f"pip install {' '.join(lacking)}")
    if _name() == "a program":
        return FrontEnd(
            "static",
            "a program",
            "the notebook is run by a program (papermill, nbconvert, nbclient), and nobody could press a button",
            f"if somebody can, set the environment variable {DISPLAY}=widgets",
        )
    return FrontEnd("widgets", _name(), "a page that cannot run widgets shows static results")


def _name() -> str:
    if os.environ.get("SERVER_SOFTWARE", "").startswith("voila/"):
        return "Voila"
    if "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ:
        return "Colab"
    if any(name.startswith("VSCODE_") for name in os.environ):
        return "VS Code"
    return "a program" if _asked_by() else "a Jupyter front end"


def _asked_by() -> str:
    """Return the name that the sender of the running cell gave itself: a program's user, nothing from a page."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    try:
        return str(shell.get_parent()["header"]["username"])  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError):
        return ""
