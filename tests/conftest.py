"""The whole suite: no test reaches beyond this machine."""

from __future__ import annotations

import os
import re
import tempfile
import time
from typing import Any

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


@pytest.fixture(scope="session")
def timeless():
    """What returns a page without the times of its run: see `_timeless`."""
    return _timeless


def _timeless(page: str, report: dict[str, Any]) -> str:
    """Return a page without the times of its run: when it began, how long it and its checks took."""
    about = report["provenance"]
    page = page.replace(f"<dd>{about['started']}</dd>", "<dd>then</dd>").replace(
        about["started"][:10], "that day"
    )
    page = re.sub(r"(<dt>Took</dt><dd>)[^<]*", r"\1a while", page)
    head, table, rest = page.partition("<caption>What each check did</caption>")
    rows, end, tail = rest.partition("</table>")
    rows, times = re.subn(r"<td[^>]*>[0-9.]+(?=\s*(?:<tr|</tbody>))", "<td>a while", rows)
    assert times == (len(report["evidence"]) if table else 0)
    return head + table + rows + end + tail
