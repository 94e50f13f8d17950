"""Which front end this is: told by what it leaves in the kernel."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from auditkit.errors import InputError
from auditkit.runner.front_end import front_end
from auditkit.runner.kernel import RUN_FOLDER


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A kernel whose cells are sent by somebody; returns how to say by whom."""
    for name in ("AUDITKIT_DISPLAY", RUN_FOLDER, "SERVER_SOFTWARE", "COLAB_RELEASE_TAG", "VSCODE_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("auditkit.runner.front_end.os.environ", {})

    def sent_by(username: str, **environment: str) -> None:
        shell = SimpleNamespace(kernel=1, get_parent=lambda: {"header": {"username": username}})
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        monkeypatch.setattr("auditkit.runner.front_end.os.environ", environment)

    return sent_by


@pytest.mark.parametrize(
    ("username", "environment", "mode", "name"),
    [
        ("", {}, "widgets", "a Jupyter front end"),
        ("username", {}, "static", "a program"),
        ("username", {"SERVER_SOFTWARE": "voila/0.5.13"}, "widgets", "Voila"),
        ("", {"VSCODE_PID": "1"}, "widgets", "VS Code"),
        ("", {"COLAB_RELEASE_TAG": "x"}, "widgets", "Colab"),
        ("", {RUN_FOLDER: "/somewhere"}, "static", "auditkit run"),
        ("", {"AUDITKIT_DISPLAY": "static"}, "static", "a Jupyter front end"),
        ("username", {"AUDITKIT_DISPLAY": "widgets"}, "widgets", "a program"),
    ],
)
def test_the_mode(kernel: Any, username: str, environment: dict[str, str], mode: str, name: str) -> None:
    kernel(username, **environment)
    found = front_end()
    assert (found.mode, found.name) == (mode, name)
    assert found.why


def test_what_is_not_installed_is_said(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel("")
    monkeypatch.setattr(
        "auditkit.runner.front_end.find_spec", lambda name: None if name == "anywidget" else 1
    )
    found = front_end()
    assert (found.mode, found.why, found.advice) == (
        "static",
        "anywidget not installed",
        "pip install anywidget",
    )


def test_another_word_is_refused(kernel: Any) -> None:
    kernel("", AUDITKIT_DISPLAY="pretty")
    with pytest.raises(InputError, match="widgets, static, text"):
        front_end()


def test_outside_a_notebook_it_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDITKIT_DISPLAY", raising=False)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert front_end().mode == "text"
