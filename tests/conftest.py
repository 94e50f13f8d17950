"""The whole suite: no test reaches beyond this machine."""

from __future__ import annotations

import pytest
from pytest_socket import socket_allow_hosts

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Refuse connections to any other host; a test's own server and unix sockets stay in reach."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
