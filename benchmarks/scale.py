"""Many simulated devices, each on a connection of its own, into InfluxDB 2; every frame accounted for."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

import anyio
import anyio.to_thread
import msgspec

from benchmarks.harness import Effort, Figure, aiming
from benchmarks.processes import Look, looking, slope
from benchmarks.servers import Bench, servers

TITLE = (
    "`e3p simulate fleet` at 1 kHz × 4, a real Mosquitto, `e3p collect` and a real InfluxDB 2, all on this "
    "machine. Made and stored are counted by the simulator, and again by the ledger in the store. The slope "
    "is a straight line through the collector's memory after a quarter of the time; `--long` takes 200 "
    "devices and ten minutes."
)
NAMES = (
    "scale.samples",
    "scale.missing",
    "scale.behind",
    "scale.latency",
    "scale.cpu",
    "scale.rss",
    "scale.slope",
)
GOAL_MIB = 150.0


class Scale(NamedTuple):
    """What a run was asked for."""

    nodes: int
    seconds: int


def run(effort: Effort) -> list[Figure]:
    """How much was stored a second, what is missing, how far behind, and what it cost the collector."""
    scale = Scale(200, 600) if effort.long else Scale(effort.pick(50, 2), effort.pick(30, 4))
    with servers() as bench:
        said, looks = anyio.run(_simulated, bench, scale)
    outcome, rows = said["outcome"], said["streams"]
    missing = outcome["missing"] + sum(row["missing_count"] + row["dead_count"] for row in rows)
    what = f"samples (× 4) of {scale.nodes} nodes, {scale.seconds} s"
    cpu = (looks[-1].cpu_s - looks[0].cpu_s) / (looks[-1].at_s - looks[0].at_s)
    return [
        _figure("scale.samples", what, outcome["samples_per_s"], "samples/s"),
        aiming(_figure("scale.missing", "frames missing or dead", missing, "frames"), 0.0),
        _figure("scale.behind", "behind when the last frame was made", outcome["behind_s"], "s"),
        _figure("scale.latency", "from sent to stored, p99", outcome["latency_p99_s"], "s"),
        _figure("scale.cpu", "the collector's CPU", 100 * cpu, "% of a core"),
        aiming(_figure("scale.rss", "its memory at most", max(look.mib for look in looks), "MiB"), GOAL_MIB),
        _figure("scale.slope", "its slope", slope(looks[len(looks) // 4 :]), "MiB/min"),
    ]


def _figure(name: str, what: str, value: float, unit: str) -> Figure:
    return Figure(name=name, what=what, value=value, unit=unit)


async def _simulated(bench: Bench, scale: Scale) -> tuple[dict[str, dict[str, float]], list[Look]]:
    url = bench.new_store()
    asked = ["--nodes", str(scale.nodes), "--rate", "1000", "--seconds", str(scale.seconds)]
    command = [sys.executable, "-m", "e3p", "simulate", "fleet", *asked, "--json"]
    command += ["--mqtt", bench.mosquitto.url, "--store", url]
    env = {**os.environ, "E3P_STORE_TOKEN": bench.influx.token}
    async with bench.collecting(url) as collector, looking(collector.pid) as looks:
        done = await anyio.run_process(command, env=env, check=False)
    return msgspec.json.decode(done.stdout), looks
