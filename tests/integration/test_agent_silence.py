"""An agent that nobody answers: the broker takes everything, and the person on the device is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from edge_node import connection
from edge_node.app import EdgeNode
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address
from telemetry.runtime.service import run_services
from tests.fakes.node import NODE, settings_in

pytestmark = pytest.mark.anyio


async def ran_until(folder: Path, url: str, fact: Callable[[], object]) -> None:
    """An agent that runs until something is true."""
    stop = anyio.Event()
    agent = EdgeNode(settings_in(folder, drain_s=0.1), Address.parse(url))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: run_services([agent], stop=stop))
        with anyio.fail_after(30):
            while not fact():  # noqa: ASYNC110 - the agent rings no bell for a test
                await anyio.sleep(0.05)
        stop.set()


async def test_an_agent_that_nobody_answers_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "SILENCE_S", 0.2)
    monkeypatch.setattr(connection, "QUICK_S", 0.05)
    monkeypatch.setattr(connection, "QUICK_PINGS", 40)

    async with EmbeddedBroker(count=True) as broker:
        pings = f"e3p/v1/{NODE}/ping"
        await ran_until(tmp_path, broker.url, lambda: broker.messages_by_topic().get(pings, 0) >= 30)
    (told,) = [record for record in caplog.records if record.getMessage() == "nobody answers"]
    assert "`e3p doctor` here tells which" in told.__dict__["facts"]["why"]
