"""Progress: how far a run is, as a bar in a terminal and as lines in a log."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditkit.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditkit.runner.news import News

__all__ = ["Shown", "bar", "line", "log", "on_its_way", "shown"]

_SILENCE = 5.0  # seconds after which a check that is on its way is told of too
_ENDED = {"not_applicable": "not applicable", "error": "error"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What shows progress.

    Attributes
    ----------
    begin : callable
        To be called as the kernel starts, when nothing is refused any longer.
    listen : callable or None
        To be told each `News`; None where it is to be silent.
    """

    begin: Callable[[], None]
    listen: Callable[[News], None] | None


@contextmanager
def shown(template: str, *, silent: bool) -> Iterator[Shown]:
    """Give what shows progress on standard error: a bar in a terminal, else lines; nothing where it is to be silent."""
    if silent:
        yield Shown(lambda: None, None)
    elif sys.stderr.isatty():
        with bar() as made:
            yield made
    else:
        yield Shown(lambda: _stamped(f"{template}: starting a kernel"), log())


@contextmanager
def bar() -> Iterator[Shown]:
    """Give a progress bar and a listener that moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description}", markup=False)
    drawn = Progress(
        SpinnerColumn(), words, BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True
    )
    task = drawn.add_task("reading what was given", total=None)
    done: dict[int, float] = {}

    def listen(news: News) -> None:
        if news.kind == "completed":
            drawn.update(task, description="writing the report", total=None)
            return
        done[news.index] = max(done.get(news.index, 0.0), news.fraction or 0.0)
        text = f"{sum(v >= 1 for v in done.values())}/{news.total} {news.title} {news.what if news.kind == 'progress' else ''}"
        drawn.update(task, description=text.rstrip()[:60], total=news.total, completed=sum(done.values()))

    with drawn:
        yield Shown(lambda: drawn.update(task, description="starting a kernel"), listen)


def log(clock: Callable[[], float] = time.monotonic) -> Callable[[News], None]:
    """Return a listener that says a line as each check ends, and now and then how far a long one is."""
    ended, last = 0, clock()

    def listen(news: News) -> None:
        nonlocal ended, last
        ended += news.kind == "finished"
        told = line(news, ended) or (on_its_way(news) if clock() - last >= _SILENCE else "")
        if told:
            _stamped(told)
            last = clock()

    return listen


def line(news: News, ended: int) -> str:
    """Return what a log says of news; nothing of a check that began or is on its way.

    Nothing is judged before the last check has ended, since p-values are adjusted over all of them: a line holds no status.

    Examples
    --------
    >>> from auditkit.runner.news import News
    >>> line(News("finished", total=9, code="AK101", name="demographic_parity", what="observed", numbers=12, seconds=0.4), 3)
    '3/9 AK101 demographic_parity: 12 numbers, 0.4 s'
    >>> line(News("finished", total=9, code="AK201", name="population_attack", what="not_applicable", seconds=0.02), 4)
    '4/9 AK201 population_attack: not applicable, 0.0 s'
    """
    if news.kind == "completed":
        return "every check has ended; writing the report"
    if news.kind != "finished":
        return ""
    n = news.numbers or 0
    how = _ENDED.get(news.what) or f"{n:,} {'number' if n == 1 else 'numbers'}"
    return f"{ended}/{news.total} {news.code} {news.name}: {how}, {news.seconds or 0.0:.1f} s"


def on_its_way(news: News) -> str:
    """Return how far a check is; nothing of other news, nor of a mere sign of life.

    Examples
    --------
    >>> from auditkit.runner.news import News
    >>> on_its_way(News("progress", code="AK202", name="reference_attacks", fraction=0.375, what="model 3 of 8"))
    'AK202 reference_attacks: 38% done, model 3 of 8'
    """
    far = [] if news.fraction is None else [f"{news.fraction:.0%} done"]
    said = ", ".join([*far, *([news.what] if news.what else [])])
    return f"{news.code} {news.name}: {said}" if news.kind == "progress" and said else ""


def _stamped(text: str) -> None:
    say(f"{time.strftime('%H:%M:%S')} {text}")
