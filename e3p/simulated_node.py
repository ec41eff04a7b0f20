"""A device that is not there: an agent with a synthetic sensor, and an application that marks made-up work.

It marks a round of trials of published models, then work without end. How long an image takes follows from
the model's published MACs, so a ranking and joules per image come out as of a small device.
"""

from __future__ import annotations

import random
import secrets
import signal
from collections.abc import Sequence
from typing import NamedTuple

import anyio

from edge_node import mark
from edge_node.settings import EdgeSettings
from telemetry.contract.errors import UserError

DATASET = "imagenet-1k"
BATCH = 8
GMAC_S = 0.008
"""How long a billion multiply-accumulates take."""
JITTER = 0.03
START_S = 4.0
"""How long an agent takes to listen and to sample, at most."""
IDLE_S = 3.0
REST_S = 1.0
CHUNK_S = 10.0


class Model(NamedTuple):
    """One that is made to run: its published complexity, and its published accuracy as a mark has it."""

    name: str
    macs_g: float
    accuracy_ref: dict[str, object]


class Asked(NamedTuple):
    """`slowness` is that of the device: 2 takes twice as long. `seconds` None: until it is stopped."""

    app: str
    models: tuple[Model, ...]
    trials: int
    trial_s: float
    slowness: float
    seconds: float | None


def known(names: Sequence[str]) -> tuple[Model, ...]:
    """The models by their names. Raises `UserError` for one of which nothing is published here."""
    from e3p.published import accuracy_refs, published

    table = published()
    for name in names:
        if name not in table:
            raise UserError(f"--models {name!r}: not in the packaged table; e3p screen lists who is")
    refs = accuracy_refs(list(names))
    return tuple(Model(name, table[name].macs_g, refs[name]) for name in names)


def check_sensors(settings: EdgeSettings) -> None:
    """Raises `UserError` unless every sensor is synthetic: made-up work on a real one would be a lie."""
    drivers = [spec.driver for spec in settings.sensors]
    if not drivers or set(drivers) != {"synthetic"}:
        found = ", ".join(drivers) or "none"
        right = 'only [[edge.sensors]] with driver = "synthetic" may be there'
        raise UserError(f"a simulated node has simulated sensors ({found} configured); {right}")


async def run(asked: Asked, agent: Sequence[str], soak: Sequence[str] | None = None) -> int:
    """The agent as a child, work and a soak beside it, until a signal or the end; the agent's exit code."""
    process = await anyio.open_process(agent, stdout=None, stderr=None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_until_stopped, tasks.cancel_scope)
        tasks.start_soon(_until_gone, process, tasks.cancel_scope)
        await anyio.sleep(START_S)
        if soak is not None:
            tasks.start_soon(_beside, soak)
        await _work(asked)
        tasks.cancel_scope.cancel()
    await _stop(process)
    return process.returncode or 0


async def _beside(command: Sequence[str]) -> None:
    """A program for as long as the work goes on."""
    process = await anyio.open_process(command, stdout=None, stderr=None)
    try:
        await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(process)


async def _stop(process: anyio.abc.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await process.wait()


async def _until_stopped(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()


async def _until_gone(process: anyio.abc.Process, scope: anyio.CancelScope) -> None:
    await process.wait()
    scope.cancel()


async def _work(asked: Asked) -> None:
    group = f"simulated-{secrets.token_hex(4)}"
    with anyio.move_on_after(asked.seconds):
        mark.prepare(group)
        with mark.idle(group=group):
            await anyio.sleep(IDLE_S)
        for index in range(asked.trials):
            for model in asked.models:
                await _trial(asked, model, group, index)
                await anyio.sleep(REST_S)
        application = mark.work(asked.app, asked.models[0].name)
        while True:
            await _batches(application, asked, asked.models[0], CHUNK_S)


async def _trial(asked: Asked, model: Model, group: str, index: int) -> None:
    with mark.trial(
        model=model.name,
        dataset=DATASET,
        batch_size=BATCH,
        group=group,
        index=index,
        backend="simulated",
        accuracy_ref=model.accuracy_ref,
    ) as trial:
        await _batches(trial, asked, model, asked.trial_s)


async def _batches(batches: mark.Batches, asked: Asked, model: Model, seconds: float) -> None:
    """Batches one after the other, for so long."""
    expected_s = BATCH * model.macs_g * GMAC_S * asked.slowness
    end = anyio.current_time() + seconds
    while anyio.current_time() < end:
        begin_ns = mark.now_ns()
        await anyio.sleep(expected_s * random.uniform(1 - JITTER, 1 + JITTER))
        batches.batch(begin_ns, mark.now_ns(), BATCH)
