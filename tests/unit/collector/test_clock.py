from __future__ import annotations

from collector.clock import WRONG_NS, Clocks
from collector.presence import BOTH_NS, FRESH_NS, Presence

NOW = 1_800_000_000_000_000_000
HOUR = 3_600_000_000_000


def test_a_ping_five_minutes_off_tells_a_bad_clock() -> None:
    clocks = Clocks()
    assert not clocks.ping("n1", NOW + WRONG_NS, NOW)
    assert clocks.ping("n1", NOW - WRONG_NS - 1, NOW)
    assert clocks.bad == {"n1"}


def test_the_newest_ping_counts() -> None:
    clocks = Clocks()
    clocks.ping("n1", NOW + HOUR, NOW)
    assert clocks.ping("n1", NOW, NOW)
    assert not clocks.bad


def test_a_clock_that_stays_bad_is_told_once() -> None:
    clocks = Clocks()
    assert clocks.ping("n1", NOW + HOUR, NOW)
    assert not clocks.ping("n1", NOW + HOUR + 5, NOW + 5)


def test_old_frames_say_nothing_of_a_clock() -> None:
    clocks = Clocks()
    assert not clocks.frame("n1", "b1", NOW - 1_000 * HOUR, NOW)
    assert not clocks.bad


def test_a_frame_from_the_future_tells_a_bad_clock() -> None:
    clocks = Clocks()
    assert clocks.frame("n1", "b1", NOW + WRONG_NS + 1, NOW)
    assert clocks.bad == {"n1"}


def test_the_backlog_of_a_boot_from_the_future_does_not_undo_a_good_ping() -> None:
    clocks = Clocks()
    clocks.frame("n1", "b1", NOW + HOUR, NOW)
    clocks.ping("n1", NOW, NOW)
    assert not clocks.frame("n1", "b1", NOW + HOUR, NOW)
    assert not clocks.bad


def test_a_bad_clock_touches_no_other_node() -> None:
    clocks = Clocks()
    clocks.ping("n1", NOW + HOUR, NOW)
    clocks.ping("n2", NOW, NOW)
    assert clocks.bad == {"n1"}


def see(presence: Presence, boot: str, at: int, made: int | None = None) -> str | None:
    return presence.seen("n1", boot, at if made is None else made, at)


def test_two_live_boots_are_told_by_the_later_one() -> None:
    presence = Presence()
    see(presence, "b1", NOW)
    see(presence, "b2", NOW + 1)
    assert see(presence, "b1", NOW + BOTH_NS) is None
    assert see(presence, "b1", NOW + BOTH_NS + 2) == "b2"


def test_two_live_boots_are_told_once() -> None:
    presence = Presence()
    see(presence, "b1", NOW)
    see(presence, "b2", NOW + 1)
    see(presence, "b1", NOW + 2 * BOTH_NS)
    assert see(presence, "b1", NOW + 3 * BOTH_NS) is None


def test_a_backlog_of_the_boot_before_is_no_life() -> None:
    presence = Presence()
    see(presence, "b1", NOW)
    see(presence, "b2", NOW + 1)
    late = NOW + 2 * BOTH_NS
    assert see(presence, "b1", late, made=late - FRESH_NS - 1) is None


def test_boot_after_boot_is_one_device() -> None:
    presence = Presence()
    for at in range(20):
        assert see(presence, f"b{at}", NOW + at * BOTH_NS) is None
        assert see(presence, f"b{at}", NOW + (at + 1) * BOTH_NS - 1) is None
