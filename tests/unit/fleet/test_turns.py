"""Windows of work in any order: what goes on is by time, as if each had come when it was over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.fleet.turns import MOST_WAITING, PATIENCE, Turns
from telemetry.contract.documents import Result
from tests.unit.fleet.windows import MINUTE, window

LONG_S = 60.0


def ends(windows: list[Result]) -> list[int]:
    return [each.end // MINUTE for each in windows]


def in_turn() -> Turns:
    """After ten windows that came one by one."""
    turns = Turns(0)
    for at in range(1, 11):
        turns.put(window(at), LONG_S * at)
        assert ends(turns.due(LONG_S * at)) == [at]
    return turns


def test_a_window_that_follows_the_last_one_does_not_wait() -> None:
    turns = in_turn()
    turns.put(window(11), 661.0)
    assert ends(turns.due(661.0)) == [11]


@given(st.permutations(range(20, 40)))
def test_a_backlog_goes_on_by_time_once_nothing_more_of_it_comes(order: list[int]) -> None:
    turns = in_turn()
    for second, at in enumerate(order):
        turns.put(window(at), 2400.0 + second)
        assert not turns.due(2400.0 + second)
    assert ends(turns.due(2600.0)) == list(range(20, 40))
    assert turns.late == 0


def test_what_is_live_waits_behind_a_backlog() -> None:
    turns = in_turn()
    for second, at in enumerate([40, 39, 41, 38, 37, 42]):
        turns.put(window(at), 2400.0 + second)
    assert ends(turns.due(2403.0)) == []
    assert ends(turns.due(2600.0)) == [37, 38, 39, 40, 41, 42]


def test_a_revision_of_what_waits_stands_in_its_place() -> None:
    turns = in_turn()
    turns.put(window(20, revision=1), 2400.0)
    turns.put(window(20, revision=2), 2401.0)
    assert [each.revision for each in turns.due(2600.0)] == [2]


def test_a_backlog_without_end_is_not_waited_for() -> None:
    turns = in_turn()
    begin_s, due = 10_000.0, []
    for second in range(int(PATIENCE * LONG_S) + 1):
        turns.put(window(5000 - second), begin_s + second)
        due += turns.due(begin_s + second)
    assert len(due) == PATIENCE * LONG_S + 1


def test_what_comes_after_its_turn_is_counted_unless_it_is_a_revision() -> None:
    turns = in_turn()
    turns.put(window(3, revision=2), 700.0)
    turns.put(window(4, revision=1), 700.0)
    assert turns.due(1000.0) == []
    assert turns.late == 1


def test_only_so_many_wait() -> None:
    turns = Turns(0)
    for at in range(MOST_WAITING, 0, -1):
        turns.put(window(at + 100), 0.0)
    assert len(turns.due(0.0)) == MOST_WAITING
