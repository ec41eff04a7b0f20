"""``e3p soak``: a long-running test on a device, and its verdict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.settings import Settings
    from e3p.soaks import SoakShelf, State
    from telemetry.contract.soak_plan import SoakPlan

app = typer.Typer(help="A long-running test, and its verdict.", no_args_is_help=True)

AGENT_WAIT_S = 300.0
"""After a reboot the agent may come up later than a soak that goes on."""

Name = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="A plan's name (its newest soak) or a soak; else the newest."),
]


@app.callback()
def soak() -> None:
    """A long-running test, and its verdict."""


@app.command()
def run(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="What runs and what it may show (docs/soak.md).")
    ],
    python: Annotated[
        str, typer.Option(metavar="PATH", help="The interpreter that has torch and timm (3.6 or newer).")
    ] = sys.executable,
    again: Annotated[
        bool, typer.Option("--again", help="Begin anew, where a soak that is not over would go on.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only check the plan.")] = False,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
) -> int:
    """Runs a soak on this device to its planned end: real inference, or watching what already marks its work.

    An agent (`e3p edge`) and a server (`e3p serve`) must be running. After a reboot or a kill the same
    command goes on; the time between is missing, and counted as missing.
    """
    from e3p.output import say
    from e3p.plan_file import TomlFile
    from e3p.settings import load
    from e3p.soaks import SoakShelf
    from telemetry.contract.soak_plan import SoakPlan, faults

    settings = load(config, mqtt=mqtt)
    read = TomlFile(plan, SoakPlan, faults, "PLAN").plan
    if dry_run:
        say(f"{plan} is good: {read.duration} of {read.app}, {read.duty.kind}")
        return 0
    shelf = SoakShelf(settings.edge.spool_path().parent / "soaks")
    if again:
        shelf.forget(read.name)
    state = _begun(shelf, read, python)
    if state.left_s <= 0:
        shelf.forget(read.name)
        say(f"{state.soak} is over: `e3p soak report {state.soak}` has the verdict")
        return 0
    return _carry_out(settings, shelf, state, plan.parent)


@app.command()
def report(
    name: Name = None,
    node: Annotated[str | None, typer.Option(help="Only this node.")] = None,
    compare: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Hold it against this earlier soak of the same node."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page to look at, complete in itself.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 also when the verdict is inconclusive.")
    ] = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """The verdict on a soak: drift with its interval, steps, episodes, missing data, each against its budget.

    It is computed from what is stored now, and kept there. Exit code 1 when a soak fails.
    """
    import time

    from e3p.at_store import at_store
    from e3p.output import print_json, say
    from e3p.soak_report import Asked, print_verdict, verdicts_of, write_page

    asked = Asked(name, node, compare)
    found = at_store(store, config, lambda opened: verdicts_of(opened, asked, time.time_ns()))
    if json:
        print_json([each.soak for each in found])
    else:
        for each in found:
            print_verdict(each.soak)
    if html:
        write_page(found, html)
        say(f"the page is {html}")
    bad = ("fail", "inconclusive") if strict else ("fail",)
    return 1 if any(each.soak.verdict in bad for each in found) else 0


def _begun(shelf: SoakShelf, plan: SoakPlan, python: str) -> State:
    """The soak of this plan that is not over, one start later; else a new one."""
    from datetime import datetime, timezone

    from e3p.output import say
    from e3p.soaking import now
    from e3p.soaks import State

    held = shelf.find(plan)
    if held is not None:
        say(f"going on with {held.soak} (--again begins anew)")
        return held.noted_at(now(), starts=held.starts + 1)
    begun = datetime.now(timezone.utc)
    name = f"{plan.name}-{begun:%Y%m%d-%H%M%S}"
    return State(soak=name, python=python, plan=plan, left_s=plan.duration_s, noted=now())


def _carry_out(settings: Settings, shelf: SoakShelf, state: State, beside: Path) -> int:
    import os
    import time

    import anyio

    from e3p.bar import share_of
    from e3p.output import say
    from e3p.sight import judge, streams_here
    from e3p.soaking import Soaking
    from e3p.trialing import find_agent
    from telemetry.contract.errors import UserError

    async def work() -> None:
        deadline = time.monotonic() + (AGENT_WAIT_S if state.starts else 0)
        while True:
            try:
                marks = find_agent(settings.edge.socket_paths())
                break
            except UserError:
                if time.monotonic() > deadline:
                    raise
                await anyio.sleep(1)
        env = {}
        if state.plan.work:
            sight = judge(await streams_here(settings.common.address()), state.plan.work.device, os.environ)
            env = dict(sight.env)
            for words in sight.warnings:
                say(words)
        with share_of(state.soak) as tell:
            await Soaking(state, shelf, marks, beside, env, tell).run()

    anyio.run(work)
    say(f"{state.soak} is over: `e3p soak report {state.soak}` has the verdict")
    return 0
