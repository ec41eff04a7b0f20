"""What is told once, ended once, and never floods."""

from __future__ import annotations

from analyzer.fleet.register import NEW_A_MINUTE, OPEN_OF_NODE, Register
from analyzer.fleet.signs import Latch, Sign

S = 1_000_000_000


def begins(node: str = "n1", subject: str | None = None, at: int = 5 * S) -> Sign:
    return Sign(kind="throttled", node=node, subject=subject, at=at, words="hot")


def ends(at: int = 9 * S) -> Sign:
    return Sign(turn="end", kind="throttled", node="n1", at=at)


def test_what_lasts_is_told_once() -> None:
    register = Register()
    finding = register.take(begins(), 7 * S)
    assert finding is not None
    assert (finding.begin, finding.at, finding.until, finding.revision) == (5 * S, 7 * S, None, 1)
    assert register.take(begins(at=6 * S), 8 * S) is None


def test_its_end_is_a_new_revision_of_the_same_document() -> None:
    register = Register()
    begun = register.take(begins(), 7 * S)
    ended = register.take(ends(), 10 * S)
    assert begun is not None
    assert ended is not None
    assert (ended.id, ended.revision, ended.until, ended.at) == (begun.id, 2, 9 * S, begun.at)
    assert register.take(ends(), 11 * S) is None
    assert register.lasting == []


def test_after_a_restart_what_lasts_is_neither_told_again_nor_forgotten() -> None:
    begun = Register().take(begins(), 7 * S)
    assert begun is not None
    register = Register([begun])
    assert register.take(begins(at=30 * S), 40 * S) is None
    ended = register.take(ends(at=50 * S), 50 * S)
    assert ended is not None
    assert ended.id == begun.id


def test_a_moment_is_over_at_once_and_told_once() -> None:
    register = Register()
    moment = Sign(turn="moment", kind="restarted", node="n1", at=5 * S)
    told = register.take(moment, 6 * S)
    assert told is not None
    assert told.until == told.begin
    assert register.take(moment, 7 * S) is None


def test_a_thousand_findings_in_a_minute_are_shed_and_counted() -> None:
    register = Register()
    told = [register.take(begins(f"n{at}", at=at), 10 * S) for at in range(1000)]
    assert sum(finding is not None for finding in told) == NEW_A_MINUTE
    assert register.shed == 1000 - NEW_A_MINUTE
    assert register.take(begins("later"), 100 * S) is not None


def test_of_one_node_only_so_many_last_at_a_time() -> None:
    register = Register()
    told = [register.take(begins(subject=f"s{at}", at=at), at * 60 * S) for at in range(OPEN_OF_NODE + 5)]
    assert sum(finding is not None for finding in told) == OPEN_OF_NODE


def test_a_latch_turns_only_after_looks_in_a_row() -> None:
    latch = Latch(2, 3)
    seen = [latch.see(holds=holds, at_ns=at) for at, holds in enumerate([1, 0, 1, 1, 0, 0, 1, 0, 0, 0])]
    assert [(at, turn) for at, turn in enumerate(seen) if turn] == [(3, "begin"), (9, "end")]
