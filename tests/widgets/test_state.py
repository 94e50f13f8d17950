"""What a notebook that is saved with its widgets keeps of a studio, but for plotly.js."""

from __future__ import annotations

import json
from typing import Any

import ipywidgets as w
import pytest

from auditkit.data import make_brittle, make_credit
from auditkit.widgets import Studio
from auditkit.widgets.parts import note, row


def saved(before: set[str]) -> dict[str, Any]:
    """Return the models made since, as JupyterLab saves them: without what is as by default."""
    state = w.Widget.get_manager_state(drop_defaults=True)["state"]
    return {key: one for key, one in state.items() if key not in before}


def test_a_studio_of_every_check_is_small_before_anything_ran() -> None:
    w.Widget.close_all()  # what other tests left, some of it closed in part
    before = set(w.Widget.get_manager_state()["state"])
    Studio(make_brittle(n=60).subject)
    made = saved(before)
    kinds = [one["model_name"] for one in made.values()]
    assert kinds.count("AnyModel") == 1, (
        "of the keys; no figure, and so no plotly.js, before there is a picture"
    )
    assert len(made) < 4500
    assert len(json.dumps(made)) < 1.25e6


def test_lines_of_help_share_what_is_the_same_in_all() -> None:
    one, other = note("a"), note("b")
    assert one.layout is other.layout
    assert one.style is other.style
    assert row([one]).layout is row([other]).layout
    one.layout.close()
    assert note("c").layout.comm is not None, "also after all widgets were closed"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_whole_studio_is_saved_in_two_megabytes() -> None:
    """Every check of the shipped credit data was run, and every explorer prepared."""
    before = set(w.Widget.get_manager_state()["state"])
    studio = Studio(make_credit())
    for name, step in studio.steps.items():
        studio.session.start(name)
        assert studio.session.wait(600)
        for explorer in step.explorers:
            explorer.start()
            assert explorer.work.wait(600)
            assert explorer.work.state == "done", explorer.work.message
    made = saved(before)
    for one in made.values():
        one["state"].pop("_esm", None)  # plotly.js itself, as default in the kernel and not in the browser
    assert [one["model_name"] for one in made.values()].count("AnyModel") == 5, "figures, and the keys"
    assert len(json.dumps(made)) < 2e6
