"""JupyterLab, for tests: a real server on loopback and a real browser that may ask nobody else."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 180  # seconds to wait for what must come: a shared machine can be slow, and nobody waits for what is there
SAID, DRAWN = ".ak-studio .ak-live", ".ak-studio .js-plotly-plot"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_IDLE = """() => {
  const app = window.jupyterapp;
  const context = app && app.shell.currentWidget && app.shell.currentWidget.context;
  const session = context && context.isReady && context.sessionContext.session;
  const kernel = session && session.kernel;
  return !!kernel && kernel.connectionStatus === "connected" && kernel.status === "idle";
}"""
# the first move, and the last change that follows it within a frame or two
_WATCH = """([said, drawn]) => {
  for (const kind of ["pointermove", "mousemove", "keydown", "change"])
    document.addEventListener(kind, () => { window.akMoved = window.akMoved || performance.now(); }, true);
  (window.akWatching || []).forEach(one => one.disconnect());
  window.akWatching = [];
  const watch = (selector, name) => {
    // a picture may be drawn by a new view: its place is watched, and counts once it has a picture again
    const first = [...document.querySelectorAll(selector)].filter(place => place.getClientRects().length)[0];
    const traces = ".main-svg .trace, .main-svg .xtick", pictured = !!first.querySelector(traces);
    const seen = pictured ? first.closest(".widget-vbox") : first;
    const one = new MutationObserver(() => {
      if (window.akMoved && !window[name]) requestAnimationFrame(() => {
        if (!pictured || seen.querySelector(traces)) window[name] = window[name] || performance.now();
      });
    });
    one.observe(seen, { subtree: true, childList: true, attributes: true, characterData: true });
    window.akWatching.push(one);
  };
  watch(said, "akSaid");
  watch(drawn, "akDrawn");
}"""
_WEARS = """light => {
  const ground = getComputedStyle(document.querySelector(".jp-Notebook")).backgroundColor.match(/[0-9.]+/g).map(Number);
  return (ground[0] > 127) === light;
}"""
_RUN = """() => { window.jupyterapp.commands.execute("notebook:run-all-cells"); }"""


def chromium() -> str | None:
    """Return where Chromium, or a browser built on it, is; None if it is not on the path."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing() -> str:
    """Return what a browser test lacks here; empty if nothing."""
    if chromium() is None:
        return "no chromium on the path"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed"
    return ""


@dataclass
class Server:
    """A running Jupyter server.

    Attributes
    ----------
    url, token : str
        How to reach it.
    root : Path
        The folder it serves.
    log : Path
        What it wrote.
    """

    url: str
    token: str
    root: Path
    log: Path

    def address(self, notebook: str, *, app: str = "lab") -> str:
        """Return the address of one notebook, alone on the page."""
        path = f"doc/tree/{quote(notebook)}" if app == "lab" else f"notebooks/{quote(notebook)}"
        return f"{self.url}/{path}?token={self.token}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(app: str, port: int, token: str, root: Path) -> list[str]:
    name = "LabApp" if app == "lab" else "JupyterNotebookApp"
    return [
        sys.executable,
        "-m",
        "jupyterlab" if app == "lab" else "notebook",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}",
        f"--{name}.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        # a server whose test run was killed ends by itself
        "--ServerApp.shutdown_no_activity_timeout=3600",
        "--MappingKernelManager.cull_idle_timeout=3600",
        "--MappingKernelManager.cull_interval=60",
    ]


