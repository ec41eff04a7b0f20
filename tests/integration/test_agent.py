"""The whole agent, its sampler and a real broker; the collector is a fake that answers when it is told to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import psutil
import pytest

from edge_node import agent, boots, delivery
from edge_node.accounts import Name
from edge_node.app import run_agent
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.power.sensor import SensorSpec
from edge_node.settings import EdgeSettings
from edge_node.spool import Batch, Spool
from edge_node.spool_schema import SpoolBroken
from telemetry.contract.columns import unpack_dt
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import UserError
from telemetry.contract.frames import ClockFrame, HealthFrame, ManifestFrame, PowerFrame
from telemetry.contract.marks import MarksHole, TrialBegin, TrialEnd
from telemetry.runtime.mqtt import Address
from tests.fakes.collector import FakeCollector
from tests.servers import Broker

pytestmark = [pytest.mark.anyio]

NODE = "node-1"
WITHIN_S = 30.0


def _settings(folder: Path, **more: Any) -> EdgeSettings:
    given = {
        "node": NODE,
        "spool": str(folder / "node.spool"),
        "socket": str(folder / "marks.sock"),
        "sensors": (SensorSpec("synthetic"),),
        "watch_hz": 50.0,
        "trial_hz": 500.0,
    }
    return EdgeSettings(**{**given, **more})


@contextlib.asynccontextmanager
async def _running(broker: Broker, settings: EdgeSettings) -> AsyncIterator[None]:
    """An agent inside this process; leaving the block stops it in order."""
    stop = anyio.Event()
    over = anyio.Event()

    async def run() -> None:
        await run_agent(settings, Address.parse(broker.url), stop=stop)
        over.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        yield
        stop.set()
        with anyio.fail_after(WITHIN_S):
            await over.wait()


@contextlib.asynccontextmanager
async def _collecting(broker: Broker) -> AsyncIterator[FakeCollector]:
    collector = FakeCollector(broker.url, NODE)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collector.run)
        await collector.link.until_connected()
        yield collector
        tasks.cancel_scope.cancel()


async def _until(true: Callable[[], object]) -> None:
    with anyio.fail_after(WITHIN_S):
        while not true():  # noqa: ASYNC110 - of many unlike things
            await anyio.sleep(0.02)


class Application:
    """What marks: the numbers of its lines, sent for the process `pid`."""

    def __init__(self, folder: Path, pid: int | None = None) -> None:
        self._path = str(folder / "marks.sock")
        self.pid = pid or os.getpid()
        self.n = 0

    def say(self, kind: str, t: int | None = None, **fields: Any) -> int:
        t = time.monotonic_ns() if t is None else t
        self.raw(json.dumps({"v": 1, "pid": self.pid, "n": self.n, "kind": kind, "t": t, **fields}).encode())
        self.n += 1
        return t

    def raw(self, line: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(line, self._path)

    def begin(self, trial: str = "t1") -> int:
        more = {"model": "m", "dataset": "d", "batch_size": 1, "group": "g", "index": 0}
        return self.say("trial_begin", trial=trial, **more)

    def end(self, trial: str = "t1") -> int:
        return self.say("trial_end", trial=trial, status="ok", images=0)


def _ends(collector: FakeCollector) -> list[TrialEnd]:
    return [event for event in collector.events() if isinstance(event, TrialEnd)]


async def test_everything_made_arrives_and_the_last_word_says_so(mosquitto: Broker, tmp_path: Path) -> None:
    async with _collecting(mosquitto) as collector:
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: len(collector.of("power/main")) >= 2)
        await _until(lambda: collector.states and collector.states[-1].state == "gone")
        health = collector.health()
        assert collector.holes() == {}
        (boot,) = collector.boots
        assert all(stream.final for stream in health.values())
        power = [frame for frame in collector.of("power/main") if isinstance(frame, PowerFrame)]
        assert health[boot, "power/main"].ticks == sum(frame.samples + frame.missed for frame in power)
        assert [state.state for state in collector.states][-3:] == ["ready", "draining", "gone"]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_each_boot_begins_with_a_manifest(mosquitto: Broker, tmp_path: Path, encoding: Any) -> None:
    async with _collecting(mosquitto) as collector:
        async with _running(mosquitto, _settings(tmp_path, encoding=encoding)):
            await _until(
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
    async with _collecting(mosquitto) as collector, _running(mosquitto, _settings(tmp_path)):
        collector.answering = False
        await _until(lambda: collector.count() >= 3)
        first = next(iter(collector.came))
        await _until(lambda: collector.came[first] >= 2)
        collector.answering = True
        await collector.answer()
        await _until(lambda: collector.health() and not collector.holes())


async def test_no_more_than_64_frames_are_on_their_way(mosquitto: Broker, tmp_path: Path) -> None:
    _leave_behind(tmp_path, frames=200)
    async with _collecting(mosquitto) as collector:
        collector.answering = False
        async with _running(mosquitto, _settings(tmp_path, drain_s=0.0)):
            await _until(lambda: collector.count() >= 64)
            await anyio.sleep(1.0)
            assert collector.count() == 64
            collector.answering = True
            await collector.answer()
            await _until(lambda: len(collector.of("power/main", "earlier")) == 200)


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
    async with _running(mosquitto, _settings(tmp_path)):
        await anyio.sleep(3.0)
    async with _collecting(mosquitto) as collector, _running(mosquitto, _settings(tmp_path)):
        await _until(lambda: len(collector.boots) == 2 and collector.health() and not collector.holes())
        old, new = sorted(collector.boots, key=lambda boot: collector.of("manifest/node", boot)[0].t0)
        report = next(iter(collector.of("health/agent", new)))
        assert isinstance(report, HealthFrame)
        finals = {stream.stream: stream.final for stream in report.streams if stream.boot == old}
        assert set(finals) >= {"power/main", "health/agent", "manifest/node"}
        assert all(finals.values())


async def test_an_end_of_a_trial_names_the_first_frame_that_reaches_past_it(
    mosquitto: Broker, tmp_path: Path
) -> None:
    delayed = SensorSpec("synthetic", options={"delay_s": 0.2})
    async with (
        _collecting(mosquitto) as collector,
        _running(mosquitto, _settings(tmp_path, sensors=(delayed,))),
    ):
        await _until(lambda: collector.of("power/main"))
        app = Application(tmp_path)
        app.say("prepare", group="g")
        await anyio.sleep(0.3)
        app.begin()
        await anyio.sleep(0.5)
        t_ns = app.end()
        await _until(lambda: _ends(collector))
        named = _ends(collector)[0].power["power/main"]
        await _until(lambda: any(frame.seq == named for frame in collector.of("power/main")))
        (boot,) = collector.boots
        last = {f.seq: _last(f) for f in collector.of("power/main", boot)}
        delay_ns = 1_000_000 * _manifest(collector).streams[0].delay_ms
        assert last[named] >= t_ns + delay_ns
        assert last.get(named - 1, 0) < t_ns + delay_ns


def _last(frame: Any) -> int:
    return int(frame.t0 + unpack_dt(frame.dt, frame.samples)[-1])


def _manifest(collector: FakeCollector) -> ManifestFrame:
    frame = collector.of("manifest/node")[-1]
    assert isinstance(frame, ManifestFrame)
    return frame


async def test_prepare_brings_the_trial_rate(mosquitto: Broker, tmp_path: Path) -> None:
    async with _collecting(mosquitto) as collector, _running(mosquitto, _settings(tmp_path)):
        await _until(lambda: collector.of("power/main"))
        Application(tmp_path).say("prepare", group="g")
        await _until(lambda: collector.of("power/main")[-1].tick == 2_000_000)  # type: ignore[union-attr]
        assert {frame.tick for frame in collector.of("power/main")} == {20_000_000, 2_000_000}  # type: ignore[union-attr]


async def test_a_process_that_dies_in_a_trial_leaves_an_aborted_one(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with _collecting(mosquitto) as collector, _running(mosquitto, _settings(tmp_path)):
        await _until(lambda: collector.of("power/main"))
        child = psutil.Popen(["sleep", "60"])
        Application(tmp_path, pid=child.pid).begin("doomed")
        await _until(collector.events)
        child.kill()
        child.wait()
        await _until(lambda: _ends(collector))
        (end,) = _ends(collector)
        assert (end.trial, end.status) == ("doomed", "aborted")
        assert end.power.keys() == {"power/main"}


async def test_a_trial_is_closed_though_the_agent_was_restarted_in_it(
    mosquitto: Broker, tmp_path: Path
) -> None:
    child = psutil.Popen(["sleep", "60"])
    async with _collecting(mosquitto) as collector:
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: collector.of("power/main"))
            Application(tmp_path, pid=child.pid).begin("doomed")
            await _until(collector.events)
        assert not _ends(collector)
        child.kill()
        child.wait()
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: _ends(collector))
        assert [(end.trial, end.status) for end in _ends(collector)] == [("doomed", "aborted")]


async def test_a_hole_in_a_processs_lines_is_a_mark_of_its_own(mosquitto: Broker, tmp_path: Path) -> None:
    async with _collecting(mosquitto) as collector, _running(mosquitto, _settings(tmp_path)):
        await _until(lambda: collector.of("power/main"))
        app = Application(tmp_path)
        app.begin()
        app.n += 3
        app.end()
        await _until(lambda: _ends(collector))
        kinds = [type(event) for event in collector.events()]
        assert kinds == [TrialBegin, MarksHole, TrialEnd]
        hole = collector.events()[1]
        assert isinstance(hole, MarksHole)
        assert (hole.lost, hole.trial, hole.pid) == (3, "t1", os.getpid())


async def test_bad_lines_harm_no_good_ones(mosquitto: Broker, tmp_path: Path) -> None:
    async with _collecting(mosquitto) as collector, _running(mosquitto, _settings(tmp_path)):
        await _until((tmp_path / "marks.sock").exists)
        app = Application(tmp_path)
        for line in (
            b"",
            b"nonsense",
            b"{}",
            b'{"v":1,"pid":1,"n":0,"kind":"trial_begin","t":1}',
            b"\xff" * 9000,
        ):
            app.raw(line)
            await anyio.sleep(0.01)
        app.begin()
        app.end()
        await _until(lambda: _ends(collector))
        assert [type(event) for event in collector.events()] == [TrialBegin, TrialEnd]


async def test_pings_become_clock_frames(mosquitto: Broker, tmp_path: Path) -> None:
    async with _collecting(mosquitto) as collector:
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: collector.of("power/main"))
            await anyio.sleep(1.0)
        frame = collector.of("clock/collector")[0]
        assert isinstance(frame, ClockFrame)
        assert frame.exchanges
        for exchange in frame.exchanges:
            assert exchange.t1 <= exchange.t4
            assert exchange.t2 <= exchange.t3


async def test_a_sampler_that_is_killed_is_replaced_and_that_is_a_new_boot(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with _collecting(mosquitto) as collector:
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: collector.of("power/main"))
            (sampler,) = [
                child for child in psutil.Process().children() if "sampler_child" in " ".join(child.cmdline())
            ]
            sampler.send_signal(signal.SIGKILL)
            await _until(lambda: len(collector.boots) == 2)
            new = collector.boots[1]
            await _until(lambda: collector.of("power/main", new))
            assert collector.of("power/main", new)[0].first == 0  # type: ignore[union-attr]
            await _until(lambda: collector.states[-1].state == "ready" and collector.states[-1].boot == new)
        assert collector.holes() == {}
        assert {stream.final for stream in collector.health().values()} == {True}


async def test_a_broker_that_is_killed_and_comes_back_empty_costs_nothing(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the agent sends before the collector is back goes to nobody, and is due again.
    monkeypatch.setattr(delivery, "FIRST_TIMEOUT_S", 1.0)
    async with _collecting(mosquitto) as collector:
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: collector.of("power/main"))
            mosquitto.kill()
            await anyio.sleep(1.5)
            mosquitto.start()
            seen = len(collector.states)
            await _until(lambda: len(collector.states) > seen)
            assert collector.states[-1].state == "ready"
        assert collector.holes() == {}
        assert len(collector.boots) == 1


async def test_a_wrong_retained_state_is_corrected(mosquitto: Broker, tmp_path: Path) -> None:
    async with _collecting(mosquitto) as collector, _running(mosquitto, _settings(tmp_path)):
        await _until(lambda: collector.states and collector.states[-1].state == "ready")
        lost = {"v": 1, "state": "lost", "boot": "an-earlier-one", "since": 1, "software": "x"}
        await collector.link.publish(f"e3p/v1/{NODE}/state", json.dumps(lost).encode(), retain=True)
        await _until(lambda: "lost" in [state.state for state in collector.states])
        await _until(lambda: collector.states[-1].state == "ready")


async def test_an_agent_that_vanishes_is_called_lost_and_its_successor_has_its_frames(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with _collecting(mosquitto) as collector:
        with _child(mosquitto, tmp_path) as child:
            await _until(lambda: len(collector.of("power/main")) >= 2)
            boot = collector.states[-1].boot
            child.kill()
            await _until(lambda: collector.states[-1].state == "lost")
            assert collector.states[-1].boot == boot
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: len(collector.boots) == 2)
        assert collector.holes() == {}


async def test_the_agent_stays_below_80_mib_with_its_sampler(mosquitto: Broker, tmp_path: Path) -> None:
    async with _collecting(mosquitto) as collector:
        with _child(mosquitto, tmp_path):
            await _until(lambda: len(collector.of("power/main")) >= 3)
            health = collector.of("health/agent")[-1]
            assert isinstance(health, HealthFrame)
            assert 0 < (health.agent_rss_mib or 0) < 80
            assert (health.agent_cpu_s or 0) > 0


AGENT = """
import sys, anyio, msgspec
from edge_node import agent, boots, delivery
from edge_node.accounts import Name
from edge_node.app import run_agent
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.settings import EdgeSettings
from telemetry.runtime.mqtt import Address
anyio.run(run_agent, msgspec.json.decode(sys.argv[1], type=EdgeSettings), Address.parse(sys.argv[2]))
"""


@contextlib.contextmanager
def _child(broker: Broker, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An agent as a process of its own."""
    settings = msgspec.json.encode(_settings(folder)).decode()
    child = subprocess.Popen([sys.executable, "-c", AGENT, settings, broker.url])
    try:
        yield child
    finally:
        child.terminate()
        child.wait(WITHIN_S)


