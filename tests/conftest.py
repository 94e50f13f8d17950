"""The whole suite: no test reaches beyond this machine."""

from __future__ import annotations

import compileall
import gc
import os
import re
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pytest_socket import socket_allow_hosts

if "PYTEST_XDIST_WORKER" in os.environ:
    # workers share the cores: threads of OpenMP that wait for each other across processes make small fits ten times slower.
    # It is read when numpy and PyTorch are first imported, and handed on to kernels and commands that tests start.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import numpy as np

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


TOOLS = os.environ.get("AUDITKIT_TOOLS")
NOWHERE = os.path.join(tempfile.gettempdir(), "no-tools-of-auditkit")  # noqa: PTH118 - a variable's value


def pytest_configure(config: pytest.Config) -> None:
    """Compile the package once, as an installer does: hundreds of processes import it, also where Python may not keep what it compiles."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(__file__).parents[1] / "auditkit", quiet=2)


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Refuse connections to any other host; a test's own server and unix sockets stay in reach."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs another system, or a package that is not installed; with CI=true the latter runs, and fails."""
    for item in items:
        if item.get_closest_marker("linux") and not sys.platform.startswith("linux"):
            item.add_marker(pytest.mark.skip(reason="limits of processes are Linux's"))
    if os.environ.get("CI"):
        return
    for item in items:
        for mark in item.iter_markers("needs"):
            if find_spec(mark.args[0]) is None:
                reason = f"the extra {mark.kwargs['extra']!r} is not installed"
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later collection of garbage, which would take a second each."""
    gc.collect()
    gc.freeze()


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
