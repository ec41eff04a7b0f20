from __future__ import annotations

import numpy as np
import pytest

from analyzer.clockline import pieces, steps
from telemetry.contract.frames import Exchange

MS = 1_000_000
S = 1_000_000_000


def told(at_s: float, offset_ns: int, there_ms: float = 1.0, back_ms: float = 1.0) -> Exchange:
    t1 = round(at_s * S)
    t2 = t1 + round(there_ms * MS) + offset_ns
    return Exchange(t1=t1, t2=t2, t3=t2, t4=t2 - offset_ns + round(back_ms * MS))


def jittered(rng: np.random.Generator, jump_ns: int, drift: float = 0.0) -> list[Exchange]:
    """Pings every 10 s for 20 minutes with 50 ms of jitter; UTC jumps after 600 s."""
    return [
        told(t, round(drift * t * S) + (jump_ns if t > 600 else 0), *rng.uniform(0.5, 50, 2))
        for t in range(0, 1200, 10)
    ]


@pytest.mark.parametrize("drift", [0.0, 80e-6, -80e-6])
def test_a_clock_that_only_drifts_has_no_step(drift: float) -> None:
    assert steps(jittered(np.random.default_rng(1), 0, drift)) == []


@pytest.mark.parametrize("jump_s", [0.3, -0.3, 5.0, 86_400.0])
def test_a_step_is_found_where_it_is_and_as_large_as_it_is(jump_s: float) -> None:
    for seed in range(8):
        [step] = steps(jittered(np.random.default_rng(seed), round(jump_s * S)))
        assert step.after_ns <= 600 * S + 50 * MS <= step.before_ns + 60 * MS
        assert abs(step.size_ns - jump_s * S) <= step.u95_ns < 60 * MS


def test_two_steps_are_two() -> None:
    some = [told(t, (t > 100) * 5 * S + (t > 300) * -2 * S) for t in range(0, 500, 10)]
    assert [round(step.size_ns / S) for step in steps(some)] == [5, -2]


def test_without_two_exchanges_nothing_can_step() -> None:
    assert steps([]) == steps([told(1, 0)]) == []


def test_a_drifting_clock_is_pieces_of_line_that_know_their_slope() -> None:
    drift = 40e-6
    found = pieces([told(t, round(drift * t * S)) for t in range(0, 3600, 10)])
    assert len(found) == 3
    for piece in found:
        middle = (piece.begin_ns + piece.end_ns) / 2
        assert abs(piece.offset.offset_ns - drift * middle) <= piece.offset.u95_ns < 3 * MS
        assert abs(piece.offset.drift_ppm - 40) <= piece.offset.drift_u95_ppm < 5


def test_no_piece_lies_across_a_step() -> None:
    found = pieces([told(t, 5 * S if t > 300 else 0) for t in range(0, 600, 10)])
    assert [round(piece.offset.offset_ns / S) for piece in found] == [0, 5]


def test_the_order_of_exchanges_changes_nothing() -> None:
    some = jittered(np.random.default_rng(3), 2 * S)
    assert pieces(some[::-1]) == pieces(some)