async def test_a_wall_clock_that_is_stepped_makes_a_new_boot_when_no_trial_runs(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _collecting(mosquitto) as collector:
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: collector.of("power/main"))
            app = Application(tmp_path)
            app.begin()
            await _until(collector.events)
            stepped = boots.read_anchor() + 10**12
            monkeypatch.setattr(boots, "read_anchor", lambda: stepped)
            monkeypatch.setattr(agent, "read_anchor", lambda: stepped)
            await anyio.sleep(2.5)
            assert len(collector.boots) == 1
            app.end()
            await _until(lambda: len(collector.boots) == 2)
            new = collector.boots[1]
            await _until(lambda: collector.of("power/main", new))
            frame = collector.of("power/main", new)[0]
            assert (frame.anchor, frame.first) == (stepped, 0)  # type: ignore[union-attr]
        assert collector.holes() == {}


async def test_a_spool_that_breaks_in_use_is_replaced_and_what_it_held_is_declared_lost(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _collecting(mosquitto) as collector:
        collector.answering = False
        async with _running(mosquitto, _settings(tmp_path)):
            await _until(lambda: len(collector.of("power/main")) >= 3)
            with monkeypatch.context() as broken:
                broken.setattr(Spool, "write", _break)
                await _until(lambda: list(tmp_path.glob("node.spool.corrupt-*")))
            collector.answering = True
            await _until(lambda: len(collector.boots) == 2)
        old = collector.boots[0]
        account = collector.health()[old, "power/main"]
        assert account.final
        assert account.spooled == ()
        assert sum(ticks for _, _, ticks in account.declared_lost) == account.ticks
        assert {key: gone for key, gone in collector.holes().items() if key[0] != old} == {}


def _break(*_: object) -> None:
    raise SpoolBroken("database disk image is malformed")


async def test_two_agents_cannot_share_a_socket(mosquitto: Broker, tmp_path: Path) -> None:
    async with _running(mosquitto, _settings(tmp_path)):
        await _until((tmp_path / "marks.sock").exists)
        other = _settings(tmp_path, spool=str(tmp_path / "other.spool"))
        with pytest.raises(UserError, match="another agent listens there"):
            await run_agent(other, Address.parse(mosquitto.url))


async def test_a_socket_that_a_dead_agent_left_is_replaced(mosquitto: Broker, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(tmp_path / "marks.sock"))
    async with _collecting(mosquitto) as collector, _running(mosquitto, _settings(tmp_path)):
        await _until(lambda: collector.of("power/main"))
        Application(tmp_path).begin()
        await _until(collector.events)
    assert not (tmp_path / "marks.sock").exists()


async def test_a_sensor_that_does_not_open_is_a_persons_matter(mosquitto: Broker, tmp_path: Path) -> None:
    missing = SensorSpec("replay", options={"file": str(tmp_path / "none.csv")})
    with pytest.raises(UserError, match="replay"):
        await run_agent(_settings(tmp_path, sensors=(missing,)), Address.parse(mosquitto.url))
