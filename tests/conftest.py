"""The whole suite: no test reaches beyond this machine."""

from __future__ import annotations

import time

import numpy as np
import pytest
from pytest_socket import socket_allow_hosts

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Refuse connections to any other host; a test's own server and unix sockets stay in reach."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


@pytest.fixture
def sorts_of_a_million():
    """Return a clock in sorts of a million numbers, taken in the same run: seconds say little on a shared machine."""
    numbers = np.random.default_rng(0).random(1_000_000)
    start = time.perf_counter()
    np.argsort(numbers)
    one = time.perf_counter() - start
    start = time.perf_counter()
    return lambda: (time.perf_counter() - start) / one
