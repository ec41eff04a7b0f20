"""RAPL's counters: which zones add up to what, wraps, holds, and what is said when they cannot be read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_node.power import rapl
from edge_node.power.sensor import SensorError

S = 1_000_000_000
Machine = Callable[[str], Path]


def _open(root: Path, tick_s: float = 0.05) -> rapl.RaplSensor:
    return rapl.RaplSensor(root / rapl.POWERCAP, tick_s)


def _count(root: Path, zone: str, add_uj: int) -> None:
    path = root / rapl.POWERCAP / zone / "energy_uj"
    path.write_text(f"{int(path.read_text()) + add_uj}\n")


def test_the_platform_is_the_total_and_contains_the_package(machine: Machine) -> None:
    assert _open(machine("rapl-laptop")).info.channels == ("psys", "package-0")


def test_the_platform_is_never_added_to_the_package_that_it_contains(machine: Machine) -> None:
    root = machine("rapl-laptop")
    sensor = _open(root)
    sensor.read(0)
    _count(root, "intel-rapl:1", 12_000_000)
    _count(root, "intel-rapl:0", 7_000_000)
    _count(root, "intel-rapl-mmio:0", 7_000_000)
    assert sensor.read(S) == pytest.approx([12.0, 7.0])
    assert sensor.counters_j() == pytest.approx([12.0, 7.0])


def test_core_and_uncore_are_parts_of_a_lone_package(machine: Machine) -> None:
    sensor = _open(machine("rapl-desktop"))
    assert sensor.info.channels == ("package-0", "package-0-core", "package-0-uncore")


def test_packages_and_their_dram_add_up_where_there_is_no_platform_counter(machine: Machine) -> None:
    root = machine("rapl-server")
    sensor = _open(root)
    assert sensor.info.channels == ("total", "package-0", "package-1", "package-0-dram", "package-1-dram")
    sensor.read(0)
    _count(root, "intel-rapl:0", 30_000_000)
    _count(root, "intel-rapl:1:0", 5_000_000)
    assert sensor.read(S) == pytest.approx([35.0, 30.0, 0.0, 0.0, 5.0])
    assert sensor.counters_j() == pytest.approx([35.0, 30.0, 0.0, 0.0, 5.0])


def test_the_same_joules_through_mmio_are_not_counted_again(machine: Machine) -> None:
    assert len(rapl.lay_out(machine("rapl-laptop") / rapl.POWERCAP).parts) == 1


def test_power_is_energy_over_the_time_between_two_reads(machine: Machine) -> None:
    root = machine("rapl-laptop")
    sensor = _open(root)
    sensor.read(0)
    _count(root, "intel-rapl:1", 2_500_000)
    assert sensor.read(S // 4)[0] == pytest.approx(10.0)


def test_the_first_read_has_no_power_yet(machine: Machine) -> None:
    assert all(map(math.isnan, _open(machine("rapl-desktop")).read(0)))


def test_a_counter_that_wraps_goes_on(machine: Machine) -> None:
    root = machine("rapl-server")
    dram = root / rapl.POWERCAP / "intel-rapl:0:0"
    limit = int((dram / "max_energy_range_uj").read_text())
    (dram / "energy_uj").write_text(f"{limit - 1_000_000}\n")
    sensor = _open(root)
    sensor.read(0)
    (dram / "energy_uj").write_text("3000000\n")
    assert sensor.read(S)[3] == pytest.approx(4.0)
    assert sensor.counters_j()[3] == pytest.approx(4.0)


def test_the_counters_of_all_packages_wrap_each_at_its_own_end(machine: Machine) -> None:
    root = machine("rapl-server")
    zones = [root / rapl.POWERCAP / f"intel-rapl:{package}" for package in (0, 1)]
    limits = [int((zone / "max_energy_range_uj").read_text()) for zone in zones]
    for zone, limit in zip(zones, limits, strict=True):
        (zone / "energy_uj").write_text(f"{limit - 2_000_000}\n")
    sensor = _open(root)
    sensor.read(0)
    for step in range(1, 4):
        for zone, limit in zip(zones, limits, strict=True):
            raw = int((zone / "energy_uj").read_text())
            (zone / "energy_uj").write_text(f"{(raw + 1_500_000) % limit}\n")
        assert sensor.read(step * S)[:3] == pytest.approx([3.0, 1.5, 1.5])
    assert sensor.counters_j()[:3] == pytest.approx([9.0, 4.5, 4.5])


def test_between_two_updates_of_the_counter_the_last_power_holds(machine: Machine) -> None:
    root = machine("rapl-desktop")
    sensor = _open(root, tick_s=0.001)
    sensor.read(0)
    _count(root, "intel-rapl:0", 20_000)
    assert sensor.read(S // 1000)[0] == pytest.approx(20.0)
    assert sensor.read(S // 1000 + 400_000)[0] == pytest.approx(20.0)
    _count(root, "intel-rapl:0", 20_000)
    assert sensor.read(2 * S // 1000)[0] == pytest.approx(20.0)


def test_a_zone_that_stands_still_draws_nothing(machine: Machine) -> None:
    root = machine("rapl-desktop")
    sensor = _open(root)
    sensor.read(0)
    _count(root, "intel-rapl:0", 1_000_000)
    sensor.read(S // 10)
    assert sensor.read(S)[0] == 0.0


def test_a_reading_is_the_mean_of_its_tick_and_half_of_it_old(machine: Machine) -> None:
    info = _open(machine("rapl-laptop"), tick_s=0.002).info
    assert (info.averaging_window_ms, info.delay_ms, info.period_ms) == (2.0, 1.0, 1.0)


def test_a_machine_without_rapl_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="no RAPL package"):
        _open(tmp_path)


def test_a_counter_that_holds_no_number_is_named(machine: Machine) -> None:
    root = machine("rapl-desktop")
    (root / rapl.POWERCAP / "intel-rapl:0" / "energy_uj").write_text("none\n")
    with pytest.raises(SensorError, match=r"intel-rapl:0/energy_uj: a whole number is expected"):
        _open(root)


def test_counters_for_root_only_are_passed_over_with_the_cure(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = rapl.find(machine("rapl-laptop"))
    assert found.spec is None
    assert "only root may read" in found.reason
    assert "sudo chmod a+r" in found.reason


def test_a_sensor_that_somebody_named_is_refused_with_the_same_cure(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = machine("rapl-server")
    secret = str(root / rapl.POWERCAP / "intel-rapl:1:0" / "energy_uj")
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != secret)
    with pytest.raises(SensorError, match=r"intel-rapl:1:0/energy_uj; run as root, or: sudo chmod a\+r"):
        _open(root)


def test_a_counter_that_vanishes_is_an_error_and_not_a_zero(machine: Machine) -> None:
    root = machine("rapl-desktop")
    sensor = _open(root)
    sensor.read(0)
    (root / rapl.POWERCAP / "intel-rapl:0" / "energy_uj").write_text("")
    with pytest.raises(SensorError, match="a whole number is expected"):
        sensor.read(S)
