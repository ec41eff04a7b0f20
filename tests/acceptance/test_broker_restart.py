"""A broker that dies and comes back empty, within a trial: nothing is lost, the energy is the same."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest

from telemetry.contract.encode import Encoding
from tests.processes import Line, finish
from tests.servers import Broker
from tests.verdicts import (
    assert_all_stored,
    assert_reanalysis_changes_nothing,
    assert_true_energy,
    result_of,
)

pytestmark = pytest.mark.anyio

CASES = [
    (1, "msgpack"),
    (2, "json"),
    pytest.param(3, "msgpack", marks=pytest.mark.long),
    pytest.param(4, "json", marks=pytest.mark.long),
]


async def assert_whole(line: Line) -> None:
    """The trial's energy is the undisturbed one, and every frame is in the store."""
    await assert_true_energy(line, "t")
    assert_all_stored(line)
    await assert_reanalysis_changes_nothing(line)


@pytest.mark.parametrize(("seed", "encoding"), CASES)
async def test_a_broker_killed_within_a_trial_loses_nothing(
    mosquitto: Broker, tmp_path: Path, seed: int, encoding: Encoding
) -> None:
    chance = random.Random(seed)
    with Line(tmp_path, encoding=encoding) as line:
        line.mqtt = mosquitto.url
        await line.part("collect")
        await line.part("analyze")
        agent = await line.edge()
        application = await line.application("t")
        await anyio.sleep(chance.random())
        mosquitto.kill()
        await anyio.sleep(chance.random())
        await anyio.to_thread.run_sync(mosquitto.start)
        await anyio.sleep(1.0)
        await finish(application)
        await result_of(line, "t", without=("frames_missing",))
        assert await agent.interrupt() == 0
        await assert_whole(line)


async def test_a_broker_that_is_away_when_a_trial_ends_loses_nothing(
    mosquitto: Broker, tmp_path: Path
) -> None:
    with Line(tmp_path) as line:
        await line.serve(mosquitto.url)
        agent = await line.edge()
        application = await line.application("t")
        await anyio.sleep(1.0)
        mosquitto.kill()
        await finish(application)
        await anyio.to_thread.run_sync(mosquitto.start)
        await result_of(line, "t", without=("frames_missing",))
        assert await agent.interrupt() == 0
        await assert_whole(line)


async def test_a_server_killed_with_its_own_broker_loses_nothing(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        server = await line.serve()
        agent = await line.edge()
        application = await line.application("t")
        await anyio.sleep(1.0)
        server.kill()
        await anyio.sleep(0.5)
        await line.serve(port=urlsplit(line.mqtt or "").port or 0)
        await finish(application)
        await result_of(line, "t", without=("frames_missing",))
        assert await agent.interrupt() == 0
        await assert_whole(line)
