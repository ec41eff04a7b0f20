"""A recorded log as blocks: every tick of the log is in exactly one of them."""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_node.power import ptdaemon
from edge_node.power.recording import Recording, absent, blocks
from telemetry.contract.columns import unpack, unpack_dt

DATA = Path(__file__).parents[2] / "data" / "mlperf-power-v2.0"
LOGS = sorted(DATA.glob("*.spl.txt"))
MS = 1_000_000


def _recording(times_ms: list[float]) -> Recording:
    times = array("q", [round(t * MS) for t in times_ms])
    return Recording("csv", ("total",), times, array("d", [5.0] * len(times)))


gaps = st.lists(st.integers(1, 5000 * MS), min_size=0, max_size=60)


@given(gaps, st.floats(0.5, 100))
def test_blocks_hold_every_reading_and_number_every_tick(steps: list[int], frame_s: float) -> None:
    times = array("q", [0])
    for step in steps:
        times.append(times[-1] + step)
    recording = Recording("csv", ("total",), times, array("d", map(float, range(len(times)))))
    seen: list[int] = []
    watts: list[float] = []
    due = 0
    for block in blocks(recording, frame_s):
        assert block.first == due
        due += block.ticks
        seen += [block.t0 + dt for dt in unpack_dt(block.dt, block.samples)]
        watts += unpack("f", block.w)
    assert seen == list(times)
    assert watts == list(recording.watts)
    assert due == len(recording) + sum(absent(recording))


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name.split(".")[0])
def test_the_ticks_of_a_real_log_are_the_seconds_it_lasted(path: Path) -> None:
    recording = ptdaemon.read(path)
    lasted_s = (recording.times_ns[-1] - recording.times_ns[0]) / 1e9
    ticks = sum(block.ticks for block in blocks(recording))
    assert ticks == pytest.approx(lasted_s + 1, abs=4)


def test_a_steady_log_lacks_nothing() -> None:
    assert sum(absent(_recording([0, 1003, 1998, 3001, 4000]))) == 0


def test_a_hole_of_two_seconds_lacks_two_readings() -> None:
    assert list(absent(_recording([0, 1000, 4000, 5000, 6000, 7000]))) == [0, 0, 2, 0, 0, 0]


def test_lines_that_a_late_meter_writes_at_once_are_taken_off_the_hole_before_them() -> None:
    assert list(absent(_recording([0, 1000, 2000, 5100, 5101, 5102, 6000, 7000]))) == [0] * 8


def test_error_values_travel_as_nan() -> None:
    recording = ptdaemon.read(DATA / "Orin_TRT_MaxQ__ssd-resnet34__Offline.spl.txt")
    nans = sum(math.isnan(watts) for block in blocks(recording) for watts in unpack("f", block.w))
    assert nans == recording.errors == 4


def test_a_block_is_as_long_as_asked() -> None:
    recording = _recording([1000.0 * second for second in range(25)])
    assert [block.samples for block in blocks(recording, frame_s=10)] == [10, 10, 5]


def test_a_single_reading_is_a_block() -> None:
    (block,) = blocks(_recording([5.0]))
    assert (block.samples, block.missed, block.t0) == (1, 0, 5 * MS)


@pytest.mark.parametrize(
    ("times_ms", "tick_ms"),
    [([0, 1003, 1999, 3001], 1000), ([0, 33.4, 66.7, 100.0], 33.3), ([7], 1000)],
)
def test_the_tick_is_the_usual_spacing(times_ms: list[float], tick_ms: float) -> None:
    assert _recording(times_ms).tick_ns == pytest.approx(tick_ms * MS, rel=0.005)
