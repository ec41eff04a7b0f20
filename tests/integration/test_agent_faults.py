"""The whole agent when things go wrong: sampler, broker, clock, spool, socket, the agent itself."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest

from edge_node import agent, boots, delivery
from edge_node.app import run_agent
from edge_node.power.sensor import SensorSpec
from edge_node.spool import Spool
from edge_node.spool_schema import SpoolBroken
from telemetry.contract.errors import UserError
from telemetry.runtime.mqtt import Address
from tests.fakes.node import (
    NODE,
    Application,
    child_agent,
    collecting,
    running,
    settings_in,
    until,
)
from tests.servers import Broker

pytestmark = [pytest.mark.anyio]


async def test_a_sampler_that_is_killed_is_replaced_and_that_is_a_new_boot(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with collecting(mosquitto) as collector:
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: collector.of("power/main"))
            (sampler,) = [
                child for child in psutil.Process().children() if "sampler_child" in " ".join(child.cmdline())
            ]
            sampler.send_signal(signal.SIGKILL)
            await until(lambda: len(collector.boots) == 2)
            new = collector.boots[1]
            await until(lambda: collector.of("power/main", new))
            assert collector.of("power/main", new)[0].first == 0  # type: ignore[union-attr]
            await until(lambda: collector.states[-1].state == "ready" and collector.states[-1].boot == new)
        assert collector.holes() == {}
        assert {stream.final for stream in collector.health().values()} == {True}


async def test_a_broker_that_is_killed_and_comes_back_empty_costs_nothing(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the agent sends before the collector is back goes to nobody, and is due again.
    monkeypatch.setattr(delivery, "FIRST_TIMEOUT_S", 1.0)
    async with collecting(mosquitto) as collector:
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: collector.of("power/main"))
            mosquitto.kill()
            await anyio.sleep(1.5)
            mosquitto.start()
            seen = len(collector.states)
            await until(lambda: len(collector.states) > seen)
            assert collector.states[-1].state == "ready"
        assert collector.holes() == {}
        assert len(collector.boots) == 1


async def test_a_wrong_retained_state_is_corrected(mosquitto: Broker, tmp_path: Path) -> None:
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.states and collector.states[-1].state == "ready")
        lost = {"v": 1, "state": "lost", "boot": "an-earlier-one", "since": 1, "software": "x"}
        await collector.link.publish(f"e3p/v1/{NODE}/state", json.dumps(lost).encode(), retain=True)
        await until(lambda: "lost" in [state.state for state in collector.states])
        await until(lambda: collector.states[-1].state == "ready")


async def test_a_cleared_retained_state_is_said_again(mosquitto: Broker, tmp_path: Path) -> None:
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.states and collector.states[-1].state == "ready" and collector.abouts)
        states, abouts = len(collector.states), len(collector.abouts)
        for kind in ("state", "about"):
            await collector.link.publish(f"e3p/v1/{NODE}/{kind}", b"", retain=True)
        await until(lambda: len(collector.states) > states and collector.states[-1].state == "ready")
        await until(lambda: any(collector.abouts[abouts:]))


async def test_an_agent_that_vanishes_is_called_lost_and_its_successor_has_its_frames(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with collecting(mosquitto) as collector:
        with child_agent(mosquitto, tmp_path) as child:
            await until(lambda: len(collector.of("power/main")) >= 2)
            boot = collector.states[-1].boot
            child.kill()
            await until(lambda: collector.states[-1].state == "lost")
            assert collector.states[-1].boot == boot
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: len(collector.boots) == 2)
        assert collector.holes() == {}


async def test_a_wall_clock_that_is_stepped_makes_a_new_boot_when_no_trial_runs(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with collecting(mosquitto) as collector:
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: collector.of("power/main"))
            app = Application(tmp_path)
            app.begin()
            await until(collector.events)
            stepped = boots.read_anchor() + 10**12
            monkeypatch.setattr(boots, "read_anchor", lambda: stepped)
            monkeypatch.setattr(agent, "read_anchor", lambda: stepped)
            await anyio.sleep(2.5)
            assert len(collector.boots) == 1
            app.end()
            await until(lambda: len(collector.boots) == 2)
            new = collector.boots[1]
            await until(lambda: collector.of("power/main", new))
            frame = collector.of("power/main", new)[0]
            assert (frame.anchor, frame.first) == (stepped, 0)  # type: ignore[union-attr]
        assert collector.holes() == {}


async def test_a_spool_that_breaks_in_use_is_replaced_and_what_it_held_is_declared_lost(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with collecting(mosquitto) as collector:
        collector.answering = False
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: len(collector.of("power/main")) >= 3)
            with monkeypatch.context() as broken:
                broken.setattr(Spool, "write", _break)
                await until(lambda: list(tmp_path.glob("node.spool.corrupt-*")))
            collector.answering = True
            await until(lambda: len(collector.boots) == 2)
            old = collector.boots[0]
            # Once it is settled, the old boot is told of no more.
            await until(lambda: collector.last_word(old, "power/main"))
        account = collector.last_word(old, "power/main")
        assert account is not None
        assert account.final
        assert account.declared_lost
        assert collector.holes() == {}


async def test_a_spool_that_breaks_while_its_agent_is_stopped_leaves_its_frames_as_lost(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with collecting(mosquitto) as collector:
        collector.answering = False
        write = Spool.write
        async with running(mosquitto, settings_in(tmp_path, drain_s=0.1)):
            await until(lambda: len(collector.of("power/main")) >= 2)
            old = collector.boots[0]
            broken = [True]

            def once(self: Spool, *given: Any) -> Any:
                if broken and self.accounts():  # that of the agent, and not the fresh one
                    broken.clear()
                    _break()
                return write(self, *given)

            monkeypatch.setattr(Spool, "write", once)
        await until(lambda: list(tmp_path.glob("node.spool.corrupt-*")))
        collector.answering = True
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: collector.last_word(old, "power/main"))
        account = collector.last_word(old, "power/main")
        assert account is not None
        assert account.final
        assert collector.holes() == {}


async def test_a_spool_that_breaks_as_the_next_agent_begins_is_replaced_as_well(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books, broken = Spool.books, [True]

    def once(self: Spool) -> Any:
        return _break() if broken and broken.pop() else books(self)

    monkeypatch.setattr(Spool, "books", once)
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.of("power/main") and list(tmp_path.glob("node.spool.corrupt-*")))


@pytest.mark.parametrize("reading", ["waiting", "parcels", "settle"])
async def test_a_spool_that_breaks_where_it_is_read_is_replaced_as_well(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reading: str
) -> None:
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: len(collector.of("power/main")) >= 3)
        with monkeypatch.context() as broken:
            broken.setattr(Spool, reading, _break)
            await until(lambda: list(tmp_path.glob("node.spool.corrupt-*")))
        await until(lambda: len(collector.boots) == 2)


def _break(*_: object) -> None:
    raise SpoolBroken("database disk image is malformed")


async def test_two_agents_cannot_share_a_socket(mosquitto: Broker, tmp_path: Path) -> None:
    async with running(mosquitto, settings_in(tmp_path)):
        await until((tmp_path / "marks.sock").exists)
        other = settings_in(tmp_path, spool=str(tmp_path / "other.spool"))
        with pytest.raises(UserError, match="another agent listens there"):
            await run_agent(other, Address.parse(mosquitto.url))


async def test_a_socket_that_a_dead_agent_left_is_replaced(mosquitto: Broker, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(tmp_path / "marks.sock"))
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.of("power/main"))
        Application(tmp_path).begin()
        await until(collector.events)
    assert not (tmp_path / "marks.sock").exists()


async def test_a_sensor_that_does_not_open_is_a_persons_matter(mosquitto: Broker, tmp_path: Path) -> None:
    missing = SensorSpec("replay", options={"file": str(tmp_path / "none.csv")})
    with pytest.raises(UserError, match="replay"):
        await run_agent(settings_in(tmp_path, sensors=(missing,)), Address.parse(mosquitto.url))
