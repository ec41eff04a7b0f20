from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.energy import SensorFacts, WindowEnergy, measure, ratio_u95
from tests.unit.energy.waves import MS, constant, ns, trace_of, without

FACTS = SensorFacts(period_ns=10 * MS, gain_u=0.05, offset_u_w=0.2)


def window(watts: float, facts: SensorFacts = FACTS) -> WindowEnergy:
    return measure(trace_of(constant(watts), -1, 11, 10), facts, ns(0), ns(10))


def test_a_gain_cancels_in_a_ratio() -> None:
    facts = SensorFacts(period_ns=10 * MS, gain_u=0.05)
    assert ratio_u95(window(10, facts), window(20, facts)) == 0.0


def test_an_offset_cancels_between_equal_powers() -> None:
    assert ratio_u95(window(10), window(10)) == pytest.approx(0.0, abs=1e-9)


def test_of_an_offset_there_remains_what_it_weighs_more_in_the_one_than_in_the_other() -> None:
    assert ratio_u95(window(10), window(20)) == pytest.approx(1.96 * 0.2 * (1 / 10 - 1 / 20), rel=1e-3)


def test_what_is_not_shared_adds_in_quadrature() -> None:
    facts = replace(FACTS, offset_u_w=None, noise_w=1.0)
    one, other = window(10, facts), window(20, facts)
    expected = ((one.energy_u95_comparable_j / 100) ** 2 + (other.energy_u95_comparable_j / 200) ** 2) ** 0.5
    assert ratio_u95(one, other) == pytest.approx(expected)


def test_without_an_energy_there_is_no_ratio() -> None:
    empty = measure(without(trace_of(constant(10), -1, 1, 10), -1, 1, 10), FACTS, ns(5), ns(6))
    assert ratio_u95(window(10), empty) is None
