"""The whole suite: no test reaches beyond this machine."""

from __future__ import annotations

import os
import tempfile
import time

import numpy as np
import pytest
from pytest_socket import socket_allow_hosts

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


TOOLS = os.environ.get("AUDITKIT_TOOLS")
NOWHERE = os.path.join(tempfile.gettempdir(), "no-tools-of-auditkit")  # noqa: PTH118 - a variable's value


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Refuse connections to any other host; a test's own server and unix sockets stay in reach."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Keep external tools that happen to be installed here out of every test that is not marked `tools`."""
    os.environ["AUDITKIT_TOOLS"] = NOWHERE
    if item.get_closest_marker("tools"):
        os.environ.pop("AUDITKIT_TOOLS")
        if TOOLS:
            os.environ["AUDITKIT_TOOLS"] = TOOLS


@pytest.fixture
def sorts_of_a_million():
    """Return a clock in sorts of a million numbers, taken in the same run: seconds say little on a shared machine."""
    numbers = np.random.default_rng(0).random(1_000_000)
    start = time.perf_counter()
    np.argsort(numbers)
    one = time.perf_counter() - start
    start = time.perf_counter()
    return lambda: (time.perf_counter() - start) / one
