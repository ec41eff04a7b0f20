"""A node's clock learnt over a real broker and a line with 50 ms of jitter; the collector is a day ahead."""

from __future__ import annotations

import time
from pathlib import Path

import anyio
import pytest

from analyzer.clockline import read_clock
from collector.app import Collector
from collector.desk import Times
from collector.settings import CollectorSettings
from edge_node import agent, connection
from edge_node.app import run_agent
from telemetry.contract.errors import UserError
from telemetry.runtime.address import Address
from telemetry.store.interface import Store
from telemetry.store.open import opened_store
from tests.fakes.node import NODE, settings_in
from tests.servers import Broker, Toxiproxy

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

AHEAD_NS = 86_400_000_000_000 + 123_456_789
ENOUGH = 30
WITHIN_S = 60.0


async def test_50_ms_of_jitter_leave_the_offset_known_to_5_ms_within_its_uncertainty(
    mosquitto: Broker, toxiproxy: Toxiproxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PING_S", 0.1)
    monkeypatch.setattr(agent, "MINUTE_S", 1)
    proxy = toxiproxy.proxy(mosquitto.port)
    for way in ("upstream", "downstream"):
        proxy.toxic("latency", stream=way, latency=25, jitter=25)
    times = Times(utc_ns=lambda: time.time_ns() + AHEAD_NS, now_s=time.monotonic)
    async with opened_store(f"sqlite:///{tmp_path}/clock.db") as store, anyio.create_task_group() as tasks:
        collector = Collector(CollectorSettings(), store, Address.parse(mosquitto.url), times=times)
        for service in collector.services:
            tasks.start_soon(service.run)
        tasks.start_soon(run_agent, settings_in(tmp_path), Address.parse(f"mqtt://{proxy.host}:{proxy.port}"))
        with anyio.fail_after(WITHIN_S):
            while await pings(store) < ENOUGH:  # noqa: ASYNC110 - only the store tells
                await anyio.sleep(0.2)
        [boot] = await read_clock(store, NODE)
        tasks.cancel_scope.cancel()
    assert boot.steps == []
    [piece] = boot.pieces
    missed_ns = abs(piece.offset.offset_ns - AHEAD_NS)
    assert missed_ns <= piece.offset.u95_ns
    assert missed_ns <= 5_000_000


async def pings(store: Store) -> int:
    try:
        return sum(piece.offset.exchanges for boot in await read_clock(store, NODE) for piece in boot.pieces)
    except UserError:
        return 0
