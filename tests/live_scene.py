"""A server for the live page: a real node on it, and what an analyzer would tell of another one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import msgspec
from msgspec.structs import replace

from analyzer.scoring import Score
from analyzer.standings import rank_all
from telemetry.contract.decode import Received, receive
from telemetry.contract.encode import encode
from telemetry.contract.events import EVENT, Finding
from telemetry.contract.ranking import Ranking
from telemetry.contract.replies import State
from telemetry.contract.soak import SOAK, Soak
from telemetry.contract.topics import FLEET_EVENT, node_topic, ranking_topic, stream_topic
from telemetry.runtime.mqtt import Address, Link
from telemetry.store.interface import Revision, Store
from tests.analyzing import S
from tests.grafana_said import soak
from tests.processes import BURSTS, Line
from tests.unit.ranking.made import trials

CAMERA = "camera-7"
"""A node that is somewhere else."""
NOW = time.time_ns() // S * S
GROWN = Finding(
    kind="regression",
    id=f"regression/{CAMERA}/camera vit",
    node=CAMERA,
    at=NOW,
    words=f"{CAMERA}: camera vit needs 12.0 % more energy for an image than it did; software 1.4 → 1.5",
    severity="alarm",
    subject="camera vit",
    begin=NOW - 600 * S,
)
FAR = replace(GROWN, kind="outlier", id=f"outlier/{CAMERA}", severity="warning", words=f"{CAMERA}: far off")
SILENT = replace(GROWN, kind="silent", id=f"silent/{CAMERA}", words=f"{CAMERA} is silent: nothing came of it")
OVER = replace(GROWN, revision=2, until=NOW - 420 * S)
"""The same regression, which ended after three minutes."""


@dataclass
class Scene:
    """A line and the address of its page."""

    line: Line
    base: str

    def result(self) -> dict[str, Any]:
        """What is stored of the first trial."""
        return dict(self.line.ask("check", "live-0")[1])

    async def tell(self, *documents: Finding | Ranking) -> None:
        """Publishes documents as the analyzer does."""
        await _tell(self.line.mqtt or "", *documents)

    async def keep(self, *revisions: Revision) -> None:
        """Puts documents into the store, beside its server."""
        async with self.line.opened() as store:
            await store.put(revisions)


@contextmanager
def staged(folder: Path) -> Iterator[Scene]:
    """Two trials of a real node; of `CAMERA` two findings and a soak test; a ranking of two models."""
    with Line(folder, sensors=(BURSTS,)) as line:

        async def begin() -> Scene:
            server = await line.serve()
            await line.edge()
            for index in range(2):
                await line.trial(f"live-{index}", 3.0, index=index)
            scene = Scene(line, server.text.partition("page=")[2].split()[0])
            await scene.tell(GROWN, FAR, ranking(900, 1000))
            await scene.keep(running_soak(0.3))
            return scene

        yield anyio.run(begin)


async def _tell(url: str, *documents: Finding | Ranking) -> None:
    state = State(state="ready", boot="b1", since=NOW, software="e3p 1.0")
    link = Link(Address.parse(url), client_id="teller")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        await link.publish(node_topic(CAMERA, "state"), encode(state, "json"), retain=True)
        for each in documents:
            ranked = ranking_topic("jetson-tx2", "imagenet-1k")
            topic = ranked if isinstance(each, Ranking) else FLEET_EVENT
            await link.publish(topic, msgspec.json.encode(each))
        tasks.cancel_scope.cancel()


def ranking(swift_j: float, slow_j: float) -> Ranking:
    """Two models after three trials each, by what they need for 1,000 images."""
    results = [*trials("swift", [swift_j] * 3), *trials("slow", [slow_j] * 3)]
    (ranked,) = rank_all(results, Score())
    return ranked


def running_soak(share: float) -> Revision:
    """A soak test of `CAMERA` that has come so far."""
    whole = soak(NOW)
    end = whole.begin + round(share * (whole.end - whole.begin))
    said: Soak = replace(whole, node=CAMERA, end=end, is_over=False, verdict="inconclusive", at=end)
    return Revision(
        kind=SOAK, id=said.soak, revision=round(100 * share), node=CAMERA, doc=msgspec.json.encode(said)
    )


async def copy(source: Store, target: Store) -> None:
    """Every frame, and the newest of each document."""
    for account in await source.accounts():
        topic = stream_topic(account.key.node, account.key.stream)
        held = await source.frames(account.key, account.stored)
        frames = [receive(topic, encode(frame)) for _, frame in held]
        await target.write([each for each in frames if isinstance(each, Received)])
    for kind in ("result", "ranking", EVENT, SOAK):
        await target.put(await source.latest(kind))
