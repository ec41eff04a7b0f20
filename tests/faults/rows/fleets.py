"""Several nodes: two that were given one name, and twenty whose store is away."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial

import anyio
import anyio.to_thread

from tests.faults.row import Row, caught_up
from tests.faults.rows.kills import SIGKILL
from tests.faults.scene import SENSORS, Scene, Setting
from tests.processes import Sensor, until

NAMED_WITHIN_S = 60.0
OUTAGE_S = 60.0
LONG_OUTAGE_S = 600.0
MOST_MESSAGES = 1.5
NODES = 20
QUIET = (Sensor("main", {"wave": "sine", "watts": 5.0, "amplitude": 1.0, "period_s": 1.0, "channels": 4}),)


# ---- two nodes under one name ------------------------------------------------------------------------


@asynccontextmanager
async def unnamed(scene: Scene) -> AsyncIterator[None]:
    """They are two devices, and nobody has said so yet."""
    scene.props.tries = 0
    for at, device in enumerate(scene.devices):
        device.kernel = f"kernel-{at}"
    yield


async def come_anew(scene: Scene, chance: random.Random) -> None:
    """The second one dies and comes back as another boot, while the first one lives."""
    del chance
    second = scene.devices[1]
    assert second.agent is not None
    scene.props.tries += 1
    if scene.props.tries > 1:
        second.agent.kill()
        await scene.start_agent(second)


async def told_apart(scene: Scene, trial: str) -> None:
    """The first time both live on until somebody has named them."""
    if scene.props.tries == 1:
        await until(
            lambda: _named(scene), lambda: "two boots live under one name, and nobody says so", NAMED_WITHIN_S
        )
    await caught_up(scene, trial)


def _named(scene: Scene) -> bool:
    """In an event for the whole fleet."""
    boots = {key.boot for device in scene.devices for key in device.tap.refresh().committed}
    return any(boot.encode() in event for event in scene.witness.events for boot in boots)


# ---- a store that is away ----------------------------------------------------------------------------


async def close_store(for_s: float, scene: Scene, chance: random.Random) -> None:
    """SQLite: somebody else holds the write lock. InfluxDB: the server is stopped."""
    del chance
    influxd = scene.shelf.influxd
    if influxd is not None:
        await anyio.to_thread.run_sync(influxd.stop)
        await anyio.sleep(for_s)
        await anyio.to_thread.run_sync(influxd.start)
        return
    path = scene.store.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=60.0, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        await anyio.sleep(for_s)
        db.execute("ROLLBACK")


async def few_messages(scene: Scene) -> list[str]:
    """What a store that is away costs the broker."""
    per_frame = scene.witness.per_frame
    return [] if per_frame <= MOST_MESSAGES else [f"{per_frame:.2f} messages for each frame"]


def outage(name: str, for_s: float) -> Row:
    return Row(
        name,
        f"the store away for {for_s:.0f} s under {NODES} nodes",
        "store",
        "away",
        partial(close_store, for_s),
        lasts_s=0.0,
        setting=Setting(nodes=[f"node-{at}" for at in range(NODES)], sensors=QUIET, trial_hz=20.0),
        check=few_messages,
        nodes_are_tries=True,
    )


ROWS = (
    Row(
        "one-name",
        "two nodes under one name: another boot of the second one, beside the first",
        "agent",
        SIGKILL,
        come_anew,
        setting=Setting(nodes=("twin", "twin"), sensors=SENSORS[:2]),
        prepared=unnamed,
        recovered=told_apart,
    ),
    outage("store-away", OUTAGE_S),
)
LONG = (outage("store-away-long", LONG_OUTAGE_S),)
