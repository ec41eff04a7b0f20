"""Finding sensors: the best is taken, each of the others says why not, and periods are measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_node.power import nvml
from edge_node.power.discover import (
    DRIVERS,
    TrialsOn,
    best,
    discover,
    open_sensor,
)
from edge_node.power.sensor import Found, SensorSpec
from telemetry.contract.errors import UserError
from tests.fakes.nvml import FakeGpu, FakeNvml

Machine = Callable[[str], Path]


def test_every_driver_says_its_reason_in_words(tmp_path: Path) -> None:
    found = discover(tmp_path)
    assert [one.driver for one in found] == list(DRIVERS)
    assert all(len(one.reason) > 15 for one in found)


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("jetson-tx2", "jetson"),
        ("rapl-laptop", "rapl"),
        ("battery-current", "battery"),
        ("battery-charging", "estimate"),
    ],
)
def test_the_best_sensor_is_one_that_measures_where_there_is_one(
    machine: Machine, name: str, driver: str
) -> None:
    spec = best(discover(machine(name)))
    assert spec is not None
    assert spec.driver == driver
    open_sensor(spec).close()


def test_an_estimate_comes_last_and_says_what_it_is(machine: Machine) -> None:
    last = discover(machine("rapl-laptop"))[-1]
    assert last.driver == "estimate"
    assert "ESTIMATE, not a measurement" in last.reason


def test_made_up_and_recorded_numbers_are_never_taken_by_themselves(machine: Machine) -> None:
    found = {one.driver: one for one in discover(machine("rapl-laptop"))}
    assert found["synthetic"].spec is None
    assert found["replay"].spec is None


@pytest.fixture
def beside(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Found]]:
    """What is found on that machine with an RTX 3050 put into it."""
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu()))

    def found(name: str) -> list[Found]:
        root = machine(name)
        driver = root / nvml.DRIVER_FILES[0]
        driver.parent.mkdir(parents=True)
        driver.touch()
        return discover(root)

    return found


@pytest.mark.parametrize(
    ("name", "trials_on", "driver"),
    [
        ("rapl-laptop", "cpu", "rapl"),
        ("rapl-laptop", "cuda", "nvml"),
        ("battery-current", "cpu", "battery"),
        ("battery-charging", "cpu", "estimate"),
        ("battery-charging", "cuda", "nvml"),
        ("jetson-agx-orin", "cpu", "jetson"),
        ("jetson-agx-orin", "cuda", "jetson"),
    ],
)
def test_beside_a_gpu_the_best_is_the_one_that_sees_what_trials_run_on(
    beside: Callable[[str], list[Found]], name: str, trials_on: TrialsOn, driver: str
) -> None:
    spec = best(beside(name), trials_on)
    assert spec is not None
    assert spec.driver == driver


def test_trials_on_a_gpu_are_not_measured_at_the_processor(machine: Machine) -> None:
    assert best(discover(machine("rapl-laptop")), "cuda") is None


def test_a_machine_with_nothing_has_no_best(tmp_path: Path) -> None:
    assert best(discover(tmp_path)) is None


def test_an_unknown_driver_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"'nvidia' is unknown; there are jetson, nvml, rapl"):
        open_sensor(SensorSpec("nvidia"))


def test_a_stream_that_cannot_stand_in_a_topic_is_refused() -> None:
    with pytest.raises(UserError, match="stream 'Main/1'"):
        open_sensor(SensorSpec("synthetic", stream="Main/1"))


def test_only_the_driver_that_is_asked_for_is_loaded() -> None:
    code = (
        "import sys; from edge_node.power.discover import open_sensor, SensorSpec\n"
        "open_sensor(SensorSpec('synthetic')); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"edge_node.power.rapl", "edge_node.power.replay", "asyncio", "numpy"}
