"""The whole agent, its sampler and a real broker; the collector is a fake that answers when told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from edge_node import delivery
from edge_node.accounts import Name
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.spool import Batch, Spool
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.frames import ClockFrame, HealthFrame, ManifestFrame, PowerFrame
from tests.fakes.node import (
    child_agent,
    collecting,
    running,
    settings_in,
    until,
)
from tests.servers import Broker

pytestmark = [pytest.mark.anyio]


async def test_everything_made_arrives_and_the_last_word_says_so(mosquitto: Broker, tmp_path: Path) -> None:
    async with collecting(mosquitto) as collector:
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: len(collector.of("power/main")) >= 2)
        await until(lambda: collector.states and collector.states[-1].state == "gone")
        health = collector.health()
        assert collector.holes() == {}
        (boot,) = collector.boots
        assert all(stream.final for stream in health.values())
        power = [frame for frame in collector.of("power/main") if isinstance(frame, PowerFrame)]
        assert health[boot, "power/main"].ticks == sum(frame.samples + frame.missed for frame in power)
        assert [state.state for state in collector.states][-3:] == ["ready", "draining", "gone"]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_each_boot_begins_with_a_manifest(mosquitto: Broker, tmp_path: Path, encoding: Any) -> None:
    async with collecting(mosquitto) as collector:
        async with running(mosquitto, settings_in(tmp_path, encoding=encoding)):
            await until(
                lambda: collector.of("manifest/node") and collector.abouts and collector.of("power/main")
            )
        (manifest,) = collector.of("manifest/node")
        assert isinstance(manifest, ManifestFrame)
        assert manifest.seq == 0
        assert [stream.stream for stream in manifest.streams] == ["main"]
        assert decode_message(collector.abouts[0], ManifestFrame) == manifest
        assert collector.of("power/main")[0].t0 >= manifest.t0


async def test_a_frame_whose_acknowledgement_is_lost_is_sent_again_as_it_was(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_TIMEOUT_S", 1.0)
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        collector.answering = False
        await until(lambda: collector.count() >= 3)
        first = next(iter(collector.came))
        await until(lambda: collector.came[first] >= 2)
        collector.answering = True
        await collector.answer()
        await until(lambda: collector.health() and not collector.holes())


async def test_no_more_than_64_frames_are_on_their_way(mosquitto: Broker, tmp_path: Path) -> None:
    _leave_behind(tmp_path, frames=200)
    async with collecting(mosquitto) as collector:
        collector.answering = False
        async with running(mosquitto, settings_in(tmp_path, drain_s=0.0)):
            await until(lambda: collector.count() >= 64)
            await anyio.sleep(1.0)
            assert collector.count() == 64
            collector.answering = True
            await collector.answer()
            await until(lambda: len(collector.of("power/main", "earlier")) == 200)


def _leave_behind(folder: Path, frames: int) -> None:
    """What an agent of an earlier life did not get rid of."""
    spool = Spool(folder / "node.spool", 2**28)
    name, rows = Name("earlier", "power/main"), []
    for seq in range(frames):
        more = {"dt": bytes(4), "tick": 10**9, "ch": ("total",), "w": bytes(4), "first": seq, "missed": 0}
        frame = PowerFrame(v=1, boot="earlier", seq=seq, anchor=1, t0=10**9 * seq, **more)  # type: ignore[arg-type]
        rows.append(Row(name, seq, frame.t0, 1, encode(frame)))
    spool.write(Batch(rows, (), {name: (frames, frames)}, [Boot("earlier", 1, "kernel")]))
    spool.close()


async def test_a_restart_brings_the_backlog_and_calls_the_old_boot_over(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with running(mosquitto, settings_in(tmp_path)):
        await anyio.sleep(3.0)
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: len(collector.boots) == 2 and collector.health() and not collector.holes())
        old, new = sorted(collector.boots, key=lambda boot: collector.of("manifest/node", boot)[0].t0)
        report = next(iter(collector.of("health/agent", new)))
        assert isinstance(report, HealthFrame)
        finals = {stream.stream: stream.final for stream in report.streams if stream.boot == old}
        assert set(finals) >= {"power/main", "health/agent", "manifest/node"}
        assert all(finals.values())


async def test_pings_become_clock_frames(mosquitto: Broker, tmp_path: Path) -> None:
    async with collecting(mosquitto) as collector:
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: collector.of("power/main"))
            await anyio.sleep(1.0)
        frame = collector.of("clock/collector")[0]
        assert isinstance(frame, ClockFrame)
        assert frame.exchanges
        for exchange in frame.exchanges:
            assert exchange.t1 <= exchange.t4
            assert exchange.t2 <= exchange.t3


async def test_the_agent_stays_below_80_mib_with_its_sampler(mosquitto: Broker, tmp_path: Path) -> None:
    async with collecting(mosquitto) as collector:
        with child_agent(mosquitto, tmp_path):
            await until(lambda: len(collector.of("power/main")) >= 3)
            health = collector.of("health/agent")[-1]
            assert isinstance(health, HealthFrame)
            assert 0 < (health.agent_rss_mib or 0) < 80
            assert (health.agent_cpu_s or 0) > 0
