"""A backlog through Mosquitto and the collector into InfluxDB 2, beside what that takes of prepared lines."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Sequence
from statistics import median
from subprocess import PIPE
from typing import NamedTuple

import anyio
from msgspec.structs import replace

from benchmarks import made
from benchmarks.harness import Effort, Figure, aiming
from benchmarks.pipes import line_of, tell
from benchmarks.processes import Look, looking
from benchmarks.servers import Bench, servers
from telemetry.store.influx.address import Address
from telemetry.store.influx.delivery import AT_ONCE, BODY_POINTS
from telemetry.store.influx.lines import lines_of
from telemetry.store.influx.server import Server

TITLE = (
    "Frames of 250 × 4 from 15 nodes, each with 64 on their way at most, through a real Mosquitto and `e3p "
    "collect` into a real InfluxDB 2, all on this machine with the sender. The alternative is the server's "
    "limit, taken in turn: the very lines that the collector would write, made before, over as many "
    "connections. CPU and memory are the collector's alone."
)
NAMES = ("influx.samples", "influx.cpu", "influx.rss", "influx.stored")
NODES = 15
GOAL_CPU_S, GOAL_MIB = 0.8, 150.0


class Drained(NamedTuple):
    """One backlog: seconds it took, frames that were stored, and the looks at the collector meanwhile."""

    wall_s: float
    stored: int
    looks: list[Look]


def run(effort: Effort) -> list[Figure]:
    """Samples a second beside the server's limit, CPU for a million of them, memory, and what was stored."""
    frames, rounds = effort.pick(6_000, 60), effort.pick(5, 1)
    with servers() as bench:
        anyio.run(_drain, bench, frames)  # not counted: it warms the server
        turns = [(anyio.run(_limit, bench, frames), anyio.run(_drain, bench, frames)) for _ in range(rounds)]
    drained = [one for _, one in turns]
    samples = frames * made.SAMPLES
    cpu = median(one.looks[-1].cpu_s - one.looks[0].cpu_s for one in drained) * 1e6 / samples
    mib = max(look.mib for one in drained for look in one.looks)
    stored = 100 * min(one.stored for one in drained) / frames
    return [
        Figure(
            name="influx.samples",
            what=f"samples (× 4) of a backlog of {frames:,} frames",
            value=samples / median(one.wall_s for one in drained),
            unit="samples/s",
            against="prepared lines",
            other=samples / median(limit_s for limit_s, _ in turns),
            better=median(limit_s / one.wall_s for limit_s, one in turns),
        ),
        aiming(_figure("influx.cpu", "CPU for a million samples (× 4)", cpu, "s"), GOAL_CPU_S),
        aiming(_figure("influx.rss", "memory at most, meanwhile", mib, "MiB"), GOAL_MIB),
        aiming(_figure("influx.stored", "the frames that it stored", stored, "%"), 100.0, at_most=False),
    ]


def _figure(name: str, what: str, value: float, unit: str) -> Figure:
    return Figure(name=name, what=what, value=value, unit=unit)


async def _drain(bench: Bench, frames: int) -> Drained:
    """A backlog through the whole line into a new store."""
    prefix = f"bench-{secrets.token_hex(3)}"
    where = [bench.mosquitto.host, str(bench.mosquitto.port), str(NODES), str(frames), prefix]
    pump = [sys.executable, "-m", "benchmarks.pump", *where]
    async with (
        bench.collecting(bench.new_store()) as collector,
        await anyio.open_process(pump, stdin=PIPE, stdout=PIPE, stderr=None) as sender,
    ):
        await line_of(sender)
        async with looking(collector.pid) as looks:
            await tell(sender)
            wall_s, stored = (await line_of(sender)).split()
    return Drained(float(wall_s), int(stored), looks)


async def _limit(bench: Bench, frames: int) -> float:
    """Seconds that the server takes for the same frames as prepared lines, in a store of its own."""
    url = bench.new_store()
    store = bench.store(url)
    await store.open()
    await store.close()
    bodies = _bodies(frames)
    server = Server(Address.parse(url), bench.access)
    await server.open()
    turn = anyio.CapacityLimiter(AT_ONCE)

    async def send(body: bytes) -> None:
        async with turn:
            await server.write(server.address.buckets.raw, body)

    begin_s = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for body in bodies:
            tasks.start_soon(send, body)
    wall_s = time.perf_counter() - begin_s
    await server.close()
    return wall_s


def _bodies(frames: int) -> Sequence[bytes]:
    """The lines of a backlog that ends now, in bodies as large as the store's."""
    anchor = time.time_ns() - frames // NODES * made.SAMPLES * made.TICK
    lines = []
    for at in range(frames):
        seq, node = divmod(at, NODES)
        frame = replace(made.power(seq), anchor=anchor, boot=f"limit-{node}")
        (received,) = made.arrived([frame], node=f"limit-{node}")
        lines.append(lines_of(received, anchor + frame.t0))
    size = BODY_POINTS // made.SAMPLES
    return [b"".join(lines[at : at + size]) for at in range(0, frames, size)]
