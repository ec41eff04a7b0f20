"""The estimate: what it computes, and that it never passes for a measurement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_node.power import estimate
from edge_node.power.sensor import SensorError, SensorSpec
from telemetry.contract.errors import UserError

S = 1_000_000_000
Machine = Callable[[str], Path]


def _sensor(root: Path) -> estimate.EstimateSensor:
    return estimate.EstimateSensor(
        estimate.Options(idle_w=4.0, tdp_w=24.0, path=str(root / estimate.PROC_STAT))
    )


def _jiffies(root: Path, busy: int, idle: int) -> None:
    (root / estimate.PROC_STAT).write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\n")


def test_watts_follow_the_share_of_busy_time(machine: Machine) -> None:
    root = machine("rapl-desktop")
    _jiffies(root, 1000, 1000)
    sensor = _sensor(root)
    _jiffies(root, 1030, 1010)
    assert sensor.read(S) == pytest.approx([4.0 + 0.75 * 20.0])


def test_waiting_for_a_disk_is_idle(machine: Machine) -> None:
    root = machine("rapl-desktop")
    (root / estimate.PROC_STAT).write_text("cpu  100 0 0 100 100 0 0 0 0 0\n")
    sensor = _sensor(root)
    (root / estimate.PROC_STAT).write_text("cpu  100 0 0 100 200 0 0 0 0 0\n")
    assert sensor.read(S) == pytest.approx([4.0])


def test_a_value_stands_for_a_tenth_of_a_second(machine: Machine) -> None:
    root = machine("rapl-desktop")
    _jiffies(root, 0, 100)
    sensor = _sensor(root)
    _jiffies(root, 10, 100)
    first = sensor.read(S)
    _jiffies(root, 10, 200)
    assert sensor.read(S + S // 20) == first
    assert sensor.read(S + S // 10) == pytest.approx([4.0])


def test_its_origin_is_estimated_and_its_gain_is_worth_little(machine: Machine) -> None:
    info = _sensor(machine("rapl-desktop")).info
    assert (info.origin, info.gain_uncertainty) == ("estimated", 0.5)


def test_without_a_stated_model_it_does_not_open() -> None:
    with pytest.raises(UserError, match="idle_w"):
        estimate.open_sensor(SensorSpec("estimate"), 0.05)


def test_a_model_that_draws_less_at_work_than_at_rest_is_refused() -> None:
    with pytest.raises(UserError, match="idle_w <= tdp_w"):
        estimate.Options(idle_w=20.0, tdp_w=10.0)


@pytest.mark.parametrize("text", ["", "nothing of the kind\n", "cpu  1 2\n", "cpu  a b c d\n"])
def test_statistics_of_another_shape_are_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stat"
    path.write_text(text)
    with pytest.raises(SensorError, match="stat: the line"):
        estimate.EstimateSensor(estimate.Options(idle_w=1, tdp_w=2, path=str(path)))
