"""Energy above idle: what two windows of one sensor share of its uncertainty, and what is each one's own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from analyzer.energy import Line, Rest, WindowEnergy, above_idle, measure, moved_w
from tests.unit.energy.waves import FAST, constant, ns, trace_of

CALM = replace(FAST, origin="synthetic")


def window(power_w: float, seconds: float, *lines: Line) -> WindowEnergy:
    """A window of a constant power, with exactly these lines in its budget."""
    trace = trace_of(constant(power_w), -1, seconds + 1, 1)
    return replace(measure(trace, CALM, ns(0), ns(seconds)), budget=lines)


def rest(power_w: float, seconds: float, *lines: Line, moved: float = 0.0) -> Rest:
    return Rest(window(power_w, seconds, *lines), moved, "as seen")


def lines_of(window: WindowEnergy, rest: Rest) -> dict[str, float]:
    net = above_idle(window, rest)
    assert net is not None
    return {line.name: line.u_j for line in net.budget}


def test_net_energy_is_what_lies_above_idle() -> None:
    net = above_idle(window(10, 10), rest(4, 5))
    assert net is not None
    assert (net.idle_w, net.net_j) == (pytest.approx(4.0), pytest.approx(60.0))


def test_a_gain_acts_on_the_difference() -> None:
    gain = Line("gain", 1.0, "1.00% of the energy", shared=True)
    assert lines_of(window(10, 10, gain), rest(9, 10, gain))["gain"] == pytest.approx(0.1)


def test_an_offset_of_both_windows_cancels() -> None:
    offset = Line("offset", 5.0, "0.5 W for the whole window", shared=True)
    net = above_idle(window(10, 10, offset), rest(4, 10, offset))
    assert net is not None
    assert net.net_u95_j == 0.0
    assert {line.name: line.how for line in net.budget}["offset"] == "the same in both windows: it cancels"


def test_each_windows_own_lines_count_the_rests_as_often_as_it_fits_into_the_window() -> None:
    noise = Line("noise", 0.3, "")
    found = lines_of(window(10, 10, noise, Line("sampling", 0.4, "")), rest(4, 5, noise))
    assert (found["energy"], found["idle"]) == (pytest.approx(0.5), pytest.approx(0.6))


def test_an_idle_power_that_moves_is_a_rectangle_as_wide_as_it_was_seen_to_move() -> None:
    net = above_idle(window(10, 10), rest(4, 10, moved=0.2))
    assert net is not None
    assert lines_of(window(10, 10), rest(4, 10, moved=0.2))["idle_drift"] == pytest.approx(2.0 / math.sqrt(3))
    assert net.net_u95_j == pytest.approx(0.95 * 2.0, rel=1e-3)


def test_how_far_power_moved_is_the_distance_of_the_means() -> None:
    assert moved_w([window(4.0, 5), window(4.3, 5), window(3.9, 5)]) == pytest.approx(0.4)


def test_a_window_or_a_rest_without_readings_has_nothing_above_idle() -> None:
    nothing = measure(trace_of(constant(10), -9, -8, 1), CALM, ns(0), ns(10))
    assert above_idle(nothing, rest(4, 10)) is None
    assert above_idle(window(10, 10), Rest(nothing, 0.0, "")) is None


@pytest.mark.parametrize("power_w", [3.0, 4.0])
def test_a_window_below_idle_or_at_idle_has_an_interval_too(power_w: float) -> None:
    gain = Line("gain", 0.01 * power_w * 10, "", shared=True)
    net = above_idle(window(power_w, 10, gain, Line("noise", 0.1, "")), rest(4, 10))
    assert net is not None
    assert net.net_j == pytest.approx((power_w - 4) * 10)
    assert np.isfinite(net.net_u95_j)
    assert net.net_u95_j >= 0.19
