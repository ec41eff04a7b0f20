"""A row of the fault table: what is struck and how, and its tries on one long-lived line."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import anyio
import psutil

from tests.faults.judgement import Account, judge
from tests.faults.scene import Scene, Setting, opened_scene
from tests.faults.shelf import StoreName, opened_shelf
from tests.processes import until

CALM_S = 1.0
MOST_MISSES = 200

FLAT_MIB = 8.0

Act = Callable[[Scene, random.Random], Awaitable[None]]


class Unpermitted(Exception):
    """This machine does not let a row be played. The text says what it would take."""


@asynccontextmanager
async def as_it_is(scene: Scene) -> AsyncIterator[None]:
    """Nothing to prepare."""
    del scene
    yield


async def by_itself(scene: Scene, chance: random.Random) -> None:
    """Nobody mends it: the line does."""
    del scene, chance


async def caught_up(scene: Scene, trial: str) -> None:
    """It has recovered when all that waited is acknowledged, and a frame made after the fault as well."""
    del trial
    await scene.until_caught_up(scene.unsettled())


async def told(scene: Scene, trial: str) -> None:
    """The analyzer works when it has told the result of a trial."""
    await until(
        lambda: any(r.window == trial for r in scene.witness.results), lambda: f"no result of {trial}"
    )


async def nothing_more(scene: Scene) -> list[str]:
    """What every row is held to is all."""
    del scene
    return []


@dataclass(frozen=True)
class Row:
    """`strike` and `mend` are some moments apart, `lasts_s` at most. `prepared` surrounds the whole row.

    `check` gives what is wrong beyond what every row is held to, before the agents end. `nodes_are_tries`: a
    fault strikes all nodes at once, and each of them is a try. `is_flat`: no program may grow.
    """

    name: str
    words: str
    process: str
    signal: str
    strike: Act
    mend: Act = by_itself
    lasts_s: float = 1.0
    setting: Setting = field(default_factory=Setting)
    prepared: Callable[[Scene], AbstractAsyncContextManager[None]] = as_it_is
    recovered: Callable[[Scene, str], Awaitable[None]] = caught_up
    stores: tuple[StoreName, ...] = ("sqlite", "influx")
    check: Callable[[Scene], Awaitable[list[str]]] = nothing_more
    nodes_are_tries: bool = False
    is_flat: bool = False


class Try(NamedTuple):
    """One fault. `recovery_s`: from when it was over until all that waited is acknowledged."""

    number: int
    process: str
    signal: str
    in_flight: int
    lasted_s: float
    recovery_s: float


class Outcome(NamedTuple):
    """A row on one store. `memory_mib`: resident, after the first try and after the last, by program."""

    row: str
    store: str
    seed: int
    tries: list[Try]
    uncounted: int
    account: Account
    messages: int
    memory_mib: dict[str, tuple[float, float]]
    seconds: float
    remarks: tuple[str, ...] = ()

    @property
    def faults(self) -> list[str]:
        """All that is wrong."""
        account = self.account
        counts = {"lost": account.lost, "doubled": account.doubled}
        return [f"{count} {what}" for what, count in counts.items() if count] + account.faults


async def play(
    row: Row, store: StoreName, tries: int, seed: int, folder: Path, say: Callable[[str], None]
) -> Outcome:
    """All tries of a row, and the judgement."""
    began_s = time.monotonic()
    chance = random.Random(f"{seed} {row.name} {store}")
    done: list[Try] = []
    uncounted = 0
    memory: list[dict[str, float]] = []
    with opened_shelf(store, folder) as shelf:
        async with opened_scene(folder, shelf, row.setting) as scene, row.prepared(scene):
            await scene.start_all()
            await warm_up(scene)
            while len(done) < tries:
                one = await attempt(scene, row, chance, len(done))
                if one is None:
                    uncounted += 1
                    assert uncounted < MOST_MISSES, "never a frame in flight"
                    continue
                done.extend(shared(one, len(scene.devices)) if row.nodes_are_tries else [one])
                memory.append(resident_mib(scene))
                say(f"{row.name} {store} {one}")
            wrong = await row.check(scene)
            if row.is_flat:
                wrong += swollen(memory)
            await scene.stop_agents()
            account = await judge(scene)
            account.faults.extend(wrong)
            messages = sum(scene.witness.messages.values())
    kept = memory[0].keys() & memory[-1].keys()
    spans = {name.partition(" ")[0]: (memory[0][name], memory[-1][name]) for name in sorted(kept)}
    seconds, remarks = time.monotonic() - began_s, tuple(scene.props.remarks)
    return Outcome(row.name, store, seed, done, uncounted, account, messages, spans, seconds, remarks)


async def warm_up(scene: Scene) -> None:
    """A trial on every node on which nothing happens: the line works, and every program has begun."""
    applications = [scene.mark(device, f"calm-{at}", 0) for at, device in enumerate(scene.devices)]
    await anyio.sleep(CALM_S)
    for application in applications:
        await application.finish()
        await told(scene, application.trial)
    await caught_up(scene, "")


async def attempt(scene: Scene, row: Row, chance: random.Random, number: int) -> Try | None:
    """A trial with a fault in it; None when no frame was on its way, so that it does not count."""
    trial = f"{row.name}-{len(scene.trials)}"
    applications = [
        scene.mark(device, f"{trial}-{at}-{device.name}", number) for at, device in enumerate(scene.devices)
    ]
    await anyio.sleep(0.5 + chance.random() * 0.6)
    in_flight = await scene.in_flight(chance)
    struck_s = time.monotonic()
    if in_flight:
        await row.strike(scene, chance)
        await anyio.sleep(chance.random() * row.lasts_s)
        await row.mend(scene, chance)
    mended_s = time.monotonic()
    async with anyio.create_task_group() as tasks:
        for application in applications:
            tasks.start_soon(application.finish)
        if in_flight:
            await row.recovered(scene, applications[0].trial)
        recovery_s = time.monotonic() - mended_s
    if not in_flight:
        return None
    return Try(number, row.process, row.signal, len(in_flight), mended_s - struck_s, recovery_s)


def shared(one: Try, nodes: int) -> list[Try]:
    """A fault that struck all nodes at once, as a try of each of them."""
    return [one._replace(number=one.number + at, in_flight=one.in_flight // nodes) for at in range(nodes)]


def swollen(memory: Sequence[dict[str, float]]) -> list[str]:
    """Programs that grew over the last three quarters of the faults, by more than a few MiB."""
    early, late = memory[len(memory) // 4], memory[-1]
    return [
        f"{name} grew from {early[name]:.1f} to {late[name]:.1f} MiB"
        for name in early.keys() & late.keys()
        if late[name] > early[name] + FLAT_MIB
    ]


def resident_mib(scene: Scene) -> dict[str, float]:
    """The memory of the programs that run now."""
    agents = {f"agent-{device.name}": device.agent for device in scene.devices}
    found = {}
    for name, program in {**scene.programs, **agents}.items():
        if program is not None and program.process.poll() is None:
            pid = program.process.pid
            found[f"{name} {pid}"] = psutil.Process(pid).memory_info().rss / 2**20
    return found
