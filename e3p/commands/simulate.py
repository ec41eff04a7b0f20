"""``e3p simulate``: devices that are not there, to size a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.fleet import Fleet, Outcome, Progress
    from e3p.settings import Settings
    from telemetry.contract.documents import LedgerRow

app = typer.Typer(help="Devices that are not there, to size a server.", no_args_is_help=True)

MODELS = "levit_192.fb_dist_in1k,tiny_vit_5m_224.dist_in22k_ft_in1k,deit_tiny_patch16_224.fb_in1k"
Count = Annotated[int, typer.Option(min=1, help="How many devices.")]
Connections = Annotated[
    int | None,
    typer.Option(min=1, help="Share so many connections; else each node has its own, as a real one does."),
]


@app.callback()
def simulate() -> None:
    """Devices that are not there, to size a server."""


@app.command()
def fleet(
    nodes: Count = 10,
    rate: Annotated[float, typer.Option(min=0.1, max=1000, metavar="HZ", help="Samples a second.")] = 1000.0,
    seconds: Annotated[float, typer.Option(min=0.25, help="How long they sample.")] = 60.0,
    channels: Annotated[int, typer.Option(min=2, max=64, help="Channels of each sample.")] = 4,
    connections: Connections = None,
    prefix: Annotated[str, typer.Option(help="Their names begin so.")] = "sim",
    store: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask this store's ledger too, when all is sent.")
    ] = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Sends what so many devices would, and has every frame accounted for; their origin is `synthetic`.

    Exit code 1 when the ledger does not close. Ctrl-C ends the sampling; what was made is still delivered.
    """
    import anyio

    from e3p.fleet import Fleet, Plan
    from e3p.output import print_json
    from e3p.settings import load
    from telemetry.contract.errors import UserError
    from telemetry.contract.topics import is_node

    if not is_node(f"{prefix}-{nodes}"):
        raise UserError(f"--prefix {prefix!r}: names of 1-64 of A-Z a-z 0-9 _ - are expected")
    settings = load(config, mqtt=mqtt, store=store)
    plan = Plan(nodes, rate, seconds, channels, connections or nodes, prefix)

    async def work() -> tuple[Outcome, list[LedgerRow]]:
        run = Fleet(plan, settings.common.address())
        return await _interruptible(run), await _ledger(run, settings) if store else []

    outcome, rows = anyio.run(work)
    in_store = sum(row.stored_count for row in rows) == outcome.made if store else True
    closed = outcome.closed and in_store and all(row.closed for row in rows)
    if json:
        print_json({"closed": closed, "outcome": outcome, "streams": rows})
    else:
        _print(outcome, rows)
        typer.echo("the ledger closes" if closed else "the ledger does not close: frames are missing")
    return 0 if closed else 1


@app.command()
def node(
    node: Annotated[str | None, typer.Option(help="Its name; else that of the settings.")] = None,
    models: Annotated[str, typer.Option(metavar="A,B,C", help="Published timm models to pretend.")] = MODELS,
    trials: Annotated[int, typer.Option(min=0, help="Trials of each model, before the work.")] = 3,
    trial_seconds: Annotated[float, typer.Option(min=0.1, help="How long each takes.")] = 2.0,
    slowness: Annotated[float, typer.Option(min=0.01, help="2 is a device that takes twice as long.")] = 1.0,
    application: Annotated[str, typer.Option("--app", help="The name of what works on it.")] = "camera",
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after so long; else run on.")] = None,
    soak: Annotated[
        Path | None, typer.Option(metavar="PLAN", help="Run this soak, which watches the application.")
    ] = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
) -> int:
    """An agent with a synthetic sensor, and an application on it that marks trials, then work without end.

    Its energies are made up and carry the origin `synthetic`. The settings are those of `e3p edge`, with
    synthetic sensors alone.
    """
    import os
    import sys

    import anyio

    from e3p import simulated_node as simulated
    from e3p.settings import load

    settings = load(config, mqtt=mqtt, edge__node=node)
    simulated.check_sensors(settings.edge)
    if settings.edge.socket:
        os.environ["E3P_SOCKET"] = settings.edge.socket  # where the agent listens, whoever marks
    names = [name.strip() for name in models.split(",") if name.strip()]
    asked = simulated.Asked(application, simulated.known(names), trials, trial_seconds, slowness, seconds)
    program = [sys.executable, "-m", "e3p"]
    given = {"--mqtt": mqtt, "--config": config}
    words = [str(word) for name, value in given.items() if value is not None for word in (name, value)]
    agent = [*program, "edge", *words, *(["--node", node] if node else [])]
    beside = [*program, "soak", "run", str(soak), *words] if soak else None
    return anyio.run(simulated.run, asked, agent, beside)


async def _interruptible(run: Fleet) -> Outcome:
    """The first Ctrl-C ends the sampling, the second everything."""
    import signal
    import sys

    import anyio

    from e3p.bar import share_of
    from e3p.output import say

    outcome: Outcome | None = None
    on_terminal = sys.stderr.isatty()

    def tell(progress: Progress) -> None:
        show(min(1.0, progress.seconds / run.plan.seconds))
        if not on_terminal:
            say(f"{progress.seconds:6.0f} s  {progress.made:,} frames made, {progress.stored:,} stored")

    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    if run.stopped:
                        tasks.cancel_scope.cancel()
                    run.stop()

        tasks.start_soon(listen)
        with share_of("simulated") as show:
            outcome = await run.run(tell)
        tasks.cancel_scope.cancel()
    if outcome is None:
        raise KeyboardInterrupt
    return outcome


async def _ledger(run: Fleet, settings: Settings) -> list[LedgerRow]:
    """What the store's ledger says of the boots of this run."""
    from telemetry.store.books import read_ledger

    boots = {node.boot.id for node in run.nodes}
    async with settings.opened_store(create=False) as store:
        return [row for row in await read_ledger(store) if row.boot in boots]


def _print(outcome: Outcome, rows: list[LedgerRow]) -> None:
    from e3p.output import number, print_table

    def seconds(value: float | None) -> str:
        return "-" if value is None else f"{number(value, 3)} s"

    facts = [
        ("nodes", f"{outcome.nodes} on {outcome.connections} connections, {outcome.seconds:.1f} s"),
        ("frames made", f"{outcome.made:,}"),
        ("frames stored", f"{outcome.stored:,}"),
        ("frames missing", f"{outcome.missing:,}"),
        ("frames sent more than once", f"{outcome.sends - outcome.made:,}"),
        ("seconds behind at the end", seconds(outcome.behind_s)),
        ("frames a second", f"{outcome.frames_per_s:,.0f}"),
        ("samples a second", f"{outcome.samples_per_s:,.0f}"),
        ("from sent to stored, median", seconds(outcome.latency_p50_s)),
        ("from sent to stored, p99", seconds(outcome.latency_p99_s)),
        ("the simulator: late, p99", seconds(outcome.late_p99_s)),
        ("the simulator: of a core", f"{100 * outcome.cpu_share:.0f} %"),
    ]
    print_table(("", "value"), facts)
    for name in ("stored", "dead", "lost", "spooled", "missing") if rows else ():
        typer.echo(f"in the store's ledger, {name}: {sum(getattr(row, f'{name}_count') for row in rows):,}")
