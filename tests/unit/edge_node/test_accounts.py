"""The node's own account of its frames."""

from __future__ import annotations

from edge_node.accounts import Account, Accounts, Loss, Name
from telemetry.contract.intervals import IntervalSet

POWER = Name("b1", "power/main")


def _accounts(frames: int, ticks: int = 10) -> Accounts:
    accounts = Accounts()
    for _ in range(frames):
        accounts.number(POWER, ticks)
    return accounts


def test_numbers_begin_at_0_and_have_no_holes_for_each_sequence() -> None:
    accounts = Accounts()
    assert [accounts.number(name) for name in (POWER, POWER, Name("b2", "power/main"), POWER)] == [0, 1, 0, 2]


def test_a_frame_counts_as_spooled_from_the_moment_it_has_its_number() -> None:
    (report,) = _accounts(3).report("b1")
    assert (report.next_seq, report.spooled, report.ticks, report.final) == (3, ((0, 2),), 30, False)


def test_what_is_settled_is_no_longer_spooled() -> None:
    accounts = _accounts(5)
    accounts.settle(POWER, IntervalSet([(0, 1), (3, 3)]))
    assert accounts[POWER].spooled == IntervalSet([(2, 2), (4, 4)])


def test_what_is_lost_is_declared_with_its_ticks_and_still_counts() -> None:
    accounts = _accounts(4)
    accounts.lose([Loss(POWER, 0, 1, 20)])
    (report,) = accounts.report("b1")
    assert (report.declared_lost, report.spooled, report.ticks) == (((0, 1, 20),), ((2, 3),), 40)


def test_declarations_that_touch_become_one() -> None:
    accounts = _accounts(6)
    for first in (0, 1, 3):
        accounts.lose([Loss(POWER, first, first, 10)])
    assert accounts[POWER].lost == ((0, 1, 20), (3, 3, 10))


def test_sequences_of_other_boots_are_final() -> None:
    accounts = _accounts(1)
    accounts.number(Name("b2", "power/main"))
    assert [stream.final for stream in accounts.report("b2")] == [True, False]
    assert [stream.final for stream in accounts.report("b2", closing=True)] == [True, True]


def test_a_boot_is_over_when_nothing_of_it_is_spooled() -> None:
    accounts = _accounts(1)
    accounts.number(Name("b1", "marks/app"))
    accounts.number(Name("b2", "power/main"))
    accounts.settle(POWER, IntervalSet([(0, 0)]))
    assert accounts.over("b2") == set()
    accounts.settle(Name("b1", "marks/app"), IntervalSet([(0, 0)]))
    assert accounts.over("b2") == {"b1"}
    accounts.forget(["b1"])
    assert [stream.boot for stream in accounts.report("b2")] == ["b2"]


def test_an_answer_for_an_unknown_sequence_changes_nothing() -> None:
    accounts = _accounts(1)
    accounts.settle(Name("never", "power/main"), IntervalSet([(0, 9)]))
    assert len(accounts.report("b1")) == 1


def test_what_a_lost_spool_held_is_lost_with_its_ticks() -> None:
    accounts = _accounts(6)
    accounts.settle(POWER, IntervalSet([(1, 2)]), ticks=20)
    accounts.lose([Loss(POWER, 5, 5, 10)])
    orphaned = accounts.orphaned({})
    assert orphaned == [Loss(POWER, 0, 0, 30), Loss(POWER, 3, 4, 0)]
    accounts.lose(orphaned)
    assert accounts.is_clear
    assert accounts[POWER].kept_ticks == 0


def test_what_was_saved_of_a_broken_spool_is_not_lost_and_what_was_settled_is_stale_there() -> None:
    accounts = _accounts(6)
    accounts.settle(POWER, IntervalSet([(1, 2)]), ticks=20)
    held = {POWER: Account(spooled=IntervalSet([(2, 4)]), kept_ticks=20)}
    assert accounts.stale(held) == {POWER: IntervalSet([(2, 2)])}
    held = {POWER: Account(spooled=IntervalSet([(3, 4)]), kept_ticks=20)}
    assert accounts.orphaned(held) == [Loss(POWER, 0, 0, 20), Loss(POWER, 5, 5, 0)]
