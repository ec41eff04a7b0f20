"""An InfluxDB 2 that dies, stops, or is behind a bad network."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.to_thread

from tests.faults.row import Row
from tests.faults.rows.kills import SIGKILL
from tests.faults.scene import Scene
from tests.servers import find
from tests.servers.influxd import Influxd
from tests.servers.toxiproxy import Toxiproxy

ONLY = ("influx",)
SLOW_MS = 1500


def server(scene: Scene) -> Influxd:
    assert scene.shelf.influxd is not None
    return scene.shelf.influxd


async def kill(scene: Scene, chance: random.Random) -> None:
    del chance
    server(scene).kill()


async def stop(scene: Scene, chance: random.Random) -> None:
    del chance
    await anyio.to_thread.run_sync(server(scene).stop)


async def start(scene: Scene, chance: random.Random) -> None:
    del chance
    await anyio.to_thread.run_sync(server(scene).start)


@asynccontextmanager
async def through_a_proxy(scene: Scene) -> AsyncIterator[None]:
    """Collector and analyzer reach the store over a way that can be spoiled."""
    with Toxiproxy(find("toxiproxy-server", "toxiproxy"), scene.folder) as proxies:
        scene.props.proxy = proxies.proxy(server(scene).port)
        scene.shelf.way = scene.props.proxy.host, scene.props.proxy.port
        yield
        scene.end()


async def spoil(kind: str, attribute: str, value: int, scene: Scene, chance: random.Random) -> None:
    del chance
    await anyio.to_thread.run_sync(lambda: scene.props.proxy.toxic(kind, **{attribute: value}))


async def heal(kind: str, scene: Scene, chance: random.Random) -> None:
    del chance
    await anyio.to_thread.run_sync(lambda: scene.props.proxy.heal(kind))


def network(name: str, words: str, kind: str, attribute: str, value: int) -> Row:
    return Row(
        name,
        words,
        "influxd's network",
        kind,
        partial(spoil, kind, attribute, value),
        partial(heal, kind),
        lasts_s=4.0,
        prepared=through_a_proxy,
        stores=ONLY,
    )


ROWS = (
    Row("influxd-killed", "influxd killed, started again", "influxd", SIGKILL, kill, start, stores=ONLY),
    Row(
        "influxd-stopped",
        "influxd stopped for some seconds",
        "influxd",
        "SIGTERM",
        stop,
        start,
        lasts_s=6.0,
        stores=ONLY,
    ),
    network(
        "influxd-slow", f"every answer of influxd {SLOW_MS / 1000} s late", "latency", "latency", SLOW_MS
    ),
    network("influxd-reset", "every connection to influxd reset", "reset_peer", "timeout", 0),
    network(
        "influxd-half-open", "influxd's answers never come, connections stay open", "timeout", "timeout", 0
    ),
)
