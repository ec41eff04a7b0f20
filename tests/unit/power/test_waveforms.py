"""Laws of the truth that everything else is held against."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_node.power.waveforms import Bursts, Constant, Ramp, Sine, Square, Telegraph, Waveform, chance, make

WAVES = ("constant", "square", "sine", "ramp", "bursts", "telegraph")

waves = st.builds(
    make,
    st.sampled_from(WAVES),
    low_w=st.floats(0, 50),
    step_w=st.floats(0, 50),
    period_s=st.floats(0.01, 5),
    duty=st.floats(0.05, 1),
    seed=st.integers(0, 100),
)
times = st.floats(-10, 1e6)
lengths = st.floats(0, 5)


@given(waves, times, lengths, lengths)
def test_splitting_a_window_changes_no_energy(wave: Waveform, t0: float, first: float, second: float) -> None:
    parts = wave.energy_j(t0, t0 + first) + wave.energy_j(t0 + first, t0 + first + second)
    assert parts == pytest.approx(wave.energy_j(t0, t0 + first + second), abs=1e-6)


@given(waves, times)
def test_power_stays_between_low_and_low_plus_step(wave: Waveform, t: float) -> None:
    low_w = wave.low_w  # type: ignore[attr-defined]
    step_w = getattr(wave, "step_w", 0.0)
    assert low_w <= wave.power_w(t) <= low_w + step_w + 1e-9


@given(waves, times, lengths)
def test_energy_lies_between_low_and_high_power(wave: Waveform, t0: float, length: float) -> None:
    length = (t0 + length) - t0
    low_w = wave.low_w  # type: ignore[attr-defined]
    high_w = low_w + getattr(wave, "step_w", 0.0)
    energy_j = wave.energy_j(t0, t0 + length)
    assert low_w * length - 1e-6 <= energy_j <= high_w * length + 1e-6


@pytest.mark.parametrize("name", WAVES)
def test_the_integral_is_what_many_small_steps_add_up_to(name: str) -> None:
    wave = make(name, 3.0, 7.0, 0.731, 0.4, seed=5)  # type: ignore[arg-type]
    steps, t0, t1 = 200_000, 100.3, 104.9
    width = (t1 - t0) / steps
    total = math.fsum(wave.power_w(t0 + (step + 0.5) * width) for step in range(steps)) * width
    assert wave.energy_j(t0, t1) == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize(
    ("wave", "energy_j"),
    [
        (Constant(4.0), 12.0),
        (Square(1.0, 10.0, period_s=1.0, duty=0.2), 9.0),
        (Sine(1.0, 10.0, period_s=1.0), 18.0),
        (Ramp(1.0, 10.0, period_s=1.0), 18.0),
        (Bursts(1.0, 10.0, period_s=1.0, duty=0.5), 10.5),
    ],
)
def test_three_whole_periods_hold_the_energy_of_the_textbook(wave: Waveform, energy_j: float) -> None:
    assert wave.energy_j(7.0, 10.0) == pytest.approx(energy_j)


def test_a_window_of_a_machine_that_is_up_for_weeks_keeps_its_digits() -> None:
    wave = Square(1.0, 10.0, period_s=0.1, duty=0.2)
    assert wave.energy_j(3e6, 3e6 + 0.025) == pytest.approx(wave.energy_j(0.0, 0.025), rel=1e-6)


def test_a_telegraph_is_high_as_often_as_its_duty_says() -> None:
    wave = Telegraph(0.0, 1.0, cell_s=0.1, duty=0.3, seed=4)
    assert wave.energy_j(0.0, 1000.0) / 1000.0 == pytest.approx(0.3, abs=0.02)


def test_another_seed_is_another_telegraph() -> None:
    one, two = (Telegraph(0.0, 1.0, 0.1, seed=seed).energy_j(0.0, 30.0) for seed in (1, 2))
    assert one != two


@given(st.integers(0, 2**40), st.integers(-(2**40), 2**62))
def test_chance_lies_in_zero_to_one(seed: int, number: int) -> None:
    assert 0 <= chance(seed, number) < 1
