"""Two reports on one sequence become one: the newer word, and every loss that was ever declared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract.frames import StreamHealth
from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Report
from telemetry.store.sqlite.reports import merged


def losses(drawn: list[tuple[int, int, int]]) -> tuple[tuple[int, int, int], ...]:
    return tuple((first, first + length, ticks) for first, length, ticks in drawn)


LOSSES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9), st.integers(0, 99)), max_size=5).map(
    losses
)


def report(as_of: int, lost: tuple[tuple[int, int, int], ...]) -> Report:
    health = StreamHealth(
        boot="b", stream="power/main", next_seq=as_of, spooled=(), declared_lost=lost, ticks=0, final=False
    )
    return Report(node="tx2", health=health, as_of=as_of)


def named(lost: tuple[tuple[int, int, int], ...]) -> IntervalSet:
    return IntervalSet((first, last) for first, last, _ in lost)


@given(LOSSES, LOSSES)
def test_what_either_declared_lost_is_lost(older: tuple, newer: tuple) -> None:
    both = merged(report(1, older), report(2, newer))
    assert named(both.health.declared_lost) == named(older) | named(newer)


@given(LOSSES, LOSSES)
def test_the_order_of_arrival_changes_nothing(older: tuple, newer: tuple) -> None:
    first, second = report(1, older), report(2, newer)
    assert merged(first, second) == merged(second, first)


@given(LOSSES)
def test_the_same_losses_again_are_counted_once(lost: tuple) -> None:
    assert merged(report(1, lost), report(2, lost)) == report(2, lost)


def test_of_an_older_loss_that_is_named_in_part_the_rest_keeps_its_share_of_ticks() -> None:
    both = merged(report(1, ((0, 9, 40),)), report(2, ((0, 4, 20),)))
    assert both.health.declared_lost == ((0, 4, 20), (5, 9, 20))
