from __future__ import annotations

from collector.clock import WRONG_NS, Clocks

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
