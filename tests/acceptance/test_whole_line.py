"""A trial through the whole line, in processes that meet only at a broker: its energy is the waveform's.

The same trial over each broker and each store.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.contract.decode import Received, receive
from telemetry.contract.encode import Encoding
from telemetry.contract.frames import MarksFrame, PowerFrame
from telemetry.contract.marks import TrialBegin
from telemetry.contract.payload import is_json
from telemetry.contract.topics import every_frame
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Message
from tests.influx import access, drop_buckets, new_bucket
from tests.processes import BURSTS, SINE, Line, Place, until
from tests.relay import Relay
from tests.servers import Broker, Influx
from tests.verdicts import (
    Ear,
    assert_all_stored,
    assert_reanalysis_changes_nothing,
    assert_true_energy,
    history,
    result_of,
    results,
)

pytestmark = pytest.mark.anyio

ENCODINGS: tuple[Encoding, ...] = ("msgpack", "json")


@pytest.fixture(params=["mosquitto", "embedded"])
def named(request: pytest.FixtureRequest) -> str | None:
    """The URL of a Mosquitto, or None: `e3p serve` brings its own broker."""
    url: str | None = request.getfixturevalue("mosquitto").url if request.param == "mosquitto" else None
    return url


@pytest.fixture(params=["sqlite", "influxdb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty store of the test's own."""
    if request.param == "sqlite":
        yield Place(f"sqlite:///{tmp_path / 'e3p.db'}")
        return
    influx: Influx = request.getfixturevalue("influx")
    bucket = new_bucket()
    yield Place(influx.store(bucket), access(influx), {"E3P_STORE_TOKEN": influx.token})
    drop_buckets(influx, bucket)


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_trial_at_1_khz_gives_the_energy_of_its_waveform(
    named: str | None, place: Place, encoding: Encoding, tmp_path: Path
) -> None:
    with Line(tmp_path, encoding=encoding, sensors=(SINE, BURSTS), place=place) as line:
        server = await line.serve(named)
        agent = await line.edge()
        async with Ear(line.mqtt or "", *every_frame()).listening() as ear:
            await line.trial("t")
            await result_of(line, "t")
            await ear.until_equal(line)
        assert {is_json(m.payload) for m in ear.heard if "/power/" in m.topic} == {encoding == "json"}
        assert await agent.interrupt() == 0
        assert await server.interrupt() == 0
        await assert_true_energy(line, "t")
        assert_all_stored(line)
        await assert_reanalysis_changes_nothing(line)


async def test_collector_and_analyzer_meet_at_broker_and_store_only(
    mosquitto: Broker, place: Place, tmp_path: Path
) -> None:
    with Line(tmp_path, sensors=(SINE, BURSTS), place=place) as line:
        line.mqtt = mosquitto.url
        parts = [await line.part(command) for command in ("collect", "analyze", "edge")]
        await line.trial("t")
        await result_of(line, "t")
        for part in reversed(parts):
            assert await part.interrupt() == 0
        await assert_true_energy(line, "t")
        assert_all_stored(line)
        await assert_reanalysis_changes_nothing(line)


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_duplicates_disorder_and_delay_change_nothing(encoding: Encoding, tmp_path: Path) -> None:
    with Line(tmp_path, encoding=encoding) as line:
        async with EmbeddedBroker() as agents:
            server = await line.serve()
            async with Relay(agents.url, line.mqtt or "", 5).running() as relay:
                line.mqtt = agents.url
                agent = await line.edge()
                await line.trial("t")
                await result_of(line, "t", without=("frames_missing", "no_manifest"))
                told = await results(line)
                await relay.repeat()
                await line.trial("u", index=1)
                await result_of(line, "u", without=("frames_missing", "no_manifest"))
                assert await agent.interrupt() == 0
            assert (await results(line)).items() >= told.items()
        assert await server.interrupt() == 0
        await assert_true_energy(line, "t")
        await assert_true_energy(line, "u")
        assert_all_stored(line)
        await assert_reanalysis_changes_nothing(line)


class WithinTheTrial:
    """Holds the first power frame that begins after a trial did, so that the window has a hole."""

    def __init__(self) -> None:
        self._begin_ns: int | None = None
        self._chosen: Message | None = None

    def __call__(self, message: Message) -> bool:
        received = receive(message.topic, message.payload)
        frame = received.frame if isinstance(received, Received) else None
        if isinstance(frame, MarksFrame):
            begins = [event.t for event in frame.events if isinstance(event, TrialBegin)]
            self._begin_ns = self._begin_ns or next(iter(begins), None)
        elif isinstance(frame, PowerFrame) and self._begin_ns and frame.t0 > self._begin_ns:
            self._chosen = self._chosen or message
        return message == self._chosen


async def test_a_frame_later_than_the_analyzer_waits_mends_the_result(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        async with EmbeddedBroker() as agents:
            server = await line.serve()
            async with Relay(agents.url, line.mqtt or "", 6, WithinTheTrial()).running() as relay:
                line.mqtt = agents.url
                agent = await line.edge()
                await line.trial("t")
                await until(lambda: relay.held, lambda: "no frame was held")
                await result_of(line, "t")
                await relay.let_go()
                await result_of(line, "t", without=("frames_missing",))
                assert await agent.interrupt() == 0
        assert await server.interrupt() == 0
        first, *_ = revisions = await history(line, "t")
        assert "frames_missing" in first.reasons
        assert first.state in ("degraded", "invalid")
        assert [result.revision for result in revisions] == [1, 2]
        await assert_true_energy(line, "t")
        assert_all_stored(line)
        await assert_reanalysis_changes_nothing(line)
