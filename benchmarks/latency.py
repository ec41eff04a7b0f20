"""How long after a trial's end its result and the new ranking are there, on one machine."""

from __future__ import annotations

import time
from functools import partial
from statistics import median

import anyio
import anyio.to_thread
import msgspec

from benchmarks.harness import Effort, Figure, aiming
from benchmarks.processes import NODE, marking_to, running, until
from edge_node import mark
from telemetry.contract.topics import every_node, parse_node_topic
from telemetry.runtime.address import Address
from telemetry.runtime.mqtt import Link

TITLE = (
    "Trials of 2 s at 1 kHz × 4 through `e3p edge` and `e3p serve`, marked by `mark.py`; from the end of "
    "the trial's block to the arrival of its first result, and of the ranking that has it in, at a "
    "subscriber of the broker."
)
NAMES = ("latency.result", "latency.result_worst", "latency.ranking")
TARGET_S = 1.0
TRIAL_S = 2.0
RANKINGS = "e3p/v1/fleet/ranking/+/+"


class Heard(msgspec.Struct):
    """When (monotonic s) each trial's result came first, and every ranking."""

    results: dict[str, float] = {}
    rankings: list[float] = []

    async def all_of(self, trial: str, end_s: float) -> bool:
        """Whether the result of a trial came, and a ranking after it."""
        return (
            trial in self.results and bool(self.rankings) and self.rankings[-1] >= self.results[trial] > end_s
        )


def run(effort: Effort) -> list[Figure]:
    """The usual and the worst latency of results, and the usual one of rankings."""
    results, rankings = anyio.run(_measured, effort.pick(7, 1))
    return [
        aiming(_figure("result", "end of a trial to its result, median", median(results)), TARGET_S),
        _figure("result_worst", "the same, the slowest", max(results)),
        aiming(_figure("ranking", "end of a trial to the ranking, median", median(rankings)), TARGET_S),
    ]


def _figure(name: str, what: str, seconds: float) -> Figure:
    return Figure(name=f"latency.{name}", what=what, value=seconds, unit="s")


async def _measured(trials: int) -> tuple[list[float], list[float]]:
    heard = Heard()
    results, rankings = [], []
    async with running(watch_hz=20.0) as line, anyio.create_task_group() as tasks:
        link = Link(Address.parse(line.mqtt), client_id="e3p-bench", filters=[every_node("result"), RANKINGS])
        tasks.start_soon(link.run)
        tasks.start_soon(_listen, link, heard)
        await link.until_connected()
        for index in range(trials):
            with marking_to(line.marks):
                name, end_s = await anyio.to_thread.run_sync(_trial, index)
            await until(partial(heard.all_of, name, end_s))
            results.append(heard.results[name] - end_s)
            rankings.append(next(at for at in heard.rankings if at > end_s) - end_s)
        tasks.cancel_scope.cancel()
    return results, rankings


def _trial(index: int) -> tuple[str, float]:
    """One trial; its id, and when it ended."""
    mark.prepare("bench")
    time.sleep(0.3)
    known = {"value": 0.8, "n": 50_000, "origin": "made"}
    with mark.trial(
        model="vit", dataset="made", batch_size=8, group="bench", index=index, accuracy_ref=known
    ) as trial:
        until = time.monotonic() + TRIAL_S
        while time.monotonic() < until:
            begin = mark.now_ns()
            time.sleep(0.02)
            trial.batch(begin, mark.now_ns(), 8)
        end_s = time.monotonic()
    return trial.id, end_s


async def _listen(link: Link, heard: Heard) -> None:
    async for message in link.inbox():
        now_s = time.monotonic()
        place = parse_node_topic(message.topic)
        if place is None:
            heard.rankings.append(now_s)
        elif place == (NODE, "result"):
            heard.results.setdefault(msgspec.json.decode(message.payload).get("trial"), now_s)
