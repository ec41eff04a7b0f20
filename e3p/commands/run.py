"""``e3p run``: any program as one measured window."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Annotated

import typer

from e3p import options

NOT_FOUND, NOT_STARTED = 127, 126
"""As shells tell it."""


def run(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND…", help="The program and its arguments.")],
    name: Annotated[
        str | None, typer.Option("--name", "--model", help="What the window is of; else the program's name.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="What it works on, where that has a name.")] = "none",
    images: Annotated[int, typer.Option(min=0, help="How many images it works through, if it does.")] = 0,
    trials: Annotated[int, typer.Option(min=1, help="Run it so many times, a window each.")] = 1,
    idle_s: Annotated[float, typer.Option(min=0, help="Rest first, for the idle power.")] = 0.0,
    wait_s: Annotated[
        float, typer.Option(min=0, help="How long to wait for the result; 0 asks nobody for it.")
    ] = 30.0,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Measures any program as one window, from its start to its end: `e3p run -- COMMAND`.

    An agent (`e3p edge`) on this machine, and a server (`e3p serve`), must be running. Signals go on to the
    program. The exit code is the program's own (128 + N after signal N, 127 when it is not found, 126 when it
    cannot be started), or 2 before it was started. Energy is told on standard error; with --json the
    program's output goes there too, and the results to standard output. A program that a signal ends, or a
    kill of this command, leaves the window `aborted`.
    """
    import anyio

    from e3p.output import print_json, say
    from e3p.program import Asked, NotStarted, measure, print_windows
    from e3p.settings import load
    from e3p.trialing import find_agent

    settings = load(config, mqtt=mqtt)
    if shutil.which(command[0]) is None:
        say(f"e3p: {command[0]}: no such program")
        return NOT_FOUND
    os.environ["E3P_SOCKET"] = find_agent(settings.edge.socket_paths())
    title, group = name or Path(command[0]).name, f"run-{secrets.token_hex(4)}"
    asked = Asked(command, title, dataset, group, trials, images, idle_s, quiet_stdout=json)
    try:
        ran = anyio.run(measure, asked, settings.common.address() if wait_s else None, wait_s)
    except NotStarted as error:
        say(f"e3p: {error}")
        return NOT_STARTED
    print_windows(ran.results, title)
    if wait_s and not ran.results:
        say(f"e3p: no result in {wait_s:g} s: is `e3p serve` on the agent's broker? group {group}")
    if json:
        print_json(ran.results)
    return ran.status
