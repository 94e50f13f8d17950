"""Tools: external programs with pins of their own, listed, installed, checked and removed."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import Json, object_, plain_errors, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditkit.tools.home import Installed
    from auditkit.tools.tool import Tool

__all__ = ["tools"]

tools = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="External programs with pins of their own, each in an environment of its own.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A tool's name (see: auditkit tools list).")]
Home = Annotated[
    str | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Folder of the environments; $AUDITKIT_TOOLS, else the user's data folder, when left out.",
    ),
]


@tools.command("list")
def list_(home: Home = None, as_json: Json = False) -> None:
    """List the tools auditkit can run, and which are installed.

    \b
    Examples:
      auditkit tools list
      auditkit tools list --json
    """
    with plain_errors():
        from auditkit.tools import TOOLS
        from auditkit.tools.home import home_folder, look

        rows = [_row(tool, look(tool, home)) for tool in TOOLS]
        folder = str(home_folder(home))
        if as_json:
            object_({"tools": rows, "home": folder})
            return
        table([{k: v for k, v in row.items() if k not in ("requirements", "folder")} for row in rows])
        say(f"Environments lie in {folder}")


@tools.command()
def install(name: Name, home: Home = None, as_json: Json = False) -> None:
    """Install a tool into an environment of its own; the only command that downloads anything.

    pip is used as it is set up for you, with the releases that auditkit pins. auditkit's own environment stays as it is.
    Exit code: 0 installed, 2 no such tool, 3 it failed and nothing was left behind.

    \b
    Examples:
      auditkit tools install privacy-meter
      auditkit tools install privacy-meter --home /data/tools
    """
    with plain_errors():
        from auditkit.tools import find_tool
        from auditkit.tools.home import home_folder
        from auditkit.tools.install import install as put

        tool = find_tool(name)
        say(f"Installing {tool.name} {tool.version} into {home_folder(home)}: {tool.size} ...")
        with _clock(f"installing {tool.name}", shown=sys.stderr.isatty() and not as_json) as each:
            found = put(tool, home, each=each)
        _tell(tool, found, as_json=as_json, words=f"{tool.name} {tool.version} is installed.")
        if tool.check and not as_json:
            say(_next(tool))


@tools.command()
def check(name: Name, home: Home = None, as_json: Json = False) -> None:
    """Start a tool in its environment and see whether it can be used.

    Exit code: 0 it starts, 1 it is not installed or does not start, 2 no such tool.

    \b
    Examples:
      auditkit tools check privacy-meter
    """
    with plain_errors():
        from auditkit.errors import NotApplicable, ToolError
        from auditkit.tools import find_tool
        from auditkit.tools.install import check as start

        tool = find_tool(name)
        try:
            found = start(tool, home)
        except (NotApplicable, ToolError) as error:
            if as_json:
                object_({"name": tool.name, "works": False, "reason": str(error)})
            else:
                say(str(error))
            raise typer.Exit(1) from None
        _tell(tool, found, as_json=as_json, words=f"{tool.name} {tool.version} starts.", works=True)


@tools.command()
def remove(name: Name, home: Home = None, as_json: Json = False) -> None:
    """Remove a tool's environment, and what an install that was killed left.

    \b
    Examples:
      auditkit tools remove privacy-meter
    """
    with plain_errors():
        from auditkit.tools import find_tool
        from auditkit.tools.install import remove as drop

        tool = find_tool(name)
        removed = drop(tool, home)
        if as_json:
            object_({"name": tool.name, "removed": removed})
        else:
            typer.echo(f"{tool.name} is removed." if removed else f"{tool.name} was not installed.")


def _next(tool: Tool) -> str:
    """Return how an installed tool is put to use."""
    from auditkit.runner.templates import catalogue

    within = [one.name for one in catalogue().templates if tool.check in one.checks]
    if within:
        return f"The check {tool.check} runs it: auditkit run {within[0]} --subject FILE --out DIR"
    return (
        f"No shipped template runs it. Make one: auditkit template new {tool.check} --check {tool.check}\n"
        f"Then: auditkit run {tool.check}.ipynb --subject FILE --out DIR"
    )


def _tell(tool: Tool, found: Installed, *, as_json: bool, words: str, **more: Any) -> None:
    if as_json:
        object_({**_row(tool, found), "freeze": found.stamp.get("freeze", []), **more})
    else:
        typer.echo(f"{words}\n{found.folder}")


def _row(tool: Tool, found: Installed | None) -> dict[str, Any]:
    status = "not installed" if found is None else "installed" if found.current else "other releases"
    return {
        "name": tool.name,
        "version": tool.version,
        "status": status,
        "what": tool.what,
        "licence": tool.licence,
        "size": tool.size,
        "requirements": list(tool.requirements),
        "folder": None if found is None else str(found.folder),
    }


@contextmanager
def _clock(what: str, *, shown: bool) -> Iterator[Callable[[float], None]]:
    """Give a listener that shows how long a step has taken, on a terminal."""
    if not shown:
        yield lambda _passed: None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda passed: status.update(f"{what}: {passed:.0f} s")
