"""The outcome of each frame of a batch, from what is known, and the questions where that is not enough."""

from __future__ import annotations

from collections.abc import Sequence

from telemetry.contract.decode import Received
from telemetry.store.influx.judge import STEPS_NS, Judgement, Known, judge
from telemetry.store.influx.runs import Runs
from telemetry.store.interface import Outcome, Rejected, Verdict
from tests.contracts.store.builders import ANCHOR, POWER, S, power

NOTHING = Known({}, {}, {}, {})
BOOT = ("tx2", "b1")


def held(*seqs: int) -> Known:
    """Frames that were stored, each at its second."""
    runs = Runs()
    for seq in seqs:
        runs.add(seq, ANCHOR + seq * S)
    return Known({BOOT: ANCHOR}, {POWER: runs}, {}, {})


def judged(frames: Sequence[Received], known: Known = NOTHING, **refused: Rejected) -> Judgement:
    return judge(frames, known, {int(at.removeprefix("at")): why for at, why in refused.items()})


def outcomes(frames: Sequence[Received], known: Known = NOTHING) -> list[Outcome]:
    return judged(frames, known).outcomes


def test_frames_in_order_are_stored_without_a_question() -> None:
    found = judged([power(0), power(1), power(5)])
    assert found.outcomes == [Verdict.STORED] * 3
    assert [taken.stamp for taken in found.taken] == [ANCHOR, ANCHOR + S, ANCHOR + 5 * S]
    assert not found.unknown
    assert not found.doubtful


def test_nothing_that_is_known_is_changed() -> None:
    known = held(0)
    judged([power(1)], known)
    assert 1 not in known.runs[POWER]


def test_a_held_frame_is_asked_about_and_then_told_apart() -> None:
    known = held(0)
    assert [taken.at for taken in judged([power(0)], known).unknown] == [0]
    same = known._replace(digests={(POWER, 0): power(0).digest})
    assert outcomes([power(0), power(0, missed=1)], same) == [Verdict.REPEAT, Verdict.CONFLICT]


def test_a_held_frame_whose_body_expired_is_a_repeat() -> None:
    assert outcomes([power(0)], held(0)._replace(digests={(POWER, 0): None})) == [Verdict.REPEAT]


def test_a_refused_frame_leaves_its_number_to_the_next_one() -> None:
    found = judged([power(0), power(0, missed=1)], at0=Rejected("no"))
    assert found.outcomes == [Rejected("no"), Verdict.STORED]


def test_a_backlog_that_fills_a_hole_is_in_order() -> None:
    found = judged([power(3), power(2)], held(0, 1, 9))
    assert not found.tangled
    assert not found.doubtful


def test_a_time_that_may_be_taken_is_asked_about() -> None:
    found = judged([power(7, t0=S)], held(0, 1, 2))
    assert [taken.received.frame.seq for taken in found.doubtful] == [7]
    assert found.tangled == {POWER}


def test_two_frames_of_one_time_lie_beside_each_other() -> None:
    known = held(0, 1, 2)._replace(stamps={(POWER, 7): {ANCHOR + S: 1}})
    (taken,) = judged([power(7, t0=S)], known).taken
    assert taken.stamp == ANCHOR + S + 1


def test_a_frame_finds_the_place_it_was_written_to_before_it_was_acknowledged() -> None:
    known = held(0, 1, 2)._replace(stamps={(POWER, 7): {ANCHOR + S: 1, ANCHOR + S + 1: 7}})
    (taken,) = judged([power(7, t0=S)], known).taken
    assert taken.stamp == ANCHOR + S + 1


def test_frames_of_one_time_in_one_batch_lie_beside_each_other() -> None:
    first = judged([power(0), power(1, t0=0), power(2, t0=0)])
    spots = {(POWER, taken.received.frame.seq): {} for taken in first.doubtful}
    found = judged([power(0), power(1, t0=0), power(2, t0=0)], NOTHING._replace(stamps=spots))
    assert [taken.stamp - ANCHOR for taken in found.taken] == [0, 1, 2]


def test_where_no_place_is_left_the_frame_is_refused() -> None:
    full = {ANCHOR + S + step: 100 + step for step in range(STEPS_NS)}
    known = held(0, 1, 2)._replace(stamps={(POWER, 7): full})
    (outcome,) = outcomes([power(7, t0=S)], known)
    assert isinstance(outcome, Rejected)
