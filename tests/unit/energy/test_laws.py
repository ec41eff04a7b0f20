"""The laws of a window's energy, on the way that the analyzer takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.energy import Known, Piece, SensorFacts, WindowEnergy, join, measure
from tests.unit.energy.waves import MS, ns

FACTS = SensorFacts(period_ns=20 * MS, averaging_ns=5 * MS, gain_u=0.02)
MARKED = Known(is_marked=True)
laws = settings(deadline=None, max_examples=40)

powers = st.lists(st.floats(0, 100), min_size=60, max_size=200)
moments = st.floats(0.1, 0.9)


def pieces(watts: list[float]) -> list[Piece]:
    """Frames of ten readings, 20 ms apart, from 0 s on."""
    times = ns(0) + np.arange(len(watts), dtype=np.int64) * 20 * MS
    return [
        Piece(int(times[at]), times[at : at + 10], np.array(watts[at : at + 10])[:, None], 20 * MS)
        for at in range(0, len(watts), 10)
    ]


def measured(
    watts: list[float], begin: float, end: float, known: Known | None = None, **facts: Any
) -> WindowEnergy:
    length = 0.02 * (len(watts) - 1)
    window = ns(begin * length), ns(end * length)
    return measure(join(pieces(watts)), replace(FACTS, **facts), *window, known or Known())


@laws
@given(powers, moments)
def test_splitting_a_window_changes_no_energy(watts: list[float], at: float) -> None:
    parts = measured(watts, 0, at).energy_j + measured(watts, at, 1).energy_j
    assert parts == pytest.approx(measured(watts, 0, 1).energy_j, abs=1e-6)


@laws
@given(powers, st.randoms())
def test_the_order_of_arrival_changes_nothing(watts: list[float], random: Any) -> None:
    frames = pieces(watts)
    shuffled = random.sample(frames, len(frames))
    window = ns(0.1), ns(0.9 * 0.02 * len(watts))
    assert measure(join(shuffled), FACTS, *window, MARKED) == measure(join(frames), FACTS, *window, MARKED)


@laws
@given(powers, st.floats(0, 50), st.sampled_from([Known(), MARKED]))
def test_a_constant_added_adds_constant_times_time_and_no_uncertainty(
    watts: list[float], added: float, known: Known
) -> None:
    plain = measured(watts, 0.1, 0.9, known, gain_u=None)
    more = measured([each + added for each in watts], 0.1, 0.9, known, gain_u=None)
    seconds = (plain.end_ns - plain.begin_ns) / 1e9
    assert more.energy_j == pytest.approx(plain.energy_j + added * seconds, abs=1e-6)
    assert more.energy_u95_j == pytest.approx(plain.energy_u95_j, rel=1e-6, abs=1e-5)


@laws
@given(powers, st.floats(0.1, 10), st.sampled_from([Known(), MARKED]))
def test_power_that_scales_scales_energy_and_uncertainty(
    watts: list[float], factor: float, known: Known
) -> None:
    plain = measured(watts, 0.1, 0.9, known)
    scaled = measured([each * factor for each in watts], 0.1, 0.9, known)
    assert scaled.energy_j == pytest.approx(factor * plain.energy_j, abs=1e-6)
    assert scaled.energy_u95_j == pytest.approx(factor * plain.energy_u95_j, rel=1e-6, abs=1e-5)


@laws
@given(powers, moments)
def test_the_energy_lies_between_the_lowest_and_the_highest_power(watts: list[float], begin: float) -> None:
    for known in (Known(), MARKED):
        result = measured(watts, 0.9 * begin, 1, known)
        seconds = (result.end_ns - result.begin_ns) / 1e9
        assert min(watts) * seconds - 1e-6 <= result.energy_j <= max(watts) * seconds + 1e-6


@laws
@given(powers, st.floats(0, 1), st.floats(0.001, 0.5), st.booleans())
def test_any_window_between_marks_has_an_energy_or_no_reading(
    watts: list[float], begin: float, length_s: float, holds: bool
) -> None:
    """However short, and wherever: few clean readings are no error."""
    facts = SensorFacts(period_ns=100 * MS, averaging_ns=30 * MS, delay_ns=65 * MS, holds=holds)
    start = ns(begin * 0.02 * len(watts))
    batches = start + np.arange(20, dtype=np.int64) * round(length_s * 1e9 / 20)
    known = Known(is_marked=True, batch_begin_ns=batches)
    result = measure(join(pieces(watts)), facts, start, start + round(length_s * 1e9), known)
    assert (result.energy_j is None) == (result.samples == 0)
    assert result.energy_j is None or np.isfinite(result.energy_u95_j)
