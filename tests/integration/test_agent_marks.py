"""Marks through the whole agent: ends that name their frame, processes that die, lines that are bad."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest

from edge_node import agent, mark
from edge_node.power.sensor import SensorSpec
from telemetry.contract.columns import unpack, unpack_dt
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.marks import Batches, MarksHole, TrialBegin, TrialEnd
from tests.fakes.collector import FakeCollector
from tests.fakes.node import (
    Application,
    collecting,
    ends_of,
    running,
    settings_in,
    until,
)
from tests.servers import Broker

pytestmark = [pytest.mark.anyio]


async def test_an_end_of_a_trial_names_the_first_frame_that_reaches_past_it(
    mosquitto: Broker, tmp_path: Path
) -> None:
    delayed = SensorSpec("synthetic", options={"delay_s": 0.2})
    async with (
        collecting(mosquitto) as collector,
        running(mosquitto, settings_in(tmp_path, sensors=(delayed,))),
    ):
        await until(lambda: collector.of("power/main"))
        app = Application(tmp_path)
        app.say("prepare", group="g")
        await anyio.sleep(0.3)
        app.begin()
        await anyio.sleep(0.5)
        t_ns = app.end()
        await until(lambda: ends_of(collector))
        named = ends_of(collector)[0].power["power/main"]
        await until(lambda: any(frame.seq == named for frame in collector.of("power/main")))
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
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.of("power/main"))
        Application(tmp_path).say("prepare", group="g")
        await until(lambda: collector.of("power/main")[-1].tick == 2_000_000)  # type: ignore[union-attr]
        assert {frame.tick for frame in collector.of("power/main")} == {20_000_000, 2_000_000}  # type: ignore[union-attr]


async def test_where_a_trial_begins_is_written_down_at_once(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill of the agent may take along the newest samples, not the knowledge that a trial runs."""
    for period in ("WATCH_COMMIT_S", "TRIAL_COMMIT_S"):
        monkeypatch.setattr(agent, period, 1000.0)
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.of("manifest/node"))
        Application(tmp_path).begin()
        await until(lambda: any(isinstance(event, TrialBegin) for event in collector.events()))


async def test_a_process_that_dies_in_a_trial_leaves_an_aborted_one(
    mosquitto: Broker, tmp_path: Path
) -> None:
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.of("power/main"))
        child = psutil.Popen(["sleep", "60"])
        Application(tmp_path, pid=child.pid).begin("doomed")
        await until(collector.events)
        child.kill()
        child.wait()
        await until(lambda: ends_of(collector))
        (end,) = ends_of(collector)
        assert (end.trial, end.status) == ("doomed", "aborted")
        assert end.power.keys() == {"power/main"}


async def test_a_trial_is_closed_though_the_agent_was_restarted_in_it(
    mosquitto: Broker, tmp_path: Path
) -> None:
    child = psutil.Popen(["sleep", "60"])
    async with collecting(mosquitto) as collector:
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: collector.of("power/main"))
            Application(tmp_path, pid=child.pid).begin("doomed")
            await until(collector.events)
        assert not ends_of(collector)
        child.kill()
        child.wait()
        async with running(mosquitto, settings_in(tmp_path)):
            await until(lambda: ends_of(collector))
        assert [(end.trial, end.status) for end in ends_of(collector)] == [("doomed", "aborted")]


async def test_a_hole_in_a_processs_lines_is_a_mark_of_its_own(mosquitto: Broker, tmp_path: Path) -> None:
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.of("power/main"))
        app = Application(tmp_path)
        app.begin()
        app.n += 3
        app.end()
        # The newest frame goes first: a busy machine's end may come before its begin.
        await until(lambda: len(collector.events()) == 3)
        assert {type(event) for event in collector.events()} == {TrialBegin, MarksHole, TrialEnd}
        (hole,) = (event for event in collector.events() if isinstance(event, MarksHole))
        assert (hole.lost, hole.trial, hole.pid) == (3, "t1", os.getpid())


async def test_bad_lines_harm_no_good_ones(mosquitto: Broker, tmp_path: Path) -> None:
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until((tmp_path / "marks.sock").exists)
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
        await until(lambda: len(collector.events()) == 2)
        assert {type(event) for event in collector.events()} == {TrialBegin, TrialEnd}


async def test_a_program_that_marks_with_mark_py_is_understood(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E3P_SOCKET", str(tmp_path / "marks.sock"))
    async with collecting(mosquitto) as collector, running(mosquitto, settings_in(tmp_path)):
        await until(lambda: collector.of("power/main"))
        with mark.trial(model="m", dataset="d", batch_size=2, group="g", index=0) as trial:
            for _ in range(10):
                begin = mark.now_ns()
                await anyio.sleep(0.02)
                trial.batch(begin, mark.now_ns(), 2, hits=[True, False])

        def batches() -> list[Batches]:
            return [event for event in collector.events() if isinstance(event, Batches)]

        # The newest frame goes first: a busy machine's end may come before its batches.
        await until(lambda: sum(sum(unpack("i", each.images)) for each in batches()) == 20)
        await until(lambda: ends_of(collector))
        (end,) = ends_of(collector)
        assert (end.trial, end.status, end.images, end.correct) == (trial.id, "ok", 20, 10)
        assert all(batch.trial == trial.id for batch in batches())
