"""The rows of several writers are one account."""

from __future__ import annotations

from telemetry.contract.intervals import IntervalSet
from telemetry.store.influx.rows import Row, read_row, row_of, stored_twice, united
from telemetry.store.interface import Report
from tests.contracts.store.builders import ANCHOR, POWER, word


def row(*runs: tuple[int, int], **fields: object) -> Row:
    spans = tuple((first, last, first * 10, last * 10) for first, last in runs)
    return Row(**{"node": "tx2", "boot": "b1", "stream": "power/main", "runs": spans, **fields})


def test_rows_add_up() -> None:
    one = row((0, 3), samples=16, missed=str(2**63), anchor=ANCHOR, rooms=("raw",), longest=5)
    other = row((4, 9), samples=24, missed=str(2**63), rooms=("archive",), longest=9, tangled=True)
    both = united([other, one])
    assert both.seqs == IntervalSet([(0, 9)])
    assert (both.samples, both.missed, both.longest) == (40, str(2**64), 9)
    assert (both.anchor, both.rooms, both.tangled) == (ANCHOR, ("archive", "raw"), True)


def test_the_newest_report_speaks_and_what_was_lost_stays_lost() -> None:
    old = Report(node="tx2", health=word(10, lost=((2, 3, 8),)), as_of=1)
    new = Report(node="tx2", health=word(20), as_of=2)
    for rows in ([row().told(old), row().told(new)], [row().told(new), row().told(old)]):
        report = united(rows).report
        assert report is not None
        assert (report.health.next_seq, report.health.declared_lost) == (20, ((2, 3, 8),))


def test_numbers_that_two_writers_stored_are_named() -> None:
    again = stored_twice([row((0, 5)), row((4, 9)), row((9, 9))])
    assert again == [IntervalSet(), IntervalSet([(4, 5)]), IntervalSet([(9, 9)])]


def test_a_row_comes_back_from_its_document() -> None:
    import msgspec

    full = row((0, 3), samples=7, anchor=-5).told(Report(node="tx2", health=word(9), as_of=3))
    assert read_row(msgspec.json.encode(full).decode()) == full
    assert row_of(POWER).seqs == IntervalSet()
