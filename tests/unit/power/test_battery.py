"""The battery: the machine's power only while it discharges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_node.power import battery
from edge_node.power.sensor import SensorError

S = 1_000_000_000
Machine = Callable[[str], Path]


def _folder(root: Path, name: str = "BAT0") -> Path:
    return root / battery.POWER_SUPPLY / name


def test_power_now_is_in_microwatts(machine: Machine) -> None:
    sensor = battery.BatterySensor(_folder(machine("battery-power")))
    assert sensor.read(0) == pytest.approx([13.42])


def test_current_times_voltage_where_there_is_no_power_and_its_sign_does_not_matter(machine: Machine) -> None:
    sensor = battery.BatterySensor(_folder(machine("battery-current"), "BAT1"))
    assert sensor.read(0) == pytest.approx([14.25])


def test_while_it_charges_there_is_no_reading(machine: Machine) -> None:
    sensor = battery.BatterySensor(_folder(machine("battery-charging")))
    with pytest.raises(SensorError, match="BAT0 is charging"):
        sensor.read(0)


def test_readings_end_when_the_charger_is_plugged_in_and_come_back(machine: Machine) -> None:
    root = machine("battery-power")
    sensor = battery.BatterySensor(_folder(root))
    sensor.read(0)
    (_folder(root) / "status").write_text("Charging\n")
    with pytest.raises(SensorError):
        sensor.read(S)
    (_folder(root) / "status").write_text("Discharging\n")
    assert sensor.read(2 * S) == pytest.approx([13.42])


def test_the_controller_is_not_asked_more_often_than_it_can_know(machine: Machine) -> None:
    root = machine("battery-power")
    sensor = battery.BatterySensor(_folder(root))
    sensor.read(0)
    (_folder(root) / "power_now").write_text("20000000\n")
    assert sensor.read(S // 20) == pytest.approx([13.42])
    assert sensor.read(S // 5) == pytest.approx([20.0])


def test_a_discharging_battery_is_taken_and_a_mouse_is_not(machine: Machine) -> None:
    root = machine("battery-power")
    found = battery.find(root)
    assert found.spec is not None
    assert found.spec.options == {"path": str(_folder(root))}


def test_a_charging_battery_is_passed_over_with_the_cure(machine: Machine) -> None:
    found = battery.find(machine("battery-charging"))
    assert found.spec is None
    assert "unplug the charger" in found.reason


def test_a_battery_that_says_no_power_is_passed_over(machine: Machine) -> None:
    root = machine("battery-power")
    (_folder(root) / "power_now").unlink()
    assert "neither power_now nor current_now" in battery.find(root).reason


def test_two_batteries_are_passed_over_as_none_sees_the_whole_machine(machine: Machine) -> None:
    root = machine("battery-power")
    _folder(root).rename(_folder(root, "BAT1"))
    second = machine("battery-current") / battery.POWER_SUPPLY / "BAT1"
    second.rename(_folder(root, "BAT0"))
    assert "two batteries" in battery.find(root).reason


def test_a_machine_without_a_battery_says_so(tmp_path: Path) -> None:
    assert "no battery" in battery.find(tmp_path).reason
