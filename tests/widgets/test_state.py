"""What a notebook that is saved with its widgets keeps of a studio, but for plotly.js."""

from __future__ import annotations

import json
from typing import Any

import ipywidgets as w

from auditkit.data import make_brittle
from auditkit.widgets import Studio
from auditkit.widgets.parts import note, row


def saved(before: set[str]) -> dict[str, Any]:
    """Return the models made since, as JupyterLab saves them: without what is as by default."""
    state = w.Widget.get_manager_state(drop_defaults=True)["state"]
    return {key: one for key, one in state.items() if key not in before}


def test_a_studio_of_every_check_is_small_before_anything_ran() -> None:
    before = set(w.Widget.get_manager_state()["state"])
    Studio(make_brittle(n=60).subject)
    made = saved(before)
    kinds = [one["model_name"] for one in made.values()]
    assert kinds.count("AnyModel") == 0, "no figure, and so no plotly.js, before there is a picture"
    assert len(made) < 4500
    assert len(json.dumps(made)) < 1.25e6


def test_lines_of_help_share_what_is_the_same_in_all() -> None:
    one, other = note("a"), note("b")
    assert one.layout is other.layout
    assert one.style is other.style
    assert row([one]).layout is row([other]).layout
    one.layout.close()
    assert note("c").layout.comm is not None, "also after all widgets were closed"
