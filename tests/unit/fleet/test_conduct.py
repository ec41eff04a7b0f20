"""One node's conduct, on clocks that the tests turn."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzer.fleet.conduct import Conduct, Limits
from analyzer.fleet.signs import Sign
from telemetry.contract.frames import Frame
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.replies import State, StateName
from tests.analyzing import ANCHOR, Maker, S

MAKER = Maker()
LIMITS = Limits(silent_s=120.0, spool_mib=64.0)


class Scene:
    """A conduct and the time (s of both clocks)."""

    def __init__(self) -> None:
        self.conduct = Conduct("tx2", LIMITS, 0.0)

    def at(self, now_s: float) -> list[str]:
        """The signs by then."""
        return [f"{sign.turn} {sign.kind}" for sign in self.signs(now_s) if sign.turn != "end"]

    def signs(self, now_s: float) -> list[Sign]:
        return self.conduct.look(now_s, ANCHOR + round(now_s * S))

    def ends(self, now_s: float) -> list[str]:
        return [sign.kind for sign in self.signs(now_s) if sign.turn == "end"]

    def state(self, name: StateName, now_s: float, boot: str = "b1") -> None:
        self.conduct.state(State(state=name, boot=boot, since=0, software="1"), now_s)

    def report(self, seq: int, t_s: float, **fields: object) -> None:
        self.take(MAKER.health(seq, t_s, **fields).frame)

    def take(self, frame: Frame) -> None:
        self.conduct.take(frame.boot, frame)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_node_that_is_there_and_says_nothing_is_silent(scene: Scene) -> None:
    scene.state("ready", 0.0)
    scene.conduct.hear(10.0)
    assert scene.at(129.0) == []
    (sign,) = (each for each in scene.signs(131.0) if each.turn == "begin")
    assert (sign.kind, sign.at) == ("silent", ANCHOR + 10 * S)
    scene.conduct.hear(140.0)
    assert "silent" in scene.ends(141.0)


def test_a_node_that_ended_in_order_or_whose_state_nobody_knows_is_not_silent(scene: Scene) -> None:
    assert scene.at(1000.0) == []
    scene.state("gone", 1000.0)
    assert scene.at(2000.0) == []


def test_after_a_restart_of_the_server_silence_ends_only_with_a_word(scene: Scene) -> None:
    scene.state("ready", 0.0)
    assert "silent" not in scene.ends(60.0)
    assert scene.at(121.0) == ["begin silent"]


def test_a_node_that_the_broker_lost_and_that_is_back_at_once_is_not_told_of(scene: Scene) -> None:
    scene.state("ready", 0.0)
    scene.state("lost", 10.0)
    assert scene.at(39.0) == []
    scene.state("ready", 39.5)
    assert scene.at(100.0) == []


def test_a_node_that_stays_lost_is_lost_and_not_silent_too(scene: Scene) -> None:
    scene.state("ready", 0.0)
    scene.state("lost", 10.0)
    assert scene.at(41.0) == ["begin lost"]
    assert scene.at(1000.0) == []


def test_a_clock_that_is_six_minutes_behind_is_bad_until_it_is_right(scene: Scene) -> None:
    scene.take(MAKER.clock(0, MAKER.exchange(5, offset_s=360)).frame)
    (sign,) = (each for each in scene.signs(6.0) if each.turn == "begin")
    assert (sign.kind, sign.value) == ("clock_bad", -360.0)
    scene.take(MAKER.clock(1, MAKER.exchange(700, offset_s=0.2)).frame)
    assert "clock_bad" in scene.ends(701.0)


def test_two_reports_of_throttling_are_told_and_one_is_not(scene: Scene) -> None:
    scene.report(0, 10, throttle=("cpu",))
    scene.report(1, 20, throttle=())
    assert scene.at(21.0) == []
    scene.report(2, 30, throttle=("cpu",))
    scene.report(3, 40, throttle=("cpu",))
    assert scene.at(41.0) == ["begin throttled"]


def test_a_report_of_a_backlog_says_nothing_of_now(scene: Scene) -> None:
    scene.report(9, 900, throttle=())
    for seq in range(5):
        scene.report(seq, 10 * seq, throttle=("cpu",))
    assert scene.at(901.0) == []


def test_a_spool_that_stays_too_full_is_told(scene: Scene) -> None:
    for seq in range(3):
        scene.report(seq, 10 * seq, spool_bytes=70 << 20)
    assert scene.at(30.0) == ["begin spool_filling"]
    scene.report(3, 40, spool_bytes=40 << 20)
    assert "spool_filling" not in scene.ends(41.0)
    scene.report(4, 50, spool_bytes=30 << 20)
    assert "spool_filling" in scene.ends(51.0)


def test_frames_that_are_missing_for_ten_minutes_are_a_hole(scene: Scene) -> None:
    scene.conduct.ledger(40, 10.0)
    assert scene.at(500.0) == []
    (sign,) = (each for each in scene.signs(700.0) if each.turn == "begin")
    assert (sign.kind, sign.value, sign.unit) == ("hole", 40.0, "frames")


def test_a_restart_names_what_changed_with_both_hashes(scene: Scene) -> None:
    scene.take(MAKER.manifest(1, software="1.4", power_mode="MAXN").frame)
    assert scene.at(2.0) == []
    later = Maker("b2")
    scene.take(later.manifest(60, software="1.5", power_mode="MAXN").frame)
    (sign,) = (each for each in scene.signs(61.0) if each.turn == "moment")
    assert sign.cause == "software 1.4 → 1.5 (manifest manifest-b1-0 → manifest-b2-0)"
    assert "the agent was started anew" in sign.words


def test_boots_of_long_ago_are_no_news(scene: Scene) -> None:
    scene.take(MAKER.manifest(1).frame)
    scene.take(Maker("b2").manifest(60).frame)
    assert scene.at(5000.0) == []


def test_a_node_without_a_sensor_that_measures_is_told_as_such(scene: Scene) -> None:
    info = StreamInfo(
        stream="main",
        sensor="estimate",
        channels=("total",),
        total="total",
        origin="estimated",
        period_ms=100.0,
    )
    scene.take(MAKER.manifest(1, streams=(), device=Device(kind="x86-cpu")).frame)
    scene.conduct.look(2.0, ANCHOR)
    frame = MAKER.manifest(3, seq=1, device=Device(kind="x86-cpu")).frame
    scene.take(replace(frame, streams=(info,)))
    assert scene.at(4.0) == ["begin estimated_only"]


def test_a_healthy_node_has_no_finding(scene: Scene) -> None:
    scene.state("ready", 0.0)
    scene.take(MAKER.manifest(0).frame)
    found = []
    for second in range(10, 3600, 10):
        scene.conduct.hear(second)
        scene.conduct.ledger(0, second)
        scene.report(second, second, throttle=(), spool_bytes=2_000_000)
        scene.take(MAKER.clock(second, MAKER.exchange(second, offset_s=0.02)).frame)
        found += scene.at(second + 0.1)
    assert found == []
