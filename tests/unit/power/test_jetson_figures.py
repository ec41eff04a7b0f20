"""What the chips of a Jetson are good for: their steps, offset, averaging, as its manifest says it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_node.power.jetson import ina3221
from edge_node.power.jetson.sensor import JetsonSensor, Options

TX2 = "jetson-tx2"
IIO = "sys/bus/i2c/drivers/ina3221x"
Machine = Callable[[str], Path]


def _open(root: Path) -> JetsonSensor:
    return JetsonSensor(Options(root=str(root)))


def test_a_step_is_the_shunts_over_its_resistance_times_the_volts(machine: Machine) -> None:
    # 40 µV over 5 mΩ are 8 mA; at 19.152 V and 5.08 V.
    assert _open(machine(TX2)).info.resolution_w == pytest.approx(0.008 * 19.152)
    assert _open(machine("jetson-nano")).info.resolution_w == pytest.approx(0.008 * 5.08)


def test_the_shunt_that_the_system_tells_comes_before_the_boards(machine: Machine) -> None:
    root = machine("jetson-xavier-nx")
    (root / "sys/class/hwmon/hwmon4/shunt1_resistor").write_text("2500\n")
    assert _open(root).info.resolution_w == pytest.approx(0.016 * 4.976)


def test_the_steps_of_a_sum_add_up_in_quadrature(machine: Machine) -> None:
    steps = [0.020 * 19.752, 0.020 * 19.752, 0.020 * 4.968]
    assert _open(machine("jetson-agx-orin")).info.resolution_w == pytest.approx(math.hypot(*steps))


def test_the_shunts_offset_is_an_offset_and_not_a_gain(machine: Machine) -> None:
    info = _open(machine(TX2)).info
    assert info.offset_w_uncertainty == pytest.approx(80e-6 / 5e-3 * 19.152 / math.sqrt(3))
    assert info.gain_uncertainty == pytest.approx(0.0061, abs=1e-4)


@pytest.mark.parametrize(
    ("config", "ms"),
    [(0x7727, 3 * 64 * 2.2), (0x7003, 3 * 0.28), (0x4127, 2.2), (0x7FFF, 3 * 1024 * 16.488)],
)
def test_a_round_of_the_chip_is_channels_times_averages_times_conversions(config: int, ms: float) -> None:
    assert ina3221.update_ms(config) == pytest.approx(ms)


def test_what_the_chip_averages_is_in_the_manifest_and_half_of_it_is_the_delay(machine: Machine) -> None:
    info = _open(machine(TX2)).info
    assert info.averaging_window_ms == info.period_ms == pytest.approx(422.4)
    assert info.delay_ms == pytest.approx(422.4)


def test_a_chip_that_converts_on_demand_averages_as_that_is_set(machine: Machine) -> None:
    root = machine(TX2)
    for mode in root.glob(f"{IIO}/*/*/running_mode"):
        mode.write_text("0\n")
    # 0x7723: 64 averages as well, of 1.1 ms each.
    assert _open(root).info.averaging_window_ms == pytest.approx(422.4)


def test_averaging_that_the_system_does_not_tell_stays_unknown(machine: Machine) -> None:
    info = _open(machine("jetson-nano")).info
    assert info.averaging_window_ms is None
    assert info.delay_ms == info.period_ms / 2
