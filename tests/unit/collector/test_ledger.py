from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract.encode import encode
from telemetry.contract.frames import MarksFrame, StreamHealth, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import ledger_row, power_ends, shares
from telemetry.contract.marks import TrialEnd
from telemetry.store.interface import Account, Report

KEY = StreamKey("n1", "b1", "power/main")
RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda r: (r[0], sum(r))), max_size=6)
SETS = RANGES.map(IntervalSet)


def health(**said: object) -> StreamHealth:
    fields = {"next_seq": 0, "spooled": (), "declared_lost": (), "ticks": 0, "final": False, **said}
    return StreamHealth(boot=KEY.boot, stream=KEY.stream, **fields)


def account(
    stored: object = (), dead: object = (), report: StreamHealth | None = None, **sums: int
) -> Account:
    said = Report(node=KEY.node, health=report, as_of=77) if report else None
    return Account(key=KEY, anchor=0, stored=IntervalSet(stored), dead=IntervalSet(dead), report=said, **sums)


REPORTS = st.none() | st.builds(
    health,
    next_seq=st.integers(0, 80),
    spooled=RANGES.map(tuple),
    declared_lost=RANGES.map(lambda ranges: tuple((*r, 5) for r in ranges)),
    final=st.booleans(),
)


@given(SETS, SETS, REPORTS, st.lists(st.integers(0, 90), max_size=2))
def test_every_frame_made_is_in_exactly_one_place(
    stored: IntervalSet, dead: IntervalSet, report: StreamHealth | None, ends: list[int]
) -> None:
    made, *parts = shares(stored, dead, report, ends)
    assert sum(len(part) for part in parts) == len(made)
    union = IntervalSet()
    for part in parts:
        union |= part
    assert union == made


@given(st.permutations(range(12)), st.sets(st.integers(0, 11)))
def test_the_order_of_arrival_changes_nothing(order: list[int], held: set[int]) -> None:
    grown = IntervalSet()
    for seq in order:
        grown |= IntervalSet.of([seq] if seq in held else [])
    assert ledger_row(account(grown.ranges)) == ledger_row(account(IntervalSet.of(held).ranges))


@given(SETS, REPORTS, st.integers(0, 60))
def test_one_frame_taken_away_is_named_and_no_other(
    stored: IntervalSet, report: StreamHealth | None, taken: int
) -> None:
    whole = shares(stored | IntervalSet.below(80), IntervalSet(), None)
    robbed = shares(whole.stored - IntervalSet.of([taken]), IntervalSet(), None)
    assert not whole.missing
    assert robbed.missing == IntervalSet.of([taken])


def test_a_seq_in_several_places_counts_for_the_first_of_them() -> None:
    report = health(next_seq=10, spooled=((2, 7),), declared_lost=((1, 5, 50),))
    row = ledger_row(account(stored=[(1, 1)], dead=[(1, 3)], report=report))
    assert (row.stored, row.dead, row.lost) == ([[1, 1]], [[2, 3]], [[4, 5]])
    assert (row.spooled, row.missing) == ([[6, 7]], [[0, 0], [8, 9]])
    assert not row.closed


def test_a_trial_end_tells_of_frames_that_nothing_else_told_of() -> None:
    row = ledger_row(account(stored=[(0, 3)]), ends=[6])
    assert row.missing == [[4, 6]]


def test_a_final_report_ends_the_sequence() -> None:
    row = ledger_row(account(stored=[(0, 3)], report=health(next_seq=4, final=True)), ends=[6])
    assert row.made == [[0, 3]]
    assert row.closed


def test_nothing_said_and_nothing_held_is_an_empty_closed_account() -> None:
    row = ledger_row(account())
    assert row.made_count == 0
    assert row.closed


def test_the_ticks_of_a_closed_boot_agree() -> None:
    report = health(next_seq=4, declared_lost=((3, 3, 25),), ticks=100, final=True)
    row = ledger_row(account(stored=[(0, 2)], report=report, samples=70, missed=5))
    assert (row.lost_ticks, row.ticks_off) == (25, 0)


def test_ticks_that_nobody_accounts_for_are_said() -> None:
    report = health(next_seq=3, ticks=100, final=True)
    assert ledger_row(account(stored=[(0, 2)], report=report, samples=70, missed=5)).ticks_off == 25


def test_a_lost_frame_that_came_after_all_does_not_count_its_ticks_twice() -> None:
    report = health(next_seq=3, declared_lost=((2, 2, 25),), ticks=75, final=True)
    row = ledger_row(account(stored=[(0, 2)], report=report, samples=70, missed=5))
    assert (row.lost_ticks, row.ticks_off) == (0, 0)


def test_ticks_are_not_judged_while_the_boot_lives() -> None:
    report = health(next_seq=3, ticks=100)
    assert ledger_row(account(stored=[(0, 2)], report=report, samples=70)).ticks_off is None


def test_a_row_says_when_the_node_reported() -> None:
    row = ledger_row(account(stored=[(0, 2)], report=health(next_seq=3)))
    assert row.as_of == 77
    assert encode(row, "json")


def test_trial_ends_name_their_streams_with_or_without_the_kind() -> None:
    ends = [
        TrialEnd(t=1, trial="a", status="ok", images=1, power={"main": 4}),
        TrialEnd(t=2, trial="b", status="ok", images=1, power={"power/main": 9, "wall": 2}),
    ]
    frame = MarksFrame(v=1, boot="b1", seq=0, anchor=0, t0=0, events=tuple(ends))
    assert power_ends([frame]) == {"power/main": 9, "power/wall": 2}
