"""Frames as lines: every reading is the very same number again, and no reading is no field."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received
from telemetry.contract.frames import PowerFrame
from telemetry.store.influx.lines import frame_line, lines_of, power_lines
from tests.contracts.store.builders import ANCHOR, S, health, power, word

NAN = math.nan
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def frame(watts: list[float], *, ch: tuple[str, ...] = ("total",), **fields: object) -> Received:
    samples = len(watts) // len(ch)
    said = {"dt": pack_dt([at * 1_000_000 for at in range(samples)]), "ch": ch, "w": pack("f", watts)}
    return power(0, **{**said, **fields})


def plotted(received: Received) -> list[str]:
    assert isinstance(received.frame, PowerFrame)
    return power_lines("tx2", "main", received.frame).decode().splitlines()


@given(st.lists(FLOATS, min_size=1, max_size=40))
def test_every_reading_is_the_same_float32_again(watts: list[float]) -> None:
    read = [float(line.split(" ")[1].removeprefix("total=")) for line in plotted(frame(watts))]
    assert [struct.pack("<f", value) for value in read] == [struct.pack("<f", value) for value in watts]


def test_a_sample_is_a_line_with_a_field_for_each_channel() -> None:
    assert plotted(frame([1.5, -2.0, 0.1, 3.0], ch=("total", "gpu"))) == [
        f"power,boot=b1,node=tx2,stream=main total=1.5,gpu=-2.0 {ANCHOR}",
        f"power,boot=b1,node=tx2,stream=main total=0.1,gpu=3.0 {ANCHOR + 1_000_000}",
    ]


def test_no_reading_is_no_field_and_a_sample_without_any_is_no_line() -> None:
    watts = [1.0, NAN, NAN, NAN, 2.0, 3.0, math.inf, 4.0]
    fields = sorted(line.split(" ")[1] for line in plotted(frame(watts, ch=("a", "b"))))
    assert fields == ["a=1.0", "a=2.0,b=3.0", "b=4.0"]


def test_a_frame_without_samples_is_one_line_only() -> None:
    empty = frame([], dt=b"", missed=4)
    assert lines_of(empty, 5).count(b"\n") == 1
    assert b"n=0i,first=0i,missed=4i" in frame_line(empty, 5)


def test_offsets_of_64_bits_are_read_as_such() -> None:
    wide = frame([1.0, 2.0], dt=pack_dt([0, 3_000_000_000_000]))
    assert plotted(wide)[1].endswith(f" {ANCHOR + 3000 * S}")


@pytest.mark.parametrize(
    ("name", "key"), [("time", "%74ime"), ("", "%"), ("a b", "a\\ b"), ("50%", "50%25"), ("x\ny", "x%0Ay")]
)
def test_any_channel_name_makes_a_lawful_field(name: str, key: str) -> None:
    assert plotted(frame([1.0], ch=(name,))) == [
        f"power,boot=b1,node=tx2,stream=main {key}=1.0 {ANCHOR}",
    ]


def test_numbers_of_a_health_report_are_plotted_as_floats() -> None:
    report = health(0, word(1))
    line = lines_of(report, 5)
    assert line.count(b"\n") == 1  # it holds no number: nothing to plot


def test_each_marked_batch_is_plotted_at_its_end() -> None:
    from tests.analyzing import Maker, batches

    maker = Maker()
    lines = lines_of(maker.marks(0, batches(2.0, images=(8, 4))), 5).decode().splitlines()
    assert lines[1:] == [
        f"batch,node=tx2 images=8i,latency_ms=10.0 {maker.anchor + 2 * S - S // 100}",
        f"batch,node=tx2 images=4i,latency_ms=10.0 {maker.anchor + 2 * S}",
    ]


def test_the_total_of_each_stream_is_told_of_a_node() -> None:
    from telemetry.store.influx.plots import lasting_line
    from tests.analyzing import Maker

    line = lasting_line("tx2", Maker().manifest(streams=("main", "board")).frame)
    assert b'total_main="total",total_board="total"' in line
    assert b'origin="synthetic"' in line
