from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.presence import BOTH_S, LIVE_S, MAX_BOOTS, MAX_OVER, Presence, Twins
from telemetry.contract.frames import HealthFrame, StreamHealth

EVERY_S = 10.0


def report(boot: str, *others: str, final: bool = False) -> HealthFrame:
    """What an agent says of its own boot, and of the boots before whose frames it still has."""
    streams = tuple(
        StreamHealth(
            boot=each,
            stream="power/main",
            next_seq=1,
            spooled=(),
            declared_lost=(),
            ticks=0,
            final=final or each != boot,
        )
        for each in (boot, *others)
    )
    return HealthFrame(v=1, boot=boot, seq=0, anchor=0, t0=0, streams=streams)


class Watching:
    """Reports that come one after the other; `told` are the twins."""

    def __init__(self) -> None:
        self.presence = Presence()
        self.told: list[Twins] = []

    def hear(self, at_s: float, boot: str, *others: str, final: bool = False, node: str = "n1") -> None:
        twins = self.presence.heard(node, report(boot, *others, final=final), at_s)
        if twins is not None:
            self.told.append(twins)


def test_two_boots_that_go_on_reporting_are_told_by_the_later_one() -> None:
    watching = Watching()
    for at in range(7):
        watching.hear(at * EVERY_S, "b1")
        watching.hear(at * EVERY_S + 15, "b2")
    assert watching.told == [Twins("b1", "b2")]


def test_two_live_boots_are_told_though_neither_clock_is_right() -> None:
    """Reports carry no time that is looked at: both devices may stand in 1970."""
    watching = Watching()
    watching.hear(0, "b1")
    watching.hear(1, "b2")
    watching.hear(1 + BOTH_S, "b1")
    assert watching.told == []
    watching.hear(2 + BOTH_S, "b1")
    assert watching.told == [Twins("b1", "b2")]


def test_a_third_boot_is_told_of_as_well() -> None:
    watching = Watching()
    for at in range(20):
        for boot, begins in (("b1", 0), ("b2", 5), ("b3", 10)):
            if at >= begins:
                watching.hear(at * EVERY_S, boot)
    assert [twins.later for twins in watching.told] == ["b2", "b3"]


def test_a_restart_that_sends_what_the_boot_before_left_is_no_twin() -> None:
    """Old reports come for minutes between new ones; the new ones name the old boot."""
    watching = Watching()
    watching.hear(0, "b1")
    for at in range(1, 60):
        watching.hear(at * EVERY_S, "b2", "b1")
        watching.hear(at * EVERY_S + 1, "b1")
    assert watching.told == []


def test_a_backlog_that_comes_before_the_first_report_of_its_heir_is_no_twin() -> None:
    watching = Watching()
    for at in range(5):
        watching.hear(at, "b1")
    watching.hear(5, "b2", "b1")
    for at in range(6, 120):
        watching.hear(at, "b2" if at % 10 == 0 else "b1", *(["b1"] if at % 10 == 0 else []))
    assert watching.told == []


def test_a_boot_whose_spool_was_thrown_away_falls_silent_and_is_no_twin() -> None:
    watching = Watching()
    watching.hear(0, "b1")
    watching.hear(5, "b2")
    watching.hear(6, "b1")  # it was on its way
    for at in range(2, 60):
        watching.hear(at * EVERY_S, "b2")
    assert watching.told == []


def test_a_boot_that_said_its_end_is_no_twin_whatever_still_comes_of_it() -> None:
    watching = Watching()
    watching.hear(0, "b1")
    watching.hear(10, "b1", final=True)
    watching.hear(11, "b2")
    for at in range(2, 20):
        watching.hear(at * EVERY_S, "b1")
        watching.hear(at * EVERY_S + 1, "b2")
    assert watching.told == []


def test_boot_after_boot_is_one_device() -> None:
    watching = Watching()
    for at in range(50):
        for second in range(3):
            watching.hear((3 * at + second) * EVERY_S, f"b{at}")
    assert watching.told == []


def test_a_twin_that_was_there_for_a_moment_long_ago_is_none_now() -> None:
    watching = Watching()
    watching.hear(0, "b1")
    watching.hear(1, "b2")
    watching.hear(2 + LIVE_S, "b1")
    assert watching.told == []


def test_nodes_are_looked_at_apart() -> None:
    watching = Watching()
    for at in range(10):
        watching.hear(at * EVERY_S, "b1", node="n1")
        watching.hear(at * EVERY_S, "b2", node="n2")
    assert watching.told == []


@given(st.lists(st.tuples(st.integers(0, 200), st.lists(st.integers(0, 200), max_size=3)), max_size=300))
def test_no_flood_of_boots_makes_it_grow(floods: list[tuple[int, list[int]]]) -> None:
    watching = Watching()
    for at, (boot, others) in enumerate(floods):
        watching.hear(float(at), f"b{boot}", *(f"b{each}" for each in others))
    for name in watching.presence._names.values():
        assert len(name.lives) <= MAX_BOOTS
        assert len(name.over) <= MAX_OVER
        assert len(name.told) <= MAX_OVER