def _environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    folders = {f"JUPYTER_{kind}_DIR": home / kind.lower() for kind in ("CONFIG", "DATA", "RUNTIME")}
    settings = home / "settings"
    for folder in (*folders.values(), settings, home / "ipython"):
        folder.mkdir(parents=True, exist_ok=True)
    # without an answer on file a dialogue asks whether to fetch news
    quiet = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True, exist_ok=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    own = {
        "IPYTHONDIR": home / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "OMP_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return {**kept, **{k: str(v) for k, v in {**folders, **own}.items()}}


@contextlib.contextmanager
def serving(root: Path, home: Path, *, app: str = "lab") -> Iterator[Server]:
    """Serve a folder with JupyterLab (or Notebook 7), and end it with its kernels afterwards."""
    port, token, log = _free_port(), secrets.token_urlsafe(16), home / f"{app}.log"
    environment = _environment(home)
    with log.open("wb") as out:
        process = subprocess.Popen(
            _command(app, port, token, root),
            cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    server = Server(f"http://127.0.0.1:{port}", token, root, log)
    try:
        until(
            lambda: _answers(server, process),
            60,
            lambda: f"the server did not start: {log.read_text()[-2000:]}",
        )
        yield server
    finally:
        _end(process)


def _answers(server: Server, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"the server ended: {server.log.read_text()[-2000:]}")
    request = urllib.request.Request(
        f"{server.url}/api/status", headers={"Authorization": f"token {server.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server by its handle. It ends its kernels; were it killed, they end when they miss their parent."""
    for sign, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        if process.poll() is not None:
            return
        process.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def until(ready: Callable[[], Any], seconds: float, otherwise: Callable[[], str] | str) -> Any:
    """Wait until `ready` gives something true, and return it."""
    end = time.monotonic() + seconds
    while True:
        if found := ready():
            return found
        if time.monotonic() > end:
            raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())
        time.sleep(0.1)


@dataclass
class Browser:
    """One page of Chromium that reaches this machine and nothing else.

    Attributes
    ----------
    page : playwright.sync_api.Page
        The page.
    refused : list of str
        Requests that would have left the machine.
    errors : list of str
        Uncaught errors of the page's scripts.
    """

    page: Any
    refused: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, server: Server, notebook: str, *, app: str = "lab") -> None:
        """Open a notebook and wait for its kernel: the indicator says idle too early, so the session is asked."""
        self.page.goto(server.address(notebook, app=app))
        self.page.wait_for_function(_IDLE)

    def run_all(self) -> None:
        """Start all cells; not awaited, since the command ends when the last cell does."""
        self.page.evaluate(_RUN)

    def follows(
        self, moves: Callable[[int], None], steps: int, said: str, drawn: str
    ) -> list[tuple[float, float]]:
        """Return how long what is said and what is drawn take to follow each move, in milliseconds as the page itself sees it.

        Parameters
        ----------
        moves : callable
            Makes a move, by its number.
        steps : int
            Moves to make, one after the other.
        said, drawn : str
            Selectors of the words and of the picture; the first of each that is in sight is watched.
        """
        self.page.evaluate(_WATCH, [said, drawn])
        found = []
        for step in range(steps):
            self.page.evaluate(
                "() => { window.akMoved = null; window.akSaid = null; window.akDrawn = null; }"
            )
            moves(step)
            self.page.wait_for_function(
                "() => window.akMoved && window.akSaid && window.akDrawn", timeout=60_000
            )
            moved, words, picture = self.page.evaluate(
                "() => [window.akMoved, window.akSaid, window.akDrawn]"
            )
            found.append((words - moved, picture - moved))
        return found

    def drag(
        self, handle: Any, by: float, moves: int, said: str = SAID, drawn: str = DRAWN
    ) -> list[tuple[float, float]]:
        """Take a slider's handle with the mouse, move it to the side (after ten moves back, and so on), let it go; return what `follows` saw.

        Parameters
        ----------
        handle : playwright.sync_api.Locator
            What is dragged.
        by : float
            Pixels of one move, negative to the left.
        moves : int
            How many.
        said, drawn : str
            As for `follows`.
        """
        handle.hover()  # waits until it is in sight and stands still
        at = handle.bounding_box()
        assert at is not None
        x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        found = self.follows(
            lambda step: self.page.mouse.move(x + by * (11 - abs(step % 20 - 10)), y), moves, said, drawn
        )
        self.page.mouse.up()
        return found

    def theme(self, name: str) -> None:
        """Switch JupyterLab's theme, and wait until the page wears it."""
        self.page.evaluate(
            f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}})"
        )
        light = "true" if "Light" in name else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
        self.page.wait_for_function(_WEARS, arg="Light" in name)

    def shot(self, path: Path) -> None:
        """Take a picture of the notebook, all of it that fits the window."""
        self.page.screenshot(path=str(path))


@contextlib.contextmanager
def browsing(*, width: int = 1280, height: int = 1500, scale: float = 1) -> Iterator[Browser]:
    """Open a page of so many pixels, `scale` of the screen's to each; what it asks of other hosts is refused and recorded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        try:
            page = running.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
            page.set_default_timeout(1000 * PATIENCE)
            page.set_default_navigation_timeout(1000 * PATIENCE)
            browser = Browser(page)
            page.route("**/*", lambda route: _route(route, browser.refused))
            page.on("pageerror", lambda error: _note(error, browser.errors))
            yield browser
        finally:
            running.close()


def _note(error: Any, errors: list[str]) -> None:
    """Keep an error of the page that could be ours.

    Two are not: anywidget says after two seconds that a script is still read, and JupyterLab takes its splash away twice when its
    theme is changed twice.
    """
    told, stack = str(error), str(getattr(error, "stack", ""))
    splash = "'removeChild'" in told and "jlab_core" in stack and stack.count("\n    at ") == 1
    if told != "[anywidget] Failed to initialize model." and not splash:
        errors.append(told)


def _route(route: Any, refused: list[str]) -> None:
    address = urlsplit(route.request.url)
    if address.scheme in ("data", "blob") or address.hostname in ("127.0.0.1", "localhost", "::1"):
        route.continue_()
    else:
        refused.append(route.request.url)
        route.abort()
