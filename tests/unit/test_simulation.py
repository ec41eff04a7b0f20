from __future__ import annotations

import pytest

from e3p.simulation import MEAN_W, PERIOD_FRAMES, SimulatedNode, Waveform
from e3p.spread import Spread
from edge_node.boots import Boot
from telemetry.contract.columns import unpack
from telemetry.contract.decode import Received, receive
from telemetry.contract.frames import HealthFrame, PowerFrame
from telemetry.contract.topics import stream_topic

BEGIN_NS = 5_000_000_000


def made(frames: int, rate_hz: float = 1000.0, channels: int = 4) -> list[Received]:
    """What a node sends in its life, judged as the collector does."""
    node = SimulatedNode("sim-1", Boot("b1", 10**18, "os"), Waveform(rate_hz, channels))
    node.begin(BEGIN_NS)
    for _ in range(frames):
        node.make_power()
    node.make_health(BEGIN_NS + 10**9, closing=True)
    sent = node.dispatch.take(0.0)
    found = [receive(stream_topic(node.name, frame.stream), node.payload(frame)) for frame in sent]
    return [each for each in found if isinstance(each, Received)]


def power(received: list[Received]) -> list[PowerFrame]:
    frames = [each.frame for each in received if isinstance(each.frame, PowerFrame)]
    return sorted(frames, key=lambda frame: frame.seq)


@pytest.mark.parametrize(("rate_hz", "channels"), [(1000.0, 4), (20.0, 2), (1.0, 3), (0.5, 64), (333.0, 4)])
def test_all_that_a_simulated_node_sends_is_lawful(rate_hz: float, channels: int) -> None:
    assert len(made(20, rate_hz, channels)) == 22


@pytest.mark.parametrize("rate_hz", [1000.0, 7.0, 0.5])
def test_samples_follow_each_other_at_the_rate_through_all_frames(rate_hz: float) -> None:
    frames = power(made(10, rate_hz))
    times = [frame.t0 + at for frame in frames for at in unpack("i", frame.dt)]
    assert times == [BEGIN_NS + at * round(1e9 / rate_hz) for at in range(len(times))]
    assert [frame.first for frame in frames] == [seq * frames[0].samples for seq in range(10)]


def test_the_power_is_known_ten_watts_on_average_shared_by_the_rails() -> None:
    frames = power(made(PERIOD_FRAMES))
    rows = [unpack("f", frame.w)[at : at + 4] for frame in frames for at in range(0, 1000, 4)]
    assert sum(row[0] for row in rows) / len(rows) == pytest.approx(MEAN_W, abs=1e-4)
    assert all(row[0] == pytest.approx(sum(row[1:]), abs=1e-4) for row in rows)


def test_the_last_word_accounts_for_every_frame_itself_too() -> None:
    (last,) = [each.frame for each in made(20) if isinstance(each.frame, HealthFrame)]
    assert {stream.stream: (stream.next_seq, stream.final) for stream in last.streams} == {
        "manifest/node": (1, True),
        "power/main": (20, True),
        "health/agent": (1, True),
    }
    assert {stream.stream: stream.ticks for stream in last.streams}["power/main"] == 20 * 250


def test_a_frame_that_is_sent_again_is_the_same() -> None:
    node = SimulatedNode("sim-1", Boot("b1", 10**18, "os"), Waveform(1000.0, 4))
    node.begin(BEGIN_NS)
    node.make_power()
    frames = node.dispatch.take(0.0)
    assert [node.payload(frame) for frame in frames] == [node.payload(frame) for frame in frames]


def test_quantiles_are_right_to_two_percent() -> None:
    spread = Spread()
    for ms in range(1, 1001):
        spread.add(ms / 1000)
    assert spread.quantile(0.5) == pytest.approx(0.5, rel=0.021)
    assert spread.quantile(0.99) == pytest.approx(0.99, rel=0.021)


def test_nothing_has_no_quantile() -> None:
    assert Spread().quantile(0.5) is None
