from __future__ import annotations

from datetime import datetime, timezone

import pytest

from collector.meter import Known, Meters, meter_key
from telemetry.contract.columns import pack, unpack
from telemetry.contract.decode import Meter, Received
from telemetry.contract.errors import Refused
from telemetry.contract.frames import PowerFrame
from telemetry.contract.topics import FrameTopic

TOPIC = FrameTopic("wall", "power", "main")
SECOND = 1_000_000_000
NOON = int(datetime(2026, 1, 5, 12, tzinfo=timezone.utc).timestamp()) * SECOND


def message(*times: int) -> Meter:
    return Meter(t=pack("q", times), ch=("total",), w=pack("f", [7.0] * len(times)))


def take(meters: Meters, *times: int) -> PowerFrame | None:
    received = meters.frame(TOPIC, message(*times))
    if received is None:
        return None
    meters.took(received)
    assert isinstance(received.frame, PowerFrame)
    return received.frame


def test_the_boot_is_the_utc_day_of_the_first_sample() -> None:
    assert meter_key(TOPIC, message(NOON)) == ("wall", "meter-2026-01-05", "power/main")
    assert meter_key(TOPIC, message(-1)).boot == "meter-1969-12-31"


def test_the_envelope_says_utc() -> None:
    frame = take(Meters(), NOON, NOON + SECOND)
    assert frame is not None
    assert (frame.anchor, frame.t0, frame.seq, frame.first, frame.missed) == (0, NOON, 0, 0, 0)
    assert list(unpack("f", frame.w)) == [7.0, 7.0]


def test_messages_are_numbered_without_holes() -> None:
    meters = Meters()
    frames = [take(meters, NOON + at * SECOND, NOON + at * SECOND + 1) for at in range(3)]
    assert [frame and (frame.seq, frame.first) for frame in frames] == [(0, 0), (1, 2), (2, 4)]


@pytest.mark.parametrize("start", [NOON, NOON + SECOND])
def test_a_message_whose_times_do_not_rise_is_a_repeat(start: int) -> None:
    meters = Meters()
    take(meters, NOON, NOON + SECOND)
    assert meters.frame(TOPIC, message(start, NOON + 9 * SECOND)) is None


def test_times_that_lie_farther_apart_than_64_bits_tell_are_refused() -> None:
    with pytest.raises(Refused, match="64 bits"):
        Meters().frame(TOPIC, message(-9 * 10**18, 9 * 10**18))


def test_a_message_that_was_not_taken_leaves_no_hole() -> None:
    meters = Meters()
    assert meters.frame(TOPIC, message(NOON)) is not None
    frame = take(meters, NOON)
    assert frame is not None
    assert frame.seq == 0


def test_times_that_fall_within_a_message_are_refused() -> None:
    with pytest.raises(Refused, match="must rise"):
        Meters().frame(TOPIC, message(NOON, NOON - 1))


def test_each_day_is_numbered_by_itself() -> None:
    meters = Meters()
    take(meters, NOON)
    frame = take(meters, NOON + 86_400 * SECOND)
    assert frame is not None
    assert (frame.boot, frame.seq) == ("meter-2026-01-06", 0)


@pytest.mark.parametrize(
    ("times", "tick"), [((0, 10, 20, 90), 10), ((0, SECOND, 3 * SECOND), 2 * SECOND), ((0,), SECOND)]
)
def test_the_tick_is_the_usual_spacing(times: tuple[int, ...], tick: int) -> None:
    frame = take(Meters(), *times)
    assert frame is not None
    assert frame.tick == tick


def test_the_tick_of_a_single_sample_is_its_distance_to_the_one_before() -> None:
    meters = Meters()
    take(meters, NOON)
    frame = take(meters, NOON + 5 * SECOND)
    assert frame is not None
    assert frame.tick == 5 * SECOND


def test_samples_hours_apart_still_fit() -> None:
    frame = take(Meters(), NOON, NOON + 7_200 * SECOND)
    assert frame is not None
    assert frame.last == NOON + 7_200 * SECOND


def test_a_time_that_fits_no_clock_is_refused_or_taken_but_breaks_nothing() -> None:
    received = Meters().frame(TOPIC, message(2**63 - 1))
    assert isinstance(received, Received)
    assert Known().last_ns < -(2**62)
