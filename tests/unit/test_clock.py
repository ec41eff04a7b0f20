from __future__ import annotations

import numpy as np
import pytest

from analyzer.clock import Offset, offset_at
from telemetry.contract.frames import Exchange

MS = 1_000_000
S = 1_000_000_000
BASE = 1_700_000_000_000_000_000


def exchange(at_s: float, offset_ns: int, there_ms: float, back_ms: float) -> Exchange:
    """One exchange that begins at `at_s` of the node's clock; the peer takes 1 ms to answer."""
    t1 = round(at_s * S)
    t2 = t1 + round(there_ms * MS) + offset_ns
    t3 = t2 + MS
    return Exchange(t1=t1, t2=t2, t3=t3, t4=t3 - offset_ns + round(back_ms * MS))


def known(offset: Offset | None) -> Offset:
    assert offset is not None
    return offset


def test_equal_delays_give_the_offset_exactly() -> None:
    offset = known(offset_at([exchange(10, 7 * MS, 2, 2)], 10 * S))
    assert offset.offset_ns == pytest.approx(7 * MS, abs=2_000)
    assert offset.u95_ns == pytest.approx(2 * MS, rel=0.01)


def test_lopsided_delays_stay_inside_the_interval() -> None:
    offset = known(offset_at([exchange(10, 7 * MS, 50, 0)], 10 * S))
    assert abs(offset.offset_ns - 7 * MS) <= offset.u95_ns


def test_each_direction_takes_its_fastest_message() -> None:
    both = [exchange(10, 0, 40, 1), exchange(10.1, 0, 1, 40)]
    offset = known(offset_at(both, 10 * S))
    assert offset.u95_ns == pytest.approx(1 * MS, rel=0.05)


def test_monotonic_against_utc_loses_no_precision() -> None:
    offset = known(offset_at([exchange(10, BASE + 123_456_789, 0.5, 0.5)], 10 * S))
    assert offset.offset_ns == pytest.approx(BASE + 123_456_789, abs=2_000)


def test_no_exchange_has_no_offset() -> None:
    assert offset_at([], 10 * S) is None


def test_exchanges_far_away_say_nothing() -> None:
    assert offset_at([exchange(10, 0, 1, 1)], 3_000 * S) is None


def test_an_impossible_exchange_is_left_out() -> None:
    broken = Exchange(t1=10 * S, t2=0, t3=5 * S, t4=10 * S + MS)
    assert offset_at([broken], 10 * S) is None
    assert known(offset_at([broken, exchange(11, 3 * MS, 1, 1)], 10 * S)).exchanges == 1


def test_the_order_of_exchanges_changes_nothing() -> None:
    some = [exchange(10 + i, 5 * MS, 1 + i % 3, 2 + i % 5) for i in range(10)]
    assert offset_at(some[::-1], 12 * S) == offset_at(some, 12 * S)


def test_a_single_exchange_is_less_sure_further_away() -> None:
    near = known(offset_at([exchange(10, 0, 1, 1)], 10 * S))
    far = known(offset_at([exchange(10, 0, 1, 1)], 100 * S))
    assert far.u95_ns > near.u95_ns + 8 * MS


def test_a_drifting_clock_is_followed() -> None:
    drift = 60e-6
    some = [exchange(t, round(drift * t * S), 1, 1) for t in np.arange(0, 300, 10.0)]
    offset = known(offset_at(some, 150 * S))
    assert offset.offset_ns == pytest.approx(drift * 150 * S, abs=0.2 * MS)


def test_after_a_step_of_the_peer_the_nearest_exchanges_count() -> None:
    before = [exchange(t, 0, 1, 1) for t in range(0, 100, 10)]
    after = [exchange(t, 5 * S, 1, 1) for t in range(110, 200, 10)]
    assert known(offset_at([*before, *after], 20 * S)).offset_ns == pytest.approx(0, abs=3 * MS)
    assert known(offset_at([*before, *after], 180 * S)).offset_ns == pytest.approx(5 * S, abs=3 * MS)


def jittered(rng: np.random.Generator, shape: str) -> tuple[list[Exchange], int, int]:
    """30 pings over 5 minutes, drift within 50 ppm, up to 50 ms of jitter: exchanges, instant, truth (ns)."""
    start, drift = int(rng.integers(-S, S)), rng.uniform(-50e-6, 50e-6)
    times = np.sort(rng.uniform(0, 300, 30))
    there = 0.5 + rng.uniform(0, 50, 30)
    back = (
        0.5
        + {
            "lopsided": np.zeros(30),
            "uniform": rng.uniform(0, 50, 30),
            "exponential": rng.exponential(50, 30),
        }[shape]
    )
    some = [
        exchange(float(t), start + round(drift * t * S), float(f), float(b))
        for t, f, b in zip(times, there, back, strict=True)
    ]
    return some, 150 * S, start + round(drift * 150 * S)


@pytest.mark.parametrize("shape", ["lopsided", "uniform", "exponential"])
def test_thirty_pings_with_50_ms_of_jitter_know_the_offset_to_5_ms(shape: str) -> None:
    rng, errors, covered = np.random.default_rng(42), [], []
    for _ in range(200):
        some, at_ns, truth = jittered(rng, shape)
        offset = known(offset_at(some, at_ns))
        errors.append(abs(offset.offset_ns - truth) / MS)
        covered.append(abs(offset.offset_ns - truth) <= offset.u95_ns)
    assert np.quantile(errors, 0.95) <= 5.0
    assert np.mean(covered) >= 0.95
